"""The road of one change, from its name to its verdict: each stop is a room, only their order is decided here."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config import zuul_files
from gatelocal.config.files import changed_files, files_of_commit
from gatelocal.engine.collect import collect
from gatelocal.engine.request import GateRequest
from gatelocal.errors import ConfigurationError, as_machinery
from gatelocal.jobs import freeze
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change
from gatelocal.model.job import Job, JobGraph
from gatelocal.model.merged import MergedProject, RepoState, SpeculativeState
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.run import Base, RunResult
from gatelocal.model.stanza import Stanza
from gatelocal.ports import Executor, Launcher, Node, Say, Source
from gatelocal.workspace import build, deliver, manifest


@dataclass(frozen=True, slots=True)
class Hands:
    """What the road works with.

    :ivar host: the server's host name, under which the trees lie on a node.
    :ivar work: an empty folder for source trees, on the file system of the caches; removed by its owner.
    :ivar logs: an empty folder that receives one folder for each build.
    """

    source: Source
    merger: Merger
    launcher: Launcher
    executor: Executor
    say: Say
    host: str
    work: Path
    logs: Path


@dataclass(slots=True)
class _Builds:
    """What has been built so far in one run."""

    results: list[BuildResult]
    node: str = ""
    held: bool = False


def run(hands: Hands, request: GateRequest) -> RunResult:
    """Take a change to its verdict.

    :raises gatelocal.errors.GateError: there can be no verdict: unknown change, conflict, configuration, machinery.
    """
    began = time.monotonic()
    change = hands.source.change(request.change)
    hands.say(f"change: {change.name} {change.subject}")
    changes = collect(hands.source, change)
    for needed in changes[:-1]:
        hands.say(f"depends on: {needed.name} {needed.subject}")
    state = hands.merger.merge(changes)
    try:
        own = _own(state, change)
        hands.say(f"merged: {own.project} {own.branch} is {own.commit[:10]} with {_count(len(changes), 'change')}")
        graph = _jobs(hands, request, own)
        builds = _build_all(hands, request, graph, own, state)
    finally:
        hands.merger.release(state)
    return RunResult(
        change=change,
        pipeline=graph.pipeline,
        builds=tuple(builds.results),
        dependencies=changes[:-1],
        bases=tuple(Base(one.project, one.branch, one.base) for one in state.merged),
        node=builds.node,
        not_run=graph.left_out,
        notes=(*graph.notes, *_deviations(graph)),
        logs=str(hands.logs),
        seconds=time.monotonic() - began,
    )


def _own(state: SpeculativeState, change: Change) -> MergedProject:
    own = state.find(change.project, change.branch)
    if own is None:
        raise AssertionError(f"the merger left out {change.name}")
    return own


def _jobs(hands: Hands, request: GateRequest, own: MergedProject) -> JobGraph:
    """What runs for the change, by the configuration that the change itself brings."""
    repository = hands.merger.repository(own.project).path
    pipelines = (request.pipeline,) if request.pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration"):
        graph = freeze.freeze(
            zuul_files.load(files_of_commit(repository, own.commit)),
            own.project,
            own.branch,
            pipelines=pipelines,
            changed=changed_files(repository, own.before_last, own.commit),
            before=_stanzas_before(repository, own.before_last),
        )
    return freeze.only(graph, request.jobs) if request.jobs else graph


def _stanzas_before(repository: Path, commit: str) -> Sequence[Stanza]:
    """The configuration without the change; none when it was not there or could not be read then."""
    try:
        return zuul_files.load(files_of_commit(repository, commit))
    except ConfigurationError:
        return ()


def _build_all(
    hands: Hands, request: GateRequest, graph: JobGraph, own: MergedProject, state: SpeculativeState
) -> _Builds:
    builds = _Builds([])
    states: dict[str, RepoState] = {one.project: one for one in state.repositories}
    wanted = manifest.Wanted(hands.host, own.branch)
    for job in graph.runnable:
        # Zuul delivers the projects of every change that was merged, whether or not the job asks for them.
        needed = {one.project for one in state.merged} | set(job.required_projects)
        for project in job.required_projects:
            if project not in states:
                states[project] = hands.merger.freeze(project, {own.branch})
        trees = manifest.manifest(wanted, [states[name] for name in states if name in needed], state.merged)
        builds.results.append(_build(hands, request, job, own.project, trees, builds))
    return builds


def _build(
    hands: Hands, request: GateRequest, job: Job, project: str, trees: Sequence[manifest.Tree], builds: _Builds
) -> BuildResult:
    """One job on a node of its own."""
    root = hands.work / _folder(job.name)
    logs = hands.logs / _folder(job.name)
    logs.mkdir(parents=True)
    stored = {tree.project: hands.merger.repository(tree.project) for tree in trees}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        build.build(trees, stored, root, hands.say)
        node = hands.launcher.launch(job.label, hands.say)
        returning = stack.enter_context(contextlib.ExitStack())
        returning.callback(node.close)
        builds.node = builds.node or node.description
        sources: Mapping[str, str] = deliver.deliver(trees, root, node, hands.say)
        hands.say(f"job {job.name}: running")
        result = hands.executor.run(job, project, node, sources, logs)
        hands.say(f"job {job.name}: {result.outcome.value}")
        if request.hold and not builds.held and _speaks_against(result):
            builds.held = True
            _hold(node, hands.say)
            returning.pop_all()
    return result


def _speaks_against(result: BuildResult) -> bool:
    return result.voting and result.outcome not in (Outcome.SUCCESS, Outcome.NODE_FAILURE)


def _hold(node: Node, say: Say) -> None:
    """Keep the node, and say how a person gets in and how it is returned."""
    node.hold()
    say(f"the node is kept: enter it with `gatelocal node shell {node.name}`")
    say(f"    or directly with: {shlex.join(node.shell_argv())}")
    say(f"    and return it with `gatelocal node return {node.name}`")


def _deviations(graph: JobGraph) -> tuple[str, ...]:
    return tuple(f"{job.name}: {deviation}" for job in graph.runnable for deviation in job.deviations)


def _folder(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "job"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
