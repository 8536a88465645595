"""What this machine lets us put around a container: users of its own, a disk with an end; tried, and remembered."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.launcher import groups, idmap, limits, place, steps, sweeper, trials
from gatelocal.ports import Say

IDMAP = (sys.executable, idmap.__file__)
"""Python, and the program that shows folders with other owners."""
_TRIAL_SECONDS = 60.0
_TRIAL = "trial-"
_USERS, _DISKS = "users.json", "disks.json"
_RANGE = 0x10000
_FIRST, _RANGES = 0x80000 // _RANGE, 28_000  # where systemd takes the ranges of its containers from

# Starts `true` in a container with users of its own, in the working folder: $1 the range's first, $2 the folder of
# images, $3 and $4 Python and the idmap program, then control groups (systemd-nspawn gives the one that it is in to the
# container).
_TRIAL_OF_USERS = """
set -eu
first=$1 cache=$2 python=$3 idmap=$4
shift 4
for group; do echo $$ >"$group/cgroup.procs"; done
if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; else mount -t tmpfs tmpfs /run; fi
mkdir shown-cache shown upper work root
chown "$first:$first" upper
"$python" -I -S "$idmap" "$first" 65536 0 "$cache" shown-cache 0 / shown
mount -t overlay -o lowerdir=shown,upperdir=upper,workdir=work overlay root
exec systemd-nspawn --quiet --register=no --keep-unit --directory=root --machine=gatelocal-trial \
    --private-users="$first:65536" --private-users-ownership=off --private-network \
    --resolv-conf=off --link-journal=no --console=pipe true
"""

_TRIAL_OF_DISKS = """
set -eu
truncate -s 64M disk
mke2fs -q -F -t ext4 -O '^has_journal,^metadata_csum' disk
mkdir changes
mount -o loop disk changes
mkdir changes/upper changes/work root
mount -t overlay -o lowerdir=/usr,upperdir=changes/upper,workdir=changes/work overlay root
"""


@dataclass(frozen=True, slots=True)
class Walls:
    """What keeps a container from the rest. :ivar no_users, no_disks: why it lacks that; empty: it has it."""

    no_users: str = ""
    no_disks: str = ""

    def lacking(self, made: groups.Groups) -> str:
        """What a container does not have here that it should, in words; empty: nothing."""
        unlimited = ", ".join((*made.unlimited, *(["disk"] if self.no_disks else [])))
        parts = [f"its root is this machine's root ({self.no_users})"] if self.no_users else []
        parts += [f"no limit on {unlimited}"] if unlimited else []
        return "; ".join(parts)


def around(cache: Path, say: Say) -> Walls:
    """What this machine lets us put around a container; it is tried, and remembered.

    :param cache: the folder of images.
    """
    idmapped = trials.remembered(cache / _USERS, ["systemd-nspawn"], lambda: _try_users(cache, say))
    return Walls(idmapped, trials.remembered(cache / _DISKS, ["mke2fs"], lambda: why_not(_TRIAL_OF_DISKS)))


def range_of(name: str) -> int:
    """The first of a node's users on this machine: each node has a range of its own."""
    return (_FIRST + int(name.rpartition("-")[2], 16) % _RANGES) * _RANGE


def why_not(script: str, *words: str) -> str:
    """Why the script does not end well in namespaces of its own, in a folder of its own; empty when it does."""
    spaces = trials.spaces()
    if not spaces or "--map-root-user" in spaces:
        return "this root may make no namespaces or mounts (CAP_SYS_ADMIN is missing, or this is a plain chroot)"
    with place.scratch() as folder:
        try:
            done = process.run(
                (*spaces, "sh", "-c", script, "sh", *words), cwd=folder, timeout=_TRIAL_SECONDS, check=False
            )
        except TimeoutError as error:
            return f"it was tried and did not end ({error})"
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.status == 0 else f"it was tried and did not work ({said[-1] if said else ''})"


def _try_users(cache: Path, say: Say) -> str:
    owner = place.this_process()
    name = f"{_TRIAL}{owner.pid}.{owner.started}-{secrets.token_hex(4)}"
    for path in sweeper.groups_of_dead(_TRIAL):
        sweeper.remove_group(path)
    first = range_of(name)
    cache.mkdir(parents=True, exist_ok=True)
    made = groups.make(name, limits.Limits(1 << 30, 1 << 30))
    try:
        with steps.step(say, "trying containers with users of their own", "a small container"):
            return why_not(_TRIAL_OF_USERS, str(first), str(cache), *IDMAP, *map(str, made.paths))
    finally:
        for path in made.paths:
            sweeper.remove_group(path)
