"""What of the server is to be read, asked for by any thread and taken by the one that reads; it reads nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from gatelocal.source.stream import Hint

Branch = tuple[str, str]
"""Project and branch."""


@dataclass(slots=True)
class Wanted:
    """What is to be read.

    :ivar numbers: change → its project, as far as that is known. :ivar projects: whose branches may have moved.
    :ivar tagged: whose tags may have.
    :ivar landed: (project, branch, tip): what submits of ours have made. :ivar actions: the gate's, that ask for all.
    """

    numbers: dict[int, str] = field(default_factory=dict)
    projects: set[str] = field(default_factory=set)
    tagged: set[str] = field(default_factory=set)
    landed: list[tuple[str, str, str]] = field(default_factory=list)
    actions: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    whole: bool = False

    def __bool__(self) -> bool:
        return bool(self.numbers or self.projects or self.tagged or self.landed or self.actions or self.whole)


class Wishes:
    """Wishes that wait. :ivar over: nothing is to be read any more."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._wanted = Wanted()
        self._busy: dict[Branch, int] = {}
        self.over = False

    def hint(self, hint: Hint) -> None:
        """Something may have happened. Never waits."""
        with self._condition:
            if hint.gap:
                self._wanted.whole = True
            elif hint.number:
                self._wanted.numbers[hint.number] = hint.project
            else:
                (self._wanted.tagged if hint.tag else self._wanted.projects).add(hint.project)
            self._condition.notify_all()

    def answer(self, action: int, changes: tuple[str, ...]) -> None:
        """Read the server, and post that as the answer to the gate's action."""
        with self._condition:
            self._wanted.actions.append((action, changes))
            self._condition.notify_all()

    def submitting(self, branch: Branch) -> None:
        """A submit to the branch begins: where that finds and leaves it, its own answer tells."""
        with self._condition:
            self._busy[branch] = self._busy.get(branch, 0) + 1

    def submitted(self, branch: Branch, tip: str) -> None:
        """It has ended, and its answer is posted. :param tip: what it made of the branch; empty: nothing."""
        with self._condition:
            self._busy[branch] -= 1
            if tip:
                self._wanted.landed.append((*branch, tip))
            self._wanted.projects.add(branch[0])
            self._condition.notify_all()

    def busy(self, branch: Branch) -> bool:
        """Whether a submit to the branch is under way, or what it made is still to be told."""
        with self._condition:
            return self._busy.get(branch, 0) > 0 or any(one[:2] == branch for one in self._wanted.landed)

    def close(self) -> None:
        """Nothing is to be read any more."""
        with self._condition:
            self.over = True
            self._condition.notify_all()

    def take(self, due: float) -> Wanted:
        """All that is wanted, once there is something, or at that time of the monotonic clock."""
        with self._condition:
            while not self._wanted and not self.over and (left := due - time.monotonic()) > 0:
                self._condition.wait(left)
            found, self._wanted = self._wanted, Wanted()
            return found

    def put_back(self, wanted: Wanted, *, whole: bool) -> None:
        """It could not be read. :param whole: all of the server was to be."""
        with self._condition:
            now = self._wanted
            now.numbers = {**wanted.numbers, **now.numbers}
            now.projects |= wanted.projects
            now.tagged |= wanted.tagged
            now.landed[:0] = wanted.landed
            now.actions[:0] = wanted.actions
            now.whole |= whole

    def sleep(self, seconds: float) -> None:
        """Wait, unless it is over."""
        end = time.monotonic() + seconds
        with self._condition:
            while not self.over and (left := end - time.monotonic()) > 0:
                self._condition.wait(left)
