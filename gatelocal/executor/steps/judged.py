"""What the end of a step means: the change's fault, the configuration's, or the machinery's; nothing is run here.

What fails in the setup is never the change's failure. In a step, tests that have run speak for themselves; where none
has, the last lines of the output may say what the node lacks. A step that ended well has still not passed when its
tests say otherwise, or when it was to tell of tests and tells of none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatelocal.executor.outcome import ENOUGH
from gatelocal.executor.results import Results
from gatelocal.executor.signs import LACKS, Sign, signs
from gatelocal.model.result import Outcome
from gatelocal.model.steps import Command

_NOT_FOUND = re.compile(r"sh: (?:line )?(?:\d+: )?(?:line \d+: )?([^:\s]+): (?:command )?not found$")
_OF_ANY_STEP = (Sign.NO_HOST, Sign.NO_NETWORK, Sign.NO_RUST, Sign.NO_COMPILER, Sign.NO_PROGRAM)
_NAMES = 3
_NOT_THERE = 127  # the shell: there is no such program

Verdict = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a step tells of tests.

    :ivar told: whether anything told of tests, if only that there were none.
    :ivar silent: a test program that ended without its last words; empty when there is none.
    :ivar lost: what speaks against a test program whose status the command does not hand on; empty when nothing does.
    """

    results: Results = field(default_factory=Results)
    told: bool = False
    silent: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that came to its end.

    :ivar lines: the last lines of its output. :ivar tests: what it tells of them.
    :ivar free: bytes free on the node afterwards; None when that is not known. :ivar node: the node's description.
    """

    step: Command
    status: int
    lines: Sequence[str] = ()
    tests: Told = field(default_factory=Told)
    free: int | None = None
    node: str = ""

    @property
    def count(self) -> int:
        """How many tests are known to have ended."""
        found = self.tests.results
        return len(found.tests) + found.counted.passed + found.counted.skipped


def judged(ended: Ended) -> Verdict | None:
    """Why the build ends with this step, and how; None when it goes on."""
    return _after_all(ended) if ended.status == 0 else _failed(ended)


def _failed(ended: Ended) -> Verdict:
    seen = _seen(ended.lines)
    if Sign.NO_SPACE in seen and (ended.free is None or ended.free < ENOUGH):
        return Outcome.DISK_FULL, f"the node's disk is full: {seen[Sign.NO_SPACE]}"
    if missing := _no_program(ended):
        return Outcome.CONFIG_ERROR, missing
    those = tuple(LACKS) if ended.step.setup else () if ended.count else _OF_ANY_STEP
    if lacking := _lacking(ended, seen, those):
        return Outcome.NODE_FAILURE, lacking
    if ended.step.setup:
        return Outcome.CONFIG_ERROR, f"the environment could not be made: {_end(ended)}{_because(ended.lines)}"
    failing = any(test.failed for test in ended.tests.results.tests)
    return Outcome.FAILURE, "" if failing else _end(ended)


def out_of_time(step: Command, limit: float, whole: bool) -> Verdict:
    """A step that was stopped. :param whole: the limit was the job's and not its own."""
    what = f"the job took longer than its {limit:.0f} s; it was at" if whole else f"it took longer than {limit:.0f} s:"
    return (Outcome.NODE_FAILURE if step.setup else Outcome.TIMED_OUT), f"{what} {step.name}"


def _after_all(ended: Ended) -> Verdict | None:
    """Why a step that ended well has not passed."""
    name, found = ended.step.name, ended.tests.results
    bad = [test.name for test in found.tests if test.failed]
    if bad:
        return Outcome.FAILURE, f"{name} ended with status 0, though {_some(bad)} failed"
    if found.unnoticed:
        return Outcome.FAILURE, f"{name} ended with status 0, though {_some(found.unnoticed)} never ran"
    if ended.tests.silent or ended.tests.lost:
        lost = f"{name} ended with status 0, whatever its test program did, and {ended.tests.lost}"
        silent = f"{name}: {ended.tests.silent} ended without a word on how many tests ran"
        return Outcome.FAILURE, silent if ended.tests.silent else lost
    if not ended.step.tells or ended.count:
        return None
    if ended.tests.told:
        return Outcome.FAILURE, f"{name} ended with status 0, and no test ran in it"
    what = f"the suite {ended.step.suite}" if ended.step.suite else "its results"
    return Outcome.CONFIG_ERROR, (
        f"{name} ended with status 0, and nothing tells of a test: does it run {what}? Say otherwise where its results"
        " are, with `results:`"
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")
    return f"{len(names)} test{'' if len(names) == 1 else 's'} ({shown})"


def _seen(lines: Sequence[str]) -> Mapping[Sign, str]:
    seen: dict[Sign, str] = {}
    for line in lines:
        for sign in signs(line):
            seen.setdefault(sign, line.strip()[:300])
    return seen


def _no_program(ended: Ended) -> str:
    """Which program the shell did not find, where it is none of the project's own; no other attempt would find it."""
    if ended.status != _NOT_THERE:
        return ""
    lines = (line.rstrip() for line in reversed(ended.lines))
    name = next((found[1] for line in lines if (found := _NOT_FOUND.search(line))), "")
    if not name or "/" in name:
        return ""
    return (
        f"{ended.step.name}: the node has no program {name}{_on(ended)}: install it in the setup, or name another label"
    )


def _on(ended: Ended) -> str:
    return f" (the node is {ended.node})" if ended.node else ""


def _lacking(ended: Ended, seen: Mapping[Sign, str], those: Sequence[Sign]) -> str:
    """What the node lacks; empty when that is not what the output says."""
    if Sign.UNSATISFIABLE in seen and not {Sign.NO_HOST, Sign.NO_NETWORK} & set(seen):
        return ""
    return next((f"{LACKS[sign]}: {seen[sign]}{_on(ended)}" for sign in those if sign in seen), "")


def _end(ended: Ended) -> str:
    if ended.status in (-9, 137):
        return f"{ended.step.name} was killed: the node's memory may be too small"
    return f"{ended.step.name} ended with status {ended.status}"


def _because(lines: Sequence[str]) -> str:
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:300]}" if last else ""
