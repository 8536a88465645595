"""A fingerprint for a failure that nobody knows yet, made of what it says, tried on the runs that are still there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.config.fingerprint_files import of_text
from gatelocal.engine.past import names, past
from gatelocal.engine.reading import read
from gatelocal.engine.understand import too_broad
from gatelocal.errors import InputError
from gatelocal.model.diagnosis import NewLine
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.matcher import Hit, Matcher
from gatelocal.results.fingerprints.proposed import file_of, query_for

RUNS = 200
"""Runs that a proposal is tried on: the latest."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a fingerprint is true of among the builds of past runs.

    :ivar failed: builds of the job that failed, and in how many of them it was true; `passed`: the same of those that
        passed. :ivar others: builds of other jobs that it is true of, by job and outcome.
    """

    failed: tuple[int, int] = (0, 0)
    passed: tuple[int, int] = (0, 0)
    others: tuple[tuple[str, int], ...] = ()

    @property
    def refused(self) -> bool:
        """Whether it is true of too many builds that passed."""
        return self.passed[1] > 0 and (too_broad((self.failed[1], self.passed[1])) or self.passed[1] >= self.failed[1])


@dataclass(frozen=True, slots=True)
class Proposal:
    """One. :ivar text: of its file. :ivar line: what it was made of."""

    fingerprint: Fingerprint
    text: str
    line: NewLine
    tried: Tried


def propose(build: BuildResult, project: str, run: str, directories: Directories) -> Proposal:
    """The one that most failed builds of the job share and none that passed has.

    :param project: whose job it is: another project's of the same name is another job.
    :raises InputError: the build has passed, or nothing in its logs will do.
    """
    if build.outcome is Outcome.SUCCESS:
        raise InputError(f"job {build.job} of the run {run} has passed", hint="name another with --job")
    lines = _lines(build)
    texts = {query_for(one.text, one.file): one for one in reversed(lines)}
    texts.pop("", None)
    known: list[tuple[Fingerprint, NewLine]] = []
    for number, (query, line) in enumerate(texts.items()):
        found, _ = of_text(file_of(query, line.text), f"candidate-{number}")
        if found is not None:
            known.append((found, line))
    if not known:
        raise InputError(
            f"nothing that job {build.job} of the run {run} says will do for a fingerprint",
            details="A line is wanted that no passing build says, with words that are the same every time.",
            hint='write one by hand: query: message:"..."',
        )
    tried = try_all([one for one, _ in known], (project, build.job), directories)
    order = {line: number for number, line in enumerate(lines)}
    best = min(
        zip(known, tried, strict=True),
        key=lambda one: (one[1].refused, -one[1].failed[1], one[1].passed[1], order[one[0][1]]),
    )
    (fingerprint, line), result = best
    return Proposal(fingerprint, file_of(query_for(line.text, line.file), line.text), line, result)


def try_all(prints: Sequence[Fingerprint], job: tuple[str, str], directories: Directories) -> list[Tried]:
    """What each is true of, in one pass over the logs of past runs. :param job: its project, and its name."""
    matcher = Matcher(prints)
    counts = [Counter[str]() for _ in prints]
    others = [Counter[str]() for _ in prints]
    builds = Counter[str]()
    for project, build in _builds(directories):
        own, passed = (project, build.job) == job, build.outcome is Outcome.SUCCESS
        builds["passed" if passed else "failed"] += own
        hits = {one.fingerprint.bug for one in hits_in(build, matcher)}
        for number, one in enumerate(prints):
            if one.bug in hits and own:
                counts[number]["passed" if passed else "failed"] += 1
            elif one.bug in hits:
                of = "" if project == job[0] else f"{project} "
                others[number][f"{of}{build.job} {build.outcome.value}"] += 1
    return [
        Tried((builds["failed"], count["failed"]), (builds["passed"], count["passed"]), tuple(other.most_common(5)))
        for count, other in zip(counts, others, strict=True)
    ]


def hits_in(build: BuildResult, matcher: Matcher) -> Sequence[Hit]:
    """What fingerprints are true of a build's logs; its lines are not looked at otherwise."""
    return read(build, Path(build.logs), {}, matcher, lambda _: True).hits


def _lines(build: BuildResult) -> list[NewLine]:
    """New lines, as the run has them; without them, all that are bad."""
    if build.diagnosis is not None and build.diagnosis.new:
        return list(build.diagnosis.new)
    return read(build, Path(build.logs), {}, Matcher(()), lambda _: False).new


def _builds(directories: Directories) -> Iterator[tuple[str, BuildResult]]:
    """Each with its project."""
    for name in names(directories.runs)[:RUNS]:
        found = past(directories.runs / name, sized=False)
        if found.result is not None:
            of = found.result.change.project
            yield from ((of, one) for one in found.result.builds if one.logs and not one.outcome.says_nothing)
