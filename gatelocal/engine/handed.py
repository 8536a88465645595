"""What the jobs of an item give to one another, by its job graph; the rules are Zuul's, nothing is read or run here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gatelocal.engine.work import Work
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.model.refs import is_tag, short
from gatelocal.model.returned import Artifact, Given, Returned, merged

Key = tuple[str, str]
"""A change's name to the gate, and a job's."""


def given(graphs: Sequence[Graph], works: Mapping[Key, Work], key: Key, returned: Mapping[Key, Returned]) -> Given:
    """What a job is given of those before it.

    Variables of all that it waits for, directly or not, in the order of the project's jobs: the later one counts.
    Artifacts of these, and of those that provide what it requires.

    :param returned: what has come back so far, of builds that have succeeded or wait for the jobs after them.
    """
    graph = next(one for one in graphs if one.ref.change == key[0])
    specs = {spec.name: spec for spec in graph.jobs}
    before = _before(specs, key[1])
    data: Mapping[str, object] = {}
    artifacts = list(_required(graphs, specs[key[1]], works, returned))
    for spec in graph.jobs:
        if spec.name in before and (found := _of(graphs, graph, spec, returned)) is not None:
            data = merged(data, returned[found].data)
            artifacts += _told(returned[found].artifacts, found, works[found])
    children = tuple(one.name for one in graph.jobs if any(name == key[1] for name, _ in one.dependencies))
    return Given(children, tuple(_once(artifacts)), data)


def _before(specs: Mapping[str, JobSpec], name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        spec = specs.get(waiting.pop())
        fresh = [parent for parent, _ in spec.dependencies if parent not in found] if spec is not None else []
        found.update(fresh)
        waiting += fresh
    return found


def _of(graphs: Sequence[Graph], graph: Graph, spec: JobSpec, returned: Mapping[Key, Returned]) -> Key | None:
    """Whose build it is: the change's own, or that of another one which shares the job; None: there was none."""
    every = (graph, *(one for one in graphs if one is not graph and spec in one.jobs))
    return next((key for one in every if (key := (one.ref.change, spec.name)) in returned), None)


def _required(
    graphs: Sequence[Graph], job: JobSpec, works: Mapping[Key, Work], returned: Mapping[Key, Returned]
) -> Iterator[Artifact]:
    for graph in graphs:
        for spec in graph.jobs:
            key = (graph.ref.change, spec.name)
            if spec.provides & job.requires and key in returned:
                yield from _told(returned[key].artifacts, key, works[key])


def _told(artifacts: Sequence[Artifact], key: Key, work: Work) -> Iterator[Artifact]:
    """With whose they are."""
    whose: dict[str, object] = {"project": work.project, "job": key[1]}
    if work.item is not None:
        where = work.item.branch
        whose |= {"tag": short(where)} if is_tag(where) else {"branch": where}
        if (change := work.item.change) is not None and change.number is not None:
            whose |= {"change": str(change.number), "patchset": str(change.patchset or 1)}
    for one in artifacts:
        yield replace(one, told={**one.told, **whose})


def _once(artifacts: Sequence[Artifact]) -> Iterator[Artifact]:
    seen: list[Artifact] = []
    for one in artifacts:
        if one not in seen:
            seen.append(one)
            yield one
