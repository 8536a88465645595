"""A scenario file → values: world, policy, steps; everything in it is understood before anything happens.

The format is version 1; an unknown key, step, policy or switch anywhere is an error with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from gatelocal.config import zuul_yaml
from gatelocal.errors import GateError
from gatelocal.model.record import dataclass
from gatelocal.model.stanza import Stanza
from gatelocal.pipeline.policies import Policy, policy_of
from gatelocal.sim.build import Rule
from gatelocal.sim.configuration import Configuration, configuration
from gatelocal.sim.lined import LinedDict, LinedList, ScenarioError, Value, load, root
from gatelocal.sim.plain import NotPlain, text_beside, text_of
from gatelocal.sim.slow import held
from gatelocal.sim.steps import Step, step_of

RESULTS = ("SUCCESS", "FAILURE", "POST_FAILURE", "TIMED_OUT", "LOST", "STOPPED", "NODE_FAILURE")
CHANGE_KEYS = (
    "project",
    "branch",
    "parent",
    "depends_on",
    "files",
    "conflicts",
    "status",
    "wip",
    "votes",
    "approved",
    "submit",
    "urgent",
)
_RULE_KEYS = ("job", "pipeline", "change", "contains", "without", "times", "result", "early", "returns")


_NONE: Mapping[str, Configuration] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ChangeSpec:
    """A change before anything happens; None: the default."""

    name: str
    project: str
    branch: str
    parent: str | None
    depends_on: tuple[str, ...]
    files: tuple[str, ...]
    conflicts: tuple[str, ...]
    status: str
    wip: bool
    votes: Mapping[str, int | None]
    approved: bool
    submit: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A file that was understood. :ivar configurations: path of a layout → what it says, for steps that read one."""

    name: str
    configuration: Configuration
    configurations: Mapping[str, Configuration]
    policy: Policy
    changes: tuple[ChangeSpec, ...]
    hold: bool
    nodes_held: bool
    slow: Mapping[str, bool]
    rules: tuple[Rule, ...]
    durations: Mapping[str, float]
    steps: tuple[Step, ...]


def read(path: Path, policy: str | None = None) -> Scenario:
    """Read and understand a file.

    :param policy: takes the place of the file's.
    :raises ScenarioError: it cannot be understood. :raises OSError: it cannot be read.
    :raises UnicodeDecodeError: it is no UTF-8.
    """
    try:
        text = text_of(path)
    except NotPlain as error:
        raise ScenarioError(1, str(error)) from None
    return understand(text, path.parent, policy)


def understand(text: str, folder: Path, policy: str | None = None) -> Scenario:
    """Understand the text of a scenario whose layouts are relative to a folder."""
    return of_values(load(text), folder, policy)


def of_values(
    values: LinedDict, folder: Path, policy: str | None = None, read: Mapping[str, Configuration] = _NONE
) -> Scenario:
    """Understand the values of a scenario. :param read: layouts that were read before, by their paths."""
    keys = ("scenario", "about", "layout", "policy", "changes", "builds", "steps")
    top = root(values).mapping(keys, ("scenario", "layout", "changes", "steps"))
    name = top["scenario"].text()
    if "about" in top:
        top["about"].text()
    changes = tuple(_change(key, value) for key, value in top["changes"].mapping().items())
    _check_changes(changes, top["changes"])
    builds = top["builds"].mapping(("hold", "rules", "nodes", "answers", "durations")) if "builds" in top else {}
    known = frozenset(one.name for one in changes)
    steps = tuple(step_of(value, known) for value in top["steps"].sequence())
    layouts: dict[str, Configuration] = dict(read)
    projects = frozenset(one.project for one in changes) | _pushed_to(steps)
    layout = _layout(top["layout"], folder, layouts, projects)
    for step in steps:
        if step.verb == "reload" and step.value.raw != "same":
            layouts[str(step.value.raw)] = _layout(step.value, folder, layouts, projects)
    return Scenario(
        name,
        layout,
        layouts,
        _policy(top.get("policy"), policy),
        changes,
        hold=builds["hold"].truth() if "hold" in builds else False,
        nodes_held="nodes" in builds and builds["nodes"].choice("hold") == "hold",
        slow=held(builds["answers"]) if "answers" in builds else {},
        rules=tuple(_rule(value) for value in builds["rules"].sequence()) if "rules" in builds else (),
        durations={key: v.seconds() for key, v in builds["durations"].mapping().items()}
        if "durations" in builds
        else {},
        steps=steps,
    )


def _policy(value: Value | None, instead: str | None) -> Policy:
    raw = value.raw if value is not None else "classic"
    try:
        found = policy_of(raw)
        return policy_of(instead) if instead is not None else found
    except GateError as error:
        message = error.brief + (f" ({error.hint})" if error.hint else "")
        raise ScenarioError(value.line if value is not None else 1, message) from None


# ---- layouts


def _pushed_to(steps: Iterable[Step]) -> frozenset[str]:
    """The projects that somebody pushes to past the gate."""
    pushes = (step.value.raw for step in steps if step.verb == "push")
    return frozenset(str(raw["project"]) for raw in pushes if isinstance(raw, dict) and "project" in raw)


def _layout(value: Value, folder: Path, layouts: dict[str, Configuration], projects: frozenset[str]) -> Configuration:
    try:
        if isinstance(value.raw, LinedList):
            return configuration([_stanza(item) for item in value.sequence()], (), projects)
        name = value.text()
        if name not in layouts:
            layouts[name] = configuration(*zuul_yaml.parse_all(text_beside(folder, name), name), projects)
        return layouts[name]
    except (GateError, OSError, NotPlain, ValueError) as error:
        if isinstance(error, GateError):
            raise value.fail(error.brief) from None
        detail = f"{value.raw}: {error.strerror if isinstance(error, OSError) else error}"
        raise value.fail(detail) from None


def _stanza(value: Value) -> Stanza:
    pairs = list(value.mapping().items())
    if len(pairs) != 1 or pairs[0][0] not in zuul_yaml.KINDS:
        raise value.fail("an object of a layout is a mapping with a single key, such as job")
    kind, body = pairs[0]
    if not isinstance(body.raw, LinedDict):
        raise body.fail("expected a mapping")
    name = body.raw.get("name", "")
    if not isinstance(name, str) or (not name and kind not in zuul_yaml.NAMELESS):
        raise body.fail("it has no name")
    return Stanza(kind, name, body.raw, "layout", value.line)


# ---- changes


def _change(name: str, value: Value) -> ChangeSpec:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise value.fail(f"{name!r} is no name for a change: letters, digits, - and _")
    given = value.mapping(CHANGE_KEYS, ("project",))
    votes: dict[str, int | None] = {"Code-Review": 2}
    if "votes" in given:
        votes.update(votes_of(given["votes"]))
    return ChangeSpec(
        name,
        given["project"].text(),
        given["branch"].text() if "branch" in given else "master",
        parent_of(given["parent"]) if "parent" in given else None,
        given["depends_on"].names() if "depends_on" in given else (),
        given["files"].names() if "files" in given else (f"{name}.txt",),
        given["conflicts"].names() if "conflicts" in given else (),
        given["status"].choice("NEW", "MERGED", "ABANDONED") if "status" in given else "NEW",
        given["wip"].truth() if "wip" in given else False,
        votes,
        given["approved"].truth() if "approved" in given else False,
        given["submit"].choice("ok", "refused", "forbidden") if "submit" in given else "ok",
        given["urgent"].truth() if "urgent" in given else False,
    )


def parent_of(value: Value) -> str | None:
    """The name of a parent; null: the branch's tip."""
    return None if value.raw is None else value.text()


def votes_of(value: Value) -> dict[str, int | None]:
    """Label → value; null takes one back."""
    return {key: None if item.raw is None else item.whole() for key, item in value.mapping().items()}


def _check_changes(changes: tuple[ChangeSpec, ...], where: Value) -> None:
    known = {one.name: one for one in changes}
    lines = where.raw.lines
    for one in changes:
        for name in (*((one.parent,) if one.parent else ()), *one.depends_on):
            if name not in known:
                raise ScenarioError(lines[one.name], f"{one.name}: there is no change {name}")
        parent = known.get(one.parent or "")
        if parent is not None and (parent.project, parent.branch) != (one.project, one.branch):
            raise ScenarioError(lines[one.name], f"{one.name}: its parent {parent.name} goes to another branch")
    for one in changes:
        seen = [one.name]
        while known[seen[-1]].parent:
            seen.append(known[seen[-1]].parent or "")
            if seen[-1] in seen[:-1]:
                raise ScenarioError(lines[one.name], f"{one.name}: git parents cannot form a circle")


# ---- rules


def _rule(value: Value) -> Rule:
    given = value.mapping(_RULE_KEYS)
    returns = given["returns"].mapping(("artifacts", "child_jobs", "pause")) if "returns" in given else {}
    return Rule(
        given["job"].text() if "job" in given else "",
        given["pipeline"].text() if "pipeline" in given else "",
        given["change"].text() if "change" in given else "",
        given["contains"].names() if "contains" in given else (),
        given["without"].names() if "without" in given else (),
        given["times"].whole(1) if "times" in given else None,
        given["result"].choice(*RESULTS) if "result" in given else "SUCCESS",
        given["early"].truth() if "early" in given else False,
        returns["artifacts"].names() if "artifacts" in returns else (),
        returns["child_jobs"].names() if "child_jobs" in returns else None,
        returns["pause"].truth() if "pause" in returns else False,
    )
