"""Work trees on disk, from the merger's real caches, with real git."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from gatelocal.model.merged import MergedProject
from gatelocal.workspace.build import build
from gatelocal.workspace.deliver import deliver
from gatelocal.workspace.manifest import NOWHERE, Tree, Wanted, manifest
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer
from tests.fakes.node import FolderNode

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP, LIB = "demo/app", "demo/lib"


def silent(_: str) -> None:
    pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person whose hooks, templates and settings would be seen if they acted."""
    hooks = tmp_path / "home/hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "home/.gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[init]\n\ttemplateDir = {tmp_path}/home\n"
        "[clone]\n\tdefaultRemoteName = elsewhere\n[user]\n\tname = Secret Name\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path: Path) -> GitServer:
    server = GitServer(tmp_path / "server")
    first = server.create(APP, {"README": "one\n", "run.sh": "echo\n"})
    server.git(APP).run("-c", "user.name=A", "-c", "user.email=a@b", "tag", "-am", "1.0", "1.0.0", first)
    server.commit(APP, "refs/heads/stable/1.0", (first,), {"STABLE": "yes\n"})
    server.commit(APP, "refs/heads/main", (first,), {"app.py": "print()\n"})
    server.create(LIB, {"lib.py": "x = 1\n"}, branch="master")
    return server


@pytest.fixture
def merger(tmp_path: Path, server: GitServer) -> Merger:
    return Merger(Cache(tmp_path / "cache"), server.remote)


def made(server: GitServer, merger: Merger) -> tuple[tuple[Tree, ...], MergedProject]:
    """The trees of a change on another change, beside a project that nothing was merged into."""
    ahead = server.change(APP, {"ahead": "1\n"})
    top = server.change(APP, {"top": "1\n"})
    state = merger.merge([ahead, top])
    states = [*state.repositories, merger.freeze(LIB, ["main"])]
    return manifest(Wanted("review.example.org", "main"), states, state.merged), state.merged[0]


def test_trees_as_a_job_expects_them(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    trees, merged = made(server, merger)
    server.commit(APP, "refs/heads/later", (merged.base,), {"later": "1\n"})
    merger.freeze(APP)  # somebody fetches between the freeze and the build
    said: list[str] = []
    paths = build(trees, {name: merger.repository(name) for name in (APP, LIB)}, tmp_path / "run", said.append)
    assert paths[APP] == tmp_path / "run/src/review.example.org/demo/app"
    assert {path.name for path in paths[APP].iterdir()} == {".git", "README", "run.sh", "app.py", "ahead", "top"}
    assert (paths[APP] / "README").read_bytes() == b"one\n"
    git = Runner(paths[APP], alone=True)
    assert git.query("status", "--porcelain=2", "--branch").text.splitlines()[:2] == [
        f"# branch.oid {merged.commit}",
        "# branch.head main",
    ]
    assert not git.query("status", "--porcelain").text
    assert git.query("diff", "--name-only", "origin/main", "main").lines == ["top"]
    refs = git.query("for-each-ref", "--format=%(refname)").lines
    assert refs == [
        "refs/heads/main",
        "refs/heads/stable/1.0",
        "refs/remotes/origin/main",
        "refs/remotes/origin/stable/1.0",
        "refs/tags/1.0.0",
    ]
    assert git.query("describe").text.startswith("1.0.0-")
    assert git.query("config", "remote.origin.url").text == NOWHERE
    assert git.query("fetch", ok=(0, 128)).status == 128
    assert Runner(paths[LIB], alone=True).query("symbolic-ref", "HEAD").text == "refs/heads/master"
    assert len(said) == 2


def test_nothing_of_the_person_acts_or_leaks(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    trees, _ = made(server, merger)
    paths = build(trees, {name: merger.repository(name) for name in (APP, LIB)}, tmp_path / "run", silent)
    assert not (tmp_path / "hook-ran").exists()
    inside = [path for path in (paths[APP] / ".git").rglob("*") if path.is_file()]
    assert not [path for path in inside if b"Secret Name" in path.read_bytes()]
    assert not any(path.is_relative_to(paths[APP] / ".git" / folder) for path in inside for folder in ("hooks", "logs"))
    assert str(tmp_path) not in (paths[APP] / ".git/config").read_text()


def test_a_tree_stands_alone_and_shares_disk_with_the_cache(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    merger.freeze(APP, ["main"])
    merger.repository(APP).git.run("repack", "-adq")
    trees, _ = made(server, merger)
    paths = build(trees, {name: merger.repository(name) for name in (APP, LIB)}, tmp_path / "run", silent)
    (pack,) = (paths[APP] / ".git/objects/pack").glob("*.pack")
    assert pack.stat().st_nlink == 2
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(server.folder)
    Runner(paths[APP], alone=True).query("fsck", "--full", "--strict")


def test_delivery_to_a_node(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    trees, merged = made(server, merger)
    root = tmp_path / "run"
    build(trees, {name: merger.repository(name) for name in (APP, LIB)}, root, silent)
    (tmp_path / "node").mkdir()
    there = deliver(trees, root, FolderNode(tmp_path / "node"), silent)
    shutil.rmtree(root)
    assert there[APP] == f"{tmp_path}/node/src/review.example.org/demo/app"
    assert Runner(there[APP], alone=True).query("rev-parse", "HEAD").text == merged.commit
    assert (Path(there[LIB]) / "lib.py").read_text() == "x = 1\n"


def test_what_the_node_has_is_not_copied(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    big = "".join(f"{number * 7919 % 104729}\n" for number in range(20000))
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"big": big})
    image = tmp_path / "opt/git/review.example.org/demo"
    image.mkdir(parents=True)
    Runner(image, alone=True).run("clone", "-q", "--bare", str(server.path(APP)), "app")
    trees, merged = made(server, merger)
    root = tmp_path / "run"
    build(trees, {name: merger.repository(name) for name in (APP, LIB)}, root, silent)
    (tmp_path / "node").mkdir()
    node = Weighing(tmp_path / "node")
    said: list[str] = []
    there = deliver(trees, root, node, said.append, str(tmp_path / "opt/git"))
    assert said == ["copying 2 source trees to the node, 1 of them on what the node has"]
    assert node.copied < len(big)
    assert node.objects < 10_000
    shutil.rmtree(root)
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "opt")
    app = Runner(there[APP], alone=True)
    app.query("fsck", "--full", "--strict")
    assert app.query("rev-parse", "HEAD").text == merged.commit
    assert not app.query("status", "--porcelain").text
    assert (Path(there[APP]) / "big").read_text() == big


class Weighing(FolderNode):
    """A node that knows how many bytes it was given, and how many of them as git objects."""

    copied = 0
    objects = 0

    def put(self, local: Path, remote: str) -> None:
        sizes = {path: path.lstat().st_size for path in local.rglob("*") if path.is_file()}
        self.objects = sum(size for path, size in sizes.items() if "objects" in path.parts)
        self.copied = sum(size for path, size in sizes.items() if ".git" in path.parts)
        super().put(local, remote)


def test_a_failure_leaves_nothing_behind(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    trees, _ = made(server, merger)
    broken = replace(trees[1], heads={"master": "1" * 40})
    stored = {name: merger.repository(name) for name in (APP, LIB)}
    with pytest.raises(InfrastructureError, match="writing the tree of demo/lib"):
        build([trees[0], broken], stored, tmp_path / "run", silent)
    assert list((tmp_path / "run").iterdir()) == []
    build(trees, stored, tmp_path / "run", silent)
    with pytest.raises(InputError, match="is there already"):
        build(trees, stored, tmp_path / "run", silent)
