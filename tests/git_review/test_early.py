"""The connection for the push, opened early: through an ssh that is held as OpenSSH is; real git does the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_review.commands.context import Options, Rebase, prepare
from git_review.commands.early import begin
from git_review.git.early import Early, _advertised
from tests.git_review.conftest import Asked, Result
from tests.git_review.test_push import script, with_hook
from tests.patience import until


def connections(asked: Asked) -> list[str]:
    """What the server was asked to run, in order."""
    return [word.partition(" ")[0] for word in asked.words() if word.startswith(("gerrit query", "git-"))]


def noting_processes(asked: Asked) -> None:
    """Each ssh tells its process id."""
    program = asked.root / "fake-ssh"
    program.write_text(program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\necho $$ >> {asked.root}/pids\n"))


def left(asked: Asked) -> list[str]:
    """The processes of ssh that still run."""
    return [pid for pid in (asked.root / "pids").read_text().split() if Path(f"/proc/{pid}").exists()]


def changed(asked: Asked, before: str, after: str) -> None:
    """The ssh does something else."""
    program = asked.root / "fake-ssh"
    assert before in program.read_text()
    program.write_text(program.read_text().replace(before, after))


def said_by_both(asked: Asked, *args: str) -> tuple[Result, Result]:
    """What an upload says over an early connection, and over git's own."""
    asked.answers()
    head = asked.clone.commit("a change")
    early = asked.clone.review(*args)
    asked.clone.git.run("reset", "-q", "--hard", head)
    asked.clone.server.run("update-ref", "-d", "refs/for/main", ok=(0, 1, 128))
    script(asked.clone.hook().parent, "pre-push", "exit 0")
    return early, asked.clone.review(*args)


def test_an_upload_takes_two_connections(asked: Asked) -> None:
    asked.answers()
    noting_processes(asked)
    head = with_hook(asked.clone).commit("a change")
    result = asked.clone.review("-v")
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert sorted(connections(asked)) == ["gerrit", "git-receive-pack"]
    assert "(new)" in result.out and "Running: git push" in result.out
    assert "fake-ssh -p 29418 ann@review.example.org" in result.out and "LocalCommand" not in result.out
    assert left(asked) == []


def test_what_has_landed_meanwhile_is_fetched(asked: Asked) -> None:
    asked.answers()
    noting_processes(asked)
    head = with_hook(asked.clone).commit("a change")
    landed = asked.clone.upstream({"other": "theirs\n"})
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert asked.clone.git.query("rev-parse", "gerrit/main").text == landed
    assert sorted(connections(asked)) == ["gerrit", "git-receive-pack", "git-receive-pack", "git-upload-pack"]
    assert left(asked) == []


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_refusal_is_told_as_ever(asked: Asked, hook: str) -> None:
    with_hook(asked.clone)
    directory = asked.clone.server.directory
    assert directory is not None
    script(directory / "hooks", hook, "cat > /dev/null\necho 'no, not this one'; exit 3")
    early, plain = said_by_both(asked)
    assert early == plain
    assert early.code == 1 and "remote: no, not this one" in early.out, early.text


@pytest.mark.parametrize(
    "after", ["echo 'a word' >&2; exit 7", "exit 0", "echo 'first' >&2; echo 'then' >&2; exit 255"]
)
def test_words_and_status_of_ssh_are_passed_on(asked: Asked, after: str) -> None:
    """git takes a status other than 0 for a failure, though the server has said that all is well."""
    with_hook(asked.clone)
    before = f"git-receive-pack*) exec git-receive-pack {asked.clone.server.directory} ;;"
    changed(
        asked,
        before,
        f"git-receive-pack*) echo banner >&2; git-receive-pack {asked.clone.server.directory}; {after} ;;",
    )
    early, plain = said_by_both(asked)
    assert early == plain
    assert "banner" in early.out and (early.code == 0) == (after == "exit 0"), early.text


def test_a_failing_check_leaves_nothing_running_and_nothing_sent(asked: Asked) -> None:
    asked.answers()
    noting_processes(asked)
    with_hook(asked.clone).commit("a change", {"base.txt": "mine\n"})
    asked.clone.upstream({"base.txt": "theirs\n"})
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (1, None) and "merge conflict" in result.err, result.text
    (asked.clone.path / "base.txt").write_text("edited\n")
    assert "unstaged" in asked.clone.review().err
    assert left(asked) == []


def test_nothing_is_held_while_a_person_thinks(asked: Asked) -> None:
    asked.answers()
    with_hook(asked.clone).commit("one")
    head = asked.clone.commit("two")
    result = asked.clone.review(stdin="yes\n")
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert connections(asked).count("git-receive-pack") == 2


def test_an_ssh_that_would_have_to_ask_leaves_it_to_gits_own(asked: Asked) -> None:
    changed(
        asked,
        "for command;",
        'case " $* " in *git-receive*BatchMode=yes*|*BatchMode=yes*git-receive*) exit 255 ;; esac\nfor command;',
    )
    asked.answers()
    head = with_hook(asked.clone).commit("a change")
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert connections(asked).count("git-receive-pack") == 2 and "git-upload-pack" in connections(asked)


@pytest.mark.parametrize("first", ["Welcome to this host", "0007ab", "", "ffffab", "zzzz", "0000"])
def test_a_server_that_begins_strangely_is_left_to_git(asked: Asked, first: str) -> None:
    asked.answers()
    mark = asked.root / "asked-before"
    once = f'if ! [ -e {mark} ]; then : > {mark}; printf "%s" "{first}"; exit 0; fi'
    changed(asked, "git-receive-pack*)", f"git-receive-pack*) {once};")
    head = with_hook(asked.clone).commit("a change")
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert connections(asked).count("git-receive-pack") == 2


def test_a_connection_that_has_waited_for_long_is_not_used(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git_review.git.early.GOOD_FOR", 0.0)
    asked.answers()
    noting_processes(asked)
    head = with_hook(asked.clone).commit("a change")
    assert asked.clone.review().code == 0 and asked.clone.pushed() == head
    assert connections(asked).count("git-receive-pack") == 2 and "git-upload-pack" not in connections(asked)
    assert left(asked) == []


def one_at_a_time(asked: Asked) -> str:
    """The server does so; gives the line that waits for a turn."""
    turn = f"until mkdir {asked.root}/busy 2>/dev/null; do sleep 0.01; done; trap 'rmdir {asked.root}/busy' EXIT\n"
    changed(asked, 'case "$command" in\n    "gerrit', f'{turn}case "$command" in\n    "gerrit')
    changed(asked, "exec git-", "git-")
    changed(asked, "exit 9", "exit")
    return turn


@pytest.mark.parametrize("held", [True, False])
def test_a_server_that_does_one_thing_at_a_time(asked: Asked, held: bool) -> None:
    """An ssh that goes over another one's connection is not held; then the server is freed for the question."""
    turn = one_at_a_time(asked)
    if not held:
        changed(asked, 'sh -c "${command#LocalCommand=}"', ":")
        # The question comes when the server is at work for the connection already.
        later = f'case "$command" in gerrit*) until [ -e {asked.root}/busy ]; do sleep 0.01; done ;; esac'
        changed(asked, turn, f"{later}\n{turn}")
    asked.answers()
    head = with_hook(asked.clone).commit("a change")
    result = asked.clone.review("-v")
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert "(new)" in result.out, "the question was answered"
    assert connections(asked).count("git-receive-pack") == (1 if held else 2)


@pytest.mark.parametrize("why", ["not remembered", "moved"])
def test_a_fetch_waits_for_no_connection_of_ours(asked: Asked, why: str) -> None:
    one_at_a_time(asked)
    asked.answers()
    head = with_hook(asked.clone).commit("a change")
    if why == "moved":
        asked.clone.upstream({"other": "theirs"})
    else:
        asked.clone.git.run("update-ref", "-d", "refs/remotes/gerrit/main")
    asked.clone.git.run("config", "gitreview.timeout", "20")
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (0, head), result.text


@pytest.mark.parametrize("key", ["protocol.version", "core.sshCommand"])
def test_git_may_start_ssh_otherwise(asked: Asked, key: str) -> None:
    """With other words than foreseen git gets an ssh of its own; a command line of the person's is used for both."""
    value = "1" if key == "protocol.version" else f"LC_ALL=C '{asked.root}/fake-ssh' -o 'Tag=a b'"
    if key == "core.sshCommand":
        asked.clone.monkeypatch.delenv("GIT_SSH")
    asked.clone.git.run("config", key, value)
    asked.answers()
    head = with_hook(asked.clone).commit("a change")
    result = asked.clone.review()
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert connections(asked).count("git-receive-pack") == (2 if key == "protocol.version" else 1)


URL = "ssh://ann@review.example.org:29418/demo/project"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((), ("-p", "29418", "ann@review.example.org", "git-receive-pack '/demo/project'")),
        ((("remote.gerrit.url", "ssh://host/a/b.git"),), ("host", "git-receive-pack '/a/b.git'")),
        ((("remote.gerrit.pushurl", "ssh://host/b"),), None),
        (
            (("url.https://elsewhere/.insteadOf", "https://host/"),),
            ("-p", "29418", "ann@review.example.org", "git-receive-pack '/demo/project'"),
        ),
        ((("url.https://elsewhere/.insteadOf", "ssh://ann@"),), None),
        ((("url.ssh://other/.pushInsteadOf", "ssh://"),), None),
        ((("remote.gerrit.url", "ann@host:demo"),), None),
        ((("remote.gerrit.url", "ssh://host/~ann/demo"),), None),
        ((("remote.gerrit.url", "ssh://[::1]/demo"),), None),
        ((("remote.gerrit.url", "ssh://-oProxyCommand=x/demo"),), None),
        ((("remote.gerrit.url", "ssh://host/it's"),), None),
        ((("remote.gerrit.url", "https://host/demo"),), None),
        ((("remote.gerrit.receivepack", "other-receive-pack"),), None),
        ((("ssh.variant", "plink"),), None),
        ((("ssh.variant", "simple"),), None),
        ((("hook.mine.event", "pre-push"),), None),
    ],
)
def test_where_it_is_opened(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, settings: tuple[tuple[str, str], ...], words: tuple[str, ...] | None
) -> None:
    monkeypatch.delenv("GIT_SSH_VARIANT")
    monkeypatch.setenv("GIT_SSH", "/opt/bin/ssh")
    for key, value in settings:
        asked.clone.git.run("config", key, value)
    opened: list[tuple[str, ...]] = []
    monkeypatch.setattr(Early, "__init__", lambda self, runner, ssh, words: opened.append((*ssh, *words)))
    monkeypatch.chdir(asked.clone.path)
    begin(prepare(Options(), Silence()), Rebase.TEST)
    assert opened == ([] if words is None else [("/opt/bin/ssh", *words)])


@pytest.mark.parametrize("why", ["dry run", "rebase", "two URLs", "hook of the server", "hook", "no ssh", "local mode"])
def test_where_it_is_not(asked: Asked, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    if why == "two URLs":
        asked.clone.git.run("config", "--add", "remote.gerrit.url", URL)
    if why == "hook":
        script(asked.clone.hook().parent, "pre-push", "exit 0")
    if why == "no ssh":
        monkeypatch.delenv("GIT_SSH_VARIANT")
    if why == "local mode":
        monkeypatch.setenv("GITREVIEW_LOCAL_MODE", "")
    opened: list[object] = []
    monkeypatch.setattr(Early, "__init__", lambda self, *words: opened.append(words))
    monkeypatch.chdir(asked.clone.path)
    context = prepare(Options(dry_run=why == "dry run", remote_hook=why == "hook of the server"), Silence())
    begin(context, Rebase.FORCE if why == "rebase" else Rebase.TEST)
    assert opened == []


class Silence:
    """Nobody is told anything."""

    def warn(self, text: str) -> None:
        raise AssertionError(text)


def test_the_first_answer_is_read_in_pieces() -> None:
    whole = b"0013aaaa refs/x\0cap000bbbbb y\n0000"
    rows = [b"aaaa refs/x\0cap", b"bbbb y\n"]
    assert _advertised([whole]) == (rows, whole)
    assert _advertised(bytes([one]) for one in whole) == (rows, whole)
    for end in range(len(whole)):
        assert _advertised([whole[:end]]) == ([], b"")
    assert _advertised([whole + b"x"]) == ([], b"")


@pytest.mark.live  # more seconds than the fast suite has
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("place", ["question", "push"])
def test_nothing_is_left_of_an_upload_that_is_stopped(asked: Asked, stop: signal.Signals, place: str) -> None:
    asked.answers()
    noting_processes(asked)
    here = asked.root / "here"
    with_hook(asked.clone)
    if place == "question":
        changed(asked, '"gerrit query"*)', f'"gerrit query"*) : > {here}; exec sleep 1;')
    else:
        assert asked.clone.server.directory is not None
        script(asked.clone.server.directory / "hooks", "pre-receive", f"cat > /dev/null; : > {here}; sleep 1")
    asked.clone.commit("a change")
    words = [sys.executable, "-c", "from git_review.cli import main; main()"]
    with subprocess.Popen(words, cwd=asked.clone.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert until(here.exists)
        os.kill(child.pid, stop)
        child.communicate()
    assert place == "push" or child.returncode == (130 if stop is signal.SIGINT else -stop)
    assert until(lambda: left(asked) == [])
