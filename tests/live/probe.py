"""Runs on a node, as root, and tries to get out of it: says of each attempt whether it was refused or what it reached.

Its argument is JSON with what there would be to reach on the host; it must be harmless where it succeeds. Words that
are looked for come backwards, so that no process is found by its own arguments. The numbers are those of x86-64.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

FACTS = json.loads(sys.argv[1]) if __name__ == "__main__" else {}
SECRET = FACTS.get("secret", "")[::-1]
LIBC = ctypes.CDLL(None, use_errno=True)
ALLOWED_DEVICES = frozenset("null zero full random urandom tty console ptmx net tun shm pts mqueue".split())
SYSCALLS = {
    "load a kernel module": (175, b"", 0, b""),
    "replace the kernel (kexec)": (246, 0, 0, 0, 0),
    "read the kernel's log": (103, 3, ctypes.create_string_buffer(64), 64),
    "switch swap on": (167, b"/etc/hostname", 0),
    "set the clock": (227, 0, (ctypes.c_long * 2)(1, 0)),
    "load a BPF program": (321, 5, ctypes.create_string_buffer(128), 128),
    "reach the processor's ports": (172, 3),
    "accounting of processes": (163, b"/tmp/accounting"),
}


def attempts() -> Iterator[tuple[str, Callable[[], str]]]:
    """What is tried: its name, and a function that gives what it reached, or raises OSError."""
    for path in FACTS["files"]:
        yield f"read the host's file {path}", lambda path=path: contains(path)
        yield f"read it through process 1: /proc/1/root{path}", lambda path=path: contains(f"/proc/1/root{path}")
    for address in ("127.0.0.1", "10.0.2.2", "10.0.2.3", "10.0.2.100", "::1"):
        for what, port in FACTS["ports"].items():
            yield f"reach {what} at {address} port {port}", lambda a=address, p=port: connected((a, p))
    yield "reach the host's abstract socket", lambda: connected("\0" + FACTS["abstract"])
    for word in (each[::-1] for each in FACTS["processes"]):
        yield f"see the host's process {word}", lambda word=word: seen("cmdline", word)
    yield "see the secret in a process's environment", lambda: seen("environ", SECRET)
    yield "see the host's folders among the mounts", mounts
    yield "find the secret in files", found_in_files
    yield "find keys or passwords of the user", credentials
    yield "see block devices of the host", block_devices
    yield "mount a folder that the host shares (9p, virtiofs)", shared
    if FACTS["own_kernel"]:
        return
    yield "see devices that no job needs", devices
    yield "make a device of the host's disk and read it", lambda: made_device(FACTS["device"])
    yield "open the host's folder by its handle", by_handle
    for name, (number, *arguments) in SYSCALLS.items():
        yield name, lambda n=number, a=arguments: called(n, *a)
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"):
        yield f"write to {path}", lambda path=path: opened(path, os.O_WRONLY)
    for path in ("/proc/kcore", "/dev/mem", "/dev/kvm", "/dev/fuse", "/dev/loop-control"):
        yield f"open {path}", lambda path=path: opened(path, os.O_RDONLY)
    yield "lift the limits of its control groups", lift
    yield "mount control groups with a release agent", release_agent
    yield "have rights outside of its own users", rights
    yield "leave by a chroot in a chroot", chroot


def contains(path: str) -> str:
    return path if SECRET in Path(path).read_text(errors="replace") else ""


def connected(address: object) -> str:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if "::" in address[0] else socket.AF_INET
    with socket.socket(family) as link:
        link.settimeout(3)
        link.connect(address)
        said = link.recv(64)
        return "an answer of the host's" if SECRET.encode() in said else ""


def seen(name: str, word: str) -> str:
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if word.encode() in text:
            return f"{path}: {text[:80]!r}"
    return ""


def mounts() -> str:
    text = Path("/proc/self/mountinfo").read_text()
    return next((line for line in text.splitlines() if any(word in line for word in FACTS["folders"])), "")


def found_in_files() -> str:
    words = ["grep", "-rlIs", "--devices=skip", SECRET, "/etc", "/home", "/root", "/run", "/tmp", "/var", "/opt"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def credentials() -> str:
    names = (".ssh/id_*", ".netrc", ".git-credentials", ".gitconfig", ".config/*", ".pypirc", ".gnupg", ".aws")
    homes = (Path("/root"), *Path("/home").iterdir())
    found = [str(path) for home in homes for name in names for path in home.glob(name)]
    variables = [name for name in os.environ if name.startswith(("SSH_", "GIT_", "AWS_", "GATELOCAL_C", "GATELOCAL_S"))]
    return " ".join([*found, *(name for name in variables if not name.startswith("SSH_C"))])


def block_devices() -> str:
    own = {"vda"} if FACTS["own_kernel"] else set()
    found = [each.name for each in Path("/dev").iterdir() if stat.S_ISBLK(each.stat().st_mode)]
    return " ".join(sorted(set(found) - own))


def devices() -> str:
    found = [each for each in Path("/dev").rglob("*") if stat.S_ISCHR(each.stat().st_mode)]
    strange = [str(each) for each in found if each.name not in ALLOWED_DEVICES and each.parent.name != "pts"]
    return " ".join(each for each in strange if not each.startswith(("/dev/std", "/dev/fd/", "/dev/char/")))


def made_device(number: int) -> str:
    path = "/tmp/of-the-host"
    os.mknod(path, 0o600 | stat.S_IFBLK, number)
    return opened(path, os.O_RDONLY)


def shared() -> str:
    for kind in ("9p", "virtiofs"):
        if subprocess.run(["mount", "-t", kind, "host", "/mnt"], capture_output=True, check=False).returncode == 0:
            return kind
    raise PermissionError(1, "mount refused")


def by_handle() -> str:
    """As the "shocker" exploit did: handle 2 is the root of the host's file system."""
    handle = (ctypes.c_uint * 4)(8, 1, 2, 0)
    folder = os.open("/etc/hostname", os.O_RDONLY)
    called(304, folder, ctypes.byref(handle), 0)
    return "the root of a file system"


def called(number: int, *arguments: object) -> str:
    if LIBC.syscall(number, *arguments) < 0:
        error = ctypes.get_errno()
        if error not in (1, 13, 38):  # not permitted, or not there at all
            return f"only its arguments were wrong ({os.strerror(error)})"
        raise OSError(error, os.strerror(error))
    return "done"


def opened(path: str, how: int) -> str:
    handle = os.open(path, how)
    try:
        return f"{path} is open" if how == os.O_WRONLY or os.read(handle, 16) or path.startswith("/dev") else ""
    finally:
        os.close(handle)


def lift() -> str:
    groups = Path("/sys/fs/cgroup")
    for path in (*groups.glob("*/memory.limit_in_bytes"), *groups.glob("*/pids.max"), groups / "memory.max"):
        path.write_text("9223372036854771712" if "limit" in path.name else "max")
    return "all of them"


def release_agent() -> str:
    Path("/tmp/groups").mkdir(exist_ok=True)
    for controller in ("memory", "rdma", "pids", "devices"):
        words = ["mount", "-t", "cgroup", "-o", controller, "cgroup", "/tmp/groups"]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return opened("/tmp/groups/release_agent", os.O_WRONLY)
    raise PermissionError(1, "mount refused")


def rights() -> str:
    first = Path("/proc/self/uid_map").read_text().split()
    return "its root is the host's root" if first[1] == "0" else ""


def chroot() -> str:
    Path("/tmp/inner").mkdir(exist_ok=True)
    outer = os.open("/", os.O_RDONLY)
    child = os.fork()
    if child == 0:
        try:
            os.chroot("/tmp/inner")
            os.fchdir(outer)
            for _ in range(64):
                os.chdir("..")
            os.chroot(".")
            os._exit(0 if all(not Path(path).exists() for path in FACTS["files"]) else 1)
        except OSError:
            os._exit(0)
    return "the host's files" if os.waitpid(child, 0)[1] else ""


def main() -> None:
    """Try all, and say one line of each."""
    for name, attempt in attempts():
        try:
            reached = attempt()
            line = f"REACHED  {name}: {reached}" if reached else f"refused  {name}: there is nothing of it"
        except (OSError, ValueError) as error:
            line = f"refused  {name}: {getattr(error, 'strerror', '') or error}"
        print(line, flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main()
