"""A gate of one line over real git: the server and all nodes are folders, builds look at their trees."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatelocal.config.directories import Directories
from gatelocal.engine import local, recipes
from gatelocal.engine.place import Place
from gatelocal.engine.rebuild import Kitchen, Rebuilt, rebuild
from gatelocal.engine.request import GateRequest
from gatelocal.engine.work import Tools
from gatelocal.launcher.nodeset import Gathered
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.change import Change
from gatelocal.model.job import Job
from gatelocal.model.plan import Nodeset
from gatelocal.model.recipe import Recipe
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.run import RunResult
from gatelocal.ports import Node, Nodes, Say
from git_review.git.runner import Runner
from tests.fakes.builder import ThreadBuilder
from tests.fakes.git_server import GitServer
from tests.fakes.node import FolderNode

HOST = "review.example.org"


@dataclass
class GitWorld:
    """A source over a table, a launcher of folders, and an executor that looks at the trees."""

    folder: Path
    known: Mapping[str, Change]
    seen: dict[str, dict[str, str]]
    ends: dict[str, Outcome] = field(default_factory=dict)

    def change(self, name: str) -> Change:
        return self.known[name]

    def parents(self, change: Change) -> tuple[Change, ...]:
        return ()

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        return (self.known[reference],)

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        return Gathered(nodesets[0], (self.launch(nodesets[0].nodes[0].label or None, say),))

    def launch(self, label: str | None, say: Say) -> Node:
        self.folder.mkdir(exist_ok=True)
        return FolderNode(Path(tempfile.mkdtemp(dir=self.folder)))

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        heads = {name: Runner(path, alone=True).query("rev-parse", "HEAD").text for name, path in sources.items()}
        self.seen[job.name] = heads
        return BuildResult(job.name, self.ends.get(job.name, Outcome.SUCCESS), 1.0)


@dataclass(frozen=True)
class GitBench:
    """A server with three projects, and a gate whose nodes are folders."""

    server: GitServer
    folder: Path
    world: GitWorld

    @property
    def place(self) -> Place:
        return Place("demo/app", "main", "", f"{self.server.folder}/", ".git", None, HOST)

    def run(
        self, name: str, logs: str = "logs", work_tree: Path | None = None, **asked: Any
    ) -> tuple[RunResult, Recipe]:
        tools = self.tools(logs, work_tree)
        result = local.run(tools, self.world, GateRequest(name, **asked))
        return result, recipes.read(self.folder / logs)

    def tools(self, logs: str, work_tree: Path | None = None) -> Tools:
        place, cache = self.place, Cache(self.folder / "cache/git")
        (self.folder / logs).mkdir()
        return Tools(
            merger=Merger(cache, lambda project: Remote(project, place.url(project), work_tree)),
            builder=ThreadBuilder(self.world, self.world),
            kind="local",
            watch=lambda one: None,
            place=place,
            logs=self.folder / logs,
            directories=Directories(self.folder / "cache", self.folder / "state"),
        )

    def rebuild(self, recipe: Recipe, name: str, job: str | None = None) -> Rebuilt:
        """On another machine, that is, with another cache."""
        directories = Directories(self.folder / "elsewhere/cache", self.folder / "elsewhere/state")
        return rebuild(recipe, Kitchen(directories, self.folder / "logs", self.folder / name, lambda line: None), job)
