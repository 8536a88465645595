"""A job that is run several times on one node: how often, what is kept of each time, and when that makes no sense.

It judges no test; only where nothing of what was asked for is there, or the machinery goes on failing, it ends early.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.executor.only import only
from gatelocal.executor.record import Record
from gatelocal.jobs.families import TIMES_VARIABLE
from gatelocal.model.job import Job
from gatelocal.model.record import replace
from gatelocal.model.result import BuildResult, Outcome, Try
from gatelocal.ports import Say
from gatelocal.results.tries import Said, kept, said_of
from gatelocal.stopping import Stop

FOLDER = "tries"
"""In a build's folder: one folder for each try of which anything is kept."""
MOST = 3
"""After so many tries in a row of which the machinery made nothing, or in which no such test is, there are no more."""
_LOGS_KEPT = 20
_TOLD = 10


def times(job: Job) -> int:
    """How often the job is to be run on its node; 0: once, as any job."""
    told = job.variables.get(TIMES_VARIABLE)
    return told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else 0


def repeated(job: Job, run: Callable[[int, Path], BuildResult], folder: Path, say: Say, stop: Stop) -> BuildResult:
    """Run the job as often as it is to be run; the whole as one build.

    :param run: one try, by its number from 1, into a folder of its own.
    :param folder: the build's. :param say: is told of each try.
    """
    names, found = only(job), list[Try]()
    last: BuildResult | None = None
    in_vain = 0
    with Record(folder, lambda line: None) as record:
        for number in range(1, times(job) + 1):
            stop.check()
            logs = folder / FOLDER / str(number)
            logs.mkdir(mode=0o700, parents=True)
            try:
                last = run(number, logs)
            except InfrastructureError as error:
                last = BuildResult(job.name, Outcome.NODE_FAILURE, 0.0, job.voting, reason=error.brief)
            one = _try(last, names, logs)
            told = said_of(one, names)
            if _is_spare(told.said, found):
                shutil.rmtree(logs, ignore_errors=True)
                one = replace(one, logs="")
            found.append(one)
            why = f": {told.why}" if told.why and told.said is not Said.UNNAMED else ""
            line = f"try {number} of {times(job)}: {told.said.value} in {one.seconds:.1f} s{why}"
            record.note(line)
            if told.said not in (Said.PASSED, Said.UNNAMED) or number in (1, times(job)) or not number % _TOLD:
                say(line)
            in_vain = in_vain + 1 if told.said in (Said.NOTHING, Said.ABSENT) else 0
            if in_vain >= MOST or (told.said is Said.ABSENT and number == 1):
                record.note("no more tries: they would say nothing either")
                break
    return _whole(job, found, last, folder)


def _try(result: BuildResult, names: tuple[str, ...], logs: Path) -> Try:
    tests = tuple(test for test in result.tests if kept(test, names))
    others = result.count - len(tests)
    words = next((line.strip() for line in reversed(result.output) if line.strip()), "")
    more = result.outcome.against and words not in result.reason
    reason = f"{result.reason}: {words}" if more else result.reason
    return Try(
        outcome=result.outcome,
        seconds=result.seconds,
        tests=tests,
        never_ran=result.never_ran,
        reason=reason,
        logs=str(logs),
        others=others,
        unnamed=result.counted.passed,
    )


def _is_spare(said: Said, before: list[Try]) -> bool:
    """Whether nobody will want its logs: a pass that is not the first, or one of many failures."""
    kept_logs = sum(1 for one in before if one.logs)
    return kept_logs >= _LOGS_KEPT or (said in (Said.PASSED, Said.UNNAMED, Said.SKIPPED) and bool(before))


def _whole(job: Job, found: list[Try], last: BuildResult | None, folder: Path) -> BuildResult:
    """One result of all tries: a pass only where each passed; lost only where none came to anything."""
    telling = [one for one in found if not one.outcome.machinery]
    bad = next((one for one in telling if one.outcome.against), None)
    outcome = bad.outcome if bad else Outcome.SUCCESS if telling else found[-1].outcome
    failed = {test.name: test for one in telling for test in one.tests if test.failed}
    passed = {test.name: test for one in telling for test in one.tests if not test.failed}
    return BuildResult(
        job.name,
        outcome,
        sum(one.seconds for one in found),
        job.voting,
        tests=tuple((passed | failed).values()),
        reason="" if telling and not bad else (bad or found[-1]).reason,
        logs=str(folder),
        invocation=last.invocation if last is not None else None,
        deviations=last.deviations if last is not None else (),
        notes=last.notes if last is not None else (),
        tries=tuple(found),
    )
