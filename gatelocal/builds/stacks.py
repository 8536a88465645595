"""From which stack a devstack build goes on, if from one: the newest that differs in what can be renewed in place.

It reads commits in the repositories of this machine; the rules are in :mod:`gatelocal.jobs.devstack.renewal`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gatelocal.builds.order import Order
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.executor.devstack.executor import Setting
from gatelocal.jobs import families
from gatelocal.jobs.devstack import renewal as renewals
from gatelocal.jobs.devstack.renewal import Renewal, renewal
from gatelocal.launcher import checkpoints, images, settings
from gatelocal.launcher.checkpoints import Checkpoint
from gatelocal.launcher.nodeset import Gathered
from gatelocal.launcher.pool import Pool
from gatelocal.model.label import Labels
from gatelocal.model.plan import Nodeset
from gatelocal.ports import Nodes, Say
from gatelocal.workspace.manifest import Tree
from git_review.errors import ReviewError
from git_review.git.runner import Runner

_FORMAT = 1
"""Raised when what a stack is made of, or how, changes in a way that its key does not show."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A stack to go on from. :ivar todo: what makes it that of the order."""

    checkpoint: Checkpoint
    todo: Renewal


@dataclass(frozen=True, slots=True)
class Stacks:
    """A launcher of nodes for one order: a clone of a stack where there is one, else a fresh node."""

    pool: Pool
    order: Order
    labels: Labels

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        """See :class:`gatelocal.ports.Launcher`."""
        warm = (
            None
            if self.order.job.variables.get(families.COLD_VARIABLE) is True
            else choose(self.order, self.labels, say)
        )
        if warm is not None:
            try:
                node = self.pool.clone(warm.checkpoint.snapshot.name, say)
            except (InfrastructureError, InputError) as error:
                say(f"the stack {warm.checkpoint.snapshot.name} cannot be had, a fresh one is made: {error.brief}")
            else:
                return Gathered(nodesets[0], (node,))
        return self.pool.gather(nodesets, say)


def setting(order: Order, labels: Labels, node: str) -> Setting:
    """What the build on the node of that name is told."""
    branch = next((tree.branch for tree in order.trees if tree.project == order.project), "")
    folder = Path(order.nodes) / node
    begun = checkpoints.of(folder)
    if begun is not None:
        made = f"{datetime.fromtimestamp(begun.made).astimezone():%Y-%m-%d %H:%M}"
        return Setting(branch, compared(order, begun), f"the stack of {made} ({begun.snapshot.name})")
    if why_not(order):
        return Setting(branch)
    cache, its = images.below(Path(order.cache)), key(order, labels)
    return Setting(branch, keep=lambda commits: checkpoints.keep(cache, folder, its, commits))


def again(setting: Setting) -> Setting:
    """What a build is told on whose node the stack of the change stands already."""
    return replace(setting, todo=Renewal(), of=setting.of or "the stack of the first try", keep=None)


def needed(order: Order, node: str) -> tuple[Tree, ...]:
    """The trees that the node of that name has to be given: what it began with has the others."""
    begun = checkpoints.of(Path(order.nodes) / node)
    if begun is None:
        return order.trees
    wanted = compared(order, begun).trees
    return tuple(tree for tree in order.trees if _short(tree.project) in wanted)


def choose(order: Order, labels: Labels, say: Say) -> Warm | None:
    """The stack with the least to do; None where none will do, and why that is, is said."""
    if why_not(order):
        return None
    why = ""
    best: Warm | None = None
    for one in checkpoints.found(images.below(Path(order.cache)), key(order, labels), time.time()):
        todo = compared(order, one)
        if todo.cold:
            why = why or todo.cold
        elif best is None or len(todo.trees) < len(best.todo.trees):
            best = Warm(one, todo)
    if best is None and why:
        say(f"stacked from the beginning: {why}")
    return best


def why_not(order: Order) -> str:
    """Why the order is never begun from a stack, nor leaves one; empty when it may."""
    if order.job.family not in (families.DEVSTACK, families.TEMPEST):
        return "it is run by its own playbooks"
    if order.kind not in ("auto", "nspawn"):
        return "only containers can be cloned"
    services = order.job.variables.get("devstack_services")
    named = [str(name) for name, value in services.items() if value is True] if isinstance(services, Mapping) else []
    return renewals.may_be_cloned(named)


def key(order: Order, labels: Labels) -> str:
    """All that a stack is made of beside the trees that can be renewed in it."""
    label = order.job.nodesets[0].nodes[0].label or None
    image = images.find(
        images.below(Path(order.cache)), labels.wanted(label).origin, settings.environment(), "devstack"
    )
    variables = {
        name: value
        for name, value in order.job.variables.items()
        if name.startswith("devstack_") or name in ("tempest_plugins", "base_services")
    }
    made_of = (
        _FORMAT,
        image.packages.key,
        json.dumps(variables, sort_keys=True, default=repr),
        sorted(tree.path for tree in order.trees),
        sorted((name, commit) for name, commit in commits(order).items() if name in renewals.FIXED),
    )
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def commits(order: Order) -> dict[str, str]:
    """Name of a tree, as devstack has it, → its commit."""
    return {_short(tree.project): tree.commit for tree in order.trees}


def compared(order: Order, checkpoint: Checkpoint) -> Renewal:
    """What makes the stack that of the order."""
    wanted = commits(order)
    if wanted.keys() != checkpoint.commits.keys():
        return Renewal("it has other repositories")
    differing: dict[str, Sequence[str]] = {}
    for tree in order.trees:
        name = _short(tree.project)
        old, new = checkpoint.commits[name], wanted[name]
        if old != new:
            paths = changed(order, tree, old)
            if paths is None:
                return Renewal(f"what it has of {name} is not known any more")
            differing[name] = paths
    return renewal(differing)


def changed(order: Order, tree: Tree, old: str) -> Sequence[str] | None:
    """The files of a tree that differ from a commit of before; None where that is not known any more."""
    try:
        git = Runner(Path(order.stored[tree.project]), alone=True)
        told = git.query("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", old, tree.commit, "--").text
    except (ReviewError, KeyError):
        return None
    return [path for path in told.split("\0") if path]


def _short(project: str) -> str:
    return project.rstrip("/").rpartition("/")[2]
