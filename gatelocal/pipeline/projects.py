"""What the layout says of a project: its pipelines and its queue on a branch."""

from __future__ import annotations

from collections.abc import Iterator

from gatelocal.model.layout import Layout, QueueSpec
from gatelocal.model.pattern import any_matches


def takes_part(layout: Layout, project: str, pipeline: str) -> bool:
    """Whether a project is in a pipeline, on whatever branch."""
    known = layout.projects.get(project)
    return known is not None and pipeline in known.pipelines


def queue_spec(layout: Layout, project: str, branch: str) -> QueueSpec:
    """The queue of a project on a branch: that which is assigned to the branch, or its usual one.

    Zuul: gate-semantics 1.6.
    """
    known = layout.projects.get(project)
    for one in known.assigned if known else ():
        if not one.branches or any_matches(one.branches, branch):
            return layout.queues[one.queue]
    return _usual(layout, project)


def queue_specs(layout: Layout, project: str) -> Iterator[QueueSpec]:
    """All queues that a project can have, on whatever branch."""
    known = layout.projects.get(project)
    assigned = known.assigned if known else ()
    if all(one.branches for one in assigned):
        yield _usual(layout, project)
    yield from dict.fromkeys(layout.queues[one.queue] for one in assigned)


def _usual(layout: Layout, project: str) -> QueueSpec:
    """The queue where none is assigned to the branch."""
    known = layout.projects.get(project)
    return layout.queues[known.queue] if known is not None and known.queue is not None else QueueSpec(project)
