"""The jobs of a run once more, on the very commits and trees of its recipe; a verdict of its own comes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from gatelocal.engine import local
from gatelocal.engine.asked import again
from gatelocal.engine.rebuild import Kitchen, Rebuilt, prepared
from gatelocal.engine.request import GateRequest
from gatelocal.engine.work import Merged, Tools
from gatelocal.errors import InfrastructureError
from gatelocal.model.merged import MergedProject, SpeculativeState
from gatelocal.model.recipe import Recipe
from gatelocal.model.run import RunResult


def rerun(recipe: Recipe, kitchen: Kitchen, tools: Tools, request: GateRequest) -> RunResult:
    """Run the recipe's jobs, or those of them that the request names.

    :raises InfrastructureError: what was merged cannot be had any more.
    :raises gatelocal.errors.GateError: as :func:`gatelocal.engine.local.run` does.
    """
    began = time.monotonic()
    with prepared(recipe, kitchen) as found:
        if isinstance(found, Rebuilt):
            raise InfrastructureError(
                "what the run was made of cannot be made again", details="\n".join((*found.lost, *found.different))
            )
        steps = recipe.steps
        notes = (f"replayed: {recipe.change.name} as it was merged then", *found.lost, *_otherwise(recipe, found.state))
        own = sum(1 for one in steps if one.own)
        merged = Merged(_with_tip(recipe, found.state), tuple(one.change for one in steps), own, found.states)
        jobs = request.jobs or tuple(dict.fromkeys(_names(recipe)))
        return local.gate(
            replace(tools, merger=found.merger),
            replace(request, jobs=jobs, pipeline=recipe.pipeline),
            replace(again(recipe), notes=notes),
            lambda _: merged,
            began,
        )


def _names(recipe: Recipe) -> Iterator[str]:
    """The names of the jobs; where two changes had a job of that name, the title has the change's as well."""
    for job in recipe.jobs:
        name = job.name
        for step in recipe.steps:
            name = name.removesuffix(f" ({step.change.name})")
        yield name


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
