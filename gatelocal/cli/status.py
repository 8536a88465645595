"""`gatelocal status`: the queues of a running daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import examples
from gatelocal.model.text import visible


@click.command(
    epilog=examples("gatelocal status --config gate.yaml", "gatelocal status --url http://127.0.0.1:8000 --json")
)
@of_daemon
def status(url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> None:
    """Show what is in the queues of a running daemon, and what each change waits for."""
    daemon = asked(url, token_file, config, as_json)
    found = daemon.get("api/status")
    daemon.show(found, lambda: "\n".join(_lines(found)))


def _lines(found: Any) -> Iterator[str]:
    for pipeline in found["pipelines"]:
        yield visible(pipeline["name"])
        for queue in pipeline["queues"]:
            yield visible(f"  {queue['name']}{' (paused)' if queue['paused'] else ''}")
            for item in queue["items"]:
                names = ", ".join(
                    f"{one['number']},{one['patchset']} {one['subject']}"
                    if "number" in one
                    else f"{one['project']} {one['ref']}"
                    for one in item["changes"]
                )
                yield visible(f"    {'failing: ' if item['failing'] else ''}{names}: {item['why']}")
