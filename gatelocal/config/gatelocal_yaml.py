"""``gatelocal.yaml``: jobs as lists of commands, for projects without Zuul → the stanzas that Zuul's files would give.

What the jobs mean is told by the built-in jobs that are their parents; nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import yaml

from gatelocal.config.located import Entry, Faults, entries, items, line_of, near, not_yaml, shown, text_of
from gatelocal.config.yaml_values import NotYaml, root_of
from gatelocal.errors import ConfigurationError
from gatelocal.jobs.families import NOOP, STEPS_JOB, STEPS_VARIABLE, TOX_JOB
from gatelocal.model.pattern import pattern_problem
from gatelocal.model.stanza import Stanza
from gatelocal.model.steps import LONGEST, SUITES
from gatelocal.model.tenant import Fault

NAME = "gatelocal.yaml"
PIPELINE = "gate"

_TOP = ("jobs",)
_COMMON = ("needs", "timeout", "label", "nodes", "voting", "files", "irrelevant-files", "environment", "description")
_JOB = ("steps", "setup", "artifacts", "tox", *_COMMON)
_STEP = ("command", "name", "suite", "results", "timeout", "directory", "environment", "node")
_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}")
_STEP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+ -]{0,79}")
_NODE_NAME = re.compile(r"(?!localhost$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TIME = re.compile(r"([1-9]\d{0,6})\s*(s|m|h|)")
_UNITS = {"s": 1, "": 1, "m": 60, "h": 3600}
_MOST_STEPS = 500
_RESERVED = re.compile(r"gatelocal-")
_TRUTH = {"true": True, "false": False, "yes": True, "no": False}


def parse(text: str, file: str = NAME) -> tuple[Stanza, ...]:
    """The stanzas of the file.

    :raises ConfigurationError: something is wrong; all mistakes are told, each with file and line.
    """
    faults = Faults()
    stanzas: tuple[Stanza, ...] = ()
    try:
        root = root_of(text)
        if root is None:
            faults.add(0, "there is nothing in it", "see `gatelocal init --print` for an example")
        else:
            stanzas = _File(file, faults).stanzas(root)
    except NotYaml as error:
        faults.found.append(not_yaml(error))
    if faults.found:
        first, *others = sorted(faults.found, key=lambda one: one.line)
        details = "\n".join(_told(file, one) + (f" ({one.hint})" if one.hint else "") for one in others)
        raise ConfigurationError(_told(file, first), details=details, hint=first.hint)
    return stanzas


def _told(file: str, fault: Fault) -> str:
    return f"{file}:{fault.line}: {fault.message}" if fault.line else f"{file}: {fault.message}"


class _File:
    """One file while it is read."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def stanzas(self, root: yaml.Node) -> tuple[Stanza, ...]:
        top = {one.key: one for one in entries(root, "the file", self._faults, _TOP)}
        if "jobs" not in top:
            self._wrong(line_of(root), "it has no `jobs:`", "name each job below it, with its `steps:`")
            return ()
        jobs = entries(top["jobs"].node, "jobs", self._faults)
        if not jobs and isinstance(top["jobs"].node, yaml.MappingNode):
            self._wrong(top["jobs"].line, "there is no job in it", "name one, with its `steps:`")
        names = [one.key for one in jobs]
        needs: dict[str, list[str]] = {}
        found = [self._job(one, names, needs) for one in jobs]
        for one in jobs:
            if circle := _circle(one.key, needs):
                self._wrong(one.line, f"job {one.key}: its needs go round in a circle: {' -> '.join(circle)}")
                break
        whole = Stanza("project", "", {PIPELINE: {"jobs": names}}, self._file, top["jobs"].line)
        return (*found, whole)

    def _job(self, job: Entry, names: list[str], needs: dict[str, list[str]]) -> Stanza:
        name, who = job.key, f"job {shown(job.key)[1:-1]}"
        if not _JOB_NAME.fullmatch(name) or name == NOOP or _RESERVED.match(name):
            hint = "letters, digits and ._+- make a name; noop and what begins with gatelocal- are taken"
            self._wrong(job.line, f"a job cannot be named {shown(name)}", hint)
        body: dict[str, object] = {"name": name}
        if not isinstance(job.node, yaml.MappingNode):
            body |= self._steps(who, {}, self._list(job.node, who))
            return Stanza("job", name, body, self._file, job.line)
        keys = {one.key: one for one in entries(job.node, who, self._faults, _JOB)}
        body |= self._common(who, keys)
        if "needs" in keys:
            needs[name] = self._needs(who, keys["needs"], names)
            body["dependencies"] = needs[name]
        if "tox" in keys:
            for other in ("steps", "setup", "artifacts"):
                if other in keys:
                    self._wrong(keys[other].line, f"{who} has both tox and {other}", "leave one of them out")
            if "nodes" in keys:
                self._wrong(keys["nodes"].line, f"{who} has both tox and nodes", "tox runs on one node: name its label")
            body |= self._tox(who, keys)
        elif "steps" not in keys:
            self._wrong(
                job.line, f"{who} has no steps", "list its commands below `steps:`, or name a `tox:` environment"
            )
        else:
            body |= self._steps(who, keys, self._list(keys["steps"].node, who))
        return Stanza("job", name, body, self._file, job.line)

    def _common(self, who: str, keys: Mapping[str, Entry]) -> dict[str, object]:
        """What any job may say, in Zuul's words."""
        body: dict[str, object] = {}
        if "description" in keys:
            body["description"] = self._text(f"{who}: description", keys["description"].node)
        if nodes := self._nodes(who, keys):
            body["nodeset"] = {"nodes": [{"name": name, "label": label} for name, label in nodes.items()]}
        if "timeout" in keys:
            body["timeout"] = self._time(who, keys["timeout"])
        if "voting" in keys:
            word = text_of(keys["voting"].node)
            if word not in _TRUTH:
                self._wrong(keys["voting"].line, f"{who}: voting is neither true nor false")
            else:
                body["voting"] = _TRUTH[word]
        for key in ("files", "irrelevant-files"):
            if key in keys:
                patterns = self._texts(f"{who}: {key}", keys[key].node)
                for line, pattern in patterns:
                    if problem := pattern_problem(pattern):
                        self._wrong(line, f"{who}: {key}: {problem}")
                body[key] = [pattern for _, pattern in patterns]
        return body

    def _nodes(self, who: str, keys: Mapping[str, Entry]) -> dict[str, str]:
        """The nodes by their names, each with its label; nothing where the job names none."""
        named: dict[str, str] = {}
        if "label" in keys:
            named["node"] = self._text(f"{who}: label", keys["label"].node) or ""
        if "nodes" not in keys:
            return named
        if named:
            self._wrong(keys["label"].line, f"{who} has both label and nodes", "leave one of them out")
        for one in entries(keys["nodes"].node, f"{who}: nodes", self._faults):
            if not _NODE_NAME.fullmatch(one.key):
                self._wrong(one.line, f"{who}: a node cannot be named {shown(one.key)}")
            named[one.key] = self._text(f"{who}: node {one.key}", one.node) or ""
        if not named:
            self._wrong(keys["nodes"].line, f"{who}: nodes names no node", "write `name: label` lines below it")
        return named

    def _needs(self, who: str, found: Entry, names: list[str]) -> list[str]:
        wanted = self._texts(f"{who}: needs", found.node)
        for line, name in wanted:
            if name not in names:
                self._wrong(line, f"{who} needs {shown(name)}, which is no job of this file", near(name, names))
        return list(dict.fromkeys(name for _, name in wanted if name in names))

    def _tox(self, who: str, keys: Mapping[str, Entry]) -> dict[str, object]:
        names = [name for _, name in self._texts(f"{who}: tox", keys["tox"].node)]
        if not names:
            self._wrong(keys["tox"].line, f"{who}: tox names no environment", "such as `tox: py3`")
        variables: dict[str, object] = {"tox_envlist": ",".join(names)}
        if "environment" in keys:
            variables["tox_environment"] = self._environment(who, keys["environment"])
        return {"parent": TOX_JOB, "vars": variables}

    def _steps(self, who: str, keys: Mapping[str, Entry], steps: list[yaml.Node]) -> dict[str, object]:
        told: dict[str, object] = {"steps": [self._step(who, one, number) for number, one in enumerate(steps, 1)]}
        if "setup" in keys:
            setup = self._list(keys["setup"].node, f"{who}: setup")
            told["setup"] = [self._step(f"{who}: setup", one, number) for number, one in enumerate(setup, 1)]
        if "artifacts" in keys:
            told["artifacts"] = self._inside(f"{who}: artifacts", keys["artifacts"].node)
        if "environment" in keys:
            told["environment"] = self._environment(who, keys["environment"])
        self._on_known_nodes(who, keys, told)
        return {"parent": STEPS_JOB, "vars": {STEPS_VARIABLE: told}}

    def _on_known_nodes(self, who: str, keys: Mapping[str, Entry], told: Mapping[str, object]) -> None:
        """Complain of steps that name a node that the job does not have."""
        whole = keys["nodes"].node if "nodes" in keys else None
        known = (
            [text for key, _ in whole.value if (text := text_of(key))] if isinstance(whole, yaml.MappingNode) else []
        )
        for part in ("setup", "steps"):
            for step in told.get(part, ()):  # type: ignore[attr-defined]
                if (name := step.get("node")) is not None and name not in known:
                    self._wrong(keys[part].line, f"{who} has no node {shown(name)}", near(name, known))

    def _step(self, who: str, node: yaml.Node, number: int) -> dict[str, object]:
        what = f"{who}: step {number}"
        if not isinstance(node, yaml.MappingNode):
            return {"command": self._command(what, node)}
        keys = {one.key: one for one in entries(node, what, self._faults, _STEP)}
        step: dict[str, object] = {}
        if "command" not in keys:
            self._wrong(line_of(node), f"{what} has no command")
        else:
            step["command"] = self._command(what, keys["command"].node)
        if "name" in keys and (name := self._text(f"{what}: name", keys["name"].node)) is not None:
            if not _STEP_NAME.fullmatch(name):
                hint = "letters, digits, spaces and ._+- make a name"
                self._wrong(keys["name"].line, f"{what} cannot be named {shown(name)}", hint)
            step["name"] = name
        if "suite" in keys and (suite := self._text(f"{what}: suite", keys["suite"].node)) is not None:
            if suite not in SUITES:
                self._wrong(keys["suite"].line, f"{what}: there is no suite {shown(suite)}", near(suite, SUITES))
            step["suite"] = suite
        if "results" in keys:
            step["results"] = self._inside(f"{what}: results", keys["results"].node)
        if "directory" in keys:
            step["directory"] = next(iter(self._inside(f"{what}: directory", keys["directory"].node)), "")
        if "timeout" in keys:
            step["timeout"] = self._time(what, keys["timeout"])
        if "node" in keys and (name := self._text(f"{what}: node", keys["node"].node)) is not None:
            step["node"] = name
        if "environment" in keys:
            step["environment"] = self._environment(what, keys["environment"])
        return step

    def _command(self, what: str, node: yaml.Node) -> str:
        text = self._text(f"{what}: the command", node)
        if text is not None and not text.strip():
            self._wrong(line_of(node), f"{what}: the command is empty")
        return text or ""

    def _environment(self, who: str, found: Entry) -> dict[str, str]:
        values: dict[str, str] = {}
        for one in entries(found.node, f"{who}: environment", self._faults):
            if not _VARIABLE.fullmatch(one.key):
                self._wrong(one.line, f"{who}: no variable can be named {shown(one.key)}")
            elif (text := self._text(f"{who}: {one.key}", one.node)) is not None:
                values[one.key] = text
        if sum(len(text.encode("utf-8")) for text in values.values()) > LONGEST:
            self._wrong(found.line, f"{who}: the environment is longer than {LONGEST} bytes")
        return values

    def _time(self, who: str, found: Entry) -> int:
        match = _TIME.fullmatch(text_of(found.node) or "")
        if match is None:
            self._wrong(found.line, f"{who}: timeout is no time", "such as 90s, 30m or 2h; a number alone is seconds")
            return 1
        return int(match[1]) * _UNITS[match[2]]

    def _inside(self, what: str, node: yaml.Node) -> list[str]:
        """Paths and patterns within the project's folder."""
        found = self._texts(what, node)
        for line, path in found:
            if path.startswith(("/", "~")) or ".." in path.split("/") or not path.strip("./"):
                self._wrong(line, f"{what}: {shown(path)} is no path within the project's folder")
        return [path for _, path in found]

    def _list(self, node: yaml.Node, who: str) -> list[yaml.Node]:
        found = items(node)
        if not found:
            self._wrong(line_of(node), f"{who} has no steps", "list its commands, each behind a `- `")
        if len(found) > _MOST_STEPS:
            self._wrong(line_of(node), f"{who} has {len(found)} steps, more than {_MOST_STEPS}")
        return found[:_MOST_STEPS]

    def _texts(self, what: str, node: yaml.Node) -> list[tuple[int, str]]:
        """One text or a list of them, each with its line."""
        found = [(line_of(one), self._text(what, one)) for one in items(node)]
        return [(line, text) for line, text in found if text is not None]

    def _text(self, what: str, node: yaml.Node) -> str | None:
        text = text_of(node)
        if text is None:
            self._wrong(line_of(node), f"{what}: not a text", "quote it if it is one")
        elif problem := _unfit(text):
            self._wrong(line_of(node), f"{what}: {problem}")
        else:
            return text
        return None

    @property
    def _wrong(self) -> Callable[..., None]:
        return self._faults.add


def _unfit(text: str) -> str:
    """Why no program could be given the text; empty when it can."""
    if "\0" in text:
        return "it has a NUL character, which no program can be given"
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return "it has half a character (a surrogate)"
    return f"it is longer than {LONGEST} bytes" if size > LONGEST else ""


def _circle(name: str, needs: Mapping[str, list[str]]) -> list[str]:
    """The way from a job back to itself; nothing where there is none."""
    before: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        for other in needs.get(one, ()):
            if other == name:
                way = [one, name]
                while way[0] != name:
                    way.insert(0, before[way[0]])
                return way
            if other not in before:
                before[other] = one
                waiting.append(other)
    return []
