"""The rows in which a culprit is looked for: commits of a series, merges of a branch, changes queued in front.

Each place of a row is a run that could be asked for; nothing is run here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine import changes, understand
from gatelocal.engine.place import Place
from gatelocal.engine.recorded import Meant
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError, as_machinery
from gatelocal.model.change import Change
from gatelocal.model.result import Outcome
from gatelocal.model.seen import Seen
from gatelocal.model.text import plain
from gatelocal.ports import Say, Source
from git_review.git.runner import Runner

LIMIT = 5000
"""So many merges of a branch are looked through at most."""
_DAYS = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One place of a row. :ivar name: for people. :ivar subject: likewise. :ivar request: how it is run."""

    name: str
    subject: str
    request: GateRequest
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row, the first place of which is thought to be good.

    :ivar kind: what its places are, for people. :ivar hint: what may help where the first one is not good.
    """

    kind: str
    places: tuple[Standing, ...]
    hint: str


def of_ahead(request: GateRequest, source: Source) -> Row:
    """The change behind more and more of those that are queued in front."""
    names = request.ahead
    known = [source.change(name) for name in names]
    if not known:
        raise InputError("no change is queued in front", hint="name them with --ahead")
    first = Standing("without any change ahead", "", replace(request, ahead=()))
    rest = (
        Standing(one.name, one.subject, replace(request, ahead=names[:count]), one.commit)
        for count, one in enumerate(known, 1)
    )
    return Row("change ahead", (first, *rest), "it fails without any of them: look among its own commits")


def of_series(request: GateRequest, source: Source, place: Place, good: str = "") -> Row | None:
    """The branch, then more and more commits of the series; None for what the branch has already.

    :param good: a commit of the series that it begins with in the place of the branch; None too where it is none of it.
    """
    change = source.change(request.change)
    if change.landed:
        return None
    series = [one for one in source.parents(change) if one.project == change.project]
    tip = _tip(place, request.directory)
    first = Standing(f"{place.branch} without the series", "", replace(request, change=tip))
    rest = (
        Standing(one.name, one.subject, replace(request, change=_asked(one)), one.commit) for one in (*series, change)
    )
    places = (first, *rest)
    if good:
        commit = _named(request.directory, good)
        places = places[next((at for at, one in enumerate(places) if one.commit == commit), len(places)) :]
        return Row("commit", places, "it fails there already: name an earlier one with --good") if places else None
    return Row("commit", places, "the branch itself fails: look among its merges with --merges")


def of_merges(request: GateRequest, place: Place, meant: Meant, good: str, hands: tuple[Directories, Say]) -> Row:
    """The branch at each of its merges since a good one, with the change on it, unless the branch has that.

    :param good: a commit of the branch; empty: the latest on which the job has passed here.
    :raises InputError: there is none, or it is none of the branch's.
    """
    directories, say = hands
    if not place.project:
        raise InputError("the merges of a branch are those of a work tree's project", hint="start this in one")
    merger = changes.merger(place, directories, request.directory, say)
    tip = merger.freeze(place.project, {place.branch}).branches.get(place.branch)
    if tip is None:
        raise InputError(f"{plain(place.project)} has no branch {plain(place.branch)}")
    git = merger.repository(place.project).git
    start = _named(request.directory, good) if good else ""
    with as_machinery(f"reading the merges of {plain(place.branch)}"):
        limit = ("-n", str(LIMIT + 1))
        told = git.query("log", "--first-parent", "--format=%H%x00%P%x00%s", *limit, tip, "--").lines
    history = [(sha, subject) for sha, _, subject in (line.split("\0", 2) for line in told)]
    shas = [sha for sha, _ in history]
    if not good:
        start = _green(directories, place, meant, shas)
    if start not in shas:
        raise InputError(
            f"{plain(good)} is none of the merges of {plain(place.project)} {plain(place.branch)}",
            hint="name a commit that the branch was at: git log --first-parent",
        )
    since = list(reversed(history[: shas.index(start) + 1]))
    if len(since) == 1:
        raise InputError(f"nothing was merged into {plain(place.branch)} since {plain(start[:12])}")
    places = tuple(Standing(sha[:12], subject, replace(request, base=sha), sha) for sha, subject in since)
    return Row("merge", places, "it fails there already: name an older one with --good")


def _asked(change: Change) -> str:
    return change.commit if change.number is None else f"{change.number},{change.patchset}"


def _tip(place: Place, directory: Path) -> str:
    """A commit that stands for the branch without any change."""
    args = ("rev-parse", "--verify", "--quiet", f"{place.tracking}^{{commit}}")
    found = Runner(directory).query(*args, ok=(0, 1, 128)).text
    if not found:
        raise InputError(
            f"the branch {plain(place.branch)} is not known here", hint="start this in the project's work tree; fetched"
        )
    return found


def _named(directory: Path, name: str) -> str:
    args = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    found = Runner(directory).query(*args, ok=(0, 1, 128)).text
    if len(found.split()) != 1:
        raise InputError(f"there is no commit {plain(name)!r} in {directory}")
    return found


def _green(directories: Directories, place: Place, meant: Meant, shas: Sequence[str]) -> str:
    """The latest merge on which the job, or its tests, have passed here. :raises InputError: none is known."""
    known = understand.memory(directories)
    try:
        builds = [one for one in known.builds(time.time() - _DAYS) if _passed(one, place, meant)]
    finally:
        known.close()
    bases = {one.base for one in builds}
    found = next((sha for sha in shas if sha in bases), "")
    if not found:
        raise InputError(
            f"no run here has seen job {plain(meant.job)} pass on {plain(place.branch)}",
            hint="name a commit of the branch that was good: --good COMMIT",
        )
    return found


def _passed(one: Seen, place: Place, meant: Meant) -> bool:
    if (one.project, one.branch, one.job) != (place.project, place.branch, meant.job):
        return False
    if meant.tests:
        return set(meant.tests) <= set(one.passed)
    return one.outcome == Outcome.SUCCESS.value
