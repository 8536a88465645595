"""What the commands that look for a culprit take alike: which test is meant, and a run for it, now or as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.options import run_folder
from gatelocal.config.directories import Directories, directories
from gatelocal.engine import recipes, recorded
from gatelocal.engine.gate import Gate
from gatelocal.engine.recorded import Meant
from gatelocal.engine.request import GateRequest
from gatelocal.model.happening import Happening, Progress
from gatelocal.model.run import RunResult
from gatelocal.reporter.lines import Lines
from gatelocal.ui.terminal import Terminal

NODE = click.option(
    "--node",
    type=click.Choice(["auto", "qemu", "nspawn", "static", "openstack", "local"]),
    default="auto",
    help="What it is run on, as for `gatelocal run`; only containers are cloned.",
)


def asked(folders: Directories, test: str, job: str, run: str) -> tuple[Meant, Path | None]:
    """What is meant, and the folder of the run that somebody names. :raises InputError: see :mod:`recorded`."""
    past = run_folder(Path(run), folders) if run else None
    return recorded.find(folders, Path.cwd(), test, job, past.name if past is not None else ""), past


def request_of(question: Mapping[str, Any], meant: Meant) -> GateRequest:
    """The run that is asked for: that job's, and of it those tests."""
    only = {meant.job: meant.tests} if meant.tests else {}
    return GateRequest(directory=Path.cwd(), jobs=(meant.job,), only=only, part=True, **question)


def run_again(terminal: Terminal, request: GateRequest, past: Path | None = None) -> RunResult:
    """Run it. :param past: the folder of a run whose commits are taken. :raises GateError: there can be no verdict."""
    lines = Lines(terminal.say, _silent)

    def watch(one: Happening) -> None:
        if not isinstance(one, Progress) or not one.text.startswith(_TOLD_BEFORE):
            lines(one)

    gate = Gate(directories(os.environ), os.environ, watch)
    if past is None:
        return gate.run(request)
    return gate.again(recipes.read(past), past, request)


_TOLD_BEFORE = ("depends on: ", "recipe: ", "writing the tree", "copying ")
"""How lines begin that say the same for each probe."""


def _silent(_: str) -> None:
    """Show nothing: what jobs print is in the logs."""
