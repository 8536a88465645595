"""`gatelocal artifacts`: the files that a run has fetched from its nodes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import click

from gatelocal.builds.folder import OWN
from gatelocal.cli.options import examples, run_folder
from gatelocal.config.directories import directories
from gatelocal.engine.past import builds_in
from gatelocal.errors import InputError
from gatelocal.model.text import visible
from gatelocal.reporter.past import size
from gatelocal.ui import messages


@click.command(epilog=examples("gatelocal artifacts", "gatelocal artifacts last --job unit"))
@click.argument("run", default="last", metavar="[RUN]")
@click.option("-j", "--job", metavar="NAME", help="Only of this job.")
def artifacts(*, run: str, job: str | None) -> None:
    """List what RUN has fetched from its nodes, logs included: the size and the path of each file."""
    builds = builds_in(run_folder(Path(run), directories(os.environ)))
    named = [one for one in builds if job in (None, one.title)]
    if job is not None and not named:
        raise InputError(
            messages.no_such_job(job, ""), hint=messages.its_jobs(", ".join(dict.fromkeys(one.title for one in builds)))
        )
    for build in named:
        for path, length in fetched(build.folder):
            click.echo(f"{size(length):>10}  {visible(str(path))}")


def fetched(folder: Path) -> Iterator[tuple[Path, int]]:
    """Each plain file of a build that came from its node, and its bytes."""
    for above, names, files in os.walk(folder):
        own = OWN if above == str(folder) else frozenset()
        names[:] = sorted(name for name in names if name not in own)
        for name in sorted(set(files) - own):
            found = os.lstat(f"{above}/{name}")
            if stat.S_ISREG(found.st_mode):
                yield Path(above) / name, found.st_size
