"""What a crash leaves in a cache: stale locks go, and a repository that is broken is made anew."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal.engine.mend import mending
from gatelocal.errors import DamagedCache, InfrastructureError
from gatelocal.merger import repair
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from gatelocal.workspace.build import build
from gatelocal.workspace.manifest import Wanted, manifest
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP = "demo/app"


@pytest.fixture
def server(tmp_path: Path) -> GitServer:
    server = GitServer(tmp_path / "server")
    server.create(APP, {"README": "one\n", "big": "text\n" * 100, "sub/x": "x\n"})
    return server


class Run:
    """What a run does to a cache, again and again."""

    def __init__(self, server: GitServer, cache: Path, scratch: Path) -> None:
        self.server, self.cache, self.scratch, self.count = server, cache, scratch, 0
        self.said: list[str] = []

    def __call__(self) -> str:
        """Merge a new change and write its tree; the text of a file in it."""
        return mending(self.said.append, self.once)

    def once(self) -> str:
        self.count += 1
        merger = Merger(Cache(self.cache, say=self.said.append), self.server.remote)
        state = merger.merge([self.server.change(APP, {f"new{self.count}": "1\n"})])
        try:
            trees = manifest(Wanted("h", "main"), state.repositories, state.merged)
            root = self.scratch / f"run{self.count}"
            paths = build(trees, {APP: merger.repository(APP)}, root, lambda line: None)
            text = (paths[APP] / "README").read_text()
            shutil.rmtree(root)
        finally:
            merger.release(state)
        return text

    @property
    def repository(self) -> Path:
        (found,) = self.cache.glob("*.git")
        return found


@pytest.fixture
def run(server: GitServer, tmp_path: Path) -> Run:
    run = Run(server, tmp_path / "cache", tmp_path)
    assert run() == "one\n"
    run.said.clear()
    return run


LOCKS = (
    *("packed-refs.lock", "refs/heads/main.lock", "HEAD.lock", "config.lock", "shallow.lock", "index.lock"),
    *("objects/info/commit-graph.lock", "objects/pack/multi-pack-index.lock", "objects/info/commit-graphs/chain.lock"),
    "refs/gatelocal/20200101-old.lock",
)


def test_locks_that_nobody_holds_are_no_obstacle(run: Run, server: GitServer) -> None:
    for lock in LOCKS:
        (run.repository / lock).parent.mkdir(parents=True, exist_ok=True)
        (run.repository / lock).touch()
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"more": "1\n"})
    before = run.repository.stat().st_ino
    assert run() == "one\n"
    assert run.repository.stat().st_ino == before
    assert [line for line in run.said if line.startswith("removed what a crash has left")]
    assert not list(run.repository.rglob("*.lock"))


def test_the_locks_of_a_living_git_are_waited_for(run: Run) -> None:
    lock = run.repository / "packed-refs.lock"
    lock.touch()
    script = "import os, sys, time; time.sleep(0.6); os.unlink('packed-refs.lock'); time.sleep(0.1)"
    (run.scratch / "git-like").symlink_to(sys.executable)
    with subprocess.Popen([run.scratch / "git-like", "-c", script], cwd=run.repository) as other:
        time.sleep(0.3)
        began = time.monotonic()
        repair.unlock(run.repository)
        assert other.poll() is not None or time.monotonic() - began > 0.2
    assert not lock.exists()


def test_a_git_that_stays_is_told_with_the_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "_PATIENCE", 0.2)
    (run.repository / "packed-refs.lock").touch()
    (run.scratch / "git-like").symlink_to(shutil.which("sleep") or "")
    with subprocess.Popen([run.scratch / "git-like", "20"], cwd=run.repository) as other:
        while not (Path(f"/proc/{other.pid}/comm").read_text()).startswith("git"):
            time.sleep(0.01)
        try:
            with pytest.raises(InfrastructureError, match="another git has been working") as caught:
                repair.unlock(run.repository)
        finally:
            other.kill()
    assert str(run.repository) in caught.value.hint
    assert (run.repository / "packed-refs.lock").exists()


def _loose(repository: Path) -> list[Path]:
    return [path for path in repository.glob("objects/??/*") if path.is_file()]


def _object(repository: Path, name: str) -> Path:
    asked = ["git", "-C", str(repository), "rev-parse", name]
    sha = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return repository / "objects" / sha[:2] / sha[2:]


def _written(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def _packed(repository: Path) -> Path:
    subprocess.run(["git", "-C", str(repository), "repack", "-adq"], check=True)
    (pack,) = repository.glob("objects/pack/*.pack")
    return pack


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for place in range(20, len(data) - 20, 7):
        data[place] ^= 0xFF
    _written(path, bytes(data))


def _each(paths: list[Path], change: Callable[[Path], object]) -> None:
    for path in paths:
        change(path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty objects": lambda git: _each(_loose(git), lambda path: _written(path, b"")),
    "garbage in objects": lambda git: _each(_loose(git), lambda path: _written(path, b"garbage")),
    "no objects": lambda git: _each(_loose(git), Path.unlink),
    "an empty commit": lambda git: _written(_object(git, "main"), b""),
    "no commit": lambda git: _object(git, "main").unlink(),
    "an empty tree": lambda git: _written(_object(git, "main^{tree}"), b""),
    "no tree": lambda git: _object(git, "main^{tree}").unlink(),
    "an inner tree is gone": lambda git: _object(git, "main:sub").unlink(),
    "an empty blob": lambda git: _written(_object(git, "main:README"), b""),
    "no blob": lambda git: _object(git, "main:README").unlink(),
    "no pack": lambda git: _packed(git).unlink(),
    "no index": lambda git: _packed(git).with_suffix(".idx").unlink(),
    "an empty pack": lambda git: _written(_packed(git), b""),
    "a broken pack": lambda git: _flip(_packed(git)),
    "half a pack": lambda git: _written(_packed(git), _packed(git).read_bytes()[:200]),
    "an empty index": lambda git: _written(_packed(git).with_suffix(".idx"), b""),
    "a broken index": lambda git: _flip(_packed(git).with_suffix(".idx")),
    "no object folder": lambda git: shutil.rmtree(git / "objects"),
    "an empty HEAD": lambda git: _written(git / "HEAD", b""),
    "no HEAD": lambda git: (git / "HEAD").unlink(),
    "an empty configuration": lambda git: _written(git / "config", b""),
    "garbage in the configuration": lambda git: _written(git / "config", b"\0\0[core\n = x"),
    "no refs": lambda git: shutil.rmtree(git / "refs"),
    "an empty ref": lambda git: _written_ref(git, b""),
    "garbage in a ref": lambda git: _written_ref(git, b"garbage\n"),
    "a ref to nowhere": lambda git: _written_ref(git, b"1" * 40 + b"\n"),
    "garbage in packed-refs": lambda git: _written(git / "packed-refs", b"garbage\n"),
    "zeros in packed-refs": lambda git: _written(git / "packed-refs", b"\0" * 100),
    "an empty packed-refs": lambda git: _written(git / "packed-refs", b""),
    "an empty folder": lambda git: (shutil.rmtree(git), git.mkdir()),
    "a file": lambda git: (shutil.rmtree(git), git.write_text("x")),
}


def _written_ref(repository: Path, data: bytes) -> None:
    (repository / "refs/heads").mkdir(parents=True, exist_ok=True)
    (repository / "refs/heads/main").write_bytes(data)


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("moved", [False, True], ids=["same", "moved"])
@pytest.mark.live
def test_a_damaged_cache_is_made_anew(run: Run, server: GitServer, kind: str, moved: bool) -> None:
    """Whether or not the server has something new."""
    DAMAGE[kind](run.repository)
    if moved:
        server.commit(APP, "refs/heads/main", (server.tip(APP),), {"more": "1\n"})
    assert run() == "one\n"
    assert run() == "one\n"
    assert not list(run.cache.glob("*.broken"))


@pytest.mark.parametrize("kind", ["no blob", "an empty HEAD", "garbage in packed-refs", "a ref to nowhere"])
def test_some_damage(run: Run, kind: str) -> None:
    DAMAGE[kind](run.repository)
    assert run() == "one\n"
    assert [line for line in run.said if line.endswith("is made anew")]


def test_without_mending_the_hint_names_the_folder(run: Run) -> None:
    DAMAGE["an empty HEAD"](run.repository)
    with pytest.raises(DamagedCache) as caught:
        run.once()
    assert str(run.repository) in caught.value.hint
    assert caught.value.folder == run.repository


def test_a_server_that_is_broken_is_not_called_a_broken_cache(run: Run, server: GitServer) -> None:
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"more": "much\n"})
    _each(list(server.path(APP).glob("objects/pack/*.pack")), _flip)
    with pytest.raises(InfrastructureError) as caught:
        mending(run.said.append, lambda: Merger(Cache(run.cache), server.remote).freeze(APP))
    assert not isinstance(caught.value, DamagedCache)
    assert len([line for line in run.said if line.endswith("is made anew")]) <= 1


def test_a_draft_of_a_killed_run_is_no_obstacle(server: GitServer, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    remote = server.remote(APP)
    path = cache.repository(APP, remote.url).path
    shutil.rmtree(path)
    draft = path.with_suffix(".new")
    draft.mkdir()
    for name in ("config.lock", "HEAD.lock", "HEAD"):
        (draft / name).touch()
    cache.repository(APP, remote.url).fetch()
    assert any(path.iterdir())
