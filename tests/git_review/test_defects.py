"""The defects of git-review 2.5.0 that its users met: one test for each, which fails on the old behaviour.

The numbers are those of the list that the command was written against.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from git_review.git.runner import Runner
from git_review.git.trailers import change_id
from git_review.hooks import COMMIT_MSG
from git_review.messages import __doc__ as codes
from tests.fakes.gerrit import FakeGerrit
from tests.git_review.conftest import CHANGE_ID, Asked, Clone, row
from tests.git_review.test_push import script, with_hook

pytestmark = pytest.mark.live  # more seconds than the fast suite has


@pytest.fixture
def stack(clone: Clone) -> Clone:
    """Branch `high` on branch `low`, with upstream moved on: a rebase would have something to do."""
    with_hook(clone)
    clone.git.run("checkout", "-q", "-b", "low")
    clone.commit("low one")
    clone.git.run("checkout", "-q", "-b", "high")
    clone.commit("high one")
    clone.upstream({"other.txt": "somebody's"})
    return clone


def with_submodule(clone: Clone) -> Path:
    source = clone.path.parent / "source"
    Runner().run("init", "-q", str(source))
    Runner(source).run("commit", "-q", "--allow-empty", "-m", "one")
    clone.git.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "sub")
    clone.git.run("commit", "-q", "-m", "submodule")
    return clone.path / "sub"


def test_1_other_branches_of_the_stack_stay_where_they_are(stack: Clone) -> None:
    stack.git.run("config", "rebase.updateRefs", "true")
    low, high = (stack.git.query("rev-parse", name).text for name in ("low", "high"))
    assert stack.review("-y").code == 0
    assert [stack.git.query("rev-parse", name).text for name in ("low", "high")] == [low, high]
    stack.server.run("update-ref", "-d", "refs/for/main")
    assert stack.review("-y", "-F").code == 0
    assert stack.git.query("rev-parse", "low").text == low


def test_2_submodules_keep_their_edits_and_their_commit(clone: Clone) -> None:
    with_hook(clone)
    sub = with_submodule(clone)
    clone.git.run("config", "submodule.recurse", "true")
    (sub / "precious").write_text("not committed")
    Runner(sub).run("commit", "-q", "--allow-empty", "-m", "local")
    local = Runner(sub).query("rev-parse", "HEAD").text
    clone.upstream({"other.txt": "somebody's"})
    for flags in (("-n",), ()):
        assert clone.review(*flags).code == 0
        assert Runner(sub).query("rev-parse", "HEAD").text == local and (sub / "precious").exists()


def test_3_an_interrupt_leaves_head_where_it_was(stack: Clone) -> None:
    head = stack.head()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    stack.monkeypatch.setattr("git_review.git.applies._apart", interrupted)
    result = stack.review("-y")
    assert (result.code, stack.head()) == (130, head)
    assert "Traceback" not in result.text and stack.git.query("status", "--porcelain").text == ""


def test_4_a_dry_run_amends_nothing(clone: Clone) -> None:
    clone.commit("a change")
    (clone.path / "base.txt").write_text("staged")
    clone.git.run("add", "base.txt")
    before = clone.snapshot()
    assert clone.review("-n", "-R").code == 0
    assert clone.snapshot() == before


def test_5_fixups_are_not_squashed(stack: Clone) -> None:
    stack.git.run("config", "rebase.autosquash", "true")
    stack.commit("fixup! high one\n\nChange-Id: I" + "f" * 40)
    assert stack.review("-y", "-F").code == 0
    subjects = stack.git.query("log", "-3", "--format=%s").lines
    assert subjects == ["fixup! high one", "high one", "low one"]


def test_6_nothing_is_signed_to_be_thrown_away(stack: Clone, tmp_path: Path) -> None:
    script(tmp_path, "signer", f"echo called >> {tmp_path}/signed; exit 1")
    stack.git.run("config", "commit.gpgSign", "true")
    stack.git.run("config", "gpg.program", str(tmp_path / "signer"))
    assert stack.review("-y").code == 0
    assert not (tmp_path / "signed").exists()


def test_7_the_check_runs_no_hook_of_the_persons(stack: Clone, tmp_path: Path) -> None:
    for name in ("post-checkout", "post-commit", "post-rewrite", "pre-rebase", "pre-commit"):
        script(stack.path / ".git/hooks", name, f"echo {name} >> {tmp_path}/ran")
    words = f'while read old new ref; do echo "$ref" >> {tmp_path}/refs; done'
    script(stack.path / ".git/hooks", "reference-transaction", words)
    assert stack.review("-y").code == 0
    assert not (tmp_path / "ran").exists()
    moved = set((tmp_path / "refs").read_text().split())
    assert all(ref.startswith("refs/remotes/gerrit/") for ref in moved), moved


def test_8_merges_that_were_resolved_by_hand_do_not_conflict_again(clone: Clone) -> None:
    with_hook(clone).commit("mine", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    clone.git.run("fetch", "-q", "gerrit")
    clone.git.run("merge", "-q", "gerrit/main", ok=(1,))
    (clone.path / "base.txt").write_text("both\n")
    clone.git.run("commit", "-qam", "merge")
    clone.upstream({"other.txt": "more"})
    assert clone.review("-y").code == 0
    assert clone.pushed() == clone.head()


def test_9_the_hook_works_in_linked_work_trees(clone: Clone) -> None:
    tree = clone.path.parent / "linked"
    clone.git.run("worktree", "add", "-q", "-b", "linked", str(tree))
    main, clone.path, clone.git = clone.path, tree, Runner(tree)
    assert clone.review("-s").code == 0
    assert (main / ".git/hooks/commit-msg").exists()
    clone.commit("a change")
    assert change_id(clone.message()) is not None


def test_10_submodules_get_the_hook_at_the_first_setup_from_the_top_directory(clone: Clone) -> None:
    sub = with_submodule(clone)
    assert clone.review("-s").code == 0
    hook = clone.path / ".git/modules/sub/hooks/commit-msg"
    assert hook.stat().st_mode & 0o111
    Runner(sub).run("commit", "-q", "--allow-empty", "-m", "in the submodule\n\nbody")
    assert change_id(Runner(sub).query("log", "-1", "--format=%B").stdout) is not None


def test_11_several_commits_without_change_ids_all_get_one(clone: Clone) -> None:
    clone.commit("first")
    clone.commit("second")
    assert clone.review("-y").code == 0
    ids = {change_id(clone.message(name)) for name in ("HEAD", "HEAD^")}
    assert len(ids) == 2 and None not in ids
    assert clone.pushed() == clone.head()


def test_12_an_outdated_hook_is_refreshed_with_u(clone: Clone) -> None:
    clone.hook().write_text("#!/bin/sh\n# an old hook that adds a Change-Id\n")
    clone.hook().chmod(0o755)
    assert clone.review("-s", "-u").code == 0
    assert clone.hook().read_text() == COMMIT_MSG


@pytest.mark.parametrize("option", ["--reviewers", "--cc", "--hashtags"])
def test_13_white_space_in_a_name_is_exit_code_3(clone: Clone, option: str) -> None:
    result = clone.review(option, "a b")
    assert result.code == 3
    assert "Traceback" not in result.text and "white space" in result.err


@pytest.mark.parametrize("topic", ["two words", "it's", "a,wip"])
def test_14_a_topic_is_one_topic(clone: Clone, topic: str) -> None:
    head = with_hook(clone).commit("a change")
    script(Path(clone.server.directory or "") / "hooks", "pre-receive", 'echo "got:$GIT_PUSH_OPTION_0:" >&2')
    result = clone.review("-t", topic)
    assert (result.code, clone.pushed()) == (0, head)
    assert f"got:topic={topic}:" in result.out
    assert clone.server.query("for-each-ref", "--format=%(refname)", "refs/for").lines == ["refs/for/main"]


@pytest.mark.parametrize(
    ("name", "asked_for"),
    [
        ("cafe1234", "commit:cafe1234"),
        ("https://review.example.org/c/demo/project/+/7/1..2", "change:7"),
        ("https://review.example.org/#/c/7/2", "change:7"),
    ],
)
def test_15_names_are_asked_for_as_they_are_written(asked: Asked, name: str, asked_for: str) -> None:
    asked.answers(row(7, asked.patchset(7, 1, "one"), asked.patchset(7, 2, "two")))
    assert asked.clone.review("-d", name).code == 0
    assert asked_for in asked.words()[4].split()
    assert asked.clone.review("-d", "https://review.example.org/dashboard/self").code == 35


def test_16_a_branch_may_follow_reviewers(clone: Clone) -> None:
    clone.commit("a change")
    result = clone.review("-n", "--reviewers", "a", "b", "--", "main")
    assert result.out.rstrip().endswith("HEAD:refs/for/main%r=a,r=b")


@pytest.mark.parametrize(
    "version", ["git version 2.43.GIT", "git version 2.50.0-rc0", "git version 2.39.5 (Apple Git-154)"]
)
def test_17_unusual_version_texts_of_git(clone: Clone, tmp_path: Path, version: str) -> None:
    clone.commit("a change")
    words = f'[ "$1" = version ] || [ "$1" = --version ] && echo "{version}" && exit 0; exec {shutil.which("git")} "$@"'
    script(tmp_path / "bin", "git", words)
    clone.monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert clone.review("-n").code == 0


def test_18_ipv6_and_an_empty_answer(asked: Asked) -> None:
    asked.clone.git.run("remote", "set-url", "gerrit", "ssh://ann@[::1]:29418/demo/project")
    asked.answers(row(7))
    assert asked.clone.review("-l").code == 0
    assert "ann@::1" in asked.words()
    asked.says("")
    result = asked.clone.review("-l")
    assert result.code == 33
    assert "incomplete" in result.err and "index out of range" not in result.text


def test_19_no_editor_is_started(stack: Clone, tmp_path: Path) -> None:
    script(tmp_path, "editor", f"touch {tmp_path}/started; exit 1")
    stack.git.run("config", "sequence.editor", str(tmp_path / "editor"))
    stack.monkeypatch.setenv("GIT_SEQUENCE_EDITOR", str(tmp_path / "editor"))
    assert stack.review("-y", "-F").code == 0
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(("word", "checked"), [("yes", True), ("TRUE", True), ("on", True), ("no", False)])
def test_20_documented_settings_work_as_documented(clone: Clone, word: str, checked: bool) -> None:
    clone.commit("a change")
    clone.git.run("config", "gitreview.rebase", word)
    clone.git.run("config", "gitreview.host", "elsewhere.example.org")
    clone.git.run("remote", "remove", "gerrit")
    clone.monkeypatch.setenv("GIT_SSH", "false")
    result = clone.review("-s", "-v")
    assert "elsewhere.example.org" in result.text
    clone.git.run("remote", "add", "gerrit", f"file://{clone.server.directory}")
    assert ("merge-tree" in clone.review("-v").out) is checked


@pytest.mark.parametrize("stdin", ["", None])
def test_21_without_a_terminal_no_question_waits_or_breaks(clone: Clone, stdin: str | None) -> None:
    with_hook(clone).commit("first")
    clone.commit("second")
    result = clone.review(stdin=stdin)
    assert result.code == 1 and "--yes" in result.err and "Traceback" not in result.text
    assert clone.review("-y", stdin=stdin).code == 0
    clone.git.run("remote", "remove", "gerrit")
    clone.monkeypatch.setenv("GIT_SSH", "false")
    for flags in ((), ("-y",)):
        assert clone.review("-s", *flags, stdin=stdin).code == 40


@pytest.mark.parametrize("trouble", ["401", "500", "echo", "html"])
def test_22_passwords_are_in_no_error(clone: Clone, trouble: str) -> None:
    with FakeGerrit() as server:
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin:s3cret@") + "/a/demo/project")
        server.misbehave(*[trouble] * 4)
        result = clone.review("-l", "-v")
    assert result.code in (32, 33)
    assert "s3cret" not in result.text


def test_23_finish_with_a_detached_head_refuses_before_the_push(clone: Clone) -> None:
    clone.git.run("checkout", "-q", "--detach")
    with_hook(clone).commit("a change")
    assert (clone.review("-f").code, clone.pushed()) == (68, None)
    assert clone.git.query("rev-parse", "main").status == 0


def test_24_a_patchset_may_be_downloaded_and_then_compared(asked: Asked) -> None:
    one, two = asked.patchset(9, 1, "one", {"a": "1"}), asked.patchset(9, 2, "two", {"a": "2"})
    asked.answers(row(9, one, two))
    assert asked.clone.review("-d", "9,1").code == 0
    assert asked.clone.review("-m", "9,1").code == 0


def test_25_each_exit_code_means_one_thing(asked: Asked) -> None:
    table = re.findall(r"^((?:[0-9]+ ?)+) +(\S.*)$", codes or "", re.MULTILINE)
    numbers = [number for line, _ in table for number in line.split()]
    assert len(numbers) == len(set(numbers)) and {"67", "68", "70", "72", "73", "74", "75"} <= set(numbers)
    git = asked.clone.git
    asked.answers(row(9, asked.patchset(9, 1, "theirs", {"base.txt": "theirs\n"}), id=CHANGE_ID))
    asked.clone.commit("mine", {"base.txt": "mine\n"})
    assert asked.clone.review("-x", "9").code == 74
    git.run("cherry-pick", "--abort")
    git.run("branch", "review/9", "main")
    git.run("config", "branch.review/9.remote", "gerrit")
    git.run("config", "branch.review/9.merge", "refs/heads/other")
    assert asked.clone.review("-d", "9").code == 75
