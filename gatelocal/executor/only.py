"""A build of which only some tests are to run: which they are, and what the witness in the test programs is told.

A build that was asked for less than all of its tests never counts as more than that, whatever came of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

from gatelocal.jobs.families import ONLY_VARIABLE
from gatelocal.model.deviation import PARTIAL, Deviation
from gatelocal.model.job import Job

_LONGEST = 30_000
_MARK = "ONLY: list[str] = []"


def only(job: Job) -> tuple[str, ...]:
    """The ids of the only tests that are wanted; nothing where all are, also where they are too many to be named."""
    told = job.variables.get(ONLY_VARIABLE)
    names = tuple(one for one in told if isinstance(one, str)) if isinstance(told, Sequence) else ()
    return names if len(json.dumps(names)) <= _LONGEST else ()


def deviations(names: Sequence[str]) -> tuple[Deviation, ...]:
    """What is to be told of such a build."""
    if not names:
        return ()
    asked = "1 was" if len(names) == 1 else f"{len(names)} were"
    return (Deviation(PARTIAL, f"of its tests only {asked} asked for, where its suite allows it"),)


def witness(names: Sequence[str]) -> str:
    """The text of the witness, which sees to it that no other tests run."""
    text = resources.files("gatelocal.executor").joinpath("witness.py").read_text(encoding="utf-8")
    return text.replace(_MARK, f"ONLY: list[str] = {json.dumps(list(names))}", 1)
