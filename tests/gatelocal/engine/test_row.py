"""The rows in which a culprit is looked for; a real repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.engine.row import of_ahead, of_series
from gatelocal.errors import InputError
from gatelocal.source.worktree import Target, WorktreeSource
from git_review.git.runner import Runner

PLACE = Place("acme/app", "main", ".", "", "", None, "localhost")


@dataclass(frozen=True)
class Tree:
    """A branch with one commit, and a series of three beside it."""

    folder: Path
    commits: tuple[str, ...]

    @property
    def source(self) -> WorktreeSource:
        return WorktreeSource(self.folder, Target("acme/app", "main", PLACE.tracking))

    def request(self, **more: object) -> GateRequest:
        return GateRequest(directory=self.folder, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("row")
    git = Runner(folder, alone=True)
    git.run("init", "-q", "--initial-branch=main", ".")
    commits = []
    for number in range(4):
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", f"Commit {number}")
        commits.append(git.query("rev-parse", "HEAD").text)
        if not number:
            git.run("checkout", "-q", "-b", "topic")
    return Tree(folder, tuple(commits))


def test_a_series_begins_with_the_branch_and_ends_with_the_change(tree: Tree) -> None:
    row = of_series(tree.request(cold=True), tree.source, PLACE)
    assert row is not None and [one.request.change for one in row.places] == list(tree.commits)
    assert [one.subject for one in row.places] == ["", "Commit 1", "Commit 2", "Commit 3"]
    assert (row.places[0].name, row.kind) == ("main without the series", "commit")
    assert all(one.request.cold for one in row.places)


def test_one_of_its_commits_may_be_the_good_end(tree: Tree) -> None:
    row = of_series(tree.request(), tree.source, PLACE, "HEAD~2")
    assert row is not None and [one.commit for one in row.places] == list(tree.commits[1:])
    assert of_series(tree.request(), tree.source, PLACE, "main") is None, "then it is one of the branch's"
    with pytest.raises(InputError, match="there is no commit 'nope'"):
        of_series(tree.request(), tree.source, PLACE, "nope")


def test_what_the_branch_has_is_no_series(tree: Tree) -> None:
    assert of_series(tree.request(change="main"), tree.source, PLACE) is None


def test_changes_ahead_are_taken_one_after_another(tree: Tree) -> None:
    first, second = tree.commits[1:3]
    row = of_ahead(tree.request(change="x", ahead=(first, second)), tree.source)
    assert [one.request.ahead for one in row.places] == [(), (first,), (first, second)]
    assert {one.request.change for one in row.places} == {"x"}
    with pytest.raises(InputError, match="no change is queued in front"):
        of_ahead(tree.request(), tree.source)
