"""A file of Zuul's → its stanzas, with their lines; what a stanza means is no business of this file."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from gatelocal.config.yaml_values import NotYaml, Reading, items_of, root_of, value_of
from gatelocal.errors import ConfigurationError
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import Fault

KINDS = frozenset(
    "job project project-template nodeset secret semaphore pragma queue pipeline"
    " image flavor label section provider".split()
)


NAMELESS = ("project", "pragma")
"""The kinds that need no name: a project object without one is about the repository that it stands in."""


def parse(text: str, file: str) -> tuple[Stanza, ...]:
    """The stanzas of one file, in their order.

    :raises ConfigurationError: not YAML, not Zuul's list of stanzas, or too large; with file, line and a hint.
    """
    stanzas, faults = parse_all(text, file)
    if faults:
        fault = faults[0]
        place = f"{file}:{fault.line}" if fault.line else file
        raise ConfigurationError(f"{place}: {fault.message}", hint=fault.hint)
    return stanzas


def parse_all(text: str, file: str) -> tuple[tuple[Stanza, ...], tuple[Fault, ...]]:
    """The stanzas of one file that can be read, and what is wrong with the others.

    A text that is no YAML has no stanzas at all, as in Zuul.
    """
    try:
        root = root_of(text)
        nodes = [] if root is None else list(items_of(root))
    except NotYaml as error:
        return (), (Fault(error.line, error.problem, error.hint),)
    reading = Reading()
    stanzas: list[Stanza] = []
    faults: list[Fault] = []
    for node in nodes:
        try:
            found = _stanza(node, value_of(node, reading), file)
        except NotYaml as error:
            found = Fault(error.line, error.problem, error.hint, name=_name_of(node))
        if isinstance(found, Stanza):
            stanzas.append(found)
        else:
            faults.append(found)
    return tuple(stanzas), tuple(faults)


def _name_of(node: yaml.Node) -> str:
    """The name of a stanza whose values cannot be read; empty when that cannot be read either."""
    body = node.value[0][1] if isinstance(node, yaml.MappingNode) and len(node.value) == 1 else None
    pairs = body.value if isinstance(body, yaml.MappingNode) else []
    names = {value.value for key, value in pairs if key.value == "name" and isinstance(value, yaml.ScalarNode)}
    return str(names.pop()) if len(names) == 1 else ""


def _stanza(node: yaml.Node, value: object, file: str) -> Stanza | Fault:
    line = int(node.start_mark.line) + 1
    if not isinstance(value, Mapping) or len(value) != 1:
        return Fault(line, "a stanza is a mapping with a single key", "such as `- job:` with its keys below it")
    kind, body = next(iter(value.items()))
    if not isinstance(kind, str) or kind not in KINDS:
        return Fault(line, f"there is no kind of stanza named {kind!r}"[:300], f"known: {', '.join(sorted(KINDS))}")
    if body is None:
        body = {}
    if not isinstance(body, Mapping) or any(not isinstance(key, str) for key in body):
        return Fault(line, f"the {kind} is not a mapping of names", "indent its keys below it", kind)
    name = body.get("name", "")
    if not isinstance(name, str) or (not name and kind not in NAMELESS):
        return Fault(line, f"the {kind} has no name", "give it a `name:`", kind)
    return Stanza(kind, name, dict(body), file, line)
