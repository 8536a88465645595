"""The process of one build: it takes its folder, ends politely on SIGTERM, and leaves its result."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from gatelocal.builds import environments, stacks
from gatelocal.builds import order as orders
from gatelocal.builds.environments import Turn
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
from gatelocal.executor.readiness import Readiness
from gatelocal.executor.steps.executor import StepsExecutor
from gatelocal.executor.tox import ToxExecutor
from gatelocal.jobs.devstack.wanted import sized
from gatelocal.jobs.families import CLONE_VARIABLE, DEVSTACK, STEPS, TEMPEST, wants_devstack
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
            turn = Turn()
            work(folder, Rooms(partial(_launcher, turn), partial(_executor, turn), _trees, _held), stop)
    except BlockingIOError:
        return


def _launcher(turn: Turn, order: Order) -> Launcher:
    table = _table(order)
    family = "devstack" if wants_devstack(order.job) else "tox"
    made = pool.launcher(order.kind, Path(order.cache), Path(order.nodes), table, family)
    if family == "devstack" and not stacks.why_not(order):
        stacked = stacks.Stacks(made, order, table)
        takes_turns = order.job.variables.get(CLONE_VARIABLE) is True
        return environments.Turns(stacked, order, stacks.key(order, table), turn) if takes_turns else stacked
    if environments.wanted(order):
        ready = environments.Environments(made, order, table)
        return environments.Turns(ready, order, environments.key(order, table), turn)
    return made


def _table(order: Order) -> Labels:
    return sized(labels(directories(os.environ).configuration), order.job)


def _executor(turn: Turn, order: Order, beginning: Beginning) -> Executor:
    first = beginning.nodes.each[0]
    if order.job.family == ANSIBLE and order.item is not None:
        return AnsibleExecutor(_silent, _setting(order, order.item, beginning))
    if order.job.family in (DEVSTACK, TEMPEST):
        setting = replace(stacks.setting(order, _table(order), first.name), stood=turn.stood)
        return DevstackExecutor(_silent, stacks.again(setting) if turn.stands else setting)
    readiness = _readiness(turn, order, beginning)
    if order.job.family == STEPS:
        made: Executor = StepsExecutor(_silent, beginning.nodes, readiness)
    else:  # who follows it reads its log
        made = ToxExecutor(_silent, install_packages=first.disposable, readiness=readiness)
    return environments.begun(made, order, first, again=beginning.again) if environments.wanted(order) else made


def _readiness(turn: Turn, order: Order, beginning: Beginning) -> Readiness:
    """How far the node is; where clones of it are wanted, it is kept as soon as it stands ready."""
    node = beginning.nodes.each[0]
    stands = turn.stands or (environments.wanted(order) and environments.is_same(order, node.name))
    return Readiness(stands, lambda: environments.reached(order, _table(order), node, turn))


def _trees(order: Order, nodes: Nodes) -> tuple[Tree, ...]:
    if order.job.family in (DEVSTACK, TEMPEST):
        return stacks.needed(order, nodes.each[0].name)
    if environments.wanted(order) and environments.is_same(order, nodes.each[0].name):
        return ()
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
