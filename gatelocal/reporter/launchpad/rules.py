"""What happened to a change, and how it names a bug → what is to be done about the bug; pure, and it asks nobody.

Source: the rules of jeepyb's ``update-bug`` and ``update-blueprint``; ``doc/source/launchpad.rst`` has the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from gatelocal.model.tracked import ABANDONED, MERGED, UPLOADED, Told, Tracked
from gatelocal.reporter.launchpad.references import Reference

PROGRESS, COMMITTED, RELEASED = "In Progress", "Fix Committed", "Fix Released"
_RELATED = frozenset(("related", "impacts", "affects"))
_FIXES = frozenset(("closes", "fixes", "resolves", ""))
_LOG = 8000  # characters of a commit message that are quoted


class Task(NamedTuple):
    """A bug in one of the things that it is filed against. :ivar target: as Launchpad names it: ``nova/victoria``."""

    target: str
    status: str


class SetStatus(NamedTuple):
    """:ivar task: which one. :ivar assign: it is also given to whoever uploaded the change."""

    task: int
    status: str
    assign: bool = False


class Tag(NamedTuple):
    """The bug gets this tag."""

    name: str


class Comment(NamedTuple):
    """Something is said on the bug."""

    subject: str
    text: str


Step = SetStatus | Tag | Comment


def steps(
    told: Told, reference: Reference, tracked: Tracked, trunk: Sequence[str], tasks: Sequence[Task]
) -> tuple[Step, ...]:
    """All that is to be done about one bug; none for a bug of other projects.

    :param trunk: the branches that count as the main one. :param tasks: of the bug.
    """
    own = [at for at, task in enumerate(tasks) if task.target in tracked.names]
    if not own:
        return ()
    found: list[Step] = []
    if told.kind in (UPLOADED, MERGED):
        if told.branch in trunk:
            found += _on_trunk(told, reference, tracked, [(at, tasks[at]) for at in own])
        elif told.kind == MERGED and told.branch.startswith("proposed/"):
            release = RELEASED in _allowed(reference)
            found += [SetStatus(at, RELEASED) for at in own if release and tasks[at].status == COMMITTED]
        else:
            found += _in_series(told, reference, tracked, tasks)
    if (comment := _comment(told, reference)) is not None:
        found.append(comment)
    return tuple(found)


def whiteboard(before: str, told: Told) -> str:
    """A blueprint's whiteboard with the change on it, once."""
    lines = [f"Gerrit topic: {told.server}q/topic:{quote(told.topic, safe='/')}"] if told.topic else []
    lines.append(f"Addressed by: {told.url}\n    {plain(told.subject)}")
    known = {line.strip() for line in before.splitlines()}
    added = [one for one in lines if one.partition("\n")[0] not in known]
    return "\n\n".join([*([before.rstrip()] if before.strip() else []), *added]) if added else before


def plain(text: str) -> str:
    """A text of people's without signs that are none."""
    return "".join(char for char in text if char == "\n" or char.isprintable())


def _allowed(reference: Reference) -> frozenset[str]:
    if reference.prefix in _FIXES:
        return frozenset((PROGRESS, COMMITTED, RELEASED))
    return frozenset((PROGRESS,)) if reference.prefix == "partial" else frozenset()


def _on_trunk(
    told: Told, reference: Reference, tracked: Tracked, tasks: Iterable[tuple[int, Task]]
) -> Iterator[SetStatus]:
    if told.kind == UPLOADED:
        wanted, ends = PROGRESS, {COMMITTED, RELEASED}
    elif tracked.delay_release:
        wanted, ends = COMMITTED, {COMMITTED, RELEASED}
    else:
        wanted, ends = RELEASED, {RELEASED}
    if wanted in _allowed(reference):
        for at, task in tasks:
            if task.status not in ends:
                yield SetStatus(at, wanted, assign=told.kind == UPLOADED)


def _in_series(told: Told, reference: Reference, tracked: Tracked, tasks: Sequence[Task]) -> Iterator[Step]:
    """Of another branch, the last part names a series: the bug's task for that, or at least a tag."""
    series = told.branch.rpartition("/")[2]
    uploaded = told.kind == UPLOADED
    wanted, ends = (PROGRESS, {COMMITTED, RELEASED}) if uploaded else (COMMITTED, {RELEASED})
    for at, task in enumerate(tasks):
        ours = task.target.partition("/")[0] in tracked.names and "/" in task.target
        if ours and task.target.endswith(series) and task.status not in ends and wanted in _allowed(reference):
            if task.status != wanted or uploaded:
                yield SetStatus(at, wanted, assign=uploaded)
            return
    name = told.branch.replace("/", "-").lower()
    if not uploaded and name.isascii() and name.replace("-", "").isalnum():
        yield Tag(f"in-{name}")


def _comment(told: Told, reference: Reference) -> Comment | None:
    fix = "Related fix" if reference.prefix in _RELATED else "Fix"
    where = f"{told.project.rpartition('/')[2]} ({told.branch})"
    if told.kind == MERGED:
        lines = (
            f"Reviewed:  {told.url}",
            f"Committed: {told.commit}",
            f"Submitter: {plain(told.who)}",
            f"Branch:    {told.branch}",
            "",
            plain(told.message)[:_LOG].strip(),
        )
        return Comment(f"{fix} merged to {where}", "\n".join(lines))
    if told.kind == ABANDONED:
        text = f"Change abandoned by {plain(told.who)} on branch: {told.branch}\nReview: {told.url}"
        reason = plain(told.reason)[:_LOG].strip()
        return Comment(f"Change abandoned on {where}", f"{text}\nReason: {reason}" if reason else text)
    if told.patchset == 1:
        text = f"{fix} proposed to branch: {told.branch}\nReview: {told.url}"
        return Comment(f"{fix} proposed to {where}", text)
    return None
