"""Runs a job's commands on a ready node, up to the first that fails; it makes neither the node nor its trees."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.executor.live import failures
from gatelocal.executor.only import deviations, only, witness
from gatelocal.executor.readiness import FRESH, Readiness
from gatelocal.executor.record import Record
from gatelocal.executor.results import STREAMS, Results
from gatelocal.executor.signs import Sign, signs
from gatelocal.executor.steps.judged import Ended, Told, Verdict, judged, out_of_time
from gatelocal.executor.steps.results import Listener, watchable
from gatelocal.executor.steps.wanted import wanted
from gatelocal.jobs.families import STEPS
from gatelocal.model.filename import folder_of
from gatelocal.model.hold import Invocation
from gatelocal.model.job import Job
from gatelocal.model.result import NOT_THERE, BuildResult, Counted, Outcome, TestResult
from gatelocal.model.steps import Command, Steps
from gatelocal.ports import Node, Nodes, Say

ARTIFACTS = "artifacts"
"""The folder, in a build's, that has what the job wants to be kept."""

_FACTS = "gatelocal-facts"
_HELPER_TIME = 300.0
_TAIL = 40
_NO_TEST = 5  # pytest: it ran to its end, and no test was to run


class StepsExecutor:
    """An executor of jobs that are lists of commands.

    :param say: receives each line of the build's output. :param nodes: all nodes of the job, where it has several.
    :param readiness: how far the node is.
    """

    def __init__(self, say: Say, nodes: Nodes | None = None, readiness: Readiness = FRESH) -> None:
        self._say = say
        self._nodes = nodes
        self._readiness = readiness

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node; see :class:`gatelocal.ports.Executor`. It raises nothing for a failing build.

        What it leaves in `logs`: ``job-output.txt``, ``steps/NUMBER/`` with what tells of a step's tests, and
        ``artifacts/``.
        """
        logs.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with Record(logs, self._say) as record:
            build = _Build(job, self._named(node), record, logs, began, self._readiness)
            outcome, reason = build.whole(project, sources)
            notes = (*build.notes, *([record.lost] if record.lost else []))
            for note in notes:
                record.note(f"results: {note}")
            seconds = time.monotonic() - began
            record.note(f"{job.name}: {outcome.value}{f': {reason}' if reason else ''} ({seconds:.1f} s)")
        bad = outcome is not Outcome.SUCCESS and not any(test.failed for test in build.tests)
        return BuildResult(
            job.name,
            outcome,
            seconds,
            job.voting,
            tests=tuple(build.tests),
            reason=reason,
            logs=str(logs),
            counted=build.counted,
            never_ran=tuple(build.never_ran),
            notes=notes,
            output=tuple(build.tail) if bad else (),
            invocation=build.invocation,
            deviations=deviations(only(job)),
        )

    def _named(self, first: Node) -> Mapping[str, Node]:
        """The nodes by their names, the first of them under the empty one too."""
        if self._nodes is None:
            return {"": first}
        pairs = zip(self._nodes.nodeset.nodes, self._nodes.each, strict=True)
        return {"": first, **{name: node for wanted, node in pairs for name in wanted.names}}


class _Build:
    """One build while it runs. :ivar tail: the last lines of the step that ran last."""

    def __init__(
        self,
        job: Job,
        nodes: Mapping[str, Node],
        record: Record,
        logs: Path,
        began: float,
        readiness: Readiness = FRESH,
    ) -> None:
        self._job, self._nodes, self._record, self._logs, self._began = job, nodes, record, logs, began
        self._readiness = readiness
        self._tree = ""
        self._node = nodes[""]
        self._step: Command | None = None
        self.tests: list[TestResult] = []
        self.counted = Counted()
        self.never_ran: list[str] = []
        self.notes: list[str] = []
        self.tail: list[str] = []
        self.invocation: Invocation | None = None

    def whole(self, project: str, sources: Mapping[str, str]) -> Verdict:
        """All steps; the outcome and one sentence about it."""
        try:
            if self._job.family != STEPS or project not in sources:
                raise ConfigurationError(f"job {self._job.name} is no list of steps, or has no tree to run them in")
            self._tree = sources[project]
            todo = wanted(self._job)
            return self._artifacts(todo, self._all(todo))
        except ConfigurationError as error:
            return Outcome.CONFIG_ERROR, error.brief
        except InfrastructureError as error:
            return Outcome.NODE_FAILURE, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"

    @property
    def _work(self) -> str:
        """The project's folder on the node of the step; all nodes have it in the same place of their home."""
        first, home = (node.home.rstrip("/") for node in (self._nodes[""], self._node))
        return home + self._tree.removeprefix(first) if self._tree.startswith(f"{first}/") else self._tree

    @property
    def _output(self) -> str:
        return f"{self._node.home.rstrip('/')}/zuul-output/{folder_of(self._job.name)}"

    def _all(self, todo: Steps) -> Verdict:
        first = self._first(todo)
        for number, step in enumerate(todo.commands, 1):
            if number == first:
                self._readiness.reached()
            if number < first and self._readiness.stands:
                continue
            self._step = step
            self._node = self._nodes[step.node]
            if (bad := self._one(number, step)) is not None:
                return bad
        if only(self._job) and not self.tests and any(map(watchable, todo.commands)):
            return Outcome.CONFIG_ERROR, NOT_THERE
        return Outcome.SUCCESS, ""

    def _first(self, todo: Steps) -> int:
        """The number of the step that a node which stands ready begins with: where tests are, else after the setup."""
        telling = (at for at, step in enumerate(todo.commands, 1) if not step.setup and (step.tells or watchable(step)))
        own = (at for at, step in enumerate(todo.commands, 1) if not step.setup)
        return next(telling, 0) or next(own, 1)

    def _one(self, number: int, step: Command) -> Verdict | None:
        """Run one step; how the build ends with it, if it does."""
        directory = f"{self._work}/{step.directory.strip('/')}" if step.directory else self._work
        for line in step.command.splitlines() or [""]:
            self._record.note(f"[{step.name}] {line}")
        left = self._left()
        if left is not None and left <= 0:
            return out_of_time(step, self._job.timeout or 0, whole=True)
        if step.directory and self._node.run(["test", "-d", directory], directory="/", timeout=_HELPER_TIME) != 0:
            return Outcome.CONFIG_ERROR, f"{step.name}: there is no folder {step.directory} in the project"
        into = f"{self._output}/{number}"
        looked = (step.tells or watchable(step)) and self._before(step, into)
        listener = Listener(step)
        limit = min((one for one in (left, step.timeout) if one is not None), default=None)
        began = time.monotonic()
        try:
            status = self._run(step, directory, into if looked and watchable(step) else "", listener, limit)
        except TimeoutError:
            self._record.note(f"[{step.name}] stopped after {time.monotonic() - began:.1f} s")
            self.tail = list(listener.last)[-_TAIL:]
            self._keep(step, self._fetched(number, into, listener, looked=looked, well=False).results)
            whole = step.timeout is None or (left is not None and left <= step.timeout)
            return out_of_time(step, (self._job.timeout if whole else step.timeout) or 0, whole)
        self._record.note(f"[{step.name}] {time.monotonic() - began:.1f} s, status {status}")
        self.tail = list(listener.last)[-_TAIL:]
        try:
            found = self._fetched(number, into, listener, looked=looked, well=status == 0)
        except InfrastructureError as error:
            return Outcome.POST_FAILURE, f"{step.name} ended well, its results could not be fetched: {error.brief}"
        self._keep(step, found.results)
        lines = list(listener.last)
        free = self._free() if status != 0 and any(Sign.NO_SPACE in signs(line) for line in lines) else None
        if status == _NO_TEST and only(self._job) and watchable(step) and not found.results.tests:
            self._record.note(f"[{step.name}] none of the tests that are wanted is one of its")
            return None
        return judged(Ended(step, status, lines, found, free, self._node.description))

    def _run(self, step: Command, directory: str, into: str, listener: Listener, limit: float | None) -> int:
        environment = dict(step.environment)
        if into:
            others = environment.get("PYTHONPATH")
            environment["PYTHONPATH"] = f"{into}/site:{others}" if others else f"{into}/site"

        def line(text: str) -> None:
            self._record.line(text)
            listener.line(text)

        tell = self._record.note
        live = failures(self._node, f"{into}/{STREAMS}", tell, limit) if into else contextlib.nullcontext()
        argv = ("sh", "-eu", "-c", step.command)
        self.invocation = Invocation(argv, directory, dict(step.environment), f"run {step.name}")
        with live:
            return self._node.run(argv, directory=directory, environment=environment, on_line=line, timeout=limit)

    def _before(self, step: Command, into: str) -> bool:
        """Make ready for the step's results; whether that went well. :raises InfrastructureError: it has to."""
        more = (f"--witness={witness(self._job)}",) if watchable(step) else ()
        told = self._helper("before", into, step.results, more)
        if told is None and step.tells:
            raise InfrastructureError("the node cannot run python3, by which results of tests are found")
        return told is not None

    def _fetched(self, number: int, into: str, listener: Listener, *, looked: bool, well: bool) -> Told:
        """What the step tells of tests. :raises InfrastructureError: a step that ended well has lost it."""
        folder = self._logs / "steps" / str(number)
        if looked:
            try:
                step = self._step
                if self._helper("after", into, step.results if step else ()) is None:
                    raise InfrastructureError("the results could not be gathered on the node")
                folder.mkdir(parents=True, exist_ok=True)
                for name in (STREAMS, "junit"):
                    self._node.get(f"{into}/{name}", folder)
            except InfrastructureError as error:
                if well:
                    raise
                self._record.note(f"results: {error.brief}")
        return listener.results(folder)

    def _keep(self, step: Command, found: Results) -> None:
        """Add a step's tests to those of the build."""
        self.tests += found.tests
        self.never_ran += found.never_ran
        self.counted = Counted(self.counted.passed + found.counted.passed, self.counted.skipped + found.counted.skipped)
        self.notes += [f"{step.name}: {note}" for note in found.notes]

    def _artifacts(self, todo: Steps, verdict: Verdict) -> Verdict:
        """Fetch what is to be kept from each node, however the steps ended."""
        if not todo.artifacts:
            return verdict
        others = {id(node): (name, node) for name, node in self._nodes.items() if node is not self._nodes[""]}
        for name, node in [("", self._nodes[""]), *others.values()]:
            self._node = node
            verdict = self._kept(todo, verdict, self._logs / "nodes" / name if name else self._logs, name)
        return verdict

    def _kept(self, todo: Steps, verdict: Verdict, local: Path, name: str) -> Verdict:
        """Fetch it from one node. :param name: the node's, where it is not the first."""
        on = f" on {name}" if name else ""
        into = f"{self._output}/{ARTIFACTS}"
        try:
            told = self._helper("keep", into, todo.artifacts)
            if told is None:
                raise InfrastructureError("they could not be gathered on the node")
            if told.get("kept") is True:
                local.mkdir(parents=True, exist_ok=True)
                self._node.get(into, local)
        except InfrastructureError as error:
            self.notes.append(f"artifacts: {error.brief}")
            if verdict[0] is Outcome.SUCCESS:
                return Outcome.POST_FAILURE, f"all steps ended well, artifacts could not be fetched: {error.brief}"
            return verdict
        nothing = told.get("nothing")
        for pattern in nothing if isinstance(nothing, list) else ():
            if pattern in todo.artifacts:
                self.notes.append(f"artifacts: there is no {pattern}{on}")
        if isinstance(out := told.get("out"), int) and out > 0:
            self.notes.append(f"artifacts: {out} left out{on}: no plain files, too large or too many")
        return verdict

    def _free(self) -> int | None:
        """Bytes free on the node; None when that is not known."""
        with contextlib.suppress(InfrastructureError):
            free = (self._helper("free", "") or {}).get("free")
            return free if isinstance(free, int) and not isinstance(free, bool) else None
        return None

    def _helper(
        self, command: str, into: str, patterns: tuple[str, ...] = (), more: tuple[str, ...] = ()
    ) -> dict[str, object] | None:
        """What our own program on the node tells; None when it could not be run there."""
        mark = secrets.token_hex(16)
        own = f"{_FACTS} {mark} "
        facts: list[str] = []
        words = [f"--work={self._work}", f"--into={into}", f"--mark={mark}", *more]
        words += [f"--pattern={pattern}" for pattern in patterns]
        texts = (_text("steps/helper.py"), _text("on_node.py"), _text("results_on_node.py"))

        def line(text: str) -> None:
            if text.startswith(own):
                facts.append(text.removeprefix(own))
            elif text:
                self._record.line(text)

        try:
            argv = ("python3", "-c", *texts, command, *words)
            status = self._node.run(argv, directory="/", on_line=line, timeout=_HELPER_TIME)
        except TimeoutError:
            self._record.note(f"results: {command} took too long")
            return None
        found: object = None
        with contextlib.suppress(ValueError, RecursionError, IndexError):
            found = json.loads(facts[-1])
        return found if status == 0 and isinstance(found, dict) else None

    def _left(self) -> float | None:
        """Seconds until the job's timeout; None without one."""
        return None if self._job.timeout is None else self._job.timeout - (time.monotonic() - self._began)


def _text(name: str) -> str:
    return resources.files("gatelocal.executor").joinpath(name).read_text(encoding="utf-8")
