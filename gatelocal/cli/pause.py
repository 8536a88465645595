"""`gatelocal pause`: stop a queue of a running daemon."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal pause shared --config gate.yaml --token-file token"))
@click.argument("queue")
@of_daemon
def pause(queue: str, url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Stop QUEUE: it takes changes in, and nothing more is begun or landed."""
    daemon = asked(url, token_file, config, as_json)
    daemon.show(daemon.post("api/pause", {"queue": queue}), lambda: "recorded")
