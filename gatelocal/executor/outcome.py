"""What a step's end means: the change's fault, the configuration's, or the machinery's; it reads lines, runs nothing.

The wordings are those of tox 3 and 4, pip 20 and later, uv and apt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from gatelocal.executor.stages import Stage
from gatelocal.executor.wanted import Wanted, env_names
from gatelocal.model.result import Outcome

ENOUGH = 256 * 1024 * 1024
"""Bytes free after the tests that make a full disk unlikely, whatever the tests wrote about one."""


class Sign(Enum):
    """What a line of output can mean."""

    NO_ENVIRONMENT = "no environment"
    NO_INTERPRETER = "no interpreter"
    NO_SPACE = "no space"
    NO_NETWORK = "no network"
    ERROR = "error"
    STARTED = "started"


_SIGNS = (
    (
        Sign.NO_ENVIRONMENT,
        re.compile(r"provided environments not found in configuration file|ERROR: unknown environment"),
    ),
    (Sign.NO_INTERPRETER, re.compile(r"could not find python interpreter|InterpreterNotFound")),
    (Sign.NO_SPACE, re.compile(r"No space left on device|Disk quota exceeded")),
    (
        Sign.NO_NETWORK,
        re.compile(
            r"Retry\(total=0,|Temporary failure (?:in name resolution|resolving)|Could not resolve (?:host|proxy)"
            r"|Name or service not known|Network is unreachable|Failed to establish a new connection"
            r"|(?:Connect|Read)TimeoutError|ProxyError|HTTP error 5\d\d|\b5\d\d Server Error"
            r"|client error \(Connect\)|dns error|Failed to connect to .* port"
        ),
    ),
    (Sign.STARTED, re.compile(r"^\S+:? (?:commands\[\d+\]|run-test: commands\[\d+\])")),
    (Sign.ERROR, re.compile(r"^(?:ERROR|error|E): ")),
)
_RETRYING = re.compile(r"Retrying \(Retry\(total=[1-9]")


def signs(line: str) -> tuple[Sign, ...]:
    """What one line of output means, if anything; a retry that may still succeed means nothing."""
    return () if _RETRYING.search(line) else tuple(sign for sign, pattern in _SIGNS if pattern.search(line))


def judged(
    build: Wanted, stage: Stage, status: int, seen: Mapping[Sign, str], free: int | None = None
) -> tuple[Outcome, str]:
    """The outcome of a step that ended with a status other than 0, and one sentence about it.

    :param seen: the signs in the step's output, each with its last line.
    :param free: bytes free on the node afterwards; None when unknown.
    """
    installing = stage in (Stage.PACKAGES, Stage.ENVIRONMENT, Stage.SIBLINGS) or Sign.STARTED not in seen
    if installing and Sign.NO_ENVIRONMENT in seen:
        return Outcome.CONFIG_ERROR, (
            f"there is no tox environment {env_names(build.envs)} in {build.directory};"
            f" job {build.job.name} ({build.job.defined_in[-1] if build.job.defined_in else 'shared'}) asks for it"
        )
    if Sign.NO_SPACE in seen and (installing or (free is not None and free < ENOUGH)):
        return Outcome.DISK_FULL, f"the node's disk is full: {seen[Sign.NO_SPACE]}"
    machinery = _machinery(build, stage, seen) if installing else ""
    if machinery:
        return Outcome.NODE_FAILURE, machinery
    return Outcome.FAILURE, _fault(build, stage, status, seen)


def _machinery(build: Wanted, stage: Stage, seen: Mapping[Sign, str]) -> str:
    """Why what was to be installed could not be, when that says nothing about the change; empty when it does."""
    if Sign.NO_INTERPRETER in seen:
        return f"the node has no Python for {env_names(build.envs)}: {seen[Sign.NO_INTERPRETER]}"
    if Sign.NO_NETWORK in seen:
        what = "what the job needs could not be downloaded, which says nothing about the change"
        return f"{what}: {seen[Sign.NO_NETWORK]}"
    if stage is Stage.PACKAGES:
        return f"the packages that bindep.txt names could not be installed{_last(seen)}"
    return ""


def _fault(build: Wanted, stage: Stage, status: int, seen: Mapping[Sign, str]) -> str:
    names = env_names(build.envs)
    if stage is Stage.SIBLINGS:
        return f"the trees of required projects could not be installed into {names}{_last(seen)}"
    if stage is Stage.ENVIRONMENT:
        return f"tox could not make the environment {names}{_last(seen)}"
    if status in (-9, 137):
        return f"tox -e {names} was killed: the node's memory may be too small"
    return f"tox -e {names} ended with status {status}"


def _last(seen: Mapping[Sign, str]) -> str:
    return f": {seen[Sign.ERROR]}" if Sign.ERROR in seen else ""
