"""The switch ``reuse``: a green result survives a reset if the job's inputs are the same; it starts and stops nothing.

The inputs of a job are the paths in its ``files`` (without ``files`` all), those in ``irrelevant-files`` never. What is
not known for certain counts as changed. It costs a comparison per job; it guarantees what the ``files`` of the job
promise and no more.
"""

from __future__ import annotations

from functools import partial

from gatelocal.model.evolve import replace
from gatelocal.model.facts import Ref
from gatelocal.model.layout import JobSpec
from gatelocal.pipeline.actions import NoteReuse
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.inputs import touches
from gatelocal.pipeline.state import Item, JobRun, Kept, Phase, Step

_FAR = 1000
"""Landings; what is older is not compared."""

_Bases = tuple[tuple[str, str, str], ...]


def taken_over(draft: Draft, item: Item, run: JobRun) -> JobRun:
    """The run with a result of an earlier generation, if there is one for the same job on the same inputs."""
    for kept in item.kept:
        if kept.ref == run.ref and kept.job == run.job and not run.job.requires and _same_inputs(draft, kept, item):
            draft.act(partial(NoteReuse, item=item.id, ref=run.ref, job=run.job.name, build=kept.build))
            return replace(run, phase=Phase.DONE, result="SUCCESS", reused=kept.build, artifacts=kept.artifacts)
    return run


def same_for(draft: Draft, job: JobSpec, known: tuple[str, str, str], tip: str) -> bool:
    """Whether a tip has what a known tip of that branch had, as far as it is an input of the job."""
    project, branch, old = known
    if old == tip:
        return True
    if not draft.policy.reuse:
        return False
    steps = _landed_between(draft, ((project, branch, old),), ((project, branch, tip),))
    return steps is not None and not any(touches(job, step.files) for step in steps)


def _same_inputs(draft: Draft, kept: Kept, item: Item) -> bool:
    landed = _landed_between(draft, kept.bases, item.bases)
    if landed is None:
        return False
    now = {*item.content, *(step.ref for step in landed if step.ref is not None)}
    before = set(kept.content)
    if any(touches(kept.job, step.files) for step in landed if step.ref is None):
        return False
    return not any(_ref_touches(draft, kept.job, ref) for ref in now ^ before)


def _landed_between(draft: Draft, old: _Bases, new: _Bases) -> list[Step] | None:
    """What every branch gained from the old tips to the new ones; None when that is not known, or too much."""
    before = {(project, branch): tip for project, branch, tip in old}
    steps: list[Step] = []
    for project, branch, newest in new:
        if (project, branch) not in before:
            continue
        tip = newest
        while tip != before[project, branch]:
            step = draft.step((project, branch, tip))
            if step is None or len(steps) == _FAR:
                return None
            steps.append(step)
            tip = step.before
    return steps


def _ref_touches(draft: Draft, job: JobSpec, ref: Ref) -> bool:
    facts = draft.facts(ref.change)
    return facts is None or facts.patchset != ref.patchset or touches(job, facts.files)
