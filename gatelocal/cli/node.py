"""`gatelocal node list|shell|return`: nodes that `gatelocal run --hold` kept."""

from __future__ import annotations

import os

import click

from gatelocal import process
from gatelocal.cli.options import Verbs, examples
from gatelocal.config.directories import directories
from gatelocal.errors import InputError
from gatelocal.launcher import holds
from gatelocal.ui import messages


@click.group(
    cls=Verbs, epilog=examples("gatelocal node list", "gatelocal node shell 4f2a", "gatelocal node return --all")
)
def node() -> None:
    """Nodes that were kept: list them, enter them, return them."""


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
