"""Runs a job of the tox family on a ready node and says how it ended; it neither makes the node nor its trees."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.executor.outcome import Sign, judged, signs
from gatelocal.executor.record import Record
from gatelocal.executor.stages import Stage, Step, collect, start, steps
from gatelocal.executor.wanted import Places, Wanted, wanted
from gatelocal.executor.watching import explained, gather, relist, watch
from gatelocal.jobs.families import TOX
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.text import plain
from gatelocal.ports import Node, Say
from gatelocal.results.console import Console
from gatelocal.results.listing import answer

_FACTS = "gatelocal-facts "
_HELPER_TIME = 300.0
STREAMED = ("streams", "junit")
"""What :mod:`gatelocal.executor.results_on_node` gathers, when there is any."""
RESULTS = (*STREAMED, "tox")
"""What is fetched from a node, and nothing else that it may offer."""


class ToxExecutor:
    """An executor of tox jobs.

    :param say: receives each line of the build's output as it comes, safe for a terminal.
    :param install_packages: whether distribution packages that bindep.txt names may be installed on the node: only
        where the node is a machine of its own.
    """

    def __init__(self, say: Say, *, install_packages: bool = False) -> None:
        self._say = say
        self._install = install_packages

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node; see :class:`gatelocal.ports.Executor`. It raises nothing for a failing build.

        What it leaves in `logs`: ``job-output.txt``, and what there was of ``streams/`` (subunit, and what the
        witness told), ``junit/`` and ``tox/<env>/``.
        """
        logs.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with Record(logs, self._say) as record:
            run = _Build(node, record, logs, began, self._install)
            outcome, reason = run.whole(job, Places(node.home, project, sources))
            result = BuildResult(job.name, outcome, 0.0, job.voting, reason=reason, logs=str(logs))
            result = explained(result, run.console, run.listed)
            for note in result.notes:
                record.line(f"results: {note}")
            result = replace(result, seconds=time.monotonic() - began)
            why = f": {result.reason}" if result.reason else ""
            record.line(f"{job.name}: {result.outcome.value}{why} ({result.seconds:.1f} s)")
        return result


class _Build:
    """One build while it runs."""

    def __init__(self, node: Node, record: Record, logs: Path, began: float, install: bool) -> None:
        self._node = node
        self._record = record
        self._logs = logs
        self._began = began
        self._install = install
        self._helper = resources.files("gatelocal.executor").joinpath("on_node.py").read_text(encoding="utf-8")
        self._tox: tuple[str, ...] = ()
        self._limit: float | None = None
        self._doing = "begin"
        self.console = Console()
        self.listed: list[str] = []

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
            return Outcome.TIMED_OUT, f"the job took longer than its {job.timeout} s; it was to {self._doing}"
        except InfrastructureError as error:
            return Outcome.NODE_FAILURE, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"

    def _steps(self, build: Wanted) -> tuple[Outcome, str]:
        for name in build.missing:
            self._record.line(f"required project {name} has no tree on the node: its released package is used")
        self._begin(build)
        try:
            for step in steps(build, self._helper, self._tox, install=self._install):
                if step.stage is Stage.TESTS:
                    self._step(watch(build, self._tox), self._left())
                status, seen, _ = self._step(step, self._left())
                if status != 0:
                    return judged(build, step.stage, status, seen, self._gather(build))
        except TimeoutError:
            with contextlib.suppress(InfrastructureError):
                self._gather(build)
            raise
        try:
            self._gather(build)
            self._relist(build)
        except InfrastructureError as error:
            return Outcome.POST_FAILURE, f"the job ran to its end, its results could not be fetched: {error.brief}"
        return Outcome.SUCCESS, ""

    def _begin(self, build: Wanted) -> None:
        status, _, facts = self._step(start(build, self._helper), self._left())
        if status != 0:
            raise InfrastructureError(f"the node cannot run python3: status {status}")
        if not facts.get("work"):
            raise ConfigurationError(f"job {build.job.name}: there is no folder {build.directory} on the node")
        if not facts.get("constraints"):
            raise ConfigurationError(
                f"job {build.job.name}: tox_constraints_file names {build.constraints}, which is not there"
            )
        tox = facts.get("tox")
        if not isinstance(tox, list):
            raise InfrastructureError("the node has no tox")
        self._tox = tuple(str(word) for word in tox)

    def _step(self, step: Step, limit: float | None) -> tuple[int, dict[Sign, str], dict[str, object]]:
        """Run one step; its status, the signs in its output and the facts that it told."""
        seen: dict[Sign, str] = {}
        facts: dict[str, object] = {}

        def line(text: str) -> None:
            if text.startswith(_FACTS):
                with contextlib.suppress(ValueError):
                    facts.update(json.loads(text.removeprefix(_FACTS)))
                return
            for sign in signs(plain(text)):
                seen[sign] = plain(text).strip()
            self._record.line(text)
            if step.stage is Stage.TESTS:
                self.console.line(plain(text))

        self._record.line(f"[{step.stage.value}] {step.command}")
        if step.stage is not Stage.COLLECT:
            self._doing = step.purpose
        began = time.monotonic()
        status = self._node.run(
            step.argv, directory=step.directory, environment=step.environment, on_line=line, timeout=limit
        )
        self._record.line(f"[{step.stage.value}] {time.monotonic() - began:.1f} s, status {status}")
        return status, seen, facts

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
            self._record.line(f"[{step.stage.value}] {step.command}")
            with contextlib.suppress(TimeoutError):
                status = self._node.run(
                    step.argv,
                    directory=step.directory,
                    environment=step.environment,
                    on_line=lines.append,
                    timeout=_HELPER_TIME,
                )
                found = answer(lines) if status == 0 else None
                self._record.line(f"[{step.stage.value}] status {status}, {len(found or ())} tests")
                self.listed += found or ()

    def _gather(self, build: Wanted) -> int | None:
        """Fetch results and logs; how many bytes are free on the node, None when it could not be asked."""
        try:
            self._step(gather(build, self._tox), _HELPER_TIME)
            status, _, facts = self._step(collect(build, self._helper, self._tox), _HELPER_TIME)
        except TimeoutError:
            self._record.line("gathering results took too long: they are incomplete")
            return None
        items = facts.get("items")
        if status != 0 or not isinstance(items, list):
            self._record.line("results and logs could not be gathered on the node")
            return None
        for item in (name for name in RESULTS if name in items or name in STREAMED):
            self._node.get(f"{build.output}/{item}", self._logs)
        free = facts.get("free")
        return free if isinstance(free, int) else None
