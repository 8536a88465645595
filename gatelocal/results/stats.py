"""What a while's builds say in numbers: how often each job passes and flakes, what failed and why; it reads nothing.

A flake is told by trees: the very same ones passed and failed. Its rate is that of failures among the builds of trees
that have passed at least once, so that a change that breaks a test makes no flake of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from gatelocal.model.diagnosis import Cause
from gatelocal.model.record import dataclass
from gatelocal.model.result import Outcome
from gatelocal.model.seen import Seen
from gatelocal.results.rates import Rate, any_of

SHOWN = 10

_RAN = (Outcome.SUCCESS.value, Outcome.FAILURE.value, Outcome.TIMED_OUT.value)


@dataclass(frozen=True, slots=True)
class JobStats:
    """One job. :ivar before: passes in the time before, as long as this one. :ivar seconds: median of its passes."""

    job: str
    voting: bool
    passes: Rate
    before: Rate
    flakes: Rate
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Named:
    """A test, or a bug. :ivar name: of it; a test's stands after its job. :ivar rate: what is counted of it."""

    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Stats:
    """All of it.

    :ivar builds: that came to an end. :ivar outcomes: how many of each. :ivar causes: failures by what was thought.
    :ivar classified: failures with a cause, of all that were judged. :ivar races: tests by their flakes.
    :ivar bugs: fingerprints: failed builds that each explains, of those in which it was true.
    :ivar unexplained: builds without a cause, the newest first.
    :ivar unlucky: the chance that a good change fails a voting job: what is seen, at least, at most.
    """

    builds: int
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    classified: Rate
    jobs: tuple[JobStats, ...]
    races: tuple[Named, ...]
    bugs: tuple[Named, ...]
    unexplained: tuple[Seen, ...]
    unlucky: tuple[float, float, float]


def stats(builds: Sequence[Seen], since: float, before: float) -> Stats:
    """Count.

    :param builds: all that are known from `before` on. :param since: what ended earlier counts as the time before.
    """
    now = [one for one in builds if one.at >= since]
    earlier = [one for one in builds if before <= one.at < since]
    judged = [one for one in now if one.cause]
    explained = [one for one in judged if one.cause != Cause.UNKNOWN.value]
    jobs = tuple(_job(name, group, earlier) for name, group in sorted(_by(now, lambda one: one.job).items()))
    return Stats(
        builds=len(now),
        outcomes=dict(Counter(one.outcome for one in now).most_common()),
        causes=dict(Counter(one.cause for one in judged).most_common()),
        classified=Rate(len(explained), len(judged)),
        jobs=jobs,
        races=_races(now),
        bugs=_bugs(now),
        unexplained=tuple(sorted((one for one in judged if one not in explained), key=lambda one: -one.at))[:SHOWN],
        unlucky=any_of(one.flakes for one in jobs if one.voting),
    )


def _job(name: str, group: Sequence[Seen], earlier: Sequence[Seen]) -> JobStats:
    passed = [one.seconds for one in group if one.outcome == Outcome.SUCCESS.value]
    return JobStats(
        name,
        any(one.voting for one in group),
        _passes(group),
        _passes([one for one in earlier if one.job == name]),
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
    tries: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    suspects = {(one.job, name) for one in builds for name in one.failed}
    for one in builds:
        if one.tree:
            for names, passed in ((one.failed, False), (one.passed, True)):
                for name in names:
                    if (one.job, name) in suspects:
                        tries[f"{one.job}: {name}"].append((one.tree, passed))
    rates = [Named(name, flakes(tried)) for name, tried in tries.items()]
    return tuple(sorted((one for one in rates if one.rate.count), key=lambda one: (-one.rate.count, one.name)))[:SHOWN]


def _bugs(builds: Sequence[Seen]) -> tuple[Named, ...]:
    failed, all_of = Counter[str](), Counter[str]()
    for one in builds:
        for bug, _ in one.hits:
            all_of[bug] += 1
            failed[bug] += one.outcome != Outcome.SUCCESS.value
    found = [Named(bug, Rate(failed[bug], count)) for bug, count in all_of.items()]
    return tuple(sorted(found, key=lambda one: (-one.rate.count, one.name)))[:SHOWN]


def _by(builds: Iterable[Seen], key: Callable[[Seen], str]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in builds:
        found[key(one)].append(one)
    return found
