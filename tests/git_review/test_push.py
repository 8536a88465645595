"""`git review`: what goes up, what is refused, and what stays as it was; the server is a bare repository."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_review.git.trailers import change_id
from git_review.hooks import COMMIT_MSG
from tests.git_review.conftest import Clone


def with_hook(clone: Clone) -> Clone:
    clone.hook().write_text(COMMIT_MSG)
    clone.hook().chmod(0o755)
    return clone


def test_head_goes_up_for_the_projects_branch(clone: Clone) -> None:
    head = with_hook(clone).commit("a change")
    result = clone.review()
    assert (result.code, clone.pushed(), clone.head()) == (0, head, head), result.text
    assert "refs/for/main" in result.out


def test_branch_argument(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    clone.server.run("branch", "stable/1", "main")
    assert clone.review("stable/1").code == 0
    assert clone.pushed("stable/1") == clone.head()


def test_missing_hook_is_installed_and_only_heads_message_is_amended(clone: Clone) -> None:
    clone.commit("a change")
    (clone.path / "base.txt").write_text("staged")
    clone.git.run("add", "base.txt")
    before = clone.git.query("rev-parse", "HEAD^{tree}").text
    result = clone.review("-R")
    assert result.code == 0, result.text
    assert change_id(clone.message()) is not None
    assert clone.git.query("rev-parse", "HEAD^{tree}").text == before
    assert clone.git.query("diff", "--cached", "--name-only").lines == ["base.txt"]
    assert clone.hook().read_text() == COMMIT_MSG
    assert clone.pushed() == clone.head()


def test_head_with_a_change_id_is_not_amended_when_the_hook_was_missing(clone: Clone) -> None:
    head = clone.commit("a change\n\nChange-Id: I" + "a" * 40)
    assert clone.review().code == 0
    assert clone.head() == head


def test_series_without_change_ids_gets_them_and_nothing_else_changes(clone: Clone) -> None:
    clone.commit("first")
    clone.git.run("commit", "-q", "--allow-empty", "-m", "middle\n\nbody\n\nChange-Id: I" + "b" * 40)
    clone.commit("last\n\nSigned-off-by: Ann <ann@example.org>")
    (clone.path / "base.txt").write_text("edited")
    shape = "--format=%T %an %ae %ad %cn %cd %s"
    before = clone.git.query("log", shape).lines
    assert clone.review("-R").code == 1, "nobody answers"
    assert clone.git.query("log", shape).lines == before
    result = clone.review("-y", "-R")
    assert result.code == 0, result.text
    assert clone.git.query("log", shape).lines == before
    assert [change_id(clone.message(name)) is not None for name in ("HEAD", "HEAD^", "HEAD^^")] == [True] * 3
    assert change_id(clone.message("HEAD^")) == "I" + "b" * 40
    assert clone.message().rstrip().endswith("Signed-off-by: Ann <ann@example.org>")
    assert (clone.path / "base.txt").read_text() == "edited"
    assert clone.pushed() == clone.head()
    assert clone.git.query("symbolic-ref", "HEAD").text == "refs/heads/topic"


def test_one_without_a_change_id_below_head_is_asked_for(clone: Clone) -> None:
    clone.commit("first")
    with_hook(clone).commit("second")
    second = change_id(clone.message())
    assert "1 of them has no Change-Id" in clone.review(stdin="no").out
    assert clone.review(stdin="yes").code == 0
    assert change_id(clone.message()) == second
    assert change_id(clone.message("HEAD^")) not in (None, second)


def test_new_change_id_for_head_only(clone: Clone) -> None:
    with_hook(clone).commit("first")
    clone.commit("second\n\nbody")
    before = [change_id(clone.message(name)) for name in ("HEAD", "HEAD^")]
    tree = clone.git.query("rev-parse", "HEAD^{tree}").text
    snapshot = clone.snapshot()
    assert clone.review("-n", "-i", "-R").code == 0
    assert clone.snapshot() == snapshot
    assert clone.review("-y", "-i").code == 0
    after = [change_id(clone.message(name)) for name in ("HEAD", "HEAD^")]
    assert after[0] not in (None, before[0]) and after[1] == before[1]
    assert clone.git.query("rev-parse", "HEAD^{tree}").text == tree


def test_same_change_id_twice_is_refused(clone: Clone) -> None:
    double = "\n\nChange-Id: I" + "c" * 40
    clone.commit("first" + double, {"a": "1"})
    clone.commit("second" + double, {"b": "1"})
    result = clone.review("-y", "--force")
    assert (result.code, clone.pushed()) == (1, None)
    assert "same Change-Id" in result.err and "first" in result.err


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("YES \n", 0), ("y\n", 1), ("no\n", 1), ("", 1)])
def test_several_commits_are_confirmed_from_a_pipe(clone: Clone, answer: str, code: int) -> None:
    with_hook(clone).commit("first")
    head = clone.commit("second")
    result = clone.review(stdin=answer)
    assert result.code == code
    assert "You are about to submit multiple commits." in result.out
    assert "Type 'yes' to confirm" in result.out
    assert "first" in result.out and "second" in result.out
    assert clone.pushed() == (head if code == 0 else None)
    if not answer:
        assert "--yes" in result.err


def test_an_interrupt_at_a_question_is_a_no(clone: Clone) -> None:
    with_hook(clone).commit("first")
    clone.commit("second")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    clone.monkeypatch.setattr("git_review.cli.terminal.Terminal.read", interrupted)
    result = clone.review()
    assert (result.code, clone.pushed()) == (1, None)
    assert "Aborting" in result.err


def test_closed_standard_input_is_nobody(clone: Clone) -> None:
    with_hook(clone).commit("first")
    clone.commit("second")
    result = clone.review(stdin=None)
    assert (result.code, clone.pushed()) == (1, None)
    assert "--yes" in result.err


def test_yes_asks_nothing(clone: Clone) -> None:
    with_hook(clone).commit("first")
    clone.commit("second")
    for flags in (("-n",), ()):
        result = clone.review("--yes", *flags, stdin=None)
        assert result.code == 0
        assert "Type 'yes'" not in result.out and "You are about to submit multiple commits." not in result.out


def test_nothing_new_is_a_success_and_nothing_is_pushed(clone: Clone) -> None:
    for flags in ((), ("-y",), ("-R",), ("-n",)):
        result = clone.review(*flags)
        assert (result.code, clone.pushed()) == (0, None)
        assert "No new changes" in result.out


def test_commits_of_another_branch_are_asked_about(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    clone.git.run("push", "-q", "gerrit", "HEAD:refs/heads/other")
    clone.git.run("fetch", "-q", "gerrit")
    result = clone.review()
    assert (result.code, clone.pushed()) == (1, None)
    assert "No commit of HEAD is new" in result.out and "--yes" in result.err
    assert clone.review("-y").code == 0
    assert clone.pushed() == clone.head()


def test_dry_run_changes_nothing_and_ends_with_the_push(clone: Clone) -> None:
    clone.commit("a change")
    clone.upstream({"other.txt": "somebody's"})
    before = clone.snapshot()
    result = clone.review("-n", "-t", "zat")
    assert result.code == 0
    assert (
        result.out.rstrip().splitlines()[-1].strip() == "git push --no-follow-tags gerrit HEAD:refs/for/main%topic=zat"
    )
    assert clone.snapshot() == before
    assert clone.pushed() is None


def test_dry_run_tells_what_it_would_ask_about_and_asks_nothing(clone: Clone) -> None:
    with_hook(clone).commit("first")
    clone.commit("second")
    told = clone.review("-n").out
    assert "You are about to submit multiple commits." in told and "first" in told
    assert "?" not in told and "Type 'yes'" not in told


def test_dry_run_tells_of_a_conflict_and_changes_nothing(clone: Clone) -> None:
    clone.commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    before = clone.snapshot()
    result = clone.review("-n")
    assert result.code == 1
    assert "base.txt" in result.err
    assert clone.snapshot() == before


def test_dry_run_quotes_what_a_shell_would_take_apart(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    result = clone.review("-n", "-R", "-t", "two words, a comma")
    last = result.out.rstrip().splitlines()[-1].strip()
    assert last == "git push --no-follow-tags -o 'topic=two words, a comma' gerrit HEAD:refs/for/main"


def test_conflict_in_the_middle_of_a_series_is_found(clone: Clone) -> None:
    """The tip alone merges cleanly: the second commit takes back what the first one changed."""
    with_hook(clone)
    base = (clone.path / "base.txt").read_text()
    first = clone.commit("changes it", {"base.txt": "mine\n"})
    clone.commit("takes it back", {"base.txt": base})
    clone.upstream({"base.txt": "theirs\n"})
    before = clone.snapshot()
    result = clone.review("-y")
    assert result.code == 1
    assert "Errors running git rebase --rebase-merges -i remotes/gerrit/main" in result.err
    assert "It is likely that your change has a merge conflict" in result.err
    assert first[:10] in result.err and "changes it" in result.err and "base.txt" in result.err
    assert clone.pushed() is None
    assert clone.snapshot()[1:3] == before[1:3]


def test_commits_that_still_apply_go_up_as_they_are(clone: Clone) -> None:
    head = with_hook(clone).commit("a change")
    clone.upstream({"other.txt": "somebody's"})
    result = clone.review("-v")
    assert (result.code, clone.pushed(), clone.head()) == (0, head, head)
    assert "Running: git rebase --rebase-merges -i remotes/gerrit/main" in result.out
    assert "Running: git push" in result.out


def test_no_scratch_objects_remain(clone: Clone) -> None:
    with_hook(clone).commit("a change", {"base.txt": "one\ntwo\nthree\nfour\n"})
    clone.upstream({"base.txt": "zero\none\ntwo\nthree\n"})
    clone.review("-n")
    before = set((clone.path / ".git/objects").rglob("*"))
    assert clone.review("-n").code == 0
    assert set((clone.path / ".git/objects").rglob("*")) == before


def test_hand_resolved_merges_are_no_conflict(clone: Clone) -> None:
    with_hook(clone).commit("mine", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    clone.git.run("fetch", "-q", "gerrit")
    clone.git.run("merge", "-q", "gerrit/main", ok=(1,))
    (clone.path / "base.txt").write_text("both\n")
    clone.git.run("commit", "-qam", "merge")
    clone.upstream({"other.txt": "more"})
    assert clone.review("-n", "-y").code == 0
    clone.commit("on top", {"base.txt": "on top\n"})
    assert clone.review("-n", "-y").code == 0
    clone.upstream({"base.txt": "theirs again\n"})
    assert "base.txt" in clone.review("-n", "-y").err


def test_unrelated_history(clone: Clone) -> None:
    clone.git.run("checkout", "-q", "--orphan", "other")
    with_hook(clone).commit("root")
    result = clone.review("-y")
    assert result.code == 1
    assert "no history in common" in result.err


def test_skipped_check_asks_nothing_of_the_server_and_never_says_the_word(clone: Clone) -> None:
    with_hook(clone).commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    (clone.path / "base.txt").write_text("dirty")
    result = clone.review("-R", "-v")
    assert result.code == 0
    assert "rebase" not in result.text and "fetch" not in result.text


def test_setting_that_turns_the_check_off(clone: Clone) -> None:
    with_hook(clone).commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    clone.git.run("config", "gitreview.rebase", "off")
    assert clone.review().code == 0


def test_force_rebase_keeps_the_rebase(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    landed = clone.upstream({"other.txt": "somebody's"})
    assert clone.review("-F").code == 0
    assert clone.git.query("rev-parse", "HEAD^").text == landed
    assert clone.pushed() == clone.head()


def test_force_rebase_that_conflicts_is_undone(clone: Clone) -> None:
    head = with_hook(clone).commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    result = clone.review("-F")
    assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
    assert "It is likely that your change has a merge conflict" in result.err
    assert "interactive rebase" not in clone.git.query("status").text


def test_keep_rebase_leaves_the_conflict_in_the_tree(clone: Clone) -> None:
    with_hook(clone).commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    result = clone.review("-K")
    assert result.code == 1
    assert "interactive rebase in progress" in clone.git.query("status").text


@pytest.mark.parametrize(("stage", "text"), [(False, "You have unstaged"), (True, "You have uncommitted")])
def test_local_edits_are_refused(clone: Clone, stage: bool, text: str) -> None:
    with_hook(clone).commit("a change")
    (clone.path / "base.txt").write_text("edited")
    if stage:
        clone.git.run("add", "base.txt")
    result = clone.review()
    assert (result.code, clone.pushed()) == (1, None)
    assert f"{text} changes. Please" in result.err
    assert (clone.path / "base.txt").read_text() == "edited"


def test_missing_branch(clone: Clone) -> None:
    clone.commit("a change")
    for flags in ((), ("-n",)):
        result = clone.review("new_branch", *flags)
        assert result.code == 1
        assert "The branch 'new_branch' does not exist on the given remote 'gerrit'" in result.err


def test_server_gone(clone: Clone) -> None:
    clone.commit("a change")
    Path(clone.server.directory or "").rename(clone.path.parent / "away")
    result = clone.review()
    assert result.code == 1
    assert "-R" in result.err
    assert clone.review("-R").code == 128, "git push's own status"


def test_refused_push_relays_the_servers_words_and_its_status(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    hook = Path(clone.server.directory or "") / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nprintf 'not today\\033]0;owned\\007\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    result = clone.review()
    assert result.code == 1
    assert "remote: not today" in result.out
    assert "\x1b" not in result.text and "\x07" not in result.text


def test_push_options_arrive(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    hook = Path(clone.server.directory or "") / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\ni=0\nwhile [ $i -lt "$GIT_PUSH_OPTION_COUNT" ]; do\n'
        '    eval "echo got:\\$GIT_PUSH_OPTION_$i" >&2\n    i=$((i + 1))\ndone\n'
    )
    hook.chmod(0o755)
    result = clone.review("-t", "it's, a topic", "--reviewers", "ann", "bob@example.org", "-w", "--message", "a_b c, ü")
    assert result.code == 0, result.text
    for word in ("topic=it's, a topic", "r=ann", "r=bob@example.org", "wip", "m=a%5Fb+c%2C+%C3%BC"):
        assert f"got:{word}" in result.out


def test_finish_goes_back_and_removes_the_branch(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    result = clone.review("-f")
    assert result.code == 0
    assert "Switched to branch 'main'\nDeleted branch 'topic'\n" in result.out
    assert clone.git.query("branch", "--format=%(refname:short)").lines == ["main"]


@pytest.mark.parametrize("place", ["main", "--detach"])
def test_finish_without_a_branch_to_remove_uploads_nothing(clone: Clone, place: str) -> None:
    clone.git.run("checkout", "-q", place)
    with_hook(clone).commit("a change")
    result = clone.review("-f")
    assert (result.code, clone.pushed()) == (68 if place == "--detach" else 73, None)


def test_detached_head(clone: Clone) -> None:
    clone.git.run("checkout", "-q", "--detach")
    head = with_hook(clone).commit("a change")
    assert clone.review().code == 0
    assert clone.pushed() == head
    assert clone.review("--track").code == 68


def test_no_commit_yet(clone: Clone) -> None:
    clone.git.run("checkout", "-q", "--orphan", "empty")
    clone.git.run("rm", "-rqf", ".")
    for flags in ((), ("-R",)):
        result = clone.review("main", *flags)
        assert result.code == 1
        assert "no commit to upload" in result.err


def test_tracking(clone: Clone) -> None:
    clone.server.run("branch", "stable", "main")
    clone.git.run("fetch", "-q", "gerrit")
    clone.git.run("checkout", "-q", "-b", "fix", "gerrit/stable")
    with_hook(clone).commit("a change")
    assert clone.review("--track").code == 0
    assert clone.pushed("stable") == clone.head()
    told = clone.review("--track", "-n", "-v").out
    assert "Following tracked gerrit/stable rather than default gerrit/main" in told
    assert clone.review("-n", "-R").out.rstrip().endswith("HEAD:refs/for/main")


def script(place: Path, name: str, text: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(f"#!/bin/sh\n{text}\n")
    (place / name).chmod(0o755)


def test_edits_are_refused_whatever_else_there_is_and_before_a_rebase_begins(clone: Clone) -> None:
    with_hook(clone).commit("a change", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    (clone.path / ".gitreview").write_text(clone.path.joinpath(".gitreview").read_text() + "# edited\n")
    for flags in ((), ("-K",), ("-F",), ("-n",), ("no-such-branch",)):
        assert "You have unstaged changes. Please" in clone.review(*flags).err
    assert "rebase in progress" not in clone.git.query("status").text


def test_custom_scripts_of_both_places_run_the_global_ones_first(clone: Clone, tmp_path: Path) -> None:
    with_hook(clone).commit("a change")
    log = tmp_path / "log"
    own = tmp_path / "nobody/.config/git-review/hooks"
    for place, name in ((own, "global"), (clone.path / ".git/hooks", "local")):
        for when in ("pre-review", "post-review"):
            script(place, when, f'echo {when} {name} "$#" "$PWD" >> {log}; cat >> {log}; echo quiet')
    result = clone.review()
    assert result.code == 0, result.text
    assert "quiet" not in result.text
    here = clone.path
    assert log.read_text().splitlines() == [
        f"{when} {name} 0 {here}" for when in ("pre-review", "post-review") for name in ("global", "local")
    ]
    log.unlink()
    assert clone.review("--no-custom-script").code == 0
    assert not log.exists()


def test_failing_script_stops_the_upload_after_the_others_have_run(clone: Clone, tmp_path: Path) -> None:
    with_hook(clone).commit("a change")
    script(tmp_path / "nobody/.config/git-review/hooks", "pre-review", "echo no way; exit 7")
    script(clone.path / ".git/hooks", "pre-review", f"touch {tmp_path}/second")
    result = clone.review()
    assert (result.code, clone.pushed()) == (71, None)
    assert "no way" in result.text and "--no-custom-script" in result.err
    assert (tmp_path / "second").exists()


def test_post_script_runs_after_a_failed_push_and_not_after_finish(clone: Clone, tmp_path: Path) -> None:
    with_hook(clone).commit("a change")
    script(clone.path / ".git/hooks", "post-review", f"touch {tmp_path}/after")
    script(Path(clone.server.directory or "") / "hooks", "pre-receive", "exit 1")
    assert clone.review().code == 1
    assert (tmp_path / "after").exists()
    (tmp_path / "after").unlink()
    (Path(clone.server.directory or "") / "hooks/pre-receive").unlink()
    assert clone.review("-f").code == 0
    assert not (tmp_path / "after").exists()


NOTHING_NEW = "while read old new ref; do echo 'remote rejected (no new changes)' >&2; done; exit 1"


def test_no_new_changes_from_the_server_is_a_success(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    script(Path(clone.server.directory or "") / "hooks", "pre-receive", NOTHING_NEW)
    result = clone.review()
    assert result.code == 0, result.text
    assert "No new changes" in result.out


def test_options_that_go_nowhere_are_no_success(clone: Clone, tmp_path: Path) -> None:
    with_hook(clone).commit("bug 12")
    script(Path(clone.server.directory or "") / "hooks", "pre-receive", NOTHING_NEW)
    script(clone.path / ".git/hooks", "post-review", f"touch {tmp_path}/after")
    assert clone.review().code == 0, "an implied topic is not asked for"
    result = clone.review("-W", "--reviewers", "ann", "-f")
    assert (result.code, "not applied: r=ann, ready" in result.err) == (1, True), result.text
    assert clone.git.query("symbolic-ref", "--short", "HEAD").text == "topic" and (tmp_path / "after").exists()
    told = json.loads(clone.review("--json", "-t", "foo").out)["error"]
    assert (told["exit_code"], told["details"]) == (1, "not applied: topic=foo")


@pytest.mark.parametrize("flags", [(), ("-n",)])
def test_with_nothing_new_the_script_runs_and_finish_finishes(
    clone: Clone, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    script(clone.path / ".git/hooks", "post-review", f"touch {tmp_path}/after")
    assert "No new changes" in clone.review(*flags).out
    assert (tmp_path / "after").exists()
    (tmp_path / "after").unlink()
    result = clone.review("-f", *flags)
    assert result.code == 0, result.text
    assert clone.git.query("branch", "--format=%(refname:short)").lines == (["main", "topic"] if flags else ["main"])
    assert (tmp_path / "after").exists() is bool(flags), "a dry run finishes nothing, and then the script runs"


def test_a_base_that_is_not_here_is_the_servers_affair(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    sha = "12" * 20
    assert clone.review("-n", "--base", sha).out.rstrip().endswith(f"HEAD:refs/for/main%base={sha}")
    assert clone.review("-n", "--base", "12121212").code == 2


def test_an_empty_name_is_nobody(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    result = clone.review("-n", "--cc", "", "--reviewers", "")
    assert result.out.rstrip().endswith("HEAD:refs/for/main"), result.text


@pytest.mark.parametrize("rows", [1, 2])
def test_notes_go_along_where_git_would_take_them_along(clone: Clone, rows: int) -> None:
    for row in range(rows):
        clone.commit(f"change {row}")
        clone.git.run("notes", "add", "-m", f"note {row}")
    clone.git.run("config", "notes.rewriteRef", "refs/notes/*")
    assert clone.review("-y").code == 0
    assert change_id(clone.message()) is not None
    names = ("HEAD", "HEAD^")[:rows]
    assert [clone.git.query("notes", "show", name).text for name in names] == [f"note {row}" for row in range(rows)][
        ::-1
    ]


def test_a_rebase_that_fails_without_a_conflict_is_not_called_one(clone: Clone, tmp_path: Path) -> None:
    head = with_hook(clone).commit("a change")
    clone.upstream({"other.txt": "somebody's"})
    script(tmp_path, "signer", "echo no key >&2; exit 1")
    clone.git.run("config", "commit.gpgSign", "true")
    clone.git.run("config", "gpg.program", str(tmp_path / "signer"))
    result = clone.review("-F")
    assert (result.code, clone.head(), clone.pushed()) == (1, head, None)
    assert "Errors running git rebase" in result.err and "merge conflict" not in result.err
    assert "rebase in progress" not in clone.git.query("status").text


@pytest.mark.parametrize(
    ("subject", "args", "topic"),
    [
        ("Closes-Bug: #12", (), "%topic=bug/12"),
        ("Closes-Bug: #12", ("-t", ""), ""),
        ("debug 3", (), ""),
        ("bug 12", ("-T",), ""),
        ("bug 12", ("-t", "mine"), "%topic=mine"),
        ("bug 12", ("-t", "main"), ""),
    ],
)
def test_topic_of_the_message(clone: Clone, subject: str, args: tuple[str, ...], topic: str) -> None:
    clone.commit(subject)
    last = clone.review("-n", *args).out.rstrip().splitlines()[-1].strip()
    assert last == f"git push --no-follow-tags gerrit HEAD:refs/for/main{topic}"


def test_a_server_without_push_options_takes_an_implied_topic(clone: Clone) -> None:
    clone.server.run("config", "receive.advertisePushOptions", "false")
    with_hook(clone).commit("bug 12")
    assert clone.review().code == 0
    clone.git.run("checkout", "-q", "-b", "it's,branch")
    clone.git.run("config", "gitreview.topic", "branch")
    clone.git.run("commit", "-q", "--amend", "-m", "refers to nothing")
    result = clone.review("-R", "--json")
    assert (result.code, json.loads(result.out)["topic"]) == (0, None), result.text


@pytest.mark.parametrize(
    ("key", "value", "topic"),
    [
        ("topic", "none", ""),
        ("topic", "branch", "%topic=topic"),
        ("topic", "BRANCH", "%topic=topic"),
        ("notopic", "true", ""),
    ],
)
def test_settings_for_topics(clone: Clone, key: str, value: str, topic: str) -> None:
    clone.commit("refers to nothing")
    clone.git.run("config", f"gitreview.{key}", value)
    last = clone.review("-n").out.rstrip().splitlines()[-1].strip()
    assert last == f"git push --no-follow-tags gerrit HEAD:refs/for/main{topic}"
    clone.git.run("config", "--unset-all", "gitreview.notopic", ok=(0, 5))
    clone.git.run("config", "gitreview.topic", "sometimes")
    assert "message, branch or none" in clone.review("-n").err


def test_json_is_all_that_standard_output_has(clone: Clone) -> None:
    with_hook(clone).commit("a \x1b[31mchange")
    result = clone.review("--json", "-v")
    assert result.code == 0, result.text
    told = json.loads(result.out)
    assert told["pushed"] is True and told["branch"] == "main"
    assert told["changes"][0]["commit"] == clone.head()
    assert "\x1b" not in result.text and "Running: git push" in result.err
    assert told["command"] == ["git", "push", "--no-follow-tags", "gerrit", "HEAD:refs/for/main"]
    dry = json.loads(clone.review("--json", "-n", "-R", "-t", "x").out)
    assert (dry["pushed"], dry["command"][-1]) == (False, "HEAD:refs/for/main%topic=x")
    refused = clone.review("--json", "no-such-branch")
    assert json.loads(refused.out)["error"]["exit_code"] == refused.code == 1


def test_all_of_gerrits_push_options(clone: Clone) -> None:
    with_hook(clone).commit("a change")
    base = clone.git.query("rev-parse", "HEAD^").text
    words = "--label Code-Review+1 --custom-keyed-value k:v --base HEAD^ --edit --submit --merged --publish-comments"
    words += " --notify-to ann --notify-cc bob --notify-bcc eve --ignore-attention-set --skip-validation"
    words += " --deadline 5m --trace T1 -o any=thing"
    last = clone.review("-n", *words.split()).out.rstrip().splitlines()[-1].strip()
    behind = "edit,submit,merged,publish-comments,ignore-automatic-attention-set-rules,skip-validation,l=Code-Review+1"
    for word in (*behind.split(","), "custom-keyed-value=k:v", f"base={base}", "notify-to=ann", "notify-cc=bob"):
        assert f"-o {word}" in last
    for word in ("notify-bcc=eve", "deadline=5m", "trace=T1", "any=thing"):
        assert f"-o {word}" in last
    plain = clone.review("-n", "--label", "Code-Review+1", "-o", "x y").out.rstrip().splitlines()[-1].strip()
    assert plain == "git push --no-follow-tags -o 'x y' gerrit HEAD:refs/for/main%l=Code-Review+1"


def test_control_characters_in_subjects_do_not_reach_the_terminal(clone: Clone) -> None:
    with_hook(clone).commit("first \x1b[31mred\x1b[m \u202eevil")
    clone.commit("second")
    result = clone.review()
    assert "\x1b" not in result.text and "\u202e" not in result.text
    assert "red" in result.out


def test_few_processes_and_no_heavy_import(clone: Clone) -> None:
    """The plain upload's road: at most eight git processes, and neither requests nor keyring nor GitPython."""
    with_hook(clone).commit("a change")
    trace = clone.path.parent / "trace"
    code = (
        "import os, sys; from git_review.cli import status; first = status(['-R']);"
        f" os.environ['GIT_TRACE'] = {str(trace)!r}; second = status(['-n']);"
        " print(sorted({'requests', 'keyring', 'git', 'json', 'urllib3'} & set(sys.modules))); sys.exit(first + second)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=clone.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("[]")
    lines = [line for line in trace.read_text().splitlines() if "built-in: git " in line]
    assert 0 < len([line for line in lines if "upload-pack" not in line]) <= 8


def without(clone: Clone, *commands: str) -> None:
    """A git that does not know the commands, as one before 2.38 does not know `merge-tree --write-tree`."""
    lines = "".join(f'case " $* " in *" {name} "*) exit 129 ;; esac\n' for name in commands)
    script(clone.path.parent / "old", "git", f'{lines}exec {shutil.which("git")} "$@"')
    clone.monkeypatch.setenv("PATH", str(clone.path.parent / "old"), prepend=":")


@pytest.mark.parametrize("theirs", ["zero\none\ntwo\nthree\n", "theirs\n"])
def test_git_without_merge_tree_tries_it_in_a_scratch_work_tree(clone: Clone, tmp_path: Path, theirs: str) -> None:
    """Nothing of the person's acts there: no hook, no signature, no squashing, no submodule, no work tree."""
    with_hook(clone).commit("a change", {"base.txt": "one\ntwo\nthree\nfour\n"})
    head = clone.commit("fixup! a change\n\nChange-Id: I" + "f" * 40, {"base.txt": "one\ntwo\nthree\nfive\n"})
    clone.upstream({"base.txt": theirs})
    for name in ("post-checkout", "pre-merge-commit", "post-merge", "pre-rebase", "post-rewrite", "post-commit"):
        script(clone.path / ".git/hooks", name, f"echo {name} >> {tmp_path}/ran")
    script(tmp_path, "signer", f"echo signer >> {tmp_path}/ran; exit 1")
    for key, value in (
        ("commit.gpgSign", "true"),
        ("gpg.program", str(tmp_path / "signer")),
        ("rebase.autosquash", "true"),
        ("merge.ff", "only"),
        ("submodule.recurse", "true"),
    ):
        clone.git.run("config", "--global", key, value)
    without(clone, "merge-tree")
    before = clone.snapshot()
    clean = theirs.startswith("zero")
    dry = clone.review("-n", "-y")
    assert (dry.code, clone.snapshot()) == (0 if clean else 1, before), dry.text
    result = clone.review("-y")
    assert (result.code, clone.pushed()) == ((0, head) if clean else (1, None)), result.text
    assert clean or "base.txt" in result.err
    assert clone.snapshot()[1:3] == before[1:3] and not (tmp_path / "ran").exists()
    assert not list((clone.path / ".git").glob("worktrees/*"))


def test_git_that_can_try_nothing_uploads_and_says_so(clone: Clone) -> None:
    head = with_hook(clone).commit("a change", {"base.txt": "one\ntwo\nthree\nfour\n"})
    clone.upstream({"base.txt": "zero\none\ntwo\nthree\n"})
    without(clone, "merge-tree", "merge")
    result = clone.review()
    assert (result.code, clone.pushed()) == (0, head)
    assert "without that check" in result.err
