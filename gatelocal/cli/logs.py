"""`gatelocal logs`: what a job of a run printed, also while it goes on printing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from gatelocal.cli.options import examples, run_folder
from gatelocal.config.directories import directories
from gatelocal.engine.past import builds_in, is_over
from gatelocal.errors import InputError
from gatelocal.executor.record import shown
from gatelocal.model.past import RUNNING, PastBuild
from gatelocal.model.result import JOB_OUTPUT, Outcome
from gatelocal.model.text import plain
from gatelocal.ui import messages

_STEP = 0.1
_CHUNK = 1 << 20


@click.command(epilog=examples("gatelocal logs", "gatelocal logs last --job unit --follow"))
@click.argument("run", default="last", metavar="[RUN]")
@click.option(
    "-j", "--job", metavar="NAME", help="Of this job; by default the only one, the one that runs or has failed."
)
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
def logs(*, run: str, job: str | None, follow: bool) -> None:
    """Print what a job of RUN printed, with the times: behind | what it said, behind > what is said of it."""
    build = meant(builds_in(run_folder(Path(run), directories(os.environ))), job)
    tail(build.folder / JOB_OUTPUT, (lambda: is_over(build)) if follow else (lambda: True), click.echo)


def meant(builds: Sequence[PastBuild], job: str | None) -> PastBuild:
    """The build of that job, its latest attempt; without a name the one that is worth looking at.

    :raises InputError: there is none, or nobody can tell which.
    """
    last = {one.title: one for one in builds}
    if job is not None and job in last:
        return last[job]
    hint = messages.its_jobs(", ".join(last))
    if job is not None or not last:
        raise InputError(messages.no_such_job(job, "") if job is not None else messages.NO_JOB_YET, hint=hint)
    running = [one for one in last.values() if one.state == RUNNING]
    failed = [one for one in last.values() if one.state not in (RUNNING, Outcome.SUCCESS.value)]
    for some in (list(last.values()), running, failed):
        if len(some) == 1 or (some and some is failed):
            return some[0]
    raise InputError(messages.WHICH_JOB, hint=hint)


def tail(path: Path, over: Callable[[], bool], tell: Callable[[str], object]) -> None:
    """Tell the lines of a file, and those that still come until it is over; safe for a terminal.

    :raises InputError: it is over, and there is no file.
    """
    handle = -1
    rest = b""
    try:
        while True:
            ended = over()  # asked before the last look: what is written after the look before it is not lost
            if handle < 0:
                handle = _opened(path)
            while handle >= 0 and (data := os.read(handle, _CHUNK)):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    _line(line, tell)
                if len(rest) > _CHUNK:
                    _line(rest, tell)
                    rest = b""
            if ended:
                break
            time.sleep(_STEP)
    finally:
        if handle >= 0:
            os.close(handle)
    if rest:
        _line(rest, tell)
    if handle < 0:
        raise InputError(messages.NO_OUTPUT, hint=str(path.parent))


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return -1


def _line(data: bytes, tell: Callable[[str], object]) -> None:
    tell(shown(plain(data.decode("utf-8", "replace"))))
