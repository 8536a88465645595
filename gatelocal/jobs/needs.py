"""Jobs that need each other: who runs because another does, and who cannot run; it knows no files and no branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatelocal.jobs.candidate import Candidate, in_error
from gatelocal.jobs.zuul.draft import Refused
from gatelocal.jobs.zuul.layout import Layout

_SHOWN = 10


def with_dependencies(layout: Layout, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Jobs that running jobs cannot do without run too; jobs that need what is not in the list are in error."""
    inside = {one.planned.name: one for one in candidates if one.planned.job is not None}
    needs = _needs(inside)
    circles = _circles(needs)
    checked = [
        _in_circle(one, circles) if one.planned.name in circles else _with_known_dependencies(layout, one, inside)
        for one in candidates
    ]
    good = {one.planned.name: one.planned.job for one in checked if one.planned.job is not None}
    running = [one.planned.name for one in checked if one.planned.run]
    needed: dict[str, str] = {}
    waiting = list(running)
    while waiting:
        name = waiting.pop()
        for other, soft in needs[name].items():
            if not soft and other in good and other not in needed:
                needed[other] = name
                waiting.append(other)
    return [_needed(one, needed) for one in checked]


def _needed(candidate: Candidate, needed: Mapping[str, str]) -> Candidate:
    planned = candidate.planned
    if planned.run or planned.job is None or planned.name not in needed:
        return candidate
    if candidate.instead is not None:
        return candidate.instead
    reason = f"needed-by: {needed[planned.name]} depends on it"
    return replace(candidate, planned=replace(planned, rule="needed-by", reason=reason))


def _in_circle(one: Candidate, circles: Mapping[str, tuple[str, ...]]) -> Candidate:
    name = one.planned.name
    way = circles[name]
    shown = " → ".join(way if len(way) <= _SHOWN else (*way[:_SHOWN], "..."))
    chain = one.draft.chain if one.draft is not None else ()
    return replace(
        in_error(name, Refused(f"jobs depend on each other in a circle: {shown}"), chain[-1:]), names=one.names
    )


def _with_known_dependencies(layout: Layout, one: Candidate, inside: Mapping[str, Candidate]) -> Candidate:
    job = one.planned.job
    if job is None or one.draft is None:
        return one
    if not layout.tenant.known_only:
        return one
    for dependency in job.dependencies:
        if dependency.name in inside or (dependency.soft and (dependency.name in layout.jobs or layout.incomplete)):
            continue
        place = next(
            (found for found in reversed(one.draft.chain) if "dependencies" in found.body), one.draft.chain[-1]
        )
        message = f"job {job.name} depends on {dependency.name}, which is not in the list of jobs"
        failed = in_error(job.name, Refused(message, place), [place])
        return replace(failed, names=one.names)
    return one


def _needs(inside: Mapping[str, Candidate]) -> dict[str, dict[str, bool]]:
    """For each job the others of the list that it waits for, and whether it does so only if they run.

    All regular jobs wait for the initializers that run, whatever they say of them (Zuul: ``addInitializerJobs``).
    """
    jobs = {name: one.planned.job for name, one in inside.items() if one.planned.job is not None}
    first = dict.fromkeys((name for name, job in jobs.items() if job.kind == "initializer"), True)
    return {
        name: {
            **{one.name: one.soft for one in job.dependencies if one.name in inside},
            **(first if job.kind == "regular" else {}),
        }
        for name, job in jobs.items()
    }


def _circles(needs: Mapping[str, Mapping[str, bool]]) -> dict[str, tuple[str, ...]]:
    """For each job that depends on itself in the end, the way back to where it repeats; linear in what there is."""
    open_needs = {name: len(needed) for name, needed in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for name, needed in needs.items():
        for other in needed:
            needed_by.setdefault(other, []).append(name)
    ready = [name for name, count in open_needs.items() if count == 0]
    while ready:
        done = ready.pop()
        del open_needs[done]
        for other in needed_by.get(done, ()):
            open_needs[other] -= 1
            if open_needs[other] == 0:
                ready.append(other)
    circles: dict[str, tuple[str, ...]] = {}
    for name in open_needs:
        way: dict[str, None] = {}
        here = name
        while here not in way and here not in circles:
            way[here] = None
            here = next(other for other in needs[here] if other in open_needs)
        names = list(way)
        found = circles[here] if here in circles else (*names[names.index(here) :], here)
        circles.update(dict.fromkeys(way, found))
    return circles
