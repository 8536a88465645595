"""Snapshots of nodes that stand ready, found again by what they were made of; who makes one says what that is."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import layers, place, snapshots
from gatelocal.launcher.snapshots import Snapshot

AGE = 7 * 86400.0
"""Seconds that one counts as a beginning: what is not in its key (archives, the package index) goes on."""
KEPT = 2
"""How many there are of one key, the newest."""

_FACTS = "stack.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One such snapshot.

    :ivar key: of all that it stands for but its commits. :ivar commits: name of a tree → its commit.
    :ivar made: when, in seconds since the epoch.
    """

    snapshot: Snapshot
    key: str
    commits: Mapping[str, str]
    made: float


def found(cache: Path, key: str, now: float) -> tuple[Checkpoint, ...]:
    """Those of the key that are young enough, the newest first. :param cache: the folder of images."""
    every = [one for one in _every(cache) if one.key == key and now - one.made < AGE]
    return tuple(sorted(every, key=lambda one: -one.made))


def of(folder: Path) -> Checkpoint | None:
    """What the node in that folder went on from; None for one that began anew."""
    record = place.read(folder)
    if record is None or not record.trees:
        return None
    disk = Path(record.trees[0])
    if disk.name != layers.DISK or not (disk.parent / _FACTS).exists():
        return None
    return next((one for one in _every(disk.parent.parent) if one.snapshot.folder == disk.parent), None)


def keep(cache: Path, folder: Path, key: str, commits: Mapping[str, str], kind: str = "stack") -> str:
    """Keep what the node in that folder has on its disk; gives the snapshot's name, an empty one if it is there.

    :param kind: how its name begins.

    Those that nobody will begin with any more go, unless somebody uses them.

    :raises InfrastructureError: the node cannot do it, or it failed.
    """
    digest = hashlib.sha256(json.dumps(sorted(commits.items())).encode()).hexdigest()
    name = f"{kind}-{key[:16]}-{digest[:12]}"
    if name in snapshots.found(cache):
        return ""
    made = snapshots.take(cache, folder, name)
    facts = {"key": key, "commits": dict(commits), "made": time.time()}
    (made.folder / _FACTS).write_text(json.dumps(facts))
    _forget(cache, time.time())
    return name


def _forget(cache: Path, now: float) -> None:
    """Remove what is too old, and of each key what is not of the newest."""
    every = _every(cache)
    newest = {one.key: found(cache, one.key, now)[:KEPT] for one in every}
    for one in every:
        if one not in newest[one.key] and not layers.users(one.snapshot.folder):
            layers.remove(one.snapshot.folder)


def _every(cache: Path) -> list[Checkpoint]:
    every = []
    for one in snapshots.found(cache).values():
        try:
            data = json.loads((one.folder / _FACTS).read_text())
            commits = {str(name): str(commit) for name, commit in data["commits"].items()}
            every.append(Checkpoint(one, str(data["key"]), commits, float(data["made"])))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InfrastructureError(
                f"the snapshot {one.name} is damaged", details=str(error), hint=f"remove {one.folder}"
            ) from error
    return every
