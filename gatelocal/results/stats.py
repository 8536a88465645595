"""What a while's builds say in numbers: how often each job passes and flakes, what failed and why; it reads nothing.

A flake is told by trees: the very same ones passed and failed. Its rate is that of failures among the builds of trees
that have passed at least once, so that a change that breaks a test makes no flake of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeVar

from gatelocal.model.diagnosis import Cause
from gatelocal.model.record import dataclass
from gatelocal.model.result import Outcome
from gatelocal.model.seen import Seen
from gatelocal.results.rates import Rate, any_of

T = TypeVar("T")
K = TypeVar("K")
SHOWN = 10

_RAN = (Outcome.SUCCESS.value, Outcome.FAILURE.value, Outcome.TIMED_OUT.value)


@dataclass(frozen=True, slots=True)
class JobStats:
    """One job of one project.

    :ivar before: passes in the time before, as long as this one. :ivar seconds: median of its passes.
    """

    project: str
    job: str
    voting: bool
    passes: Rate
    before: Rate
    flakes: Rate
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Named:
    """A test, or a bug.

    :ivar name: of it; a test's stands after its job, and its project if there are several.
    :ivar rate: what is counted of it.
    """

    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Stats:
    """All of it.

    :ivar builds: that came to an end. :ivar outcomes: how many of each. :ivar causes: failures by what was thought.
    :ivar classified: failures with a cause, of all that were judged. :ivar races: tests by their flakes.
    :ivar bugs: fingerprints: failed builds that each explains, of those in which it was true.
    :ivar unexplained: builds without a cause, the newest first.
    :ivar unlucky: project → the chance that a good change fails a voting job of it: what is seen, at least, at most.
    """

    builds: int
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    classified: Rate
    jobs: tuple[JobStats, ...]
    races: tuple[Named, ...]
    bugs: tuple[Named, ...]
    unexplained: tuple[Seen, ...]
    unlucky: Mapping[str, tuple[float, float, float]]


def stats(builds: Sequence[Seen], since: float, before: float) -> Stats:
    """Count.

    :param builds: all that are known from `before` on. :param since: what ended earlier counts as the time before.
    """
    now = [one for one in builds if one.at >= since]
    earlier = [one for one in builds if before <= one.at < since]
    judged = [one for one in now if one.cause]
    explained = [one for one in judged if one.cause != Cause.UNKNOWN.value]
    past = _by(earlier, _job_of)
    jobs = tuple(_job(key, group, past.get(key, ())) for key, group in sorted(_by(now, _job_of).items()))
    return Stats(
        builds=len(now),
        outcomes=dict(Counter(one.outcome for one in now).most_common()),
        causes=dict(Counter(one.cause for one in judged).most_common()),
        classified=Rate(len(explained), len(judged)),
        jobs=jobs,
        races=_races(now),
        bugs=_bugs(now),
        unexplained=tuple(sorted((one for one in judged if one not in explained), key=lambda one: -one.at))[:SHOWN],
        unlucky={
            project: any_of(one.flakes for one in group if one.voting)
            for project, group in _by(jobs, lambda one: one.project).items()
        },
    )


def _job_of(one: Seen) -> tuple[str, str]:
    """Jobs of the same name in two projects are two."""
    return one.project, one.job


def _job(key: tuple[str, str], group: Sequence[Seen], earlier: Sequence[Seen]) -> JobStats:
    passed = [one.seconds for one in group if one.outcome == Outcome.SUCCESS.value]
    return JobStats(
        *key,
        any(one.voting for one in group),
        _passes(group),
        _passes(earlier),
        flakes((one.tree, one.outcome == Outcome.SUCCESS.value) for one in group if one.tree and one.outcome in _RAN),
        median(passed) if passed else None,
    )


def _passes(group: Iterable[Seen]) -> Rate:
    ran = [one.outcome for one in group if one.outcome in _RAN]
    return Rate(ran.count(Outcome.SUCCESS.value), len(ran))


def flakes(tries: Iterable[tuple[str, bool]]) -> Rate:
    """Failures on trees that have passed, of all builds of such trees. :param tries: tree, and whether it passed."""
    each: dict[str, list[bool]] = defaultdict(list)
    for tree, passed in tries:
        each[tree].append(passed)
    good = [tried for tried in each.values() if any(tried)]
    return Rate(sum(tried.count(False) for tried in good), sum(map(len, good)))


def _races(builds: Sequence[Seen]) -> tuple[Named, ...]:
    tries: dict[tuple[str, str, str], list[tuple[str, bool]]] = defaultdict(list)
    suspects = {(*_job_of(one), name) for one in builds for name in one.failed}
    for one in builds:
        if one.tree:
            for names, passed in ((one.failed, False), (one.passed, True)):
                for name in names:
                    if (key := (*_job_of(one), name)) in suspects:
                        tries[key].append((one.tree, passed))
    several = len({project for project, _, _ in tries}) > 1
    rates = [
        Named(f"{f'{project} ' if several else ''}{job}: {name}", flakes(tried))
        for (project, job, name), tried in tries.items()
    ]
    return tuple(sorted((one for one in rates if one.rate.count), key=lambda one: (-one.rate.count, one.name)))[:SHOWN]


def _bugs(builds: Sequence[Seen]) -> tuple[Named, ...]:
    failed, all_of = Counter[str](), Counter[str]()
    for one in builds:
        for bug, _ in one.hits:
            all_of[bug] += 1
            failed[bug] += one.outcome != Outcome.SUCCESS.value
    found = [Named(bug, Rate(failed[bug], count)) for bug, count in all_of.items()]
    return tuple(sorted(found, key=lambda one: (-one.rate.count, one.name)))[:SHOWN]


def _by(builds: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    found: dict[K, list[T]] = defaultdict(list)
    for one in builds:
        found[key(one)].append(one)
    return found
