"""What can go wrong for a person: a brief sentence, details, a hint and an exit code; nothing is printed here."""

from __future__ import annotations


class ReviewError(Exception):
    """An expected failure, told in full to the person who has to act on it.

    :param brief: one sentence without a full stop's worth of jargon: what failed, and where.
    :param details: text that came from elsewhere (git's or the server's own words); may have many lines.
    :param hint: what to do next.
    :param exit_code: the status that the command ends with.
    """

    exit_code: int = 1

    def __init__(self, brief: str, *, details: str = "", hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class PushRefused(ReviewError):
    """git or the server did not take the upload; the exit code is git's."""
