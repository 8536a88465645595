"""What git's words mean: a full disk of ours, a repository of ours that is broken, or neither."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatelocal import errors
from gatelocal.disk import is_full
from gatelocal.errors import DamagedCache, InfrastructureError, NoSpace, as_machinery, not_written
from git_review.errors import ReviewError

# As git 2.39 says it on a full disk: the first ones whatever is left there, the others alike without rights.
SAID = (
    "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
    "fatal: sha1 file 'objects/pack/tmp_pack_M6ATv2' write error. Out of diskspace",
    "error: unable to write symref for HEAD: No space left on device",
)
HIDDEN = (
    "error: unable to write file tox.ini\nfatal: Could not reset index file to revision 'HEAD'.",
    "fatal: prepare: cannot update ref 'refs/x': couldn't write '/r/refs/x.lock'",
    "error: failed to write new configuration file /r/config.lock",
    "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output",
    "fatal: unpack-objects failed",
)


def room(monkeypatch: pytest.MonkeyPatch, blocks: int, files: int = 1000) -> None:
    state = SimpleNamespace(f_bavail=blocks, f_frsize=4096, f_files=10_000, f_favail=files)
    monkeypatch.setattr(os, "statvfs", lambda _: state)


@pytest.mark.parametrize("words", SAID)
def test_a_full_disk_in_plain_words(words: str) -> None:
    assert is_full(words)
    assert not errors.is_damage(words)


@pytest.mark.parametrize("words", HIDDEN)
@pytest.mark.parametrize(("blocks", "files", "full"), [(0, 1000, True), (10**6, 0, True), (10**6, 1000, False)])
def test_where_git_hides_it_the_room_is_looked_at(
    words: str, blocks: int, files: int, full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, blocks, files)
    assert is_full(words, tmp_path / "not" / "there" / "yet") is full


@pytest.mark.parametrize(
    "words", ["remote: fatal: write error: No space left on device", "fatal: Could not resolve host: h", ""]
)
def test_what_is_no_full_disk_of_ours(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, 0)
    assert not is_full(words, tmp_path)


def test_a_full_disk_is_told_with_its_folder_and_in_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(f_bavail=0, f_frsize=4096, f_files=0, f_favail=0)
    free = SimpleNamespace(f_bavail=10**6, f_frsize=4096, f_files=0, f_favail=0)
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(os, "statvfs", lambda folder: full if "work" in str(folder) else free)
    said = "\n".join(f"error: unable to write file d/{number}" for number in range(100))
    with pytest.raises(NoSpace) as caught, as_machinery("writing the tree of p", tmp_path / "r.git", tmp_path / "work"):
        raise ReviewError("git reset failed with status 128", details=said)
    error = caught.value
    assert (error.no_space, error.brief) == (True, "writing the tree of p: the disk is full")
    assert error.hint == f"make room where {tmp_path / 'work'} is, and try again"
    assert error.details.splitlines()[-1] == "... and 95 lines more"


def test_the_servers_damage_is_not_ours(tmp_path: Path) -> None:
    theirs = "remote: fatal: bad object 095d7cecc0798b2d0d3c7d0a497cd0ad4c2ae493"
    for words, kind in ((theirs, InfrastructureError), (theirs.removeprefix("remote: "), DamagedCache)):
        with pytest.raises(InfrastructureError) as caught, as_machinery("reading", tmp_path):
            raise ReviewError("git failed", details=words)
        assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("number", "full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False), (errno.EROFS, False)]
)
def test_what_the_system_refuses(number: int, full: bool, tmp_path: Path) -> None:
    found = not_written("cannot write the source trees", OSError(number, os.strerror(number)), tmp_path)
    assert (found.no_space, str(tmp_path) in found.hint) == (full, full)
