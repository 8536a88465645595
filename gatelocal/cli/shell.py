"""`gatelocal shell`: into a node that was kept, to where its build stood."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gatelocal import process
from gatelocal.cli.options import examples, run_folder
from gatelocal.config.directories import directories
from gatelocal.errors import InputError
from gatelocal.launcher import entering, holds, place
from gatelocal.ui import messages


class _WithCommand(click.Command):
    """What stands behind the first ``--`` is a command line, and none of it is for click."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See :class:`click.Command`."""
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        if ctx.params["command"] or args[at:] == ["--"]:
            raise click.UsageError("write the command behind the node's name and --", ctx)
        ctx.params["command"] = tuple(args[at + 1 :])
        return rest


@click.command(
    cls=_WithCommand,
    epilog=examples(
        "gatelocal shell                              # the latest held node",
        "gatelocal shell last                         # that of the latest run; 4f2a: of a node's name, a part",
        "gatelocal shell 4f2a -- tox -e py3 -- -k one",
        "gatelocal shell 4f2a --key ~/.ssh/id_ed25519.pub",
    ),
)
@click.argument("held", required=False, default="", metavar="[RUN|NODE]")
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
@click.option("--repeat", is_flag=True, help="Run the failed command once more, and end as it ends.")
@click.option(
    "--key", metavar="FILE|gerrit:USER", help="Let the owner of that public key in, and say how; open no shell."
)
def shell(held: str, command: tuple[str, ...], *, repeat: bool, key: str | None) -> int:
    """Open a shell on a held node where its build stood: in the job's folder, with the failed command's variables.

    A COMMAND is run there in place of a shell. The exit status is that of the shell or the command.
    """
    if bool(command) + repeat + (key is not None) > 1:
        raise InputError("a command behind --, --repeat and --key go one at a time")
    record = meant(held)
    if key is not None:
        return _let_in(record, key)
    stood = record.occasion.invocation if record.occasion is not None else None
    if repeat:
        if stood is None:
            raise InputError(f"no command is known that failed on the node {record.name}")
        command = stood.argv
    return enter(record, command)


def meant(held: str) -> place.Record:
    """The held node that somebody means who names a node, a run, or nothing. :raises InputError: there is none."""
    folders = directories(os.environ)
    name = run_folder(Path(held), folders).name if held == "last" else held
    return holds.meant(folders.nodes, name)


def enter(record: place.Record, command: tuple[str, ...] = ()) -> int:
    """Be in the node until the command or the shell has ended; its status."""
    folder = directories(os.environ).nodes / record.name
    entering.check(folder, record)
    if not command:
        for line in messages.entered(record.name, record.occasion, entering.repeat(record)):
            click.echo(line, err=True)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with place.entered(folder):
        return process.attach(entering.argv(folder, record, command, os.environ, terminal=terminal))


def _let_in(record: place.Record, key: str) -> int:
    from gatelocal.engine import keys
    from gatelocal.engine.request import GateRequest

    found = keys.read(key, GateRequest(change="", directory=Path.cwd()), os.environ)
    for line in entering.let_in(directories(os.environ).nodes / record.name, record, found):
        click.echo(line)
    return 0
