"""YAML with the line of each key, all mistakes told and not the first alone; what the keys mean is told elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import yaml

from gatelocal.config.yaml_values import NotYaml
from gatelocal.model.tenant import Fault
from gatelocal.model.text import visible

_TAG = "tag:yaml.org,2002:"
_MOST = 50
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value. :ivar line: of the key, counted from 1."""

    key: str
    line: int
    node: yaml.Node


@dataclass(slots=True)
class Faults:
    """Collects what is wrong. :ivar found: in the order in which it was met, a limited number."""

    found: list[Fault] = field(default_factory=list)

    def add(self, line: int, message: str, hint: str = "") -> None:
        """One more."""
        if len(self.found) < _MOST:
            self.found.append(Fault(line, visible(message)[:500], visible(hint)[:500]))


def line_of(node: yaml.Node) -> int:
    """Where the node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def text_of(node: yaml.Node) -> str | None:
    """A plain value as it is written, whatever YAML takes it for (``yes``, ``010``); None for all else."""
    kinds = [f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "timestamp", "value")]
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.tag in kinds else None


def shown(text: str) -> str:
    """A name that somebody wrote, in quotes and not too long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def near(name: str, known: Sequence[str]) -> str:
    """The hint for a name that is not known."""
    found = difflib.get_close_matches(name[:_SHOWN], known, 1)
    return f"did you mean {found[0]}?" if found else f"known: {', '.join(known)}"


def entries(node: yaml.Node, what: str, faults: Faults, known: Sequence[str] = ()) -> list[Entry]:
    """The keys of a mapping; nothing, and a fault, for what is none.

    :param what: for people, as the beginning of a sentence. :param known: the only keys there may be; empty: any.
    """
    if not isinstance(node, yaml.MappingNode):
        faults.add(line_of(node), f"{what} is no mapping", "write `name: value` lines, indented below it")
        return []
    found: dict[str, Entry] = {}
    for one in _pairs(node, faults):
        if known and one.key not in known:
            faults.add(one.line, f"{what} has no key {shown(one.key)}", near(one.key, known))
            continue
        found[one.key] = one
    return list(found.values())


def _pairs(node: yaml.MappingNode, faults: Faults) -> Iterator[Entry]:
    """All pairs, those that ``<<`` brings first, so that the mapping's own come after them."""
    for key, value in node.value:
        if key.tag == f"{_TAG}merge":
            for inner in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(inner, yaml.MappingNode):
                    yield from _pairs(inner, faults)
                else:
                    faults.add(line_of(inner), "<< takes a mapping, or a list of mappings")
    seen: set[str] = set()
    for key, value in node.value:
        if key.tag == f"{_TAG}merge":
            continue
        name = text_of(key)
        if name is None:
            faults.add(line_of(key), "a key is a list, a mapping or nothing", "quote it if it is a name")
        elif name in seen:
            faults.add(line_of(key), f"{shown(name)} stands twice in one mapping", "keep one of them")
        else:
            seen.add(name)
            yield Entry(name, line_of(key), value)


def items(node: yaml.Node) -> list[yaml.Node]:
    """The items of a list; one value stands for a list of it; nothing for nothing."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return [] if node.tag == f"{_TAG}null" else [node]


def not_yaml(error: NotYaml) -> Fault:
    """What kept the whole text from being read."""
    return Fault(error.line, error.problem, error.hint)
