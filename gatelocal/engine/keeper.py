"""What is done on one seat: a node, trees on it, a build; how each can fail is kept for the result, no error leaves."""

from __future__ import annotations

import shlex
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.engine.outcomes import kept_from, told
from gatelocal.engine.work import Preparation, Tools, Work
from gatelocal.errors import GateError, InfrastructureError
from gatelocal.model.filename import folder_of
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.pipeline.actions import RequestNode, StartBuild
from gatelocal.ports import Node, Say
from gatelocal.stopping import Stop
from gatelocal.workspace import build, deliver

Key = tuple[str, str]


@dataclass(slots=True)
class Kept:
    """What has come out so far, of all seats.

    :ivar results: of each job's last build, or why it could not begin. :ivar nodes: title → the node's description.
    :ivar lacking: why something could not be had, in the order in which that was found.
    :ivar begun: whether a job has begun to run. :ivar hold: whether a failing build's node is still wanted.
    :ivar mistake: the first error that nobody expected.
    """

    results: dict[Key, BuildResult] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    lacking: list[GateError] = field(default_factory=list)
    begun: bool = False
    hold: bool = False
    mistake: Exception | None = None


class Keeper:
    """See :class:`gatelocal.engine.seats.Keeper`; its methods are called by many threads.

    :param prepared: the item, once it is prepared.
    """

    def __init__(self, tools: Tools, kept: Kept, prepared: Callable[[], Preparation]) -> None:
        self._tools = tools
        self._kept = kept
        self._prepared = prepared
        self._lock = threading.Lock()
        self._labels: dict[str | None, threading.Lock] = {}
        self._there: dict[str | None, InfrastructureError | None] = {}

    def launch(self, request: RequestNode) -> Node | None:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        key = (request.change, request.job)
        work = self._prepared().works[key]
        try:
            if error := self._prepared().lacking.get(key):
                result = self._lacks(key, work, error, Outcome.ERROR)
            else:
                node = self._node(work)
                self._kept.nodes[work.title] = node.description
                return node
        except GateError as error:
            result = self._lacks(key, work, error, Outcome.NODE_FAILURE)
        except OSError as error:
            result = self._lacks(key, work, _refused(error), Outcome.ERROR)
        except Exception as error:
            result = self._mistaken(key, work, error)
        self._tell(work, result)
        return None

    def _node(self, work: Work) -> Node:
        """A node; the first of its kind is made alone, and what cannot be had is asked for once."""
        label, say = work.job.label, self._say_of(work)
        with self._lock:
            first = self._labels.setdefault(label, threading.Lock())
        with first:
            if error := self._there.get(label):
                raise error
            if label not in self._there:
                try:
                    node = self._tools.launcher.launch(label, say)
                except InfrastructureError as error:
                    self._there[label] = error
                    raise
                self._there[label] = None
                return node
        return self._tools.launcher.launch(label, say)

    def build(self, order: StartBuild, node: Node, stop: Stop) -> tuple[str, bool]:
        """See :class:`gatelocal.engine.seats.Keeper`."""
        key = (order.change, order.job)
        work = self._prepared().works[key]
        try:
            result = self._build(work, order, node, stop)
        except GateError as error:
            result = self._lacks(key, work, error, Outcome.NODE_FAILURE)
        except OSError as error:
            result = self._lacks(key, work, _refused(error), Outcome.ERROR)
        except Exception as error:
            result = self._mistaken(key, work, error)
        stop.check()
        self._kept.results[key] = result
        self._tell(work, result)
        return told(result.outcome), self._hold(node, result)

    def _build(self, work: Work, order: StartBuild, node: Node, stop: Stop) -> BuildResult:
        """Trees, delivery, the job. :raises GateError: what kept the job from beginning, or from going on."""
        say, root = self._say_of(work), self._tools.work / f"{folder_of(work.title)}.{order.id}"
        stored = {tree.project: self._tools.merger.repository(tree.project) for tree in work.trees}
        logs = _folder(self._tools.logs, work.title)
        began = time.monotonic()
        try:
            try:
                build.build(work.trees, stored, root, say)
            except InfrastructureError as error:
                return self._lacks((order.change, order.job), work, error, Outcome.ERROR)
            stop.check()
            began = time.monotonic()
            sources = deliver.deliver(work.trees, root, node, say)
            stop.check()
            say(f"job {work.title}: running")
            self._kept.begun = True
            executor = self._tools.executor(self._output_of(work))
            result = executor.run(work.job, work.project, node, sources, logs)
        except InfrastructureError as error:
            if not error.no_space:
                raise
            seconds, reason = time.monotonic() - began, f"the node's disk is full: {error.brief}"
            return BuildResult(work.title, Outcome.DISK_FULL, seconds, work.job.voting, reason=reason, logs=str(logs))
        finally:
            shutil.rmtree(root, ignore_errors=True)
        return replace(result, job=work.title)

    # ---- what is kept, and said

    def _lacks(self, key: Key, work: Work, error: GateError, outcome: Outcome) -> BuildResult:
        result = kept_from(error, work.title, work.job, outcome)
        self._kept.lacking.append(error)
        self._kept.results[key] = result
        return result

    def _tell(self, work: Work, result: BuildResult) -> None:
        why = f": {result.reason}" if result.outcome.machinery and result.reason else ""
        self._say_of(work)(f"job {work.title}: {result.outcome.value}{why}")

    def _mistaken(self, key: Key, work: Work, error: Exception) -> BuildResult:
        self._kept.mistake = self._kept.mistake or error
        reason = f"a mistake of gatelocal: {type(error).__name__}"
        result = BuildResult(work.title, Outcome.ERROR, 0.0, work.job.voting, reason=reason)
        self._kept.results[key] = result
        return result

    def _hold(self, node: Node, result: BuildResult) -> bool:
        """Keep the node of the first voting build that fails, if somebody wants that."""
        bad = result.outcome not in (Outcome.SUCCESS, Outcome.NODE_FAILURE, Outcome.ERROR)
        with self._lock:
            if not (self._kept.hold and result.voting and bad):
                return False
            self._kept.hold = False
        node.hold()
        say = self._tools.say
        say(f"the node is kept: enter it with `gatelocal node shell {node.name}`")
        say(f"    or directly with: {shlex.join(node.shell_argv())}")
        say(f"    and return it with `gatelocal node return {node.name}`")
        return True

    def _several(self) -> bool:
        return self._tools.width > 1 and len(self._prepared().works) > 1

    def _say_of(self, work: Work) -> Say:
        """How a step of this build is told: with its name, when others may be told of in between."""
        say = self._tools.say
        if not self._several():
            return say
        mark = f"job {work.title}: "
        return lambda line: say(line if line.startswith(mark) else f"{mark}{line}")

    def _output_of(self, work: Work) -> Say:
        output = self._tools.output
        return (lambda line: output(f"{work.title} | {line}")) if self._several() else output


def _refused(error: OSError) -> InfrastructureError:
    """What the operating system refused, as a failure of this machine."""
    words = error.strerror or str(error)
    return InfrastructureError(f"{words}: {error.filename}" if error.filename else words)


def _folder(logs: Path, title: str) -> Path:
    """A fresh folder for a build's logs: that of its title, with a number when the job was tried before."""
    name = folder_of(title)
    for number in range(1, 10_000):
        path = logs / (name if number == 1 else f"{name}~{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise InfrastructureError(f"{logs / name}: there are too many folders of that name")
