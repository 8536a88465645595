"""A job of a project's list while its plan is made: what it is, and what went wrong with it; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatelocal.jobs.zuul.definitions import Definition
from gatelocal.jobs.zuul.draft import Draft, Refused
from gatelocal.jobs.zuul.layout import Complaint, complaint
from gatelocal.model.plan import PlannedJob


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job of the list: planned, with what went wrong and what it leans on.

    :ivar complaints: its own errors. :ivar names: the job and its ancestors. :ivar unknown: names without definition.
    :ivar instead: what it is if it would run; None when nothing speaks against that.
    """

    planned: PlannedJob
    draft: Draft | None = None
    complaints: tuple[Complaint, ...] = ()
    names: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    instead: Candidate | None = None


def in_error(name: str, refused: Refused, named: Sequence[Definition]) -> Candidate:
    """A job that cannot be, with its complaint; told at an entry of the job list when no definition is to blame."""
    place = refused.definition or named[0]
    told = complaint(place, "project" if place.entry else "job", refused.message, refused.hint, name=name)
    return Candidate(
        PlannedJob(name, "error", f"error: {refused.message}", unknown=refused.unknown),
        complaints=(told,),
        names=frozenset((name, refused.unknown)),
        unknown=(refused.unknown,) if refused.unknown else (),
    )
