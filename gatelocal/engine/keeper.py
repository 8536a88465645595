"""What is done on one seat: a build's process is ordered or found again, followed, and its result kept."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.builds import following, refusal
from gatelocal.builds import order as orders
from gatelocal.builds.folder import KEEP, RESULT, TROUBLE, Final
from gatelocal.builds.following import Ears, Following
from gatelocal.builds.order import Order
from gatelocal.builds.refusal import refused
from gatelocal.builds.tries import times
from gatelocal.engine.handed import given
from gatelocal.engine.outcomes import told, told_of
from gatelocal.engine.run_folder import FoundBuild, RunFolder
from gatelocal.engine.seats import Told
from gatelocal.engine.work import Preparation, Tools, Work
from gatelocal.errors import GateError, InfrastructureError
from gatelocal.model.filename import folder_of
from gatelocal.model.happening import JobEnded, JobStarted, NodeReady, Output, Progress
from gatelocal.model.hold import Keep
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Returned
from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.stopping import Stop, Stopped

Key = tuple[str, str]
Labels = tuple[tuple[str, ...], ...]

LAUNCH = 4 * 3600.0
"""Seconds after which a node that does not come is given up: more than an image takes to be made under emulation."""
AROUND = 2 * 3600.0
"""Seconds that a build may take beyond its job: for trees, their delivery, and what is fetched."""
UNLIMITED = 24 * 3600.0
"""Seconds of a job that has no limit of its own."""


class Mistake(Exception):
    """An error that nobody expected, in a build's process; its text is the traceback there."""


@dataclass(slots=True)
class Kept:
    """What has come out so far, of all seats.

    :ivar results: of each job's last build, or why it could not begin. :ivar nodes: title → the node's description.
    :ivar lacking: why something could not be had, in the order in which that was found.
    :ivar begun: whether a job has begun to run. :ivar mistake: the first error that nobody expected.
    """

    results: dict[Key, BuildResult] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    lacking: list[GateError] = field(default_factory=list)
    begun: bool = False
    mistake: Exception | None = None


class Keeper:
    """See :class:`gatelocal.engine.seats.Keeper`; its methods are called by many threads.

    :param prepared: the item, once it is prepared. :param keep: which node is kept.
    """

    def __init__(
        self, tools: Tools, kept: Kept, prepared: Callable[[], Preparation], folder: RunFolder, keep: Keep
    ) -> None:
        self._tools = tools
        self._kept = kept
        self._prepared = prepared
        self._folder = folder
        self._keep = keep
        self._lock = threading.Lock()
        self._labels: dict[Labels, threading.Lock] = {}
        self._there: dict[Labels, InfrastructureError | None] = {}
        self._builds: dict[int, Following] = {}
        self._attempts: Counter[Key] = Counter()
        self._killed = False
        self._paused: dict[Key, Returned] = {}

    def take_up(self) -> tuple[FoundBuild, ...]:
        """Find the builds of a former process again, with what they have left; those that still live.

        :raises InfrastructureError: one of them cannot be read.
        """
        living = []
        for one in self._folder.builds():
            key = (one.order.change, one.order.job.name)
            self._attempts[key] += 1
            life = following.found(one.folder)
            found = Following(one.folder, life, self._ears(key, one.folder), known=True)
            self._builds[one.order.id] = found
            if found.node:
                self._kept.nodes[one.order.title] = found.node
            if (final := found.final()) is not None:
                self._take(key, final)
            elif life is not None:
                living.append(one)
                if (returned := found.paused()) is not None:
                    self._paused[key] = returned
            self._kept.begun |= found.begun
        return tuple(living)

    def launch(self, request: RequestNode, stop: Stop) -> bool:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        key = (request.change, request.job)
        work = self._prepared().works[key]
        try:
            if error := self._prepared().lacking.get(key):
                self._lacks(work, request.id, key, error)
            elif self._node(work, request.id, key, stop):
                return True
        except GateError as error:
            self._lacks(work, request.id, key, error, Outcome.NODE_FAILURE)
        except OSError as error:
            self._lacks(work, request.id, key, refused(error))
        self._tell(key, work)
        return False

    def build(self, order: StartBuild, stop: Stop, paused: Callable[[Told], None]) -> Told:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        key = (order.change, order.job)
        work = self._prepared().works[key]
        try:
            self._built(work, order, stop, paused)
        except GateError as error:
            self._lacks(work, order.request, key, error, Outcome.NODE_FAILURE)
        except OSError as error:
            self._lacks(work, order.request, key, refused(error))
        self._tell(key, work)
        return told(self._kept.results[key])

    def resume(self, request: int) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`. :raises InfrastructureError: no disk."""
        try:
            if (found := self._builds.get(request)) is not None:
                found.resume()
        except OSError as error:
            raise refused(error) from None

    def wish(self, request: int) -> None:
        """The node of that request is to be kept if its build fails. :raises InfrastructureError: no disk."""
        try:
            if (found := self._builds.get(request)) is not None:
                (found.folder / KEEP).touch(mode=0o600)
        except OSError as error:
            raise refused(error) from None

    def leave(self, request: int, stop: Stop) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        found = self._builds.get(request)
        if found is not None:
            if not stop.asked:
                with suppress(TimeoutError, Stopped):
                    found.until(lambda: False, stop, time.monotonic() + following.GRACE)
            found.end()

    def kill(self) -> None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        self._killed = True
        for one in list(self._builds.values()):
            one.kill()

    # ---- nodes

    def _node(self, work: Work, request: int, key: Key, stop: Stop) -> bool:
        """Whether its node is there; the first of its kind is made alone, and what cannot be had is asked for once."""
        wanted = _labels(work)
        with self._lock:
            first = self._labels.setdefault(wanted, threading.Lock())
        while not first.acquire(timeout=0.1):
            stop.check()
        try:
            if error := self._there.get(wanted):
                raise error
            if wanted not in self._there:
                return self._first(work, request, key, stop)
        finally:
            first.release()
        return self._ready(work, request, key, stop)

    def _first(self, work: Work, request: int, key: Key, stop: Stop) -> bool:
        there = self._ready(work, request, key, stop)
        final = None if there else self._builds[request].final()
        error = final.refusal.error if final is not None and final.refusal is not None else None
        self._there[_labels(work)] = error if isinstance(error, InfrastructureError) else None
        return there

    def _ready(self, work: Work, request: int, key: Key, stop: Stop) -> bool:
        """Have a process make the node, or find the one that does; where there is none to be had, its result is kept.

        :raises InfrastructureError: the process was lost on the way.
        """
        found = self._builds.get(request)
        if found is None or not (found.lives or found.final() or found.ordered):
            found = self._builds[request] = self._ordered(work, request, key)
            if self._killed:
                found.kill()
        try:
            there = found.until(lambda: found.node or found.final(), stop, time.monotonic() + LAUNCH)
        except TimeoutError:
            raise InfrastructureError(f"no node has come within {LAUNCH / 3600:.0f} hours") from None
        if found.node:
            self._kept.nodes[work.title] = found.node
            return True
        final = found.final()
        if not there and final is None:
            raise _lost(found)
        if final is not None:
            self._take(key, final)
        return False

    def _ordered(self, work: Work, request: int, key: Key) -> Following:
        folder = self._described(work, request, key)
        return Following(folder, self._tools.builder.start(folder), self._ears(key, folder))

    def _described(self, work: Work, request: int, key: Key) -> Path:
        """A fresh folder of a build, with what it is to do."""
        tools, directories = self._tools, self._tools.directories
        needed = (*work.trees, *(one.tree for one in work.checkouts))
        order = Order(
            id=request,
            change=key[0],
            project=work.project,
            title=work.title,
            job=work.job,
            trees=work.trees,
            stored={tree.project: str(tools.merger.repository(tree.project).path) for tree in needed},
            kind=tools.kind,
            cache=str(directories.cache),
            nodes=str(directories.nodes),
            work=str(directories.work),
            gate=str(self._folder.lock),
            claim=str(self._folder.claim),
            keep=self._keep,
            checkouts=work.checkouts,
            item=work.item,
            attempt=self._attempts[key] + 1,
        )
        folder = _folder(tools.logs, work.title)
        orders.write(folder, order)
        self._attempts[key] += 1
        return folder

    # ---- builds

    def _built(self, work: Work, order: StartBuild, stop: Stop, paused: Callable[[Told], None]) -> None:
        """Run the build on its node; its result is kept. :raises GateError: it was lost."""
        key = (order.change, order.job)
        found = self._builds[order.request]
        if not found.ordered:
            if not found.lives and not self._ready(work, order.request, key, stop):
                return
            found = self._builds[order.request]
            prepared = self._prepared()
            found.go(order.id, given(prepared.graphs, prepared.works, key, self._returned()))
        limit = (work.job.timeout or UNLIMITED) * max(times(work.job), 1) + AROUND
        try:
            there = found.until(lambda: found.final() or found.paused(), stop, time.monotonic() + limit)
            if there and not found.final():
                self._pauses(found, key, paused)
                there = found.until(lambda: found.final() or found.resumed, stop, math.inf)
                there = found.until(found.final, stop, time.monotonic() + limit)
        except TimeoutError:
            raise InfrastructureError(f"the build was still there after {limit / 3600:.1f} hours") from None
        self._kept.begun |= found.begun
        final = found.final()
        if not there or final is None:
            raise _lost(found)
        self._take(key, final)

    def _pauses(self, found: Following, key: Key, paused: Callable[[Told], None]) -> None:
        """The gate is told of it, unless it has said already that the build may go on."""
        if (returned := found.paused()) is not None and not found.resumed:
            self._paused[key] = returned
            paused(told_of(returned))

    def _returned(self) -> dict[Key, Returned]:
        """What jobs give to others, as far as it is known and they have succeeded until now."""
        ended = {key: one for key, one in self._kept.results.items() if one.outcome is Outcome.SUCCESS}
        return {**self._paused, **{key: one.returned for key, one in ended.items()}}

    # ---- what is kept, and said

    def _take(self, key: Key, final: Final) -> None:
        kept = self._kept
        kept.results[key] = final.result
        self._paused.pop(key, None)
        kept.begun |= final.begun
        if final.refusal is not None:
            kept.lacking.append(final.refusal.error)
        if final.mistake:
            kept.mistake = kept.mistake or Mistake(final.mistake)

    def _lacks(self, work: Work, request: int, key: Key, error: GateError, outcome: Outcome = Outcome.ERROR) -> None:
        """No process has said how it ended: that is kept here, and in its folder for whoever comes next."""
        result = refusal.result_of(error, work.title, work.job, outcome)
        self._take(key, Final(result, refusal.of(error)))
        with suppress(OSError, GateError):
            found = self._builds.get(request)
            folder = (
                self._described(replace(work, trees=(), checkouts=()), request, key) if found is None else found.folder
            )
            orders.put(folder / RESULT, Final(result, refusal.of(error)))

    def _tell(self, key: Key, work: Work) -> None:
        result = self._kept.results[key]
        self._tools.watch(JobEnded(job=work.title, attempt=self._attempts[key], build=result))

    def _ears(self, key: Key, folder: Path) -> Ears:
        watch, title = self._tools.watch, self._prepared().works[key].title
        attempt = self._attempts[key]
        return Ears(
            say=lambda line: watch(Progress(text=line, job=title)),
            output=lambda line: watch(Output(job=title, line=line)),
            node=lambda node: watch(NodeReady(job=title, attempt=attempt, node=node)),
            begun=lambda: watch(JobStarted(job=title, attempt=attempt, logs=str(folder))),
        )


def _labels(work: Work) -> Labels:
    """Of all nodes, for each alternative."""
    return tuple(tuple(node.label for node in nodeset.nodes) for nodeset in work.job.nodesets)


def _lost(found: Following) -> InfrastructureError:
    """A process has ended and left no result."""
    words = ""
    with suppress(OSError):
        words = (found.folder / TROUBLE).read_text(errors="replace")[-2000:]
    return InfrastructureError("the build's process has ended without a result", details=words.strip())


def _folder(logs: Path, title: str) -> Path:
    """A fresh folder for a build and its logs: that of its title, with a number when the job was tried before."""
    name = folder_of(title)
    for number in range(1, 10_000):
        path = logs / (name if number == 1 else f"{name}~{number}")
        try:
            path.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            continue
        return path
    raise InfrastructureError(f"{logs / name}: there are too many folders of that name")
