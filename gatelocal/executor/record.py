"""The record of a build's output: live for a person, with times in ``job-output.txt``; it interprets nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from gatelocal.model.result import JOB_OUTPUT as NAME
from gatelocal.model.text import plain
from gatelocal.ports import Say


def now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


class Record:
    """An open ``job-output.txt`` and the person who watches.

    :param folder: an existing folder that receives the file; it is readable by its owner alone.
    """

    def __init__(self, folder: Path, say: Say, clock: Callable[[], datetime] = now) -> None:
        self._say = say
        self._clock = clock
        self._file: IO[str] = (folder / NAME).open("a", encoding="utf-8", errors="replace")
        (folder / NAME).chmod(0o600)

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def line(self, text: str) -> None:
        """One line of the build's output; what a terminal would obey is taken out."""
        shown = plain(text)
        self._file.write(f"{self._clock():%Y-%m-%d %H:%M:%S.%f} | {shown}\n")
        self._file.flush()
        self._say(shown)
