"""Where passwords are looked for, in which order, and that they show up nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.credentials import Credential, SimpleCredential

from git_review.credentials import Auth, Origin, approve, find, reject, split
from git_review.errors import ReviewError
from git_review.git.runner import Runner

URL = "https://review.example.org/demo/app"


class LittleKeyring(KeyringBackend):
    """Keeps one credential per service, as a desktop's would."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, **known: tuple[str, str]) -> None:
        super().__init__()
        self.known = known

    def get_credential(self, service: str, username: str | None) -> Credential | None:
        user, password = self.known.get(service.partition("://")[2].replace(".", "_"), ("", ""))
        return SimpleCredential(user, password) if user and username in (None, user) else None

    def get_password(self, service: str, username: str) -> str | None:
        found = self.get_credential(service, username)
        return found.password if found else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("nothing is ever written to the keyring")


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """What git's `store` helper keeps for the repository of `runner`."""
    return tmp_path / "stored"


@pytest.fixture
def runner(tmp_path: Path, store: Path) -> Runner:
    asked = tmp_path / "asked"
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\ntouch {asked}\necho secret\n")
    ask.chmod(0o755)
    environment = {"HOME": str(tmp_path), "GIT_ASKPASS": str(ask), "SSH_ASKPASS": str(ask)}
    runner = Runner(tmp_path / "repo", environment=environment, alone=True)
    Runner(alone=True).run("init", "-q", str(tmp_path / "repo"))
    runner.run("config", "credential.helper", f"store --file={store}")
    return runner


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    file = tmp_path / "netrc"
    file.write_text("machine review.example.org login alice password from-netrc\n")
    return file


@pytest.fixture
def none(tmp_path: Path) -> Path:
    return tmp_path / "no-netrc"


def test_order(runner: Runner, store: Path, netrc: Path, none: Path) -> None:
    keyring.set_keyring(LittleKeyring(review_example_org=("dora", "from-keyring")))
    store.write_text("https://carol:from-helper@review.example.org\n")
    with_password = "https://bob:from%40url@review.example.org/x"
    assert find(with_password, runner, netrc_file=netrc) == Auth("bob", "from@url", Origin.URL)
    assert find(URL, runner, netrc_file=netrc) == Auth("alice", "from-netrc", Origin.NETRC)
    assert find(URL, runner, netrc_file=none) == Auth("carol", "from-helper", Origin.HELPER)
    store.write_text("")
    assert find(URL, runner, netrc_file=none) == Auth("dora", "from-keyring", Origin.KEYRING)
    keyring.set_keyring(LittleKeyring())
    assert find(URL, runner, netrc_file=none) is None


def test_a_user_name_in_the_url_chooses(runner: Runner, store: Path, netrc: Path) -> None:
    keyring.set_keyring(LittleKeyring(review_example_org=("dora", "from-keyring")))
    store.write_text("https://carol:one@review.example.org\nhttps://erin:two@review.example.org\n")
    found = {
        user: find(f"https://{user}@review.example.org/", runner, netrc_file=netrc) for user in ("erin", "dora", "x")
    }
    assert found == {
        "erin": Auth("erin", "two", Origin.HELPER),
        "dora": Auth("dora", "from-keyring", Origin.KEYRING),
        "x": None,
    }


def test_ports_and_schemes_are_different_places(runner: Runner, store: Path, none: Path) -> None:
    store.write_text("http://carol:pw@localhost:8080\n")
    assert find("http://localhost:8080/p", runner, netrc_file=none) == Auth("carol", "pw", Origin.HELPER)
    assert find("http://localhost:8081/p", runner, netrc_file=none) is None
    assert find("https://localhost:8080/p", runner, netrc_file=none) is None


def test_nobody_is_asked(runner: Runner, none: Path, tmp_path: Path) -> None:
    assert find(URL, runner, netrc_file=none) is None
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    "text", ["machine review.example.org login", "machine other login a password b", "\x00\xff", "machine x \n{{"]
)
def test_a_netrc_that_helps_nobody(runner: Runner, tmp_path: Path, text: str) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(text.encode("latin-1"))
    assert find(URL, runner, netrc_file=file) is None


def test_a_keyring_that_fails(runner: Runner, none: Path) -> None:
    class Locked(LittleKeyring):
        def get_credential(self, service: str, username: str | None) -> Credential | None:
            raise keyring.errors.KeyringLocked("no")

    keyring.set_keyring(Locked())
    assert find(URL, runner, netrc_file=none) is None


def test_a_helper_that_fails(runner: Runner, none: Path) -> None:
    runner.run("config", "credential.helper", "!false")
    assert find(URL, runner, netrc_file=none) is None


def test_helpers_learn_what_became_of_it(runner: Runner, store: Path, none: Path) -> None:
    auth = Auth("carol", "p w=1", Origin.HELPER)
    approve(URL, auth, runner)
    assert store.read_text() == "https://carol:p%20w%3d1@review.example.org\n"
    assert find(URL, runner, netrc_file=none) == auth
    reject(URL, Auth("carol", "p w=1", Origin.NETRC), runner)
    assert store.read_text() != ""
    reject(URL, auth, runner)
    assert store.read_text() == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://review.example.org/x\nhost=evil.example.org",
        "https://a%0Ahost=evil@review.example.org/",
        "https://review.example.org/%0Ahost=evil.example.org",
        "ssh://review.example.org/p",
        "https://",
        "review.example.org",
    ],
)
def test_a_forged_question_is_refused(runner: Runner, none: Path, url: str) -> None:
    with pytest.raises(ReviewError):
        find(url, runner, netrc_file=none)


def test_a_password_is_not_shown() -> None:
    url, auth = split("https://bob:s3cret@review.example.org:8443/x?y")
    assert url == "https://review.example.org:8443/x?y"
    assert auth is not None and auth.password == "s3cret"
    assert "s3cret" not in f"{auth} {auth!r}"
    assert split("https://bob@review.example.org/x") == ("https://review.example.org/x", None)
