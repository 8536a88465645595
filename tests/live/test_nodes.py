"""Real containers and virtual machines: their networks, what they leave behind, and how their failures are told."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import images, machine, place, seed, sweeper
from gatelocal.launcher.pool import launcher
from gatelocal.launcher.providers import nspawn, qemu
from gatelocal.ports import Node
from tests.patience import until

pytestmark = pytest.mark.live

_KINDS = (pytest.param("nspawn", marks=pytest.mark.nspawn), pytest.param("qemu", marks=pytest.mark.qemu))
_SIX = ["/opt/tox/bin/pip", "download", "--quiet", "--no-deps", "six"]
_OWNER = """
import sys
from pathlib import Path
from gatelocal.launcher.pool import launcher
say = lambda line: print(line, flush=True)
try:
    node = launcher(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])).launch(None, say)
    say(f"READY {node.name}")
    node.run(["sleep", "1000"])
except KeyboardInterrupt:
    say("INTERRUPTED")
except Exception as error:
    say(f"FAILED {getattr(error, 'brief', repr(error))} HINT {getattr(error, 'hint', '')}")
    say(getattr(error, 'details', ''))
"""


@pytest.fixture
def cache() -> Path:
    return directories(os.environ).cache


@pytest.fixture(params=_KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(kind: str, cache: Path, tmp_path: Path) -> Iterator[Node]:
    node = launcher(kind, cache, tmp_path / "nodes").launch(None, print)
    yield node
    node.close()


def _owner(kind: str, cache: Path, runtime: Path, *prefix: str) -> subprocess.Popen[str]:
    argv = [*prefix, sys.executable, "-c", _OWNER, kind, str(cache), str(runtime)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _read_until(child: subprocess.Popen[str], sign: str) -> str:
    read = ""
    for line in child.stdout or ():
        read += line
        if sign in line:
            return line.strip()
    raise AssertionError(f"{sign} never came:\n{read}")


def _traces(*words: str) -> list[str]:
    """Whatever of this machine still speaks of one of the words: command lines, mounts, control groups."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            both = (folder / "cmdline").read_bytes() + b" " + (folder / "environ").read_bytes()
        except OSError:
            continue
        if int(folder.name) != os.getpid():
            lines.append(both.decode(errors="replace").replace("\0", " "))
    groups = (f"{folder}/{name}" for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names)
    lines += [path for path in groups if "/gatelocal-" in path]
    return [line for line in lines if any(word in line for word in words)]


@pytest.fixture
def service() -> Iterator[int]:
    """A service on this machine's loopback that answers; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                link.sendall(b"secret")
                link.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        done.set()
        thread.join()


def test_network_leads_out_but_not_to_this_machines_loopback(node: Node, service: int) -> None:
    with socket.create_connection(("127.0.0.1", service)) as link:
        assert link.recv(6) == b"secret"
    ask = "import socket,sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(6))"
    for address in ("127.0.0.1", "10.0.2.2", "10.0.2.3"):
        lines: list[str] = []
        assert node.run(["python3", "-c", ask, address, str(service)], on_line=lines.append) != 0
        assert not any("secret" in line for line in lines)
    assert node.run(_SIX, on_line=print, timeout=120) == 0


def test_user_may_do_all_and_packages_can_be_installed(node: Node) -> None:
    lines: list[str] = []
    assert node.run(["sh", "-c", "id -un; sudo -n id -un; sudo apt-get update -q"], on_line=lines.append) == 0, lines
    assert lines[:2] == ["zuul", "root"]


def test_the_end_of_a_program_needs_no_sudo_on_the_node(node: Node) -> None:
    """Jobs that take the rights of their user away end in time like all others, with what they started as root."""
    as_root = "sudo setsid sh -c 'rm /etc/sudoers.d/zuul; exec sleep 98765' & sleep 98765"
    with pytest.raises(TimeoutError):
        node.run(["sh", "-c", as_root], timeout=10)
    assert node.run(["sudo", "-n", "true"]) != 0
    assert node.run(["pgrep", "-x", "-f", "sleep 98765"]) == 1


def test_packages_with_code_in_c_can_be_built_on_a_node(node: Node) -> None:
    probe = "#include <Python.h>\n#include <ffi.h>\n#include <openssl/ssl.h>\nint main(void) { return 0; }\n"
    build = 'printf "%s" "$1" | gcc -x c $(python3-config --includes) -o probe - && ./probe && bindep --version'
    lines: list[str] = []
    assert node.run(["sh", "-c", build, "sh", probe], on_line=lines.append) == 0, lines
    assert node.run(["test", "-e", "/usr/share/zoneinfo/Europe/Berlin"]) == 0


def test_nothing_is_left_when_the_owner_is_killed(kind: str, cache: Path, tmp_path: Path) -> None:
    owner = _owner(kind, cache, tmp_path / "nodes")
    name = _read_until(owner, "READY").split()[1]
    assert _traces(name)
    owner.kill()
    owner.wait()
    assert until(lambda: not _traces(name)), _traces(name)
    assert until(lambda: list((tmp_path / "nodes").iterdir()) == [])
    assert not Path("/run/systemd/nspawn/propagate", name).exists()


def test_nothing_is_left_when_interrupted_while_booting(kind: str, cache: Path, tmp_path: Path) -> None:
    owner = _owner(kind, cache, tmp_path / "nodes")
    _read_until(owner, "waiting for its ssh server")
    time.sleep(0.1)
    owner.send_signal(signal.SIGINT)
    _read_until(owner, "INTERRUPTED")
    owner.wait()
    assert until(lambda: not _traces(str(tmp_path))), _traces(str(tmp_path))
    assert list((tmp_path / "nodes").iterdir()) == []


def test_a_node_that_dies_is_no_failure_of_the_program(node: Node, tmp_path: Path) -> None:
    (folder,) = (tmp_path / "nodes").iterdir()
    record = place.read(folder)
    assert record is not None
    timer = threading.Timer(1.0, lambda: [os.kill(each.pid, signal.SIGKILL) for each in record.processes[1:3]])
    timer.start()
    with pytest.raises(InfrastructureError, match="was lost"):
        node.run(["sleep", "300"], timeout=200)
    timer.join()


def test_held_node_outlives_its_owner(kind: str, cache: Path, tmp_path: Path) -> None:
    script = _OWNER.replace('node.run(["sleep", "1000"])', "node.hold()")
    argv = [sys.executable, "-c", script, kind, str(cache), str(tmp_path / "nodes")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    name = done.stdout.rpartition("READY")[2].strip()
    folder = tmp_path / "nodes" / name
    record = place.read(folder)
    assert record is not None
    time.sleep(1)
    try:
        entered = subprocess.run(
            ["ssh", "-F", str(folder / "ssh_config"), "node", "hostname"], capture_output=True, text=True, check=True
        )
        assert entered.stdout.strip() == name
    finally:
        sweeper.remove(folder)
    assert until(lambda: not _traces(name)), _traces(name)


def test_another_machine_is_not_let_in_by_the_known_key(node: Node, tmp_path: Path) -> None:
    (folder,) = (tmp_path / "nodes").iterdir()
    (folder / "other").mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "other/key")], check=True)
    key = (folder / "other/key.pub").read_text()
    (folder / "known_hosts").write_text(f"{folder.name} {key}")
    argv = ["ssh", "-F", str(folder / "ssh_config"), "node", "true"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert "verification failed" in done.stderr


@pytest.mark.nspawn
def test_passwords_of_package_indexes_stay_with_the_node(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://somebody:Pa55word@index.invalid/simple")
    said: list[str] = []
    node = launcher("nspawn", cache, tmp_path / "nodes").launch(None, said.append)
    try:
        assert node.run(["grep", "-q", "somebody:Pa55word@", "/etc/pip.conf"]) == 0
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                assert b"Pa55word" not in (folder / "cmdline").read_bytes()
        image = images.find(images.below(cache), None, os.environ)
        searched = ["grep", "-rlsI", "--devices=skip", "Pa55word", *map(str, image.trees), str(tmp_path)]
        found = subprocess.run(searched, capture_output=True, text=True, check=False).stdout.split()
        (own,) = (tmp_path / "nodes").iterdir()
        assert all(Path(path).is_relative_to(own) for path in found)
        assert own.stat().st_mode & 0o077 == 0
        assert "Pa55word" not in "".join(said)
    finally:
        node.close()


@pytest.mark.nspawn
def test_a_label_of_debian_13_has_its_python(cache: Path, tmp_path: Path) -> None:
    node = launcher("nspawn", cache, tmp_path / "nodes", labels(None)).launch("ubuntu-noble", print)
    try:
        lines: list[str] = []
        assert node.run(["python3", "--version"], on_line=lines.append) == 0
        assert lines[0].startswith("Python 3.13.")
        assert "debian-trixie stands in for ubuntu-noble" in node.description
        assert node.notes == ("debian-trixie stands in for ubuntu-noble",)
        assert node.run(["tox", "--version"]) == 0
    finally:
        node.close()


@pytest.mark.qemu
def test_a_machine_that_does_not_boot_shows_its_console(cache: Path, tmp_path: Path) -> None:
    good = images.find(images.below(cache), None, os.environ)
    files = machine.ensure(good, print)
    folder, record = place.create(tmp_path / "nodes", "qemu", good.label)
    try:
        empty = tmp_path / "initrd"
        empty.write_bytes(b"")
        broken = replace(files, initrd=empty)
        provider = qemu.Provider(accelerated=False)
        with pytest.raises(InfrastructureError, match="ended while it booted") as caught:
            provider.boot(good, broken, folder, record, print)
        assert "Kernel panic" in caught.value.details
    finally:
        sweeper.remove(folder)


@pytest.mark.nspawn
def test_a_container_that_is_slow_to_let_people_in_lets_us_in(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = b"[Service]\nExecStartPre=/bin/sleep 20\n"
    late = seed.File("/etc/systemd/system/systemd-user-sessions.service.d/late.conf", slow)
    monkeypatch.setattr(nspawn, "_GENERATORS", (*nspawn._GENERATORS, late))
    node = launcher("nspawn", cache, tmp_path / "nodes").launch(None, print)
    try:
        state = ["systemctl", "show", "--value", "-p", "ActiveState", "systemd-user-sessions.service"]
        lines: list[str] = []
        assert node.run(state, on_line=lines.append) == 0
        assert lines == ["activating"], "else nothing was tried"
        assert node.run(["true"]) == 0
    finally:
        node.close()


_INIT = "#!/bin/sh\necho 'the end of the world'\nexit 3\n"


@pytest.mark.nspawn
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            'mkdir -p "$1/usr/lib/systemd"; cd "$1/usr/lib/systemd"; printf "$2" >systemd; chmod +x systemd',
            "the end of the world",
        ),
        ("true", "not-there"),
    ],
    ids=["an image that does not boot", "a layer that is not there"],
)
def test_a_container_that_does_not_boot_shows_its_console(
    make: str, told: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["sh", "-euc", make, "sh", str(tmp_path / "not-there"), _INIT], check=True)
    real = images.ensure_rootfs
    monkeypatch.setattr(images, "ensure_rootfs", lambda image, say: (tmp_path / "not-there", *real(image, say)))
    with pytest.raises(InfrastructureError, match="ended while it started") as caught:
        launcher("nspawn", cache, tmp_path / "nodes").launch(None, print)
    assert told in caught.value.details, caught.value.details
    assert "--node qemu" in caught.value.hint
    assert not list((tmp_path / "nodes").iterdir())


@pytest.mark.nspawn
def test_image_build_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    owner = _owner("nspawn", tmp_path / "cache", tmp_path / "nodes")
    _read_until(owner, "installing essential")
    owner.send_signal(signal.SIGINT)
    _read_until(owner, "INTERRUPTED")
    owner.wait()
    assert until(lambda: not _traces(str(tmp_path))), _traces(str(tmp_path))
    left = {path.name for path in (tmp_path / "cache/images").glob("*/*")}
    assert left <= {"lock", "rootfs.log"}


@pytest.mark.nspawn
def test_image_build_without_network_says_so(tmp_path: Path) -> None:
    owner = _owner("nspawn", tmp_path / "cache", tmp_path / "nodes", "unshare", "--net")
    line = _read_until(owner, "FAILED")
    owner.wait()
    assert "a package archive did not answer" in line
    assert "Debian archive" in line


@pytest.mark.nspawn
def test_image_build_on_a_full_disk_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    mount = 'mount -t tmpfs -o size=40m tmpfs "$1" && shift && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path / "cache"))
    owner = _owner("nspawn", tmp_path / "cache", tmp_path / "nodes", *prefix)
    line = _read_until(owner, "FAILED")
    owner.wait()
    assert "the disk is full" in line
