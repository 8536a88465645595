"""What a server says about itself over REST; changes nothing there.

Every method raises :class:`git_review.gerrit.errors.GerritError`. Source: Gerrit's REST documentation, "/config/".
"""

from __future__ import annotations

from git_review.gerrit import decode
from git_review.gerrit.errors import NotGerrit, words
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

    def commit_msg_hook(self) -> str:
        """The hook that gives commits their Change-Ids, as this server hands it out. :raises NotGerrit: it is none."""
        text = self._transport.get_text("tools/hooks/commit-msg")
        if not text.startswith("#!") or "Change-Id" not in text:
            raise NotGerrit(
                "what the server gives for its commit-msg hook is none", body=words(self._transport.shown(text))
            )
        return text
