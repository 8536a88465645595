"""`gatelocal dequeue`: take a change out of a running daemon's queues."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal dequeue 1234 --config gate.yaml --token-file token"))
@click.argument("change", type=click.IntRange(1))
@click.argument("pipeline", default="")
@of_daemon
def dequeue(
    change: int, pipeline: str, url: str | None, token_file: Path | None, config: Path | None, as_json: bool
) -> None:
    """Take CHANGE, a number, out of PIPELINE, or of all that have it."""
    daemon = asked(url, token_file, config, as_json)
    daemon.show(daemon.post("api/dequeue", {"change": change, "pipeline": pipeline}), lambda: "recorded")
