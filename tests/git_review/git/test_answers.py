"""The answers of servers to git: their size has a limit, and time has one, whatever git is told on standard input."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from git_review.git import runner as module
from git_review.git.errors import GitError
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

SILENT = ("-c", "protocol.ext.allow=always")
ASKED: dict[str, Callable[[Runner, str], object]] = {
    "query": lambda git, url: git.query("ls-remote", "--", url),
    "query in time": lambda git, url: git.query("ls-remote", "--", url, timeout=60),
    "run": lambda git, url: git.run("fetch", "--verbose", "--", url, "refs/heads/*:refs/heads/*"),
    "run in time": lambda git, url: git.run(
        "fetch", "--verbose", "--stdin", "--", url, stdin="refs/heads/*:refs/heads/*\n", timeout=60
    ),
    "relay": lambda git, url: git.relay(
        "fetch", "--verbose", "--", url, "refs/heads/*:refs/heads/*", heard=lambda _: None
    ),
}


@pytest.mark.parametrize("asked", ASKED)
def test_an_answer_that_is_too_large(asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = GitServer(tmp_path / "server")
    commit = server.create("p")
    refs = "".join(f"{commit} refs/heads/b{number:05}\n" for number in range(2000))
    (server.path("p") / "packed-refs").write_text(f"# pack-refs with: sorted \n{refs}")
    Runner(tmp_path, alone=True).run("init", "-q", "--bare", "mine")
    monkeypatch.setattr(module, "LARGEST", 50_000)
    with pytest.raises(GitError, match="an answer of more than 0 MB"):
        ASKED[asked](Runner(tmp_path / "mine", alone=True), str(server.path("p")))


def test_what_git_reads_may_be_large(tmp_path: Path) -> None:
    server = GitServer(tmp_path / "server")
    commit = server.create("p")
    Runner(tmp_path, alone=True).run("init", "-q", "--bare", "mine")
    mine = Runner(tmp_path / "mine", alone=True)
    mine.run("fetch", "-q", "--stdin", "--", str(server.path("p")), stdin=f"{commit}\n" * 10_000, timeout=60)
    assert mine.query("cat-file", "-t", commit).text == "commit"


def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(GitError, match=r"gave no answer within 0\.5 s"):
        Runner(tmp_path, alone=True).query(*SILENT, "ls-remote", "--", "ext::sleep 60", timeout=0.5)
    assert time.monotonic() - began < 30
