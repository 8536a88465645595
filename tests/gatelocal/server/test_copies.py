"""What is pushed to a second remote, when, and what never is; the remotes are real repositories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatelocal.config.mirror import Copy
from gatelocal.errors import InfrastructureError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from gatelocal.model.facts import Facts
from gatelocal.pipeline.events import RefUpdated, ServerRead
from gatelocal.server.copies import Copies
from gatelocal.server.notes import Notes
from tests.fakes.git_server import GitServer

APP = "demo/app"


@dataclass
class Bench:
    """A server, a second remote for it, and what stands in the line of errands."""

    folder: Path
    server: GitServer
    there: GitServer
    said: list[str] = field(default_factory=list)
    line: list[Callable[[], None]] = field(default_factory=list)
    known: dict[str, Facts] = field(default_factory=dict)

    def copies(self) -> Copies:
        return Copies(
            Copy(f"file://{self.there.folder}/{{project}}.git"),
            {},
            lambda: Merger(Cache(self.folder / "cache"), self.server.remote),
            lambda: SimpleNamespace(changes=self.known),  # type: ignore[arg-type,return-value]
            Notes(self.folder / "notes", "copies", self.said.append),
            SimpleNamespace(add=lambda _, do: self.line.append(do)),  # type: ignore[arg-type]
            self.said.append,
        )

    def moved(self, branch: str = "main") -> RefUpdated:
        """The gate has been told where a branch is."""
        name = f"{APP} {branch}"
        facts = Facts(name, 1, APP, branch, status="BRANCH", tip=self.server.tip(APP, branch))
        self.known[name] = facts
        return RefUpdated(0.0, facts, facts.tip)

    def commit(self, **files: str) -> str:
        return self.server.commit(APP, "refs/heads/main", (self.server.tip(APP),), files)

    def work(self) -> None:
        while self.line:
            self.line.pop(0)()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    found = Bench(tmp_path, GitServer(tmp_path / "server"), GitServer(tmp_path / "there"))
    found.server.create(APP, {"a": "1"})
    found.there.path(APP).mkdir(parents=True)
    found.there.git(APP).run("init", "-q", "--bare", "--template=", "--initial-branch=main")
    return found


def test_what_has_moved_is_pushed_and_what_is_there_is_not_pushed_again(bench: Bench) -> None:
    copies = bench.copies()
    copies.told(ServerRead(0.0, 0, (bench.moved().facts, Facts("5", 1, APP, "main"))))
    bench.work()
    assert bench.there.tip(APP) == bench.server.tip(APP)
    bench.server.commit(APP, "refs/heads/stable/1", (bench.server.tip(APP),), {"b": "1"})
    tag = Facts(f"{APP} refs/tags/1", 1, APP, "refs/tags/1", status="BRANCH", tip=bench.commit(a="2"))
    bench.known[tag.change] = tag
    copies.told(bench.moved())
    copies.told(bench.moved("stable/1"))
    assert len(bench.line) == 1, "once for both"
    bench.work()
    for branch in ("main", "stable/1"):
        assert bench.there.tip(APP, branch) == bench.server.tip(APP, branch)
    assert bench.there.git(APP).query("tag").text == ""
    bench.there.path(APP).rename(bench.folder / "away")
    bench.copies().begin()
    assert (bench.line, bench.said) == ([], []), "nobody is asked"


def test_a_remote_that_is_away_is_tried_again_and_gets_all(bench: Bench) -> None:
    away = bench.folder / "away"
    bench.there.path(APP).rename(away)
    bench.copies().told(bench.moved())
    with pytest.raises(InfrastructureError, match=r"demo/app is not copied: .*repository"):
        bench.work()
    tip = bench.commit(a="2")
    away.rename(bench.there.path(APP))
    bench.moved()
    bench.copies().begin()
    bench.work()
    assert bench.there.tip(APP) == tip


def test_nothing_that_is_there_is_overwritten_and_other_branches_are_pushed_all_the_same(bench: Bench) -> None:
    theirs = bench.there.commit(APP, "refs/heads/main", (), {"theirs": "1"})
    bench.server.commit(APP, "refs/heads/other", (bench.server.tip(APP),), {"b": "1"})
    copies = bench.copies()
    bench.moved("other")
    copies.told(bench.moved())
    bench.work()
    assert bench.there.tip(APP) == theirs
    assert bench.there.tip(APP, "other") == bench.server.tip(APP, "other")
    (said,) = bench.said
    assert said.startswith("the mirror has another main of demo/app, which is not overwritten: [rejected]")
    copies.moved(APP)
    bench.work()
    assert len(bench.said) == 1, "said once"
    bench.commit(a="3")
    copies.told(bench.moved())
    bench.work()
    assert len(bench.said) == 2
    assert bench.there.tip(APP) == theirs


def test_what_the_remote_itself_refuses_is_tried_again(bench: Bench) -> None:
    hook = bench.there.path(APP) / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    copies = bench.copies()
    copies.told(bench.moved())
    with pytest.raises(InfrastructureError, match=r"main: \[remote rejected\] \(pre-receive hook declined\)"):
        bench.work()
    hook.unlink()
    copies.moved(APP)
    bench.work()
    assert bench.there.tip(APP) == bench.server.tip(APP)


def test_a_commit_that_the_server_has_no_more_keeps_nothing_else_back(bench: Bench) -> None:
    copies = bench.copies()
    bench.known["x"] = Facts("x", 1, APP, "gone", status="BRANCH", tip="1" * 40)
    copies.told(bench.moved())
    bench.work()
    assert bench.there.tip(APP) == bench.server.tip(APP)
    bench.known["y"] = Facts("y", 1, "no/such", "main", status="BRANCH", tip="1" * 40)
    copies.moved("no/such")
    with pytest.raises(InfrastructureError):
        bench.work()
