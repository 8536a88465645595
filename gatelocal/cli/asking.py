"""How commands talk to a running daemon: where it is, who asks, and what it answers; they decide nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from gatelocal.errors import GateError, InfrastructureError, InputError
from gatelocal.model.text import visible

_Command = TypeVar("_Command", bound=Callable[..., object])
_PATIENCE = 60.0


class Declined(GateError):
    """The daemon does not do it."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """The daemon that is meant. :ivar as_json: its answer is printed as it is."""

    url: str
    token: str
    as_json: bool

    def get(self, path: str) -> Any:
        """What it tells. :raises InfrastructureError: it does not answer. :raises Declined: it tells why not."""
        return self._answer("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Have it do something. Errors as for :meth:`get`."""
        return self._answer("POST", path, body)

    def show(self, answer: object, text: Callable[[], str]) -> None:
        """Print an answer for whoever asks."""
        click.echo(json.dumps(answer, indent=2) if self.as_json else text())

    def _answer(self, verb: str, path: str, body: Mapping[str, object] | None) -> Any:
        import requests

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = requests.request(
                verb, f"{self.url}{path}", json=body, headers=headers, timeout=_PATIENCE, allow_redirects=False
            )
            found = answer.json()
        except requests.RequestException:
            raise InfrastructureError(
                f"no daemon answers at {visible(self.url)}", hint="is it there? --url or GATELOCAL_URL names another"
            ) from None
        except ValueError:
            raise InfrastructureError(f"{visible(self.url)} does not answer like a daemon") from None
        if answer.status_code >= 400:
            error = found.get("error") if isinstance(found, dict) else None
            told = error if isinstance(error, dict) else {}
            raise Declined(
                visible(str(told.get("message") or answer.status_code)), hint=visible(str(told.get("hint") or ""))
            )
        return found


def of_daemon(command: _Command) -> _Command:
    """``--url``, ``--token-file``, ``--config`` and ``--json``."""
    for one in (
        click.option("--json", "as_json", is_flag=True, help="Print the daemon's answer as it is."),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The daemon's own file: on its host, it is found by that.",
        ),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A file with the token, and nothing else; by default GATELOCAL_TOKEN_FILE.",
        ),
        click.option("--url", metavar="URL", help="Where the daemon is; by default GATELOCAL_URL."),
    ):
        command = one(command)
    return command


def asked(url: str | None, token_file: Path | None, config: Path | None, as_json: bool) -> Asked:
    """The daemon that the options mean. :raises InputError: they name none, or a file cannot be read."""
    where = url or (None if config else os.environ.get("GATELOCAL_URL"))
    if where is None:
        if config is None:
            raise InputError("which daemon?", hint="name it with --url or GATELOCAL_URL, or its file with --config")
        from gatelocal.config import gate_file

        file = gate_file.load(config).state / "url"
        where = _read(file, "no daemon is there").strip()
    _check(where)
    named = token_file or (Path(os.environ["GATELOCAL_TOKEN_FILE"]) if os.environ.get("GATELOCAL_TOKEN_FILE") else None)
    token = _read(named, "the token cannot be read").strip() if named is not None else ""
    return Asked(f"{where.rstrip('/')}/", token, as_json)


def _check(url: str) -> None:
    from gatelocal.config.gate_file import http_url

    try:
        parts = http_url(url)
    except ValueError:
        raise InputError("the daemon's address is no http or https URL") from None
    if parts.username or parts.password:
        raise InputError(
            "a name and a password do not belong into the daemon's URL", hint="it takes a token: --token-file"
        )


def _read(path: Path, problem: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"{problem}: {path}: {words}") from None
