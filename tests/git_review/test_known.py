"""What the server knows before a push: new, updated, unchanged, behind, closed; and what its answer to a push says."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from git_review.commands.answer import outcomes, uploaded
from git_review.commands.known import Known, State
from git_review.git.repo import Commit
from git_review.git.trailers import change_id
from tests.git_review.conftest import Asked, row, run_program
from tests.git_review.test_push import with_hook

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
    assert change.clone.review("--wip").code == 0
    assert change.clone.pushed("main%wip"), "there is something to tell the server"


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


def test_a_newer_patchset_that_was_downloaded_and_amended_is_no_reason(change: Change) -> None:
    change.upload()
    change.somebody_else_uploads()
    change.clone.git.run("fetch", "-q", str(change.clone.server.directory), "refs/changes/07/7/2")
    change.amend()
    change.told()
    assert change.clone.review().code == 0


def test_closed(change: Change) -> None:
    change.upload()
    change.amend()
    change.asked.answers(row(7, *change.patchsets, id=change_id(change.clone.message()), status="MERGED"))
    result = change.clone.review()
    assert (result.code, change.clone.pushed()) == (1, None)
    assert "merged" in result.err and "-i" in result.err


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
        " print(sorted({'requests', 'keyring', 'git', 'urllib3'} & set(sys.modules))); sys.exit(code)"
    )
    done = run_program([sys.executable, "-c", code], change.clone.path)
    assert done.code == 0, done.text
    assert done.out.rstrip().endswith("[]")
    assert any(word.startswith("gerrit query") for word in change.asked.words())
