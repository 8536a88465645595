"""`gatelocal bisect`: which commit, merge or queued change makes a job or a test fail."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.finding import NODE, asked, request_of, run_again
from gatelocal.cli.options import GERRIT, examples, of_configuration
from gatelocal.cli.run import warn_of_edits
from gatelocal.config.directories import Directories, directories
from gatelocal.engine import changes, recorded
from gatelocal.engine import place as places
from gatelocal.engine.bisect import Answer, Bisected, Prober
from gatelocal.engine.bisect import bisect as search
from gatelocal.engine.recorded import Meant
from gatelocal.engine.request import GateRequest
from gatelocal.engine.row import Row, Standing, of_ahead, of_merges, of_series
from gatelocal.errors import INCOMPLETE, PASSED, InputError
from gatelocal.reporter import bisected as report
from gatelocal.results.search import most
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal


@click.command(
    epilog=examples(
        "gatelocal bisect                                      # which commit of this series breaks what failed last",
        "gatelocal bisect tests.test_api.Api.test_get          # ... breaks this test",
        "gatelocal bisect --job unit --good v1.2               # which merge into the branch since then",
        "gatelocal bisect --job unit --ahead 1234,1240,1238    # which change that is queued in front",
    )
)
@click.argument("test", default="", metavar="[TEST]")
@click.option("-j", "--job", metavar="NAME", default="", help="Which job; by default the one that failed here.")
@click.option("--change", metavar="CHANGE", default="HEAD", help="The end of the series, as for `gatelocal run`.")
@click.option("--merges", is_flag=True, help="Among the merges into the branch since it was good here.")
@click.option("--good", metavar="COMMIT", default="", help="Since that commit, of the series or of the branch.")
@click.option("--ahead", multiple=True, metavar="CHANGE,...", help="Among these changes, which are merged in front.")
@click.option("-n", "--number", type=click.IntRange(1), help="Try each so often; one failure counts. Once by default.")
@click.option("--pipeline", metavar="NAME", help="Whose job: by default of gate, or check when there is no gate.")
@NODE
@click.option("--branch", metavar="NAME", help="Target branch of a local commit; by default that of .gitreview.")
@of_configuration
@GERRIT
@click.option("--cold", is_flag=True, help="Begin with nothing that an earlier run left, and trust no recorded run.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def bisect(*, test: str, job: str, number: int | None, as_object: bool, **question: Any) -> int:
    """Find the first of a row that makes a job or a TEST fail, by halves.

    The row is the series of commits that CHANGE ends, or, where its branch has it already, the merges into that since
    the job was last good here. TEST is as for `gatelocal flake`: without one, what failed in the last run here.

    The first bad one is named only where the good end passes and the bad end fails; what cannot be tested is passed
    over and told.

    Exit codes: 0 it was found, 2 bad input (an end is not what it has to be), 4 to 6 as `gatelocal run` where an end
    cannot be run, 7 only narrowed down; 130 interrupted.
    """
    terminal = Terminal(sys.stderr)
    folders = directories(os.environ)
    meant, _ = asked(folders, test, job, "")
    where = (question.pop("merges"), question.pop("good"))
    ahead = tuple(name.strip() for one in question.pop("ahead") for name in one.split(",") if name.strip())
    if ahead and any(where):
        raise InputError("--ahead and the merges of a branch are two rows", hint="choose one of them")
    if number is None and (name := recorded.flaked(folders, Path.cwd(), meant)):
        raise InputError(messages.has_flaked(name), hint=messages.TRY_OFTEN)
    number = number or 1
    request = replace(request_of({**question, "width": None}, meant), ahead=ahead)
    if not places.on_server(request.change, request.directory):
        warn_of_edits(terminal)
    row = _row(request, meant, where, (folders, terminal))
    terminal.say(messages.many_places(row.kind, len(row.places) - 1, most(len(row.places) - 1)))

    def known(standing: Standing, bases: frozenset[str]) -> Answer | None:
        wanted = frozenset((standing.request.base,)) if standing.request.base else bases
        found = recorded.failure(folders, request.directory, meant, standing.commit, wanted)
        return None if found is None else Answer(0, False, found.why, logs=found.logs, recorded=found.run)

    prober = Prober(lambda one: run_again(terminal, one), meant, terminal.say, number)
    if not request.cold and not ahead:
        prober = replace(prober, recorded=known)
    told = _report(search(row, prober), meant)
    if as_object:
        click.echo(json.dumps(report.as_json(told), indent=2))
    else:
        for line in report.lines(told):
            click.echo(line)
    return PASSED if len(told.culprits) == 1 else INCOMPLETE


def _row(request: GateRequest, meant: Meant, where: tuple[bool, str], hands: tuple[Directories, Terminal]) -> Row:
    """The row that somebody means."""
    folders, terminal = hands
    merges, good = where
    place = places.find(request, os.environ)
    if request.ahead:
        return of_ahead(request, changes.Sources(place, Path.cwd()))
    found = None if merges else of_series(request, changes.source(place, Path.cwd(), request.change), place, good)
    return found or of_merges(request, place, meant, good, (folders, terminal.say))


def _report(found: Bisected, meant: Meant) -> report.Report:
    places = found.row.places
    bad = found.first_bad
    what = f"job {meant.job}"
    if meant.tests:
        what = meant.tests[0] if len(meant.tests) == 1 else f"one of {len(meant.tests)} tests of {meant.job}"
    return report.Report(
        kind=found.row.kind,
        what=what,
        culprits=tuple(report.Place(one.name, one.subject, one.commit) for one in found.culprits),
        probes=tuple(
            report.Probe(
                f"{places[one.place].name} {places[one.place].subject}".rstrip(),
                one.word,
                one.why,
                one.seconds,
                one.cloned,
                one.recorded,
                one.logs,
            )
            for one in found.answers
        ),
        good=places[found.search.good].name,
        bad=places[found.search.bad].name,
        why=bad.why,
        logs=bad.logs,
    )
