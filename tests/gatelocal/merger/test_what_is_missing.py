"""A repository that lacks an object, or has a damaged one: the same merge as ever, or no verdict; never another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.merger.join import Joiner
from gatelocal.merger.merger import Merger
from gatelocal.merger.trees import Clash
from gatelocal.model.merged import DEFAULT_MODE, MergeMode
from git_review.git import applies, objects
from git_review.git.errors import GitError, MergeConflict
from git_review.git.repo import locate
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

APP = "demo/app"
LINES = [f"{number}\n" for number in range(30)]


def edited(place: int, word: str) -> str:
    return "".join([*LINES[:place], f"{word}\n", *LINES[place + 1 :]])


class Case:
    """Two commits beside one another in a repository of loose objects."""

    def __init__(self, folder: Path) -> None:
        server = GitServer(folder)
        text = "".join(LINES)
        base = server.create(APP, {"dir/sub/file": text, "dir/other": text, "same/y": "1\n", "top": text, "old": "1\n"})
        # Each side's history has one commit more, and each has a file in which the lines lie apart and one in which
        # they do not, so that git has to merge.
        ours = server.commit(APP, "refs/heads/ours", (base,), {"dir/new": "1\n", "top": edited(2, "two")})
        self.ours = server.commit(APP, "refs/heads/ours", (ours,), {"dir/sub/file": edited(2, "two"), "old": None})
        theirs = server.commit(APP, "refs/heads/theirs", (base,), {"same/y": "2\n", "top": edited(18, "y")})
        self.theirs = server.commit(
            APP,
            "refs/heads/theirs",
            (theirs,),
            {"dir/sub/file": edited(2, "two").replace("25\n", "x\n"), "dir/m": "1\n"},
        )
        self.base, self.path = base, server.path(APP)
        for pack in (self.path / "objects/pack").glob("*.pack"):
            moved = pack.rename(folder / pack.name)
            server.git(APP).run("unpack-objects", "-q", stdin=moved.read_bytes())
        self.git = objects.alone(self.path)

    def without(self) -> Iterator[tuple[str, Path]]:
        """Each object's id with its file, which is put back afterwards."""
        listed = self.git.query("rev-list", "--objects", self.ours, self.theirs).lines
        for sha in (line.split(" ")[0] for line in listed):
            yield sha, self.path / "objects" / sha[:2] / sha[2:]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("lacking"))


def merged(case: Case, mode: MergeMode) -> str:
    with Joiner(case.git, (case.ours, case.theirs), case.ours) as joiner:
        return joiner.tree(joiner.join(case.ours, case.theirs, "M", mode))


MODES = (DEFAULT_MODE, *(pytest.param(mode, marks=pytest.mark.live) for mode in MergeMode if mode != DEFAULT_MODE))


@pytest.mark.parametrize("damage", [None, pytest.param(b"no object", marks=pytest.mark.live)])
@pytest.mark.parametrize("mode", MODES)
def test_no_other_verdict(mode: MergeMode, damage: bytes | None, case: Case) -> None:
    whole = merged(case, mode)
    refused = set()
    for sha, file in case.without():
        content = file.read_bytes()
        file.unlink()
        if damage is not None:
            file.write_bytes(damage)
        try:
            assert merged(case, mode) == whole, f"another tree without {sha}"
        except Clash as clash:
            pytest.fail(f"a conflict without {sha}: {clash.details}")
        except GitError:
            refused.add(sha)
        finally:
            file.unlink(missing_ok=True)
            file.write_bytes(content)
    trees = {case.git.query("rev-parse", f"{one}^{{tree}}").text for one in (case.ours, case.theirs)}
    assert trees | {case.ours, case.theirs} <= refused
    assert merged(case, mode) == whole


@pytest.mark.live
@pytest.mark.parametrize("damage", [None, pytest.param(b"no object", marks=pytest.mark.live)])
def test_a_trial_before_the_upload(
    damage: bytes | None, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Runner(tmp_path, alone=True).run("clone", "-q", "--no-checkout", "--shared", str(case.path), "clone")
    git = Runner(tmp_path / "clone", alone=True)
    git.run("update-ref", "--no-deref", "HEAD", case.theirs)
    monkeypatch.setattr(applies, "_apart", lambda *_: None)
    places = locate(git)
    assert applies.check_applies(git, places, case.ours) == 2
    for sha, file in case.without():
        content = file.read_bytes()
        file.unlink()
        if damage is not None:
            file.write_bytes(damage)
        try:
            assert applies.check_applies(git, places, case.ours) == 2
        except (MergeConflict, applies.Unrelated) as verdict:
            pytest.fail(f"a verdict without {sha}: {verdict.brief}: {verdict.details}")
        except GitError:
            pass
        finally:
            file.unlink(missing_ok=True)
            file.write_bytes(content)


def test_what_an_alternate_that_is_gone_does_not_lack(case: Case) -> None:
    alternates = case.path / "objects/info/alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text("/nowhere/objects\n")
    try:
        assert objects.merge_tree(case.git, case.ours, case.theirs)
        assert not objects.is_ancestor(case.git, case.ours, case.theirs)
        assert merged(case, DEFAULT_MODE)
    finally:
        alternates.unlink()


def test_it_is_told_as_the_machinerys(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"README": "one\ntwo\n", "setup.cfg": "[metadata]\nname = x\nversion = 1\n"})
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"dir/other": "2\n"})
    repository = merger.repository(APP)
    repository.fetch([change.ref or ""])
    for pack in (repository.path / "objects/pack").glob("*.pack"):
        pack.rename(repository.path / "moved")
        repository.git.run("unpack-objects", "-q", stdin=(repository.path / "moved").read_bytes())
    tree = repository.git.query("rev-parse", f"{change.commit}^{{tree}}").text
    (repository.path / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(InfrastructureError, match=f"lacks the object {change.commit}"):
        merger.merge([change])
