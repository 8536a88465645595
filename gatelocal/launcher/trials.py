"""What this machine lets us do, found out by doing it once: a program that is there, or being root, proves nothing.

Answers that take long to find are remembered for as long as they can hold: this boot, these rights, this root folder.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from gatelocal import process

PRIVATE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--")
"""Before a program of root's: its mounts are its own, and go with it."""

MAPPED = ("unshare", "--map-root-user", "--map-auto", "--")
"""Before a program: it sees itself as root over this user's own range of users and files."""

_WITHOUT_MOUNTS = ("setpriv", "--bounding-set=-sys_admin", "--")
_SPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--")
_VERSION = "1"


def is_root() -> bool:
    """Whether this process is root over this machine's files; what else it may do is a matter of trying."""
    return os.geteuid() == 0


def remembered(memory: Path, programs: Sequence[str], find_out: Callable[[], str]) -> str:
    """The answer that is kept in the file `memory`, found out anew when anything it rests on has changed.

    :param programs: what the answer depends on beside the kernel and our rights.
    """
    key = [_VERSION, *_circumstances(), *map(_installed, programs)]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(memory.read_text())
        if kept["key"] == key:
            return str(kept["answer"])
    answer = find_out()
    keep(memory, programs, answer)
    return answer


def keep(memory: Path, programs: Sequence[str], answer: str) -> None:
    """Remember an answer that was found out in another way."""
    key = [_VERSION, *_circumstances(), *map(_installed, programs)]
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({"key": key, "answer": answer}))


def spaces() -> tuple[str, ...] | None:
    """The words that give a program mounts, processes and a network of its own; None when this machine forbids it."""
    return _spaces(is_root())


@functools.cache
def _spaces(root: bool) -> tuple[str, ...] | None:
    for user in ((), ("--map-root-user",)) if root else (("--map-root-user",),):
        words = ("unshare", *user, *_SPACES)
        if _works(*words, "true"):
            return words
    return None


def before_mmdebstrap() -> tuple[str, ...] | None:
    """What to put before mmdebstrap; None when it cannot make a tree here: :func:`why_no_tree` says why.

    Root who may mount does so out of everybody's sight. Root who may not, or whose mounts would be seen (in a plain
    chroot), makes do without any: packages need none to be installed.
    """
    if not is_root():
        return None if why_no_tree()[0] else ()
    return PRIVATE if _works(*PRIVATE, "true") else _WITHOUT_MOUNTS


def why_no_tree() -> tuple[str, str]:
    """Why a user who is not root can make no tree, and what helps; empty when one can be made."""
    # In this order: where no user namespace is allowed, `unshare --map-auto` leaves a helper that waits for ever.
    for words, what, hint in (
        (("unshare", "--map-root-user", "--"), "user namespaces", "a machine or container that allows them"),
        (MAPPED, "range of users", "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"),
    ):
        said = _complaint(*words, "true")
        if said:
            return f"this user may make no tree: it has no {what} ({said})", f"{hint}; or root, or --node local"
    return "", ""


def _circumstances() -> list[str]:
    """This boot, and who we are to its kernel."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    root = Path("/").stat()
    return [
        Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        os.uname().release,
        *(status.get(name, "") for name in ("Uid", "CapEff", "CapBnd", "Seccomp", "NoNewPrivs")),
        f"{root.st_dev} {root.st_ino}",
        str(Path("/proc/self/ns/user").readlink()),
    ]


def _installed(program: str) -> str:
    try:
        path = Path(process.find(program))
    except process.ProgramMissing:
        return f"{program} is not there"
    return f"{path} {path.stat().st_mtime_ns}"


def _works(*argv: str) -> bool:
    return not _complaint(*argv)


def _complaint(*argv: str) -> str:
    """What a program says when it does not end well; empty when it does."""
    try:
        done = process.run(argv, timeout=60, check=False)
    except (process.ProgramMissing, OSError, TimeoutError) as error:
        return str(error)
    said = done.stderr.strip().splitlines()
    return "" if done.status == 0 else (said[-1] if said else f"{argv[0]} ended with {done.status}")
