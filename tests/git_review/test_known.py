"""What the server knows before a push: new, updated, unchanged, behind, closed; and what its answer to a push says."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

import pytest

from git_review.commands.answer import outcomes, uploaded
from git_review.commands.known import Known, State
from git_review.git.repo import Commit
from git_review.git.trailers import change_id
from tests.git_review.conftest import Asked, row, run_program
from tests.git_review.test_push import with_hook

pytestmark = pytest.mark.live  # more seconds than the fast suite has

SAID = """\
remote: Processing changes: refs: 1, new: 1, updated: 1, done
remote:
remote: SUCCESS
remote:
remote:   https://review.example.org/c/demo/project/+/1234 first \x1b[1mchange [NEW]
remote:   http://review.example.org/r/c/demo/+/77 A subject that is longer than what the server wants to show... [WIP]
remote:   https://review.example.org/9
"""


def test_numbers_and_urls_of_the_answer() -> None:
    first, second = uploaded(SAID)
    assert (first.number, first.url, first.new) == (1234, "https://review.example.org/c/demo/project/+/1234", True)
    assert (second.number, second.url, second.new) == (77, "http://review.example.org/r/c/demo/+/77", False)
    long = "A subject that is longer than what the server wants to show in one line"
    commits = [Commit("a" * 40, (), long), Commit("b" * 40, (), "first [1mchange"), Commit("c" * 40, (), "unheard of")]
    found = outcomes([Known(commit, State.UNKNOWN) for commit in commits], uploaded(SAID))
    assert [(entry.number, entry.known.state) for entry in found] == [
        (77, State.UPDATED),
        (1234, State.NEW),
        (0, State.UNKNOWN),
    ]


class Change:
    """HEAD's change on the server, as the query tells it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.clone = with_hook(asked.clone)
        self.patchsets: list[dict[str, Any]] = []

    def upload(self) -> None:
        self.patchsets.append({"number": len(self.patchsets) + 1, "revision": self.clone.head()})

    def somebody_else_uploads(self) -> None:
        self.patchsets.append(self.asked.patchset(7, len(self.patchsets) + 1, f"theirs {len(self.patchsets)}"))

    def told(self, **others: Any) -> None:
        self.asked.answers(row(7, *self.patchsets, id=change_id(self.clone.message()), status="NEW", **others))

    def amend(self) -> None:
        self.clone.git.run("commit", "-q", "--amend", "--allow-empty", "--no-edit", "--date=now", "--reset-author")
        (self.clone.path / "more").write_text(self.clone.head())
        self.clone.git.run("add", "more")
        self.clone.git.run("commit", "-q", "--amend", "--no-edit")


@pytest.fixture
def change(asked: Asked) -> Change:
    made = Change(asked)
    made.clone.commit("a change")
    return made


def test_new(change: Change) -> None:
    change.asked.answers()
    result = change.clone.review("-v")
    assert (result.code, change.clone.pushed()) == (0, change.clone.head()), result.text
    assert "(new)" in result.out
    assert "-o BatchMode=yes" in " ".join(change.asked.words()), "nobody is asked for a pass-phrase beside the fetch"


def test_updated(change: Change) -> None:
    change.upload()
    change.amend()
    change.told()
    result = change.clone.review("-v")
    assert (result.code, change.clone.pushed()) == (0, change.clone.head()), result.text
    assert "(updated 7)" in result.out


def test_unchanged_is_not_pushed(change: Change) -> None:
    change.upload()
    change.told()
    result = change.clone.review("--json")
    assert (result.code, change.clone.pushed()) == (0, None), result.text
    told = json.loads(result.out)
    assert (told["pushed"], told["changes"][0]["state"], told["changes"][0]["number"]) == (False, "unchanged", 7)
    assert change.clone.review("-F").code == 0 and change.clone.pushed(), "a rebase is wanted all the same"


@pytest.mark.parametrize("amended", [False, True])
def test_behind_is_refused_unless_forced(change: Change, amended: bool) -> None:
    change.upload()
    change.somebody_else_uploads()
    if amended:
        change.amend()
    change.told()
    result = change.clone.review("-y")
    assert (result.code, change.clone.pushed()) == (1, None)
    assert "change 7: patchset 2 is newer" in result.err and "--force" in result.err and "git review -d 7" in result.err
    assert change.clone.review("-y", "-n").code == 1
    assert change.clone.review("--force").code == 0
    assert change.clone.pushed() == change.clone.head()


def edited(change: Change) -> None:
    change.clone.git.run("commit", "-q", "--amend", "--allow-empty", "-m", f"edited\n\nChange-Id: {MINE}")


MINE = "I" + "7" * 40
THEIRS = f"theirs\n\nChange-Id: {MINE}"


@pytest.fixture
def theirs(asked: Asked) -> Change:
    """Branch `topic` is at patchset 1, and patchset 2 is here, but nobody stood on it."""
    made = Change(asked)
    made.clone.git.run("commit", "-q", "--allow-empty", "-m", f"mine\n\nChange-Id: {MINE}")
    made.upload()
    made.patchsets.append(asked.patchset(7, 2, THEIRS, {"theirs": "1"}))
    made.clone.git.run("fetch", "-q", str(made.clone.server.directory), "refs/changes/07/7/2")
    made.told()
    return made


@pytest.mark.parametrize(
    "looked",
    [
        (),
        ("checkout -q FETCH_HEAD", "checkout -q topic"),
        ("checkout -q -b review/7 FETCH_HEAD", "checkout -q topic"),
        ("checkout -q -b review/7 FETCH_HEAD", "checkout -q topic", "checkout -q --detach"),
    ],
)
def test_a_newer_patchset_that_was_only_looked_at_is_a_reason(theirs: Change, looked: tuple[str, ...]) -> None:
    for words in looked:
        theirs.clone.git.run(*words.split())
    edited(theirs)
    result = theirs.clone.review("-y")
    assert (result.code, theirs.clone.pushed()) == (1, None), result.text
    assert "change 7: patchset 2 is newer" in result.err and "--force" in result.err
    assert theirs.clone.review("-y", "--force").code == 0


@pytest.mark.parametrize(
    "built",
    [
        ("checkout -q -b review/7 FETCH_HEAD",),
        ("checkout -q -b review/7 FETCH_HEAD", "commit -q --allow-empty --amend --no-edit --date=now"),
        ("checkout -q FETCH_HEAD",),
        ("reset -q --hard FETCH_HEAD",),
        ("reset -q --hard gerrit/main", "cherry-pick FETCH_HEAD"),
        ("checkout -q -b other gerrit/main", "commit -q --allow-empty -m below", "cherry-pick FETCH_HEAD"),
        ("checkout -q -b review/7 FETCH_HEAD", "commit -q --amend --allow-empty -m EDIT", "checkout -q -b again"),
        ("checkout -q -b review/7 FETCH_HEAD", "branch -q -m mine"),
        ("branch review/7 FETCH_HEAD", "worktree add -q ../beside review/7", "checkout -q --detach review/7"),
        ("checkout -q -b review/7 FETCH_HEAD", "checkout -q -b other gerrit/main", "cherry-pick review/7"),
    ],
)
def test_an_upload_that_was_made_of_the_newest_patchset_is_no_reason(theirs: Change, built: tuple[str, ...]) -> None:
    for words in built:
        theirs.clone.git.run(*[word.replace("EDIT", f"first\n\nChange-Id: {MINE}") for word in words.split(" ")])
    edited(theirs)
    result = theirs.clone.review("-y")
    assert (result.code, theirs.clone.pushed()) == (0, theirs.clone.head()), result.text


def test_a_patchset_below_head_was_stood_on_as_well(theirs: Change) -> None:
    git = theirs.clone.git
    git.run("checkout", "-q", "-b", "review/8", "FETCH_HEAD")
    git.run("commit", "-q", "--allow-empty", "-m", "above\n\nChange-Id: I" + "8" * 40)
    git.run("checkout", "-q", "-b", "series")
    theirs.clone.upstream({"upstream": "1"})
    git.run("fetch", "-q", str(theirs.clone.server.directory), "main:refs/remotes/gerrit/main")
    git.run("rebase", "-q", "gerrit/main")
    result = theirs.clone.review("-y")
    assert (result.code, theirs.clone.pushed()) == (0, theirs.clone.head()), result.text


def test_a_rebase_by_the_server_buries_nothing_and_a_new_message_is_something(theirs: Change) -> None:
    git = theirs.clone.git
    git.run("checkout", "-q", "-B", "topic", "gerrit/main")
    git.run("commit", "-q", "--allow-empty", "-m", "x")
    git.run("cherry-pick", "FETCH_HEAD")
    same = git.query("rev-parse", "HEAD").text
    theirs.patchsets[0] = {"number": 1, "revision": same}
    theirs.told()
    edited(theirs)
    assert theirs.clone.review("-y", "-n").code == 0
    git.run("reset", "-q", "--hard", "HEAD@{1}")
    git.run("commit", "-q", "--amend", "-m", f"other words\n\nChange-Id: {MINE}")
    git.run("reflog", "expire", "--expire=now", "--all")
    theirs.patchsets[0] = {"number": 1, "revision": theirs.clone.head()}
    theirs.told()
    edited(theirs)
    assert theirs.clone.review("-y", "-n").code == 1


def test_without_reflogs_it_has_to_do_that_the_patchset_is_here(theirs: Change) -> None:
    shutil.rmtree(theirs.clone.path / ".git/logs")
    theirs.clone.git.run("config", "core.logAllRefUpdates", "false")
    edited(theirs)
    assert theirs.clone.review("-n").code == 0
    theirs.somebody_else_uploads()
    theirs.told()
    assert theirs.clone.review("-n").code == 1


def test_few_processes_where_the_server_has_ones_own_former_commit(change: Change) -> None:
    change.upload()
    change.amend()
    change.told()
    trace = change.clone.path.parent / "trace"
    change.clone.monkeypatch.setenv("GIT_TRACE", str(trace))
    assert change.clone.review("-n").code == 0
    lines = [line for line in trace.read_text().splitlines() if "built-in: git " in line and "upload-pack" not in line]
    assert 0 < len(lines) <= 8, lines


@pytest.mark.live
def test_a_long_series_is_asked_about_in_several_questions(asked: Asked) -> None:
    change = Change(asked)
    ids = [f"I{number:040x}" for number in range(150)]
    root = change.clone.git.query("rev-parse", "HEAD^{tree}").text
    at = change.clone.head()
    for own in ids:
        at = change.clone.git.run("commit-tree", root, "-p", at, "-m", f"x\n\nChange-Id: {own}").text
    change.clone.git.run("reset", "-q", "--hard", at)
    change.asked.answers()
    change.asked.answers_for(f"change:{ids[130]}", row(9, asked.patchset(9, 2, "x"), id=ids[130], status="NEW"))
    result = change.clone.review("-y")
    assert (result.code, change.clone.pushed()) == (1, None), result.text
    assert "change 9: patchset 2 is newer" in result.err
    queries = [word for word in change.asked.words() if word.startswith("gerrit query")]
    assert len(queries) == 3 and max(map(len, queries)) < 4000
    assert {own for own in ids if any(own in query for query in queries)} == set(ids)


def test_closed(change: Change) -> None:
    change.upload()
    change.amend()
    change.asked.answers(row(7, *change.patchsets, id=change_id(change.clone.message()), status="MERGED"))
    result = change.clone.review()
    assert (result.code, change.clone.pushed()) == (1, None)
    assert "merged" in result.err and "-i" in result.err


@pytest.mark.parametrize(("on_server", "sent"), [("bug/5", True), ("theirs", False), ("", True)])
def test_new_commits_of_a_series_get_the_topic_that_it_has_or_are_said_to_get_none(
    asked: Asked, on_server: str, sent: bool
) -> None:
    change = Change(asked)
    change.clone.commit("below")
    change.upload()
    change.amend()
    change.told(topic=on_server)
    change.clone.commit("Fix bug 5")
    result = change.clone.review("-n", "-y")
    assert ("-o topic=bug/5" in result.out.rstrip().splitlines()[-1]) is sent
    assert ("Left out: the topic bug/5" in result.out and "theirs" in result.out) is not sent


def test_a_closed_change_with_the_same_commit_is_told_as_closed(change: Change) -> None:
    change.upload()
    own = change_id(change.clone.message())
    change.asked.answers(row(7, *change.patchsets, id=own, status="ABANDONED"))
    result = change.clone.review("-y")
    assert (result.code, "abandoned" in result.err) == (1, True), result.text
    assert "closed on the server" in change.clone.review("--status").out
    change.clone.commit("above")
    assert change.clone.review("-y", "-n").code == 0, "the server takes what is made on it"
    change.asked.answers(row(7, *change.patchsets, id=own, status="MERGED"))
    change.clone.git.run("reset", "-q", "--hard", "HEAD^")
    assert "No new changes" in change.clone.review("-y").out


def test_wip_is_told(change: Change) -> None:
    change.upload()
    change.amend()
    change.told(wip=True)
    assert "(updated 7, WIP)" in change.clone.review("-v").out


@pytest.mark.parametrize(("on_server", "implied"), [("", True), ("theirs", False)])
def test_topic_on_the_server_stays(asked: Asked, on_server: str, implied: bool) -> None:
    change = Change(asked)
    change.clone.commit("Fix bug 5")
    change.upload()
    change.amend()
    change.told(topic=on_server)
    last = change.clone.review("-n").out.rstrip().splitlines()[-1]
    assert ("-o topic=bug/5" in last) is implied
    assert "%topic=mine" in change.clone.review("-n", "-t", "mine").out


@pytest.mark.parametrize(("text", "status"), [("", 255), ("<html>", 0), ('{"number": 1}\n', 0), ("[1]\n", 0)])
def test_no_answer_is_no_reason_to_stop_and_no_reason_to_guess_a_topic(asked: Asked, text: str, status: int) -> None:
    change = Change(asked)
    change.clone.commit("Fix bug 5")
    change.asked.says(text, status)
    result = change.clone.review("-n", "-v")
    assert result.code == 0, result.text
    assert "Left out: asking the server" in result.out and "topic" not in result.out.splitlines()[-1]


def test_nothing_is_asked_where_no_network_is_wanted(change: Change) -> None:
    change.clone.review("-n", "-R")
    assert not (change.asked.root / "log").exists()


def test_status(change: Change) -> None:
    change.upload()
    change.patchsets[0]["approvals"] = [
        {"type": "Code-Review", "value": "1", "by": {"username": "bob"}},
        {"type": "Verified", "value": "1", "by": {"username": "ci"}},
    ]
    change.asked.answers(
        row(7, *change.patchsets, id=change_id(change.clone.message()), status="NEW", lastUpdated=1_700_000_000)
    )
    result = change.clone.review("--status")
    assert result.code == 0, result.text
    assert "  7  a change  (CR+1, CI+1, " in result.out
    change.patchsets[0]["approvals"].append({"type": "Verified", "value": "-1", "by": {"username": "ci"}})
    change.told()
    result = change.clone.review("--status", "--json")
    assert result.code == 4
    (entry,) = json.loads(result.out)
    assert entry["attention"] == ["Verified -1"] and entry["change"]["votes"]["Verified"] == [1, -1]
    change.amend()
    change.told()
    assert "changed here" in change.clone.review("--status").out


def test_unresolved_comments_by_ssh_are_told_or_said_to_be_unknown(change: Change) -> None:
    change.upload()
    change.told()
    quiet = change.clone.review("--status")
    assert quiet.code == 0 and "unresolved" not in quiet.out
    change.asked.answers_for("has:unresolved", row(7))
    result = change.clone.review("--status", "--json")
    (entry,) = json.loads(result.out)
    assert (result.code, entry["attention"]) == (4, ["unresolved comments"])
    assert entry["change"]["has_unresolved_comments"] is True and entry["change"]["unresolved_comments"] is None
    change.asked.answers_strangely_for("has:unresolved", '{"type":"error","message":"Unsupported operator"}\n')
    unknown = change.clone.review("--status")
    assert (unknown.code, "unresolved comments unknown" in unknown.out) == (0, True)


def test_an_upload_over_ssh_loads_nothing_heavy(change: Change) -> None:
    change.asked.answers()
    code = (
        "import sys; from git_review.cli import status; code = status([]);"
        " heavy = {'requests', 'keyring', 'git', 'urllib3', 'click', 'dataclasses', 'typing', 'tempfile'};"
        " print(sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    done = run_program([sys.executable, "-c", code], change.clone.path)
    assert done.code == 0, done.text
    assert done.out.rstrip().endswith("[]")
    assert any(word.startswith("gerrit query") for word in change.asked.words())
