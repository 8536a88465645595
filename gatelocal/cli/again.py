"""What `gatelocal run --failed` and `--trunk` mean: what did not pass in the last run here, and what it stood on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine.past import names, past
from gatelocal.engine.run_folder import RunFolder
from gatelocal.errors import InputError
from gatelocal.model.result import Outcome
from gatelocal.model.run import RunResult
from gatelocal.ui import messages

Wanted = tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]
"""The jobs, and of a job the only tests; without any, all of them."""


def failed(directories: Directories, directory: Path, jobs: tuple[str, ...]) -> Wanted:
    """What is to be run once more. Runs that look for a culprit do not count.

    :param jobs: the only ones that are wanted; none: all that failed.
    :raises InputError: no run was begun in that folder, it goes on, or nothing of it has failed.
    """
    return _of(*_last(directories, directory), jobs)


def base(directories: Directories, directory: Path) -> tuple[str, str]:
    """The commit of the branch that the last run here stood on, and the branch.

    :raises InputError: as :func:`failed`, or that run was one of the branch itself.
    """
    name, result = _last(directories, directory)
    own = (result.change.project, result.change.branch)
    found = next((one.commit for one in result.bases if (one.project, one.branch) == own), "")
    if not found or result.change.landed:
        raise InputError(messages.no_base(name), hint=messages.RUN_ALL)
    return found, result.change.branch


def _last(directories: Directories, directory: Path) -> tuple[str, RunResult]:
    """The last run that was begun in a folder; what was only run without the change to compare with it is none."""
    for name in names(directories.runs):
        folder = directories.runs / name
        if RunFolder(folder).is_of(directory) and not RunFolder(folder).begun().request.parts:
            found = past(folder, sized=False)
            if found.result is None:
                raise InputError(messages.no_result(name, found.state), hint=messages.RUN_ALL)
            if not (found.result.part and found.result.change.landed):
                return name, found.result
    raise InputError(messages.NO_RUN_HERE, hint=messages.RUN_ALL)


def _of(name: str, result: RunResult, jobs: tuple[str, ...]) -> Wanted:
    bad = [one for one in result.builds if one.outcome is not Outcome.SUCCESS]
    wanted = [one for one in bad if not jobs or one.job in jobs]
    if not bad:
        raise InputError(messages.all_passed(name), hint=messages.RUN_ALL)
    if not wanted:
        raise InputError(messages.nothing_failed(name), hint=messages.its_jobs(", ".join(one.job for one in bad)))
    only = {
        one.job: (*dict.fromkeys(test.name for test in one.failures), *one.never_ran)
        for one in wanted
        if one.outcome.against and one.failures
    }
    return tuple(one.job for one in wanted), only
