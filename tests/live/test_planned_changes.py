"""`gatelocal plan` of changes on a real Gerrit: their own configuration, what they depend on, what is queued ahead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from git_review.git.runner import Runner

if TYPE_CHECKING:
    from conftest import GerritProject

pytestmark = [pytest.mark.live, pytest.mark.gerrit, pytest.mark.xdist_group("gerrit")]

GATELOCAL = Path(sys.executable).parent / "gatelocal"
CONFIG = (
    "- pipeline: {name: gate, manager: dependent}\n"
    "- job: {name: base, parent: null, run: run.yaml}\n- job: {name: unit}\n- job: {name: docs, files: ^doc/}\n"
)
APP = "- project: {queue: all, gate: {jobs: [unit, docs]}}\n"
MORE = "- job: {name: more, timeout: 9}\n- project: {queue: all, gate: {jobs: [unit, docs, more]}}\n"


@dataclass(frozen=True, slots=True)
class Desk:
    """A person's clone, and a configuration that reads all repositories from the server."""

    gerrit: GerritProject
    git: Runner
    clone: Path
    config: Path

    def upload(self, message: str, files: dict[str, str]) -> int:
        """One change on top of the branch; gives its number."""
        self.git.run("checkout", "-q", "--detach", "origin/master")
        for name, text in files.items():
            (self.clone / name).parent.mkdir(exist_ok=True)
            (self.clone / name).write_text(text)
        self.git.run("add", "--all")
        self.git.run("commit", "-q", "-m", f"{message}\n\nChange-Id: I{os.urandom(20).hex()}")
        self.git.run("push", "-q", "origin", "HEAD:refs/for/master")
        (found,) = self.gerrit.client.changes.query(f"commit:{self.git.query('rev-parse', 'HEAD').text}")
        return found.number

    def plan(self, *args: str, ok: Sequence[int] = (0,)) -> dict[str, Any]:
        """What ``plan --json`` says."""
        folders = {f"GATELOCAL_{name}": str(self.clone.parent / name) for name in ("CACHE", "STATE")}
        done = subprocess.run(
            [GATELOCAL, "plan", "--config", self.config, "--gerrit", self.gerrit.server.url, "--json", *args],
            cwd=self.clone.parent,  # no work tree is needed for a change on a server
            env={**os.environ, **self.gerrit.environment, **folders},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in ok, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def desk(gerrit: GerritProject, tmp_path: Path) -> Desk:
    project = gerrit.new_project()
    config = gerrit.clone(tmp_path / "config-clone", project)
    (tmp_path / "config-clone" / "zuul.yaml").write_text(CONFIG)
    config.run("add", "--all")
    config.run("commit", "-q", "-m", "Jobs")
    config.run("push", "-q", "origin", "HEAD:refs/heads/master")
    git = gerrit.clone(tmp_path / "clone")
    (tmp_path / "clone" / ".zuul.yaml").write_text(APP)
    git.run("add", "--all")
    git.run("commit", "-q", "-m", "Base")
    git.run("push", "-q", "origin", "HEAD:refs/heads/master")
    file = tmp_path / "plan.yaml"
    sources = {"config-projects": [project], "untrusted-projects": [gerrit.project]}
    told = {
        "connections": {"g": {"driver": "gerrit", "server": "review.example.org"}},
        "tenant": {"name": "t", "source": {"g": sources}},
        "repositories": [{"url": gerrit.ssh_url("{project}")}],
    }
    file.write_text(json.dumps(told))
    return Desk(gerrit, git, tmp_path / "clone", file)


def rules(plan: dict[str, Any]) -> dict[str, str]:
    return {job["name"]: job["rule"] for job in plan["jobs"]}


def test_a_change_with_what_it_depends_on_and_with_what_is_queued_ahead(desk: Desk, tmp_path: Path) -> None:
    more = desk.upload("Run more", {".zuul.yaml": MORE})
    url = f"{desk.gerrit.server.url}c/{desk.gerrit.project}/+/{more}"
    assert rules(desk.plan(str(more))) == {"unit": "matches", "docs": "files", "more": "matches"}

    alone = desk.upload("Write", {"doc/a": "a"})
    assert rules(desk.plan(str(alone))) == {"unit": "matches", "docs": "matches"}
    needing = desk.upload(f"Write more\n\nDepends-On: {url}", {"doc/b": "b"})
    assert rules(desk.plan(str(needing))) == {"unit": "matches", "docs": "matches", "more": "matches"}

    refs = [
        {"id": f"{more},1", "project": desk.gerrit.project, "url": url},
        {"id": "9,1", "project": "x", "url": "http://x/9"},
    ]
    items = [{"id": "a", "item_ahead": None, "refs": refs, "failing_reasons": []}]
    queue = {"name": "all", "branch": None, "heads": [items]}
    status = tmp_path / "status.json"
    status.write_text(json.dumps({"pipelines": [{"name": "gate", "manager": "dependent", "change_queues": [queue]}]}))
    behind = desk.plan(str(alone), "--queue", str(status))
    assert rules(behind) == {"unit": "matches", "docs": "matches", "more": "matches"}
    assert [(one["change"], one["taken"]) for one in behind["ahead"]] == [(f"{more},1", True), ("9,1", False)]
    assert any("9,1 of x, queued before it, is left out" in note for note in behind["notes"])
    assert desk.plan(str(more), "--queue", str(status))["ahead"] == [], "it is itself the first"
