"""What a real Gerrit takes for a Change-Id, and where its own hook puts one, beside what this package does."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest

from git_review.git.runner import Runner
from git_review.hooks import COMMIT_MSG
from tests.git_review.git import test_trailers as table
from tests.git_review.test_commit_msg import run_over
from tests.live.conftest import GerritProject

pytestmark = [pytest.mark.live, pytest.mark.gerrit]


def taken(gerrit: GerritProject, git: Runner, message: str) -> bool:
    """Whether the server makes a change of a commit with that message, its id and its links being its own."""
    own = re.sub("@|I1234567|I" + "c" * 40, lambda _: f"I{secrets.token_hex(20)}", message)
    links = re.sub(r"https://r(?:eview)?\.example\.org/(?:x/)?", gerrit.server.url, own)
    tree, base = git.query("rev-parse", "origin/master^{tree}", "origin/master").lines
    who = "Administrator <admin@example.com> 1700000000 +0000"
    text = f"tree {tree}\nparent {base}\nauthor {who}\ncommitter {who}\n\n{links}"
    sha = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).text
    return git.run("push", "-q", "origin", f"{sha}:refs/for/master", ok=(0, 1)).status == 0


def test_the_server_reads_messages_as_they_are_read_here(gerrit: GerritProject, tmp_path: Path) -> None:
    git = gerrit.clone(tmp_path / "clone")
    misplaced = [text for text, _ in table.MISPLACED.values()]
    expected = dict.fromkeys(table.IN_PLACE.values(), True)
    expected |= dict.fromkeys([*misplaced, *table.SEVERAL.values(), *filter(None, table.NOWHERE.values())], False)
    assert {text: taken(gerrit, git, text) for text in expected} == expected


def test_the_hook_puts_a_change_id_where_the_servers_own_does(gerrit: GerritProject, tmp_path: Path) -> None:
    """Without a last line end theirs leaves no empty line above it [seen with 3.9.4 and git 2.39]."""
    texts = [text.rstrip("\n") + "\n" for text in table.PLACES if "\r" not in text and "@" not in text]
    results = []
    for name, hook in (("ours", COMMIT_MSG), ("theirs", gerrit.client.server.commit_msg_hook())):
        folder = tmp_path / name
        folder.mkdir()
        Runner(folder, alone=True).run("init", "-q")
        (folder / "hook").write_text(hook)
        results.append([re.sub("I[0-9a-f]{40}", "I", text) for text in run_over("./hook", folder, texts)])
    assert results[0] == results[1]
