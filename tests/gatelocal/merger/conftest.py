"""A git server, a cache and a merger for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from tests.fakes.git_server import GitServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, so that the person's configuration is what the test says."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects; the first has a second branch and a tag."""
    server = GitServer(tmp_path_factory.mktemp("server"))
    first = server.create("demo/app", {"README": "one\n", "setup.cfg": "[metadata]\nname = app\nversion = 1\n"})
    server.commit("demo/app", "refs/heads/stable/1.0", (first,), {"STABLE": "yes\n"}, "Start stable\n")
    server.git("demo/app").run("tag", "1.0.0", first)
    server.commit("demo/app", "refs/heads/main", (first,), {"app.py": "print('app')\n"}, "Second\n")
    server.create("demo/lib", {"lib.py": "x = 1\n"})
    return server.folder


@pytest.fixture
def server(template: Path, tmp_path: Path) -> GitServer:
    shutil.copytree(template, tmp_path / "server")
    return GitServer(tmp_path / "server")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def merger(cache: Cache, server: GitServer) -> Merger:
    return Merger(cache, server.remote)
