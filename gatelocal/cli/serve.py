"""`gatelocal serve`: the gate of a Gerrit in the foreground, until it is told to end."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from gatelocal.cli.options import examples
from gatelocal.errors import InputError
from gatelocal.model.text import plain


@click.command(epilog=examples("gatelocal serve --config gate.yaml"))
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Which server, which tenant, where all is kept.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How each line is written.")
def serve(config: Path, log_format: str) -> int:
    """Be the gate of a Gerrit: follow it, test what is to be tested, land what is good, tell what happened.

    When it follows the server and its page answers, it prints ``listening on URL``. SIGTERM and Ctrl-C end it; builds
    that run go on, and the next start takes them up.

    Exit codes: 0 it was told to end, 2 bad input, 5 a mistake in the configuration, 6 the machinery, or another daemon
    is at the same state.
    """
    try:
        from gatelocal.server.main import serving
    except ImportError as error:
        raise InputError(f"{error.name} is not installed", hint="pip install 'gatelocal[serve]'") from None
    ask = _asked()
    serving(config, os.environ, _json if log_format == "json" else _text, ask, click.echo)
    return 0


def _asked() -> list[Callable[[], None]]:
    """A place for whoever wants to know of the end; before there is one, the process ends."""
    listeners: list[Callable[[], None]] = []

    def end(number: int, frame: object) -> None:
        if not listeners:
            os._exit(0)
        for one in listeners:
            one()

    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, end)
    return listeners


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(line: str) -> None:
    sys.stderr.write(f"{_now()} {plain(line)}\n")
    sys.stderr.flush()


def _json(line: str) -> None:
    sys.stderr.write(f"{json.dumps({'at': _now(), 'text': plain(line)})}\n")
    sys.stderr.flush()
