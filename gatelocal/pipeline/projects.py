"""What the layout says of a project: its pipelines, its jobs and its queue on a branch; it reads no object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from gatelocal.model.layout import Layout, ProjectPipeline, ProjectStanza, QueueSpec
from gatelocal.pipeline.match import any_matches


def takes_part(layout: Layout, project: str, pipeline: str) -> bool:
    """Whether a project is in a pipeline, on whatever branch."""
    known = layout.projects.get(project)
    return known is not None and any(pipeline in stanza.pipelines for stanza in known.stanzas)


@lru_cache(maxsize=4096)
def section(layout: Layout, project: str, branch: str, pipeline: str) -> ProjectPipeline:
    """What the stanzas for the branch say of a pipeline: all their jobs, and the first word on ``fail-fast``."""
    known = layout.projects.get(project)
    there = [one.pipelines.get(pipeline) for one in known.stanzas if _is_for(one, branch)] if known else []
    found = [one for one in there if one is not None]
    words = [one.fail_fast for one in found if one.fail_fast is not None]
    return ProjectPipeline(tuple(job for one in found for job in one.jobs), words[0] if words else None)


@lru_cache(maxsize=4096)
def queue_spec(layout: Layout, project: str, branch: str) -> QueueSpec:
    """The queue of a project on a branch: that which is assigned to the branch, the first one named, one of its own.

    Zuul: gate-semantics 1.6.
    """
    known = layout.projects.get(project)
    for stanza in known.stanzas if known else ():
        for name in stanza.queues:
            if layout.queues[name].assigned and _is_for(stanza, branch):
                return layout.queues[name]
    return _usual(layout, project)


def queue_specs(layout: Layout, project: str) -> Iterator[QueueSpec]:
    """All queues that a project can have, on whatever branch."""
    known = layout.projects.get(project)
    stanzas = known.stanzas if known else ()
    assigned = [(layout.queues[name], one) for one in stanzas for name in one.queues if layout.queues[name].assigned]
    if all(stanza.branches for _, stanza in assigned):
        yield _usual(layout, project)
    yield from dict.fromkeys(spec for spec, _ in assigned)


def _usual(layout: Layout, project: str) -> QueueSpec:
    """The queue where none is assigned to the branch."""
    known = layout.projects.get(project)
    for name in (name for stanza in known.stanzas for name in stanza.queues) if known else ():
        if not layout.queues[name].assigned:
            return layout.queues[name]
    return QueueSpec(project)


def _is_for(stanza: ProjectStanza, branch: str) -> bool:
    return not stanza.branches or any_matches(stanza.branches, branch)
