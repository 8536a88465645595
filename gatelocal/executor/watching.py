"""The steps around the tests that see to their results, and what comes of them: outcome and words; nothing is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path

from gatelocal.executor.extra import placing
from gatelocal.executor.only import witness
from gatelocal.executor.results import results_in, watched
from gatelocal.executor.stages import INSIST, Stage, Step, afterwards, for_tox, questions
from gatelocal.executor.wanted import Wanted
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.results.console import Command, Console
from gatelocal.results.listing import question

_NAMES_SHOWN = 3
_KILLED = (-9, 137)


def watch(build: Wanted, tox: tuple[str, ...]) -> Step:
    """The step right before the tests: see :mod:`gatelocal.executor.results_on_node`."""
    return _step("watch", build, tox, "see which results are there already")


def gather(build: Wanted, tox: tuple[str, ...]) -> Step:
    """The step after the tests, however they ended."""
    return _step("gather", build, tox, "gather test results")


def relist(build: Wanted, tox: tuple[str, ...], console: Console, logs: Path) -> tuple[Step, ...]:
    """Steps that ask stestr again which tests its runs had chosen, as far as nobody watched them."""
    seen = watched(logs)
    asked = {
        (one.env, question(one.line))
        for one in console.commands
        if one.tool == "stestr" and one.status is None and ("stestr", one.env) not in seen
    }
    return tuple(
        Step(
            Stage.COLLECT,
            (*tox, "exec", *_config(build), "-e", env, *INSIST, *placing(build.extra), "--", *words),
            build.directory,
            f"list the tests of {env}",
            f"tox exec -e {env} -- {' '.join(words)}",
            afterwards(build),
        )
        for env, words in sorted(asked, key=str)
        if words is not None
    )


def explained(result: BuildResult, console: Console, listed: Iterable[str] = ()) -> BuildResult:
    """The build with all that its results and its output say about it.

    :param listed: the answers to :func:`relist`.
    :param result: as its steps ended. Tests of a build that ended well and did not run turn it into a failed one.
    """
    console.finish()
    listed = tuple(listed)
    found = results_in(Path(result.logs), console.commands, listed)
    notes = [*found.notes, *(f"tox left out {env}" for env in dict.fromkeys(console.skipped))]
    seen = watched(Path(result.logs))
    notes += _unwatched(console, seen, bool(listed)) if result.outcome is Outcome.SUCCESS else []
    result = replace(result, tests=found.tests, counted=found.counted, never_ran=found.never_ran, notes=tuple(notes))
    if result.outcome is Outcome.SUCCESS:
        reason = _untold(found.unnoticed, console, seen)
        return replace(result, outcome=Outcome.FAILURE, reason=reason) if reason else result
    if result.outcome is Outcome.TIMED_OUT:
        last = console.last
        if result.failures or last is None:
            return result
        return replace(result, reason="; ".join(filter(None, (result.reason, last.sentence))), output=_tail(last))
    if result.outcome is not Outcome.FAILURE or console.last is None:
        return result
    failed = console.failed or console.last
    others = any(one.tool for one in console.commands if one is not failed)
    if result.failures and (failed.tool or not (others and failed.status)):
        return replace(result, reason="")
    return replace(result, reason=_reason(failed) or result.reason, output=_tail(failed))


def _unwatched(console: Console, seen: frozenset[tuple[str, str]], listed: bool) -> list[str]:
    """What is not known of a build that ended well, where the witness was not there: see decision 5."""
    blind = {
        (one.tool, one.env)
        for one in console.commands
        if one.tool == "pytest" or (one.tool == "stestr" and not listed and " run" in one.line)
    }
    return [
        f"nobody watched {tool} in {env}: tests that were chosen and never ran would not be noticed"
        for tool, env in sorted(blind - seen)
    ]


def _untold(names: tuple[str, ...], console: Console, seen: frozenset[tuple[str, str]]) -> str:
    """Why a build that ended well has not passed; empty when it has."""
    if names:
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        tests = "1 test" if len(names) == 1 else f"{len(names)} tests"
        return f"{tests} never ran, though the test program ended well: {shown}"
    for one in console.unfinished:
        if (one.tool, one.env) not in seen:
            return f"{one.tool} ended without a word on how many tests ran: {one.line} ({one.env})"
    return ""


def _reason(command: Command) -> str:
    """One sentence on the command that failed: its own, with the command in any case."""
    if command.status is None:
        return command.sentence
    ended = f"{command.line[:200]} ended with status {command.status} in {command.env}"
    if command.status in _KILLED:
        ended += ": it was killed, and the node's memory may be too small"
    return f"{command.sentence} ({ended})" if command.sentence else ended


def _tail(command: Command | None) -> tuple[str, ...]:
    return tuple(command.tail) if command is not None else ()


def _step(command: str, build: Wanted, tox: tuple[str, ...], purpose: str) -> Step:
    texts = resources.files("gatelocal.executor")
    program, helper = (
        texts.joinpath(name).read_text(encoding="utf-8") for name in ("results_on_node.py", "on_node.py")
    )
    words = [command, f"--work={build.directory}", f"--into={build.output}"]
    words += questions(build, tox)
    words += [f"--junit={pattern}" for pattern in build.junit]
    words += [f"--witness={witness(build.job)}"] if command == "watch" else []
    argv = ("python3", "-c", program, helper, *words)
    return Step(Stage.COLLECT, argv, None, purpose, purpose, for_tox(build))


def _config(build: Wanted) -> tuple[str, ...]:
    return ("-c", build.config) if build.config else ()
