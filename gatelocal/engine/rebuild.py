"""From a recipe to the very commits and trees that its run had, or to what differs and cannot be had any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine.place import Place, without_userinfo
from gatelocal.errors import ConflictError, InputError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.merger.obtain import obtain
from gatelocal.merger.plan import Step
from gatelocal.model.merged import NO_REFS, MergedChange, RepoState, SpeculativeState
from gatelocal.model.recipe import Recipe, RecipeJob
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace import person
from gatelocal.workspace.manifest import Tree, Wanted, place, refuse_nesting, tree


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came out.

    :ivar paths: each project's tree. :ivar lost: what could not be had any more, each one sentence.
    :ivar different: what is not as the recipe says, each one sentence.
    """

    paths: Mapping[str, Path]
    lost: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether commits, trees and refs are those of the recipe."""
        return not self.lost and not self.different


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What a recipe is carried out with.

    :ivar folder: the recipe's own, which may have files beside it. :ivar target: where the trees are to be.
    :ivar place: the server that the person works with, if any: how it is entered is not in a recipe.
    """

    directories: Directories
    folder: Path
    target: Path
    say: Say
    place: Place | None = None

    def url(self, project: str, told: str) -> str:
        """Where to fetch a project from: as the place says when that is the address `told`, which has no user in it."""
        own = "" if self.place is None else self.place.url(project)
        return own if without_userinfo(own) == told else told


def rebuild(recipe: Recipe, kitchen: Kitchen, job: str | None = None) -> Rebuilt:
    """Make the workspace of a recipe.

    :param job: whose trees and checkouts; None: all projects, by the first job's checkouts where it has a word.
    :raises InputError: there is no such job, or something of the person's is in the target's way.
    :raises gatelocal.errors.InfrastructureError: no answer from a server, no disk.
    """
    wanted = _job(recipe, job)
    urls = {one.project: kitchen.url(one.project, one.url) for one in recipe.repositories}
    _refuse_strangers(recipe, urls)
    cache = Cache(kitchen.directories.repositories, say=kitchen.say)
    merger = Merger(cache, lambda project: Remote(project, urls[project]))
    lost, states = _states(recipe, merger, kitchen)
    commits = [*(step.change.commit for step in recipe.steps)]
    gone = [step for step in recipe.steps if step.change.commit in lost or step.base in lost]
    if gone:
        told = (
            f"{plain(step.change.name)}: its commit {step.change.commit[:12]} cannot be had any more" for step in gone
        )
        return Rebuilt({}, tuple(told), ())
    different: list[str] = []
    try:
        made = merger.carry_out(_steps(recipe.steps), states)
    except ConflictError as error:
        return Rebuilt({}, (), (error.brief,))
    try:
        different += _compared(recipe, made)
        trees = _trees(recipe, wanted, states, made)
        paths = person.arrange(
            trees, {one.project: merger.repository(one.project) for one in trees}, kitchen.target, kitchen.say
        )
    finally:
        merger.release(made)
    return Rebuilt(paths, tuple(sentence for sha, sentence in lost.items() if sha not in commits), tuple(different))


def _job(recipe: Recipe, name: str | None) -> RecipeJob | None:
    if name is None:
        return None
    for job in recipe.jobs:
        if job.name == name:
            return job
    told = ", ".join(plain(job.name) for job in recipe.jobs) or "none"
    raise InputError(f"the recipe has no job {plain(name)}", hint=f"its jobs: {told}")


def _refuse_strangers(recipe: Recipe, urls: Mapping[str, str]) -> None:
    """A recipe may come from anybody: it must speak of its own projects alone."""
    for step in recipe.steps:
        if step.change.project not in urls:
            raise InputError(f"the recipe merges into {plain(step.change.project)} and has no such repository")
    for job in recipe.jobs:
        for project in job.checkouts:
            if project not in urls:
                raise InputError(f"job {plain(job.name)} wants {plain(project)}, which the recipe does not have")


def _states(recipe: Recipe, merger: Merger, kitchen: Kitchen) -> tuple[dict[str, str], dict[str, RepoState]]:
    """What is lost (id → a sentence), and each project's refs without what is lost."""
    lost: dict[str, str] = {}
    states: dict[str, RepoState] = {}
    for one in recipe.repositories:
        missing = set(obtain(merger.repository(one.project), recipe, one, kitchen.folder))
        for kind, refs in (("branch", one.state.branches), ("tag", one.state.tags)):
            for name, sha in refs.items():
                if sha in missing:
                    lost[sha] = f"{plain(one.project)}: {kind} {plain(name)} at {sha[:12]} cannot be had any more"
        lost |= {sha: f"{plain(one.project)}: {sha[:12]} cannot be had any more" for sha in missing if sha not in lost}
        bases = {each.branch: each.base for each in one.merged}
        branches = {name: sha for name, sha in {**one.state.branches, **bases}.items() if sha not in missing}
        tags = {name: sha for name, sha in one.state.tags.items() if sha not in missing}
        states[one.project] = replace(one.state, branches=branches, tags=tags or NO_REFS)
    return lost, states


def _steps(merges: Sequence[MergedChange]) -> list[Step]:
    latest: dict[tuple[str, str], int] = {}
    steps = []
    for number, merge in enumerate(merges):
        line = (merge.change.project, merge.change.branch)
        steps.append(Step(merge.change, latest.get(line), merge.own, merge.mode, merge.message))
        latest[line] = number
    return steps


def _compared(recipe: Recipe, made: SpeculativeState) -> Iterator[str]:
    for step, now in zip(recipe.steps, made.steps, strict=True):
        if step.commit != now.commit:
            yield f"{plain(step.change.name)}: merged it is {now.commit[:12]}, the recipe says {step.commit[:12]}"
    for one in recipe.repositories:
        for old in one.merged:
            new = made.find(old.project, old.branch)
            if new is None:
                yield f"{plain(old.project)} {plain(old.branch)}: nothing is merged into it"
                continue
            for what, here, there in (
                ("commit", new.commit, old.commit),
                ("tree", new.tree, old.tree),
                ("state before the change", new.before_last, old.before_last),
            ):
                if here != there:
                    yield f"{plain(old.project)} {plain(old.branch)}: {what} {here[:12]}, the recipe says {there[:12]}"


def _trees(
    recipe: Recipe, job: RecipeJob | None, states: Mapping[str, RepoState], made: SpeculativeState
) -> tuple[Tree, ...]:
    chosen = job or (recipe.jobs[0] if recipe.jobs else None)
    checkouts = chosen.checkouts if chosen else {}
    trees = []
    for project, state in states.items():
        if job is not None and project not in job.checkouts:
            continue
        overrides = {project: [checkouts[project]]} if project in checkouts else {}
        wanted = Wanted(recipe.host, recipe.change.branch, overrides)
        merged = [one for one in made.merged if one.project == project]
        trees.append(tree(wanted, state, merged, place(recipe.host, project)))
    refuse_nesting(trees)
    return tuple(trees)
