"""What git and the desktop are set to do on the way to a server, honoured by questions as well: each seen to act."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from tests.fakes.gerrit import FakeGerrit
from tests.git_review.conftest import Asked, Clone, row
from tests.git_review.test_credentials import LittleKeyring
from tests.git_review.test_push import script

pytestmark = pytest.mark.live  # more seconds than the fast suite has


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def server(clone: Clone) -> Iterator[FakeGerrit]:
    """A server that the remote leads to by HTTP, with a user name and no password in its URL."""
    with FakeGerrit() as server:
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin@") + "/a/demo/project")
        yield server


def login(server: FakeGerrit) -> str:
    """What the last request was logged in with."""
    return base64.b64decode(server.requests[-1].headers.get("Authorization", "").removeprefix("Basic ")).decode()


def helper(clone: Clone, password: str) -> Path:
    """A credential helper that knows the password, and writes down what it is told."""
    told = clone.path.parent / "told"
    answer = f'[ "$1" != get ] || printf "username=admin\\npassword={password}\\n"'
    script(clone.path.parent, "helper", f'echo "$1" >> {told}; cat >> {told}\n{answer}')
    clone.git.run("config", "credential.helper", str(clone.path.parent / "helper"))
    return told


def test_a_credential_helper_is_asked_and_told_that_the_password_was_good(clone: Clone, server: FakeGerrit) -> None:
    told = helper(clone, "s3cret")
    assert clone.review("-l").code == 0
    assert login(server) == "admin:s3cret"
    verbs = [line for line in told.read_text().splitlines() if "=" not in line]
    assert verbs == ["get", "store"] and "password=s3cret" in told.read_text()


def test_a_credential_helper_is_told_that_the_password_was_bad(clone: Clone, server: FakeGerrit) -> None:
    told = helper(clone, "outdated")
    result = clone.review("-l")
    assert (result.code, "outdated" in result.text) == (32, False)
    assert [line for line in told.read_text().splitlines() if "=" not in line] == ["get", "erase"]


def test_an_upload_asks_with_the_helpers_password(clone: Clone, server: FakeGerrit) -> None:
    helper(clone, "s3cret")
    clone.commit("a change\n\nChange-Id: I" + "a" * 40)
    clone.git.run("remote", "set-url", "--push", "gerrit", clone.git.query("remote", "get-url", "gerrit").text)
    clone.git.run("remote", "set-url", "gerrit", f"file://{clone.server.directory}")
    clone.review("-n")
    assert server.requests and login(server) == "admin:s3cret"


def test_netrc(clone: Clone, server: FakeGerrit, tmp_path: Path) -> None:
    (tmp_path / "nobody/.netrc").write_text("machine 127.0.0.1 login admin password s3cret\n")
    (tmp_path / "nobody/.netrc").chmod(0o600)
    assert clone.review("-l").code == 0
    assert login(server) == "admin:s3cret"


def test_keyring(clone: Clone, server: FakeGerrit) -> None:
    place = server.url.partition("://")[2].replace(".", "_")
    keyring.set_keyring(LittleKeyring(**{place: ("admin", "s3cret")}))
    assert clone.review("-l").code == 0
    assert login(server) == "admin:s3cret"


@pytest.mark.parametrize("key", ["http.proxy", "http.{url}.proxy"])
def test_proxy(clone: Clone, server: FakeGerrit, key: str) -> None:
    """A proxy is asked for the whole URL, and the server itself for nothing."""
    with FakeGerrit() as proxy:
        clone.git.run("config", key.format(url=server.url), proxy.url)
        clone.review("-l")
    assert proxy.requests and not server.requests


def test_cookies(clone: Clone, server: FakeGerrit, tmp_path: Path) -> None:
    helper(clone, "s3cret")
    (tmp_path / "cookies").write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t9999999999\to\tgit-ann=1\n"
    )
    clone.git.run("config", "http.cookieFile", str(tmp_path / "cookies"))
    assert clone.review("-l").code == 0
    assert server.requests[-1].headers.get("Cookie") == "o=git-ann=1"


HEADING = "# Netscape HTTP Cookie File\n"
GOOD = "127.0.0.1\tFALSE\t/\tFALSE\t9999999999\to\tgit-ann\n"


@pytest.mark.parametrize(
    "text",
    [
        HEADING + GOOD,
        GOOD,
        HEADING + GOOD.replace("9999999999", "0"),
        HEADING + "#HttpOnly_" + GOOD,
        HEADING + "nonsense\n\n# a word\n" + GOOD,
        HEADING + GOOD.replace("FALSE", "TRUE", 1),
        HEADING + GOOD.replace("127", ".127"),
        HEADING + GOOD.replace("\t/\tFALSE", "\t/\tTRUE"),
        HEADING + GOOD.replace("\n", "\r\n").replace("9999999999", "9999999999.5"),
        HEADING + GOOD.replace("\t/\t", "\t/a/\t"),
    ],
)
@pytest.mark.parametrize("prefix", ["a/", ""])
def test_a_cookie_is_a_login(clone: Clone, server: FakeGerrit, tmp_path: Path, text: str, prefix: str) -> None:
    """Each of these is sent by git, that is by curl; and a cookie asks where a login is looked at."""
    clone.git.run("remote", "set-url", "gerrit", f"{server.url}/{prefix}demo/project")
    (tmp_path / "cookies").write_bytes(text.encode())
    clone.git.run("config", "http.cookieFile", str(tmp_path / "cookies"))
    result = clone.review("-l", "-v")
    assert (result.code, result.err) == (0, ""), result.text
    assert server.requests[-1].headers.get("Cookie") == "o=git-ann" and "git-ann" not in result.text
    assert server.paths[-1].startswith("/a/changes/")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("9999999999", "1"),
        GOOD.replace("127.0.0.1", "example.org"),
        GOOD.replace("127.0.0.1", "0.0.1").replace("FALSE", "TRUE", 1),
        GOOD.replace("\t/\t", "\t/other\t"),
        GOOD.replace("git-ann", "git\x01ann"),
        GOOD.replace("\t", " "),
        "\0\xff",
    ],
)
def test_cookies_that_are_none_for_the_server(clone: Clone, server: FakeGerrit, tmp_path: Path, text: str) -> None:
    clone.git.run("remote", "set-url", "gerrit", f"{server.url}/demo/project")
    (tmp_path / "cookies").write_bytes(text.encode("latin-1"))
    clone.git.run("config", "http.cookieFile", str(tmp_path / "cookies"))
    result = clone.review("-l")
    assert (result.code, result.err, server.requests[-1].headers.get("Cookie")) == (0, "", None)
    assert server.paths[-1].startswith("/changes/")


def test_a_cookie_that_is_no_login_leaves_questions_anonymous(clone: Clone, server: FakeGerrit, tmp_path: Path) -> None:
    """Such as a load balancer's, which git saves with ``http.saveCookies``."""
    clone.git.run("remote", "set-url", "gerrit", f"{server.url}/demo/project")
    (tmp_path / "cookies").write_text(GOOD.replace("\to\tgit-ann", "\tAWSALB\tx"))
    clone.git.run("config", "http.cookieFile", str(tmp_path / "cookies"))
    assert clone.review("-l").code == 0 and server.paths[-1].startswith("/changes/")


def test_a_cookie_that_the_server_repeats_is_not_told(clone: Clone, server: FakeGerrit, tmp_path: Path) -> None:
    clone.git.run("remote", "set-url", "gerrit", f"{server.url}/a/demo/project")
    (tmp_path / "cookies").write_text(GOOD)
    clone.git.run("config", "http.cookieFile", str(tmp_path / "cookies"))
    server.misbehave("say:you sent o=git-ann")
    result = clone.review("-l")
    assert result.code == 32 and "you sent o=***" in result.err and "git-ann" not in result.text


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that no authority has signed, with its key in the same file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{file}.key", "-out", f"{file}.crt"]
    subprocess.run([*words.split(), *names], check=True, capture_output=True)
    file.write_text(Path(f"{file}.key").read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def tls(clone: Clone, certificate: Path) -> Iterator[FakeGerrit]:
    """The server behind TLS; the remote leads to it, and nothing that this machine is set to trust counts."""
    for name in ("GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        clone.monkeypatch.delenv(name, raising=False)
    server = FakeGerrit()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    with server:
        server.url = server.url.replace("http:", "https:")
        url = server.url.replace("://", "://admin:s3cret@") + "/a/demo/project"
        clone.git.run("remote", "set-url", "gerrit", url)
        yield server


def test_an_unknown_certificate_is_refused(clone: Clone, tls: FakeGerrit) -> None:
    result = clone.review("-l")
    assert (result.code, "certificate" in result.err, "s3cret" in result.text) == (32, True, False), result.text
    assert not tls.requests


@pytest.mark.parametrize("way", ["http.sslCAInfo", "http.{url}.sslCAInfo", "GIT_SSL_CAINFO"])
def test_authorities_of_the_persons_own(clone: Clone, tls: FakeGerrit, certificate: Path, way: str) -> None:
    if way.startswith("GIT"):
        clone.monkeypatch.setenv(way, f"{certificate}.crt")
    else:
        clone.git.run("config", way.format(url=tls.url), f"{certificate}.crt")
    result = clone.review("-l")
    assert (result.code, len(tls.requests)) == (0, 1), result.text


@pytest.mark.parametrize("way", ["http.sslVerify", "GIT_SSL_NO_VERIFY"])
def test_certificates_that_nobody_checks(clone: Clone, tls: FakeGerrit, way: str) -> None:
    if way.startswith("GIT"):
        clone.monkeypatch.setenv(way, "")
    else:
        clone.git.run("config", way, "false")
    result = clone.review("-l")
    assert (result.code, result.err) == (0, ""), "and nobody is warned of what was asked for"


@pytest.mark.parametrize("way", ["GIT_SSH", "core.sshCommand", "GIT_SSH_COMMAND"])
def test_ssh_as_git_is_told_to_start_it(asked: Asked, way: str, tmp_path: Path) -> None:
    """Each beats the ones before it; questions, fetches and the hook use it."""
    ways = ["GIT_SSH", "core.sshCommand", "GIT_SSH_COMMAND"]
    real = tmp_path / "fake-ssh"
    asked.clone.monkeypatch.delenv("GIT_SSH")
    for place, name in enumerate(ways[: ways.index(way) + 1]):
        script(tmp_path, f"ssh-{place}", f'echo "{name} $*" >> {tmp_path}/ways\nexec {real} "$@"')
        if name == "core.sshCommand":
            asked.clone.git.run("config", name, f"{tmp_path}/ssh-{place} -o 'Tag=a b'")
        else:
            more = " -o 'Tag=a b'" if name == "GIT_SSH_COMMAND" else ""
            asked.clone.monkeypatch.setenv(name, f"{tmp_path}/ssh-{place}{more}")
    asked.answers(row(9, asked.patchset(9, 1, "theirs")))
    assert asked.clone.review("-l").code == 0
    assert asked.clone.review("-d", "9").code == 0
    (tmp_path / "commit-msg").write_text("#!/bin/sh\n# the server's own: Change-Id\n")
    assert asked.clone.review("-s", "--remote-hook").code == 0
    assert "the server's own" in asked.clone.hook().read_text()
    lines = (tmp_path / "ways").read_text().splitlines()
    assert len(lines) == 4 and all(line.startswith(f"{way} ") for line in lines)
    assert way == "GIT_SSH" or all("-o Tag=a b" in line for line in lines)


@pytest.mark.parametrize("line", ["LC_ALL=C {ssh}", "exec {ssh}", "{ssh} -o 'Tag=a b'", 'test -n "$HOME" && {ssh}'])
@pytest.mark.parametrize("way", ["core.sshCommand", "GIT_SSH_COMMAND"])
def test_a_command_line_for_ssh_is_run_by_a_shell(asked: Asked, way: str, line: str) -> None:
    """As git does; what is asked for reaches it as it is, and never as text for the shell."""
    asked.clone.monkeypatch.delenv("GIT_SSH")
    command = line.format(ssh=asked.root / "fake-ssh")
    if way == "GIT_SSH_COMMAND":
        asked.clone.monkeypatch.setenv(way, command)
    else:
        asked.clone.git.run("config", way, command)
    asked.answers(row(9, asked.patchset(9, 1, "theirs")))
    query = "message:$(touch${IFS}x)`touch x`'\"; touch x"
    assert asked.clone.review("--query", query).code == 0
    assert "$(touch${IFS}x)`touch x`" in asked.words()[-1] and not (asked.clone.path / "x").exists()
    assert asked.clone.review("-d", "9").code == 0
    (asked.root / "commit-msg").write_text("#!/bin/sh\n# the server's own: Change-Id\n")
    assert asked.clone.review("-s", "--remote-hook").code == 0
    assert "the server's own" in asked.clone.hook().read_text()


@pytest.mark.parametrize("line", ["'unbalanced", "false;exit 3;", "no-such-program -x"])
def test_a_command_line_for_ssh_that_fails(asked: Asked, line: str) -> None:
    asked.clone.monkeypatch.setenv("GIT_SSH_COMMAND", line)
    result = asked.clone.review("-l")
    assert result.code == 32 and "ended with status" in result.err, result.text


def test_putty_is_known_in_a_command_line() -> None:
    from git_review.gerrit.ssh import is_plink

    assert is_plink(("sh", "-c", '"C:/x/plink.exe" -a "$@"', '"C:/x/plink.exe" -a'))
    assert not is_plink(("sh", "-c", 'LC_ALL=C ssh "$@"', "LC_ALL=C ssh"))
