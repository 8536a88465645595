"""YAML as Zuul writes it, with lines kept and Zuul's tags tolerated; nothing in a file can run code or eat memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from gatelocal.errors import ConfigurationError
from gatelocal.model.stanza import Stanza, Tagged

MAX_BYTES = 2_000_000
MAX_VALUES = 500_000

KINDS = frozenset(
    "job project project-template nodeset secret semaphore pragma queue pipeline"
    " authorization-rule global-semaphore image flavor label section provider".split()
)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with Zuul's tags."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Tagged:
    tag = str(node.tag)
    if tag.startswith("!encrypted"):
        return Tagged(tag)
    if isinstance(node, yaml.SequenceNode):
        return Tagged(tag, loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Tagged(tag, loader.construct_mapping(node, deep=True))
    return Tagged(tag, loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None)


_Loader.add_multi_constructor("!", _tagged)


def parse(text: str, file: str) -> tuple[Stanza, ...]:
    """The stanzas of one file, in their order.

    :raises ConfigurationError: not YAML, not Zuul's list of stanzas, or too large; with file, line and a hint.
    """
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"{file} is too large: more than {MAX_BYTES} characters")
    try:
        return _parse(_Loader(text), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else file
        raise ConfigurationError(
            f"{place}: not YAML: {error.problem or error.context}",
            details=(mark.get_snippet() or "") if mark else "",
            hint="look at the indentation and the quotes of this line and the one before it",
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigurationError(f"{file}:{line}: not YAML: {error.reason}", hint="remove the character") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{file}: not YAML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{file} is nested too deeply") from None


def _parse(loader: _Loader, file: str) -> tuple[Stanza, ...]:
    try:
        root = loader.get_single_node()
        if root is None:
            return ()
        _guard(root, file)
        if not isinstance(root, yaml.SequenceNode):
            raise _error(file, root, "is not a list of stanzas", "each stanza begins with `- job:` or the like")
        return tuple(_stanza(loader, item, file) for item in root.value)
    finally:
        loader.dispose()


def _stanza(loader: _Loader, item: yaml.Node, file: str) -> Stanza:
    value: Any = loader.construct_object(item, deep=True)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _error(file, item, "a stanza is a mapping with a single key", "such as `- job:` with its keys below it")
    kind, body = next(iter(value.items()))
    if kind not in KINDS:
        raise _error(file, item, f"there is no kind of stanza named {kind!r}", f"known: {', '.join(sorted(KINDS))}")
    if body is None:
        body = {}
    if not isinstance(body, Mapping) or any(not isinstance(key, str) for key in body):
        raise _error(file, item, f"the {kind} is not a mapping of names", "indent its keys below it")
    name = body.get("name", "")
    if not isinstance(name, str) or (not name and kind not in ("project", "pragma")):
        raise _error(file, item, f"the {kind} has no name", "give it a `name:`")
    return Stanza(kind, name, dict(body), file, item.start_mark.line + 1)


def _guard(root: yaml.Node, file: str) -> None:
    """Refuse what would grow beyond bounds once its aliases are followed, and what contains itself."""
    sizes: dict[int, int] = {}
    within: set[int] = set()

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in within:
            raise _error(file, node, "an alias contains itself", "repeat the text instead")
        within.add(id(node))
        total = 1
        if isinstance(node, yaml.SequenceNode):
            total += sum(size(item) for item in node.value)
        elif isinstance(node, yaml.MappingNode):
            total += sum(size(key) + size(value) for key, value in node.value)
        within.discard(id(node))
        sizes[id(node)] = total
        return total

    if size(root) > MAX_VALUES:
        raise _error(file, root, f"its aliases unfold to more than {MAX_VALUES} values", "repeat less by alias")


def _error(file: str, node: yaml.Node, problem: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{file}:{node.start_mark.line + 1}: {problem}", hint=hint)
