"""`gatelocal resume`: let a queue of a running daemon go on."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal resume shared --config gate.yaml --token-file token"))
@click.argument("queue")
@of_daemon
def resume(queue: str, url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Let QUEUE go on."""
    daemon = asked(url, token_file, config, as_json)
    daemon.show(daemon.post("api/resume", {"queue": queue}), lambda: "recorded")
