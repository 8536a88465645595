"""Repositories that do harm, or are only strange: the right tree, or a clear error, and never a file elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.errors import ConflictError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change
from gatelocal.workspace.build import build
from gatelocal.workspace.manifest import Wanted, manifest
from tests.fakes.git_server import PERSON, GitServer
from tests.patience import within

APP = "demo/app"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


def raw(server: GitServer, number: int, parent: str, *entries: str) -> Change:
    """A change made of fast-import's own lines, for what no well-behaved program would write."""
    ref = f"refs/changes/{number:02}/{number}/1"
    who = f"{PERSON} 1700000000 +0000"
    head = [f"commit {ref}", "mark :1", f"author {who}", f"committer {who}", "data 2", "S", f"from {parent}"]
    done = server.git(APP).run(
        "fast-import", "--quiet", "--force", stdin="\n".join([*head, *entries, "", "get-mark :1", ""])
    )
    return Change(APP, "main", done.text, "S\n", number=number, patchset=1, ref=ref)


def inline(mode: str, path: str, text: str) -> str:
    return f"M {mode} inline {path}\ndata {len(text)}\n{text}"


def trees(merger: Merger, changes: list[Change], folder: Path) -> Path:
    state = merger.merge(changes)
    made = manifest(Wanted("review.example.org", "main"), state.repositories, state.merged)
    return build(made, {APP: merger.repository(APP)}, folder, lambda line: None)[APP]


def test_submodules_lfs_and_links_come_out_as_they_are_written(
    server: GitServer, merger: Merger, tmp_path: Path
) -> None:
    tip = server.tip(APP)
    (tmp_path / "outside").write_text("mine\n")
    strange = raw(
        server,
        90,
        tip,
        f"M 160000 {'1' * 40} module",
        inline("100644", ".gitmodules", '[submodule "module"]\n\tpath = module\n\turl = file:///etc\n'),
        inline("120000", "link", f"{tmp_path}/outside"),
        inline("120000", "up", "../../../../"),
        inline("100644", "big.bin", POINTER),
        inline("100644", ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        inline("100644", r'"a\nb"', "1\n"),
    )
    beside = server.change(APP, {"beside": "1\n"})
    server.commit(APP, "refs/heads/main", (tip,), {"later": "1\n"})
    made = trees(merger, [strange, beside], tmp_path / "run")
    assert (made / "module").is_dir() and not list((made / "module").iterdir())
    assert (made / "big.bin").read_text() == POINTER
    assert (made / "link").readlink() == tmp_path / "outside" and (made / "up").is_symlink()
    assert (made / "a\nb").read_text() == "1\n"
    assert (tmp_path / "outside").read_text() == "mine\n"


@pytest.mark.live
def test_nothing_is_written_through_a_link(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    linked = raw(server, 90, server.tip(APP), inline("120000", "folder", f"{tmp_path}/outside"))
    filed = server.change(APP, {"folder/file": "1\n"})
    with pytest.raises(ConflictError):
        merger.merge([linked, filed])
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_submodule_that_two_changes_move(server: GitServer, merger: Merger) -> None:
    changes = [raw(server, 90 + n, server.tip(APP), f"M 160000 {str(n) * 40} module") for n in (1, 2)]
    with pytest.raises(ConflictError, match="module"):
        merger.merge(changes)


@pytest.mark.live
def test_a_conflict_in_a_name_with_a_line_break(server: GitServer, merger: Merger) -> None:
    tip = server.tip(APP)
    changes = [raw(server, 90 + n, tip, f'M 100644 inline "a\\nb: c"\ndata 2\n{n}\n') for n in (1, 2)]
    with pytest.raises(ConflictError) as caught:
        merger.merge(changes)
    assert "ab: c" in caught.value.brief and "\n" not in caught.value.brief


@pytest.mark.live
@pytest.mark.parametrize(("kind", "count"), [("changes", 100_000), ("heads", 3_000)])
def test_very_many_refs(kind: str, count: int, server: GitServer, tmp_path: Path) -> None:
    tip = server.tip(APP)
    names = [f"refs/{kind}/{number % 100:02}/{number}/1" for number in range(count)]
    lines = "".join(f"{tip} {name}\n" for name in sorted([*names, "refs/heads/main"]))
    (server.path(APP) / "packed-refs").write_text(f"# pack-refs with: sorted \n{lines}")
    merger = Merger(Cache(tmp_path / "many"), server.remote)
    change = server.change(APP, {"x": "1\n"})
    with within(5):
        made = trees(merger, [change], tmp_path / "run")
    assert (made / "x").exists()
    for folder in (merger.repository(APP).path, made / ".git"):
        files = [path for path in (folder / "refs").rglob("*") if path.is_file()]
        assert len(files) < 100
