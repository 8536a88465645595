"""`gatelocal flake --isolate`: which other tests make a test fail, by the order of a run that has seen it fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from gatelocal.cli.finding import run_again
from gatelocal.engine.isolate import Asked, Finding, Isolated, Reply, isolate
from gatelocal.engine.parted import refuse_none
from gatelocal.engine.past import past as past_run
from gatelocal.engine.recorded import Meant, of_whole
from gatelocal.engine.request import GateRequest
from gatelocal.errors import FAILED, INCOMPLETE, MACHINERY, PASSED, InputError
from gatelocal.executor.only import can_be_named
from gatelocal.jobs.families import CLONE_VARIABLE, ONLY_VARIABLE, SERIAL_VARIABLE, TIMES_VARIABLE
from gatelocal.model.deviation import WARM
from gatelocal.model.part import Part
from gatelocal.model.text import plain
from gatelocal.reporter import isolated as report
from gatelocal.results.order import Company, company
from gatelocal.results.tries import Verdict, flake
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal

_CODES = {Finding.OTHERS: PASSED, Finding.ALONE: FAILED, Finding.NOT_SEEN: INCOMPLETE, Finding.NOTHING: MACHINERY}
_LARGEST = 64 << 20


def tell(request: GateRequest, meant: Meant, folder: Path | None, number: int, *, as_object: bool) -> int:
    """Find them and say so; the exit code.

    :param folder: of the run whose order and commits count. :param number: how often each probe tries.
    :raises InputError: there is none, it was not one test, or its order is not known.
    """
    terminal = Terminal(sys.stderr)
    if folder is None or len(meant.tests) != 1:
        raise InputError(messages.ISOLATE_ONE, hint=messages.ISOLATE_HINT)
    test = meant.tests[0]
    found = _company(folder, meant, test)
    if found is None:
        raise InputError(messages.no_order(test, folder.name))
    if not found.all:
        raise InputError(messages.first_of_all(test))
    if not can_be_named((*found.all, test)):
        raise InputError(messages.too_many_tests(len(found.all)))
    terminal.say(messages.candidates(test, len(found.before), len(found.beside)))

    def probe(sets: Sequence[Asked]) -> Sequence[Reply]:
        return _probed(terminal, replace(request, only={}), folder, meant, sets, number)

    told = _report(isolate(found.all, probe), test, found, folder)
    if as_object:
        click.echo(json.dumps(report.as_json(told), indent=2))
    else:
        for line in report.lines(told):
            click.echo(line)
    return _CODES[Finding(told.finding)]


def _company(folder: Path, meant: Meant, test: str) -> Company | None:
    """Who ran with the test, as the builds of its job have recorded it."""
    for build in past_run(folder, sized=False).builds:
        if of_whole(build.title) == meant.job:
            files = sorted(build.folder.glob("**/streams/*.jsonl"), key=lambda one: one.name)
            told = []
            for path in files:
                if path.is_file() and not path.is_symlink():
                    with path.open("rb") as file:
                        told.append(file.read(_LARGEST))
            if (found := company(told, test)) is not None:
                return found
    return None


def _probed(
    terminal: Terminal, request: GateRequest, folder: Path, meant: Meant, sets: Sequence[Asked], number: int
) -> Sequence[Reply]:
    """One run with a part for each set."""
    test = meant.tests[0]
    parts = tuple(
        Part(
            f"set {at} of {len(sets)}",
            {
                ONLY_VARIABLE: [*asked, test],
                TIMES_VARIABLE: number,
                CLONE_VARIABLE: True,
                SERIAL_VARIABLE: True,
            },
        )
        for at, asked in enumerate(sets, 1)
    )
    result = run_again(terminal, replace(request, parts={meant.job: parts}), folder)
    refuse_none(result, meant.job)
    replies = []
    for part, asked in zip(parts, sets, strict=True):
        builds = [one for one in result.builds if one.job == part.title(meant.job)]
        said = flake(builds, meant.job, (test,), number)
        good = {Verdict.STEADY: True, Verdict.FLAKY: False, Verdict.FAILS: False}.get(said.verdict)
        why = next(iter(said.failures or said.reasons), "")
        if good and said.lost:
            good = None
        if any(one.others for build in builds for one in build.tries):
            good, why = None, messages.NOT_ONLY
        cloned = any(one.id == WARM for build in builds for one in build.deviations)
        replies.append(Reply(asked, good, why, builds[0].logs if builds else "", cloned))
    return replies


def _report(found: Isolated, test: str, ran: Company, folder: Path) -> report.Report:
    words = {True: "good", False: "bad", None: "says nothing"}
    return report.Report(
        test=test,
        finding=found.finding.value,
        before=len(ran.before),
        beside=len(ran.beside),
        others=found.others,
        probes=tuple(
            report.Probe(one.asked, words[one.good], plain(one.why), one.cloned, one.logs) for one in found.replies
        ),
        run=folder.name,
    )
