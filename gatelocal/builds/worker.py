"""What a build's process does: a node, trees on it, the job, its result; how each can fail is in the result.

It speaks through its folder alone. Only two things end it without a result: that it is stopped, and that whoever gave
the order is gone before the build may begin.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from gatelocal.builds import order as orders
from gatelocal.builds import refusal, tries
from gatelocal.builds.claim import claim
from gatelocal.builds.folder import CLAIMED, GIVEN, GO, KEEP, RESUME, Final, Progress
from gatelocal.builds.lease import folder as leased
from gatelocal.builds.lease import is_held
from gatelocal.builds.order import Order
from gatelocal.errors import GateError, InfrastructureError
from gatelocal.jobs.runnable import ANSIBLE
from gatelocal.merger.cache import Repository
from gatelocal.model.deviation import NODE, Deviation
from gatelocal.model.hold import Hold, Occasion
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Given, Returned
from gatelocal.ports import Executor, Launcher, Nodes, Say
from gatelocal.stopping import Stop, Stopped, stoppable
from gatelocal.workspace import build, deliver
from gatelocal.workspace.manifest import Tree
from gatelocal.workspace.tree import left_empty, write

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds that a ready node, or a paused build, waits for a gate that is gone, and may be taken up again."""
_STEP, _LONGEST = 0.002, 0.1  # seconds between two looks whether the build may begin, or go on


@dataclass(frozen=True, slots=True)
class Beginning:
    """What whoever runs a job is told when that may begin.

    :ivar root: the folder on this machine that the order's trees were made in. :ivar given: by the jobs before it.
    :ivar pause: returns when the jobs after this one have ended. It raises :class:`Stopped` where the end is asked for.
    :ivar again: the job has been run on these nodes before.
    """

    root: Path
    nodes: Nodes
    given: Given
    pause: Callable[[Returned], None]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Rooms:
    """Who makes nodes and who runs jobs, for an order.

    :ivar trees: which of the order's trees the nodes need, as far as they are made on this machine.
    :ivar held: what is done when a node (its name) is held in the place of another (empty: of none).
    """

    launcher: Callable[[Order], Launcher]
    executor: Callable[[Order, Beginning], Executor]
    trees: Callable[[Order, Nodes], tuple[Tree, ...]]
    held: Callable[[Order, str, str, Say], None]


def work(folder: Path, rooms: Rooms, stop: Stop) -> None:
    """Do what the order in the folder says. :raises InfrastructureError: there is no order that can be read.

    :raises OSError: not even the result can be written.
    """
    order = orders.read(folder)
    with Progress(folder) as progress, stoppable(stop), contextlib.suppress(Stopped):
        _Build(order, folder, rooms, progress, stop).whole()


class _Build:
    def __init__(self, order: Order, folder: Path, rooms: Rooms, progress: Progress, stop: Stop) -> None:
        self._order = order
        self._folder = folder
        self._rooms = rooms
        self._progress = progress
        self._stop = stop
        self._begun = False
        self._empty: tuple[str, ...] = ()

    def whole(self) -> None:
        """A node, the build when it may begin, and the node's return."""
        nodes = self._tried(Outcome.NODE_FAILURE, self._launch)
        if nodes is None:
            return
        held = False
        try:
            self._progress.node(nodes.description)
            if self._told(GO):
                held = self._build(nodes)
        finally:
            if not held:
                nodes.close()

    def _launch(self) -> Nodes:
        order = self._order
        return self._rooms.launcher(order).gather(order.job.nodesets, self._progress.say)

    def _told(self, name: str) -> bool:
        """Wait until the build is told to begin, or to go on; False: nobody is left who could say so."""
        pause, alone = _STEP, 0.0
        while not (self._folder / name).exists():
            self._stop.check()
            time.sleep(pause)
            alone = 0.0 if is_held(Path(self._order.gate)) else alone + pause
            if alone > PATIENCE:
                return False
            pause = min(pause * 1.5, _LONGEST)
        return True

    def _build(self, nodes: Nodes) -> bool:
        """Trees, delivery, the job; whether the nodes are kept."""
        name = f"{self._folder.parent.name}.{self._order.id}.{os.getpid()}"
        with ExitStack() as lease:
            root = lease.enter_context(leased(Path(self._order.work), name, self._progress.say))
            trees = self._tried(Outcome.ERROR, lambda: self._trees(nodes, root))
            if trees is None:
                return False
            result = self._tried(Outcome.NODE_FAILURE, lambda: self._job(nodes, root, trees, lease))
        if result is None:
            return False
        self._stop.check()
        held = self._hold(nodes, result)
        self._progress.end(Final(result, begun=self._begun))
        return held

    def _trees(self, nodes: Nodes, root: Path) -> tuple[Tree, ...]:
        order, say = self._order, self._progress.say
        stored = {project: Repository(project, "", Path(path), say=say) for project, path in order.stored.items()}
        trees = self._rooms.trees(order, nodes)
        made = build.build(trees, stored, root, say)
        self._empty = tuple(filter(None, (left_empty(project, path) for project, path in made.items())))
        for one in order.checkouts:
            write(one.tree, stored[one.tree.project], root / one.tree.path)
        self._stop.check()
        return trees

    def _job(self, nodes: Nodes, root: Path, trees: tuple[Tree, ...], lease: ExitStack) -> BuildResult:
        """Delivery and the job itself. :raises GateError: what kept it from beginning, or from going on.

        :param trees: those that are delivered.
        :param lease: of the trees here, which go when the node has them, but for playbooks, which are read here.
        """
        order, began = self._order, time.monotonic()
        try:
            first, *others = nodes.each
            for node in others:
                deliver.deliver(trees, root, node, self._progress.say, whole=True)
            kept = len(trees) < len(order.trees)
            sources = {} if kept and not trees else deliver.deliver(trees, root, first, self._progress.say)
            self._stop.check()
            if order.job.family != ANSIBLE:
                lease.close()
            self._begun = True
            self._progress.begun()
            beginning = Beginning(root, nodes, orders.take(self._folder / GIVEN, Given), self._pause)

            def run(number: int, logs: Path) -> BuildResult:
                executor = self._rooms.executor(order, replace(beginning, again=number > 1))
                return executor.run(order.job, order.project, first, sources, logs)

            if tries.times(order.job):
                result = tries.repeated(order.job, run, self._folder, self._progress.say, self._stop)
            else:
                result = run(1, self._folder)
        except InfrastructureError as error:
            if not error.no_space:
                raise
            seconds, reason = time.monotonic() - began, f"the node's disk is full: {error.brief}"
            logs = str(self._folder)
            return BuildResult(order.title, Outcome.DISK_FULL, seconds, order.job.voting, reason=reason, logs=logs)
        stood_in = (Deviation(NODE, note) for note in nodes.notes)
        deviations = (*order.job.deviations, *stood_in, *result.deviations)
        notes = result.notes if result.outcome is Outcome.SUCCESS else (*result.notes, *self._empty)
        return replace(result, job=order.title, deviations=deviations, notes=notes)

    def _pause(self, returned: Returned) -> None:
        self._progress.paused(returned)
        self._progress.say("paused, until the jobs after this one have ended")
        if not self._told(RESUME):
            self._stop.ask()
            self._stop.check()

    def _tried(self, outcome: Outcome, what: Callable[[], T]) -> T | None:
        """Its answer; None when there is none, and then the result says why.

        :param outcome: where the machinery failed.
        """
        order = self._order
        try:
            return what()
        except GateError as error:
            result = refusal.result_of(error, order.title, order.job, outcome)
            final = Final(result, refusal.of(error))
        except OSError as error:
            failure = refusal.refused(error)
            final = Final(refusal.result_of(failure, order.title, order.job), refusal.of(failure))
        except Exception as error:
            reason = f"a mistake of gatelocal: {type(error).__name__}"
            result = BuildResult(order.title, Outcome.ERROR, 0.0, order.job.voting, reason=reason)
            final = Final(result, mistake=traceback.format_exc())
        self._stop.check()
        self._progress.end(replace(final, begun=self._begun))
        return None

    @property
    def _claim(self) -> Path:
        """A build whose own node is wanted agrees with no other on it."""
        return self._folder / CLAIMED if (self._folder / KEEP).exists() else Path(self._order.claim)

    def _hold(self, nodes: Nodes, result: BuildResult) -> bool:
        """Keep the node, if somebody wants this one; that it cannot be done costs no result."""
        order, node = self._order, nodes.each[0]
        try:
            wanted = Hold.FAILURE if (self._folder / KEEP).exists() else order.keep.hold
            before = claim(self._claim, node.name, result, wanted)
            if before is None:
                return False
            run, logs = self._folder.parent.name, str(self._folder)
            until = nodes.hold(Occasion(run, order.title, order.change, result.outcome.value, logs, result.invocation))
        except (OSError, GateError) as error:
            self._progress.say(f"the node cannot be kept: {error}")
            return False
        lines = [
            f"the node is kept until {datetime.fromtimestamp(until).astimezone():%Y-%m-%d %H:%M}:"
            f" enter it with `gatelocal shell {node.name}`"
        ]
        if result.invocation is not None:
            lines.append(f"    repeat its command with `gatelocal shell {node.name} --repeat`")
        if order.kind != "local":
            lines.append(f"    or go there directly with: {shlex.join(node.shell_argv())}")
        lines.append(f"    and return it with `gatelocal hold release {node.name}`")
        if others := [one.name for one in nodes.each[1:]]:
            lines.append(f"    with it, in the same ways: {', '.join(others)}")
        for line in lines:
            self._progress.say(line)
        with contextlib.suppress(Stopped):
            self._rooms.held(order, node.name, before, self._progress.say)
        return True
