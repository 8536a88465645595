"""When the tenant's configuration is read again: only what has moved, and the same is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.config import gate_file
from gatelocal.merger.cache import Cache, Repository
from gatelocal.merger.merger import Merger
from gatelocal.model.facts import Facts
from gatelocal.model.layout import Layout, Manager, Pipeline, Project, Trigger
from gatelocal.model.pattern import Pattern
from gatelocal.server.configuration import Configuration, joined
from gatelocal.server.site import site
from tests.fakes.git_server import GitServer

PIPELINE = "- pipeline: {name: check, manager: independent}\n- job: {name: base, parent: null}\n"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The projects that the server was asked for."""
    told: list[str] = []
    real = Repository.fetch

    def fetch(self: Repository, *args: object, **options: object) -> bool:
        told.append(self.project)
        return real(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Repository, "fetch", fetch)
    yield told


def test_only_what_has_moved_is_asked_for_and_only_what_says_something_else_counts(
    tmp_path: Path, fetched: list[str]
) -> None:
    server = GitServer(tmp_path / "server")
    config, app = "config", "app"
    server.create(config, {"zuul.yaml": PIPELINE})
    first = server.create(app, {".zuul.yaml": "- job: {name: one}\n", "x": "1"})
    source = {"config-projects": [{config: {"load-branch": "main"}}], "untrusted-projects": [app]}
    (tmp_path / "tenant.yaml").write_text(json.dumps([{"tenant": {"name": "t", "source": {"gerrit": source}}}]))
    (tmp_path / "secret").write_text("x")
    told = {"gerrit": {"url": "http://127.0.0.1:9/", "username": "ci", "password-file": "secret"}, "state": "state"}
    (tmp_path / "gate.yaml").write_text(json.dumps(told))
    where = site(gate_file.load(tmp_path / "gate.yaml"), {"GATELOCAL_CACHE": str(tmp_path / "cache")}, print)
    configuration = Configuration(where)
    merger = Merger(Cache(tmp_path / "caches"), server.remote)

    def moved(tip: str) -> list[Facts]:
        return [Facts("app main", 1, app, "main", status="BRANCH", tip=tip)]

    read = configuration.read(merger)
    assert set(read.everything.jobs) >= {"base", "one"}
    fetched.clear()
    tip = server.commit(app, "refs/heads/main", (first,), {"x": "2"})
    assert configuration.read(merger, moved(tip)) is read, "it says what it said"
    assert fetched == [app]
    assert configuration.read(merger, moved(tip)) is read
    assert fetched == [app], "it is here already"
    tip = server.commit(app, "refs/heads/main", (tip,), {".zuul.yaml": "- job: {name: two}\n"})
    again = configuration.read(merger, moved(tip))
    assert "two" in again.everything.jobs
    assert "one" not in again.everything.jobs
    assert fetched == [app, app]
    assert configuration.read(merger, [Facts("other main", 1, "other", "main", status="BRANCH", tip=tip)]) is again


def test_a_movement_that_brings_its_project_into_a_pipeline_starts_that() -> None:
    def pipeline(name: str, manager: Manager, ref: str) -> Pipeline:
        return Pipeline(name, manager, triggers=(Trigger(("ref-updated",), refs=(Pattern(ref),)),))

    known = (
        pipeline("post", Manager.SUPERCEDENT, "^refs/heads/"),
        pipeline("stable", Manager.INDEPENDENT, "^refs/heads/stable/"),
        pipeline("lands", Manager.DEPENDENT, "^refs/heads/"),
    )

    def layout(*names: str) -> Layout:
        return Layout({one.name: one for one in known}, {"app": Project("app", frozenset(names))}, {}, {})

    moved = Facts("app main", 2, "app", "main", status="BRANCH", tip="1" * 40)
    every = layout("post", "stable", "lands")
    assert joined(layout(), every, moved) == ("post",)
    assert joined(layout("post"), every, moved) == (), "it was asked when the branch moved"
    assert joined(every, layout(), moved) == ()
    elsewhere = Facts("other main", 2, "other", "main", status="BRANCH", tip="1" * 40)
    assert joined(layout(), every, elsewhere) == ()
