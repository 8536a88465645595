"""Histories with many merge bases: what ``git merge`` makes of them, file by file, or its conflict."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.merger.join import Joiner
from gatelocal.merger.trees import Clash
from gatelocal.model.merged import DEFAULT_MODE, MergeMode
from git_review.git import objects
from git_review.git.runner import Runner
from tests.gatelocal.merger import criss_cross
from tests.gatelocal.merger.criss_cross import Crossed

WHO = {f"GIT_{role}_{what}": "x@y" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
COUNTS = (2, 3, 5, 6, 7, 8, 12, 20)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return criss_cross.repository(tmp_path_factory.mktemp("crossed"))


@pytest.fixture(scope="module")
def work(path: Path) -> Runner:
    Runner(path.parent, alone=True).run("clone", "-q", "--shared", str(path), "work")
    return Runner(path.parent / "work", alone=True, environment=WHO)


def by_git(work: Runner, case: Crossed) -> str | None:
    """The tree that ``git merge`` makes in a work tree; None: a conflict."""
    work.run("checkout", "-qf", "--detach", case.ours)
    if work.run("merge", "-q", "-m", "M", case.theirs, ok=(0, 1)).status:
        work.run("reset", "-q", "--hard")
        return None
    return work.query("rev-parse", "HEAD^{tree}").text


def by_us(path: Path, case: Crossed, mode: MergeMode, *, line: bool) -> str | None:
    """The tree that the merger makes. :param line: whether it knows that a line of merges starts at ours."""
    with Joiner(objects.alone(path), (case.ours, case.theirs), case.ours if line else None) as joiner:
        try:
            return joiner.tree(joiner.join(case.ours, case.theirs, "M", mode))
        except Clash as clash:
            assert clash.files
            return None


def bases(path: Path, case: Crossed) -> int:
    return len(objects.alone(path).query("merge-base", "--all", case.ours, case.theirs).lines)


def compare(path: Path, work: Runner, seed: int, count: int) -> bool:
    """Whether it is a conflict, to git and to us."""
    case = criss_cross.crossed(path, seed, count)
    assert bases(path, case) == count
    wanted = by_git(work, case)
    for mode, line in ((DEFAULT_MODE, True), (DEFAULT_MODE, False), (MergeMode.MERGE, True)):
        assert by_us(path, case, mode, line=line) == wanted, (mode, line)
    return wanted is None


def test_more_bases_than_an_index_can_hold(path: Path, work: Runner) -> None:
    assert not compare(path, work, 2, 7)


@pytest.mark.live
@pytest.mark.parametrize("count", COUNTS)
def test_many_bases(count: int, path: Path, work: Runner) -> None:
    assert {compare(path, work, seed, count) for seed in range(40)} == {True, False}


@pytest.mark.live
def test_bases_that_have_bases(path: Path, work: Runner) -> None:
    verdicts = set()
    for seed in range(60):
        case = criss_cross.ladder(path, seed, 1 + seed % 5)
        wanted = by_git(work, case)
        verdicts.add(wanted is None)
        if bases(path, case) > 1:
            assert by_us(path, case, DEFAULT_MODE, line=True) == wanted, seed
        assert by_us(path, case, MergeMode.MERGE_ORT, line=False) == wanted, seed
    assert verdicts == {True, False}
