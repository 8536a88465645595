"""Cherry-picks, comparisons, topics, chains and work trees; and lists with queries and votes."""

from __future__ import annotations

import json

import pytest

from tests.git_review.conftest import CHANGE_ID, Asked, row

pytestmark = pytest.mark.live  # more seconds than the fast suite has


@pytest.mark.parametrize(("flag", "message"), [("-x", "theirs"), ("-X", "(cherry picked from commit "), ("-N", None)])
def test_cherry_picks(asked: Asked, flag: str, message: str | None) -> None:
    theirs = asked.patchset(9, 1, "theirs", {"new.txt": "new\n"})
    asked.answers(row(9, theirs))
    asked.clone.commit("mine")
    before = asked.clone.head()
    result = asked.clone.review(flag, "9")
    assert result.code == 0, result.text
    assert (asked.clone.path / "new.txt").read_text() == "new\n"
    assert message is None or "] theirs\n" in result.out, "git's own words are passed on"
    if message is None:
        assert asked.clone.head() == before
    else:
        assert message in asked.clone.message() and asked.clone.git.query("rev-parse", "HEAD^").text == before


def test_cherry_pick_that_conflicts(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "theirs", {"base.txt": "theirs\n"})))
    asked.clone.commit("mine", {"base.txt": "mine\n"})
    result = asked.clone.review("-x", "9")
    assert result.code == 74
    assert "cherry-pick --abort" in result.err


def test_compare_leaves_everything_as_it_is(asked: Asked) -> None:
    one = asked.patchset(9, 1, "one", {"new.txt": "old\n"})
    asked.clone.upstream({"base.txt": "moved on\n"})
    two = asked.patchset(9, 2, "two", {"new.txt": "new\n"})
    asked.answers(row(9, one, two))
    before = asked.clone.snapshot()
    result = asked.clone.review("-m", "9,1-2", "-R")
    assert result.code == 0, result.text
    assert "1: " in result.out and "+new" in result.out and "moved on" in result.out
    assert asked.clone.snapshot() == before
    onto_target = asked.clone.review("-m", "9,1")
    assert "+new" in onto_target.out and "moved on" not in onto_target.out.partition("diff --git")[2]
    assert json.loads(asked.clone.review("-m", "9,1", "--json").out)["new"]["patchset"] == 2
    assert asked.clone.git.query("branch", "--list", "review/*").text == ""
    asked.clone.upstream({"base.txt": "and on\n"})
    before = asked.clone.snapshot()
    dry = asked.clone.review("-n", "-m", "9,1", "--no-color")
    assert (dry.code, asked.clone.snapshot()) == (0, before), dry.text
    assert dry.out.partition("diff --git")[2] == onto_target.out.partition("diff --git")[2]


def test_compare_where_a_patchset_does_not_apply_any_more(asked: Asked) -> None:
    one, two = asked.patchset(9, 1, "one", {"base.txt": "a\n"}), asked.patchset(9, 2, "two", {"base.txt": "b\n"})
    asked.clone.upstream({"base.txt": "theirs\n"})
    asked.answers(row(9, one, two))
    result = asked.clone.review("-m", "9,1-2")
    assert result.code == 0 and "Skipping rebase because of conflicts" in result.err
    assert "-a\n+b\n" in result.out.partition("diff --git")[2]


@pytest.mark.parametrize("name", ["9", "9,1-1", "9,x", ",1"])
def test_compare_wants_two_patchsets(asked: Asked, name: str) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "one")))
    assert asked.clone.review("-m", name).code in (39, 35)
    assert asked.clone.review("-m", "9,1-1").code == 39


def test_download_then_compare_the_same_patchset(asked: Asked) -> None:
    one, two = asked.patchset(9, 1, "one", {"a": "1"}), asked.patchset(9, 2, "two", {"a": "2"})
    asked.answers(row(9, one, two))
    assert asked.clone.review("-d", "9,1").code == 0
    assert asked.clone.review("-m", "9,1").code == 0


def test_download_into_a_work_tree(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "theirs", {"new.txt": "new\n"})))
    head = asked.clone.head()
    folder = asked.root / "beside"
    result = asked.clone.review("-d", "9", "--worktree", str(folder), "--json")
    assert result.code == 0, result.text
    assert (folder / "new.txt").exists() and asked.clone.head() == head
    assert json.loads(result.out)["branch"] == "review/9"


def test_download_of_a_chain(asked: Asked) -> None:
    nine, ten = asked.patchset(9, 1, "nine"), asked.patchset(10, 1, "ten")
    asked.answers_for("change:10", row(10, ten, dependsOn=[{"number": 9}]))
    asked.answers_for("change:9", row(9, nine, neededBy=[{"number": "10"}]))
    result = asked.clone.review("-d", "9", "--chain")
    assert result.code == 0, result.text
    assert "The chain: 10 on 9" in result.out
    assert asked.clone.head() == ten["revision"]


def test_download_of_a_topic(asked: Asked) -> None:
    nine, ten = asked.patchset(9, 1, "nine"), asked.patchset(10, 1, "ten")
    asked.answers_for("change:10", row(10, ten, dependsOn=[{"number": 9}]))
    asked.answers_for("change:9", row(9, nine, neededBy=[{"number": 10}]))
    asked.answers_for("topic:t", row(9, nine), row(10, ten))
    result = asked.clone.review("-d", "topic:t")
    assert result.code == 0, result.text
    assert asked.clone.head() == ten["revision"]
    asked.answers_for("topic:none")
    assert asked.clone.review("-d", "topic:none").code == 35


def test_list_with_votes_cut_pages_and_views(asked: Asked) -> None:
    patchset = {"number": 1, "revision": "a" * 40, "approvals": [{"type": "Code-Review", "value": "2"}]}
    asked.answers(row(7, patchset, topic="t"), row(8))
    result = asked.clone.review("-lll", "--limit", "1")
    assert result.out.splitlines()[1] == "     7    main      t   CR+2   -    -    -  change 7"
    assert "There are more: --start 1" in result.out
    asked.clone.review("--view", "needs-review")
    query = asked.words()[-1]
    assert "'(-owner:self)'" in query and "project:demo/project" in query
    asked.clone.review("--query", "-is:wip owner:ann --start 3")
    assert asked.words()[-1].endswith("'(-is:wip owner:ann --start 3)'")


def test_json_list_holds_what_the_server_said(asked: Asked) -> None:
    asked.answers(row(7, topic="t\x1b[1m"))
    (entry,) = json.loads(asked.clone.review("-l", "--json").out)
    assert (entry["number"], entry["topic"], entry["branch"]) == (7, "t\x1b[1m", "main")


@pytest.mark.parametrize("name", ["https://review.example.org/q/topic:t", "https://review.example.org/q/topic:%22t%22"])
def test_download_of_a_topic_by_its_url(asked: Asked, name: str) -> None:
    ten = asked.patchset(10, 1, "ten")
    asked.answers_for("topic:t", row(10, ten))
    result = asked.clone.review("-d", name)
    assert (result.code, asked.clone.head()) == (0, ten["revision"]), result.text


@pytest.mark.parametrize("where", [f"q/{CHANGE_ID}", f"q/change:{CHANGE_ID}", f"#/q/{CHANGE_ID}", f"id/{CHANGE_ID}"])
def test_download_by_the_url_of_a_search_for_the_change(asked: Asked, where: str) -> None:
    nine = asked.patchset(9, 1, "nine")
    asked.answers_for(f"change:{CHANGE_ID}", row(9, nine))
    result = asked.clone.review("-d", f"https://review.example.org/{where}")
    assert (result.code, asked.clone.head()) == (0, nine["revision"]), result.text


def test_topics_are_no_secret(asked: Asked) -> None:
    assert "topic:NAME" in asked.clone.review("--help").out
    assert "topic:NAME" in asked.clone.review("-d", "no change").err


def test_a_branch_that_is_checked_out_elsewhere_is_not_moved(asked: Asked) -> None:
    one = asked.patchset(9, 1, "one")
    asked.answers(row(9, one))
    beside = asked.root / "beside"
    assert asked.clone.review("-d", "9", "--worktree", str(beside)).code == 0
    asked.answers(row(9, one, asked.patchset(9, 2, "two")))
    for words in ((), ("--worktree", str(asked.root / "third"))):
        result = asked.clone.review("-d", "9", *words)
        assert (result.code, str(beside) in result.err, "stash" in result.err) == (65, True, False), result.text
    assert asked.clone.git.query("rev-parse", "review/9").text == one["revision"]


def test_edits_are_named_as_the_reason_only_where_they_are(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "one", {"new.txt": "theirs\n"})))
    (asked.clone.path / "new.txt").write_text("mine\n")
    assert "stash" in asked.clone.review("-d", "9").err
    (asked.root / "full").mkdir()
    (asked.root / "full/file").write_text("")
    result = asked.clone.review("-d", "9", "--worktree", str(asked.root / "full"))
    assert result.code == 64 and "already exists" in result.err and "stash" not in result.err
