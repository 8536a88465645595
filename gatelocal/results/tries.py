"""What several tries of a test say of it: how often it fails, and how sure that is; it runs nothing.

A try says something only where the test came to an end. Whatever the machinery did, and whatever kept the test from
running, is told beside the rate and never counted in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from gatelocal.model.record import dataclass
from gatelocal.model.result import NOT_THERE, BuildResult, Outcome, TestResult, TestStatus, Try
from gatelocal.results.logs.folded import folded
from gatelocal.results.missing import stands_for
from gatelocal.results.names import bare
from gatelocal.results.rates import Rate

_EMPTY = re.compile(
    r"\bran no test\b"
    r"|\bdidn't actually run any tests\b|\bno tests ran\b|\bno tests? to run\b|\d deselected\b|\b0 tests\b",
    re.IGNORECASE,
)
"""What test programs say that have found nothing of what they were to run."""
_STUCK = 3
"""So many failures one after another, with which a node ends, make it likely that one brings the next."""


class Said(Enum):
    """What a try says of a test."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNNAMED = "not failed"
    """It is not among those that failed, and those that passed have no names."""
    ABSENT = "absent"
    """The job ran, and no test of that name was in it."""
    NOTHING = "nothing"


class Verdict(Enum):
    """What all tries say."""

    STEADY = "steady"
    """It never failed."""
    FLAKY = "flaky"
    FAILS = "fails"
    """It failed each time: that is no flake."""
    SKIPPED = "skipped"
    ABSENT = "absent"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Told:
    """One try. :ivar why: of what has failed, its last line; of what says nothing, the reason."""

    said: Said
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A try with its place. :ivar node: the title of the build. :ivar number: which try there, from 1."""

    node: str
    number: int
    one: Try
    told: Told


@dataclass(frozen=True, slots=True)
class Flake:
    """All tries of some tests, or of a whole job.

    :ivar names: the tests; none: the job. :ivar rate: tries in which any of them failed, of those that say something.
    :ivar each: the same for each test. :ivar stuck: a node on which it has failed went on failing.
    :ivar wanted: how many tries there were to be.
    :ivar unnamed: how many are taken for passes only because it was none of those that failed.
    """

    job: str
    names: tuple[str, ...]
    tries: tuple[Tried, ...]
    rate: Rate
    each: Mapping[str, Rate]
    wanted: int
    stuck: bool = False
    unnamed: int = 0

    @property
    def seen(self) -> bool:
        """Whether a try has told of the test by its name."""
        return not self.unnamed or self.rate.of > self.unnamed

    def count(self, said: Said) -> int:
        """How many tries say so."""
        return sum(1 for one in self.tries if one.told.said is said)

    @property
    def lost(self) -> int:
        """How many tries say nothing, or were never made."""
        return self.wanted - self.rate.of - self.count(Said.SKIPPED)

    @property
    def verdict(self) -> Verdict:
        """What they come to."""
        if self.rate.count:
            return Verdict.FAILS if self.rate.count == self.rate.of else Verdict.FLAKY
        if self.rate.of:
            return Verdict.STEADY
        if self.count(Said.SKIPPED):
            return Verdict.SKIPPED
        return Verdict.ABSENT if self.count(Said.ABSENT) else Verdict.NOTHING

    @property
    def failures(self) -> Mapping[str, int]:
        """The last lines of its failures, the most frequent first."""
        return _counted(one.told.why for one in self.tries if one.told.said is Said.FAILED)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why tries say nothing."""
        silent = (Said.NOTHING, Said.ABSENT)
        return _counted(one.told.why for one in self.tries if one.told.said in silent)


def said_of(one: Try, names: Sequence[str]) -> Told:
    """What a try says of the tests, or of its whole job where none is named."""
    if one.reason == NOT_THERE:
        return Told(Said.ABSENT, NOT_THERE)
    if one.outcome.machinery or one.outcome.says_nothing:
        return Told(Said.NOTHING, one.reason or one.outcome.value)
    meant = [test for test in one.tests if not names or any(means(name, test) for name in names)]
    failed = next((last_line(test) for test in meant if test.failed), "")
    if not names:
        passed = one.outcome is Outcome.SUCCESS
        return Told(Said.PASSED) if passed else Told(Said.FAILED, failed or one.reason or one.outcome.value)
    if meant:
        ran = any(test.status is not TestStatus.SKIP for test in meant)
        said = Said.FAILED if failed else Said.PASSED if ran else Said.SKIPPED
        return Told(said, failed if failed else "" if ran else last_line(meant[0]))
    return _without(one, names)


def _without(one: Try, names: Sequence[str]) -> Told:
    """A try in which no such test is told of."""
    unread = next((test for test in one.tests if test.failed and _is_module_of(test, names)), None)
    if unread is not None:
        return Told(Said.NOTHING, f"its module could not be read: {last_line(unread)}")
    if one.never_ran or (one.outcome.against and not one.others and not _EMPTY.search(one.reason)):
        return Told(Said.NOTHING, one.reason or "it never ran")
    if one.unnamed:
        return Told(Said.UNNAMED, "what passes has no name there, and it was none of those that failed")
    return Told(Said.ABSENT, "no test of that name ran")


def means(name: str, test: TestResult) -> bool:
    """Whether a test is meant by a name: its own, without parameters, or that of its class or module.

    So is what failed in its place: a fixture of its class. Of a module that could not be read no test has run.
    """
    if test.name == name or bare(test.name) == name or test.name.startswith(f"{name}."):
        return True
    return test.failed and stands_for(test.name, name)


def _is_module_of(test: TestResult, names: Sequence[str]) -> bool:
    module = test.name.removeprefix("unittest.loader._FailedTest.")
    return any(name.startswith(f"{module}.") for name in names)


def flake(builds: Sequence[BuildResult], job: str, names: Sequence[str], wanted: int, *, known: bool = False) -> Flake:
    """Count.

    :param builds: of the job, each with its tries; one without any stands for a try that was lost.
    :param known: there are such tests beyond doubt: then they passed where only those that fail have names.
    """
    tries = [
        (build.job, number, one) for build in builds for number, one in enumerate(build.tries or (_whole(build),), 1)
    ]
    told = _told([one for _, _, one in tries], names, known)
    tried = [Tried(*one, said) for one, said in zip(tries, told, strict=True)]
    each = {name: _rate(_told([one for _, _, one in tries], (name,), known)) for name in names}
    rate = _rate(told)
    unnamed = sum(1 for _, _, one in tries if said_of(one, names).said is Said.UNNAMED)
    return Flake(job, tuple(names), tuple(tried), rate, each, wanted, _stuck(tried), unnamed)


def kept(test: TestResult, names: Sequence[str]) -> bool:
    """Whether a try keeps the test: it has failed, or it is one of those that were asked for."""
    return test.failed or any(means(name, test) for name in names)


def last_line(test: TestResult) -> str:
    """The last line of what a test says, which is what has failed; pytest marks it, and has others after it."""
    lines = [line.strip() for line in test.details.splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return marked[0] if marked else (lines or [test.status.value])[-1]


def _told(tries: Sequence[Try], names: Sequence[str], known: bool) -> list[Told]:
    told = [said_of(one, names) for one in tries]
    known = known or any(one.said is Said.FAILED for one in told)
    other = Said.PASSED if known else Said.ABSENT
    return [Told(other, "" if known else one.why) if one.said is Said.UNNAMED else one for one in told]


def _whole(build: BuildResult) -> Try:
    outcome = Outcome.ERROR if build.outcome is Outcome.SUCCESS else build.outcome
    return Try(outcome if outcome.machinery else Outcome.ERROR, build.seconds, reason=build.reason)


def _rate(told: Sequence[Told]) -> Rate:
    failed = sum(1 for one in told if one.said is Said.FAILED)
    return Rate(failed, failed + sum(1 for one in told if one.said is Said.PASSED))


def _stuck(tried: Sequence[Tried]) -> bool:
    """Whether each node that has failed after a pass went on so to its end: then no chance is at work."""
    found = False
    for node in dict.fromkeys(one.node for one in tried):
        said = [one.told.said for one in tried if one.node == node]
        said = [one for one in said if one in (Said.PASSED, Said.FAILED)]
        if Said.FAILED not in said:
            continue
        first = said.index(Said.FAILED)
        if not first or Said.PASSED in said[first:]:
            return False
        found = found or len(said) - first >= _STUCK
    return found


def _counted(lines: Iterable[str]) -> Mapping[str, int]:
    """How often each was said; those that differ in numbers, times and ids alone are told as the first of them."""
    like: dict[str, str] = {}
    return dict(Counter(like.setdefault(folded(line), line) for line in lines).most_common())
