"""`gatelocal node list|shell|return|export|import|snapshot|clone`: nodes that `gatelocal run --hold` kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gatelocal import process
from gatelocal.cli.options import Verbs, examples
from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.errors import InputError
from gatelocal.launcher import holds
from gatelocal.launcher.pool import Pool, launcher
from gatelocal.model.hold import Occasion
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal


@click.group(
    cls=Verbs, epilog=examples("gatelocal node list", "gatelocal node shell 4f2a", "gatelocal node return --all")
)
def node() -> None:
    """Nodes that were kept: list them, enter them, carry them elsewhere, return them."""


@node.command(name="list", epilog=examples("gatelocal node list"))
def list_() -> None:
    """Say which nodes are held, one line each."""
    records = holds.held(directories(os.environ).nodes)
    for record in records:
        click.echo(f"{messages.node_called(record.name, record.names)}  {record.description}")
    if not records:
        click.echo(messages.NO_NODE_HELD)


@node.command(epilog=examples("gatelocal node shell 4f2a  # the beginning or the end of its name will do"))
@click.argument("name")
def shell(name: str) -> int:
    """Open a shell on the held node NAME; its exit status is this command's."""
    return process.attach(holds.shell_argv(directories(os.environ).nodes, name))


@node.command(name="return", epilog=examples("gatelocal node return 4f2a", "gatelocal node return --all"))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All held nodes.")
def return_(names: tuple[str, ...], everything: bool) -> None:
    """Stop held nodes and remove their disks."""
    runtime = directories(os.environ).nodes
    if everything == bool(names):
        raise InputError("name the nodes to return, or say --all", hint="`gatelocal node list` shows them")
    for name in holds.give_back(runtime, *(names or (record.name for record in holds.held(runtime)))):
        click.echo(messages.node_returned(name))


@node.command(epilog=examples("gatelocal node export 4f2a broken.tar.gz"))
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(name: str, file: Path) -> None:
    """Write what the held container NAME has on its disk beside its image to FILE, for another machine."""
    from gatelocal.launcher import portable

    runtime = directories(os.environ).nodes
    record = holds.meant(runtime, name)
    portable.export(runtime / record.name, record, file, Terminal(sys.stderr).say)
    click.echo(str(file))


@node.command(name="import", epilog=examples("gatelocal node import broken.tar.gz"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--anyway", is_flag=True, help="Also where this machine's image is another one.")
def import_(file: Path, *, anyway: bool) -> None:
    """Make a held container of what `gatelocal node export` has written to FILE."""
    from gatelocal.launcher import portable

    click.echo(portable.bring(_pool(), file, Terminal(sys.stderr).say, anyway=anyway).name)


@node.command(epilog=examples("gatelocal node snapshot 4f2a stacked"))
@click.argument("name")
@click.argument("snapshot_", metavar="SNAPSHOT")
def snapshot(name: str, snapshot_: str) -> None:
    """Keep what the held container NAME has on its disk as SNAPSHOT, for clones."""
    _pool().snapshot(holds.meant(directories(os.environ).nodes, name).name, snapshot_)
    click.echo(snapshot_)


@node.command(epilog=examples("gatelocal node clone stacked"))
@click.argument("snapshot_", metavar="SNAPSHOT")
def clone(snapshot_: str) -> None:
    """Start a held container that goes on from SNAPSHOT, with an identity of its own."""
    made = _pool().clone(snapshot_, Terminal(sys.stderr).say)
    made.hold(Occasion())
    click.echo(made.name)


def _pool() -> Pool:
    folders = directories(os.environ)
    return launcher("nspawn", folders.cache, folders.nodes, labels(folders.configuration))
