"""The launcher without a machine: states, archives, kernels' modules, and what the host's settings become."""

from __future__ import annotations

import io
import lzma
import os
import stat
import struct
import subprocess
import tarfile
from itertools import product
from pathlib import Path
from typing import BinaryIO

import pytest

from gatelocal import process
from gatelocal.errors import InputError
from gatelocal.launcher import connection, host, machine, pack, place, seed, unpack
from gatelocal.launcher.lifecycle import NodeState, is_abandoned, may_follow
from gatelocal.launcher.pool import launcher
from gatelocal.launcher.providers import local


def test_a_returned_node_stays_returned() -> None:
    assert not [
        after for after in NodeState if after is not NodeState.RETURNED and may_follow(NodeState.RETURNED, after)
    ]


def test_every_node_can_be_returned_from_any_state() -> None:
    assert all(may_follow(state, NodeState.RETURNED) for state in NodeState)


def test_only_held_nodes_outlive_their_owner() -> None:
    kept = {(s, alive) for s, alive in product(NodeState, (True, False)) if not is_abandoned(s, alive)}
    lively = {(state, True) for state in NodeState if state is not NodeState.RETURNED}
    assert kept == lively | {(NodeState.HELD, False)}


def test_unknown_kind_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="docker"):
        launcher("docker", tmp_path, tmp_path)


def _members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Reads "newc" as the kernel's document describes it."""
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + length - 1].decode()
        at = (at + 110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, archive[at : at + size])
        at = (at + size + 3) // 4 * 4


def test_cpio_holds_files_and_the_folders_they_need() -> None:
    archive = seed.cpio([seed.File("/a/b/c", b"12345", 0o600), seed.File("/a/d", b"", 0o755)])
    members = _members(archive)
    assert list(members) == ["a", "a/b", "a/b/c", "a/d"]
    assert members["a/b/c"] == (stat.S_IFREG | 0o600, b"12345")
    assert stat.S_ISDIR(members["a/b"][0])
    assert len(archive) % 512 == 0


def test_packed_seeds_are_for_their_owner_only(tmp_path: Path) -> None:
    seed.write_tar(tmp_path / "seed.tar", [seed.File("/etc/pip.conf", b"secret")])
    assert stat.S_IMODE((tmp_path / "seed.tar").stat().st_mode) == 0o600


def test_modules_load_after_what_they_need() -> None:
    text = "k/a.ko: k/b.ko k/c.ko\nk/b.ko: k/c.ko\nk/c.ko:\nk/virtio-net.ko: k/c.ko\n"
    assert machine.load_order(text, ("a", "virtio_net", "built_in")) == [
        "k/c.ko",
        "k/b.ko",
        "k/a.ko",
        "k/virtio-net.ko",
    ]


def _kernel(payload: bytes) -> bytes:
    head = bytearray(1024)
    head[0x1F1], head[0x202:0x206] = 1, b"HdrS"
    struct.pack_into("<II", head, 0x248, 16, len(payload))
    return bytes(head) + b"\0" * 16 + payload + b"tail"


def test_a_kernel_that_can_be_entered_directly_is_unpacked() -> None:
    inside = b"\x7fELF" + b"\0" * 64 + b"\x12\0\0\0Xen\0"
    assert machine.unpacked(_kernel(lzma.compress(inside) + b"size")) == inside


@pytest.mark.parametrize("payload", [b"\xfd7zXZ broken", b"unknown", lzma.compress(b"\x7fELF without the note")])
def test_any_other_kernel_stays_as_it_is(payload: bytes) -> None:
    assert machine.unpacked(_kernel(payload)) == _kernel(payload)


def _tar(*members: tuple[str, bytes, str], content: bytes = b"x") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, target, 0o6777
            member.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(content))
    out.seek(0)
    return out


def test_a_node_cannot_write_outside_the_folder(tmp_path: Path) -> None:
    into, outside = tmp_path / "into", tmp_path / "outside"
    into.mkdir()
    outside.mkdir()
    (into / "job-output.txt").write_text("ours")
    members = (
        ("../outside/a", tarfile.REGTYPE, ""),
        ("junit/../../outside/a", tarfile.REGTYPE, ""),
        (str(outside / "b"), tarfile.REGTYPE, ""),
        ("job-output.txt", tarfile.REGTYPE, ""),
        ("junit-2/unasked", tarfile.REGTYPE, ""),
        ("junit/out", tarfile.SYMTYPE, "../../outside"),
        ("junit/out/c", tarfile.REGTYPE, ""),
        ("junit/abs", tarfile.SYMTYPE, str(outside)),
        ("junit/abs/d", tarfile.REGTYPE, ""),
        ("junit/hard", tarfile.LNKTYPE, str(outside / "e")),
        ("junit/hard2", tarfile.LNKTYPE, "job-output.txt"),
        ("junit/disk", tarfile.BLKTYPE, ""),
        ("junit/null", tarfile.CHRTYPE, ""),
        ("junit/pipe", tarfile.FIFOTYPE, ""),
        ("junit/round", tarfile.SYMTYPE, "trip"),
        ("junit/trip", tarfile.SYMTYPE, "round"),
        ("junit/trip/x", tarfile.REGTYPE, ""),
        ("junit/good/file", tarfile.REGTYPE, ""),
        ("junit/good/link", tarfile.SYMTYPE, "file"),
        ("junit/two\nlines\x1b[2J", tarfile.REGTYPE, ""),
        (f"junit/{'long' * 100}", tarfile.REGTYPE, ""),
    )
    unpack.unpack(_tar(*members), into, "junit")
    assert list(outside.iterdir()) == []
    assert sorted(each.name for each in into.iterdir()) == ["job-output.txt", "junit"]
    assert (into / "job-output.txt").read_text() == "ours"
    root = into / "junit"
    files = {str(each.relative_to(root)) for each in root.rglob("*") if each.is_file()}
    assert files == {"out/c", "abs/d", "good/file", "good/link", "two\\nlines\\x1b[2J"}
    assert not any(each.is_symlink() for each in (root / "out", root / "abs"))
    assert stat.S_IMODE((root / "good/file").stat().st_mode) == 0o755


def test_a_link_in_the_place_of_what_was_asked_for_is_not_taken(tmp_path: Path) -> None:
    assert unpack.unpack(_tar(("junit", tarfile.SYMTYPE, "other"), ("junit/x", tarfile.REGTYPE, "")), tmp_path, "junit")
    assert not (tmp_path / "junit").is_symlink()


def test_a_node_sends_no_more_than_is_taken(tmp_path: Path) -> None:
    limits = unpack.Limits(file=10, total=25, members=4)
    files = [(f"log/{number}", tarfile.REGTYPE, "") for number in range(5)]
    with pytest.raises(unpack.TooMuch, match="4 files"):
        unpack.unpack(_tar(*files), tmp_path, "log", limits)
    with pytest.raises(unpack.TooMuch, match="25 bytes"):
        unpack.unpack(_tar(*files[:3], content=b"x" * 9), tmp_path, "log", limits)
    assert unpack.unpack(_tar(*files[:2], content=b"y" * 11), tmp_path, "log", limits) == 2
    assert (tmp_path / "log/0").read_bytes() == b"x" * 9


def test_a_link_made_here_is_not_followed_out(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "target").write_text("mine")
    (tmp_path / "into/file").symlink_to(tmp_path / "target")
    unpack.unpack(_tar(("file", tarfile.REGTYPE, "")), tmp_path / "into", "file")
    assert (tmp_path / "target").read_text() == "mine"


def _packed(folder: Path) -> dict[str, tarfile.TarInfo]:
    out = io.BytesIO()
    pack.pack(folder, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_trees_are_packed_whatever_becomes_of_their_links(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_bytes(b"one")
    (folder / "sub/b").hardlink_to(folder / "sub/a")
    (folder / "sub/link").symlink_to("a")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    (folder / "sub/run").write_bytes(b"")
    (folder / "sub/run").chmod(0o755)
    found = _packed(folder)
    assert list(found) == ["out", "sub", "sub/a", "sub/b", "sub/link", "sub/run"]
    assert [found[name].size for name in ("sub/a", "sub/b")] == [3, 3]
    assert all(found[name].isreg() for name in ("sub/a", "sub/b"))
    assert (found["sub/link"].linkname, found["out"].linkname, found["sub/run"].mode & 0o111) == ("a", "/etc", 0o111)
    assert {(one.uid, one.uname) for one in found.values()} == {(0, "root")}


def test_a_file_that_changes_while_it_is_packed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    add = tarfile.TarFile.addfile

    def links(archive: tarfile.TarFile, member: tarfile.TarInfo, file: BinaryIO | None = None) -> None:
        (tmp_path.parent / f"{tmp_path.name}-other").hardlink_to(tmp_path / "file")
        add(archive, member, file)

    def grows(archive: tarfile.TarFile, member: tarfile.TarInfo, file: BinaryIO | None = None) -> None:
        add(archive, member, file)
        with (tmp_path / "file").open("ab") as more:
            more.write(b"y")

    monkeypatch.setattr(tarfile.TarFile, "addfile", links)
    pack.pack(tmp_path, io.BytesIO())
    monkeypatch.setattr(tarfile.TarFile, "addfile", grows)
    with pytest.raises(OSError, match="changed while"):
        pack.pack(tmp_path, io.BytesIO())


def test_a_local_node_gives_what_was_asked_for_and_nothing_of_this_machine(tmp_path: Path) -> None:
    home = tmp_path / "node/home"
    (home / "out/tox").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (home / "out/tox/a").write_text("a")
    (home / "out/tox/same").hardlink_to(home / "out/tox/a")
    (home / "out/tox/secret").symlink_to(tmp_path / "secret")
    (home / "out/stream").symlink_to(tmp_path / "secret")
    os.mkfifo(home / "out/tox/pipe")
    owner = place.name_of(os.getpid())
    assert owner is not None
    node = local.LocalNode(tmp_path / "node", place.Record("n", "local", "l", owner), {})
    logs = tmp_path / "logs"
    logs.mkdir()
    assert node.get(f"{home}/out/tox", logs)
    assert node.get(f"{home}/out/stream", logs)
    assert not node.get(f"{home}/out/nothing", logs)
    found = {str(each.relative_to(logs)): each.read_text() for each in logs.rglob("*") if each.is_file()}
    assert found == {"tox/a": "a", "tox/same": "a"}


@pytest.mark.live
def test_what_a_job_hands_no_variable_to_is_stopped_with_it() -> None:
    """As tox does it; another session of the same user goes on."""
    script = "env -i sh -c 'sleep 1000 & echo $!; sleep 1000'; echo end"
    argv = ["env", "GATELOCAL_BUILD=mark", "sh", "-c", script]
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as job,
        subprocess.Popen(["sleep", "1000"], start_new_session=True) as other,
    ):
        assert job.stdout is not None
        behind = int(job.stdout.readline())
        stop = ["sh", "-c", connection._STOP, connection._STOP, "GATELOCAL_BUILD=mark"]
        subprocess.run(stop, start_new_session=True, check=True)
        assert not process.is_running(behind)
        assert job.wait(5) < 0
        assert other.poll() is None
        other.kill()


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def _carried(root: Path, environment: dict[str, str]) -> dict[str, str]:
    return {file.path: file.content.decode() for file in host.read(environment, "bookworm", root).files}


def test_pip_takes_its_options_as_pip_ranks_them(tmp_path: Path) -> None:
    _write(tmp_path, "etc/pip.conf", "[global]\nindex-url = https://low/\ntimeout = 5\n[install]\nretries = 9\n")
    _write(tmp_path, "home/me/.config/pip/pip.conf", "[global]\nindex_url = https://middle/\nuser = yes\n")
    _write(tmp_path, "etc/ssl/certs/ca-certificates.crt", "BUNDLE\n")
    _write(tmp_path, "opt/own.pem", "OWN\n")
    found = _carried(
        tmp_path,
        {
            "HOME": "/home/me",
            "PIP_INDEX_URL": "https://name:password@high/simple",
            "PIP_DEFAULT_TIMEOUT": "180",
            "PIP_FIND_LINKS": "/opt/wheels https://links/",
            "PIP_CERT": "/opt/own.pem",
        },
    )
    conf = found["/etc/pip.conf"].splitlines()
    assert conf[1:] == [
        "cert = /etc/ssl/certs/ca-certificates.crt",
        "find-links = https://links/",
        "index-url = https://name:password@high/simple",
        "retries = 9",
        "timeout = 180",
    ]
    assert found["/etc/ssl/certs/ca-certificates.crt"] == "BUNDLE\n\nOWN\n"
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in found["/etc/environment"]


def test_local_wheels_do_not_leave_a_node_without_an_index(tmp_path: Path) -> None:
    found = _carried(tmp_path, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/opt/wheels"})
    assert found["/etc/pip.conf"] == "[global]\n"


def test_proxies_are_carried(tmp_path: Path) -> None:
    found = _carried(tmp_path, {"https_proxy": "http://p:3128", "NO_PROXY": "localhost", "OTHER": "no"})
    assert "https_proxy=http://p:3128\nNO_PROXY=localhost\n" in found["/etc/environment"]
    assert "OTHER" not in found["/etc/environment"]


def test_sources_of_the_suite_are_used_with_their_keys(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "etc/apt/sources.list.d/all.sources",
        "# a mirror\nTypes: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
        "Signed-By: /etc/apt/keyrings/own.gpg\n\n"
        "Types: deb\nURIs: http://old/\nSuites: bullseye\nComponents: main\n\n"
        "Types: deb\nURIs: http://off/\nSuites: bookworm\nComponents: main\nEnabled: no\n",
    )
    _write(tmp_path, "etc/apt/keyrings/own.gpg", "KEY")
    _write(
        tmp_path, "etc/apt/sources.list", "deb cdrom:[x]/ bookworm main\ndeb [arch=amd64] http://one/ bookworm main\n"
    )
    _write(tmp_path, "etc/apt/auth.conf.d/mirror.conf", "machine mirror login a password b")
    settings = host.read({}, "bookworm", tmp_path)
    texts = [file.content.decode() for file in settings.sources]
    assert texts[0] == "deb [arch=amd64] http://one/ bookworm main\n"
    assert "http://mirror/debian" in texts[1]
    assert "http://old/" not in texts[1]
    assert "http://off/" not in texts[1]
    files = {file.path: file for file in settings.files}
    assert files["/etc/apt/keyrings/own.gpg"].content == b"KEY"
    assert files["/etc/apt/auth.conf.d/90host.conf"].mode == 0o600


def test_a_host_without_sources_for_the_suite_leaves_them_to_the_bootstrap(tmp_path: Path) -> None:
    _write(tmp_path, "etc/apt/sources.list", "deb http://archive.example.org/ubuntu noble main universe\n")
    assert host.read({}, "bookworm", tmp_path).sources == ()


def test_a_debian_of_another_release_knows_where_this_one_is(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "etc/apt/sources.list.d/all.sources",
        "Types: deb\nURIs: http://mirror/bookworm/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://mirror/debian-security\nSuites: bookworm-security\nComponents: main\n",
    )
    _write(
        tmp_path,
        "etc/apt/sources.list",
        "deb [trusted=yes] http://one/ bookworm-security main\ndeb http://x/ sid main\n",
    )
    texts = [file.content.decode() for file in host.read({}, "trixie", tmp_path).sources]
    assert texts == [
        "deb [trusted=yes] http://one/ trixie-security main\n",
        "Types: deb\nURIs: http://mirror/bookworm/debian\nSuites: trixie trixie-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://mirror/debian-security\nSuites: trixie-security\nComponents: main\n\n",
    ]
