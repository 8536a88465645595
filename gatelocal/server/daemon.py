"""The gate of a server while it runs: who works for it, what is taken up from before, what it tells; it has no rule.

One thread decides, and nothing else may hold it up: whatever takes time is done by others and comes back as an event.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gatelocal.builds import nursery
from gatelocal.engine.engine import Engine
from gatelocal.engine.loop import Call, Inbox, follow
from gatelocal.engine.work import Tools
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.pipeline.actions import Action, KeepNode, RequestNode, StartBuild, Submit
from gatelocal.pipeline.events import BuildDone, Enqueue, Event, HoldNodes, RefUpdated, Reloaded, Started, Submitted
from gatelocal.pipeline.state import Item, Phase, State
from gatelocal.ports import Say
from gatelocal.server.bugs import Bugs
from gatelocal.server.causes import Causes
from gatelocal.server.configuration import Configuration, Read, joined
from gatelocal.server.copies import Copies
from gatelocal.server.errands import Errands
from gatelocal.server.hands import Crew, GateHands
from gatelocal.server.held import Held
from gatelocal.server.hints import Hints
from gatelocal.server.housekeeping import EVERY, Housekeeping
from gatelocal.server.keepers import Keepers
from gatelocal.server.landing import Landing
from gatelocal.server.ledger import Ledger
from gatelocal.server.notes import Notes
from gatelocal.server.preparing import Preparer
from gatelocal.server.site import Site
from gatelocal.server.tags import Tags
from gatelocal.server.telling import Teller
from gatelocal.server.timers import Timers
from gatelocal.server.watcher import Watcher
from gatelocal.source.stream import Hint, Stream
from gatelocal.store.builds import Builds
from gatelocal.store.codec import Layouts, encode
from gatelocal.store.sql import SqlStore
from git_review.gerrit.address import Remote

Listener = Callable[[str, object], None]
"""Is told what has changed: ``status``, ``build`` or ``landed``, with what it is about; it must not wait."""

_ERRANDS, _MERGES, _COPIES = 8, 2, 2
_ROOM = 64 << 20  # bytes of free disk that a gate needs to go on
_UP = (Phase.NODE, Phase.SHORT, Phase.READY, Phase.RUNNING, Phase.PAUSED, Phase.RESUMED)


class Ended(BaseException):
    """The daemon is asked to end."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a daemon is made of.

    :ivar gate: its own name, by which it knows its messages again. :ivar bugs: the bug tracker's side of it, if any.
    """

    site: Site
    configuration: Configuration
    builds: Builds
    store: SqlStore
    inbox: Inbox
    watcher: Watcher
    gate: str
    bugs: Bugs | None = None
    listeners: list[Listener] = field(default_factory=list)


class Daemon:
    """A gate for one Gerrit.

    :param read: the configuration, as it was read last. :param url: where its page is, with a slash at the end.
    """

    def __init__(self, parts: Parts, read: Read, url: str) -> None:
        self.parts = parts
        self.read = read
        self.url = url
        site, inbox = parts.site, parts.inbox
        self._say: Say = site.say
        self._errands = Errands(_ERRANDS, inbox.interrupt, self._say)
        self._merges = Errands(_MERGES, inbox.interrupt, self._say)
        self._builder = nursery.Nursery()
        tools = Tools(
            merger=site.merger(),
            builder=self._builder,
            kind=site.file.node,
            watch=lambda _: None,
            place=site.place,
            logs=site.directories.runs,
            directories=site.directories,
            width=site.file.builds,
        )
        ledger = Ledger(parts.builds, self._say, lambda record: self._tell("build", record))
        self._keepers = ledger.keepers = Keepers(tools, site.lock, ledger.happened, self._say)
        preparer = Preparer(
            site, parts.watcher.mirror, self._keepers, lambda: self.read, self._facts, self._main, self._generation
        )
        causes = Causes(site.directories, site.fingerprints, self._say)
        crew = Crew(
            site=site,
            inbox=inbox,
            watcher=parts.watcher,
            errands=self._errands,
            merges=self._merges,
            keepers=self._keepers,
            ledger=ledger,
            preparer=preparer,
            landing=Landing(site),
            teller=Teller(site, parts.builds, parts.gate, url, causes=causes),
            state=lambda: self.state,
            finished=self._finished,
        )
        self._hints = None if site.file.third_party else Hints(site, parts.builds, parts.gate, url, self._errands.add)
        self.copies = self._copier()
        self.held = Held(site.directories.nodes, parts.builds, self._say)
        self._hands = GateHands(crew, parts.store.state.counter)
        self._take_up()
        self._engine = Engine(parts.store, self._hands, self._decided, self._left)

    @property
    def state(self) -> State:
        """The gate as it is: a value that never changes."""
        return self.parts.store.state

    # ---- for the page and the commands, from any thread

    def ask(self, do: Callable[[Engine, Inbox], None], timeout: float = 30.0) -> None:
        """Have a function called by the loop's thread, and wait for it; what it raises is raised.

        :raises InfrastructureError: the loop has no time for it.
        """
        done = threading.Event()
        failed: list[Exception] = []

        def called() -> None:
            try:
                do(self._engine, self.parts.inbox)
            except Exception as error:
                failed.append(error)
            finally:
                done.set()

        self.parts.inbox.put(Call(called))
        if not done.wait(timeout):
            raise InfrastructureError("the gate is too busy to answer")
        if failed:
            raise failed[0]

    def troubles(self) -> tuple[str, ...]:
        """Why it cannot do its work at this moment; none: it can."""
        watcher, state = self.parts.watcher, self.parts.site.file.state
        found = [f"the server: {watcher.trouble}"] if watcher.trouble else []
        for errands in (self._errands, self._merges):
            found += [f"{line}: {why}" for line, why in dict(errands.troubles).items()]
        try:
            if shutil.disk_usage(state).free < _ROOM:
                found.append(f"the disk of {state} is full")
        except OSError as error:
            found.append(f"{state}: {error.strerror}")
        return tuple(found)

    @property
    def copies_failing(self) -> int:
        """How many projects cannot be pushed to the second remote."""
        return len(self.copies.errands.troubles) if self.copies is not None else 0

    def change_url(self, facts: Facts) -> str:
        """Where a person reads a change."""
        return f"{self.parts.site.file.gerrit.url}c/{facts.project}/+/{facts.change}"

    # ---- its life

    def run(self, ready: Callable[[], None]) -> None:
        """Follow the server until the inbox is interrupted by :class:`Ended`. :param ready: is called when it does."""
        watcher, inbox = self.parts.watcher, self.parts.inbox
        self._builder.open()
        watcher.begin(self.state)
        stream = watcher.stream = self._stream()
        watcher.tags = self._tags()
        followed = [watcher.run, self._keep_house, self._keep_time, *([] if stream is None else [stream.follow])]
        try:
            if _digest(self.state.layout) != _digest(self.read.layout):
                self._engine.feed(Reloaded(inbox.now(), self.read.layout))
            self._engine.run()
            self._engine.feed(Started(inbox.now()))
            if self.parts.bugs is not None:
                self.parts.bugs.begin()
            for one in followed:
                threading.Thread(target=self._guarded, args=(one,), name=one.__qualname__, daemon=True).start()
            ready()
            if self.copies is not None:
                self.copies.begin()
            follow(self._engine, inbox, lambda: False)
        finally:
            watcher.close()
            if stream is not None:
                stream.close()
            self._errands.close()
            self._merges.close()
            if self.parts.bugs is not None:
                self.parts.bugs.close()
            if self.copies is not None:
                self.copies.errands.close()
            self._builder.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.parts.inbox.interrupt(error)

    def _keep_house(self) -> None:
        site, file = self.parts.site, self.parts.site.file
        folders, builds = site.directories, self.parts.builds
        house = Housekeeping(folders.runs, folders.nodes, file.keep_runs, file.keep_builds, builds, self._say)

        def look() -> None:
            wanted, _ = _wanted(self.state, self.parts.store.outbox())
            used = wanted | {*self._keepers.known()}
            self._errands.add("tidying", lambda: house.tidy(used, time.time()))

        while not self.parts.watcher.wishes.over:
            self.parts.inbox.put(Call(look))
            self.parts.watcher.wishes.sleep(EVERY)

    def _keep_time(self) -> None:
        timers = Timers(lambda: self.read.timers, self._taking_part, self._put_in)
        while not self.parts.watcher.wishes.over:
            self.parts.watcher.wishes.sleep(timers.look(datetime.now(UTC)))

    def _taking_part(self, pipeline: str) -> Iterator[tuple[str, str]]:
        """The branches that count of all projects that are in a pipeline."""
        for project, known in self.read.layout.projects.items():
            if pipeline in known.pipelines and (found := self.read.everything.project(project)) is not None:
                for branch in self.read.everything.branches.get(found.canonical, ()):
                    yield project, branch

    def _put_in(self, pipeline: str, project: str, branch: str) -> None:
        facts = self.parts.watcher.branch(project, branch)
        if facts is not None:
            self._enqueue(pipeline, facts)

    def _enqueue(self, pipeline: str, facts: Facts) -> None:
        def put() -> None:
            if pipeline in self.state.layout.pipelines:
                self._engine.feed(Enqueue(self.parts.inbox.now(), pipeline, facts))

        self.parts.inbox.put(Call(put))

    def _tags(self) -> Tags:
        inbox = self.parts.inbox

        def enqueue(pipeline: str, tag: Facts) -> None:
            self._engine.feed(Enqueue(inbox.now(), pipeline, tag))

        notes = Notes(self.parts.site.file.state / "tags", "tags", self._say)
        return Tags(notes, lambda: self.state, lambda do: inbox.put(Call(do)), enqueue, self._say)

    def _copier(self) -> Copies | None:
        """Who copies what has landed, in threads that do nothing else."""
        site = self.parts.site
        if site.file.copy is None:
            return None
        notes = Notes(site.file.state / "mirror", "branches on the mirror", self._say)
        errands = Errands(_COPIES, self.parts.inbox.interrupt, self._say)
        return Copies(site.file.copy, site.copy_login, site.merger, lambda: self.state, notes, errands, self._say)

    def _stream(self) -> Stream | None:
        server = self.parts.site.file.gerrit
        if server.ssh is None:
            return None
        remote = Remote("ssh", server.ssh[0], server.ssh[1], server.username, "")
        return Stream(remote, server.ssh_options, self.parts.watcher.wishes.hint, self._say)

    def _take_up(self) -> None:
        """Find the builds of a former process that the gate still waits for; all others are ended."""
        store, builds = self.parts.store, self.parts.builds
        preparations, requests = _wanted(store.state, store.outbox())
        living = self._keepers.take_up(preparations, requests)
        for one in builds.unfinished():
            if one.id not in requests:
                builds.change(one.id, state="done", result="ABORTED", ended=time.time())
        self._hands.seats.take_up(living)
        if living:
            self._say(f"builds that go on from before: {len(living)}")

    # ---- what the loop tells

    def _decided(
        self, before: State, event: Event, after: State, actions: tuple[Action, ...], touched: tuple[int, ...]
    ) -> None:
        items = [(before.items.get(number), after.items.get(number)) for number in touched]
        if gone := {one for old, new in items for one in _preparations(old) - _preparations(new)}:
            self._errands.add("tidying", lambda: self._keepers.over(gone))
        if isinstance(event, Submitted) and event.answer == "ok":
            self._tell("landed", event)
        if isinstance(event, Reloaded):
            self.parts.watcher.wishes.hint(Hint(gap=True))  # there may be pipelines now that wait for tags
        if self._hints is not None:
            self._hints.heard(event)
        if isinstance(event, RefUpdated) and (facts := event.facts).project in self.parts.configuration.projects:
            self._merges.add("reading the configuration", lambda: self._read_again(facts))
        if self.copies is not None:
            self.copies.told(event)
        if isinstance(event, HoldNodes):
            for request in self.held.requests(after):
                self._keepers.wish(request)
        if isinstance(event, BuildDone) and not any(isinstance(one, KeepNode) for one in actions):
            self._errands.add("held nodes", lambda: self.held.not_meant(event.build))
        if touched:
            self._tell("status", touched)

    def _left(self, item: Item) -> None:
        if item.live:
            self._say(f"{item.pipeline}: {', '.join(map(str, item.changes))} has left")

    def _read_again(self, moved: Facts) -> None:
        found = self.parts.configuration.read(self.parts.site.merger(), [moved])
        if found is self.read:
            return
        tell_problems(self.read, found, self._say)
        changed = _digest(found.layout) != _digest(self.read.layout)
        new = joined(self.read.layout, found.layout, moved)
        self.read = found
        if changed:
            self._say("the configuration is another one now")
            self.parts.inbox.put(Reloaded(0.0, found.layout))
        for pipeline in new:
            self._enqueue(pipeline, moved)

    def _finished(self, action: int) -> None:
        self._engine.finished(action)

    def _facts(self, change: str) -> Facts | None:
        return self.state.changes.get(change)

    def _main(self, item: int) -> int:
        found = self.state.items.get(item)
        return found.preparation if found is not None else 0

    def _generation(self, item: int) -> int:
        found = self.state.items.get(item)
        return found.generation if found is not None else 0

    def _tell(self, what: str, value: object) -> None:
        for one in tuple(self.parts.listeners):
            one(what, value)


def tell_problems(before: Read | None, found: Read, say: Say) -> None:
    """Say what is wrong with the configuration, each thing once."""
    known = set(before.problems) if before is not None else set()
    for one in found.problems:
        if one not in known:
            say(f"configuration: {one.place.project} {one.place.branch} {one.place.where}: {one.message}")


def _digest(layout: object) -> object:
    """The same for the same content."""
    return encode(layout, Layouts())


def _preparations(item: Item | None) -> set[int]:
    if item is None:
        return set()
    return {item.preparation, *(run.preparation for run in item.runs)} - {0}


def _wanted(state: State, outbox: tuple[Action, ...]) -> tuple[set[int], frozenset[int]]:
    """The preparations that may still be built on, and the node requests whose builds are waited for."""
    preparations: set[int] = set()
    requests: set[int] = set()
    for item in state.items.values():
        runs = [*item.runs, *(one.run for one in item.going)]
        preparations |= _preparations(item)
        requests |= {run.request for run in runs if run.phase in _UP}
    for action in outbox:
        match action:
            case Submit(batch=batch):
                preparations.add(batch)
            case (
                RequestNode(id=request, preparation=preparation) | StartBuild(request=request, preparation=preparation)
            ):
                preparations.add(preparation)
                requests.add(request)
            case _:
                pass
    return preparations - {0}, frozenset(requests - {0})
