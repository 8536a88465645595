"""Groups over REST: look up, make, add members; deletes nothing.

An id is a name, a number or a UUID. Every method raises :class:`git_review.gerrit.errors.GerritError`.
Source: Gerrit's REST documentation, "/groups/".
"""

from __future__ import annotations

from collections.abc import Sequence

from git_review.gerrit import decode
from git_review.gerrit.model import Account, Group, mapping
from git_review.gerrit.transport import Transport, url_path


class Groups:
    """The groups of one server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, name: str) -> Group:
        """One group."""
        return decode.group(mapping(self._transport.get(url_path("groups", name))))

    def create(self, name: str, *, description: str = "", members: Sequence[str] = ()) -> Group:
        """Make a group. :param members: user names. :raises Conflict: there is one of that name."""
        body = {"description": description, "members": list(members)}
        return decode.group(mapping(self._transport.put(url_path("groups", name), body)))

    def add_member(self, group: str, account: str | int) -> Account:
        """Take an account into a group; harmless when it is in."""
        return decode.account(mapping(self._transport.put(url_path("groups", group, "members", account))))
