"""`gatelocal init`: a first `gatelocal.yaml` for a project, made from what is there; it overwrites nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gatelocal.cli.options import examples
from gatelocal.config.gatelocal_yaml import NAME
from gatelocal.config.zuul_files import PLACES
from gatelocal.errors import InputError
from gatelocal.jobs.proposal import BESIDE, FILES, proposal
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal
from git_review.git.runner import Runner

_LARGEST = 1_000_000


@click.command(epilog=examples("gatelocal init", "gatelocal init --print"))
@click.option("--print", "show", is_flag=True, help="Print what would be written, and write nothing.")
def init(*, show: bool) -> int:
    """Write a gatelocal.yaml that runs what the project tests itself by.

    Looked at are tox.ini, setup.cfg, noxfile.py, pyproject.toml, setup.py, package.json, go.mod, Cargo.toml and
    Makefile, at the top of the work tree. A file that is there is left as it is.

    Exit codes: 0 written or printed, 2 there is one already, or nothing to make it from.
    """
    top = _top()
    terminal = Terminal(sys.stderr)
    zuul = next((name for name in PLACES if os.path.lexists(top / name)), None)
    if not show:
        if os.path.lexists(top / NAME):
            raise InputError(messages.there_already(str(top / NAME)), hint=messages.LOOK_WITH_PRINT)
        if zuul is not None:
            raise InputError(messages.zuul_counts(str(top / zuul)), hint=messages.JUST_PLAN)
    version = f"{sys.version_info[0]}{sys.version_info[1]}"
    found = proposal(_files(top), version)
    if found is None:
        raise InputError(
            messages.nothing_to_go_by(str(top)), details=messages.SMALLEST_FILE, hint=messages.WRITE_IT_YOURSELF
        )
    if show:
        click.echo(found.text, nl=False)
        return 0
    try:
        handle = os.open(top / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise InputError(messages.there_already(str(top / NAME)), hint=messages.LOOK_WITH_PRINT) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(found.text)
    click.echo(messages.written(str(top / NAME), found.jobs, found.origins))
    terminal.say(messages.COMMIT_IT)
    return 0


def _top() -> Path:
    told = Runner(Path.cwd()).query("rev-parse", "--show-toplevel", ok=(0, 128)).text
    return Path(told) if told else Path.cwd()


def _files(top: Path) -> dict[str, str]:
    found = dict.fromkeys((name for name in BESIDE if (top / name).exists()), "")
    for name in FILES:
        path = top / name
        if path.is_file() and path.stat().st_size <= _LARGEST:
            found[name] = path.read_text(encoding="utf-8", errors="replace")
    return found
