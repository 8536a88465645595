"""From trees on this machine to trees on a node, in one transfer; it changes nothing on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gatelocal.ports import Node, Say
from gatelocal.workspace.manifest import ROOT, Tree


def deliver(trees: Sequence[Tree], root: Path, node: Node, say: Say) -> Mapping[str, str]:
    """Copy the trees that :func:`gatelocal.workspace.build.build` made below `root` to the node's home.

    :return: each project's absolute path on the node: ``<home>/src/<canonical host>/<organisation>/<repository>``.
    :raises gatelocal.errors.InfrastructureError: the node is gone, or full.
    """
    home = node.home.rstrip("/")
    say(f"copying {len(trees)} source {'tree' if len(trees) == 1 else 'trees'} to the node")
    node.put(root / ROOT, f"{home}/{ROOT}")
    return {tree.project: f"{home}/{tree.path}" for tree in trees}
