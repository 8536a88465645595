"""From a recipe to the very commits and trees that its run had, or to what differs and cannot be had any more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine.place import Place, without_userinfo
from gatelocal.errors import ConfigurationError, ConflictError, InputError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.merger.obtain import obtain
from gatelocal.merger.plan import Step
from gatelocal.model.merged import NO_REFS, MergedChange, RepoState, SpeculativeState
from gatelocal.model.recipe import Recipe, RecipeJob, RecipeRepository
from gatelocal.model.refs import is_tag
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace import folder, person
from gatelocal.workspace.manifest import Tree, Wanted, branch_of, place, refuse_nesting, tree


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came out.

    :ivar paths: each project's tree; none where what was checked out is lost.
    :ivar lost: what could not be had any more, each one sentence.
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
class _Left:
    """What can still be had of a recipe.

    :ivar missing: project and id of what cannot. :ivar lost: the same for people: project, id, a sentence.
    :ivar states: each project's refs without those.
    """

    missing: frozenset[tuple[str, str]]
    lost: tuple[tuple[str, str, str], ...]
    states: Mapping[str, RepoState]

    def told(self, recipe: Recipe) -> tuple[str, ...]:
        """The sentences: what the merges lack first."""
        steps = {(step.change.project, step.change.commit): step.change.name for step in recipe.steps}
        changes = tuple(
            f"{plain(name)}: its commit {key[1][:12]} cannot be had any more"
            for key, name in steps.items()
            if key in self.missing
        )
        return changes + tuple(sentence for project, sha, sentence in self.lost if (project, sha) not in steps)


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

    :param job: whose trees and checkouts; None: all projects, as the first job that has each of them checked it out.
    :raises InputError: there is no such job, the recipe speaks of what it does not have, or something of the person's
        is in the target's way.
    :raises gatelocal.errors.InfrastructureError: no answer from a server, no disk.
    """
    wanted = _job(recipe, job)
    folder.check(kitchen.target)
    with prepared(recipe, kitchen) as found:
        if isinstance(found, Rebuilt):
            return found
        different = tuple(_compared(recipe, found.state))
        trees, without = _trees(recipe, wanted, found.states, found.state)
        stored = {one.project: found.merger.repository(one.project) for one in trees}
        paths = person.arrange(trees, stored, kitchen.target, kitchen.say)
        return Rebuilt(paths, (*found.lost, *without), different)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The merges of a recipe, made again. :ivar states: each project's refs. :ivar lost: what is not among them."""

    merger: Merger
    state: SpeculativeState
    states: Mapping[str, RepoState]
    lost: tuple[str, ...]


@contextlib.contextmanager
def prepared(recipe: Recipe, kitchen: Kitchen) -> Iterator[Prepared | Rebuilt]:
    """Make the merges of a recipe, which are there until the end of the block; what keeps them from being made else.

    Errors as for :func:`rebuild`.
    """
    _refuse_strangers(recipe)
    urls = {one.project: kitchen.url(one.project, one.url) for one in recipe.repositories}
    cache = Cache(kitchen.directories.repositories, say=kitchen.say)
    merger = Merger(cache, lambda project: Remote(project, urls[project]))
    left = _left(recipe, merger, kitchen)
    needed = {(step.change.project, sha) for step in recipe.steps for sha in (step.change.commit, step.base)}
    if needed & left.missing:
        yield Rebuilt({}, left.told(recipe), ())
        return
    try:
        made = merger.carry_out(_steps(recipe.steps), left.states)
    except ConflictError as error:
        yield Rebuilt({}, left.told(recipe), (error.brief,))
        return
    try:
        yield Prepared(merger, made, left.states, left.told(recipe))
    finally:
        merger.release(made)


def _job(recipe: Recipe, name: str | None) -> RecipeJob | None:
    if name is None:
        return None
    for job in recipe.jobs:
        if job.name == name:
            return job
    told = ", ".join(plain(job.name) for job in recipe.jobs) or "none"
    raise InputError(f"the recipe has no job {plain(name)}", hint=f"its jobs: {told}")


def _refuse_strangers(recipe: Recipe) -> None:
    """A recipe may come from anybody: it must speak of its own projects and refs alone."""
    known = {one.project: _recorded(one) for one in recipe.repositories}
    for step in recipe.steps:
        project, branch = step.change.project, step.change.branch
        if project not in known:
            raise InputError(f"the recipe merges into {plain(project)} and has no such repository")
        if branch not in known[project].branches:
            raise InputError(f"the recipe merges into {plain(branch)} of {plain(project)} and has no such branch")
    for job in recipe.jobs:
        for project, name in job.checkouts.items():
            if project not in known:
                raise InputError(f"job {plain(job.name)} wants {plain(project)}, which the recipe does not have")
            if name not in known[project].branches and name not in known[project].tags:
                told = f"job {plain(job.name)} wants {plain(name)} of {plain(project)}"
                raise InputError(f"{told}, and the recipe has no such branch or tag")


def _recorded(one: RecipeRepository) -> RepoState:
    """All refs that the recipe has of a project."""
    bases = {each.branch: each.base for each in one.merged if not is_tag(each.branch)}
    return replace(one.state, branches={**one.state.branches, **bases})


def _left(recipe: Recipe, merger: Merger, kitchen: Kitchen) -> _Left:
    lost: list[tuple[str, str, str]] = []
    states: dict[str, RepoState] = {}
    for one in recipe.repositories:
        recorded = _recorded(one)
        missing = frozenset(
            obtain(merger.repository(one.project), recipe, replace(one, state=recorded), kitchen.folder)
        )
        lost += [(one.project, sha, sentence) for sha, sentence in _lost(recorded, missing)]
        branches, tags = (
            {name: sha for name, sha in refs.items() if sha not in missing}
            for refs in (recorded.branches, recorded.tags)
        )
        states[one.project] = replace(recorded, branches=branches, tags=tags or NO_REFS)
    return _Left(frozenset((project, sha) for project, sha, _ in lost), tuple(lost), states)


def _lost(recorded: RepoState, missing: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is missing, by the names that it has: id and a sentence."""
    project = plain(recorded.project)
    for kind, refs in (("branch", recorded.branches), ("tag", recorded.tags)):
        for name, sha in refs.items():
            if sha in missing:
                yield sha, f"{project}: {kind} {plain(name)} at {sha[:12]} cannot be had any more"
    for sha in sorted(missing.difference(recorded.branches.values(), recorded.tags.values())):
        yield sha, f"{project}: {sha[:12]} cannot be had any more"


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
        for old in (each for each in one.merged if each.changes):  # else nothing was merged: the branch's tip was run
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
) -> tuple[tuple[Tree, ...], tuple[str, ...]]:
    """The trees, and a sentence for each that there cannot be: nothing else is checked out in its place."""
    jobs = recipe.jobs if job is None else (job,)
    checkouts = {project: name for one in reversed(jobs) for project, name in one.checkouts.items()}
    trees, without = [], []
    for one in recipe.repositories:
        project, state = one.project, states[one.project]
        if job is not None and project not in checkouts:
            continue
        try:
            name, detached = branch_of(_wanted(recipe, project, checkouts.get(project)), _recorded(one))
        except ConfigurationError as error:
            without.append(error.brief)
            continue
        if name not in (state.tags if detached else state.branches):
            without.append(f"{plain(project)}: there is no tree of it, because {plain(name)} was checked out in it")
            continue
        merged = [each for each in made.merged if each.project == project]
        trees.append(tree(_wanted(recipe, project, name), state, merged, place(recipe.host, project)))
    refuse_nesting(trees)
    return tuple(trees), tuple(without)


def _wanted(recipe: Recipe, project: str, checkout: str | None) -> Wanted:
    overrides = {} if checkout is None else {project: [checkout]}
    return Wanted(recipe.host, recipe.change.branch, overrides, recipe.change.project)
