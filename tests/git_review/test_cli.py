"""Command lines: what is taken, what is refused, exit codes; and setting up a remote."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from git_review.cli.arguments import expanded
from git_review.cli.table import OPTIONS
from git_review.errors import ReviewError
from git_review.pushspec import PushOptions, modest, push_words
from tests.git_review.conftest import Clone, run_program


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--cc a b -- main", "--cc=a --cc=b -- main"),
        ("--cc a b -n main", "--cc=a --cc=b -n main"),
        ("--revi=a main --top x", "--reviewers=a main --topic x"),
        ("--topic --cc --ye", "--topic --cc --yes"),
        ("-t --cc x", "-t --cc x"),
        ("-vd --cc x", "-vd --cc x"),
        ("-t--cc --cc x", "-t--cc --cc=x"),
        ("--se --dr --fo", "--setup --dry-run --force-rebase"),
        ("--stat --js", "--status --json"),
        ("--work", "--work-in-progress"),
        ("--color --color=never main", "--color=always --color=never main"),
        ("--color never main", "--color=never main"),
        ("--color main", "--color=always main"),
        ("--no-color --color=always", "--color=never --color=always"),
        ("-- --cc", "-- --cc"),
        ("--unknown x", "--unknown x"),
    ],
)
def test_long_options(given: str, meant: str) -> None:
    assert expanded(given.split(), OPTIONS) == meant.split()


@pytest.mark.parametrize("given", ["--ver", "--re", "--cc", "--cc -y"])
def test_ambiguous_and_empty_options(given: str) -> None:
    with pytest.raises(ReviewError) as caught:
        expanded(given.split(), OPTIONS)
    assert caught.value.exit_code == 2


def test_push_words_in_the_order_of_2_5_0() -> None:
    options = PushOptions("t", ("h1", "h2"), ("r",), ("c",), ("wip", "private"), "NONE", "a b")
    assert push_words("gerrit", "main", options, thin=False) == (
        *("push", "--no-follow-tags", "--no-thin", "gerrit"),
        "HEAD:refs/for/main%topic=t,t=h1,t=h2,r=r,cc=c,wip,private,notify=NONE,m=a+b",
    )


def test_an_implied_topic_needs_no_push_option_where_no_gerrit_is() -> None:
    implied = PushOptions(implied_topic="bug/1")
    assert push_words("gerrit", "main", implied)[2:] == ("-o", "topic=bug/1", "gerrit", "HEAD:refs/for/main")
    assert push_words("gerrit", "main", implied, apart=False)[2:] == ("gerrit", "HEAD:refs/for/main%topic=bug/1")
    assert modest(PushOptions(implied_topic="a b")).implied_topic is None
    assert modest(PushOptions(implied_topic="a b", free=("x",))).implied_topic == "a b"
    assert modest(PushOptions(implied_topic="a b", hashtags=("ü",))).implied_topic == "a b"


@pytest.mark.parametrize("topic", ["a b", "a,wip", "it's", "wait...", "x.lock", "a:b", "a~1", "ü", "end."])
def test_what_does_not_fit_into_a_ref_goes_as_a_push_option(topic: str) -> None:
    words = push_words("gerrit", "main", PushOptions(topic=topic, reviewers=("r",)))
    assert words == ("push", "--no-follow-tags", "-o", f"topic={topic}", "-o", "r=r", "gerrit", "HEAD:refs/for/main")


@pytest.mark.live
@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (("--bogus",), 2, "--bogus"),
        (("main", "extra"), 2, "extra"),
        (("-R", "-F"), 2, "exclude"),
        (("-T", "-t", "x"), 2, "exclude"),
        (("-w", "-W"), 2, "exclude"),
        (("-p", "-P"), 2, "exclude"),
        (("--track", "--no-track"), 2, "exclude"),
        (("--notify", "EVERYBODY"), 2, "NONE"),
        (("-t", 'a"b'), 2, "topic"),
        (("-t", "a\x1b[2J"), 2, "topic"),
        (("-x", "1", "-X", "1"), 2, "exclude"),
        (("-l", "--status"), 2, "exclude"),
        (("-m", "1,2", "-d", "1"), 2, "exclude"),
        (("-f", "--status"), 2, "exclude"),
        (("-s", "--status"), 2, "exclude"),
        (("--chain",), 2, "goes with -d"),
        (("--worktree", "x"), 2, "goes with -d"),
        (("--limit", "many", "-l"), 2, "no number"),
        (("--limit", "3"), 2, "goes with -l"),
        (("--start", "3", "-d", "1"), 2, "goes with -l"),
        (("--label", "Code-Review"), 2, "--label Code-Review+1"),
        (("--label", "Verified=1"), 2, "--label Code-Review+1"),
        (("--label", "Code-Review+1,submit"), 2, "--label Code-Review+1"),
        (("-R", "--base", "no-such"), 2, "is no commit here"),
        (("--query", "a\x1bb"), 2, "no query"),
        (("--view", "all"), 2, "needs-review"),
        (("-o", "a\nb"), 2, "value of -o"),
        (("--label", "a\x07"), 2, "value of --label"),
        (("-s", "--remote-hook"), 1, "leads to no Gerrit"),
        (("--reviewers", "a b"), 3, "white space"),
        (("--hashtags", "a\tb"), 3, "white space"),
        (("main%submit",), 2, "cannot be a branch"),
        (("a..b",), 2, "cannot be a branch"),
        (("-r", "--upload-pack=x"), 1, "remote"),
    ],
)
def test_refused_command_lines_upload_nothing(clone: Clone, args: tuple[str, ...], code: int, text: str) -> None:
    clone.commit("a change")
    before = clone.snapshot()
    result = clone.review(*args)
    assert result.code == code, result.text
    assert text in result.err and "\x1b" not in result.text
    assert (clone.snapshot(), clone.pushed()) == (before, None)


def test_outside_a_repository_and_in_a_bare_one(clone: Clone, tmp_path: Path) -> None:
    for place in (tmp_path, Path(clone.server.directory or "")):
        clone.path = place
        assert clone.review("-s").code == 70


def test_version_help_and_license_need_no_repository_and_read_no_settings(clone: Clone) -> None:
    (clone.path / ".gitreview").write_text("garbage")
    version = clone.review("--version")
    assert version.code == 0
    words = version.out.split()
    assert words[:2] == ["git-review", "version"] and words[2:] == [words[-1]], (
        "Weblate takes the last, others the third"
    )
    assert re.fullmatch(r"2\.5\.0\+gatelocal(\.[a-z0-9]+)+", words[-1]), "a version by PEP 440, not below 1.27.0"
    assert "--dry-run" in clone.review("--help").out
    assert "Apache" in clone.review("--license").out
    broken = clone.review()
    assert (broken.code, "line 1" in broken.err) == (1, True)


def test_mistakes_become_a_log_file_and_no_traceback(clone: Clone, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("https://ann:secret@host/ went wrong")

    clone.monkeypatch.setattr("git_review.commands.run", broken)
    clone.monkeypatch.setenv("TMPDIR", str(tmp_path))
    clone.monkeypatch.setattr("tempfile.tempdir", None)
    result = clone.review()
    assert result.code == 3
    assert "Traceback" not in result.text
    (log,) = tmp_path.glob("git-review-*.log")
    assert str(log) in result.err and log.stat().st_mode & 0o077 == 0
    assert "RuntimeError" in log.read_text() and "secret" not in log.read_text()


def test_interrupt(clone: Clone) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    clone.monkeypatch.setattr("git_review.commands.run", interrupted)
    assert clone.review().code == 130


def test_no_remote_and_no_settings(clone: Clone) -> None:
    clone.git.run("remote", "remove", "gerrit")
    (clone.path / ".gitreview").unlink()
    result = clone.review("-s")
    assert result.code == 1
    assert ".gitreview" in result.err


@pytest.fixture
def fresh(clone: Clone, tmp_path: Path) -> Clone:
    """No remote yet; the settings' host is an ssh that serves the bare repository to ann only."""
    clone.git.run("remote", "remove", "gerrit")
    ssh = tmp_path / "ssh-for-ann"
    ssh.write_text(
        '#!/bin/sh\ncase "$*" in *ann@review.example.org*) exec git-upload-pack '
        f"{clone.server.directory} ;; *) echo Permission denied >&2; exit 255 ;; esac\n"
    )
    ssh.chmod(0o755)
    clone.monkeypatch.setenv("GIT_SSH", str(ssh))
    clone.monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    return clone


def test_setup_makes_remote_and_hook_and_says_so_once(fresh: Clone) -> None:
    fresh.git.run("config", "gitreview.username", "ann")
    first = fresh.review("-s")
    assert first.code == 0, first.text
    url = fresh.git.query("remote", "get-url", "gerrit").text
    assert url == "ssh://ann@review.example.org:29418/demo/project.git"
    assert url in first.out and fresh.hook().exists()
    assert fresh.git.query("rev-parse", "gerrit/main").status == 0
    assert (fresh.review("-s").code, fresh.review("-s").out) == (0, "")


def test_user_name_is_asked_for_once(fresh: Clone) -> None:
    fresh.git.run("config", "gitreview.username", "bob")
    assert fresh.review("-s", stdin="ann\n").code == 0
    assert "ann@" in fresh.git.query("remote", "get-url", "gerrit").text


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("ssh://ann@Review.example.org:29418/demo/project", 0),
        ("ann@review.example.org:demo/project", 0),
        ("ssh://ann@review.example.org:22/demo/project", 40),
        ("ssh://ann@mirror.example.org:29418/demo/project", 40),
        ("https://ann@review.example.org/demo/project", 40),
    ],
)
def test_user_name_of_origin_is_known_where_it_is_the_same_server(fresh: Clone, origin: str, code: int) -> None:
    fresh.monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    fresh.git.run("remote", "add", "origin", origin)
    assert fresh.review("-s").code == code
    if not code:
        fresh.git.run("remote", "remove", "gerrit")
        fresh.git.run("config", "gitreview.username", "bob")
        assert fresh.review("-s").code == 40, "what is set comes first"


@pytest.mark.parametrize("answer", ["", "eve\n"])
def test_no_user_name_is_let_in(fresh: Clone, answer: str) -> None:
    fresh.git.run("config", "gitreview.username", "bob")
    result = fresh.review("-s", stdin=answer)
    assert result.code == 40
    assert "Permission denied" in result.err
    assert fresh.git.query("remote").text == ""


def test_dry_run_of_the_first_time_changes_nothing(fresh: Clone) -> None:
    fresh.git.run("config", "gitreview.username", "ann")
    fresh.commit("a change")
    fresh.upstream({"other.txt": "theirs"})
    before = fresh.snapshot()
    result = fresh.review("-n")
    assert result.code == 0, result.text
    assert result.out.rstrip().endswith("git push --no-follow-tags gerrit HEAD:refs/for/main")
    assert fresh.snapshot() == before


def test_push_url_of_origin_instead_of_a_second_remote(fresh: Clone) -> None:
    fresh.git.run("config", "gitreview.username", "ann")
    assert fresh.review("-s", "--use-pushurl").code == 1
    fresh.git.run("remote", "add", "origin", f"file://{fresh.server.directory}")
    assert fresh.review("-s", "--use-pushurl").code == 0
    assert fresh.git.query("remote", "get-url", "--push", "origin").text.startswith("ssh://ann@review.example.org")
    assert fresh.git.query("remote").lines == ["origin"]


def test_installed_command(clone: Clone) -> None:
    program = Path(sys.executable).with_name("git-review")
    if not program.exists():
        pytest.skip("the console script is not installed beside this Python")
    clone.commit("a change")
    assert run_program([str(program), "-n"], clone.path).out.rstrip().endswith("HEAD:refs/for/main")
