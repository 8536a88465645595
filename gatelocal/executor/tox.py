"""Runs a job of the tox family on a ready node and says how it ended; it neither makes the node nor its trees."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.executor.heard import Heard
from gatelocal.executor.live import failures
from gatelocal.executor.only import deviations, only
from gatelocal.executor.outcome import Failed, judged
from gatelocal.executor.readiness import FRESH, Readiness
from gatelocal.executor.record import Record
from gatelocal.executor.results import STREAMS
from gatelocal.executor.signs import Sign
from gatelocal.executor.stages import Helpers, Stage, Step, collect, index, preparation, start, steps
from gatelocal.executor.wanted import Places, Wanted, wanted
from gatelocal.executor.watching import explained, gather, relist, watch
from gatelocal.jobs.families import TOX
from gatelocal.model.hold import Invocation
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.text import plain
from gatelocal.ports import Node, Say
from gatelocal.results.console import Console
from gatelocal.results.listing import answer

_FACTS = "gatelocal-facts"
_HELPER_TIME = 300.0
_LOGS = "tox"
STREAMED = ("streams", "junit")
"""What :mod:`gatelocal.executor.results_on_node` gathers, when there is any."""
RESULTS = (*STREAMED, _LOGS)
"""What is fetched from a node, and nothing else that it may offer."""


class ToxExecutor:
    """An executor of tox jobs.

    :param say: receives each line of the build's output as it comes, safe for a terminal.
    :param install_packages: whether the node may be changed for good, as the gate does it (distribution packages,
        ``tools/test-setup.sh``, no more sudo): only where it is a machine of its own.
    :param readiness: how far the node is.
    """

    def __init__(self, say: Say, *, install_packages: bool = False, readiness: Readiness = FRESH) -> None:
        self._say = say
        self._install = install_packages
        self._readiness = readiness

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node; see :class:`gatelocal.ports.Executor`. It raises nothing for a failing build.

        What it leaves in `logs`: ``job-output.txt``, and what there was of ``streams/`` (subunit, and what the
        witness told), ``junit/`` and ``tox/<env>/``.
        """
        logs.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with Record(logs, self._say) as record:
            room = Room(node, record, logs, began, self._readiness)
            result = built(job, Places(node.home, project, sources), room, self._install)
            why = f": {result.reason}" if result.reason else ""
            record.note(f"{job.name}: {result.outcome.value}{why} ({result.seconds:.1f} s)")
        return result


@dataclass(frozen=True, slots=True)
class Room:
    """Where a build takes place.

    :ivar logs: its folder on this machine. :ivar began: when it has begun, by the monotonic clock.
    :ivar readiness: how far the node is.
    """

    node: Node
    record: Record
    logs: Path
    began: float
    readiness: Readiness = FRESH


def built(job: Job, places: Places, room: Room, install: bool) -> BuildResult:
    """Run a tox job, or the part of another one that is like one. :param install: see :class:`ToxExecutor`."""
    record = room.record
    run = _Build(room, install)
    outcome, reason = run.whole(job, places)
    result = BuildResult(job.name, outcome, 0.0, job.voting, reason=reason, logs=str(room.logs))
    result = replace(explained(result, run.console, run.listed), invocation=run.invocation)
    if record.lost:
        result = replace(result, notes=(*result.notes, record.lost))
    result = replace(result, deviations=(*result.deviations, *deviations(only(job))))
    for note in result.notes:
        record.note(f"results: {note}")
    return replace(result, seconds=time.monotonic() - room.began)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a step ended. :ivar facts: what a helper told; their types are checked where they are used."""

    status: int
    heard: Heard
    facts: Mapping[str, object] = field(default_factory=dict)


class _Build:
    """One build while it runs."""

    def __init__(self, room: Room, install: bool) -> None:
        self._node = room.node
        self._record = room.record
        self._logs = room.logs
        self._began = room.began
        self._install = install
        self._readiness = room.readiness
        self._helpers = Helpers(_text("on_node.py"), _text("prepare_node.py"), lambda: secrets.token_hex(16))
        self._tox: tuple[str, ...] = ()
        self._setup = False
        self._limit: float | None = None
        self._doing, self._at_tests = "begin", False
        self.console = Console()
        self.listed: list[str] = []
        self.invocation: Invocation | None = None
        self._directory = self._output = ""

    def whole(self, job: Job, places: Places) -> tuple[Outcome, str]:
        """All steps; the outcome and one sentence about it."""
        self._limit = job.timeout
        try:
            if job.family != TOX:
                raise ConfigurationError(f"job {job.name} is none of the tox family")
            return self._steps(wanted(job, places))
        except ConfigurationError as error:
            return Outcome.CONFIG_ERROR, error.brief
        except TimeoutError:
            reason = f"the job took longer than its {job.timeout} s; it was to {self._doing}"
            return (Outcome.TIMED_OUT if self._at_tests else Outcome.NODE_FAILURE), reason
        except InfrastructureError as error:
            return Outcome.NODE_FAILURE, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"

    def _steps(self, build: Wanted) -> tuple[Outcome, str]:
        self._directory, self._output = build.directory, build.output
        for name in build.missing:
            self._record.note(f"required project {name} has no tree on the node: its released package is used")
        full = self._begin(build)
        if full:
            return Outcome.DISK_FULL, full
        try:
            bad = self._prepare(build) or self._run_all(build, steps(build, self._helpers, self._tox))
        except TimeoutError:
            with contextlib.suppress(InfrastructureError):
                self._gather(build)
            raise
        if bad:
            return bad
        try:
            self._gather(build)
            self._relist(build)
        except InfrastructureError as error:
            return Outcome.POST_FAILURE, f"the job ran to its end, its results could not be fetched: {error.brief}"
        return Outcome.SUCCESS, ""

    def _begin(self, build: Wanted) -> str:
        """Look at the node; why nothing can run there for want of room, empty when there is room."""
        ended = self._step(start(build, self._helpers), self._left())
        facts = ended.facts
        if ended.status != 0 and Sign.NO_SPACE in ended.heard.seen:
            return f"the node's disk is full: {ended.heard.seen[Sign.NO_SPACE]}"
        if ended.status != 0:
            raise InfrastructureError(f"the node cannot run python3: status {ended.status}")
        if not facts.get("work"):
            raise ConfigurationError(f"job {build.job.name}: there is no folder {build.directory} on the node")
        if not facts.get("constraints"):
            raise ConfigurationError(
                f"job {build.job.name}: tox_constraints_file names {build.constraints}, which is not there"
            )
        self._setup = facts.get("setup") is True
        self._tox = _words(facts.get("tox"))
        if not (self._tox or build.tox or build.tox_version):
            raise InfrastructureError("the node has no tox")
        return ""

    def _prepare(self, build: Wanted) -> tuple[Outcome, str] | None:
        """What the gate does before tox; how that failed, if it did."""
        if self._setup and build.setup.wanted and not self._install:
            self._record.note("tools/test-setup.sh is not run, because the node is no machine of its own")
        for step in preparation(build, self._helpers, setup=self._setup, install=self._install):
            if self._readiness.stands and step.stage is not Stage.TOX:  # which one it is, is asked each time
                continue
            ended = self._step(step, self._left())
            if step.stage is Stage.TOX:
                self._tox = _words(ended.facts.get("tox"))
            if ended.status != 0 or (step.stage is Stage.TOX and not self._tox):
                return self._judged(build, step, ended)
            if step.stage is Stage.PYTHON and ended.facts.get("python") is not True:
                instead = ended.facts.get("instead")
                self._record.note(
                    f"the job wants Python {build.python}, which this node does not have ({self._node.description}):"
                    f" its own {instead if isinstance(instead, str) else ''} stands in where tox lets it"
                )
        return None

    def _run_all(self, build: Wanted, chain: tuple[Step, ...]) -> tuple[Outcome, str] | None:
        """Run the steps up to the first that fails; how that failed, if one did."""
        for step in chain:
            if self._readiness.stands and step.stage is not Stage.TESTS:
                continue
            if step.stage is Stage.TESTS:
                self._readiness.reached()
                self._step(watch(build, self._tox), self._left())
            ended = self._step(step, self._left())
            if ended.status != 0:
                return self._judged(build, step, ended)
        return None

    def _judged(self, build: Wanted, step: Step, ended: _Ended) -> tuple[Outcome, str]:
        seen = dict(ended.heard.seen)
        free = None
        with contextlib.suppress(InfrastructureError):
            if Sign.NOTHING_OFFERED in seen and Sign.STARTED not in seen and not self._index_answers(build):
                seen[Sign.NO_NETWORK] = f"{seen[Sign.NOTHING_OFFERED]}, and the package index has not even pip"
            free = self._gather(build)
        return judged(
            Failed(build, step.stage, ended.status, seen, ended.heard.last_words, free, self._node.description)
        )

    def _index_answers(self, build: Wanted) -> bool:
        """Whether the package index gives anything; also when that cannot be found out."""
        try:
            ended = self._step(index(build, self._helpers, self._tox), _HELPER_TIME)
        except TimeoutError:
            return False
        return ended.facts.get("index") is not False

    def _step(self, step: Step, limit: float | None) -> _Ended:
        """Run one step. Facts are taken from a helper's step alone, behind the mark that it alone was given."""
        heard = Heard()
        facts: dict[str, object] = {}
        own = f"{_FACTS} {step.mark} " if step.mark else ""

        def line(text: str) -> None:
            if own and text.startswith(own):
                facts.update(_told(text.removeprefix(own)))
            if own and (not text or text.startswith(own)):
                return
            heard.line(text)
            self._record.line(text)
            if step.stage is Stage.TESTS:
                self.console.line(plain(text))

        self._record.note(f"[{step.stage.value}] {step.command}")
        if step.stage is not Stage.COLLECT:
            self._doing, self._at_tests = step.purpose, step.stage is Stage.TESTS
            directory = step.directory or self._directory
            self.invocation = Invocation(step.argv, directory, step.environment, step.purpose, own=bool(step.mark))
        began = time.monotonic()
        live = failures(self._node, f"{self._output}/{STREAMS}", self._record.note, limit)
        with live if step.stage is Stage.TESTS else contextlib.nullcontext():
            status = self._node.run(
                step.argv, directory=step.directory, environment=step.environment, on_line=line, timeout=limit
            )
        self._record.note(f"[{step.stage.value}] {time.monotonic() - began:.1f} s, status {status}")
        return _Ended(status, heard, facts)

    def _left(self) -> float | None:
        """Seconds until the job's timeout."""
        if self._limit is None:
            return None
        left = self._limit - (time.monotonic() - self._began)
        if left <= 0:
            raise TimeoutError
        return left

    def _relist(self, build: Wanted) -> None:
        """Ask which tests were to run where nobody watched; an answer that does not come changes nothing."""
        for step in relist(build, self._tox, self.console, self._logs):
            lines: list[str] = []
            self._record.note(f"[{step.stage.value}] {step.command}")
            with contextlib.suppress(TimeoutError):
                status = self._node.run(
                    step.argv,
                    directory=step.directory,
                    environment=step.environment,
                    on_line=lines.append,
                    timeout=_HELPER_TIME,
                )
                found = answer(lines) if status == 0 else None
                self._record.note(f"[{step.stage.value}] status {status}, {len(found or ())} tests")
                self.listed += found or ()

    def _gather(self, build: Wanted) -> int | None:
        """Fetch results and logs, each for itself; how many bytes are free on the node, None when it is not known.

        :raises InfrastructureError: the node is gone, or a stream of results did not come whole.
        """
        try:
            self._step(gather(build, self._tox), _HELPER_TIME)
            ended = self._step(collect(build, self._helpers, self._tox), _HELPER_TIME)
        except TimeoutError:
            self._record.note("gathering results took too long: they are incomplete")
            return None
        items = ended.facts.get("items")
        if ended.status != 0 or not isinstance(items, list):
            self._record.note("results and logs could not be gathered on the node")
            items = []
        lost: InfrastructureError | None = None
        for item in (name for name in RESULTS if name in items or name in STREAMED):
            try:
                self._node.get(f"{build.output}/{item}", self._logs)
            except InfrastructureError as error:
                self._record.note(f"{item}: {error.brief}: {error.details}")
                lost = lost if item == _LOGS else error
        if lost:
            raise lost
        free = ended.facts.get("free")
        return free if isinstance(free, int) and not isinstance(free, bool) else None


def _text(name: str) -> str:
    return resources.files("gatelocal.executor").joinpath(name).read_text(encoding="utf-8")


def _told(text: str) -> dict[str, object]:
    """A helper's facts; none when a node makes something up that is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else ()
