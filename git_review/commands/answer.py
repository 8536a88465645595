"""What the server said to a push → the changes it made or updated; pure, and it trusts no line that it cannot read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_review.commands.known import Known, State
from git_review.messages import clean
from git_review.records import dataclass

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import Any

_LINE = re.compile(r"remote:\s+(?P<url>https?://\S+?/(?:c/\S+?/\+/|c/)?(?P<number>[0-9]+))/?\s+(?P<text>\S.*)")
_MARKS = re.compile(r"(?: \[[A-Z ]+\])*")
_MARKS_AT_END = re.compile(r"(?: \[[A-Z ]+\])*$")
_CROPPED = "..."


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One line of the server's answer. :ivar text: the subject, and behind it marks such as ``[NEW]``."""

    number: int
    url: str
    text: str

    @property
    def new(self) -> bool:
        """Whether the change was made by this push, as far as the line alone tells."""
        return "[NEW]" in self.marks

    @property
    def marks(self) -> str:
        """All at its end that may be marks."""
        found = _MARKS_AT_END.search(self.text)
        return found[0] if found else ""


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
    matches = (_LINE.fullmatch(clean(line).rstrip()) for line in said.splitlines())
    return tuple(Uploaded(int(one["number"]), one["url"], _plain(one["text"])) for one in matches if one)


def outcomes(known: Sequence[Known], lines: Sequence[Uploaded]) -> tuple[Outcome, ...]:
    """Each commit with its change: by the number that was known before, else by its subject, else what is left over.

    A subject may itself end in capitals in brackets, so the line with the fewest marks behind the subject is taken;
    of equal ones the first, as the server names older commits first.
    """
    left = list(lines)
    found: dict[str, Outcome] = {}
    for entry in known:
        if entry.change is not None:
            line = next((line for line in left if line.number == entry.change.number), None)
            if line is not None:
                left.remove(line)
            found[entry.commit.id] = Outcome(entry, entry.change.number, line.url if line else entry.change.url)
    unknown = [entry for entry in reversed(known) if entry.commit.id not in found]
    pairs = [(marks, entry, line) for entry in unknown for line in left if (marks := _marks(line, entry)) is not None]
    if len(unknown) == len(left) == 1 and not pairs:
        pairs = [(left[0].marks, unknown[0], left[0])]
    for marks, entry, line in sorted(pairs, key=lambda pair: len(pair[0])):
        if entry.commit.id not in found and line in left:
            left.remove(line)
            state = State.NEW if "[NEW]" in marks else State.UPDATED
            found[entry.commit.id] = Outcome(Known(entry.commit, state, None), line.number, line.url)
    return tuple(found.get(entry.commit.id, Outcome(entry)) for entry in known)


def _marks(line: Uploaded, entry: Known) -> str | None:
    """The marks behind the commit's subject, if the line has that; Gerrit crops long subjects."""
    subject = _plain(clean(entry.commit.subject))
    if line.text.startswith(subject) and _MARKS.fullmatch(rest := line.text[len(subject) :]):
        return rest
    head, cropped, rest = line.text.rpartition(_CROPPED)
    return rest if cropped and subject.startswith(head.rstrip()) and _MARKS.fullmatch(rest) else None


def _plain(text: str) -> str:
    return " ".join(text.split())
