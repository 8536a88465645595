"""What a daemon keeps of the past: folders of preparations that are over, and rows of builds, go by the file's terms.

What is still used by anybody stays, and so does everything in the folder that a daemon has not made.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.engine.run_folder import NAME, RunFolder
from gatelocal.errors import GateError
from gatelocal.launcher import holds, place
from gatelocal.model.terms import Terms
from gatelocal.ports import Say
from gatelocal.store.builds import Builds

EVERY = 3600.0
"""Seconds between two looks."""
FRESH = 3600.0
"""Seconds for which a preparation that is over stays whatever the terms say: it may still be looked at."""
_GONE = ".gone-"


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """See the module.

    :ivar runs: where each preparation has its folder. :ivar nodes: where the records of nodes are.
    :ivar terms: how old folders may be, and how much disk all of them may take.
    :ivar history: for how many seconds an ended build stays in the history.
    """

    runs: Path
    nodes: Path
    terms: Terms
    history: float
    builds: Builds
    say: Say
    _sizes: dict[int, int] = field(default_factory=dict)

    def tidy(self, used: Collection[int], now: float) -> None:
        """Remove what is beyond the terms.

        :param used: the preparations that may still be asked for. :param now: seconds since the epoch.
        :raises gatelocal.errors.InfrastructureError: the history cannot be written.
        """
        self.builds.prune(now - self.history)
        held = {one.occasion.run for one in holds.held(self.nodes) if one.occasion is not None}
        total, gone = 0, 0
        for number, folder in self._folders():
            ended = RunFolder(folder).ended_at
            size = self._size(number, folder, over=ended <= now)
            beyond = now - ended > self.terms.seconds or total + size > self.terms.space
            kept = number in used or folder.name in held or now - ended < FRESH
            if not beyond or kept or not self._removed(number, folder):
                total += size
            else:
                gone += 1
        if gone:
            self.say(f"folders of builds that are removed (keep-runs): {gone}")

    def _folders(self) -> Iterator[tuple[int, Path]]:
        """Those of preparations, the newest first; what was begun to be removed goes."""
        try:
            found = list(self.runs.iterdir())
        except OSError:
            return
        for path in found:
            if path.name.startswith(_GONE):
                shutil.rmtree(path, ignore_errors=True)
        ours = [path for path in found if path.name.isdecimal() and (path / NAME).is_dir() and not path.is_symlink()]
        yield from sorted(((int(path.name), path) for path in ours), reverse=True)

    def _size(self, number: int, folder: Path, *, over: bool) -> int:
        """Bytes of disk; what is over does not grow."""
        if not over:
            return place.used(folder)
        if number not in self._sizes:
            self._sizes[number] = place.used(folder)
        return self._sizes[number]

    def _removed(self, number: int, folder: Path) -> bool:
        """The records come first: a log that is told of is there."""
        try:
            self.builds.forget_folder(number)
            gone = folder.rename(folder.with_name(f"{_GONE}{folder.name}"))
            shutil.rmtree(gone)
        except (OSError, GateError) as error:
            self.say(f"{folder} cannot be removed: {error}")
            return False
        self._sizes.pop(number, None)
        return True
