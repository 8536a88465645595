"""A job while its definitions are applied to it one by one, from the root to the leaf; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.families import Shared
from gatelocal.jobs.match import Matcher
from gatelocal.jobs.variables import applied
from gatelocal.jobs.zuul import Definition, listed, named, patterns
from gatelocal.model.stanza import Stanza, Tagged


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far.

    :ivar playbooks: the job's own main playbooks; empty as long as those of its family hold.
    :ivar nodes: how many nodes it wants.
    """

    variables: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    required_projects: tuple[str, ...] = ()
    files: tuple[Matcher, ...] = ()
    irrelevant_files: tuple[Matcher, ...] = ()
    dependencies: tuple[str, ...] = ()
    label: str | None = None
    nodes: int = 1
    timeout: int | None = None
    voting: bool = True
    playbooks: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()


def begun(root: Shared) -> Draft:
    """A draft with what a shared root says."""
    return Draft(
        variables=root.variables,
        required_projects=root.required_projects,
        irrelevant_files=tuple(Matcher(pattern) for pattern in root.irrelevant_files),
        timeout=root.timeout,
        deviations=root.deviations,
    )


def apply(draft: Draft, definition: Definition, nodesets: Mapping[str, Stanza]) -> Draft:
    """The draft after one more definition.

    :raises ConfigurationError: a known key has the wrong type; with file and line.
    """
    body, place = definition.body, definition.place
    for key, change in _CHANGES.items():
        if key in body:
            try:
                draft = change(draft, body[key], place)
            except (TypeError, ValueError) as error:
                message = f"{place}: job {definition.name}: {key}: {error}"
                raise ConfigurationError(message, details=f"found {body[key]!r}"[:500]) from None
    if body.get("nodeset") is not None:
        label, nodes = _nodes(body["nodeset"], nodesets, place)
        draft = replace(draft, label=label, nodes=nodes)
    return draft


def _variables(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, variables=applied(draft.variables, value))


def _extra(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, extra=applied(draft.extra, value))


def _required(draft: Draft, value: object, place: str) -> Draft:
    before = () if isinstance(value, Tagged) and value.tag == "!override" else draft.required_projects
    names = (*before, *named(value, place, "required-projects"))
    others = [item for item in listed(value) if isinstance(item, Mapping) and item.get("override-checkout")]
    notes = tuple(
        f"override-checkout {item['override-checkout']} of {item.get('name')} is not honoured" for item in others
    )
    return replace(draft, required_projects=tuple(dict.fromkeys(names)), deviations=(*draft.deviations, *notes))


def _files(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, files=_inherited(draft.files, value, place))


def _irrelevant(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, irrelevant_files=_inherited(draft.irrelevant_files, value, place))


def _inherited(below: tuple[Matcher, ...], value: object, place: str) -> tuple[Matcher, ...]:
    found = patterns(value, place)
    return (*below, *found) if isinstance(value, Tagged) and value.tag == "!inherit" else found


def _dependencies(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, dependencies=named(value, place, "dependencies"))


def _timeout(draft: Draft, value: object, place: str) -> Draft:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a number of seconds")
    return replace(draft, timeout=value if value > 0 else None)


def _voting(draft: Draft, value: object, place: str) -> Draft:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return replace(draft, voting=value)


def _run(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, playbooks=_playbooks(value, place))


def _playbooks(value: object, place: str) -> tuple[str, ...]:
    return named(value, place, "playbook")


def _left_out(what: str) -> Callable[[Draft, object, str], Draft]:
    def note(draft: Draft, value: object, place: str) -> Draft:
        notes = tuple(f"{what} {name} ({place}) is not run" for name in _playbooks(value, place))
        return replace(draft, deviations=(*draft.deviations, *notes))

    return note


def _secrets(draft: Draft, value: object, place: str) -> Draft:
    return replace(draft, deviations=(*draft.deviations, f"the secrets that {place} names are not there"))


_CHANGES: Mapping[str, Callable[[Draft, object, str], Draft]] = {
    "vars": _variables,
    "extra-vars": _extra,
    "required-projects": _required,
    "files": _files,
    "irrelevant-files": _irrelevant,
    "dependencies": _dependencies,
    "timeout": _timeout,
    "voting": _voting,
    "run": _run,
    "pre-run": _left_out("the playbook"),
    "post-run": _left_out("the playbook"),
    "secrets": _secrets,
}


def _nodes(value: object, nodesets: Mapping[str, Stanza], place: str) -> tuple[str | None, int]:
    """The label of the first node, and how many there are; a nodeset defined elsewhere is taken as a label."""
    body: object = value
    if isinstance(value, str):
        if value not in nodesets:
            return value, 1
        body, place = nodesets[value].body, nodesets[value].place
    nodes = body.get("nodes", []) if isinstance(body, Mapping) else None
    if not isinstance(nodes, list) or any(not isinstance(node, Mapping) for node in nodes):
        raise ConfigurationError(f"{place}: a nodeset is a name, or a mapping with a list of nodes")
    labels = [node.get("label") for node in nodes]
    if any(not isinstance(label, str) for label in labels):
        raise ConfigurationError(f"{place}: each node of a nodeset has a label")
    return (str(labels[0]) if labels else None), max(1, len(labels))
