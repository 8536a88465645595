"""A build of which only some tests are to run: which they are, and what the witness in the test programs is told.

A build that was asked for less than all of its tests never counts as more than that, whatever came of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

from gatelocal.jobs.families import ONLY_VARIABLE, SERIAL_VARIABLE
from gatelocal.model.deviation import PARTIAL, Deviation
from gatelocal.model.job import Job

_LONGEST = 30_000
_MARK = "ONLY: list[str] = []"
_SERIAL = "SERIAL = False"


def only(job: Job) -> tuple[str, ...]:
    """The ids of the only tests that are wanted; nothing where all are, also where they are too many to be named."""
    told = job.variables.get(ONLY_VARIABLE)
    names = tuple(one for one in told if isinstance(one, str)) if isinstance(told, Sequence) else ()
    return names if can_be_named(names) else ()


def can_be_named(names: Sequence[str]) -> bool:
    """Whether so many tests can be asked for by their names."""
    return len(json.dumps(names)) <= _LONGEST


def deviations(names: Sequence[str]) -> tuple[Deviation, ...]:
    """What is to be told of such a build."""
    if not names:
        return ()
    asked = "1 was" if len(names) == 1 else f"{len(names)} were"
    return (Deviation(PARTIAL, f"of its tests only {asked} asked for, where its suite allows it"),)


def witness(job: Job) -> str:
    """The text of the witness, which sees to it that no other tests run, and in one process where that is wanted."""
    text = resources.files("gatelocal.executor").joinpath("witness.py").read_text(encoding="utf-8")
    serial = job.variables.get(SERIAL_VARIABLE) is True
    text = text.replace(_SERIAL, f"SERIAL = {serial}", 1)
    return text.replace(_MARK, f"ONLY: list[str] = {json.dumps(list(only(job)))}", 1)
