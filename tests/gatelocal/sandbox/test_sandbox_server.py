"""A sandbox's folder, state and addresses, without a Gerrit: what is written, read back, refused and removed."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.sandbox import server as servers
from gatelocal.sandbox import site
from gatelocal.sandbox.identity import Identity, keep_password, make_key, new_password, write_secret
from gatelocal.sandbox.java import Java
from gatelocal.sandbox.parts import Distribution
from gatelocal.sandbox.server import Server, load, save
from git_review.git.runner import Runner

NO_GERRIT = Distribution("0.0", (17, 0, 0), (Path("/nowhere/gerrit.war"),))


def quiet(_: str) -> None:
    pass


def server(directory: Path, pid: int = 2**22 + 1) -> Server:
    return Server(directory, "3.9.4", 8080, 29418, pid)


def test_a_saved_server_is_loaded_again_and_private(tmp_path: Path) -> None:
    save(server(tmp_path))
    assert load(tmp_path) == server(tmp_path)
    assert (tmp_path / site.STATE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"pid": 1}', '{"directory": 3}', '{"directory": "/", "x": 1}'])
def test_a_state_that_cannot_be_read_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / site.STATE).write_text(text)
    assert load(tmp_path) is None


def test_another_process_with_its_id_is_not_taken_for_it_and_not_stopped(tmp_path: Path) -> None:
    child = process.spawn([sys.executable, "-c", "import time; time.sleep(60)"], log=tmp_path / "log")
    try:
        somebody = server(tmp_path, child.pid)
        assert not somebody.is_running()
        somebody.stop()
        assert child.ended() is None
    finally:
        child.stop()


def test_its_own_process_is_found_stopped_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    layout = site.Layout(folder)
    layout.site.mkdir(parents=True)
    child = process.spawn([sys.executable, "-c", "import time; time.sleep(60)", str(layout.site)], log=layout.log)
    mine = server(folder, child.pid)
    assert mine.is_running()
    mine.remove()
    assert not mine.is_running()
    assert not folder.exists()
    mine.remove()


def test_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    layout = site.Layout(tmp_path)
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = process.spawn([sys.executable, "-c", program, str(layout.site)], log=layout.log)
    while "deaf" not in child.last_words():
        pass
    mine = server(tmp_path, child.pid)
    mine.stop(grace=0.2)
    assert not mine.is_running()


def test_git_gets_the_password_and_only_git_for_this_server(tmp_path: Path) -> None:
    who = Identity(tmp_path / "with blank 'n quote", "carol", "Carol", "carol@example.com")
    make_key(who)
    password = new_password()
    keep_password(who, password, "127.0.0.1:8080")
    git = Runner(environment={"GIT_CONFIG_GLOBAL": str(who.gitconfig), "GIT_TERMINAL_PROMPT": "0"}, alone=True)

    def ask(host: str) -> str:
        return git.query("credential", "fill", stdin=f"protocol=http\nhost={host}\n\n", ok=(0, 128)).stdout

    assert f"username=carol\npassword={password}\n" in ask("127.0.0.1:8080")
    assert password not in ask("127.0.0.1:9090")
    assert git.query("var", "GIT_AUTHOR_IDENT").text.startswith("Carol <carol@example.com>")
    assert who.password == password
    for secret in (who.key, who.password_file, who.folder / "git-credentials"):
        assert secret.stat().st_mode & 0o777 == 0o600
    assert who.folder.stat().st_mode & 0o777 == 0o700
    assert password not in who.gitconfig.read_text()


def test_a_secret_is_replaced_whole_and_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("world-readable")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        write_secret(path, "new")
    finally:
        os.umask(before)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_the_environment_is_one_that_a_shell_can_read(tmp_path: Path) -> None:
    environment = server(tmp_path / "a b").environment()
    words = shlex.split(environment["GIT_SSH_COMMAND"])
    assert words[:3] == ["ssh", "-F", "none"]
    assert words[words.index("-i") + 1] == str(tmp_path / "a b" / "admin" / "id_ed25519")


def test_addresses_carry_no_password(tmp_path: Path) -> None:
    one = server(tmp_path)
    assert one.ssh_url("a/b") == "ssh://admin@127.0.0.1:29418/a/b"
    assert one.http_url("a/b") == "http://admin@127.0.0.1:8080/a/a/b"


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = servers.free_ports(20)
    assert len(set(ports)) == 20
    for port in ports[:3]:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


def make_golden(folder: Path) -> site.Layout:
    layout = site.Layout(folder)
    (layout.site / "etc").mkdir(parents=True)
    (layout.site / "etc" / "gerrit.config").write_text("[gerrit]\n\tserverId = abc\n")
    (layout.site / "etc" / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 AAAA root@builder\n")
    return layout


def test_a_copy_gets_its_ports_and_its_host_keys(tmp_path: Path) -> None:
    layout = site.instantiate(make_golden(tmp_path / "golden"), tmp_path / "copy")
    site.configure(layout, 8081, 2222)
    config = Runner(alone=True).query("config", "--file", str(layout.site / "etc" / "gerrit.config"), "--list").lines
    assert "gerrit.serverid=abc" in config
    assert "gerrit.canonicalweburl=http://127.0.0.1:8081/" in config
    assert "sshd.listenaddress=127.0.0.1:2222" in config
    assert layout.known_hosts.read_text() == "[127.0.0.1]:2222 ssh-ed25519 AAAA\n"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    assert site.is_ours(tmp_path / "copy")
    assert not site.is_ours(tmp_path / "golden")


def test_a_golden_site_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="false ended with status 1"):
        site.golden(NO_GERRIT, Java(Path("/bin/false"), (17, 0, 0)), tmp_path, lambda _: None, quiet)
    assert [path.name for path in tmp_path.iterdir()] == [f"0.0-java17-r{site.REVISION}.lock"]


def test_a_golden_site_is_made_once(tmp_path: Path) -> None:
    seeded: list[Path] = []
    java = Java(Path("/bin/true"), (17, 0, 0))
    first = site.golden(NO_GERRIT, java, tmp_path, lambda layout: seeded.append(layout.directory), quiet)
    again = site.golden(NO_GERRIT, java, tmp_path, lambda layout: seeded.append(layout.directory), quiet)
    assert first == again
    assert len(seeded) == 1
    assert first.directory.stat().st_mode & 0o777 == 0o700
    assert not (first.home / ".ssh").exists()


def test_a_gerrit_that_ends_while_starting_shows_its_last_words(tmp_path: Path) -> None:
    layout = make_golden(tmp_path)
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho fatal: Gerrit Code Review requires Java 21 >&2\nexit 1\n")
    java.chmod(0o755)
    with pytest.raises(InfrastructureError) as caught:
        servers.launch(NO_GERRIT, Java(java, (17, 0, 0)), layout, quiet)
    assert caught.value.brief == "Gerrit ended with status 1 while starting"
    assert caught.value.details == "fatal: Gerrit Code Review requires Java 21"


def test_other_ports_are_tried_when_one_is_taken_and_not_for_ever(tmp_path: Path) -> None:
    layout = make_golden(tmp_path)
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho java.net.BindException: Address already in use >&2\nsleep 60\n")
    java.chmod(0o755)
    said: list[str] = []
    with pytest.raises(servers.PortTaken):
        servers.launch(NO_GERRIT, Java(java, (17, 0, 0)), layout, said.append)
    assert said.count("a port was taken in the meantime: trying others") == 4
    pid = json.loads((tmp_path / site.STATE).read_text())["pid"]
    assert not process.is_running(pid)
