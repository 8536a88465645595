"""What a new cache takes of a clone, what a server is asked for again, and what a fetch leaves behind."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.merger import cache as caches
from gatelocal.merger.cache import Cache, Repository
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.change import Change
from git_review.git import objects
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

pytestmark = pytest.mark.live  # more seconds than the fast suite has

APP = "demo/app"


def clone(server: GitServer, place: Path, *options: str) -> Path:
    Runner(place.parent, alone=True).run("clone", "-q", *options, f"file://{server.path(APP)}", place.name)
    return place


def received(repository: Repository) -> int:
    """How many packs and loose objects of the repository are nobody else's."""
    return sum(1 for file in (repository.path / "objects").rglob("*") if file.is_file() and file.stat().st_nlink == 1)


@pytest.fixture
def repository(cache: Cache, server: GitServer) -> Repository:
    return cache.repository(APP, str(server.path(APP)))


def whole(repository: Repository) -> bool:
    tips = objects.references(repository.git, "refs/heads").values()
    return not repository.git.query("rev-list", "--objects", "--quiet", *tips).stdout


def test_only_what_the_clone_lacks_is_sent(server: GitServer, repository: Repository, tmp_path: Path) -> None:
    place = clone(server, tmp_path / "work")
    later = server.commit(APP, "refs/heads/main", (server.tip(APP),), {"later": "1\n"})
    repository.fetch(clone=place)
    assert objects.references(repository.git, "refs/heads")["refs/heads/main"] == later
    assert received(repository) == 3, "one commit, one tree, one file"
    shutil.rmtree(place)
    repository.git.run("gc", "--quiet", "--prune=now")
    assert whole(repository)


@pytest.mark.live
def test_a_clone_that_borrows_itself(server: GitServer, repository: Repository, tmp_path: Path) -> None:
    place = clone(server, tmp_path / "work")
    other = tmp_path / "other"
    Runner(tmp_path, alone=True).run("clone", "-q", "--shared", str(place), str(other))
    repository.fetch(clone=other)
    assert received(repository) == 0
    assert whole(repository)


@pytest.mark.parametrize(
    "kind",
    [
        "damaged",
        *(pytest.param(kind, marks=pytest.mark.live) for kind in ("shallow", "partial", "elsewhere", "sha256")),
    ],
)
def test_a_clone_that_does_not_have_all(kind: str, server: GitServer, repository: Repository, tmp_path: Path) -> None:
    place = tmp_path / "work"
    if kind == "shallow":
        clone(server, place, "--depth=1")
    elif kind == "partial":
        server.git(APP).run("config", "uploadpack.allowFilter", "true")
        clone(server, place, "--filter=blob:none", "--no-checkout")
    elif kind == "damaged":
        clone(server, place)
        git = Runner(place, alone=True)
        (pack,) = (place / ".git/objects/pack").glob("*.pack")
        git.run("unpack-objects", "-q", stdin=pack.rename(tmp_path / "pack").read_bytes())
        tree = git.query("rev-parse", "HEAD^{tree}").text
        (place / ".git/objects" / tree[:2] / tree[2:]).unlink()
    elif kind == "sha256":
        Runner(tmp_path, alone=True).run("init", "-q", "--object-format=sha256", "work")
    repository.fetch(clone=place)
    assert received(repository) > 3, "all of it came from the server"
    assert not [name for name in objects.references(repository.git) if "taken" in name]
    assert whole(repository)


def test_a_plan_after_another_asks_for_nothing(server: GitServer, cache: Cache) -> None:
    change = server.change(APP, {"new": "1\n"})
    tip = server.tip(APP)
    Merger(cache, server.remote, fresh=600).merge([change])
    shutil.move(server.path(APP), server.path("gone"))
    (one,) = Merger(cache, server.remote, fresh=600).merge([change]).merged
    assert one.base == tip
    with pytest.raises(InfrastructureError, match="cannot fetch"):
        Merger(cache, server.remote).merge([change])


def test_what_is_not_known_is_asked_for(server: GitServer, cache: Cache) -> None:
    merger = Merger(cache, server.remote, fresh=600)
    merger.merge([server.change(APP, {"new": "1\n"})])
    tip = server.commit(APP, "refs/heads/fresh", (server.tip(APP),), {"x": "1\n"})
    later = server.commit(APP, "refs/heads/main", (server.tip(APP),), {"y": "1\n"})
    change = server.change(APP, {"more": "1\n"}, parent=tip)
    state = merger.merge([change])
    assert state.merged[0].base != later, "main was asked for not long ago"
    state = merger.merge([server.change(APP, {"more": "1\n"}, branch="fresh")])
    assert state.merged[0].base == tip
    state = merger.merge([server.change(APP, {"most": "1\n"})])
    assert state.merged[0].base == later


def test_the_time_is_up(server: GitServer, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repository.fetch(fresh=600)
    assert not repository.fetch(fresh=600)
    now = time.time()
    for moment, asked in ((now + 599, False), (now + 700, True), (now - 3600, True)):
        monkeypatch.setattr(caches.time, "time", lambda moment=moment: moment)
        assert repository._is_known(moment - 600) is not asked
    stamp = repository.path / "gatelocal-fetched"
    os.utime(stamp, (now, now))
    monkeypatch.undo()
    assert repository.default_branch(fresh=600) == "main"
    shutil.move(server.path(APP), server.path("gone"))
    assert repository.default_branch(fresh=600) == "main"
    assert not repository.fetch(fresh=600)


def test_a_patchset_that_is_here_is_not_fetched(server: GitServer, cache: Cache) -> None:
    said: list[str] = []
    merger = Merger(Cache(cache._root, say=said.append), server.remote, fresh=600)
    change = server.change(APP, {"new": "1\n"})
    merger.merge([change])
    server.git(APP).run("update-ref", "-d", change.ref or "")
    said.clear()
    merger.merge([change])
    assert said == []


BREAKING_OFF = """
import os, subprocess, sys
left = int(os.environ["ENOUGH"])
served = subprocess.Popen(["sh", "-c", sys.argv[-1]], stdout=subprocess.PIPE)
while left > 0 and (data := os.read(served.stdout.fileno(), min(left, 65536))):
    left -= os.write(1, data)
served.kill()
"""


def test_a_fetch_that_fails_leaves_no_pack(
    server: GitServer, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks off in the middle of a pack, as ssh's would."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!{sys.executable}\n{BREAKING_OFF}")
    ssh.chmod(0o755)
    for name, value in {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh", "ENOUGH": "9999999"}.items():
        monkeypatch.setenv(name, value)
    repository = cache.repository(APP, f"ssh://host{server.path(APP)}")
    repository.fetch()
    files = {f"large{part}": f"{part}{os.urandom(3000).hex()}" for part in range(150)}
    tip = server.commit(APP, "refs/heads/main", (server.tip(APP),), files)
    pack = repository.path / "objects/pack"
    (pack / "tmp_pack_killed").write_bytes(b"of a run that was killed")
    monkeypatch.setenv("ENOUGH", "90000")
    with pytest.raises(InfrastructureError, match="cannot fetch"):
        repository.fetch()
    assert [path for path in pack.parent.rglob("*") if "tmp" in path.name] == []
    monkeypatch.setenv("ENOUGH", "9999999")
    repository.fetch()
    assert objects.references(repository.git)["refs/heads/main"] == tip


OUTSIDE = [
    "../../x",
    "demo/../../x",
    "..",
    ".",
    "",
    "/etc/x",
    "demo/",
    "demo//app",
    "https://elsewhere.example.org/x",
    "git@elsewhere.example.org:x",
    "ext::sh -c true",
    "file:///etc",
    "-oProxyCommand=touch pwned",
    "--upload-pack=touch pwned",
    "demo/app?x",
    "demo/app%2f..%2fx",
    "a\nb",
    "a\x1b[2Jb",
    "demo\\app",
    "demo/.git",
    "$HOME",
    "~root/x",
]


@pytest.mark.parametrize("name", [*OUTSIDE, "elsewhere.example.org/demo/app"])
def test_a_name_that_leads_outside_is_refused_before_anything_is_fetched(name: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def remote(project: str) -> Remote:
        return Remote(project, f"ssh://review.example.org:29418/{project}")

    merger = Merger(Cache(tmp_path / "cache", say=asked.append), remote)
    with pytest.raises(InputError) as caught:
        merger.freeze(name)
    assert "\x1b" not in caught.value.brief and "\n" not in caught.value.brief
    if name in OUTSIDE:
        with pytest.raises(InputError):
            merger.merge([Change(name, "main", "1" * 40, "S\n")])
    assert asked == []
    assert not (tmp_path / "cache").exists()


def test_a_project_of_another_server_that_a_configuration_names(tmp_path: Path) -> None:
    url = "https://localhost.invalid/demo/app"
    merger = Merger(Cache(tmp_path / "cache"), lambda project: Remote(project, url))
    with pytest.raises(InfrastructureError, match="cannot fetch"):
        merger.freeze("localhost.invalid/demo/app")
