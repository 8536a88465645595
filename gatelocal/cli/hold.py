"""`gatelocal hold list|extend|release`: how long nodes are kept; `hold PROJECT JOB`: a daemon is to keep one."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from gatelocal.cli.asking import asked, of_daemon
from gatelocal.cli.options import Verbs, examples
from gatelocal.cli.shell import meant
from gatelocal.config.directories import directories
from gatelocal.errors import InputError
from gatelocal.launcher import holds, place
from gatelocal.model import terms
from gatelocal.model.hold import Occasion
from gatelocal.model.text import visible
from gatelocal.ui import messages

_HEAD = ("NODE", "RUN", "JOB", "CHANGE", "SINCE", "UNTIL", "DISK")


class _OrNext(Verbs):
    """A project and a job, without a command before them, are meant for ``next``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See :class:`click.Group`."""
        near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1) if args else []
        return super().resolve_command(ctx, args if near or len(args) < 2 else ["next", *args])


@click.group(
    cls=_OrNext,
    epilog=examples(
        "gatelocal hold list",
        "gatelocal hold extend 4f2a --for 3d",
        "gatelocal hold release last",
        "gatelocal hold next ex/project unit --config gate.yaml --token-file token",
    ),
)
def hold() -> None:
    """Nodes that were kept: how long, for what, at which price; and which a daemon is to keep.

    A PROJECT and a JOB in the place of a command ask a running daemon, as ``hold next`` does.
    """


@hold.command(name="next", epilog=examples("gatelocal hold next ex/project unit --config gate.yaml --token-file token"))
@click.argument("project")
@click.argument("job")
@click.option("--change", type=click.IntRange(1), help="Of this change's builds alone.")
@click.option("--count", type=click.IntRange(1), default=1, help="Of so many builds.")
@of_daemon
def next_(  # noqa: PLR0913 - one for each option
    project: str,
    job: str,
    *,
    change: int | None,
    count: int,
    url: str | None,
    token_file: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Have a running daemon keep the nodes of the next builds of JOB of PROJECT that fail."""
    daemon = asked(url, token_file, config, as_json)
    body: dict[str, object] = {"project": project, "job": job, "count": count}
    daemon.show(daemon.post("api/hold", body | ({"change": change} if change else {})), lambda: "recorded")


@hold.command(name="list", epilog=examples("gatelocal hold list"))
def list_() -> None:
    """Say of each held node its run, job and change, since when and until when it is held, and its disk."""
    runtime = directories(os.environ).nodes
    records = holds.held(runtime)
    if not records:
        click.echo(messages.NO_NODE_HELD)
        return
    for line in _table([_HEAD, *(_row(record, place.used(runtime / record.name)) for record in records)]):
        click.echo(line)


@hold.command(epilog=examples("gatelocal hold extend 4f2a --for 3d", "gatelocal hold extend  # the latest one"))
@click.argument("held", nargs=-1, metavar="[RUN|NODE]...")
@click.option(
    "--for",
    "length",
    metavar="TIME",
    help="How long from now on, as 90m, 24h or 7d; by default as GATELOCAL_HOLD says.",
)
def extend(held: tuple[str, ...], length: str | None) -> None:
    """Keep held nodes for longer, from now on."""
    seconds = terms.of(os.environ).seconds if length is None else terms.duration(length)
    found = [meant(name) for name in held or ("",)]
    for record in found:
        longer = holds.extend(directories(os.environ).nodes, record.name, time.time(), seconds)
        click.echo(messages.held_until(longer.name, _moment(longer.until)))


@hold.command(epilog=examples("gatelocal hold release 4f2a", "gatelocal hold release --all"))
@click.argument("held", nargs=-1, metavar="[RUN|NODE]...")
@click.option("--all", "everything", is_flag=True, help="All held nodes.")
def release(held: tuple[str, ...], everything: bool) -> None:
    """Stop held nodes and remove their disks."""
    runtime = directories(os.environ).nodes
    if everything == bool(held):
        raise InputError("name the nodes to return, or say --all", hint="`gatelocal hold list` shows them")
    records = holds.held(runtime) if everything else [meant(name) for name in held]
    for name in holds.give_back(runtime, *(record.name for record in records)):
        click.echo(messages.node_returned(name))


def _row(record: place.Record, used: int) -> tuple[str, ...]:
    why = record.occasion or Occasion()
    told = (
        messages.node_called(record.name, record.names),
        why.run,
        why.job,
        why.change,
        _moment(record.since),
        _moment(record.until),
    )
    return (*(visible(word) or "-" for word in told), f"{used / (1 << 20):.0f} MiB")


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}" if seconds else ""


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
