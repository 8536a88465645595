"""Where each project's tree goes in a person's workspace: a layout, or the rules of a clone map; it only decides.

The rules are those of zuul-cloner: a regular expression on the whole of a project's name and a template for its
destination. Two rules that fit one project, or two projects with one destination, are errors; a project that no rule
fits goes where the layout says. Patterns are RE2, as in all matchers: none takes more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Protocol

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.pattern import pattern_problem
from gatelocal.model.text import plain
from gatelocal.workspace.manifest import place

_KEY = "clonemap"
_ESCAPE = re.compile(r"\\(?:(?P<number>[1-9][0-9]?)|g<(?P<name>\w+)>|(?P<other>.?))", re.DOTALL)


class Layout(Enum):
    """How a workspace is laid out."""

    PLAIN = "plain"
    """``<organisation>/<repository>``, as zuul-cloner did."""
    ZUUL = "zuul"
    """``src/<canonical host>/<organisation>/<repository>``, as on the node of a job."""
    DEVSTACK = "devstack"
    """``<repository>``, as devstack has it below ``/opt/stack``."""


class _Match(Protocol):
    def group(self, group: int | str) -> str | None: ...


class _Pattern(Protocol):
    @property
    def pattern(self) -> str: ...

    def fullmatch(self, text: str) -> _Match | None: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a clone map. :ivar template: may refer to groups of the pattern: ``\\\\1``, ``\\\\g<name>``."""

    pattern: _Pattern
    template: str


def rules(data: object, origin: str) -> tuple[Rule, ...]:
    """The rules out of a file's plain values: ``clonemap:`` with a list of ``name`` and ``dest``.

    :param origin: the file's name, for errors. :raises InputError: it is no such list.
    """
    listed = data.get(_KEY) if isinstance(data, Mapping) else None
    if not isinstance(listed, list):
        raise InputError(f"{origin}: it has no list `{_KEY}`", hint="each item of it has a `name` and a `dest`")
    return tuple(_rule(item, f"{origin}: item {number}") for number, item in enumerate(listed, 1))


def _rule(item: object, where: str) -> Rule:
    name, dest = (item.get("name"), item.get("dest")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(name, str) or not isinstance(dest, str):
        raise InputError(f"{where}: each needs a `name` and a `dest`, both text")
    problem = pattern_problem(name)
    if problem:
        hint = "RE2 has no lookahead, no lookbehind, and no references within a pattern"
        raise InputError(f"{where}: `name` is {plain(problem)}", hint=hint)
    pattern: _Pattern = import_module("re2").compile(name)
    return Rule(pattern, dest)


def destinations(
    projects: Sequence[str], host: str, layout: Layout = Layout.PLAIN, clone_map: Sequence[Rule] = ()
) -> dict[str, str]:
    """Each project's relative path. A dot is the workspace itself.

    :raises InputError: a project's name, or what a rule makes of it, that would lead out of the workspace.
    :raises ConfigurationError: two rules fit one project, or two projects have one destination.
    """
    found = {project: _destination(project, host, layout, clone_map) for project in projects}
    taken: dict[str, str] = {}
    for project, path in found.items():
        other = taken.setdefault(path, project)
        if other != project:
            raise ConfigurationError(
                f"{plain(other)} and {plain(project)} would both go to {plain(path)}",
                hint="a clone map can give each a place of its own",
            )
    return found


def _destination(project: str, host: str, layout: Layout, clone_map: Sequence[Rule]) -> str:
    safe = place(host, project)
    fitting = [(rule, match) for rule in clone_map if (match := rule.pattern.fullmatch(project))]
    if len(fitting) > 1:
        words = " and ".join(repr(plain(rule.pattern.pattern)) for rule, _ in fitting[:2])
        raise ConfigurationError(f"{plain(project)} fits two rules of the clone map: {words}")
    if not fitting:
        return {Layout.ZUUL: safe, Layout.PLAIN: project, Layout.DEVSTACK: project.rpartition("/")[2]}[layout]
    rule, match = fitting[0]
    return _inside(_expanded(rule.template, match), project)


def _expanded(template: str, match: _Match) -> str:
    """The template with the match's groups in it; re2's own ``expand`` spoils what is not ASCII."""

    def value(found: re.Match[str]) -> str:
        number, name, other = found.group("number", "name", "other")
        if other == "\\":
            return other
        if other is not None:
            raise InputError(f"{plain(template)!r} is no destination: bad escape {plain(found[0])}")
        word = str(number or name)
        try:
            return match.group(int(word) if word.isdecimal() else word) or ""
        except IndexError:
            raise InputError(f"{plain(template)!r} is no destination: the pattern has no group {word}") from None

    return _ESCAPE.sub(value, template)


def _inside(path: str, project: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    bad = [part for part in parts if part == ".." or part.lower() == ".git" or plain(part) != part or "\t" in part]
    if path.startswith("/") or bad:
        raise InputError(f"the clone map sends {plain(project)} to {plain(path)!r}, which is no path in the workspace")
    return "/".join(parts) or "."
