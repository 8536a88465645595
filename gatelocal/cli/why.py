"""`gatelocal why`: what a change waits for, told by a running daemon."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples
from gatelocal.model.text import visible


@click.command(epilog=examples("gatelocal why 1234 --config gate.yaml"))
@click.argument("change", type=click.IntRange(1))
@of_daemon
def why(change: int, url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Say what CHANGE, a number, waits for, whether or not it is in a queue."""
    daemon = asked(url, token_file, config, as_json)
    found = daemon.get(f"api/why/{change}")
    told = [f"{one['pipeline']}: {one['text']}" if one["pipeline"] else one["text"] for one in found["why"]]
    daemon.show(found, lambda: "\n".join(map(visible, told)))
