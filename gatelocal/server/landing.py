"""Submit → Submitted: the very revision that was tested lands, where that was tested, and what landed is looked at.

That a branch was not where it should be, or has become another tree than the tested one, the gate learns by the tip
that the change has landed on: one that it does not know.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gatelocal.engine.work import Preparation
from gatelocal.errors import InfrastructureError, as_machinery
from gatelocal.model.merged import RepoState
from gatelocal.pipeline.actions import Submit
from gatelocal.pipeline.events import Submitted
from gatelocal.server.site import Site
from gatelocal.server.telling import SETTLE
from gatelocal.source.reader import Reader
from git_review.errors import ReviewError
from git_review.gerrit import model
from git_review.gerrit.changes import has_landed
from git_review.gerrit.errors import Conflict, Forbidden, NotFound
from git_review.git.runner import Runner

_WORDS = 500  # characters of the server's reason
_FAR = 1000  # commits of a branch's own line that are looked at


@dataclass(frozen=True, slots=True)
class Order:
    """A submit with what the gate knew when it wanted it.

    :ivar known: (project, branch) → where the gate believes the branch to be; empty where it does not matter.
    :ivar tested: the preparation that was tested.
    :ivar late: it is carried out later than it was wanted, or once more: nothing lands any more.
    """

    action: Submit
    known: Mapping[tuple[str, str], str]
    tested: Preparation | None
    late: bool


@dataclass(frozen=True, slots=True)
class Landing:
    """Lands changes. :ivar settle: see :data:`gatelocal.server.telling.SETTLE`."""

    site: Site
    settle: float = SETTLE

    def answer(self, order: Order) -> Submitted:  # noqa: PLR0911 - one for each answer
        """Land it. :raises InfrastructureError: it is not known whether that was done: it is to be looked at again."""
        action, reader = order.action, self.site.reader()
        number = int(action.ref.change)
        change = reader.change(number)
        if change is None:
            return _told(action, "refused", "the server does not show the change any more")
        branch = (change.project, change.branch)
        patchset = change.patchset(action.ref.patchset)
        if change.status == "MERGED" and patchset is not None:
            return self._after(order, change, patchset, ours=order.late)
        if order.late:
            time.sleep(self.settle)
            change = self._read(reader, number)
            if change.status != "MERGED" or patchset is None:
                return _told(action, "late")
            return self._after(order, change, patchset, ours=True)
        if patchset is None or change.status != "NEW":
            return _told(action, "refused", f"the change is {change.status.lower()}")
        if patchset.commit != change.current_commit:
            return _told(action, "refused", f"patchset {action.ref.patchset} is not the current one")
        known = order.known.get(branch, "")
        if known and action.ref == action.changes[0] and reader.tips(change.project).get(change.branch) != known:
            return _told(action, "late", f"{change.branch} has moved")
        try:
            reader.gerrit.changes.submit(change.id, patchset.commit)
        except (Conflict, NotFound) as error:
            again = self._read(reader, number)
            if again.status != "MERGED":
                return _told(action, "refused", error.body or error.brief)
        except Forbidden as error:
            return _told(action, "forbidden", error.body or error.brief)
        except ReviewError as error:
            raise InfrastructureError(f"submitting {action.ref}: {error.brief}", details=error.details) from error
        return self._landed(order, change, patchset)

    def _read(self, reader: Reader, number: int) -> model.Change:
        found = reader.change(number)
        if found is None:
            raise InfrastructureError(f"the server does not show change {number}")
        return found

    def _after(self, order: Order, change: model.Change, patchset: model.PatchSet, *, ours: bool) -> Submitted:
        """It has landed: where, as what, and whether that is what was tested."""
        if not ours or not has_landed(change, patchset.commit):
            tip = self.site.reader().tips(change.project).get(change.branch, "")
            return _told(order.action, "merged", tip=tip)
        return self._judged(order, change, patchset, self._fetched(change))

    def _landed(self, order: Order, before: model.Change, patchset: model.PatchSet) -> Submitted:
        """The server has taken the submit: what it has made of the change, and of its branch, is asked for at once."""
        with ThreadPoolExecutor(1) as beside:
            branches = beside.submit(self._fetched, before)
            change = self._read(self.site.reader(), before.number)
            if not has_landed(change, patchset.commit) or change.branch != before.branch:
                return self._after(order, change, patchset, ours=True)
            return self._judged(order, change, patchset, branches.result())

    def _fetched(self, change: model.Change) -> RepoState:
        return self.site.merger().freeze(change.project, {change.branch})

    def _judged(self, order: Order, change: model.Change, patchset: model.PatchSet, there: RepoState) -> Submitted:
        action, tip = order.action, there.branches.get(change.branch, "")
        repository = self.site.merger().repository(change.project)
        with as_machinery(f"looking at what has landed in {change.project}", repository.path):
            step = landed_as(repository.git, tip, (change.current_commit, patchset.commit)) if tip else None
            if step is None:
                raise InfrastructureError(f"{action.ref} is merged, and not on {change.branch} yet")
            expected, on = _tested_tree(repository.git, order.tested, change.number), step.before
            if expected and step.tree != expected:
                self.site.say(f"ALARM: {action.ref} has landed on {change.branch} as another tree than was tested")
                on = OTHER
        return Submitted(0.0, action.id, action.item, action.ref, "ok", "", on, step.commit)


OTHER = "another tree"
"""The tip that a change is said to have landed on when it became another tree than the tested one: nobody knows it."""


def _told(action: Submit, answer: str, reason: str = "", tip: str = "") -> Submitted:
    return Submitted(0.0, action.id, action.item, action.ref, answer, reason[:_WORDS], tip, tip)


def _tested_tree(git: Runner, tested: Preparation | None, number: int) -> str:
    """The tree that was tested with the change as the last one on its branch; empty when that is not known."""
    steps = () if tested is None else tested.merged.state.steps
    commit = next((one.commit for one in steps if one.change.number == number), "")
    return git.query("rev-parse", f"{commit}^{{tree}}").text if commit else ""


@dataclass(frozen=True, slots=True)
class Step:
    """A commit of a branch's own line. :ivar before: the one before it on that line; empty for the first."""

    commit: str
    tree: str
    before: str


def landed_as(git: Runner, tip: str, commits: Iterable[str]) -> Step | None:
    """The commit of a branch by which a change came to be on it; None: it is not on the branch.

    :param commits: the change as it is now and as it was: where it was merged they are the same, and not on the
        branch's own line.
    """
    shape = ("--no-commit-header", "--format=%H %T %P")
    told = git.query("rev-list", "--first-parent", f"--max-count={_FAR}", *shape, tip).lines
    line = {commit: (tree, parents) for commit, tree, *parents in map(str.split, told)}
    for commit in dict.fromkeys(commits):
        found = commit if commit in line else _merged_by(git, line, commit)
        if not found and git.query("merge-base", "--is-ancestor", commit, tip, ok=(0, 1, 128)).status == 0:
            above = set(git.query("rev-list", "--ancestry-path", f"{commit}..{tip}").lines)
            found = next((one for one in reversed(line) if one in above), "")
            if not found:
                return None
        if found:
            tree, parents = line[found]
            return Step(found, tree, next(iter(parents), ""))
    return None


def _merged_by(git: Runner, line: Mapping[str, tuple[str, list[str]]], commit: str) -> str:
    """The merge of the line that has brought precisely that commit, which was not there before; empty: none has."""
    for merge, (_, parents) in line.items():
        if commit in parents[1:]:
            known = git.query("merge-base", "--is-ancestor", commit, parents[0], ok=(0, 1)).status == 0
            return "" if known else merge
    return ""
