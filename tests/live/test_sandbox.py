"""The sandbox against real life: a Gerrit that takes changes, votes and submissions, and that leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal import process
from gatelocal.cli.sandbox import places, sandbox
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.sandbox import parts, seed, server, share, start
from gatelocal.sandbox.identity import Identity
from gatelocal.sandbox.site import INIT_PASSWORD
from gatelocal.sandbox.versions import DEFAULT, Part, Release
from git_review.gerrit import Auth, GerritError, connect
from git_review.gerrit.errors import Conflict, Forbidden, Unauthorized
from git_review.git.errors import GitFailed
from git_review.git.runner import Runner
from tests.patience import until

pytestmark = [pytest.mark.live, pytest.mark.gerrit]

VERSION = os.environ.get("GATELOCAL_GERRIT_VERSION", DEFAULT)


def upload(git: Runner, target: str = "refs/for/master") -> str:
    """Push one new commit; its Change-Id."""
    change_id = f"I{secrets.token_hex(20)}"
    git.run("commit", "-q", "--allow-empty", "-m", f"subject\n\nChange-Id: {change_id}")
    git.run("push", "origin", f"HEAD:{target}")
    return change_id


def as_user(gerrit, who: Identity, path: Path, url: str) -> Runner:
    environment = gerrit.server.environment(who)
    Runner(environment=environment, alone=True).run("clone", "-q", url, str(path))
    return Runner(path, environment=environment, alone=True)


def test_a_gated_project_wants_all_three_labels_and_a_service_user_submits(gerrit, tmp_path) -> None:
    project = gerrit.new_project(gated=True)
    developer, gate = gerrit.new_user(), gerrit.new_user("Service Users")
    url = gerrit.server.ssh_url(project, developer)
    change = upload(as_user(gerrit, developer, tmp_path / "clone", url))
    gerrit.client.changes.review(change, "current", labels={"Code-Review": 2})
    with pytest.raises(Conflict):
        gerrit.client.changes.submit(change, 1)
    with gerrit.server.client(developer) as mine:
        mine.changes.review(change, "current", labels={"Workflow": 1})
        with pytest.raises(GerritError):
            mine.changes.review(change, "current", labels={"Verified": 2})
        with pytest.raises(Forbidden):
            mine.changes.submit(change, 1)
    with gerrit.server.client(gate) as bot:
        bot.changes.review(change, "current", labels={"Verified": 2})
        bot.changes.submit(change, 1)
        assert bot.changes.get(change).status == "MERGED"


def test_an_ungated_project_wants_code_review_only(gerrit, tmp_path) -> None:
    change = upload(gerrit.clone(tmp_path / "clone"))
    with pytest.raises(Conflict):
        gerrit.client.changes.submit(change, 1)
    gerrit.client.changes.review(change, "current", labels={"Code-Review": 2})
    gerrit.client.changes.submit(change, 1)
    assert gerrit.client.changes.get(change).status == "MERGED"


def test_http_takes_changes_with_a_password_that_is_in_no_url(gerrit, tmp_path) -> None:
    developer = gerrit.new_user()
    url = gerrit.server.http_url(gerrit.project, developer)
    assert developer.password not in url
    change = upload(as_user(gerrit, developer, tmp_path / "clone", url))
    assert gerrit.client.changes.get(change).project == gerrit.project


def test_administrators_push_to_branches_and_users_do_not(gerrit, tmp_path) -> None:
    upload(gerrit.clone(tmp_path / "admin"), "refs/heads/master")
    developer = gerrit.new_user()
    git = as_user(gerrit, developer, tmp_path / "user", gerrit.server.ssh_url(gerrit.project, developer))
    with pytest.raises(GitFailed, match="push failed"):
        upload(git, "refs/heads/master")


def test_service_users_see_the_stream_of_events(gerrit, tmp_path) -> None:
    gate = gerrit.new_user("Service Users")
    it = gerrit.server
    argv = [*it.ssh(gate), "-p", str(it.ssh_port), "-l", gate.username, it.ssh_host, "gerrit", "stream-events"]
    stream = process.spawn(argv, log=tmp_path / "events")
    git = gerrit.clone(tmp_path / "clone")
    try:
        # Whoever listens is told only of what comes later, and not when the server has begun to listen.
        assert until(lambda: bool(upload(git)) and f'"{gerrit.project}"' in stream.last_words())
    finally:
        stream.stop()


def test_the_well_known_password_of_a_new_site_is_gone(gerrit) -> None:
    with pytest.raises(Unauthorized):
        connect(gerrit.server.url, auth=Auth("admin", INIT_PASSWORD)).accounts.get("self")
    assert gerrit.client.accounts.get("self").username == "admin"
    assert gerrit.server.admin.password_file.stat().st_mode & 0o777 == 0o600
    assert gerrit.server.directory.stat().st_mode & 0o777 == 0o700


def test_ports_that_others_took_are_left_to_them(tmp_path, monkeypatch) -> None:
    choose = server.free_ports
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        busy = other.getsockname()[1]
        answers = iter([(choose(1)[0], busy)])
        monkeypatch.setattr(server, "free_ports", lambda count: next(answers, None) or choose(count))
        one = start.start(VERSION, tmp_path / "sandbox", places(os.environ), said.append)
        try:
            assert "a port was taken in the meantime: trying others" in said
            assert busy not in (one.http_port, one.ssh_port)
        finally:
            one.remove()
    assert not one.is_running()
    assert not (tmp_path / "sandbox").exists()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError):
        start.start(VERSION, tmp_path, places(os.environ), lambda _: None)
    assert (tmp_path / "thesis.tex").exists()


PROGRAM = """
import os, sys, time
from pathlib import Path
from gatelocal.cli.sandbox import places
from gatelocal.sandbox.start import start
from gatelocal.sandbox.share import shared
kind, version, directory = sys.argv[1:]
if kind == "own":
    server = start(version, Path(directory), places(os.environ), lambda line: None)
    print(server.pid, flush=True)
    time.sleep(600)
else:
    with shared(version, Path(directory), places(os.environ)) as server:
        print(server.pid, flush=True)
        time.sleep(600)
"""


def parent(kind: str, directory: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that has a sandbox, and its Gerrit's process id."""
    argv = [sys.executable, "-c", PROGRAM, kind, VERSION, str(directory)]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def end(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def test_a_killed_parent_takes_its_gerrit_along(tmp_path) -> None:
    child, pid = parent("own", tmp_path / "sandbox")
    assert process.is_running(pid)
    end(child)
    assert until(lambda: not process.is_running(pid))


def test_a_shared_one_lives_as_long_as_its_last_user_however_that_ends(tmp_path) -> None:
    place = tmp_path / "shared"
    child, pid = parent("shared", place)
    with share.shared(VERSION, place, places(os.environ)) as same:
        assert same.pid == pid
        end(child)
        time.sleep(0.5)
        assert same.is_running()
        assert same.client().server.version()
    assert not same.is_running()
    assert not (place / "server").exists()
    child, pid = parent("shared", place)
    end(child)
    assert until(lambda: not process.is_running(pid) and not (place / "server").exists())
    assert until(lambda: not process.is_running(int((place / "guard.pid").read_text())))


def test_what_stops_a_shared_one_from_starting_is_told_to_its_users(tmp_path) -> None:
    with pytest.raises(InfrastructureError, match=r"does not know Gerrit 2\.16"):  # noqa: SIM117
        with share.shared("2.16", tmp_path / "shared", places(os.environ)):
            pass


def test_up_status_up_died_up_down(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))

    def call(*args: str) -> str:
        result = CliRunner().invoke(sandbox, list(args), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    try:
        call("up", "--version", VERSION)
        first = server.load(tmp_path / "state" / "sandbox")
        assert first is not None
        assert first.is_running()
        assert "is running already" in call("up")
        assert first.url in call("status")
        assert first.admin.password not in call("status")
        assert first.admin.password in call("status", "--show-password")
        with pytest.raises(InputError):
            call("up", "--version", next(r.version for r in parts.RELEASES if r.version != VERSION))
        os.kill(first.pid, signal.SIGKILL)
        assert until(lambda: not first.is_running())
        with pytest.raises(InfrastructureError, match="has died"):
            call("status")
        call("up", "--version", VERSION)
        second = server.load(tmp_path / "state" / "sandbox")
        assert second is not None
        environment = call("status", "--environment")
        seed.create_project(second, "one")
        script = f'{environment}\ngit ls-remote "{second.ssh_url("one")}" refs/heads/master'
        assert "refs/heads/master" in process.run(["sh", "-c", script]).stdout
        assert f"export GATELOCAL_GERRIT={second.url}\n" in environment
        assert "reviewer (reviewer@example.com)" in call("status")
        work = tmp_path / "work"
        process.run(["git", "init", "-q", "-b", "trunk", str(work)])
        who = ["-c", "user.name=A", "-c", "user.email=a@b"]
        process.run(["git", "-C", str(work), *who, "commit", "-q", "--allow-empty", "-m", "One"])
        assert "branch     trunk" in call("project", "demo/taken", "--from", str(work))
        script = f'{environment}\ngit ls-remote --symref "{second.ssh_url("demo/taken")}"'
        told = process.run(["sh", "-c", script]).stdout
        head = process.run(["git", "-C", str(work), "rev-parse", "HEAD"]).stdout.strip()
        assert "ref: refs/heads/trunk\tHEAD" in told and f"{head}\trefs/heads/trunk" in told
        call("project", "demo/empty")
        with pytest.raises(InputError, match="there is a project demo/empty already"):
            call("project", "demo/empty")
    finally:
        call("down")
    assert not second.is_running()
    assert not (tmp_path / "state" / "sandbox").exists()


def test_another_file_than_the_known_one_is_refused(tmp_path) -> None:
    small = Part("org.bouncycastle", "bcprov-jdk18on", "1.78.1", "pom", 1, "0" * 64)
    with pytest.raises(InfrastructureError, match="is not the file that the sandbox knows"):
        parts.obtain(Release("x", (17, 0, 0), (small,)), tmp_path, [], lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
