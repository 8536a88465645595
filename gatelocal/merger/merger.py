"""From changes in order to speculative commits, in bare caches; no work tree and no server is written to."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gatelocal.errors import InputError, as_machinery
from gatelocal.merger import names, repostate
from gatelocal.merger.cache import RUNS, Cache, Repository
from gatelocal.merger.conflict import Before, explain
from gatelocal.merger.join import Joiner
from gatelocal.merger.plan import Step, plan
from gatelocal.merger.trees import Clash
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.merged import DEFAULT_MODE, MergedChange, MergedProject, MergeMode, RepoState, SpeculativeState
from gatelocal.model.refs import is_tag, short
from gatelocal.model.text import plain
from git_review.git import objects


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a project is fetched from.

    :ivar work_tree: the clone on this machine that has its local commits, and whose objects need not be fetched; None
        when there is none.
    :ivar changes: where its changes are fetched from; empty: from `url` like all else.
    """

    project: str
    url: str
    work_tree: Path | None = None
    changes: str = ""


Mode = Callable[[Path, RepoState], MergeMode]
"""How a project's changes are merged, by what its bare cache and its refs tell."""


def _nothing(_: str) -> Mapping[str, str]:
    return {}


def usual_mode(_: Path, __: RepoState) -> MergeMode:
    """The mode of a project that says nothing of it."""
    return DEFAULT_MODE


class Merger:
    """Builds the state that a queue item would be tested in.

    :param remote: where a project of that name is fetched from.
    :param fresh: what a server told so many seconds ago, or later, is not asked for again.
    :param beside: project → commit → its ref: changes that are taken along when the server is asked for others.
    """

    def __init__(
        self,
        cache: Cache,
        remote: Callable[[str], Remote],
        mode: Mode = usual_mode,
        *,
        fresh: float = 0.0,
        beside: Callable[[str], Mapping[str, str]] = _nothing,
    ) -> None:
        self._cache = cache
        self._remote = remote
        self._mode = mode
        self._fresh = fresh
        self._beside = beside
        self._pins: Mapping[tuple[str, str], str] = {}

    def pinned(self, pins: Mapping[tuple[str, str], str]) -> Merger:
        """The same with other tips. :param pins: (project, branch) → a commit that the branch was at."""
        made = Merger(self._cache, self._remote, self._mode, fresh=self._fresh, beside=self._beside)
        made._pins = pins
        return made

    def repository(self, project: str) -> Repository:
        """The bare cache of a project. :raises InputError: that can be no project's name."""
        names.check(project)
        return self._cache.repository(project, self._remote(project).url)

    def freeze(self, project: str, branches: Collection[str] = ()) -> RepoState:
        """Fetch a project and return the state of its branches and tags.

        :param branches: what the run would like to check out; the server is asked for its default branch only
            when it has none of these.
        :raises InputError: it is a project of another server, or none.
        """
        names.check(project)
        names.check_here(project, self._remote(project).url)
        return self._freeze(project, branches)

    def _freeze(
        self, project: str, branches: Collection[str], refs: Sequence[str] = (), beside: Sequence[str] = ()
    ) -> RepoState:
        repository, remote = self.repository(project), self._remote(project)
        elsewhere = remote.changes not in ("", repository.url)
        clone, fresh = remote.work_tree, self._fresh
        asked = repository.fetch(() if elsewhere else refs, clone=clone, fresh=fresh, beside=beside)
        if refs and elsewhere:
            repository.fetch_changes(remote.changes, refs)
        state = self._read(repository)
        if not asked and not any(branch in state.branches for branch in branches):  # it may be a new one
            repository.fetch()
            state = self._read(repository)
        if any(branch in state.branches for branch in branches):
            return state
        return replace(state, default_branch=repository.default_branch(fresh=self._fresh))

    def _read(self, repository: Repository) -> RepoState:
        with as_machinery(f"reading the branches of {plain(repository.project)}", repository.path):
            found = objects.references(repository.git, "refs/heads", "refs/tags")
            state = repostate.freeze(repository.project, found)
            pinned = {branch: sha for (project, branch), sha in self._pins.items() if project == repository.project}
            for branch, sha in pinned.items():
                _check_pin(repository, state.branches.get(branch, ""), branch, sha)
        return replace(state, branches={**state.branches, **pinned}) if pinned else state

    def tip(self, project: str, branch: str) -> SpeculativeState:
        """The state of a branch, or of a tag by its full name, with nothing merged onto it. Errors as for `merge`."""
        state = self.freeze(project, {branch})
        if short(branch) not in (state.tags if is_tag(branch) else state.branches):
            raise InputError(
                f"{plain(project)} has no branch {plain(branch)}",
                hint=f"its branches: {', '.join(plain(name) for name in sorted(state.branches)[:10])}",
            )
        repository = self.repository(project)
        with as_machinery(f"reading {plain(project)}", repository.path):
            commit = self._commit(repository, state, branch)
            tree = repository.git.query("rev-parse", f"{commit}^{{tree}}").text
        made = SpeculativeState(
            _run_name(), (MergedProject(project, branch, commit, commit, tree, commit, ()),), (state,)
        )
        self._protect(made)
        return made

    def _commit(self, repository: Repository, state: RepoState, branch: str) -> str:
        if not is_tag(branch):
            return state.branches[branch]
        named = state.tags[short(branch)]
        told = repository.git.query("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}", ok=(0, 1))
        if told.status:
            raise InputError(f"{plain(branch)} of {plain(state.project)} names no commit")
        return told.text

    def merge(self, changes: Sequence[Change], own: int = 1) -> SpeculativeState:
        """Merge the changes in their order, each onto the latest state of its branch.

        :param own: how many at the end are the item's own (see :func:`gatelocal.merger.plan.plan`).
        :raises gatelocal.errors.ConflictError: two of them, or one and its branch, do not go together.
        :raises InputError: a branch or a change that is not there.
        :raises gatelocal.errors.InfrastructureError: no answer from a server, no disk.

        The commits are protected from garbage collection until :meth:`release`.
        """
        projects = tuple(dict.fromkeys(change.project for change in changes))
        states = {project: self._prepare(project, changes) for project in projects}
        with as_machinery("reading how the projects are merged"):
            modes = {project: self._mode(self.repository(project).path, states[project]) for project in projects}
        return self.carry_out(plan(changes, own, modes), states)

    def carry_out(self, steps: Sequence[Step], states: Mapping[str, RepoState]) -> SpeculativeState:
        """Make the merges of a plan out of what is in the caches already. Errors as for :meth:`merge`.

        :param states: the projects of all changes, each at the state that counts.
        """
        with as_machinery("merging"), contextlib.ExitStack() as stack:
            lines = dict.fromkeys((step.change.project, step.change.branch) for step in steps)
            joiners = {line: stack.enter_context(self._joiner(states[line[0]], line[1], steps)) for line in lines}
            made: list[str] = []
            for step in steps:
                joiner = joiners[(step.change.project, step.change.branch)]
                with as_machinery("merging", self.repository(step.change.project).path):
                    made.append(self._step(step, steps, made, states, joiner))
            merged = _branches(steps, made, states, joiners)
        done = tuple(
            MergedChange(step.change, step.mode, step.own, step.message, _base(step, made, states), commit)
            for step, commit in zip(steps, made, strict=True)
        )
        state = SpeculativeState(_run_name(), merged, tuple(states.values()), done)
        self._protect(state)
        return state

    def release(self, state: SpeculativeState) -> None:
        """Let git collect the commits when nobody else uses them. Twice is harmless."""
        for repository in self._repositories(state):
            with as_machinery(f"tidying the cache of {plain(repository.project)}", repository.path):
                repository.point({}, objects.references(repository.git, f"{RUNS}{state.run}/"))

    def _prepare(self, project: str, changes: Sequence[Change]) -> RepoState:
        ours = [change for change in changes if change.project == project]
        remote = self._remote(project)
        repository = self.repository(project)
        others = self._beside(project)
        with as_machinery(f"reading the changes of {plain(project)}", repository.path):
            lacking = set(repository.missing((*(change.commit for change in ours if change.ref), *others)))
        refs = sorted({change.ref for change in ours if change.ref and change.commit in lacking})
        beside = sorted({ref for commit, ref in others.items() if commit in lacking} - {*refs})
        state = self._freeze(project, {change.branch for change in ours}, refs, beside)
        for change in ours:
            if change.branch not in state.branches:
                raise InputError(
                    f"{plain(project)} has no branch {plain(change.branch)}, which {plain(change.name)} is for",
                    hint=f"its branches: {', '.join(plain(name) for name in sorted(state.branches)[:10])}",
                )
        local = [change.commit for change in ours if change.status is ChangeStatus.LOCAL]
        if local and remote.work_tree is not None:
            repository.take(remote.work_tree, local)
        return state

    def _joiner(self, state: RepoState, branch: str, steps: Sequence[Step]) -> Joiner:
        line = (state.project, branch)
        changes = [step.change.commit for step in steps if (step.change.project, step.change.branch) == line]
        tip = state.branches[branch]
        with as_machinery(f"reading the changes of {plain(state.project)}", self.repository(state.project).path):
            return Joiner(self.repository(state.project).git, (tip, *changes), tip)

    def _step(
        self, step: Step, steps: Sequence[Step], made: Sequence[str], states: Mapping[str, RepoState], joiner: Joiner
    ) -> str:
        change = step.change

        def attempt(onto: str) -> str:
            return joiner.join(onto, change.commit, step.message, step.mode)

        try:
            return attempt(_base(step, made, states))
        except Clash as clash:
            key = (change.project, change.branch)
            before = tuple(
                (earlier.change, commit)
                for earlier, commit in zip(steps, made, strict=False)
                if (earlier.change.project, earlier.change.branch) == key
            )
            tip = states[change.project].branches[change.branch]
            raise explain(attempt, self.repository(change.project).path, change, Before(tip, before)) from clash

    def _protect(self, state: SpeculativeState) -> None:
        for repository in self._repositories(state):
            ours = [one for one in state.merged if one.project == repository.project]
            refs = {f"{RUNS}{state.run}/{place}": one.commit for place, one in enumerate(ours)}
            with as_machinery(f"keeping the merges of {plain(repository.project)}", repository.path):
                repository.point(refs)

    def _repositories(self, state: SpeculativeState) -> tuple[Repository, ...]:
        return tuple(self.repository(one.project) for one in state.repositories)


def _check_pin(repository: Repository, tip: str, branch: str, sha: str) -> None:
    """:raises InputError: the branch has never been at that commit."""
    known = tip and not repository.missing([sha])
    if not known or repository.git.query("merge-base", "--is-ancestor", sha, tip, ok=(0, 1)).sure().status != 0:
        raise InputError(f"{plain(repository.project)} {plain(branch)} does not have the commit {plain(sha[:12])}")


def _base(step: Step, made: Sequence[str], states: Mapping[str, RepoState]) -> str:
    return states[step.change.project].branches[step.change.branch] if step.after is None else made[step.after]


def _branches(
    steps: Sequence[Step],
    made: Sequence[str],
    states: Mapping[str, RepoState],
    joiners: Mapping[tuple[str, str], Joiner],
) -> tuple[MergedProject, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for place, step in enumerate(steps):
        found.setdefault((step.change.project, step.change.branch), []).append(place)
    merged = []
    for (project, branch), places in found.items():
        tip = states[project].branches[branch]
        ahead = [made[place] for place in places if not steps[place].own]
        commit = made[places[-1]]
        before = ahead[-1] if ahead else tip
        changes = tuple(steps[place].change for place in places)
        merged.append(
            MergedProject(project, branch, tip, commit, joiners[(project, branch)].tree(commit), before, changes)
        )
    return tuple(merged)


def _run_name() -> str:
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(6)}"
