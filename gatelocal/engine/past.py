"""Runs of before, read from their folders; what another version has written counts as not known. It changes nothing."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds.folder import GO, LOCK, RESULT, Final
from gatelocal.builds.lease import is_held
from gatelocal.engine.run_folder import RunFolder
from gatelocal.errors import GateError
from gatelocal.launcher import place
from gatelocal.model.past import (
    BROKEN_OFF,
    ENDED,
    INTERRUPTED,
    LOST,
    NO_VERDICT,
    RUNNING,
    UNDER_WAY,
    WAITING,
    Past,
    PastBuild,
)

_NAMED = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{6}")


def names(runs: Path) -> list[str]:
    """The names of all runs, the latest first."""
    if not runs.is_dir():
        return []
    return sorted((one.name for one in runs.iterdir() if began(one.name) and _is_folder(one)), reverse=True)


def began(name: str) -> float:
    """When the run of that name began, in seconds since the epoch; 0 for what is no run's name."""
    found = _NAMED.fullmatch(name)
    if found is None:
        return 0.0
    with contextlib.suppress(ValueError):
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    return 0.0


def past(folder: Path, *, sized: bool = True) -> Past:
    """What is known of the run in a folder."""
    run = RunFolder(folder)
    builds = builds_in(folder)
    result = None
    with contextlib.suppress(GateError):
        result = run.result()
    subject = "" if result is None else f"{result.change.name} {result.change.subject}"
    if result is None:
        with contextlib.suppress(GateError):
            asked = run.asked()
            subject = "" if asked is None else f"{asked.change.name} {asked.change.subject}"
    return Past(
        name=folder.name,
        folder=folder,
        began=began(folder.name),
        state=_state(run, builds) if result is None or run.is_held else result.verdict.value,
        subject=subject,
        result=result,
        builds=builds,
        size=place.used(folder) if sized else 0,
    )


def _state(run: RunFolder, builds: tuple[PastBuild, ...]) -> str:
    if run.is_held:
        return UNDER_WAY
    if run.has_ended:
        return ENDED  # and what came out cannot be read: it was written by another version
    if run.was_interrupted:
        return INTERRUPTED
    return BROKEN_OFF if builds else NO_VERDICT


def is_under_way(folder: Path) -> bool:
    """Whether somebody is at the run, or a build of it goes on by itself."""
    return RunFolder(folder).is_held or any(is_held(one / LOCK) for one in folder.glob("*/"))


def builds_in(folder: Path) -> tuple[PastBuild, ...]:
    """The builds of a run, in the order in which they were ordered; of several attempts, each."""
    found = [one for one in folder.glob(f"*/{orders.NAME}") if _is_folder(one.parent)]
    found.sort(key=lambda one: (one.stat().st_mtime, one.parent.name))
    return tuple(_build(one.parent, RunFolder(folder).is_held) for one in found)


def _build(folder: Path, under_way: bool) -> PastBuild:
    title = folder.name
    with contextlib.suppress(GateError):
        title = orders.read(folder).title
    state = RUNNING if is_held(folder / LOCK) else WAITING if under_way else LOST
    with contextlib.suppress(GateError):
        final: Final = orders.take(folder / RESULT, Final)
        state = final.result.outcome.value
    return PastBuild(title, folder, state, *(_written(folder / name) for name in (orders.NAME, GO, RESULT)))


def _written(path: Path) -> float:
    """When a file was written; 0: there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def is_over(build: PastBuild) -> bool:
    """Whether nothing more is to come of it."""
    return _build(build.folder, RunFolder(build.folder.parent).is_held).state not in (RUNNING, WAITING)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
