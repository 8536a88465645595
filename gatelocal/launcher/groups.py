"""Control groups of a node's own, with limits where this machine lets us set them; it moves no process there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from gatelocal.launcher.limits import Limits

_OWN = "gatelocal"


@dataclass(frozen=True, slots=True)
class Groups:
    """What was made. :ivar paths: the folders. :ivar limited: ``memory`` and ``pids``, as far as they are limited."""

    paths: tuple[Path, ...] = ()
    limited: frozenset[str] = frozenset()

    @property
    def unlimited(self) -> tuple[str, ...]:
        """What has no limit, in words."""
        return tuple(word for name, word in (("memory", "memory"), ("pids", "tasks")) if name not in self.limited)


def make(name: str, limits: Limits, proc: Path = Path("/proc/self")) -> Groups:
    """Make the groups of a node below this process's (of version 2: below the root), and set its limits.

    :param proc: where this process's own groups and mounts are told.
    """
    made: list[Path] = []
    limited: set[str] = set()
    mounts = _mounts(proc)
    for line in (proc / "cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        kind = "" if number == "0" else controllers
        mounted = mounts.get(kind)
        if mounted is None:
            continue
        if not kind:
            group, able = _unified(mounted, path, name)
            settings = {"memory": [("memory.max", limits.memory)], "pids": [("pids.max", limits.tasks)]}
        elif set(controllers.split(",")) & {"name=systemd", "memory", "pids"}:
            group, able = _made(_inside(mounted, path) / f"gatelocal-{name}"), set(controllers.split(","))
            settings = {"memory": [("memory.limit_in_bytes", limits.memory)], "pids": [("pids.max", limits.tasks)]}
        else:
            continue
        if group is not None:
            made.append(group)
            limited |= {one for one in able & set(settings) if all(_set(group / file, n) for file, n in settings[one])}
    return Groups(tuple(made), frozenset(limited))


def _unified(mounted: Path, path: str, name: str) -> tuple[Path | None, set[str]]:
    """The group of version 2, and what can be limited in it.

    A group with processes in it can have no limited ones below it, but for the root: so ours lies there, if it may.
    """
    ours = _made(mounted / _OWN)
    if ours is not None and all(_set(each / "cgroup.subtree_control", "+memory +pids") for each in (mounted, ours)):
        return _made(ours / f"gatelocal-{name}"), {"memory", "pids"}
    with contextlib.suppress(OSError):
        if ours is not None:
            ours.rmdir()
    return _made(_inside(mounted, path) / f"gatelocal-{name}"), set()


def _inside(mounted: Path, path: str) -> Path:
    return mounted / path.lstrip("/")


def _made(group: Path) -> Path | None:
    try:
        group.mkdir(exist_ok=True)
    except OSError:
        return None
    return group


def _set(file: Path, value: object) -> bool:
    try:
        file.write_text(str(value))
    except OSError:
        return False
    return True


def _mounts(proc: Path) -> dict[str, Path]:
    """Where each hierarchy is mounted, by its controllers as in /proc/PID/cgroup; the empty name: version 2."""
    found: dict[str, Path] = {}
    named = [line.split(":", 2)[1] for line in (proc / "cgroup").read_text().splitlines()]
    for line in (proc / "mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        place = Path(before.split()[4])
        if kind == "cgroup2":
            found.setdefault("", place)
        elif kind == "cgroup":
            for each in named:
                if each and set(each.split(",")) <= set(options.split(",")):
                    found.setdefault(each, place)
    return found
