"""How a job ends, by how its playbooks ended; nothing is run here. The rules are those of Zuul's executor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gatelocal.model.plan import Playbook
from gatelocal.model.result import Outcome

PRE, RUN, POST, CLEANUP = "pre", "run", "post", "cleanup"


class End(Enum):
    """How a playbook ended."""

    WELL = "well"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    LACKING = "lacking"
    """The node is there, and cannot do what the job wants."""
    TIMED_OUT = "timed out"
    REFUSED = "refused"
    """It failed because it wanted of this machine what it may not have."""


@dataclass(frozen=True, slots=True)
class Played:
    """A playbook that was run. :ivar why: one sentence, unless it ended well."""

    phase: str
    book: Playbook
    end: End
    why: str = ""


def after(pre: Sequence[Played], books: Iterable[Playbook]) -> tuple[Playbook, ...]:
    """The playbooks that are run afterwards: those of a level whose pre-run playbooks were not begun are not."""
    failed = next((one for one in pre if one.end is not End.WELL), None)
    return tuple(book for book in books if failed is None or book.level <= failed.book.level)


def is_lost(played: Sequence[Played], *, once: bool = False) -> bool:
    """Whether the job would be tried again, as it stands."""
    return judged(played, once=once)[0] is Outcome.NODE_FAILURE


def judged(played: Sequence[Played], *, once: bool = False) -> tuple[Outcome, str]:
    """The outcome of the build, and one sentence about it.

    A pre-run playbook that fails, and a node that cannot be reached, are never the change's fault: the job is tried
    again. A post-run playbook that fails hides that the run has failed, but not that it took too long.

    :param once: the job itself says that another attempt would not help where its pre-run fails.
    """
    bad = [one for one in played if one.end is not End.WELL and one.phase != CLEANUP]
    if not bad:
        return Outcome.SUCCESS, ""
    first, last = bad[0], bad[-1]
    refused = next((one for one in bad if one.end is End.REFUSED), None)
    lost = next((one for one in bad if one.end in (End.UNREACHABLE, End.LACKING)), None)
    if refused is not None and refused.phase != POST:
        return Outcome.CONFIG_ERROR, refused.why
    if first.phase == PRE and not once:
        lost = lost or first
    if lost is not None:
        return Outcome.NODE_FAILURE, lost.why
    if first.end is End.TIMED_OUT and first.phase == RUN:
        return Outcome.TIMED_OUT, first.why
    if last.phase == POST and first.phase != PRE:
        before = f"; before that, {first.why}" if first.phase == RUN else ""
        return Outcome.POST_FAILURE, f"{last.why}{before}"
    return Outcome.FAILURE, first.why
