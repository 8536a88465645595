"""A gate with one line over make-believe rooms: nodes are folders, builds do what the test says, nothing is merged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.builds.worker import Beginning
from gatelocal.config.directories import Directories
from gatelocal.engine.asked import Asked, asked
from gatelocal.engine.line import Ended, Question, through
from gatelocal.engine.place import Place
from gatelocal.engine.work import Merged, Preparation, Tools, Work
from gatelocal.errors import GateError, InfrastructureError
from gatelocal.launcher.nodeset import Gathered
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.hold import Hold, Keep, Occasion
from gatelocal.model.job import Job, one_node
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.model.merged import SpeculativeState
from gatelocal.model.plan import Nodeset
from gatelocal.model.recipe import Recipe
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Given, Returned
from gatelocal.pipeline.actions import Prepare
from gatelocal.ports import Node, Nodes, Say
from gatelocal.reporter.lines import Lines
from tests.fakes.builder import ThreadBuilder
from tests.fakes.node import NO_OCCASION, FolderNode

Does = Callable[[], Outcome | tuple[Outcome, Returned]]


def change(number: int, project: str = "demo/app") -> Change:
    """A change of a server."""
    return Change(project, "main", f"{number:040x}", "Subject\n", ChangeStatus.NEW, number=number, patchset=1)


@dataclass
class Needs:
    """A source over a table of what changes need."""

    needs: Mapping[Change, Sequence[Change]] = field(default_factory=dict)

    def change(self, name: str) -> Change:
        return next(one for one in self.needs if str(one.number) == name)

    def parents(self, change: Change) -> tuple[Change, ...]:
        return ()

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        raise NotImplementedError


@dataclass
class OneLine:
    """One run.

    :ivar does: job → what its builds do, one after another; the last goes on.
    :ivar log: what has happened, in order. :ivar up: the nodes that are not returned.
    """

    folder: Path
    width: int = 4
    does: dict[str, list[Does | BaseException]] = field(default_factory=dict)
    nowhere: tuple[str, ...] = ()
    log: list[str] = field(default_factory=list)
    up: list[FolderNode] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    prepares: list[Prepare] = field(default_factory=list)
    failing: GateError | None = None
    semaphores: dict[str, int] = field(default_factory=dict)
    refusing: dict[str | None, Exception] = field(default_factory=dict)
    lacking: dict[tuple[str, str], GateError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _here: threading.local = field(default_factory=threading.local)

    # ---- rooms

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        label = nodesets[0].nodes[0].label or None
        if label in self.refusing:
            raise self.refusing[label]
        if label in self.nowhere:
            self.log.append(f"no {label}")
            raise InfrastructureError(f"no machine of the kind {label}")
        with self._lock:
            home = self.folder / f"node{len(self.log)}-{len(self.up)}-{threading.get_ident()}"
            home.mkdir(parents=True, exist_ok=True)
            node = _Node(home, self)
            self.up.append(node)
        return Gathered(nodesets[0], (node,))

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        self.log.append(f"begin {job.name}")
        (logs / "job-output.txt").write_text("")
        script = self.does.get(job.name, [lambda: Outcome.SUCCESS])
        does = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(does, BaseException):
            raise does
        found = does()
        outcome, returned = found if isinstance(found, tuple) else (found, Returned())
        self.log.append(f"end {job.name}")
        return BuildResult(job.name, outcome, 1.0, job.voting, logs=str(logs), returned=returned)

    def begins(self, beginning: Beginning) -> None:
        self._here.beginning = beginning

    def pause(self, returned: Returned) -> None:
        """What a build of the test does to wait for the jobs after it."""
        self.log.append("pause")
        self._here.beginning.pause(returned)

    @property
    def given(self) -> Given:
        """What the build that calls this was given."""
        found: Given = self._here.beginning.given
        return found

    def give_back(self, name: str) -> None:
        next(node for node in self.up if node.name == name).close()

    # ---- the run

    def through(
        self,
        jobs: Mapping[Change, Sequence[JobSpec]],
        needs: Mapping[Change, Sequence[Change]] | None = None,
        *,
        fail_fast: bool = False,
        hold: Hold = Hold.NEVER,
        labels: Mapping[str, str] | None = None,
    ) -> Ended:
        """Take the first of the changes through the line; its needs are those of the table."""
        first = next(iter(jobs))
        question = asking(first, needs or {first: ()})

        def make(action: Prepare) -> Preparation:
            self.prepares.append(action)
            if self.failing is not None:
                raise self.failing
            graphs = tuple(
                Graph(ref, tuple(jobs.get(question.changes[ref.change], ())), fail_fast) for ref in action.of
            )
            works = {
                (graph.ref.change, spec.name): Work(
                    spec.name,
                    Job(spec.name, voting=spec.voting, nodesets=(one_node((labels or {}).get(spec.name)),)),
                    "demo/app",
                )
                for graph in graphs
                for spec in graph.jobs
            }
            recipe = Recipe("h", "gate", first, (), ())
            merged = Merged(SpeculativeState("run", (), ()))
            return Preparation(merged, "gate", graphs, works, self.lacking, recipe, semaphores=self.semaphores)

        return through(self.tools(), Question(question, "gate", Keep(hold)), make)

    def tools(self) -> Tools:
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        cache = Cache(self.folder / "cache")
        return Tools(
            merger=Merger(cache, lambda project: Remote(project, "")),
            builder=ThreadBuilder(self, self, self.give_back, self.begins),
            kind="local",
            watch=Lines(self.said.append, self.printed.append),
            place=Place("demo/app", "main", "", "", "", None, "h"),
            logs=logs,
            directories=Directories(self.folder / "cache", self.folder / "state"),
            width=self.width,
        )


class _Node(FolderNode):
    """One that is known to be up until it is closed or held."""

    def __init__(self, home: Path, world: OneLine) -> None:
        super().__init__(home)
        self._world = world

    def close(self) -> None:
        super().close()
        self._world.up.remove(self)

    def hold(self, occasion: Occasion = NO_OCCASION) -> float:
        self._world.log.append("held")
        return super().hold(occasion)


def asking(first: Change, needs: Mapping[Change, Sequence[Change]]) -> Asked:
    """The facts of a change and of what it needs: git parents there are none."""
    source = Needs(needs)
    named = {f"https://h/{one.number}": one for one in needs}
    source.dependencies = lambda reference: (named[reference],)  # type: ignore[method-assign]
    footers = {
        one: "".join(f"\nDepends-On: https://h/{other.number}" for other in others) for one, others in needs.items()
    }
    texts = {one: Change(**{**_fields(one), "message": f"Subject\n{footers[one]}\n"}) for one in needs}
    named = {f"https://h/{one.number}": texts[one] for one in needs}
    found = asked(source, texts[first], "HEAD")
    back = {name: next(one for one in needs if one.number == value.number) for name, value in found.changes.items()}
    return Asked(first, found.facts, found.related, back, found.notes)


def _fields(one: Change) -> dict[str, object]:
    return {name: getattr(one, name) for name in Change.__slots__}
