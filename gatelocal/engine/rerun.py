"""The jobs of a run once more, on the very commits and trees of its recipe; a verdict of its own comes out."""

from __future__ import annotations

import time
from dataclasses import replace

from gatelocal.engine import road
from gatelocal.engine.collect import Collected
from gatelocal.engine.rebuild import Kitchen, Rebuilt, prepared
from gatelocal.engine.request import GateRequest
from gatelocal.engine.road import Hands, Tested
from gatelocal.errors import InfrastructureError
from gatelocal.model.merged import MergedProject, SpeculativeState
from gatelocal.model.recipe import Recipe
from gatelocal.model.run import RunResult


def rerun(recipe: Recipe, kitchen: Kitchen, hands: Hands, request: GateRequest) -> RunResult:
    """Run the recipe's jobs, or those of them that the request names.

    :raises InfrastructureError: what was merged cannot be had any more.
    :raises gatelocal.errors.GateError: as :func:`gatelocal.engine.road.run` does.
    """
    began = time.monotonic()
    with prepared(recipe, kitchen) as found:
        if isinstance(found, Rebuilt):
            raise InfrastructureError(
                "what the run was made of cannot be made again", details="\n".join((*found.lost, *found.different))
            )
        steps = recipe.steps
        notes = (f"replayed: {recipe.change.name} as it was merged then", *found.lost, *_otherwise(recipe, found.state))
        changes = Collected(tuple(one.change for one in steps), sum(1 for one in steps if one.own), notes)
        tested = Tested(recipe.change, changes, _with_tip(recipe, found.state), found.states)
        jobs = request.jobs or tuple(job.name for job in recipe.jobs)
        return road.build_all(
            replace(hands, merger=found.merger), replace(request, jobs=jobs, pipeline=recipe.pipeline), tested, began
        )


def _otherwise(recipe: Recipe, state: SpeculativeState) -> tuple[str, ...]:
    """What came out otherwise than in the recipe, which it should not."""
    then = {(one.change.project, one.change.commit): one.commit for one in recipe.steps}
    return tuple(
        f"{step.change.name}: merged it is {step.commit[:12]}, the recipe says {old[:12]}"
        for step in state.steps
        if (old := then.get((step.change.project, step.change.commit))) not in (None, step.commit)
    )


def _with_tip(recipe: Recipe, state: SpeculativeState) -> SpeculativeState:
    """Where nothing was merged, the branch's tip was run."""
    tips: list[MergedProject] = [each for one in recipe.repositories for each in one.merged if not each.changes]
    states = tuple(one.state for one in recipe.repositories if any(not each.changes for each in one.merged))
    return replace(state, merged=(*state.merged, *tips), repositories=(*state.repositories, *states))
