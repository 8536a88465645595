"""YAML text → plain values, with Zuul's tags kept; nothing in a text can run code, eat memory or end the process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from gatelocal.model.stanza import Tagged

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 500_000
_MAX_NUMBER = 100
MAX_DEPTH = 100
"""How deep lists and mappings may stand in one another, with aliases followed.

It is far below what the readers of YAML, Python's stack and the users of the values allow, and counted here: what those
do at their own limits differs between their versions.
"""
_TAG = "tag:yaml.org,2002:"
_NOT_TEXT = yaml.reader.Reader.NON_PRINTABLE
_TAGS = frozenset(("!unsafe", "!override", "!inherit"))
_TRUE = re.compile("yes|true|on", re.IGNORECASE)
_RESERVED = "@`%"  # no plain value begins with these (YAML 1.1, 5.4)
_TOO_DEEP = f"it is nested too deeply (more than {MAX_DEPTH} levels)"
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")


class NotYaml(Exception):
    """The text cannot be read.

    :ivar line: counted from 1; 0 when no single line is to blame.
    """

    def __init__(self, line: int, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem
        self.hint = hint

    def at(self, file: Path) -> str:
        """The file, with the line where there is one."""
        return f"{file}:{self.line}" if self.line else str(file)


@dataclass(slots=True)
class Reading:
    """One text while its nodes are turned into values; aliases give the very same value each time."""

    known: dict[int, object] = field(default_factory=dict)

    def value(self, node: yaml.Node) -> object:
        """The value of a node.

        :raises NotYaml: a tag that nobody knows, a key twice, a key that is a list or a mapping.
        """
        key = id(node)
        if key not in self.known:
            self.known[key] = self._value(node)
        return self.known[key]

    def _value(self, node: yaml.Node) -> object:
        tag = str(node.tag)
        if tag.startswith("!"):
            return self._tagged(node, tag)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, tag)
        if isinstance(node, yaml.SequenceNode) and tag == f"{_TAG}seq":
            return [self.value(item) for item in node.value]
        if isinstance(node, yaml.MappingNode) and tag == f"{_TAG}map":
            return self._mapping(node)
        raise _unknown(node, tag)

    def _tagged(self, node: yaml.Node, tag: str) -> Tagged:
        if tag.startswith("!encrypted"):
            return Tagged(tag, _digest(node))
        if tag not in _TAGS:
            raise _unknown(node, tag)
        if isinstance(node, yaml.SequenceNode):
            return Tagged(tag, [self.value(item) for item in node.value])
        if isinstance(node, yaml.MappingNode):
            return Tagged(tag, self._mapping(node))
        return Tagged(tag, node.value)

    def _mapping(self, node: yaml.MappingNode) -> dict[object, object]:
        below: dict[object, object] = {}
        own: dict[object, object] = {}
        texts: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                below = {**self._merged(value_node), **below}
                continue
            key = self.value(key_node)
            if not isinstance(key, Hashable) or isinstance(key, Tagged):
                hint = "quote what stands in {{ }}"
                raise NotYaml(_line(key_node), "the name of a value is a list or a mapping", hint)
            text = str(key_node.value)
            if text in texts:  # as in Zuul, the texts count: 1 and true are two names, though equal as values
                raise NotYaml(_line(key_node), f"{text!r} stands twice in one mapping", "keep one of them")
            texts.add(text)
            own[key] = self.value(value_node)
        return {**below, **own}

    def _merged(self, node: yaml.Node) -> dict[object, object]:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.MappingNode) for item in node.value):
            merged: dict[object, object] = {}
            for item in reversed(node.value):
                merged.update(self._mapping(item))
            return merged
        raise NotYaml(_line(node), "<< takes a mapping, or a list of mappings")


def root_of(text: str, characters: int = MAX_CHARACTERS, values: int = MAX_VALUES) -> yaml.Node | None:
    """The root node of the only document of a text; None when there is nothing in it.

    :param characters: how long the text may be. :param values: how many it may hold once its aliases are followed.
    :raises NotYaml: it is no YAML, more than one document, too large or too deep, or would unfold beyond bounds.
    """
    if len(text) > characters:
        raise NotYaml(0, f"it is too large: more than {characters} characters")
    if found := _NOT_TEXT.search(text):
        raise NotYaml(text.count("\n", 0, found.start()) + 1, "not YAML: a character that is no text", "remove it")
    try:
        root = _compose(text)
        if root is not None:
            _guard(root, values)
    except yaml.MarkedYAMLError as error:
        raise _too_deep_before(error, text) or _not_yaml(error, text) from None
    except (yaml.YAMLError, ValueError) as error:
        raise NotYaml(0, f"not YAML: {error}") from None
    return root


def _too_deep_before(error: yaml.MarkedYAMLError, text: str) -> NotYaml | None:
    """Whether the text is too deep already before the place of the error.

    libyaml's scanner runs ahead of what it hands out, and ends at a limit of its own before the depth could be counted:
    what stands before that place has no such error, and is counted.
    """
    if error.problem_mark is None:
        return None
    try:
        _compose(text[: error.problem_mark.index])
    except NotYaml as deep:
        return deep
    except (yaml.YAMLError, ValueError):
        return None
    return None


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> NotYaml:
    """What is wrong as a sentence, with what to do: told by the kind of error and by the text at its place.

    The words of libyaml and of PyYAML, which are other ones in other versions, are only passed on where nothing better
    is known.
    """
    mark = error.problem_mark or error.context_mark
    line, index = (mark.line + 1, mark.index) if mark else (0, len(text))
    began = error.context_mark.line + 1 if error.context_mark else line
    problem, context = error.problem or "", error.context or ""
    at = text[index : index + 1]
    if isinstance(error, yaml.composer.ComposerError):
        return _not_composed(line, began, text, index)
    if at == "\t":
        return NotYaml(line, "not YAML: a tab stands where only spaces may", "indent with spaces")
    if isinstance(error, yaml.scanner.ScannerError) and at and at in _RESERVED:
        return NotYaml(line, f"not YAML: no value can begin with {at!r}", "quote the value")
    hint = "look at the indentation and the quotes of this line and the one before it"
    which = f" ({context}, which begins on line {began})" if context and problem else ""
    return NotYaml(line, f"not YAML: {problem or context}{which}", hint)


def _not_composed(line: int, began: int, text: str, index: int) -> NotYaml:
    """What makes no single document: an anchor twice, an alias of none, a second document."""
    if anchor := _ANCHOR.match(text, index):
        told = f"not YAML: the anchor {anchor[0]} is on line {began} already"
        return NotYaml(line, told, "give one of the two another name")
    if alias := _ALIAS.match(text, index):
        told = f"not YAML: there is no anchor for {alias[0]} before it"
        return NotYaml(line, told, f"write &{alias[0][1:]} before the value that is meant")
    return NotYaml(line, "not YAML that Zuul takes: a second document begins", "remove the `---`, or make it two files")


def items_of(node: yaml.Node) -> Iterator[yaml.Node]:
    """The items of a list. :raises NotYaml: it is none."""
    if not isinstance(node, yaml.SequenceNode):
        raise NotYaml(_line(node), "is not a list of stanzas", "each stanza begins with `- job:` or the like")
    yield from node.value


def value_of(node: yaml.Node, reading: Reading) -> object:
    """The value of one node. :raises NotYaml: see :meth:`Reading.value`."""
    return reading.value(node)


class _Counting:
    """Part of a loader: counts how deep the node is that is read, and ends where that is too deep.

    A loader tells its resolver of every node that it enters and leaves, libyaml's as well as the one in Python.
    """

    depth = 0

    def descend_resolver(self, parent: yaml.Node | None, index: object) -> None:
        """A node begins below `parent`."""
        self.depth += 1
        if self.depth > MAX_DEPTH + 1:  # a plain value may stand in the deepest list
            raise NotYaml(_line(parent) if parent else 0, _TOO_DEEP)

    def ascend_resolver(self) -> None:
        """That node ends."""
        self.depth -= 1


class _Loader(_Counting, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's loader where it is there."""


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
        return root
    finally:
        loader.dispose()


def _guard(root: yaml.Node, values: int) -> None:
    """Refuse what would grow or nest beyond bounds once its aliases are followed, and what contains itself."""
    known: dict[int, tuple[int, int]] = {}
    within: set[int] = set()

    def measure(node: yaml.Node) -> tuple[int, int]:
        """How many values there are in it, and how deep they stand."""
        if id(node) in known:
            return known[id(node)]
        if id(node) in within:
            raise NotYaml(_line(node), "an alias contains itself", "repeat the text instead")
        within.add(id(node))
        size, depth = 1, 0 if isinstance(node, yaml.ScalarNode) else 1
        for child in _children(node):
            more, below = measure(child)
            size, depth = size + more, max(depth, below + 1)
        if depth > MAX_DEPTH:
            raise NotYaml(_line(node), _TOO_DEEP)
        within.discard(id(node))
        known[id(node)] = (size, depth)
        return size, depth

    if measure(root)[0] > values:
        raise NotYaml(_line(root), f"its aliases unfold to more than {values} values", "repeat less by alias")


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def _scalar(node: yaml.ScalarNode, tag: str) -> object:
    text = str(node.value)
    match tag.removeprefix(_TAG):
        case "str" | "timestamp" | "value":
            return text  # a date is a date to nobody here: variables go to Ansible as they are written
        case "null":
            return None
        case "bool":
            return _TRUE.fullmatch(text) is not None
        case "int" | "float" as kind:
            return _number(node, kind)
    raise _unknown(node, tag)


def _number(node: yaml.ScalarNode, kind: str) -> object:
    construct = yaml.constructor.SafeConstructor()
    if len(node.value) > _MAX_NUMBER:
        raise NotYaml(_line(node), f"a number of more than {_MAX_NUMBER} digits", "quote it")
    try:
        return construct.construct_yaml_int(node) if kind == "int" else construct.construct_yaml_float(node)
    except (ValueError, OverflowError) as error:
        raise NotYaml(_line(node), f"not YAML: {error}") from None


def _digest(node: yaml.Node) -> str:
    """What tells one encrypted text from another, and nothing else."""
    value = node.value if isinstance(node.value, str) else [str(item.value) for item in node.value]
    return hashlib.sha256(str(value).encode("utf-8", "surrogateescape")).hexdigest()


def _unknown(node: yaml.Node, tag: str) -> NotYaml:
    return NotYaml(_line(node), f"not YAML: nobody knows the tag {tag}"[:300])


def _line(found: yaml.Node | yaml.Event) -> int:
    return int(found.start_mark.line) + 1 if found.start_mark else 0
