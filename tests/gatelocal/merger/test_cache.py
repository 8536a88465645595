"""Bare caches: what they fetch, whom they wait for, and what they keep out."""

from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.merger.cache import RUNS, Cache, Limits
from git_review.git import objects
from tests.fakes.git_server import GitServer

APP = "demo/app"


def url(server: GitServer) -> str:
    return str(server.path(APP))


def test_branches_tags_and_changes(server: GitServer, cache: Cache) -> None:
    change = server.change(APP, {"new": "1\n"})
    repository = cache.repository(APP, url(server))
    repository.fetch([change.ref or ""])
    found = objects.references(repository.git)
    assert set(found) == {"refs/heads/main", "refs/heads/stable/1.0", "refs/tags/1.0.0", change.ref}
    server.git(APP).run("update-ref", "-d", "refs/heads/stable/1.0")
    server.git(APP).run("tag", "-f", "1.0.0", server.tip(APP))
    server.commit(APP, "refs/heads/stable", (server.tip(APP),), {"d-f": "clash\n"})
    repository.fetch()
    found = objects.references(repository.git)
    assert "refs/heads/stable" in found
    assert "refs/heads/stable/1.0" not in found
    assert found["refs/tags/1.0.0"] == server.tip(APP)


def test_who_waits_for_a_fetch_that_begins_later_need_not_ask_again(server: GitServer, cache: Cache) -> None:
    repository = cache.repository(APP, url(server))
    repository.fetch()
    with ThreadPoolExecutor(3) as others:
        with repository.locked():
            waiting = [others.submit(repository.fetch) for _ in range(3)]
            time.sleep(0.3)
            tip = server.commit(APP, "refs/heads/main", (server.tip(APP),), {"late": "1\n"})
        assert sorted(one.result() for one in waiting) == [False, False, True]
    assert objects.references(repository.git)["refs/heads/main"] == tip
    assert repository.fetch(), "who comes afterwards asks"


def test_changes_of_others_are_taken_along(server: GitServer, cache: Cache) -> None:
    own, other, unneeded = (server.change(APP, {name: "1\n"}) for name in "abc")
    repository = cache.repository(APP, url(server))
    repository.fetch([own.ref or ""], beside=[other.ref or ""])
    assert repository.missing([own.commit, other.commit]) == []
    repository.fetch(fresh=600, beside=[unneeded.ref or ""])
    assert repository.missing([unneeded.commit]), "the server is not asked for their sake"
    gone = "refs/changes/99/99/1"
    repository.fetch([unneeded.ref or ""], beside=[gone])
    assert repository.missing([unneeded.commit]) == []
    with pytest.raises(InputError, match="has no refs/changes/99/99/1"):
        repository.fetch([gone], beside=[own.ref or ""])


@pytest.mark.parametrize(
    "name", ["..", "../../escape", "/etc/passwd", "a\nb", "x" * 500, "", "a/../b", "\x1b[2J", "-x", "ü/\udce9"]
)
def test_no_name_leads_out_of_the_root(name: str, server: GitServer, cache: Cache, tmp_path: Path) -> None:
    repository = cache.repository(name, url(server))
    assert repository.path.resolve().parent == tmp_path / "cache"
    assert repository.path.is_dir()
    assert repository.path != cache.repository(f"{name}x", url(server)).path
    assert repository.path != cache.repository(name, f"{url(server)}/").path


@pytest.mark.parametrize("address", ["", "--upload-pack=touch pwned", "https://x/\n", "a\tb"])
def test_an_address_that_is_none(address: str, cache: Cache) -> None:
    with pytest.raises(InputError, match="no address"):
        cache.repository(APP, address)


def test_nobody_else_can_read_it(server: GitServer, cache: Cache, tmp_path: Path) -> None:
    repository = cache.repository(APP, url(server))
    for path in (tmp_path / "cache", repository.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_many_at_once(server: GitServer, tmp_path: Path) -> None:
    change = server.change(APP, {"new": "1\n"})

    def fetch(_: int) -> str:
        repository = Cache(tmp_path / "cache").repository(APP, url(server))
        repository.fetch([change.ref or ""])
        return objects.references(repository.git)["refs/heads/main"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(fetch, range(4))) == {server.tip(APP)}
    assert len(list((tmp_path / "cache").glob("*.git"))) == 1


def test_waiting_for_another_process_ends(server: GitServer, tmp_path: Path) -> None:
    said: list[str] = []
    cache = Cache(tmp_path / "cache", limits=Limits(lock=0.1), say=said.append)
    with (
        cache.repository(APP, url(server)).locked(),
        pytest.raises(InfrastructureError, match=r"using the cache of demo/app for more than 0\.1 s"),
    ):
        cache.repository(APP, url(server)).fetch()
    assert any("waiting for another process" in line for line in said)


def test_no_server_and_no_password_in_the_error(cache: Cache, tmp_path: Path) -> None:
    repository = cache.repository(APP, "http://me:s3cret@127.0.0.1:9/demo/app")
    with pytest.raises(InfrastructureError) as caught:
        repository.fetch()
    error = caught.value
    assert error.exit_code == 6
    assert "127.0.0.1" in error.brief
    assert "s3cret" not in f"{error.brief}{error.details}{error.hint}{repository.path}"
    assert not any(b"s3cret" in path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_a_change_that_the_server_does_not_have(server: GitServer, cache: Cache) -> None:
    with pytest.raises(InputError, match="has no refs/changes/01/1/7"):
        cache.repository(APP, url(server)).fetch(["refs/changes/01/1/7"])


def test_the_users_configuration_counts_in_a_fetch_and_hooks_do_not(
    server: GitServer, cache: Cache, home: Path, tmp_path: Path
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    hook = hooks / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[url "{server.folder}/"]\n\tinsteadOf = short:\n[core]\n\thooksPath = {hooks}\n'
        f"[init]\n\ttemplateDir = {hooks.parent}\n[fetch]\n\tprune = true\n"
    )
    repository = cache.repository(APP, f"short:{APP}.git")
    repository.fetch()
    assert objects.references(repository.git)["refs/heads/main"] == server.tip(APP)
    assert not (tmp_path / "ran").exists()
    assert not (repository.path / "ran").exists()


def test_a_callers_repository_is_not_mistaken_for_the_cache(
    server: GitServer, cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = server.path("demo/lib")
    before = sorted(path.name for path in theirs.rglob("*"))
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(theirs))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(theirs / "objects"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(theirs / "index"))
    repository = cache.repository(APP, url(server))
    repository.fetch()
    assert "refs/heads/stable/1.0" in objects.references(repository.git)
    assert sorted(path.name for path in theirs.rglob("*")) == before


def test_leftovers_of_crashes_go_and_todays_runs_stay(server: GitServer, cache: Cache) -> None:
    repository = cache.repository(APP, url(server))
    repository.fetch()
    tip = server.tip(APP)
    objects.update_references(repository.git, {f"{RUNS}20200101-aa/0": tip, f"{RUNS}29990101-bb/0": tip})
    repository.fetch()
    assert list(objects.references(repository.git, RUNS)) == [f"{RUNS}29990101-bb/0"]
