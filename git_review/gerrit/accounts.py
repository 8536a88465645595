"""Accounts over REST: who am I, make one, give it a key or a password; shows no secret and deletes nothing.

An id is a number, a user name, an e-mail address, or ``self``. Every method raises
:class:`git_review.gerrit.errors.GerritError`. Source: Gerrit's REST documentation, "/accounts/".
"""

from __future__ import annotations

from collections.abc import Sequence

from git_review.gerrit import decode
from git_review.gerrit.model import Account, flag, mapping, text
from git_review.gerrit.transport import Transport, url_path


class Accounts:
    """The accounts of one server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, id: str | int = "self") -> Account:
        """One account; ``self`` is the cheapest way to learn whether a login works."""
        return decode.account(mapping(self._transport.get(url_path("accounts", id))))

    def create(
        self,
        username: str,
        *,
        name: str | None = None,
        email: str | None = None,
        ssh_key: str | None = None,
        http_password: str | None = None,
        groups: Sequence[str] = (),
    ) -> Account:
        """Make an account.

        :param name: in full. :param ssh_key: a public key's whole line. :param groups: names or UUIDs.
        :raises Conflict: the user name is taken. :raises Unprocessable: there is no such group.
        """
        body = {
            "name": name,
            "email": email,
            "ssh_key": ssh_key,
            "http_password": http_password,
            "groups": list(groups) or None,
        }
        given = {key: value for key, value in body.items() if value is not None}
        return decode.account(mapping(self._transport.put(url_path("accounts", username), given)))

    def add_ssh_key(self, id: str | int, key: str) -> None:
        """Let the owner of a key in. :param key: the public key's whole line."""
        self._transport.post_text(url_path("accounts", id, "sshkeys"), key.strip())

    def set_http_password(self, id: str | int, password: str) -> None:
        """Set the password for REST and for git over HTTP."""
        self._transport.put(url_path("accounts", id, "password.http"), {"http_password": password})

    def identities(self, id: str | int = "self") -> tuple[str, ...]:
        """What an account logs in with, each as a URI: ``gerrit:somebody``, ``https://login.example.org/+id/abc``.

        Gerrit shows them to the account itself and to who may modify accounts.

        :raises Forbidden: not to us. :raises NotFound: there is no such account, or it is hidden from us.
        """
        answer = self._transport.get(url_path("accounts", id, "external.ids"))
        found = [text(mapping(one), "identity") for one in answer] if isinstance(answer, list) else []
        return tuple(one for one in found if one)

    def ssh_keys(self, id: str | int = "self") -> tuple[str, ...]:
        """The valid public keys of an account, each the whole line.

        Gerrit shows them to the account itself and to who may modify accounts.

        :raises Forbidden: not to us. :raises NotFound: there is no such account, or it is hidden from us.
        """
        answer = self._transport.get(url_path("accounts", id, "sshkeys"))
        keys = [mapping(one) for one in answer] if isinstance(answer, list) else []
        return tuple(
            key for one in keys if flag(one, "valid") is not False and (key := text(one, "ssh_public_key").strip())
        )
