"""What the server said to a push → the changes it made or updated; pure, and it trusts no line that it cannot read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from git_review.commands.known import Known, State
from git_review.messages import clean

_LINE = re.compile(
    r"remote:\s+(?P<url>https?://\S+?/(?:c/\S+?/\+/|c/)?(?P<number>[0-9]+))/?\s+(?P<subject>.*?)"
    r"(?P<marks>(?: \[[A-Z ]+\])*)\s*"
)
_CROPPED = "..."


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One line of the server's answer. :ivar new: the change was made by this push."""

    number: int
    url: str
    subject: str
    new: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one commit. `number` is 0, and `url` is empty, where nobody told."""

    known: Known
    number: int = 0
    url: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The outcome for a program."""
        from git_review.git.trailers import change_id

        commit, change = self.known.commit, self.known.change
        return {
            "commit": commit.id,
            "subject": clean(commit.subject),
            "change_id": change_id(commit.message),
            "state": self.known.state.value,
            "wip": bool(change and change.wip),
            "number": self.number or None,
            "url": self.url or None,
        }


def uploaded(said: str) -> tuple[Uploaded, ...]:
    """The changes that the server names, in its order."""
    found = []
    for line in said.splitlines():
        match = _LINE.fullmatch(clean(line).rstrip())
        if match:
            new = "[NEW]" in match["marks"]
            found.append(Uploaded(int(match["number"]), match["url"], match["subject"], new))
    return tuple(found)


def outcomes(known: Sequence[Known], lines: Sequence[Uploaded]) -> tuple[Outcome, ...]:
    """Each commit with its change: by the number that was known before, else by its subject."""
    left = list(lines)
    found: dict[str, Outcome] = {}
    for entry in known:
        if entry.change is not None:
            line = next((line for line in left if line.number == entry.change.number), None)
            if line is not None:
                left.remove(line)
            found[entry.commit.id] = Outcome(entry, entry.change.number, line.url if line else entry.change.url)
    for entry in reversed(known):
        if entry.commit.id not in found:
            line = next((line for line in left if _fits(line, entry.commit.subject)), None)
            if line is not None:
                left.remove(line)
                state = State.NEW if line.new else State.UPDATED
                found[entry.commit.id] = Outcome(Known(entry.commit, state, None), line.number, line.url)
    return tuple(found.get(entry.commit.id, Outcome(entry)) for entry in known)


def _fits(line: Uploaded, subject: str) -> bool:
    """Gerrit crops long subjects."""
    shown = clean(subject).strip()
    return line.subject == shown or (
        line.subject.endswith(_CROPPED) and shown.startswith(line.subject.removesuffix(_CROPPED).rstrip())
    )
