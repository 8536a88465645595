"""What a step's output and its fetched files tell of tests; which of them are read, and as what. It runs nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gatelocal.executor.results import Results, ends, results_in, watched
from gatelocal.executor.steps.command import WATCHED, hides, loses, names_suite, starts
from gatelocal.executor.steps.judged import Told
from gatelocal.model.steps import Command
from gatelocal.model.text import plain
from gatelocal.results import report
from gatelocal.results.console import Console
from gatelocal.results.gotest import GoTest
from gatelocal.results.libtest import LibTest
from gatelocal.results.stream import Stream, merged
from gatelocal.results.tap import Tap

LAST = 60
"""Lines of a step's output that are kept: what a program says when it gives up."""

_ENV = "step"
_LARGEST = 64 * 1024 * 1024
_MOST = 2000


class _Reader(Protocol):
    def line(self, text: str) -> None: ...

    def stream(self) -> Stream: ...


_READERS: dict[str, Callable[[], _Reader]] = {"go": GoTest, "cargo": LibTest, "tap": Tap}
_STARTS = {"pytest": "pytest", "stestr": "stestr run", "unittest": "python -m unittest"}


class Listener:
    """Hears a step's output as it comes. :ivar last: its last lines, safe for a terminal."""

    def __init__(self, step: Command) -> None:
        self._step = step
        self._reader = _READERS[step.suite]() if step.suite in _READERS else None
        self._console = Console()
        known = starts(step.command)
        first = _STARTS.get(step.suite) or (" ".join(step.command.split())[:500] if known else "sh")
        self._console.line(f"{_ENV}: commands[0]> {first}")
        self._must_speak = bool(known) and step.suite in ("", known) and not hides(step.command)
        self.last: deque[str] = deque(maxlen=LAST)

    def line(self, text: str) -> None:
        """One line of it."""
        if self._reader is not None:
            self._reader.line(text)
        clean = plain(text)
        self.last.append(clean)
        if self._reader is None:
            self._console.line(clean)

    def results(self, folder: Path) -> Told:
        """All that is known of its tests. :param folder: what was fetched of the results; it may not be there."""
        self._console.finish()
        commands = self._console.commands
        for one in commands:
            one.env = "" if one.env == _ENV else one.env
        found = results_in(folder, commands)
        others, told = _files(folder, found.notes)
        if self._reader is not None:
            others.append(self._reader.stream())
        told = told or bool(watched(folder)) or any((folder / "streams").glob("*.subunit"))
        told = told or any(one.done and one.tool for one in commands)
        gone = tuple(name for one in others for name in one.never_ran)
        whole = replace(
            found,
            tests=merged([Stream(found.tests), *others]) if others else found.tests,
            never_ran=(*found.never_ran, *gone),
            unnoticed=(*found.unnoticed, *gone),
            notes=(*found.notes, *(note for one in others for note in one.notes), *self._unwatched(folder)),
        )
        return Told(whole, told, self._silent(folder), self._lost(folder, whole))

    def _lost(self, folder: Path, found: Results) -> str:
        """What speaks against a program that a witness can watch, where the step's own status says nothing of it."""
        if self._step.setup or starts(self._step.command) not in WATCHED or not loses(self._step.command):
            return ""
        bad = [f"{tool} ended with status {status}" for tool, status in ends(folder) if status]
        if bad:
            return bad[0]
        ran = found.tests or found.counted.passed or found.counted.skipped
        return "" if ran else "nothing tells that a test of it ran"

    def _silent(self, folder: Path) -> str:
        """A test program that has not said what it always says at its end; empty when there is none."""
        seen = watched(folder)
        for one in self._console.unfinished:
            if (one.tool, one.env) not in seen and (one.env or self._must_speak):
                return one.tool
        return ""

    def _unwatched(self, folder: Path) -> list[str]:
        seen = watched(folder)
        blind = {one.tool for one in self._console.commands if one.tool in WATCHED and not one.status}
        return [
            *(
                f"nobody watched {tool}: tests that were chosen and never ran would not be noticed"
                for tool in sorted(blind - {tool for tool, _ in seen})
            ),
            *(f"tox left out {env}" for env in dict.fromkeys(self._console.skipped)),
        ]


def watchable(step: Command) -> bool:
    """Whether a witness is to be put where the step's test programs find it."""
    if step.suite or step.setup:
        return step.suite in WATCHED and not step.setup
    return names_suite(step.command)


def _files(folder: Path, notes: Sequence[str]) -> tuple[list[Stream], bool]:
    """The files that the step's own patterns name, but for JUnit files, which are read with the streams; and whether
    one of them, or of those, could be read without a word on it.

    :param notes: what was said of those.
    """
    names = sorted((folder / "junit").glob("*")) if (folder / "junit").is_dir() else []
    found: list[Stream] = []
    told = False
    for path in names[:_MOST]:
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".xml":
            told = told or not any(note.startswith(f"{path.name}: ") for note in notes)
            continue
        with path.open("rb") as file:
            stream = report.parse(file.read(_LARGEST))
        told = told or not stream.notes
        name = path.name.partition("-")[2] or path.name
        found.append(replace(stream, notes=tuple(f"{plain(name)}: {note}" for note in stream.notes)))
    return found, told
