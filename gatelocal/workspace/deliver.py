"""From trees on this machine to trees on a node, in one transfer, without the objects that the node has already.

Nodes whose images bring repositories along (below ``/opt/git``, as the nodes of OpenStack's gate do) get the objects
that are missing there and nothing else; their own objects are linked, not copied. What a job sees is the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatelocal.errors import InfrastructureError, as_machinery
from gatelocal.model.text import plain
from gatelocal.ports import Node, Say
from gatelocal.workspace.manifest import ROOT, Tree
from git_review.git import objects

KEPT = "/opt/git"
"""Where a node's image keeps repositories: ``/opt/git/<host>/<project>`` or ``/opt/git/<project>``, bare or not."""

# Prints `<number> <object folder>` for each project that the node has, then every commit and tag of its refs.
_LOOK = """
set -f; root=$1; shift; number=0
for names; do
  for name in $names; do
    for place in "$root/$name" "$root/$name.git"; do
      if git --git-dir="$place/.git" rev-parse --git-dir >/dev/null 2>&1; then place=$place/.git; fi
      [ -d "$place/objects/pack" ] && [ ! -e "$place/shallow" ] && [ ! -e "$place/objects/info/alternates" ] || continue
      echo "place $number $place/objects"
      git --git-dir="$place" for-each-ref --format="has $number %(objectname)" || exit 0
      break 2
    done
  done
  number=$((number+1))
done
"""
# Links all that a repository of the node has into a tree; a copy where the file system forbids links.
_LINK = 'cp -al "$1"/. "$2"/ 2>/dev/null || cp -a "$1"/. "$2"/'


def deliver(
    trees: Sequence[Tree], root: Path, node: Node, say: Say, image: str = KEPT, *, whole: bool = False
) -> Mapping[str, str]:
    """Copy the trees that :func:`gatelocal.workspace.build.build` made below `root` to the node's home.

    The trees below `root` may lose objects on the way, unless they go there `whole`; they are not to be used any more.

    :param image: where the node may have repositories already.
    :return: each project's absolute path on the node: ``<home>/src/<canonical host>/<organisation>/<repository>``.
    :raises gatelocal.errors.InfrastructureError: the node is gone, or full.
    """
    home = node.home.rstrip("/")
    kept = {} if whole else _lighten(trees, root, node, image)
    shared = f", {len(kept)} of them on what the node has" if kept else ""
    say(f"copying {len(trees)} source {'tree' if len(trees) == 1 else 'trees'} to the node{shared}")
    node.put(root / ROOT, f"{home}/{ROOT}")
    for path, place in kept.items():
        if node.run(["sh", "-c", _LINK, "sh", place, f"{home}/{path}/.git/objects"]) != 0:
            raise InfrastructureError(f"the node could not link its own objects from {plain(place)}")
    return {tree.project: f"{home}/{tree.path}" for tree in trees}


def _lighten(trees: Sequence[Tree], root: Path, node: Node, image: str) -> Mapping[str, str]:
    """Leave in each tree only the objects that the node lacks; the trees' paths → where the node has the others."""
    places, has = _look(trees, node, image)
    kept: dict[str, str] = {}
    for number, tree in enumerate(trees):
        if has.get(number) and number in places:
            with as_machinery(f"packing {plain(tree.project)}", into=root):
                if _repack(root / tree.path, has[number]):
                    kept[tree.path] = places[number]
    return kept


def _look(trees: Sequence[Tree], node: Node, image: str) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Where the node has each tree's project, by its number, and the objects that refs there name."""
    places: dict[int, str] = {}
    has: dict[int, list[str]] = {}

    def line(text: str) -> None:
        word, _, rest = text.partition(" ")
        number, _, value = rest.partition(" ")
        if word == "place" and number.isdigit():
            places[int(number)] = value
        elif word == "has" and number.isdigit():
            has.setdefault(int(number), []).append(value)

    if node.run(["test", "-d", image]) == 0:
        names = [f"{tree.path.removeprefix(f'{ROOT}/')} {tree.project}" for tree in trees]
        node.run(["sh", "-c", _LOOK, "sh", image, *names], on_line=line, timeout=60)
    return places, has


def _repack(path: Path, has: Sequence[str]) -> bool:
    """Replace a tree's objects by a pack of those that do not hang on what somebody else has; False: none hangs."""
    git = objects.alone(path)
    ours = _present(path, has)
    if not ours:
        return False
    fresh = path / ".git" / "fresh"
    (fresh / "pack").mkdir(parents=True)
    asked = "".join(["HEAD\n", *(f"^{sha}\n" for sha in ours)])
    git.run("pack-objects", "--quiet", "--revs", "--all", str(fresh / "pack" / "pack"), stdin=asked)
    shutil.rmtree(path / ".git" / "objects")
    fresh.rename(path / ".git" / "objects")
    (path / ".git" / "objects" / "info").mkdir()
    return True


def _present(path: Path, asked: Sequence[str]) -> list[str]:
    """Those of the objects that the tree has, so that it knows what hangs on them."""
    wanted = [sha for sha in dict.fromkeys(asked) if sha.isalnum()]
    told = objects.alone(path).query("cat-file", "--batch-check", stdin="".join(f"{sha}\n" for sha in wanted)).lines
    return [sha for sha, line in zip(wanted, told, strict=True) if not line.endswith(" missing")]
