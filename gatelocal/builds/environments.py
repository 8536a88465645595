"""From which node that stands ready a build goes on, if from one: a clone of the latest for its job, or a fresh node.

Only builds that a run has marked for it (many of one job: tries, parts, probes) do so, and such builds take turns until
there is one to clone. Stacks of devstack are found by :mod:`gatelocal.builds.stacks`, and take the same turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gatelocal import stopping
from gatelocal.builds import stacks
from gatelocal.builds.order import Order
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.jobs import families, renewable
from gatelocal.launcher import checkpoints, images, settings
from gatelocal.launcher.checkpoints import Checkpoint
from gatelocal.launcher.nodeset import Gathered
from gatelocal.launcher.pool import Pool
from gatelocal.model.deviation import WARM, Deviation
from gatelocal.model.job import Job
from gatelocal.model.label import Labels
from gatelocal.model.plan import Nodeset
from gatelocal.model.result import BuildResult
from gatelocal.ports import Executor, Launcher, Node, Nodes, Say

_FORMAT = 1
"""Raised when what a ready node is made of, or how, changes in a way that its key does not show."""
_KIND = "ready"
_STEP = 0.1
_HELPER_TIME = 300.0

# Takes the trees of a former build out of the way of those that come: HOME.
_ASIDE = 'cd "$1"; rm -rf src.before; if [ -e src ]; then mv src src.before; fi'
# Gives each new tree the environments that tox had made for the old one, which tox itself renews: HOME, trees.
_BACK = """
cd "$1"; shift
for tree; do
    if [ -d "src.before/$tree/.tox" ] && [ ! -e "src/$tree/.tox" ]; then mv "src.before/$tree/.tox" "src/$tree/.tox"; fi
done
rm -rf src.before
"""


# What a clone would lack: what lives, and what lies in memory; each a line.
_MEMORY = """
find /tmp /dev/shm -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name '.*-unix' 2>/dev/null
ps -eo comm= 2>/dev/null | sed 's/^/process /'
"""
_OF_THE_SYSTEM = re.compile(r"process (?:systemd|\(|sd-|sshd|agetty|dbus|cron|apt|sudo|su$|sh$|ps$|sed$|find$)")


class Turn:
    """Whose turn it is to make what others then clone: held by one process at a time, until it has made it or ends.

    :ivar stands: this process's node stands ready. :ivar before: what its memory held when it was fresh.
    """

    def __init__(self) -> None:
        self._handle: int | None = None
        self.stands = False
        self.before: frozenset[str] | None = None

    def take(self, path: Path, say: Say) -> None:
        """Wait for it.

        :raises OSError: no disk. :raises gatelocal.stopping.Stopped: the build is not wanted any more.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        told = False
        try:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if not told:
                    say("waiting for the first node of its kind, which this one is then cloned from")
                told = True
                stopping.check()
                time.sleep(_STEP)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def stood(self) -> None:
        """This process's node stands ready, and was kept where that can be."""
        self.stands = True
        self.leave()

    def leave(self) -> None:
        """Let the next one have it. Twice is harmless."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@dataclass(frozen=True, slots=True)
class Turns:
    """A launcher that takes its turn first, and gives it back where the node stands ready already.

    :ivar key: of what is cloned.
    """

    launcher: Launcher
    order: Order
    key: str
    turn: Turn

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        """See :class:`gatelocal.ports.Launcher`."""
        self.turn.take(Path(self.order.cache) / "turns" / self.key, say)
        nodes = self.launcher.gather(nodesets, say)
        first = nodes.each[0]
        if checkpoints.of(Path(self.order.nodes) / first.name) is not None:
            self.turn.leave()
        elif wanted(self.order):
            self.turn.before = in_memory(first)
        return nodes


@dataclass(frozen=True, slots=True)
class Environments:
    """A launcher of nodes for one order: a clone of one that stands ready for its job, else a fresh one."""

    pool: Pool
    order: Order
    labels: Labels

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        """See :class:`gatelocal.ports.Launcher`."""
        found = None if cold(self.order.job) else choose(self.order, self.labels)
        if found is not None:
            try:
                node = self.pool.clone(found.snapshot.name, say)
            except (InfrastructureError, InputError) as error:
                say(f"the ready node {found.snapshot.name} cannot be cloned, a fresh one is made: {error.brief}")
            else:
                return Gathered(nodesets[0], (self._aside(node, found),))
        return self.pool.gather(nodesets, say)

    def _aside(self, node: Node, found: Checkpoint) -> Node:
        """The clone, with room for other trees where it has others. :raises InfrastructureError: it is gone."""
        if found.commits != commits(self.order):
            try:
                if node.run(["sh", "-euc", _ASIDE, "sh", node.home], directory="/", timeout=_HELPER_TIME) != 0:
                    raise InfrastructureError("the trees of the node that was cloned could not be taken away")
            except BaseException:
                node.close()
                raise
        return node


@dataclass(frozen=True, slots=True)
class Begun:
    """An executor on a node that is a clone: of what it goes on from is told.

    :ivar sources: where the trees are that were not delivered, since it has them.
    """

    executor: Executor
    text: str
    sources: Mapping[str, str] = field(default_factory=dict)
    trees: tuple[str, ...] = ()

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """See :class:`gatelocal.ports.Executor`."""
        if self.trees:
            node.run(["sh", "-euc", _BACK, "sh", node.home, *self.trees], directory="/", timeout=_HELPER_TIME)
        result = self.executor.run(job, project, node, {**self.sources, **sources}, logs)
        return replace(result, deviations=(*result.deviations, Deviation(WARM, self.text)))


def begun(executor: Executor, order: Order, node: Node, *, again: bool) -> Executor:
    """The executor as it is told of a clone. :param again: the job has been run on the node before."""
    found = checkpoints.of(Path(order.nodes) / node.name)
    if found is None:
        return executor
    made = f"{datetime.fromtimestamp(found.made).astimezone():%Y-%m-%d %H:%M}"
    text = f"accelerated: begun with the environment of {made} ({found.snapshot.name}); --cold begins anew"
    if found.commits == commits(order):
        return Begun(executor, text, {tree.project: f"{node.home.rstrip('/')}/{tree.path}" for tree in order.trees})
    trees = () if again else tuple(tree.path.removeprefix("src/") for tree in order.trees)
    return Begun(executor, text, trees=trees)


def is_same(order: Order, node: str) -> bool:
    """Whether the node of that name is a clone of one that stood ready with the very trees of the order."""
    found = checkpoints.of(Path(order.nodes) / node)
    return found is not None and found.commits == commits(order)


def in_memory(node: Node) -> frozenset[str]:
    """What a clone of the node would lack: files in memory, and what lives there beside the system's own."""
    lines: list[str] = []
    node.run(["sh", "-c", _MEMORY], directory="/", on_line=lines.append, timeout=_HELPER_TIME)
    return frozenset(line for line in lines if not _OF_THE_SYSTEM.match(line))


def reached(order: Order, labels: Labels, node: Node, turn: Turn) -> None:
    """The node stands ready: it is kept for others to go on from, where a clone would lack nothing of it."""
    turn.stands = True
    if not wanted(order):
        return
    folder = Path(order.nodes) / node.name
    try:
        if turn.before is not None and in_memory(node) <= turn.before:
            with contextlib.suppress(InfrastructureError, InputError):  # then each build makes its own
                checkpoints.keep(images.below(Path(order.cache)), folder, key(order, labels), commits(order), _KIND)
    finally:
        turn.leave()


def choose(order: Order, labels: Labels) -> Checkpoint | None:
    """The ready node to go on from: one with the very trees, else the latest; None where there is none."""
    found = checkpoints.found(images.below(Path(order.cache)), key(order, labels), time.time())
    same = (one for one in found if one.commits == commits(order))
    return next(same, None) or next((one for one in found if takes_in(order, one)), None)


def takes_in(order: Order, found: Checkpoint) -> bool:
    """Whether such a node can be given the order's trees in the place of its own."""
    for tree in order.trees:
        old = found.commits.get(tree.path)
        if old is None:
            return False
        if old != tree.commit:
            changed = stacks.changed(order, tree, old)
            if changed is None or renewable.why_not(changed):
                return False
    return True


def wanted(order: Order) -> bool:
    """Whether the order may go on from a clone, and may leave a node to be cloned."""
    return (
        order.job.variables.get(families.CLONE_VARIABLE) is True
        and order.job.family in (families.TOX, families.STEPS)
        and order.kind in ("auto", "nspawn")
        and all(len(one.nodes) == 1 for one in order.job.nodesets)
    )


def cold(job: Job) -> bool:
    """Whether the job is to begin with nothing."""
    return job.variables.get(families.COLD_VARIABLE) is True


def key(order: Order, labels: Labels) -> str:
    """All that a ready node is made of beside the commits of its trees."""
    label = order.job.nodesets[0].nodes[0].label or None
    image = images.find(images.below(Path(order.cache)), labels.wanted(label).origin, settings.environment(), "tox")
    variables = {name: value for name, value in order.job.variables.items() if name not in families.SET_BY_A_RUN}
    made_of = (
        _FORMAT,
        image.packages.key,
        order.project,
        order.job.family,
        json.dumps(variables, sort_keys=True, default=repr),
        sorted((tree.path, tree.branch) for tree in order.trees),
    )
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def commits(order: Order) -> dict[str, str]:
    """Path of a tree → its commit."""
    return {tree.path: tree.commit for tree in order.trees}
