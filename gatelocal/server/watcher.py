"""What happens on the server, as events for the gate: read whole at the start and from time to time, in parts on hints.

One thread reads, and finds out what is new. So it does not matter who has told that something has happened, or how
often; what was never told is found by the next whole reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.model.refs import is_tag
from gatelocal.pipeline.events import ChangeEvent, Event, RefUpdated, ServerRead
from gatelocal.pipeline.state import State
from gatelocal.ports import Say
from gatelocal.server.tags import NONE, Tags
from gatelocal.server.wishes import Branch, Wanted, Wishes
from gatelocal.source.mirror import Mirror
from gatelocal.source.reader import Reader
from gatelocal.source.stream import Stream, hint_of

_FIRST, _MOST = 1.0, 60.0
_SILENT = 20.0
"""Seconds that a hint may be late: a stream that said nothing of what is older has gone silent."""
_NEVER, _NEVER_YET = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Following:
    """How the server is followed.

    :ivar projects: the tenant's. :ivar every: seconds between two whole readings.
    :ivar since: what happened to changes that the gate does not know before that is no news; None: the first whole
        reading tells. :ivar begun: is told so then.
    """

    projects: Callable[[], Sequence[str]]
    every: float
    since: datetime | None
    begun: Callable[[datetime], None]


class Watcher:
    """See the module.

    :param post: receives the events. :param reader: makes a reader for the thread.
    :ivar tags: is shown the tags of the projects that it asks for; None: nobody is.
    :ivar trouble: why the server could not be read the last time; empty when it could.
    :ivar read: when it was last read whole, by the monotonic clock; 0 for never.
    """

    def __init__(
        self,
        reader: Callable[[], Reader],
        mirror: Mirror,
        following: Following,
        post: Callable[[Event], None],
        say: Say,
    ) -> None:
        self._readers = reader
        self._say = say
        self._since = following.since
        self.mirror = mirror
        self.wishes = Wishes()
        self._following = following
        self._post = post
        self._absent: set[int] = set()
        self._posted: dict[int, Facts] = {}
        self._branches: dict[Branch, Facts] = {}
        self._before: dict[int, Facts] = {}
        self.trouble = ""
        self.read = 0.0
        self.stream: Stream | None = None
        self.tags: Tags | None = None

    @property
    def _reader(self) -> Reader:
        return self._readers()

    def begin(self, state: State) -> None:
        """Take up what the gate knows from before."""
        self._before = {int(name): one for name, one in state.changes.items() if one.status == "NEW" and name.isdigit()}
        self._reader.projects.update(
            {int(name): one.project for name, one in state.changes.items() if name.isdigit() and not one.is_branch}
        )
        self.mirror.begin({name: one.said for name, one in state.changes.items() if not one.is_branch})
        for one in state.changes.values():
            if one.is_branch and one.tip and not is_tag(one.branch):
                self._branches[(one.project, one.branch)] = one

    # ---- from any thread

    def look(self, number: int) -> tuple[Facts, tuple[Facts, ...]] | None:
        """A change as it is at this moment, with what belongs to it; None when the server shows none.

        :raises InfrastructureError: the server gives no answer.
        """
        if not self._read_one(number):
            return None
        self._complete([number])
        facts = self.mirror.facts(number)
        return None if facts is None else (facts, self.mirror.related(number))

    def hear(self, event: str) -> None:
        """A server's own word on something that has happened: a reason to read, and no more."""
        if (hint := hint_of(event)) is not None:
            self.wishes.hint(hint)

    def branch(self, project: str, branch: str) -> Facts | None:
        """A branch as it was read last."""
        return self._branches.get((project, branch))

    def close(self) -> None:
        """Read no more."""
        self.wishes.close()

    # ---- the thread

    def run(self) -> None:
        """Read until :meth:`close`."""
        wait = _FIRST
        due = time.monotonic()
        while not self.wishes.over:
            wanted = self.wishes.take(due)
            whole = wanted.whole or bool(wanted.actions) or time.monotonic() >= due
            try:
                self._do(wanted, whole=whole)
            except InfrastructureError as error:
                if self.trouble != error.brief:
                    self._say(f"the server cannot be read: {error.brief}")
                self.trouble = error.brief
                self.wishes.put_back(wanted, whole=whole)
                self.wishes.sleep(wait)
                wait = min(wait * 2, _MOST)
                continue
            if self.trouble:
                self._say("the server can be read again")
            self.trouble, wait = "", _FIRST
            if whole:
                due = time.monotonic() + self._following.every

    def _do(self, wanted: Wanted, *, whole: bool) -> None:
        while wanted.landed:
            project, branch, tip = wanted.landed.pop(0)
            self._moved((project, branch), tip, ours=True)
        if whole:
            self._read_whole(wanted)
            return
        ours = set(self._following.projects())
        named = [(n, project) for n, project in wanted.numbers.items() if project in ours or self.mirror.known(n)]
        numbers = [number for number, project in named if self._read_one(number, project)]
        moved = list(self._tips(one for one in wanted.projects if one in ours))
        self._tell(numbers)
        self._tell_tips(moved)
        self._read_tags(wanted.tagged & ours)

    # ---- reading

    def _read_whole(self, wanted: Wanted) -> None:
        projects = tuple(self._following.projects())
        moved = list(self._tips(projects))
        found = list(self._reader.open_changes(projects))
        self._absent.clear()
        numbers = dict.fromkeys(one.number for one in found if self.mirror.take(one) or True)
        gone = [number for number in (*self.mirror.open(), *self._before) if number not in numbers]
        asked = {int(name) for _, changes in wanted.actions for name in changes if name.isdigit()}
        for number in {**wanted.numbers, **dict.fromkeys(gone), **dict.fromkeys(asked)}:
            if number not in numbers and self._read_one(number, wanted.numbers.get(number, "")):
                numbers[number] = None
        first = self._since is None
        if first:
            newest = max((one.updated for one in found if one.updated is not None), default=_NEVER_YET)
            self._following.begun(newest)
            self._since = _NEVER
        lost = [one for number, one in self._before.items() if number not in numbers and not self.mirror.known(number)]
        self._before = {}
        if lost:
            self._post(ServerRead(0.0, 0, tuple(replace(one, status="ABANDONED") for one in lost)))
        unhinted = self._tell(numbers)
        if first:
            self._since = newest
        self._tell_tips(moved)
        self._read_tags(projects)
        for action, changes in wanted.actions:
            facts = [self.mirror.facts(number) for number in numbers]
            told = tuple(one for one in facts if one is not None and (one.votes or one.change in changes))
            self._post(ServerRead(0.0, action, tuple(sorted(told, key=_approved)), tuple(self._known_tips())))
        self.read = time.monotonic()
        self._look_at_stream(unhinted)

    def _look_at_stream(self, unhinted: Iterable[datetime]) -> None:
        """A stream that has not told what this reading found, although there was time, is silent for ever."""
        stream = self.stream
        if stream is None or not stream.up or time.monotonic() - stream.heard < _SILENT:
            return
        if any((datetime.now(UTC) - when).total_seconds() > _SILENT for when in unhinted):
            stream.renew()

    def _read_one(self, number: int, project: str = "") -> bool:
        known = self.mirror.known(number)
        change = self._reader.change(number, project or (known.project if known is not None else ""))
        if change is not None:
            self.mirror.take(change)
            return True
        self._absent.add(number)
        if known is None or known.status != "NEW":
            return False
        self.mirror.lose(number)
        return True

    def _complete(self, numbers: Iterable[int]) -> list[int]:
        """Read what these need, directly or not; gives what was read for that."""
        waiting, more = list(numbers), []
        while waiting:
            wanted, ids = self.mirror.unknown(waiting.pop())
            for other in wanted:
                if other not in self._absent and self._read_one(other):
                    waiting.append(other)
                    more.append(other)
            for change_id in ids:
                self.mirror.absent(change_id)
                for change in self._reader.with_id(change_id):
                    if self.mirror.take(change):
                        waiting.append(change.number)
                        more.append(change.number)
        return more

    def _tips(self, projects: Iterable[str]) -> Iterable[tuple[Branch, str]]:
        for project in projects:
            for branch, tip in self._reader.tips(project).items():
                yield (project, branch), tip

    def _read_tags(self, projects: Iterable[str]) -> None:
        wanted = self.tags.projects() if self.tags is not None else NONE
        for project in projects:
            if self.tags is not None and project in wanted:
                self.tags.take(project, self._reader.tags(project))

    # ---- telling

    def _tell(self, numbers: Iterable[int]) -> list[datetime]:
        """Post what is new of these; gives when that happened."""
        every = dict.fromkeys(numbers)
        every |= dict.fromkeys(self._complete(every))
        fresh = (pair for number in every for pair in self.mirror.news(number, self._since))
        news = sorted(fresh, key=lambda pair: pair[0])
        told: list[datetime] = []
        for when, make in news:
            event = make()
            if event is not None:
                told.append(when)
                self._post(event)
                self._remember(event)
        for number in every:
            self.mirror.catch_up(number)
        facts = [one for number in every if (one := self.mirror.facts(number)) is not None]
        changed = [one for one in facts if self._posted.get(int(one.change)) != one]
        if changed:
            self._post(ServerRead(0.0, 0, tuple(sorted(changed, key=_approved))))
            self._posted.update({int(one.change): one for one in changed})
        return told

    def _remember(self, event: ChangeEvent) -> None:
        for one in (event.facts, *event.related):
            self._posted[int(one.change)] = one

    def _tell_tips(self, moved: Iterable[tuple[Branch, str]]) -> None:
        adopted: list[Facts] = []
        known = {project for project, _ in self._branches}
        for branch, tip in moved:
            if self.wishes.busy(branch):
                continue
            if branch not in self._branches and branch[0] not in known:
                self._branches[branch] = facts = _branch_facts(branch, 1, tip)
                adopted.append(facts)
            else:
                self._moved(branch, tip, ours=False)
        if adopted:
            self._post(ServerRead(0.0, 0, tuple(adopted)))

    def _moved(self, branch: Branch, tip: str, *, ours: bool) -> None:
        before = self._branches.get(branch)
        if before is not None and before.tip == tip:
            return
        facts = _branch_facts(branch, 1 if before is None else before.patchset + 1, tip)
        self._branches[branch] = facts
        self._post(RefUpdated(0.0, facts, tip, ours))

    def _known_tips(self) -> Iterable[tuple[str, str, str]]:
        for branch, facts in self._branches.items():
            if not self.wishes.busy(branch):
                yield (*branch, facts.tip)


def _branch_facts(branch: Branch, count: int, tip: str) -> Facts:
    return Facts(f"{branch[0]} {branch[1]}", count, *branch, status="BRANCH", tip=tip)


def _approved(facts: Facts) -> tuple[int, int]:
    """The order in which changes have their turn: by their latest vote."""
    return max((one.serial for one in facts.votes), default=0), int(facts.change) if facts.change.isdigit() else 0
