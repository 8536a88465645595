"""`gatelocal fingerprint new|check|match`: queries that know failures of known bugs again."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from gatelocal.cli.options import Verbs, examples, run_folder
from gatelocal.config.directories import directories
from gatelocal.config.fingerprint_files import folders, of_file, of_folder
from gatelocal.engine.past import past
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.text import plain, visible
from gatelocal.ui import messages

_FOLDER = click.Path(path_type=Path, exists=True)


@click.group(
    cls=Verbs,
    epilog=examples("gatelocal fingerprint new last --job unit", "gatelocal fingerprint check queries/"),
)
def fingerprint() -> None:
    """Fingerprints: queries that know failures of known bugs again."""


@fingerprint.command(epilog=examples("gatelocal fingerprint check", "gatelocal fingerprint check queries/ --show sql"))
@click.argument("paths", nargs=-1, type=_FOLDER, metavar="[PATH]...")
@click.option("--lucene", is_flag=True, help="Read queries as Lucene takes them, not as they are meant.")
@click.option(
    "--show", type=click.Choice(("lucene", "sql")), help="Print each query for Lucene, or as a condition for SQLite."
)
def check(*, paths: tuple[Path, ...], lucene: bool, show: str | None) -> None:
    """Read fingerprints, and say what is wrong with them and what Lucene reads otherwise.

    PATH is a file or a folder; without one, your own are read.
    """
    from gatelocal.results.fingerprints import printed, sql
    from gatelocal.results.fingerprints.needed import needed

    good = bad = 0
    for path in paths or _own():
        found = of_folder(path, lucene=lucene) if path.is_dir() else None
        one, faults = (None, ()) if found else of_file(path, lucene=lucene)
        prints = found.fingerprints if found else [one] if one else []
        for file, fault in found.faults if found else [(path, fault) for fault in faults]:
            bad += 1
            click.echo(visible(f"{file}:{fault.line}: {fault.message}"))
            if fault.hint:
                click.echo(visible(f"    {fault.hint}"))
        for each in prints:
            asks = each.query.asks
            good += 1
            for notice in each.query.notices:
                click.echo(visible(f"{each.bug}: character {notice.at + 1}: {notice.text}"))
            if not needed(asks):
                bad += 1
                click.echo(visible(messages.needs_no_word(each.bug)))
            if show is not None:
                told = printed.lucene(asks) if show == "lucene" else json.dumps(sql.condition(asks))
                click.echo(visible(f"{each.bug}: {told}"))
    click.echo(messages.fingerprints_read(good, bad))
    if bad:
        raise ConfigurationError(messages.FINGERPRINTS_BAD)


@fingerprint.command(
    epilog=examples("gatelocal fingerprint match last", "gatelocal fingerprint match logs/ --with queries/")
)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--with", "folder", type=_FOLDER, help="The folder of fingerprints; by default your own.")
@click.option("--lucene", is_flag=True, help="Read queries as Lucene takes them, not as they are meant.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def match(*, run: str, folder: Path | None, lucene: bool, as_object: bool) -> None:
    """Say which bugs are known again in RUN: a run, or any folder of logs; and whose fault that makes it."""
    from gatelocal.engine.understand import judgement
    from gatelocal.reporter.machine import diagnosis
    from gatelocal.reporter.summary import diagnosed

    prints = [one for place in ([folder] if folder else _own()) for one in of_folder(place, lucene=lucene).fingerprints]
    found = run_folder(Path(run), directories(os.environ))
    result = past(found).result
    builds = result.builds if result else (BuildResult(found.name, Outcome.FAILURE, 0.0, logs=str(found)),)
    told: dict[str, object] = {}
    for build in builds:
        if not build.logs or build.outcome is Outcome.SUCCESS:
            continue
        thought = judgement(build, Path(build.logs), {}, prints)
        told[build.job] = diagnosis(thought)
        if not as_object:
            click.echo(visible(build.job))
            for line in diagnosed(thought):
                click.echo(f"    {line}")
    if as_object:
        click.echo(json.dumps(told, indent=2))


@fingerprint.command(epilog=examples("gatelocal fingerprint search 'message:\"timed out\" AND tags:console'"))
@click.argument("query")
@click.option("--lucene", is_flag=True, help="Read the query as Lucene takes it, not as it is meant.")
@click.option("-n", "--number", type=click.IntRange(1), default=20, help="How many, the latest first; 20 by default.")
def search(*, query: str, lucene: bool, number: int) -> None:
    """Say of which failed builds QUERY is true, by the lines that no passing build has said."""
    from gatelocal.engine.understand import said_lines
    from gatelocal.results.fingerprints.meaning import as_lucene, meant
    from gatelocal.results.fingerprints.written import NotAQuery

    try:
        asked = as_lucene(query) if lucene else meant(query)
    except NotAQuery as error:
        raise InputError(str(error), hint=error.hint) from None
    for notice in asked.notices:
        click.echo(visible(messages.notice(notice.at, notice.text)), err=True)
    lines = said_lines(directories(os.environ))
    try:
        found = lines.search(asked.asks, number)
    finally:
        lines.close()
    for build, message in found:
        click.echo(visible(f"{build}: {message.strip().partition(chr(10))[0]}"))
    if not found:
        click.echo(messages.NOT_FOUND)


@fingerprint.command(
    epilog=examples("gatelocal fingerprint new", "gatelocal fingerprint new last --job unit --bug 1999999")
)
@click.argument("run", default="last", metavar="[RUN]")
@click.option("-j", "--job", metavar="NAME", help="Whose failure; by default the first job that failed.")
@click.option(
    "--bug", metavar="NAME", help="The bug's number or name, which names the file; by default made of the words."
)
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="The folder; by default your own.")
@click.option("--print", "only_print", is_flag=True, help="Write no file.")
def new(*, run: str, job: str | None, bug: str | None, into: Path | None, only_print: bool) -> None:
    """Propose a fingerprint for a failure of RUN, tried on the runs that are still there, and write it.

    It is made of lines that failing builds of the job share and passing ones lack. One that is true of passing builds
    is refused.
    """
    from gatelocal.engine.propose import propose

    places = directories(os.environ)
    found = past(run_folder(Path(run), places))
    builds, project = (found.result.builds, found.result.change.project) if found.result is not None else ((), "")
    meant = [one for one in builds if (one.job == job if job else one.outcome is not Outcome.SUCCESS and one.logs)]
    if not meant:
        known = ", ".join(one.job for one in builds)
        raise InputError(messages.no_such_job(job or "that failed", found.name), hint=messages.its_jobs(known))
    made = propose(meant[0], project, found.name, places)
    click.echo(made.text, nl=False)
    click.echo(f"# {plain(made.line.file)}:{made.line.line}: {plain(made.line.text)}")
    for line in messages.tried(meant[0].job, made.tried.failed, made.tried.passed, made.tried.others):
        click.echo(visible(line))
    if made.tried.refused:
        raise InputError(messages.TOO_BROAD, hint=messages.TOO_BROAD_HINT)
    if only_print:
        return
    name = bug or re.sub(r"\W+", "-", made.fingerprint.title.lower()).strip("-")[:40]
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,100}", name):
        raise InputError(messages.bad_bug_name(name))
    folder = into or (_own(missing=True) or [Path()])[0]
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(made.text)
    except FileExistsError:
        raise InputError(messages.is_there(str(file)), hint=messages.OTHER_BUG) from None
    click.echo(visible(messages.fingerprint_written(str(file))))


def _own(*, missing: bool = False) -> list[Path]:
    """The folders of the user's own. :param missing: the usual one, though it is not there yet."""
    places = directories(os.environ)
    found = list(folders(places, os.environ))
    if not found and missing and places.configuration is not None:
        return [places.configuration / "fingerprints"]
    if not found:
        raise InputError(messages.NO_FINGERPRINTS, hint=messages.NO_FINGERPRINTS_HINT)
    return found
