"""`gatelocal token`: who may operate a daemon."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gatelocal.cli.options import Days, Verbs, examples
from gatelocal.config import gate_file
from gatelocal.server.tokens import Tokens


@click.group(cls=Verbs, epilog=examples("gatelocal token new ops --may read,operate --days 90 --config gate.yaml"))
def token() -> None:
    """Tokens with which people and programs operate a daemon."""


@token.command(epilog=examples("gatelocal token new ops --may read,operate --days 90 --config gate.yaml"))
@click.argument("name")
@click.option("--may", default="read", metavar="RIGHT,...", help="What it allows: read, operate.")
@click.option("--days", type=Days(36500), help="How long it is good; by default for ever.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The daemon's file, which names that of the tokens.",
)
def new(name: str, may: str, days: float | None, config: Path) -> None:
    """Make a token for NAME and print it; it is kept nowhere, only a digest of it is.

    A daemon that runs takes it at once.
    """
    rights = [one.strip() for one in may.split(",") if one.strip()]
    click.echo(Tokens(gate_file.load(config).tokens).new(name, rights, days, time.time()))
