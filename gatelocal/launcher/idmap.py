"""Shows folders once more with other owners (idmapped mounts), so that one tree serves many ranges of users.

Run as a program by root, with the first user id of the range, how many there are, and for each folder three words: the
id that is the range's first there, the folder, and the place where it is to be seen. A file system or a kernel that
cannot do it says so, and nothing is mounted then. mount(8) can do this from util-linux 2.39 on; Debian 12 has 2.38.
"""

from __future__ import annotations

import ctypes
import os
import sys

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on all architectures of Linux
_CLONE_NEWUSER = 0x10000000
_HERE = -100  # AT_FDCWD
_EMPTY_PATH, _FROM_DESCRIPTOR = 0x1000, 4
_CLONE_TREE = 1 | os.O_CLOEXEC
_IDMAP = 0x00100000


class _Attributes(ctypes.Structure):
    """``struct mount_attr`` of mount_setattr(2)."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "users"))


def show(source: str, target: str, users: int) -> None:
    """See the folder `source` at `target`, too, as the user namespace of that descriptor maps its owners.

    :raises OSError: this kernel or file system cannot do it.
    """
    tree = _call(_OPEN_TREE, ctypes.c_int(_HERE), os.fsencode(source), ctypes.c_uint(_CLONE_TREE))
    try:
        wanted = _Attributes(_IDMAP, 0, 0, users)
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        _call(_MOUNT_SETATTR, ctypes.c_int(tree), b"", ctypes.c_uint(_EMPTY_PATH), ctypes.byref(wanted), size)
        place = (ctypes.c_int(_HERE), os.fsencode(target), ctypes.c_uint(_FROM_DESCRIPTOR))
        _call(_MOVE_MOUNT, ctypes.c_int(tree), b"", *place)
    finally:
        os.close(tree)


def range_of(inner: int, first: int, count: int) -> int:
    """A descriptor of a user namespace in which user `inner` is `first` outside. :raises OSError: none can be made."""
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) == 0:
                os.write(ready[1], b"x")
            os.close(ready[1])
            os.close(go[1])
            os.read(go[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    os.close(go[0])
    try:
        if not os.read(ready[0], 1):
            raise OSError("no user namespace can be made")
        for name in ("uid_map", "gid_map"):
            handle = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
            os.write(handle, f"{inner} {first} {count}\n".encode())
            os.close(handle)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready[0])
        os.close(go[1])
        os.waitpid(pid, 0)


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    answer = int(library.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer


def main(words: list[str]) -> None:
    """See the module. :raises OSError: it cannot be done here."""
    first, count = int(words[0]), int(words[1])
    for inner, source, target in zip(words[2::3], words[3::3], words[4::3], strict=True):
        users = range_of(int(inner), first, count)
        try:
            show(source, target, users)
        except OSError as refused:
            refused.filename = os.path.realpath(source)
            raise
        os.close(users)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as refused:
        sys.exit(f"idmapped mounts: {refused.filename or ''}: {refused.strerror or refused}")
