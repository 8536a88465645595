"""`gatelocal flake`: how often a test fails, and how sure that is."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import Any

import click

from gatelocal.cli.finding import NODE, asked, request_of, run_again
from gatelocal.cli.options import GERRIT, examples, of_configuration
from gatelocal.cli.run import warn_of_edits
from gatelocal.config.directories import directories
from gatelocal.engine.parted import refuse_none
from gatelocal.engine.place import on_server
from gatelocal.errors import CONFIGURATION, FAILED, INCOMPLETE, MACHINERY, PASSED, InputError
from gatelocal.jobs.families import CLONE_VARIABLE, TIMES_VARIABLE
from gatelocal.launcher import capacity
from gatelocal.model.part import Part, numbered
from gatelocal.model.result import Outcome
from gatelocal.model.run import RunResult
from gatelocal.reporter import flake as report
from gatelocal.results.tries import Flake, Verdict
from gatelocal.results.tries import flake as counted
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal

_USUAL = 100


@click.command(
    epilog=examples(
        "gatelocal flake tests.test_api.Races.test_lock        # as HEAD has it, 100 times",
        "gatelocal flake tests.test_api.Races.test_lock last   # as the last run had it",
        "gatelocal flake -n 200                                # what failed in the last run here",
        "gatelocal flake --job unit -n 20 --fresh              # a whole job, each time on a node of its own",
        "gatelocal flake --isolate tests.test_api.Api.test_get  # which test before it makes it fail",
    )
)
@click.argument("test", default="", metavar="[TEST]")
@click.argument("run", default="", metavar="[RUN]")
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1),
    help="How many times; by default 100, with --isolate once in each probe, where one failure counts.",
)
@click.option(
    "--isolate", is_flag=True, help="Find the tests that make it fail, of those that ran before or beside it."
)
@click.option("-j", "--job", metavar="NAME", default="", help="Whose test; by default the job in which it failed here.")
@click.option("--fresh", is_flag=True, help="Each time on a node of its own, not one after another on the same.")
@click.option("--change", metavar="CHANGE", default="HEAD", help="Of which change, as for `gatelocal run`.")
@click.option("--pipeline", metavar="NAME", help="Whose job: by default of gate, or check when there is no gate.")
@NODE
@click.option("--branch", metavar="NAME", help="Target branch of a local commit; by default that of .gitreview.")
@of_configuration
@GERRIT
@click.option(
    "-w", "--width", type=click.IntRange(1), metavar="N", help="On so many nodes; by default what this host carries."
)
@click.option("--cold", is_flag=True, help="Begin with nothing that an earlier run left, such as an environment.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def flake(*, test: str, run: str, fresh: bool, isolate: bool, as_object: bool, **question: Any) -> int:
    """Run one TEST many times and say how often it fails.

    TEST is its id as results have it (pytest's own form will do); its class or its module means all in it; without one,
    the tests that failed in the last run here are meant. With RUN (a run's name, the beginning of one, or last) it is
    run with the very commits of that run. What the machinery does is never counted as a failure.

    With --isolate, the order and the commits of RUN count, by default of the run here that has seen it fail.

    Exit codes: 0 it never failed, 1 it failed, 2 bad input, 5 configuration, 6 machinery, 7 not all tries came to an
    end, and none of those that did failed; 130 interrupted. With --isolate: 0 the others were found, 1 it fails without
    any, 7 it does not fail even with all of them.
    """
    terminal = Terminal(sys.stderr)
    folders = directories(os.environ)
    asked_for = question.pop("number")
    if run and question["change"] != "HEAD":
        raise InputError(messages.RUN_OR_CHANGE)
    if isolate and fresh:
        raise InputError(messages.ISOLATE_FRESH)
    meant, past = asked(folders, test, question.pop("job"), run)
    request = request_of(question, meant)
    if isolate:
        from gatelocal.cli import isolating

        folder = past or (folders.runs / meant.run if meant.run else None)
        return isolating.tell(request, meant, folder, asked_for or 1, as_object=as_object)
    number = asked_for or _USUAL
    if past is None and not on_server(request.change, request.directory):
        warn_of_edits(terminal)
    request = replace(request, parts={meant.job: _parts(number, request.node, request.width, fresh=fresh)})
    terminal.say(messages.many_times(meant.job, meant.tests, number))
    result = run_again(terminal, request, past)
    refuse_none(result, meant.job)
    found = counted(result.builds, meant.job, meant.tests, number, known=bool(meant.run))
    if found.verdict is Verdict.ABSENT:
        raise InputError(messages.no_such_test(meant.job, meant.tests), details=next(iter(found.reasons), ""))
    if as_object:
        click.echo(json.dumps(report.as_json(found, result.logs), indent=2))
    else:
        for line in report.lines(found, result.logs):
            click.echo(line)
    return _code(found, result)


def _parts(number: int, node: str, width: int | None, *, fresh: bool) -> tuple[Part, ...]:
    """The builds that share the tries."""
    if fresh:
        return numbered(number, {TIMES_VARIABLE: 1, CLONE_VARIABLE: True})
    usual = 1 if node == "local" else capacity.builds()
    count = min(width or usual, number)
    return tuple(
        Part(one.name, {TIMES_VARIABLE: number // count + (at < number % count), CLONE_VARIABLE: True})
        for at, one in enumerate(numbered(count, {}))
    )


def _code(found: Flake, result: RunResult) -> int:
    match found.verdict:
        case Verdict.FLAKY | Verdict.FAILS:
            return FAILED
        case Verdict.STEADY:
            return INCOMPLETE if found.lost or not found.seen else PASSED
        case Verdict.NOTHING:
            outcomes = {one.outcome for one in result.builds}
            if Outcome.CONFIG_ERROR in outcomes:
                return CONFIGURATION
            return MACHINERY if any(one.machinery for one in outcomes) else INCOMPLETE
        case _:
            return INCOMPLETE
