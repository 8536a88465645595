"""YAML whose mappings and lists know their lines, and values that say where they are wrong; no scenario here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from gatelocal.model.record import dataclass
from gatelocal.model.stanza import Tagged

_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 366 * 24 * 3600


class ScenarioError(Exception):
    """A file that cannot be understood, or a step that cannot be carried out. :ivar line: counted from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class LinedDict(dict[str, Any]):
    """A mapping with its line and those of its keys."""

    line = 1
    lines: dict[str, int]


class LinedList(list[Any]):
    """A list with its line and those of its elements."""

    line = 1
    lines: list[int]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader; duplicate keys and keys that are no text are errors."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> LinedDict:
    loader.flatten_mapping(node)
    found = LinedDict()
    found.line = node.start_mark.line + 1
    found.lines = {}
    for key_node, value_node in node.value:
        key: Any = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise ScenarioError(line, f"a key is a name, not {key!r}")
        if key in found:
            raise ScenarioError(line, f"the key {key} stands here twice")
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = line
    return found


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> LinedList:
    found = LinedList(loader.construct_object(item, deep=True) for item in node.value)
    found.line = node.start_mark.line + 1
    found.lines = [item.start_mark.line + 1 for item in node.value]
    return found


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Tagged:
    if isinstance(node, yaml.SequenceNode):
        return Tagged(str(node.tag), _sequence(loader, node))
    if isinstance(node, yaml.MappingNode):
        return Tagged(str(node.tag), _mapping(loader, node))
    return Tagged(str(node.tag), node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _sequence)
_Loader.add_multi_constructor("!", _tagged)


def load(text: str) -> LinedDict:
    """The mapping that a file holds. :raises ScenarioError: it holds none."""
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ScenarioError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScenarioError(1, f"not YAML: {error}") from None
    if not isinstance(value, LinedDict):
        raise ScenarioError(1, "a scenario is a mapping")
    return value


def lined(raw: Any) -> Any:
    """Plain values as if they had been read from a file, all in line 1."""
    if isinstance(raw, dict):
        mapping = LinedDict({key: lined(item) for key, item in raw.items()})
        mapping.lines = dict.fromkeys(raw, 1)
        return mapping
    if isinstance(raw, list | tuple):
        sequence = LinedList(lined(item) for item in raw)
        sequence.lines = [1] * len(sequence)
        return sequence
    return raw


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its place, to be read as what it should be; every reading may raise ScenarioError.

    :ivar what: how people call it.
    """

    raw: Any
    line: int
    what: str

    def fail(self, message: str) -> ScenarioError:
        """An error about this value."""
        return ScenarioError(self.line, f"{self.what}: {message}")

    def mapping(self, known: Iterable[str] | None = None, needed: Iterable[str] = ()) -> dict[str, Value]:
        """The values of a mapping whose keys are known."""
        if not isinstance(self.raw, LinedDict):
            raise self.fail(f"expected a mapping, found {_short(self.raw)}")
        names = tuple(known) if known is not None else None
        for key in self.raw:
            if names is not None and key not in names:
                raise ScenarioError(
                    self.raw.lines[key], f"{self.what}: unknown key {key}; known: {', '.join(names) or 'none'}"
                )
        for key in needed:
            if key not in self.raw:
                raise ScenarioError(self.raw.line, f"{self.what}: {key} is missing")
        return {key: Value(item, self.raw.lines[key], key) for key, item in self.raw.items()}

    def sequence(self) -> list[Value]:
        """The values of a list."""
        if not isinstance(self.raw, LinedList):
            raise self.fail(f"expected a list, found {_short(self.raw)}")
        return [Value(item, line, self.what) for item, line in zip(self.raw, self.raw.lines, strict=True)]

    def one_or_many(self) -> list[Value]:
        """A list, or a single value as a list of one."""
        return self.sequence() if isinstance(self.raw, LinedList) else [self]

    def text(self) -> str:
        """A text."""
        if not isinstance(self.raw, str):
            raise self.fail(f"expected a text, found {_short(self.raw)}")
        return self.raw

    def names(self) -> tuple[str, ...]:
        """A text, or a list of texts."""
        return tuple(item.text() for item in self.one_or_many())

    def whole(self, least: int | None = None) -> int:
        """A whole number."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, int):
            raise self.fail(f"expected a whole number, found {_short(self.raw)}")
        if least is not None and self.raw < least:
            raise self.fail(f"expected at least {least}, found {self.raw}")
        return self.raw

    def truth(self) -> bool:
        """True or false."""
        if not isinstance(self.raw, bool):
            raise self.fail(f"expected true or false, found {_short(self.raw)}")
        return self.raw

    def choice(self, *allowed: str) -> str:
        """One of some words."""
        word = self.text()
        if word not in allowed:
            known = " or ".join(part for part in (", ".join(allowed[:-1]), allowed[-1]) if part)
            raise self.fail(f"expected {known}, found {word}")
        return word

    def seconds(self) -> float:
        """Seconds of ``90s``, ``40m``, ``2h``; a bare 0 is none."""
        if self.raw == 0 and not isinstance(self.raw, bool):
            return 0.0
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", self.text())
        if found is None:
            raise self.fail(f"expected a length of time such as 40m, found {self.raw}")
        seconds = float(found[1]) * _UNITS[found[2]]
        if seconds > _LONGEST:
            raise self.fail(f"{self.raw} is more than a year")
        return seconds

    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.raw, LinedDict)


def root(values: LinedDict) -> Value:
    """A whole file as a value."""
    return Value(values, values.line, "scenario")


def _short(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "..."
