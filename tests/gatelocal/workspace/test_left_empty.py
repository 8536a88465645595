"""Folders of submodules are empty, as Zuul leaves them; whoever looks at the tree or at a failure is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.workspace.tree import left_empty
from git_review.git.objects import alone


def tree(folder: Path, *submodules: str) -> Path:
    """A work tree with those submodules."""
    alone(folder).run("init", "-q", ".")
    (folder / ".gitmodules").touch()
    for number, path in enumerate(submodules):
        alone(folder).run("update-index", "--add", "--cacheinfo", f"160000,{number + 1:040x},{path}")
    return folder


@pytest.mark.parametrize(
    ("submodules", "names"),
    [
        (["lib"], "(lib)"),
        (["a b/\x1b[31mred", "ü"], "(a b/\\x1b[31mred, ü)"),
        ([f"lib{number}" for number in range(7)], "(lib0, lib1, lib2, lib3, lib4, ...)"),
    ],
)
def test_submodules_are_told_by_their_paths(tmp_path: Path, submodules: list[str], names: str) -> None:
    told = left_empty("ex/p", tree(tmp_path, *submodules))
    assert told == f"the submodules of ex/p {names} are empty folders, as with Zuul, unless the job fills them"


def test_a_tree_without_any_is_not_spoken_of(tmp_path: Path) -> None:
    assert left_empty("ex/p", tree(tmp_path)) == ""
    (tmp_path / ".gitmodules").unlink()
    assert left_empty("ex/p", tmp_path) == ""
