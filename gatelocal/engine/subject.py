"""What a plan is about: a project and a branch, with a change, what it needs and what is queued before it merged in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatelocal.config.directories import Directories
from gatelocal.config.files import changed_files
from gatelocal.config.tenant_config import Commit
from gatelocal.engine.collect import collect, collect_item
from gatelocal.engine.request import GateRequest
from gatelocal.errors import ConfigurationError, InputError, as_machinery
from gatelocal.model.change import Change
from gatelocal.model.merged import MergedProject, SpeculativeState
from gatelocal.model.plan import QueuedChange
from gatelocal.model.refs import Tag, Where, is_tag
from gatelocal.ports import Say, Source

if TYPE_CHECKING:
    from gatelocal.engine.place import Place
    from gatelocal.merger.merger import Merger


FRESH = 600.0
"""So many seconds a plan uses the branches that a server told; a run always asks."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One question.

    :ivar change: as for :class:`GateRequest`; None: no change, unless nothing else says which project is meant.
    :ivar config: the file that says where configuration and repositories come from; None: the project's own
        repository alone is asked.
    :ivar files: the changed files, in place of the change's own; None: the change's own.
    :ivar zuul: the URL of a running Zuul whose second opinion is wanted.
    :ivar queue: the URL of a running Zuul, or a file with its status: what is queued there comes before the change.
    :ivar refresh: whether servers are asked for the branches again that they told not long ago.
    """

    change: str | None = None
    config: Path | None = None
    tenant: str | None = None
    project: str | None = None
    branch: str | None = None
    pipeline: str | None = None
    files: tuple[str, ...] | None = None
    directory: Path = field(default_factory=Path)
    gerrit: str | None = None
    zuul: str | None = None
    queue: str | None = None
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What is planned: a project and a branch, with a change merged onto it or without one.

    :ivar before: the state without the change itself, with those that it depends on.
    :ivar number: the change's number; empty when it has none.
    :ivar taken: the changes of a queue that were merged before it.
    :ivar place: the server and the work tree; None where only a name is known.
    """

    project: str
    branch: Where
    changed: Sequence[str] | None = None
    now: Mapping[tuple[str, str], Commit] = field(default_factory=dict)
    before: Mapping[tuple[str, str], Commit] | None = None
    own: Commit | None = None
    notes: tuple[str, ...] = ()
    number: str = ""
    taken: tuple[QueuedChange, ...] = ()
    place: Place | None = None


@contextlib.contextmanager
def subject_of(
    request: PlanRequest,
    directories: Directories,
    environment: Mapping[str, str],
    say: Say,
    ahead: Sequence[QueuedChange],
) -> Iterator[Subject]:
    """Make out what is planned; what was merged for it is there until the end of the ``with`` block.

    :param ahead: what is queued before the change.
    :raises InputError: the request is no sensible one, or names no change.
    :raises gatelocal.errors.GateError: as :meth:`gatelocal.engine.gate.Gate.run` does.
    """
    if request.project is not None:
        if request.change is not None:
            raise InputError("--project is for a plan without a change", hint="leave out the change, or --project")
        yield Subject(request.project, request.branch or "", request.files)
        return
    with _of_change(request, directories, environment, say, ahead) as subject:
        yield subject


@contextlib.contextmanager
def _of_change(
    request: PlanRequest,
    directories: Directories,
    environment: Mapping[str, str],
    say: Say,
    ahead: Sequence[QueuedChange],
) -> Iterator[Subject]:
    # A plan without a change is quick, and needs neither git's merging nor a Gerrit.
    from gatelocal.engine import changes
    from gatelocal.engine import place as places

    change = request.change or "HEAD"
    gate = GateRequest(change=change, directory=request.directory, branch=request.branch, gerrit=request.gerrit)
    place = places.find(gate, environment)
    source = changes.source(place, request.directory, change)
    merger = changes.merger(place, directories, request.directory, say, fresh=0.0 if request.refresh else FRESH)
    found = source.change(change)
    if found.landed:
        yield replace(_of_branch(request, change, found), place=place)
        return
    queue = _of_queue(source, ahead)
    needed = collect_item(source, [found])
    # Whoever plans a change that is queued itself wants to see it with its cycle, not as one of those ahead.
    ahead_of_it = [one for one in (*queue.changes, *needed.ahead) if one not in needed.item]
    state = merger.merge((*dict.fromkeys(ahead_of_it), *needed.item), needed.own)
    try:
        own = state.find(found.project, found.branch)
        if own is None:
            raise AssertionError(f"the merger left out {found.name}")
        number = "" if found.number is None else str(found.number)
        merged = merged_subject(merger, state, own, request.files)
        yield replace(
            merged, number=number, taken=queue.taken, place=place, notes=(*merged.notes, *needed.notes, *queue.notes)
        )
    finally:
        merger.release(state)


def _of_branch(request: PlanRequest, name: str, landed: Change) -> Subject:
    """What the project gates on at a commit that its branch has already; nobody is asked for it."""
    own = Commit(request.directory.absolute(), landed.commit)
    return Subject(
        project=landed.project,
        branch=landed.branch,
        changed=request.files,
        now={(landed.project, landed.branch): own},
        own=own,
        notes=(f"{name} is on {landed.branch} already: without a change, this is what the project gates on",),
    )


@dataclass(frozen=True, slots=True)
class _Queue:
    """What of a queue can be merged here. :ivar notes: why the rest cannot."""

    changes: tuple[Change, ...] = ()
    taken: tuple[QueuedChange, ...] = ()
    notes: tuple[str, ...] = ()


def _of_queue(source: Source, ahead: Sequence[QueuedChange]) -> _Queue:
    found = _Queue()
    for one in ahead:
        try:
            own = source.dependencies(one.url or one.name)
            needed = tuple(change for target in own for change in collect(source, target))
        except (InputError, ConfigurationError) as error:
            note = f"{one.name} of {one.project}, queued before it, is left out: {error.brief}"
            found = replace(found, notes=(*found.notes, note))
            continue
        found = replace(found, changes=(*found.changes, *needed), taken=(*found.taken, one))
    return found


def merged_subject(
    merger: Merger, state: SpeculativeState, own: MergedProject, files: Sequence[str] | None = None
) -> Subject:
    """What a merged state is about. :param files: the changed files, in place of the change's own."""
    repository = merger.repository(own.project).path
    if is_tag(own.branch):
        tag = Tag(own.branch, _branches_with(merger, own))
        return Subject(own.project, tag, files, own=Commit(repository, own.commit))
    now = {(one.project, one.branch): Commit(merger.repository(one.project).path, one.commit) for one in state.merged}
    if not own.changes:
        return Subject(own.project, own.branch, files, now, own=Commit(repository, own.commit))
    changed = files
    if changed is None:
        with as_machinery("listing the changed files"):
            changed = changed_files(repository, own.before_last, own.commit)
    return Subject(
        project=own.project,
        branch=own.branch,
        changed=changed,
        now=now,
        before={**now, (own.project, own.branch): Commit(repository, own.before_last)},
        own=Commit(repository, own.commit),
    )


def _branches_with(merger: Merger, tagged: MergedProject) -> tuple[str, ...]:
    """The branches that have the commit of a tag."""
    repository = merger.repository(tagged.project)
    words = ("--format=%(refname:lstrip=2)", f"--contains={tagged.commit}", "refs/heads/")
    with as_machinery(f"looking for the branches of {tagged.branch}", repository.path):
        return tuple(repository.git.query("for-each-ref", *words).lines)
