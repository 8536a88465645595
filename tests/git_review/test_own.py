"""What goes up is what the server has on no branch, and only the person's own line is made anew."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from git_review.commands.known import Known, State
from git_review.commands.own import Survey, Why, strangers
from git_review.gerrit.model import Change
from git_review.git.repo import Commit
from git_review.git.reword import first_parents, give_change_ids, made_anew
from git_review.git.trailers import Place, change_id, naming
from git_review.hooks import COMMIT_MSG
from tests.fakes import fast_import
from tests.git_review.conftest import CHANGE_ID, Asked, Clone, row
from tests.git_review.test_push import script, with_hook

pytestmark = pytest.mark.live  # more seconds than the fast suite has

ANN = "Ann <ann@example.org>"
BOB = "Bob <bob@example.org>"
IDS = [f"I{number:040x}" for number in range(1, 100)]


@dataclass
class World:
    """A clone, commits that are made without a work tree, and a repository of somebody else's.

    :ivar base: the commit that all begins at.
    """

    clone: Clone
    other: Path
    base: str
    number: int = 0

    def commit(self, subject: str, *parents: str, who: str = ANN, named: bool = True, **files: str) -> str:
        """A commit of this clone, on no branch. :param named: it has a Change-Id."""
        self.number += 1
        message = f"{subject}\n\nChange-Id: {IDS[self.number]}\n" if named else f"{subject}\n"
        written: Mapping[str, str] = files or {f"file-{self.number}": subject}
        when = f"{who} {int(time.time())} +0000"
        return fast_import.commit(self.clone.git, "refs/scratch/x", parents, written, message, when)

    def on_server(self, branch: str, sha: str) -> None:
        """The server's branch is at that commit now, of which this clone remembers nothing."""
        self.clone.git.run("push", "-q", "-f", f"file://{self.clone.server.directory}", f"{sha}:refs/heads/{branch}")

    def elsewhere(self, name: str, sha: str) -> None:
        """Another remote has it, as a branch of that name."""
        self.clone.git.run("config", "remote.upstream.url", str(self.other))
        self.clone.git.run("update-ref", f"refs/remotes/upstream/{name}", sha)

    def at(self, sha: str) -> Clone:
        """The branch `topic`, checked out, is at that commit."""
        self.clone.git.run("reset", "-q", "--hard", sha)
        return self.clone

    def keeps(self, *shas: str) -> bool:
        """Whether HEAD has them all as ancestors."""
        missing = self.clone.git.query("rev-list", "--no-walk", *shas, "--not", "HEAD").lines
        return not missing


@pytest.fixture
def world(clone: Clone, tmp_path: Path) -> World:
    with_hook(clone)
    return World(clone, tmp_path / "other.git", clone.head())


def merged(world: World, whose: str = BOB) -> tuple[str, str]:
    """The server's own branch with a merge commit that it made, and a merge of it by the person: (theirs, HEAD)."""
    one = world.commit("on other 1", world.base, who=whose)
    two = world.commit("on other 2", world.base, who=whose)
    theirs = world.commit('Merge "on other 2"', one, two, who="Gerrit <gerrit@example.org>", named=False)
    own = world.commit("own", world.base)
    return theirs, world.commit("Merge other", own, theirs)


@pytest.mark.parametrize("ahead", [False, True], ids=["tip is here", "server is ahead"])
def test_what_the_server_has_on_another_branch_does_not_go_up(world: World, ahead: bool) -> None:
    theirs, head = merged(world)
    world.on_server("other", theirs)
    clone = world.at(head)
    if ahead:
        clone.upstream({"newer.txt": "newer"}, "other")
    before = clone.snapshot()
    dry = clone.review("-n")
    assert (dry.code, clone.snapshot()) == (0, before), dry.text
    assert "Merge other" in dry.out and "own" in dry.out and "on other" not in dry.out
    result = clone.review("-y")
    assert (result.code, clone.pushed(), clone.head()) == (0, head, head), result.text


def test_only_the_own_line_above_it_gets_change_ids(world: World) -> None:
    theirs, _ = merged(world)
    world.on_server("other", theirs)
    own = world.commit("own", world.base, named=False)
    head = world.commit("Merge other", own, theirs, named=False)
    clone = world.at(head)
    result = clone.review("-y")
    assert result.code == 0, result.text
    assert clone.pushed() == clone.head() != head and world.keeps(theirs)
    assert [naming(clone.message(name)).place for name in ("HEAD", "HEAD^")] == [Place.IN_PLACE] * 2
    assert clone.git.query("rev-list", "--count", "HEAD", f"^{world.base}", f"^{theirs}").text == "2"


def test_a_line_that_begins_on_another_branch_of_the_server(world: World) -> None:
    """The commits are the server's, whoever made them; without a merge and a remote the committer gives them away."""
    one = world.commit("on other 1", world.base, who=BOB)
    two = world.commit("on other 2", one, who=BOB)
    world.on_server("other", two)
    clone = world.at(world.commit("own", two))
    assert "on other" not in clone.review("-n").out
    result = clone.review()
    assert (result.code, clone.pushed()) == (0, clone.head()), result.text


@pytest.mark.parametrize("place", ["a tag", "a remote's branch", "nowhere"])
def test_a_merge_of_others_commits_stops_the_upload(world: World, place: str) -> None:
    one = world.commit("upstream 1", world.base, named=False)
    two = world.commit("upstream 2", one, named=False)
    own = world.commit("own", world.base, named=False)
    head = world.commit("Merge 1.2", own, two, named=False)
    clone = world.at(head)
    if place == "a tag":
        clone.git.run("tag", "v1.2", two)
    elif place != "nowhere":
        world.elsewhere("main", two)
    for flags in (("-n", "-y"), ("-y",), ("-y", "--force")):
        result = clone.review(*flags)
        assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
        assert "upstream 1" in result.err and "upstream 2" in result.err and "Merge 1.2" not in result.err
    named = {"a tag": "tag v1.2", "a remote's branch": "upstream/main", "nowhere": "came with a merge"}
    assert named[place] in result.err


def test_others_commits_that_have_change_ids_do_not_go_up_unasked(world: World) -> None:
    theirs = world.commit("upstream 1", world.base)
    clone = world.at(world.commit("Merge upstream", world.commit("own", world.base), theirs))
    world.elsewhere("main", theirs)
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (1, None), result.text
    assert "upstream 1" in result.err and "own" not in result.err.replace("your own", "") and "--force" in result.err
    assert clone.review("-y", "--force").code == 0
    assert clone.pushed() == clone.head()


def test_a_line_that_begins_at_others_release(world: World) -> None:
    """Their commits have Change-Ids of their own, and are no changes here."""
    release = world.commit("upstream 1", world.base, who=BOB)
    clone = world.at(world.commit("own", release))
    clone.git.run("tag", "v1.2", release)
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (1, None)
    assert "upstream 1  (others' work, published as tag v1.2)" in result.err


def test_own_branches_that_were_merged_go_up_as_they_are(world: World) -> None:
    """An octopus, and a history of its own."""
    sides = [world.commit("side", world.base), world.commit("another", world.base), world.commit("root")]
    head = world.commit("Merge them", world.commit("own", world.base), *sides)
    result = world.at(head).review("-y", "-R")
    assert (result.code, world.clone.pushed()) == (0, head), result.text


def test_what_was_merged_and_stands_on_a_commit_without_a_change_id(world: World) -> None:
    """To make it anew would take the merged branch along, or have the commit twice."""
    low = world.commit("low", world.base, named=False)
    side = world.commit("side", low)
    head = world.commit("Merge side", world.commit("own", low), side)
    result = world.at(head).review("-y")
    assert (result.code, world.clone.head(), world.clone.pushed()) == (1, head, None)
    assert "side" in result.err and "came with a merge" in result.err


@pytest.mark.parametrize("place", ["tag", "fork"])
def test_a_published_line_is_not_made_anew_and_goes_up_as_it_is(world: World, place: str) -> None:
    for named in (False, True):
        head = world.commit("second", world.commit("first", world.base, named=named))
        clone = world.at(head)
        if place == "tag":
            clone.git.run("tag", "-f", "backup", head)
        else:
            world.elsewhere("topic", head)
        result = clone.review("-y")
        assert (result.code, clone.head(), clone.pushed()) == (0 if named else 1, head, head if named else None)
        assert named or ("tag backup" if place == "tag" else "upstream/topic") in result.err


@pytest.mark.parametrize("word", ["fixup", "squash", "amend"])
def test_commits_that_will_be_melted_stop_the_upload(world: World, word: str) -> None:
    head = world.commit(f"{word}! own", world.commit("own", world.base), named=False)
    clone = world.at(head)
    for flags in (("-y",), ("-y", "--force")):
        result = clone.review(*flags)
        assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
        assert f"{word}! own" in result.err and "--autosquash" in result.err
    clone.git.run("config", "gerrit.createChangeId", "always")
    assert clone.review("-y").code == 0
    assert change_id(clone.message()) is not None


def test_a_word_with_a_mark_gets_one_although_the_hook_gives_none(world: World) -> None:
    clone = world.at(world.commit("feat! it breaks", world.base, named=False))
    clone.hook().unlink()
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (0, clone.head()), result.text
    assert change_id(clone.message()) is not None


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (f"Change-Id: {CHANGE_ID}\n\nlast", f"line 3 of its message: Change-Id: {CHANGE_ID}"),
        (f"> Change-Id: {CHANGE_ID}", "line 3"),
        (f"b\n\n  - Change-Id: {CHANGE_ID}", "line 5"),
        (f"Change-Id: {CHANGE_ID} # mine", "line 3"),
        (f"Change-Id: {CHANGE_ID}\nChange-Id: {CHANGE_ID}", "several Change-Ids"),
    ],
)
def test_a_change_id_that_the_server_would_not_read_stops_the_upload(world: World, body: str, line: str) -> None:
    head = world.commit(f"own\n\n{body}", world.base, named=False)
    clone = world.at(head)
    for flags in (("-n",), ("-y",), ("--force",)):
        result = clone.review(*flags)
        assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
        assert line in result.err
    assert clone.review("-i").code == 0
    assert naming(clone.message()).place is Place.IN_PLACE and change_id(clone.message()) != CHANGE_ID


def test_one_below_head_is_not_mended_by_i(world: World) -> None:
    low = world.commit(f"low\n\nChange-Id: {CHANGE_ID}\n\nlast", world.base, named=False)
    clone = world.at(world.commit("high", low))
    result = clone.review("-y", "-i")
    assert (result.code, clone.pushed()) == (1, None) and "low" in result.err


def test_after_an_amend_it_is_looked_whether_the_id_is_there(world: World, tmp_path: Path) -> None:
    clone = world.at(world.commit("own", world.base, named=False))
    clone.hook().unlink()
    script(tmp_path, "awk", "exit 10")
    clone.monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (1, None), result.text
    assert "has no Change-Id all the same" in result.err and "-i" in result.err
    assert clone.review("-y", "-i").code == 0


@pytest.mark.parametrize("cleanup", ["default", "strip"])
def test_a_subject_that_begins_with_a_hash(world: World, cleanup: str) -> None:
    clone = world.at(world.commit("#12 fix it", world.base, named=False))
    clone.git.run("config", "commit.cleanup", cleanup)
    clone.hook().unlink()
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (0, clone.head()), result.text
    assert clone.message().startswith("#12 fix it\n\nChange-Id: I") and clone.hook().read_text() == COMMIT_MSG


def test_a_rebase_leaves_what_was_merged(world: World) -> None:
    theirs, head = merged(world)
    world.on_server("other", theirs)
    clone = world.at(world.commit("above", head))
    target = clone.upstream({"upstream.txt": "theirs"})
    result = clone.review("-y", "-F")
    assert (result.code, clone.pushed()) == (0, clone.head()), result.text
    assert world.keeps(theirs, target) and not world.keeps(head)
    line = clone.git.query("log", "--first-parent", "--format=%s", "HEAD", f"^{target}").lines
    assert line == ["above", "Merge other", "own"]


def test_a_rebase_of_a_line_that_the_merged_one_stands_on_is_refused(world: World) -> None:
    low = world.commit("low", world.base)
    head = world.commit("Merge side", world.commit("own", low), world.commit("side", low))
    clone = world.at(head)
    clone.upstream({"upstream.txt": "theirs"})
    result = clone.review("-y", "-F")
    assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
    assert "side" in result.err


def test_a_conflict_that_is_kept_leaves_what_was_merged(world: World) -> None:
    theirs, _ = merged(world)
    world.on_server("other", theirs)
    own = world.commit("own", world.base, **{"base.txt": "mine\n"})
    clone = world.at(world.commit("Merge other", own, theirs, **{"other.txt": "x"}))
    clone.upstream({"base.txt": "theirs\n"})
    assert clone.review("-K", "-y").code == 1
    (clone.path / "base.txt").write_text("both\n")
    clone.git.run("add", "base.txt")
    clone.git.run("rebase", "--continue", environment={"GIT_EDITOR": ":"})
    assert world.keeps(theirs) and not world.keeps(own)


def test_replaced_commits_are_made_anew_as_they_are_stored(world: World) -> None:
    low = world.commit("low", world.base, named=False)
    clone = world.at(world.commit("high", low, named=False))
    clone.git.run("replace", low, world.commit("replaced", world.base, named=False))
    assert clone.review("-y", "-R").code == 0
    subjects = clone.git.query("log", "--format=%s", "-2", environment={"GIT_NO_REPLACE_OBJECTS": "1"}).lines
    assert subjects == ["high", "low"]


def test_the_plain_road_asks_for_no_branches(world: World) -> None:
    clone = world.at(world.commit("second", world.commit("first", world.base)))
    assert "for its branches" not in clone.review("-y", "-n", "-v").out
    clone.git.run("config", "user.email", "somebody@example.org")
    assert "for its branches" in clone.review("-y", "-n", "-v").out


def test_somebodys_change_below_needs_no_branches(world: World, asked: Asked) -> None:
    low = world.commit("low", world.base, who=BOB)
    clone = world.at(world.commit("high", low))
    patchset = {"number": 1, "revision": low, "ref": "refs/changes/07/7/1"}
    asked.answers(row(7, patchset, id=IDS[1], status="NEW"))
    told = clone.review("-y", "-n", "-v").out
    assert "(unchanged 7)" in clone.review("-n").out and "for its branches" not in told


def test_very_many_commits_are_asked_about_when_it_is_known_what_goes_up(world: World, asked: Asked) -> None:
    stream = ""
    for number, start in enumerate([world.base, *[""] * 60], 80):
        message = f"on other\n\nChange-Id: I{number:040x}\n"
        origin = f"from {start}\n" if start else ""
        stream += f"commit refs/scratch/y\ncommitter {BOB} {number} +0000\ndata {len(message)}\n{message}\n{origin}\n"
    world.clone.git.run("fast-import", "--quiet", stdin=stream)
    theirs = world.clone.git.query("rev-parse", "refs/scratch/y").text
    world.on_server("other", theirs)
    clone = world.at(world.commit("Merge other", world.commit("own", world.base), theirs))
    asked.answers()
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (0, clone.head()), result.text
    (query,) = [word for word in asked.words() if word.startswith("gerrit query")]
    assert IDS[1] in query and IDS[2] in query and f"I{80:040x}" not in query


def test_status_tells_nothing_of_what_the_server_has(world: World, asked: Asked) -> None:
    theirs, head = merged(world)
    world.on_server("other", theirs)
    asked.answers()
    told = world.at(head).review("--status")
    assert "Merge other" in told.out and "on other" not in told.out


def test_a_shallow_clone_is_not_filled(world: World) -> None:
    theirs, head = merged(world)
    world.on_server("other", theirs)
    clone = world.at(head)
    newer = clone.upstream({"newer.txt": "newer"}, "other")
    (clone.path / ".git/shallow").write_text(clone.git.query("rev-parse", f"{theirs}^").stdout)
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == (1, None), result.text
    assert clone.git.query("cat-file", "-e", newer, ok=(0, 1)).status == 1


def commits(*rows: tuple[str, Sequence[str], str]) -> tuple[Commit, ...]:
    return tuple(Commit(sha, tuple(parents), message) for sha, parents, message in rows)


LINE = commits(("m", ("b", "s"), "Merge s\n"), ("s", ("a",), "side\n"), ("b", ("a",), "b\n"), ("a", ("base",), "a\n"))


def test_the_own_line_is_heads_first_parents() -> None:
    assert first_parents(LINE) == {"m", "b", "a"}
    assert made_anew(LINE, ["b"]) == {"b", "m"}
    assert made_anew(LINE, ["a"]) == {"a", "b", "s", "m"}
    assert first_parents(()) == made_anew((), ()) == frozenset()


def test_strangers_are_named_with_the_reason() -> None:
    def whys(which: Sequence[str], elsewhere: Sequence[str] = (), force: bool = False) -> dict[str, Why]:
        found = strangers(Survey(LINE, frozenset(elsewhere)), (), which, force=force)
        return {one.commit.id: one.why for one in found}

    assert whys(["b", "m"]) == {}
    assert whys(["a"]) == whys(["s"]) == {"s": Why.MERGED}
    assert whys(["b"], ["b", "a"]) == {"b": Why.PUBLISHED}
    assert whys(["a"], ["a", "s"]) == {"a": Why.PUBLISHED, "s": Why.ELSEWHERE}
    assert whys([], ["s"]) == {"s": Why.ELSEWHERE} and whys([], ["s"], force=True) == {}
    assert whys([], ["a", "b"]) == {}


@pytest.mark.parametrize(
    ("elsewhere", "foreign", "others"),
    [("", "", ""), ("a", "", ""), ("", "a", ""), ("s", "", "s"), ("", "s", "s"), ("a", "a", "a"), ("ab", "bs", "bs")],
)
def test_two_of_three_make_a_commit_somebody_elses(elsewhere: str, foreign: str, others: str) -> None:
    found = Survey(LINE, frozenset(elsewhere), frozenset(foreign))
    assert {one.commit.id for one in strangers(found, (), ())} == set(others)
    unknown = [Known(commit, State.UNKNOWN) for commit in LINE]
    assert {one.commit.id for one in strangers(found, unknown, ())} == set(elsewhere) & {"s"}
    changes = [Known(commit, State.UNCHANGED, Change(1, "p", "main")) for commit in LINE]
    assert strangers(found, changes, ()) == strangers(found, (), (), force=True) == []


def test_what_came_with_a_merge_is_never_made_anew(clone: Clone) -> None:
    from git_review.git.errors import GitError

    with pytest.raises(GitError):
        give_change_ids(clone.git, LINE, ["a"])
