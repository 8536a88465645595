"""Which build of a run keeps its node: they agree by one file, under its lock; no node is held or returned here."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from gatelocal.model.hold import Hold
from gatelocal.model.result import BuildResult, Outcome


def claim(path: Path, node: str, result: BuildResult, hold: Hold) -> str | None:
    """Claim the run's hold for the node of a build that has ended.

    A voting build that has failed keeps it for good; under ``ALWAYS`` any other gives way to whichever ends later. A
    node that the machinery has lost is nobody's.

    :param path: the file of the run. :returns: the node that this one takes the place of, empty without one; None: it
        is not to be held.
    """
    if result.outcome in (Outcome.NODE_FAILURE, Outcome.ERROR):
        return None
    failed = result.voting and result.outcome is not Outcome.SUCCESS
    if hold is Hold.NEVER or not (failed or hold is Hold.ALWAYS):
        return None
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+", encoding="utf-8") as opened:
        fcntl.flock(handle, fcntl.LOCK_EX)
        before, settled = _read(opened.read())
        if settled:
            return None
        opened.seek(0)
        opened.truncate()
        json.dump({"node": node, "failed": failed}, opened)
    return before


def _read(text: str) -> tuple[str, bool]:
    """The node that has the claim, and whether for good; nobody, where the file says nothing that can be read."""
    try:
        data = json.loads(text)
        return str(data["node"]), data["failed"] is True
    except (ValueError, TypeError, KeyError):
        return "", False
