"""`gatelocal plan`: what would run for a change, and why, for a person or a script."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatelocal.cli.options import GERRIT, examples, of_configuration
from gatelocal.config import history_file
from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.errors import InputError
from gatelocal.jobs.startable import startable, with_memory
from gatelocal.launcher import capacity
from gatelocal.model.plan import Plan
from gatelocal.ports import Say
from gatelocal.reporter import startable as startables
from gatelocal.reporter.plan import as_json, table
from gatelocal.results.history import records, usual
from gatelocal.ui.terminal import Terminal

if TYPE_CHECKING:
    from gatelocal.engine.subject import PlanRequest

PLANNED, WITH_ERRORS = 0, 1


@click.command(
    epilog=examples(
        "gatelocal plan                                       # HEAD",
        "gatelocal plan 1234 --job unit --json",
        "gatelocal plan --project openstack/nova --files nova/virt/driver.py",
        "gatelocal plan --runnable origin/master",
    )
)
@click.argument("change", required=False)
@of_configuration
@click.option("--project", metavar="NAME", help="Plan for this project, without a change.")
@click.option("--branch", metavar="NAME", help="The branch that is planned for, or that a local commit is to go to.")
@click.option("--pipeline", metavar="NAME", help="Whose jobs: by default gate, or check when there is no gate.")
@click.option(
    "--files", multiple=True, metavar="PATH[,PATH]", help="The changed files, in place of the change's own; repeatable."
)
@click.option("-j", "--job", "names", multiple=True, metavar="NAME", help="Show only this job; may be repeated.")
@GERRIT
@click.option("--from-zuul", "zuul", metavar="URL", help="Ask a running Zuul too, and show what it sees otherwise.")
@click.option(
    "--queue", metavar="URL|FILE", help="A running Zuul, or its status in a file: what is queued there comes first."
)
@click.option("--runnable", is_flag=True, help="Say which of the jobs can be started here, and why the others cannot.")
@click.option("--refresh", is_flag=True, help="Ask for branches again that were asked for in the last ten minutes.")
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object on standard output.")
def plan(  # noqa: PLR0913 - one for each option
    *,
    change: str | None,
    config: Path | None,
    tenant: str | None,
    project: str | None,
    branch: str | None,
    pipeline: str | None,
    files: tuple[str, ...],
    names: tuple[str, ...],
    gerrit: str | None,
    zuul: str | None,
    queue: str | None,
    runnable: bool,
    refresh: bool,
    as_object: bool,
) -> int:
    """Say which jobs the gate would run for a change, with what, on what, and why the others are left out.

    CHANGE is a commit of the work tree (HEAD by default), or a change on the server: a number, NUMBER,PATCHSET, a URL
    or a Change-Id. With a commit that its branch has already: what does the project gate on? Nothing is run.

    Exit codes: 0 planned, 1 the configuration has errors that touch this project, 2 bad input, 4 the change conflicts
    with what comes before it, 5 the project's own file cannot be understood, 6 a server that was asked does not answer.
    """
    from gatelocal.engine.subject import PlanRequest

    request = PlanRequest(
        change=change,
        config=config,
        tenant=tenant,
        project=project,
        branch=branch,
        pipeline=pipeline,
        files=tuple(one for given in files for one in given.split(",") if one) if files else None,
        directory=Path.cwd(),
        gerrit=gerrit,
        zuul=zuul,
        queue=queue,
        refresh=refresh,
    )
    found = tell(request, names, Terminal(sys.stderr).say, as_object=as_object, runnable=runnable)
    return WITH_ERRORS if found.errors else PLANNED


def tell(request: PlanRequest, names: tuple[str, ...], say: Say, *, as_object: bool, runnable: bool = False) -> Plan:
    """Plan, and print it. :param names: the only jobs; without any, all. :param runnable: which can be started here.

    :raises InputError: there is no such job. Others as for :func:`gatelocal.engine.planning.answer`.
    """
    from gatelocal.engine.mend import mending
    from gatelocal.engine.planning import answer

    folders = directories(os.environ)
    found = _only(mending(say, lambda: answer(request, folders, os.environ, say)), names)
    found = with_memory(found, labels(folders.configuration), capacity.whole_memory())
    known = usual(records(history_file.read(folders.history)), found.project)
    if as_object:
        lines = [json.dumps(as_json(found, known), indent=1)]
    else:
        lines = startables.table(found, startable(found)) if runnable else table(found, known)
    for line in lines:
        click.echo(line)
    return found


def _only(found: Plan, names: tuple[str, ...]) -> Plan:
    if not names:
        return found
    known = {job.name for job in found.jobs}
    strange = [name for name in names if name not in known]
    if strange:
        raise InputError(
            f"{found.project} names no job {strange[0]} in {found.pipeline}",
            hint=f"its jobs: {', '.join(sorted(known))}",
        )
    return replace(found, jobs=tuple(job for job in found.jobs if job.name in names))
