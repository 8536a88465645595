"""`gatelocal promote`: move changes to the head of a running daemon's queues."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal promote 1234 1240 --config gate.yaml --token-file token"))
@click.argument("changes", type=click.IntRange(1), nargs=-1, required=True)
@click.option("--pipeline", default="", metavar="NAME", help="Only there; by default wherever they are.")
@of_daemon
def promote(
    changes: tuple[int, ...],
    pipeline: str,
    url: str | None,
    token_file: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Move CHANGES, numbers, to the head of their queues: the first named lands first."""
    daemon = asked(url, token_file, config, as_json)
    body = {"changes": list(changes), "pipeline": pipeline}
    daemon.show(daemon.post("api/promote", body), lambda: "recorded")
