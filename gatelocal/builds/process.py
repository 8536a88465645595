"""The process of one build: it takes its folder, ends politely on SIGTERM, and leaves its result."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds import stacks
from gatelocal.builds.folder import LOCK, PROCESS
from gatelocal.builds.lease import holding
from gatelocal.builds.order import Order
from gatelocal.builds.worker import Beginning, Rooms, work
from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.errors import GateError
from gatelocal.executor.ansible.checkouts import Checkouts
from gatelocal.executor.ansible.executor import AnsibleExecutor, Setting
from gatelocal.executor.devstack.executor import DevstackExecutor
from gatelocal.executor.steps.executor import StepsExecutor
from gatelocal.executor.tox import ToxExecutor
from gatelocal.jobs.devstack.wanted import sized
from gatelocal.jobs.families import DEVSTACK, STEPS, TEMPEST, wants_devstack
from gatelocal.jobs.runnable import ANSIBLE
from gatelocal.launcher import entering, holds, place, pool, sweeper
from gatelocal.model.label import Labels
from gatelocal.model.playbooks import Item
from gatelocal.ports import Executor, Launcher, Nodes, Say
from gatelocal.stopping import Stop
from gatelocal.workspace.manifest import Tree


def main(folder: Path) -> None:
    """Do what the folder's order says; a second process for the same folder does nothing."""
    stop = Stop()
    _end_on_request(stop)
    try:
        with holding(folder / LOCK):
            orders.put(folder / PROCESS, place.this_process())
            work(folder, Rooms(_launcher, _executor, _trees, _held), stop)
    except BlockingIOError:
        return


def _launcher(order: Order) -> Launcher:
    table = _table(order)
    family = "devstack" if wants_devstack(order.job) else "tox"
    made = pool.launcher(order.kind, Path(order.cache), Path(order.nodes), table, family)
    if family == "devstack" and not stacks.why_not(order):
        return stacks.Stacks(made, order, table)
    return made


def _table(order: Order) -> Labels:
    return sized(labels(directories(os.environ).configuration), order.job)


def _executor(order: Order, beginning: Beginning) -> Executor:
    if order.job.family == ANSIBLE and order.item is not None:
        return AnsibleExecutor(_silent, _setting(order, order.item, beginning))
    if order.job.family in (DEVSTACK, TEMPEST):
        return DevstackExecutor(_silent, stacks.setting(order, _table(order), beginning.nodes.each[0].name))
    if order.job.family == STEPS:
        return StepsExecutor(_silent, beginning.nodes)
    return ToxExecutor(_silent, install_packages=beginning.nodes.each[0].disposable)  # who follows it reads its log


def _trees(order: Order, nodes: Nodes) -> tuple[Tree, ...]:
    if order.job.family in (DEVSTACK, TEMPEST):
        return stacks.needed(order, nodes.each[0].name)
    return order.trees


def _held(order: Order, node: str, before: str, say: Say) -> None:
    """Return the node whose place this one takes, let in who is to be, and see to the room of all held ones."""
    nodes = Path(order.nodes)
    try:
        if before:
            say(f"the node {', '.join(holds.give_back(nodes, before))} is returned: a run keeps one")
        kept = place.read(nodes / node)
        for folder in place.members(nodes, kept) if order.keep.keys and kept is not None else ():
            if (record := place.read(folder)) is not None:
                for line in entering.let_in(folder, record, order.keep.keys):
                    say(f"    {line}")
        sweeper.sweep(nodes, say)
    except GateError as error:
        say(error.brief)


def _setting(order: Order, item: Item, beginning: Beginning) -> Setting:
    root = beginning.root
    places = {(one.project, one.branch): root / one.tree.path for one in order.checkouts}
    return Setting(
        item=item,
        attempt=order.attempt,
        cache=Path(order.cache),
        root=root,
        scratch=root / "playing",
        checkouts=Checkouts(
            books={key: path for key, path in places.items() if key[1]},
            roles={project: path for (project, branch), path in places.items() if not branch},
        ),
        paths={tree.project: tree.path for tree in order.trees},
        nodes=beginning.nodes,
        checked_out={tree.project: (tree.branch, tree.commit) for tree in order.trees},
        pause=beginning.pause,
        given=beginning.given,
    )


def _silent(_: str) -> None:
    """Say nothing."""


def _end_on_request(stop: Stop) -> None:
    """Ask for the end when SIGTERM, SIGINT or SIGHUP comes: in a thread, for a signal may come at any moment."""
    heard, told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(heard, True)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    def listen() -> None:
        os.read(heard, 1)
        stop.ask()

    threading.Thread(target=listen, name="signals", daemon=True).start()
