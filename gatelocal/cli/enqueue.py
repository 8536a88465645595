"""`gatelocal enqueue`: put a change into a pipeline of a running daemon."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal enqueue 1234 gate --config gate.yaml --token-file token"))
@click.argument("change", type=click.IntRange(1))
@click.argument("pipeline")
@of_daemon
def enqueue(
    change: int, pipeline: str, url: str | None, token_file: Path | None, config: Path | None, as_json: bool
) -> None:
    """Put CHANGE, a number, into PIPELINE, whatever the pipeline's requirements say."""
    daemon = asked(url, token_file, config, as_json)
    daemon.show(daemon.post("api/enqueue", {"change": change, "pipeline": pipeline}), lambda: "recorded")
