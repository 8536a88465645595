"""One object of a project's own Zuul configuration, as it stands in its file; nothing is resolved here."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.record import dataclass


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a YAML tag of Zuul's: ``!unsafe``, ``!override``, ``!inherit``, ``!encrypted/pkcs1-oaep``.

    :ivar tag: with its exclamation mark.
    :ivar value: what the tag stands before; for what is encrypted, a digest that tells one from another.
    """

    tag: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Stanza:
    """``- job:``, ``- project:`` and the like.

    :ivar kind: the key, such as ``job`` or ``project-template``.
    :ivar name: empty for a project stanza that means its own repository.
    :ivar body: what the key holds.
    :ivar line: where the stanza begins, counted from 1.
    """

    kind: str
    name: str
    body: Mapping[str, object]
    file: str
    line: int

    @property
    def place(self) -> str:
        """``file:line``, for errors and reports."""
        return f"{self.file}:{self.line}"
