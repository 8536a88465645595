"""What a build's commands print, line by line → the command that failed, its last words, and test programs' own words.

For what leaves no stream behind: unittest, pytest where nobody may watch it, and every program that is none for tests.
The wordings are those of tox 3 and 4, unittest of Python 3.8 to 3.14, pytest 6 to 9, stestr 2 to 4.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from gatelocal.model.result import Counted, TestResult
from gatelocal.results.sentences import Sentences
from gatelocal.results.texts import PytestText, UnittestText

TAIL = 40
_LONGEST = 2000
_STARTS = re.compile(
    r"^(?P<env>[^\s:]+):? (?:\d+ [A-Z] )?(?:run-test(?:-pre|-post)?: )?commands(?:_pre|_post)?\[\d+\]"
    r"(?: [^>|]*)?(?:>| \|) (?P<command>.*?)(?: \[tox/\S+\])?$"
)
_SKIPPED = re.compile(r"^(?:  (?P<four>[^\s:]+): SKIP\b|SKIPPED:  (?P<three>[^\s:]+): )")
_MAY_END = re.compile(r"exit|ignore|IGNORED")
_ONLY_TELL = {*"-h --help -V --version --co --collect-only --fixtures --markers --cache-show no:terminal".split()}
_OLD_END = re.compile(r"^ERROR: InvocationError for command .* \(exited with code (-?\d+)(?: \([^)]*\))?\)")
_IGNORED = re.compile(r"command failed but (?:is marked ignore outcome|result from testenv is ignored)")
_OWN = re.compile(r"^(?:_+ summary _+|  [^\s:]+: (?:OK|FAIL|SKIP)\b|  (?:evaluation failed|congratulations) :)")


@dataclass(slots=True)
class Command:
    """One command of a tox environment.

    :ivar tool: ``pytest``, ``unittest``, ``stestr``, or empty.
    :ivar status: what it ended with, as far as tox says so: None means well, or not yet.
    :ivar done: its test program has said what it says last. :ivar over: what follows is not its output.
    :ivar tests: the tests that it names. :ivar counted: those that it counts and does not name.
    :ivar sentence: why it failed, in one sentence of its own; empty when it has none.
    """

    env: str
    line: str
    tool: str = ""
    status: int | None = None
    done: bool = False
    over: bool = False
    tests: tuple[TestResult, ...] = ()
    counted: Counted = field(default_factory=Counted)
    sentence: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))


class Console:
    """Reads a build's lines as they come.

    :ivar commands: those that have begun, in order. :ivar skipped: environments that tox left out.
    """

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.skipped: list[str] = []
        self._reader: UnittestText | PytestText | None = None
        self._sentences = Sentences()

    def line(self, text: str) -> None:
        """One line, without what a terminal would obey."""
        text = text[:_LONGEST]
        if begins := _STARTS.match(text):
            self._finish()
            self._begin(begins["env"], begins["command"])
        elif skipped := _SKIPPED.match(text):
            self.skipped.append(skipped["four"] or skipped["three"])
        elif self.commands and not self._ends(text) and not self.commands[-1].over:
            self._said(text)

    def finish(self) -> None:
        """There is no further line."""
        self._finish()

    @property
    def failed(self) -> Command | None:
        """The first command that failed."""
        return next((one for one in self.commands if one.status), None)

    @property
    def last(self) -> Command | None:
        """The command that ran last."""
        return self.commands[-1] if self.commands else None

    @property
    def unfinished(self) -> tuple[Command, ...]:
        """Test programs that end without the words that they always end with, and without an error."""
        wordy = ("unittest", "pytest")
        return tuple(one for one in self.commands if one.tool in wordy and one.status is None and not one.done)

    def _begin(self, env: str, line: str) -> None:
        command = Command(env, line, _tool(line))
        self.commands.append(command)
        self._sentences = Sentences()
        readers = {"stestr": None, "pytest": PytestText}
        reader = readers.get(command.tool, UnittestText)
        self._reader = reader() if reader else None

    def _said(self, text: str) -> None:
        if not text.strip() or _OWN.match(text):
            return
        self.commands[-1].tail.append(text)
        self._sentences.line(text)
        if self._reader is not None:
            self._reader.line(text)

    def _ends(self, text: str) -> bool:
        """Whether the line tells a command's end; a program's last words may stand before it on the same line."""
        command = self.commands[-1]
        if not _MAY_END.search(text):
            return False
        if ignored := re.match(r"  ([^\s:]+): IGNORED FAIL\b", text):
            for one in self.commands:
                one.status = None if one.env == ignored[1] else one.status
            return True
        if _IGNORED.search(text):
            command.status = None
            return True
        found = _OLD_END.match(text) or re.search(
            rf"{re.escape(command.env)}: (?:\d+ [A-Z] )?exit (-?\d+) \([\d.]+ seconds\) [^>]*> ", text
        )
        if found is None:
            return False
        if found.start():
            self._said(text[: found.start()])
        command.status = int(found[1]) or None
        self._finish()
        return True

    def _finish(self) -> None:
        """Put together what the last command said."""
        command, reader = self.last, self._reader
        if command is None:
            return
        command.over = True
        command.sentence = command.sentence or self._sentences.found
        if reader is not None:
            reader.finish()
            if reader.ended and not command.tool:
                command.tool = "unittest"
            command.tests, command.counted = tuple(reader.tests), reader.counted
            command.done = reader.ended
            command.sentence = command.sentence or reader.told
        self._reader = None


def _tool(line: str) -> str:
    """The test program that a command line starts, as far as one can see."""
    words = line.split()
    names = {word.rpartition("/")[2] for word in words}
    if names & {"stestr", "ostestr", "testr"} or ("tempest" in names and "run" in words):
        return "" if "--list-tests" in words else "stestr"
    tool = "pytest" if names & {"pytest", "py.test"} else "unittest" if " -m unittest" in line else ""
    return "" if names & _ONLY_TELL or any(word.startswith("-qq") for word in words) else tool
