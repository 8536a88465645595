"""From the files that a project tests itself by to a ``gatelocal.yaml`` that runs the same; no file is read here.

Only names that are what they should be are taken over into commands: what the files say is not trusted.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

FILES = (
    "tox.ini",
    "setup.cfg",
    "noxfile.py",
    "pyproject.toml",
    "setup.py",
    "package.json",
    "go.mod",
    "Cargo.toml",
    "Makefile",
)
"""What is looked at; of the following, only whether they are there."""
BESIDE = ("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock", "tests", "test")

_ENV = re.compile(r"(?!gatelocal-)[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
_PY = re.compile(r"py3\d*$")
_TARGET = re.compile(r"^(lint|check|test)\s*:(?![=:])", re.MULTILINE)
_MOST = 12
_VENV = ".gatelocal-venv"
_EXTRAS = ("test", "tests", "testing", "dev")

_HEAD = """\
# What runs before a change lands: `gatelocal run`. Each job has a node of its own.
# Made by `gatelocal init` from {origins}.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One job. :ivar lines: below its name, each indented by what it is."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be written. :ivar origins: the files that it was made from. :ivar jobs: the names of its jobs."""

    text: str
    origins: tuple[str, ...]
    jobs: tuple[str, ...]


def proposal(files: Mapping[str, str], python: str = "") -> Proposal | None:
    """What to write for a project; None where nothing says how it is tested.

    :param files: the text of each of :data:`FILES` that is there, and nothing for each of :data:`BESIDE` that is.
    :param python: the version that is to be had, as tox writes it: ``311``.
    """
    finders: tuple[tuple[str, Callable[[Mapping[str, str]], Iterable[Job]]], ...] = (
        ("tox.ini", lambda found: _tox(found["tox.ini"], "tox", python)),
        ("setup.cfg", lambda found: _tox(found["setup.cfg"], "tox:tox", python)),
        ("noxfile.py", _nox),
        ("pyproject.toml", _pyproject),
        ("setup.py", lambda found: _python("", ruff=False, suite=bool({"tests", "test"} & set(found)))),
        ("package.json", _npm),
        ("go.mod", _go),
        ("Cargo.toml", _cargo),
        ("Makefile", _make),
    )
    jobs: dict[str, Job] = {}
    origins: list[str] = []
    for name, find in finders:
        settled = origins if name == "Makefile" else [one for one in origins if one in FILES[:5]]
        if name not in files or (settled and name in (*FILES[:5], "Makefile")):
            continue
        if found := [one for one in find(files) if one.name not in jobs][:_MOST]:
            jobs |= {one.name: one for one in found}
            origins.append(name)
    if not jobs:
        return None
    lines = [_HEAD.format(origins=", ".join(origins)) + "jobs:"]
    for job in jobs.values():
        lines += [f"  {job.name}:", *(f"    {line}" for line in job.lines)]
    return Proposal("\n".join(lines) + "\n", tuple(origins), tuple(jobs))


def _tox(text: str, section: str, python: str) -> list[Job]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        said = parser.get(section, "env_list", fallback="") or parser.get(section, "envlist", fallback="")
    except configparser.Error:
        return []
    names = [name for name in _expanded(said) if _ENV.fullmatch(name)]
    if not names and section == "tox" and any(one == "testenv" for one in parser.sections()):
        names = ["py3"]
    versions = [name for name in names if _PY.fullmatch(name)]
    chosen = next((one for one in ("py3", f"py{python}") if one in versions), versions[-1] if versions else "")
    others = [name for name in names if not re.match(r"py(py)?\d", name)]
    first = [Job("unit", (f"tox: {chosen}",))] if chosen else []
    taken = [Job(name, (f'tox: "{name}"',)) for name in others if name not in ("unit", "noop")]
    return [*first, *taken, *([Job("unit", ("tox: unit",))] if not chosen and "unit" in others else [])]


def _expanded(said: str) -> list[str]:
    """The names in tox's list of environments; of alternatives in braces, each."""
    words = re.sub(r"#.*", "", said)
    found: list[str] = []
    for word in re.split(r"[\s,]+(?![^{]*\})", words):
        names = [""]
        for part in re.split(r"(\{[^{}]*\})", word)[:9]:
            ends = [one.strip() for one in part[1:-1].split(",")] if part.startswith("{") else [part]
            names = [name + end for name in names for end in ends][:50]
        found += [name for name in names if name]
    return list(dict.fromkeys(found))


def _nox(files: Mapping[str, str]) -> list[Job]:
    names = [name for name in _sessions(files["noxfile.py"]) if _ENV.fullmatch(name) and name != "noop"]
    nox = f"{_VENV}/bin/nox"
    setup = ("setup:", f"  - python3 -m venv {_VENV}", f"  - {_VENV}/bin/pip install nox")
    return [Job(name, (*setup, "steps:", f'  - {nox} -s "{name}"')) for name in names]


def _sessions(text: str) -> list[str]:
    """The sessions that nox runs by itself, else all of them."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "nox.options.sessions":
            items = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return [one.value for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if isinstance(node, ast.FunctionDef) and any(map(_is_session, node.decorator_list)):
            found.append(node.name)
    return found


def _is_session(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) in ("nox.session", "session")


def _pyproject(files: Mapping[str, str]) -> list[Job]:
    try:
        told = tomllib.loads(files["pyproject.toml"])
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    tool, project = _table(told, "tool"), _table(told, "project")
    if isinstance(legacy := _table(tool, "tox").get("legacy_tox_ini"), str) and (jobs := _tox(legacy, "tox", "")):
        return jobs
    extras = _table(project, "optional-dependencies")
    extra = next((name for name in _EXTRAS if name in extras), "")
    tested = bool("pytest" in tool or extra or {"tests", "test"} & set(files))
    return _python(f"[{extra}]" if extra else "", ruff="ruff" in tool, suite=tested)


def _table(found: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = found.get(key)
    return value if isinstance(value, Mapping) else {}


def _python(extra: str, *, ruff: bool, suite: bool) -> list[Job]:
    venv, pip = f"  - python3 -m venv {_VENV}", f"{_VENV}/bin/pip install"
    unit = Job(
        "unit",
        (
            "setup:",
            venv,
            f'  - {pip} ".{extra}" pytest',
            "steps:",
            f"  - command: {_VENV}/bin/python -m pytest",
            "    suite: pytest",
        ),
    )
    lint = Job("lint", ("setup:", venv, f"  - {pip} ruff", "steps:", f"  - {_VENV}/bin/ruff check ."))
    return [*([lint] if ruff else []), *([unit] if suite else [])]


def _npm(files: Mapping[str, str]) -> list[Job]:
    try:
        told = json.loads(files["package.json"])
    except (ValueError, RecursionError):
        return []
    scripts = _table(told, "scripts") if isinstance(told, Mapping) else {}
    install, tool = next(
        (
            one
            for lock, one in (
                ("package-lock.json", ("npm ci", "npm")),
                ("yarn.lock", ("yarn install --frozen-lockfile", "yarn")),
                ("pnpm-lock.yaml", ("pnpm install --frozen-lockfile", "pnpm")),
            )
            if lock in files
        ),
        ("npm install", "npm"),
    )
    said = {name: str(scripts[name]) for name in ("lint", "build", "test") if isinstance(scripts.get(name), str)}
    if "no test specified" in said.get("test", ""):
        del said["test"]
    return [Job(f"{tool}-{name}", ("setup:", f"  - {install}", "steps:", f"  - {tool} run {name}")) for name in said]


def _go(_: Mapping[str, str]) -> list[Job]:
    test = ("steps:", "  - command: go test -json ./...", "    suite: go")
    return [Job("go-vet", ("steps:", "  - go vet ./...")), Job("go-test", test)]


def _cargo(files: Mapping[str, str]) -> list[Job]:
    locked = " --locked" if "Cargo.lock" in files else ""
    return [Job("cargo-test", ("steps:", f"  - command: cargo test{locked}", "    suite: cargo"))]


def _make(files: Mapping[str, str]) -> list[Job]:
    targets = list(dict.fromkeys(_TARGET.findall(files["Makefile"])))
    if "check" in targets and "test" in targets:
        targets.remove("test")  # by custom, check is all of it
    return [Job(f"make-{name}", ("steps:", f"  - make {name}")) for name in targets]
