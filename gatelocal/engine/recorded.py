"""Which test of which job somebody means, by what runs of this project have recorded; nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine.past import names, past
from gatelocal.engine.run_folder import RunFolder
from gatelocal.errors import InputError
from gatelocal.model.result import BuildResult
from gatelocal.model.run import RunResult
from gatelocal.model.text import plain
from gatelocal.results import meant
from gatelocal.results.tries import Verdict, flake, last_line

_MOST = 50
"""So many of the latest runs are looked at."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What is meant.

    :ivar tests: ids; none: the job as a whole. :ivar run: the name of the run by which that is known; empty: none.
    """

    job: str
    tests: tuple[str, ...]
    run: str = ""


def find(directories: Directories, directory: Path, test: str, job: str, run: str = "") -> Meant:
    """What somebody means who names a test, a job, both, or nothing.

    :param test: empty: those that have failed in the latest run here in which any did, what was only run to find a
        culprit apart; where a job is named, that as a whole. :param job: empty: that in which the test has failed, or
        else was run. :param run: the name of the only run that counts.
    :raises InputError: nobody can tell, or no such test or job is known.
    """
    runs = list(_runs(directories, directory, run))
    if not test and job and not run:
        return Meant(job, ())
    if not test:
        return _failed(runs, job, run)
    known: dict[str, None] = {}
    ran: Meant | None = None
    for name, result in runs:
        for build in result.builds:
            title = of_whole(build.job)
            if job and title != job:
                continue
            ids = {one.name: one.failed for one in build.tests} | dict.fromkeys(build.never_ran, False)
            known |= dict.fromkeys(ids)
            if found := meant.matching(test, ids):
                one = Meant(title, found, name)
                if any(ids[each] for each in found):
                    return one
                ran = ran or one
    if ran is not None:
        return ran
    if job and not run:
        return Meant(job, (meant.as_id(test),))  # it may be new; a run will tell
    raise _unknown(test, job, run, list(known))


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that a run has seen. :ivar run: its name. :ivar why: what has failed. :ivar logs: the run's folder."""

    run: str
    why: str
    logs: str


def failure(
    directories: Directories, directory: Path, wanted: Meant, commit: str, bases: frozenset[str]
) -> Failure | None:
    """What the latest run of a change on those very bases has seen to fail of the job; None: nothing, or none was."""
    for name, result in _runs(directories, directory, ""):
        if result.change.commit != commit or {one.commit for one in result.bases} != bases or result.part:
            continue
        for build in result.builds:
            if build.job == wanted.job:
                if not build.outcome.against:
                    return None
                bad = [one for one in build.failures if one.name in wanted.tests or not wanted.tests]
                if wanted.tests and not bad:
                    return None
                return Failure(name, last_line(bad[0]) if bad else build.reason, result.logs)
    return None


def flaked(directories: Directories, directory: Path, wanted: Meant) -> str:
    """The name of the latest run here in which what is meant has passed and failed on the same trees; empty: none."""
    for name, result in _runs(directories, directory, ""):
        tried = [one for one in result.builds if one.tries and of_whole(one.job) == wanted.job]
        if flake(tried, wanted.job, wanted.tests, 0).verdict is Verdict.FLAKY:
            return name
    return ""


def of_whole(title: str) -> str:
    """The job of a build, of which that may be a part only."""
    return title.partition(" (")[0]


def _runs(directories: Directories, directory: Path, run: str) -> Iterator[tuple[str, RunResult]]:
    """Runs that came to an end, the latest first: those of the work tree, or the one that is named."""
    chosen = [run] if run else [one for one in names(directories.runs) if _is_of(directories, one, directory)][:_MOST]
    for name in chosen:
        result = past(directories.runs / name, sized=False).result
        if result is not None:
            yield name, result
        elif run:
            raise InputError(f"the run {plain(run)} tells nothing of tests: it came to no end")


def _is_of(directories: Directories, name: str, directory: Path) -> bool:
    return RunFolder(directories.runs / name).is_of(directory)


def _failed(runs: list[tuple[str, RunResult]], job: str, run: str) -> Meant:
    """What has failed last."""
    for name, result in runs:
        if not run and any(of_whole(one.job) != one.job for one in result.builds):
            continue
        bad = [one for one in result.builds if one.outcome.against and (not job or of_whole(one.job) == job)]
        titles = list(dict.fromkeys(of_whole(one.job) for one in bad))
        if len(titles) > 1:
            raise InputError(
                f"in the run {name} several jobs failed", hint=f"say which with --job: {plain(', '.join(titles))}"
            )
        if bad:
            return Meant(titles[0], _tests(bad), name)
    what = f"the run {plain(run)}" if run else "no run of this work tree"
    raise InputError(
        f"no test is named, and {what} has {'none' if run else 'any'} that failed", hint="name a test, or a job"
    )


def _tests(builds: list[BuildResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test.name for one in builds for test in one.failures))


def _unknown(test: str, job: str, run: str, known: list[str]) -> InputError:
    where = f"the run {plain(run)}" if run else "no run of this work tree"
    near = ", ".join(plain(one) for one in meant.near(test, known))
    hint = (
        f"did you mean {near}?" if near else "" if run else "`gatelocal run` records the tests; or name its job: --job"
    )
    told = f"of job {plain(job)} " if job else ""
    return InputError(f"{where} has {'no' if run else 'a'} test {told}named {plain(test)}", hint=hint)
