"""What a server says about itself over REST; changes nothing there.

Both methods raise :class:`git_review.gerrit.errors.GerritError`. Source: Gerrit's REST documentation, "/config/".
"""

from __future__ import annotations

from git_review.gerrit import decode
from git_review.gerrit.errors import NotGerrit
from git_review.gerrit.model import ServerInfo, mapping
from git_review.gerrit.transport import Transport


class Server:
    """The server itself."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def version(self) -> str:
        """Its version as it tells it: ``3.9.4``; ``(dev)`` for one that was started from its parts."""
        answer = self._transport.get("config/server/version")
        if not isinstance(answer, str):
            raise NotGerrit(f"{self._transport.url} does not tell its version like a Gerrit")
        return answer

    def info(self) -> ServerInfo:
        """Its settings, as far as they concern a client."""
        return decode.server_info(mapping(self._transport.get("config/server/info")))
