"""A person's git settings, all the awkward ones at once, act on nothing that we run; what is theirs on purpose does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from git_review.git.errors import MergeConflict
from git_review.git.repo import locate
from git_review.git.runner import Runner
from git_review.git.scratch import in_memory
from git_review.pushspec import PushOptions, push_words
from tests.fakes.gerrit import FakeGerrit
from tests.git_review.conftest import CHANGE_ID, Asked, Clone, row
from tests.git_review.test_push import script, with_hook

pytestmark = pytest.mark.live  # more seconds than the fast suite has

NASTY = """
[color] ui = always
 advice = always
 branch = always
 diff = always
 push = always
 remote = always
 status = always
 transport = always
[column] ui = always
[core] abbrev = 4
 fsmonitor = /no/such/fsmonitor
 pager = false
 quotePath = true
 editor = false
[diff] external = false
 context = 0
 ignoreSubmodules = all
 mnemonicPrefix = true
 noprefix = true
 orderFile = /no/such/file
 relative = true
 renames = copies
 submodule = log
 wsErrorHighlight = all
[fetch] prune = true
 pruneTags = true
 recurseSubmodules = true
 output = compact
 writeCommitGraph = true
[format] pretty = %x00
[i18n] logOutputEncoding = ISO-8859-1
[interactive] diffFilter = false
[log] date = relative
 decorate = full
 follow = true
 showRoot = false
 showSignature = true
 abbrevCommit = true
 diffMerges = off
[merge] conflictStyle = diff3
 default = everything
 directoryRenames = false
 ff = only
 renames = false
[merge "everything"] driver = true
[pager] log = true
 diff = true
 config = true
[push] default = nothing
 followTags = true
 gpgSign = if-asked
 negotiate = true
 pushOption = merge_request.create
 recurseSubmodules = only
[remote] pushDefault = nowhere
[rerere] enabled = true
 autoUpdate = true
[status] branch = true
 relativePaths = true
 short = true
 showStash = true
 showUntrackedFiles = all
 submoduleSummary = true
[submodule] recurse = true
[tag] gpgSign = true
"""


@pytest.fixture
def nasty(clone: Clone, tmp_path: Path) -> Clone:
    """The clone of somebody who has set all of that for all repositories, and whose commits are told in Latin-1."""
    with_hook(clone)
    plain = tmp_path / "plain"
    plain.write_text((tmp_path / "nobody/.gitconfig").read_text())
    # What the test itself does with git is not to suffer.
    clone.git = Runner(clone.path, environment={"GIT_CONFIG_GLOBAL": str(plain)})
    with (tmp_path / "nobody/.gitconfig").open("a") as file:
        file.write(NASTY)
    return clone


def test_an_upload(nasty: Clone) -> None:
    (nasty.path / "sub").mkdir()
    nasty.git.run("tag", "-m", "a tag", "--no-sign", "local")
    head = nasty.commit("Ändere es", {"ä.txt": "ä\n"})
    nasty.monkeypatch.chdir(nasty.path / "sub")
    result = nasty.review("--json", "-v")
    assert result.code == 0, result.text
    assert nasty.pushed() == head and "\x1b" not in result.text
    assert json.loads(result.out)["changes"][0]["subject"] == "Ändere es"
    assert nasty.git.query("tag").lines == ["local"], "nothing here was pruned"
    assert nasty.server.query("tag").lines == [], "and no tag went along"


def test_a_dry_run_names_what_it_needs(nasty: Clone) -> None:
    nasty.commit("a change")
    line = nasty.review("-n").out.strip().splitlines()[-1]
    flags = "--no-follow-tags --no-recurse-submodules --signed=if-asked"
    assert line.strip() == f"git -c push.pushOption= push {flags} gerrit HEAD:refs/for/main"
    nasty.git.run("config", "remote.gerrit.mirror", "true")
    assert "-c remote.gerrit.mirror=false push" in nasty.review("-n").out


def test_what_is_not_set_needs_no_words() -> None:
    plain = ("push", "--no-follow-tags", "gerrit", "HEAD:refs/for/main")
    assert push_words("gerrit", "main", PushOptions(), git={"push.gpgsign": "false"}) == plain
    given = push_words("gerrit", "main", PushOptions(free=("x",)), git={"push.pushoption": "y"})
    assert given[:4] == ("push", "--no-follow-tags", "-o", "x"), "options that are given take the place of those set"


def test_local_edits_are_seen_from_a_subfolder(nasty: Clone) -> None:
    nasty.commit("a change", {"f": "1\n"})
    (nasty.path / "base.txt").write_text("edited\n")
    (nasty.path / "sub").mkdir()
    nasty.path /= "sub"
    result = nasty.review("-n")
    assert result.code == 1 and "You have unstaged changes" in result.err, result.text


def test_an_amend_for_a_commit_without_an_id(nasty: Clone) -> None:
    nasty.git.run("commit", "-q", "-n", "--allow-empty", "-m", "before the hook")
    nasty.hook().unlink()
    result = nasty.review("-y")
    assert result.code == 0 and "Amending the commit to add a Change-Id" in result.out, result.text


def test_a_conflict_is_one_whatever_merge_driver_is_set(nasty: Clone) -> None:
    """Its own driver would take the person's side of every file, and the server has none."""
    nasty.commit("mine", {"base.txt": "mine\n"})
    nasty.upstream({"base.txt": "theirs\n"})
    result = nasty.review("-n")
    assert (result.code, "base.txt" in result.err) == (1, True), result.text


def test_a_project_s_own_attributes_are_kept_in_the_trial(clone: Clone) -> None:
    clone.commit("attributes", {".gitattributes": "base.txt merge=union\n"})
    base = clone.head()
    ours = clone.commit("mine", {"base.txt": "one\ntwo\nthree\nmine\n"})
    clone.git.run("checkout", "-q", "-b", "other", base)
    theirs = clone.commit("theirs", {"base.txt": "one\ntwo\nthree\ntheirs\n"})
    with in_memory(clone.git, locate(clone.git)) as trial:
        assert len(trial.merge(ours, theirs)) == 40
    clone.git.run("rm", "-q", ".gitattributes")
    with in_memory(clone.git, locate(clone.git)) as trial, pytest.raises(MergeConflict):
        trial.merge(ours, theirs)


def test_a_moved_submodule_that_is_set_to_be_ignored_is_seen(clone: Clone) -> None:
    """Both sides move it: that is no upload that touches nothing of theirs."""
    clone.git.run("config", "submodule.lib.ignore", "all")
    mine, theirs = "1" * 40, "2" * 40
    (clone.path / ".gitmodules").write_text('[submodule "lib"]\n\tpath = lib\n\turl = ./lib\n\tignore = all\n')
    clone.git.run("add", ".gitmodules")
    clone.git.run("update-index", "--add", "--cacheinfo", f"160000,{'0' * 39}3,lib")
    clone.git.run("commit", "-q", "-m", "lib")
    clone.git.run("push", "-q", "gerrit", "HEAD:main")
    base = clone.head()
    for sha, where in ((theirs, "HEAD:main"), (mine, "")):
        clone.git.run("reset", "-q", "--soft", base)
        clone.git.run("update-index", "--cacheinfo", f"160000,{sha},lib")
        clone.git.run("commit", "-q", "-m", f"move it\n\nChange-Id: I{sha}")
        if where:
            clone.git.run("push", "-q", "gerrit", where)
    clone.git.run("update-ref", "refs/remotes/gerrit/main", base)
    result = clone.review("-y")
    assert result.code == 1 and "lib" in result.err, result.text


def test_lists_and_downloads(asked: Asked, tmp_path: Path) -> None:
    with (tmp_path / "nobody/.gitconfig").open("a") as file:
        file.write(NASTY)
    asked.answers(row(9, asked.patchset(9, 1, "theirs", {"a b.txt": "x\n"}), id=CHANGE_ID))
    plain = asked.clone.review("-l", "--color=never")
    assert plain.out.splitlines()[0] == "9  main  change 9"
    assert "\x1b" in asked.clone.review("-l").out, "color.ui = always is a wish for our own list"
    result = asked.clone.review("-d", "9")
    assert result.code == 0, result.text
    assert (asked.clone.path / "a b.txt").exists()


def test_comparison(asked: Asked, tmp_path: Path) -> None:
    with (tmp_path / "nobody/.gitconfig").open("a") as file:
        file.write(NASTY)
    patchsets = [asked.patchset(9, number, "theirs", {"f.txt": f"{number}\n"}) for number in (1, 2)]
    asked.answers(row(9, *patchsets, id=CHANGE_ID))
    result = asked.clone.review("-m", "9,1-2", "--color=never")
    assert result.code == 0, result.text
    assert "--- a/f.txt" in result.out and "-1" in result.out and "+2" in result.out


def test_update_prunes_nothing(nasty: Clone) -> None:
    nasty.git.run("branch", "gone")
    nasty.git.run("push", "-q", "gerrit", "gone:refs/heads/gone")
    nasty.git.run("fetch", "-q", "gerrit")
    nasty.server.run("update-ref", "-d", "refs/heads/gone")
    nasty.git.run("tag", "-m", "x", "--no-sign", "mine")
    nasty.git.run("config", "remote.gerrit.prune", "true")
    nasty.git.run("config", "remote.gerrit.pruneTags", "true")
    assert nasty.review("-s", "-u").code == 0
    assert nasty.git.query("for-each-ref", "--format=%(refname)", "refs/remotes/gerrit/gone", "refs/tags").lines == [
        "refs/remotes/gerrit/gone",
        "refs/tags/mine",
    ]


SHARED = "The hooks in"


@pytest.fixture
def shared_hooks(clone: Clone, tmp_path: Path) -> Path:
    """core.hooksPath for all of the person's repositories."""
    place = tmp_path / "all-hooks"
    place.mkdir()
    clone.git.run("config", "--global", "core.hooksPath", str(place))
    return place


def test_an_upload_leaves_hooks_of_all_repositories_alone(clone: Clone, shared_hooks: Path) -> None:
    clone.commit("without an id")
    result = clone.review("-y")
    assert result.code == 0 and f"{SHARED} {shared_hooks} are not those of this repository alone" in result.out
    assert "(core.hooksPath, global)" in result.out and list(shared_hooks.iterdir()) == []
    assert "Change-Id: I" in clone.message() and clone.pushed() == clone.head()


@pytest.mark.parametrize(
    ("args", "answer", "installed"), [((), "yes\n", True), (("-y",), "", True), ((), "no\n", False), ((), "", False)]
)
def test_setup_asks_before_all_repositories_get_the_hook(
    clone: Clone, shared_hooks: Path, args: tuple[str, ...], answer: str, installed: bool
) -> None:
    result = clone.review("-s", *args, stdin=answer)
    assert (result.code, (shared_hooks / "commit-msg").exists()) == (0, installed), result.text
    assert installed or "uploads add the Change-Ids that are missing" in result.out


@pytest.mark.parametrize("scope", ["--local", "--worktree"])
def test_a_hooks_folder_of_this_repository_s_own_choice_is_used(clone: Clone, tmp_path: Path, scope: str) -> None:
    clone.git.run("config", scope, "core.hooksPath", str(tmp_path / "chosen"))
    assert clone.review("-s", stdin="").code == 0
    assert (tmp_path / "chosen/commit-msg").exists()


def test_a_relative_hooks_folder_is_this_repository_s_whoever_set_it(clone: Clone) -> None:
    clone.git.run("config", "--global", "core.hooksPath", ".githooks")
    assert clone.review("-s", stdin="").code == 0
    assert (clone.path / ".githooks/commit-msg").exists()


@pytest.mark.parametrize("place", ["/dev/null", "/proc", "/dev/null/hooks"])
def test_an_upload_needs_no_place_for_hooks(clone: Clone, place: str) -> None:
    clone.commit("without an id")
    clone.git.run("config", "core.hooksPath", place)
    result = clone.review()
    assert result.code == 0 and "uploads add the Change-Ids that are missing" in result.text, result.text
    assert clone.message().count("Change-Id: I") == 1 and clone.pushed() == clone.head()
    assert clone.review("-s").code == 2, "to set up was to install it"


def test_a_bare_clone_with_a_work_tree(asked: Asked, tmp_path: Path) -> None:
    """It has no refspec, so git knows no remembered branches that could be an upstream."""
    clone = asked.clone
    clone.git.run("clone", "-q", "--bare", "-o", "gerrit", str(clone.server.directory), str(tmp_path / "bare.git"))
    clone.git.run("-C", str(tmp_path / "bare.git"), "worktree", "add", "-q", str(tmp_path / "tree"), "main")
    clone.git.run(
        "-C", str(tmp_path / "tree"), "remote", "set-url", "gerrit", "ssh://ann@review.example.org/demo/project"
    )
    asked.answers(row(9, asked.patchset(9, 1, "theirs"), id=CHANGE_ID))
    clone.path = tmp_path / "tree"
    result = clone.review("-d", "9")
    assert result.code == 0, result.text
    told = clone.git.query("-C", str(tmp_path / "tree"), "config", "--get-regexp", r"branch\.review/9\.").lines
    assert told == ["branch.review/9.remote gerrit", "branch.review/9.merge refs/heads/main"]


def test_a_clone_of_a_single_branch(asked: Asked) -> None:
    asked.clone.server.run("branch", "stable", "main")
    asked.clone.git.run("config", "remote.gerrit.fetch", "+refs/heads/stable:refs/remotes/gerrit/stable")
    asked.clone.git.run("update-ref", "-d", "refs/remotes/gerrit/main")
    asked.answers(row(9, asked.patchset(9, 1, "theirs"), id=CHANGE_ID))
    result = asked.clone.review("-d", "9")
    assert result.code == 0, result.text
    assert asked.clone.git.query("config", "branch.review/9.merge").text == "refs/heads/main"


def test_a_mirror_s_refspec_moves_no_branch(nasty: Clone) -> None:
    """Fetching the target branch must not move, or stumble over, the local branch of that name."""
    nasty.git.run("config", "remote.gerrit.fetch", "+refs/*:refs/*")
    nasty.git.run("checkout", "-q", "main")
    before = nasty.commit("a change")
    nasty.upstream({"other": "theirs"})
    assert nasty.review("-y").code == 0
    assert nasty.git.query("rev-parse", "main").text == before


def silent(clone: Clone, tmp_path: Path, name: str = "silent") -> Path:
    """An ssh that connects, and then nothing comes; it tells its own process id."""
    script(tmp_path, name, f"echo $$ >> {tmp_path}/pids\nexec sleep 60")
    return tmp_path / name


@pytest.mark.parametrize("args", [("-y",), ("-n",), ("-l",), ("-d", "9"), ("-s", "-u"), ("-s", "--remote-hook", "-u")])
def test_every_contact_has_a_limit(asked: Asked, tmp_path: Path, args: tuple[str, ...]) -> None:
    with_hook(asked.clone)
    asked.clone.commit("a change")
    asked.clone.git.run("config", "gitreview.timeout", "0.3")
    asked.clone.monkeypatch.setattr("git_review.git.watch.NOTICE", 0.1)
    asked.clone.monkeypatch.setenv("GIT_SSH", str(silent(asked.clone, tmp_path)))
    result = asked.clone.review(*args)
    assert result.code not in (0, 3, 130), result.text
    assert "0.3 s" in result.err and "Waiting for an answer to: " in result.err, result.text
    left = [Path(f"/proc/{pid}") for pid in (tmp_path / "pids").read_text().split()]
    patience = time.monotonic() + 20
    while any(place.exists() for place in left):
        assert time.monotonic() < patience, "git's ssh is left behind"
        time.sleep(0.01)


def test_a_push_may_be_silent_while_a_hook_runs(asked: Asked, tmp_path: Path) -> None:
    clone = with_hook(asked.clone)
    clone.commit("a change")
    clone.git.run("config", "gitreview.timeout", "0.5")
    slow = (tmp_path / "fake-ssh").read_text().replace("git-receive-pack*)", "git-receive-pack*) sleep 1;")
    (tmp_path / "fake-ssh").write_text(slow)
    asked.answers()
    result = clone.review("-y", "-R")
    assert result.code == 1 and "the upload was given up" in result.err, result.text
    script(clone.hook().parent, "pre-push", "sleep 1")
    assert clone.review("-y", "-R").code == 0 and clone.pushed() == clone.head()


def test_a_first_contact_that_is_silent_asks_for_no_name(asked: Asked, tmp_path: Path) -> None:
    asked.clone.git.run("remote", "remove", "gerrit")
    asked.clone.git.run("config", "gitreview.timeout", "0.3")
    asked.clone.monkeypatch.setenv("GIT_SSH", str(silent(asked.clone, tmp_path)))
    result = asked.clone.review("-s", stdin="ann\n")
    assert (result.code, "Enter your gerrit username" in result.out) == (40, False), result.text


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("ssh: connect to host h port 29418: Connection refused", "nothing answers there"),
        ("ssh: Could not resolve hostname h: Name or service not known", "no such host"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "no such host"),
        ("ssh: connect to host h port 29418: Connection timed out", "nothing answers there"),
        ("kex_exchange_identification: Connection closed by remote host", "no ssh server"),
    ],
)
def test_a_server_that_is_not_there_is_told_before_a_name_is_asked_for(clone: Clone, words: str, hint: str) -> None:
    clone.git.run("remote", "remove", "gerrit")
    script(clone.path.parent, "fake-ssh", f'echo "{words}" >&2; exit 255')
    clone.monkeypatch.setenv("GIT_SSH", str(clone.path.parent / "fake-ssh"))
    clone.monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    result = clone.review("-s", stdin="ann\n")
    assert (result.code, "Enter your gerrit username" in result.out) == (40, False), result.text
    assert hint in result.err and words in result.err


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("ssh://carol@review.example.org:29418/demo/project", "carol"),
        ("ssh://carol@review.example.org:29418/demo/other", "nobody"),
        ("ssh://carol@review.example.org:22/demo/project", "nobody"),
    ],
)
def test_any_remote_that_leads_to_the_project_knows_the_user(clone: Clone, url: str, user: str) -> None:
    clone.monkeypatch.setattr("getpass.getuser", lambda: "nobody")
    clone.git.run("remote", "remove", "gerrit")
    clone.git.run("remote", "add", "backup", f"file://{clone.server.directory}")
    clone.git.run("remote", "set-url", "--push", "backup", url)
    script(clone.path.parent, "fake-ssh", "echo Permission denied >&2; exit 255")
    clone.monkeypatch.setenv("GIT_SSH", str(clone.path.parent / "fake-ssh"))
    clone.monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    assert f"ssh://{user}@review.example.org" in clone.review("-s", stdin="").text


def test_an_endless_answer_by_ssh_is_given_up(asked: Asked, tmp_path: Path) -> None:
    asked.clone.monkeypatch.setattr("git_review.git.runner.LARGEST", 1 << 20)
    script(tmp_path, "flood", "exec cat /dev/zero")
    asked.clone.monkeypatch.setenv("GIT_SSH", str(tmp_path / "flood"))
    result = asked.clone.review("-l")
    assert result.code == 32 and "more than 1 MB" in result.err, result.text


def test_a_silent_server_by_http_is_named_while_it_is_waited_for(clone: Clone) -> None:
    clone.git.run("config", "gitreview.timeout", "0.5")
    clone.monkeypatch.setattr("git_review.commands.ask.NOTICE", 0.1)
    with FakeGerrit() as server:
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin:s3cret@") + "/a/demo/project")
        server.misbehave("silence")
        result = clone.review("-l")
    assert (result.code, "s3cret" in result.text) == (32, False)
    assert f"Waiting for an answer to: {server.url}, for at most 0.5 s" in result.err
