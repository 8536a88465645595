"""The machines that a job asks for: nodesets, by name or in the job itself, and their alternatives; it makes none."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.jobs.zuul.checks import listed
from gatelocal.jobs.zuul.layout import Layout
from gatelocal.model.plan import Group, Nodeset, NodeWanted


def nodesets_of(value: object, layout: Layout) -> tuple[Nodeset, ...]:
    """What a job's ``nodeset`` means: one, or several of which any will do, the most wanted first.

    A name that nobody defines stays a name when a repository is missing that may define it.

    :raises LookupError: there is no such nodeset, or it is its own alternative.
    """
    return _flat(value, layout, [])


def _flat(value: object, layout: Layout, seen: list[str]) -> tuple[Nodeset, ...]:
    name = ""
    if isinstance(value, str):
        name = value
        if name in seen:  # not only a cycle: twice the same is refused as well, as in Zuul
            raise LookupError(f"nodeset {name} is an alternative of itself: {' → '.join((*seen, name))}")
        seen.append(name)
        definition = layout.nodesets.get(name)
        if definition is None:
            if layout.incomplete or not layout.tenant.known_only:
                return (Nodeset(name, known=False),)
            raise LookupError(f"there is no nodeset {name}")
        value = definition.body
    if not isinstance(value, Mapping):
        raise LookupError("a nodeset is a name, or a mapping with a list of nodes")
    if "alternatives" in value:
        chosen = [found for one in listed(value["alternatives"]) for found in _flat(one, layout, seen)]
        return tuple(chosen) or (Nodeset(name),)
    return (_nodeset(name, value),)


def _nodeset(name: str, body: Mapping[str, object]) -> Nodeset:
    nodes = [
        NodeWanted(tuple(str(one) for one in listed(node["name"])), str(node["label"]))
        for node in listed(body.get("nodes"))
        if isinstance(node, Mapping)
    ]
    groups = [
        Group(str(group["name"]), tuple(str(one) for one in listed(group["nodes"])))
        for group in listed(body.get("groups"))
        if isinstance(group, Mapping)
    ]
    return Nodeset(name, tuple(nodes), tuple(groups))
