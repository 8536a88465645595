"""The part of `gatelocal simulate` that plays a load: its table, its JSON, its picture; it counts nothing itself."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gatelocal.errors import InputError
from gatelocal.model.text import plain
from gatelocal.sim.lined import ScenarioError
from gatelocal.sim.load.file import Load, read
from gatelocal.sim.load.picture import drawn
from gatelocal.sim.load.table import as_table, as_values, rows

PLAYED, NOT_UNDERSTOOD = 0, 2


def play_load(path: Path, picture: Path | None, policy: str | None, *, as_json: bool) -> int:
    """Play a load, print what came of it and draw it; the exit code.

    :raises InputError: the picture cannot be written.
    """
    try:
        wanted = _understood(path, policy)
    except ScenarioError as error:
        _refuse(path, error, as_json=as_json)
        return NOT_UNDERSTOOD
    if picture is not None:
        _write(picture, "")
    found = rows(wanted)
    if picture is not None:
        _write(picture, drawn(wanted.name, found))
    for line in [json.dumps(as_values(wanted, found))] if as_json else as_table(found):
        click.echo(plain(line))
    return PLAYED


def _understood(path: Path, policy: str | None) -> Load:
    try:
        return read(path, policy)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(1, str(error)) from None


def _refuse(path: Path, error: ScenarioError, *, as_json: bool) -> None:
    if as_json:
        where = {"file": str(path), "line": error.line, "message": error.message}
        click.echo(json.dumps({"load": str(path), "ok": False, "error": where}))
    else:
        click.echo(plain(f"error  {path}:{error.line}: {error.message}"))


def _write(picture: Path, text: str) -> None:
    """Write the picture; a place that cannot be written is found out before the load is played."""
    try:
        picture.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {picture}", details=error.strerror or str(error)) from None
