"""Old runs go: those beyond an age, and the oldest of those that take too much disk; never one that is still needed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from gatelocal.builds.lease import holding
from gatelocal.config.directories import Directories
from gatelocal.engine import past
from gatelocal.engine.run_folder import RunFolder
from gatelocal.launcher import holds, place
from gatelocal.model import terms
from gatelocal.model.terms import Terms

VARIABLE = "GATELOCAL_RUNS"
USUAL = Terms(30 * 86400.0, 10 << 30)
FRESH = 3600.0
"""Seconds in which a run is left alone whatever it is: it may be about to begin."""


def keep(environment: Mapping[str, str]) -> Terms:
    """How old runs may be, and how much disk they may take. :raises InputError: the variable says something else."""
    return terms.of(environment, VARIABLE, USUAL)


def prune(directories: Directories, limits: Terms, now: float) -> tuple[str, ...]:
    """Remove what is beyond the limits; the names of the runs that are gone.

    The latest run stays, and one that is under way, that a held node belongs to, or that began within an hour.
    """
    needed = {record.occasion.run for record in holds.held(directories.nodes) if record.occasion is not None}
    total = 0
    gone = []
    for number, name in enumerate(past.names(directories.runs)):
        folder = directories.runs / name
        age, size = now - past.began(name), place.used(folder)
        over = age > limits.seconds or total + size > limits.space
        if (
            number
            and over
            and age > FRESH
            and name not in needed
            and not past.is_under_way(folder)
            and _removed(folder)
        ):
            gone.append(name)
        else:
            total += size
    return tuple(gone)


def _removed(folder: Path) -> bool:
    """Whether it is gone; a run that somebody goes on with at this moment stays."""
    lock = RunFolder(folder).lock
    try:
        with holding(lock) if lock.parent.is_dir() else contextlib.nullcontext():
            shutil.rmtree(folder)
    except OSError:  # BlockingIOError is one
        return False
    return True
