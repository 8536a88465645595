"""Whose public keys are let in to a node that is kept: those of a file, or of an account that the server shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatelocal.engine import place as places
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher.entering import keys_in
from gatelocal.model.text import visible
from git_review import credentials
from git_review.errors import ReviewError
from git_review.gerrit import connect
from git_review.gerrit.errors import Forbidden, NotFound, Unauthorized
from git_review.git.runner import Runner

_ACCOUNT = "gerrit:"
_LARGEST = 1 << 16  # characters of a file of keys


def read(named: str, request: GateRequest, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The public keys of a file, or those that the server has of the account in ``gerrit:USER``.

    :param request: says which server. :raises InputError: there are none, or not for us.
    :raises InfrastructureError: the server gives no answer.
    """
    if named.startswith(_ACCOUNT):
        return _of_account(named.removeprefix(_ACCOUNT), request, environment)
    try:
        with Path(named).expanduser().open(encoding="utf-8", errors="replace") as opened:
            return keys_in(opened.read(_LARGEST), named)
    except OSError as error:
        raise InputError(f"{visible(named)} cannot be read: {error.strerror}") from None


def _of_account(name: str, request: GateRequest, environment: Mapping[str, str]) -> tuple[str, ...]:
    server = places.find(request, environment).gerrit
    if server is None or not name:
        raise InputError(
            f"{_ACCOUNT}{visible(name)}: " + ("no server is known here" if name else "it names no account"),
            hint="write gerrit:USER, and name the server with --gerrit or GATELOCAL_GERRIT",
        )
    shown = places.without_userinfo(server)
    who, hint = f"the keys of {visible(name)}", "have them sent to you, and give the file with --key"
    try:
        with connect(server, auth=credentials.find(server, Runner(request.directory))) as gerrit:
            found = gerrit.accounts.ssh_keys(name)
    except (Unauthorized, Forbidden) as error:
        raise InputError(
            f"{shown} does not show {who} to you",
            details=f"Gerrit shows them to the account itself and to administrators. {error.brief}",
            hint=hint,
        ) from error
    except NotFound as error:
        raise InputError(f"{shown} knows no account {visible(name)}, or does not show it to you", hint=hint) from error
    except ReviewError as error:
        raise InfrastructureError(f"asking {shown} for {who}: {error.brief}", details=error.details) from error
    if not found:
        raise InputError(f"{shown} has no valid key of {visible(name)}", hint=hint)
    return keys_in("\n".join(found), f"{_ACCOUNT}{name}")
