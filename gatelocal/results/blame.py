"""Whose fault a failure is, by what is known of the build and of those before it; it reads nothing and asks nobody.

The rules stand in their order. What spoils all that runs on a node comes first, so that no change is blamed for it;
what was tried on the same trees comes before what merely looks like it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatelocal.model.diagnosis import Cause, Diagnosis, KnownBug, NewLine, Sure
from gatelocal.model.record import dataclass, field
from gatelocal.model.result import Outcome

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of one test of a job, or of the job itself.

    :ivar same_passed: builds of the very same trees in which it passed; `same_failed`: in which it failed, this one not
        counted. :ivar base_failed: builds of the branch as it was without the change, in which it failed;
        `base_passed`: in which it passed; `base_earlier`: that was the branch as it had been tried last, not as it was.
    :ivar others_failed: other changes of which a build had it fail lately.
    :ivar others_flaked: of those, how many had it pass on the same trees too. :ivar passed: builds, in all, in which it
        passed.
    """

    same_passed: int = 0
    same_failed: int = 0
    base_failed: int = 0
    base_passed: int = 0
    others_failed: int = 0
    others_flaked: int = 0
    passed: int = 0
    base_earlier: bool = False


NOTHING = Before()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one build that did not pass.

    :ivar failed: the names of its tests that failed. :ivar reason: its own, for an outcome that no test explains.
    :ivar whole: lines that tell of a disk, memory or a node, each with what it tells.
    :ivar around: test → the line of it that tells of a download or the like; empty name: of the build's last words.
    :ivar touched: lines of the failure that name a file that the change touches; of a failure before the tests also
        what of it is read there. :ivar named: bugs whose fingerprint names a test that failed, or was true of what such
        a test says.
    :ivar before: test → what is known of it; empty name: of the job.
    """

    outcome: Outcome
    failed: tuple[str, ...] = ()
    reason: str = ""
    whole: tuple[str, ...] = ()
    around: Mapping[str, str] = field(default_factory=dict)
    touched: tuple[str, ...] = ()
    bugs: tuple[KnownBug, ...] = ()
    named: frozenset[str] = frozenset()
    new: tuple[NewLine, ...] = ()
    before: Mapping[str, Before] = field(default_factory=dict)

    @property
    def what(self) -> tuple[str, ...]:
        """The tests that failed; the job itself, as an empty name, where none did."""
        return self.failed or ("",)


def judged(facts: Facts) -> Diagnosis:
    """What is thought of it."""
    for rule in (_machinery, _whole, _flaky, _trunk, _known, _around, _time, _deterministic):
        found = rule(facts)
        if found is not None:
            cause, sure, because, evidence = found
            tried = facts.outcome is Outcome.RETRY_LIMIT
            return Diagnosis(cause, sure, because, tuple(evidence)[:SHOWN], facts.bugs, facts.new, tried)
    because = "nothing that is known here explains it; a second run on the same trees would tell a flake from a fault"
    if count := min(facts.before.get(name, NOTHING).passed for name in facts.what):
        because += f"; it passed in {_builds(count)} before"
    if facts.outcome is Outcome.CONFIG_ERROR:
        because = f"what the job needs could not be made: {facts.reason}"
    return Diagnosis(Cause.UNKNOWN, Sure.GUESS, because, (), facts.bugs, facts.new)


_Found = tuple[Cause, Sure, str, Sequence[str]] | None


def _machinery(facts: Facts) -> _Found:
    if not facts.outcome.machinery or facts.outcome is Outcome.CONFIG_ERROR:
        return None
    if facts.outcome is not Outcome.RETRY_LIMIT:
        return Cause.ENVIRONMENT, Sure.CERTAIN, facts.reason or facts.outcome.value, facts.whole
    if facts.touched:
        because = (
            f"what comes before the tests failed at each attempt, and the change has a part in that: {facts.reason}"
        )
        return Cause.UNKNOWN, Sure.GUESS, because, facts.touched
    return Cause.ENVIRONMENT, Sure.LIKELY, facts.reason, facts.whole


def _whole(facts: Facts) -> _Found:
    if not facts.whole:
        return None
    return (
        Cause.ENVIRONMENT,
        Sure.LIKELY,
        "the node itself was in trouble, which spoils whatever runs on it",
        facts.whole,
    )


def _flaky(facts: Facts) -> _Found:
    """All that failed has passed on the same trees as well; of a known bug it is told as that."""
    each = [facts.before.get(name, NOTHING) for name in facts.what]
    if not all(one.same_passed for one in each) or facts.bugs:
        return None
    tries = min(one.same_passed + one.same_failed + 1 for one in each)
    because = f"it passed on the very same trees in another build: {tries} builds, not all alike"
    return Cause.FLAKY, Sure.CERTAIN, because, _counts(facts)


def _trunk(facts: Facts) -> _Found:
    each = [facts.before.get(name, NOTHING) for name in facts.what]
    if all(one.base_failed and not one.base_passed for one in each):
        count = min(one.base_failed for one in each)
        because = f"the same fails on the branch without the change ({_builds(count)})"
        if not facts.failed:  # what is known of both is no more than that they failed
            because = f"the job fails on the branch without the change, too, for whatever reason ({_builds(count)})"
            return Cause.TRUNK, Sure.GUESS, because, _counts(facts)
        if any(one.base_earlier for one in each):
            because = (
                "the same failed on the branch without the change when that was tried last, which was before this base"
            )
            return Cause.TRUNK, Sure.LIKELY, because, _counts(facts)
        return Cause.TRUNK, Sure.CERTAIN, because, _counts(facts)
    if all(one.others_failed >= 2 and not one.others_flaked and not one.base_passed for one in each):
        count = min(one.others_failed for one in each)
        because = f"the same fails for {count} other changes, and none of them passed it when tried again"
        return Cause.TRUNK, Sure.LIKELY, because, _counts(facts)
    return None


def _known(facts: Facts) -> _Found:
    if not facts.bugs:
        return None
    each = [facts.before.get(name, NOTHING) for name in facts.what]
    stubborn = any(one.same_failed and not one.same_passed for one in each)
    if any(one.same_failed > 1 and not one.same_passed for one in each):
        return None
    named = any(one.bug in facts.named for one in facts.bugs) or not facts.failed
    sure = Sure.GUESS if stubborn else Sure.CERTAIN if named else Sure.LIKELY
    first = sorted(facts.bugs, key=lambda one: one.bug not in facts.named)[0]
    because = f"bug {first.bug}{f': {first.title}' if first.title else ''}"
    if stubborn:
        because += "; but it has failed on these trees before and never passed on them"
    evidence = [f"{one.file}:{one.line}: {one.text}" for one in facts.bugs]
    return Cause.KNOWN, sure, because, [*evidence, *(one.told for one in facts.bugs if one.told)]


def _around(facts: Facts) -> _Found:
    """A download explains a build without failed tests, and tests of which each tells of one."""
    lines = [facts.around.get(name, "") for name in facts.what]
    if not all(lines):
        return None
    because = "something from elsewhere could not be had"
    return Cause.ENVIRONMENT, Sure.LIKELY, because, list(dict.fromkeys(lines))


def _time(facts: Facts) -> _Found:
    if facts.outcome is not Outcome.TIMED_OUT or facts.failed:
        return None
    before = facts.before.get("", NOTHING)
    if before.same_failed and not before.same_passed:
        return None
    return Cause.ENVIRONMENT, Sure.GUESS, "it ran out of its time, and no test had failed by then", [facts.reason]


def _deterministic(facts: Facts) -> _Found:
    each = [facts.before.get(name, NOTHING) for name in facts.what]
    again = [one for one in each if one.same_failed and not one.same_passed]
    if again:
        count = max(one.same_failed for one in again) + 1
        sure = Sure.CERTAIN if count > 2 else Sure.LIKELY
        because = f"it fails whenever these trees are tried: {count} of {_builds(count)}"
        return Cause.DETERMINISTIC, sure, because, [*_counts(facts), *facts.touched]
    if facts.touched:
        because = "what failed names a file that the change touches"
        return Cause.DETERMINISTIC, Sure.LIKELY, because, [*facts.touched, *_counts(facts)]
    return None


def _counts(facts: Facts) -> list[str]:
    """What is known of each test that failed, in numbers."""
    told = []
    for name in facts.what:
        one = facts.before.get(name, NOTHING)
        tried = one.same_passed + one.same_failed + 1
        parts = [f"on these trees {one.same_passed} of {tried} passed"]
        if one.base_failed or one.base_passed:
            parts.append(f"on the branch alone {one.base_passed} of {one.base_passed + one.base_failed}")
        if one.others_failed:
            parts.append(f"{one.others_failed} other changes had it fail, {one.others_flaked} of them only at times")
        told.append(f"{name or 'the job'}: {', '.join(parts)}")
    return told


def _builds(count: int) -> str:
    return "1 build" if count == 1 else f"{count} builds"
