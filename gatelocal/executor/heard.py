"""One step's output while it comes: which signs were in it, and its last words; it keeps no more than a few lines."""

from __future__ import annotations

from collections import deque

from gatelocal.executor.signs import LACKS, Sign, signs
from gatelocal.model.text import plain

_WORDS = 300  # characters of a line that a person is told
_LAST = 3


class Heard:
    """What a step's output meant.

    :ivar seen: each sign with the line that it was in: the first for what a node lacks, since what follows is of its
        making; the last for all others.
    """

    def __init__(self) -> None:
        self.seen: dict[Sign, str] = {}
        self._errors: deque[str] = deque(maxlen=_LAST)
        self._last: deque[str] = deque(maxlen=_LAST)

    def line(self, text: str) -> None:
        """One more line of it."""
        whole = plain(text).strip()
        if not whole:
            return
        words = whole[:_WORDS]
        self._last.append(words)
        for sign in signs(whole):
            if sign is Sign.ERROR and words not in self._errors:
                self._errors.append(words)
            if sign not in LACKS or sign not in self.seen:
                self.seen[sign] = words

    @property
    def last_words(self) -> str:
        """The last lines that speak of an error; without any, the last lines there were."""
        return " / ".join(self._errors or self._last)
