"""`gatelocal release`: a node that a running daemon has kept is returned."""

from __future__ import annotations

from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples


@click.command(epilog=examples("gatelocal release debian-bookworm-4f2a --config gate.yaml --token-file token"))
@click.argument("held")
@of_daemon
def release(held: str, url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Have a running daemon return the node HELD that it has kept; ``/api/held`` tells of all."""
    daemon = asked(url, token_file, config, as_json)
    daemon.show(daemon.post("api/release", {"held": held}), lambda: "recorded")
