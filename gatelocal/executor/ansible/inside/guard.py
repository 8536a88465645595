"""What Ansible's own process may touch on this machine, enforced in its interpreter; it knows no playbook.

It runs in the process that runs a playbook, by Ansible's own Python, and needs nothing but the standard library. An
audit hook cannot be taken back, and a process that is forked has it too. It sees files that are opened or changed,
programs, sockets and Python code; it does not see whether a file exists.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/null", "/dev/urandom", "/dev/random", "/etc/localtime", "/usr/share/zoneinfo")
# What these have as their first arguments, and whether they change it.
_PATHS = {
    "os.listdir": (1, False),
    "os.scandir": (1, False),
    "os.chdir": (1, False),
    "os.mkdir": (1, True),
    "os.rmdir": (1, True),
    "os.remove": (1, True),
    "os.truncate": (1, True),
    "os.chmod": (1, True),
    "os.chown": (1, True),
    "os.utime": (1, True),
    "os.setxattr": (1, True),
    "os.removexattr": (1, True),
    "os.rename": (2, True),
    "os.link": (2, True),
    "os.symlink": (2, True),
    "shutil.rmtree": (1, True),
}
_NEVER = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.forkpty", "pty.")
_NOR = ("ctypes.", "gc.", "socket.bind", "socket.get", "socket.sendto", "socket.sendmsg", "urllib.", "http.client.")
_NOR_THESE = ("os.chroot", "os.killpg", "webbrowser.open")


class Refused(PermissionError):
    """A playbook wants of this machine what it may not have."""


@dataclass(frozen=True)
class Rules:
    """What is allowed.

    :ivar code: folders whose Python code is run. :ivar read: folders that are read besides.
    :ivar write: folders that are changed. :ivar socket: the one socket that is connected to.
    """

    code: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]
    socket: str

    def objection(self, event: str, args: tuple[object, ...]) -> str:
        """Why an audit event (PEP 578) is refused; empty when it is not."""
        if event == "open":
            flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
            return self._path(args[0], changes=bool(flags & _WRITING))
        if event in _PATHS:
            count, changes = _PATHS[event]
            return next((why for one in args[:count] if (why := self._path(one, changes))), "")
        why = ""
        if event == "exec":
            why = self._code(getattr(args[0], "co_filename", ""))
        elif event == "socket.connect" and args[1] != self.socket:
            why = "it would open a connection from this machine"
        elif event == "os.kill" and not _is_ours(args[0]):
            why = f"it would end the process {args[0]} of this machine"
        elif event.startswith(_NEVER):
            why = "it would start a program on this machine"
        elif event.startswith(_NOR) or event in _NOR_THESE:
            why = f"it would reach out of Ansible's process ({event})"
        return why

    def _path(self, path: object, changes: bool) -> str:
        if path is None or isinstance(path, int):
            return ""  # the current folder, or what is open already
        if not isinstance(path, (str, bytes, os.PathLike)):
            return ""
        real = os.path.realpath(os.fsdecode(path))
        allowed = self.write if changes else (*self.write, *self.read, *self.code, *_HARMLESS)
        if real == "/dev/null" or _within(real, allowed):
            return ""
        return f"it would {'change' if changes else 'read'} {real} on this machine"

    def _code(self, name: str) -> str:
        if not isinstance(name, str) or name.startswith("<"):
            return ""  # text that a library compiles: a template, a named tuple
        return "" if _within(os.path.realpath(name), self.code) else f"it would run {name} on this machine"


def _is_ours(pid: object) -> bool:
    """Whether it is a process of this program, which has a process group of its own.

    A group that is led from outside of this namespace is 0, and so is everybody else's.
    """
    try:
        return pid == os.getpid() or (isinstance(pid, int) and 0 < os.getpgrp() == os.getpgid(pid))
    except OSError:
        return True  # there is none


def _within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def teller(path: str) -> Callable[[str], None]:
    """Writes refusals down, one JSON object in each line; the file is opened now."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def tell(why: str) -> None:
        os.write(handle, f"{json.dumps({'why': why})}\n".encode())

    return tell


def watch(rules: Rules, tell: Callable[[str], None]) -> None:
    """Refuse from now on, for as long as the process lives, what the rules do not allow.

    :param tell: is told why, before whoever asked for it is.
    """

    def hook(event: str, args: tuple[object, ...]) -> None:
        if why := rules.objection(event, args):
            tell(why)
            raise Refused(f"refused by the gate: {why}")

    sys.addaudithook(hook)
