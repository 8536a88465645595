"""The road of one change, from its name to its verdict: each stop is a room, only their order is decided here."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config import zuul_files
from gatelocal.config.directories import Directories
from gatelocal.config.files import changed_files, files_of_commit
from gatelocal.engine import recipes
from gatelocal.engine.collect import Collected, collect_item
from gatelocal.engine.place import Place
from gatelocal.engine.planning import in_tenant
from gatelocal.engine.request import GateRequest
from gatelocal.engine.subject import merged_subject
from gatelocal.engine.tenancy import Tenancy
from gatelocal.errors import ConfigurationError, GateError, InfrastructureError, InputError, as_machinery
from gatelocal.jobs import families, freeze
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change
from gatelocal.model.filename import folder_of
from gatelocal.model.job import Job, JobGraph
from gatelocal.model.merged import MergedProject, RepoState, SpeculativeState
from gatelocal.model.plan import FrozenJob, Plan
from gatelocal.model.recipe import Recipe
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.run import Base, RunResult
from gatelocal.model.stanza import Stanza
from gatelocal.ports import Executor, Launcher, Node, Say, Source
from gatelocal.workspace import build, deliver, manifest


@dataclass(frozen=True, slots=True)
class Hands:
    """What the road works with.

    :ivar place: the server, under whose host name the trees lie on a node.
    :ivar work: an empty folder for source trees, on the file system of the caches; removed by its owner.
    :ivar logs: an empty folder that receives the recipe and one folder for each build.
    :ivar tenancy: the tenant that the project belongs to, whose configuration is kept in the `directories`; None: the
        project's own repository says it all.
    """

    source: Source
    merger: Merger
    launcher: Launcher
    executor: Executor
    say: Say
    place: Place
    work: Path
    logs: Path
    tenancy: Tenancy | None = None
    directories: Directories | None = None


@dataclass(frozen=True, slots=True)
class _Jobs:
    """What runs.

    :ivar plan: the same jobs with all that their definitions say. :ivar unasked: how many others the pipeline has.
    """

    graph: JobGraph
    plan: Plan
    unasked: int = 0

    def frozen(self, name: str) -> FrozenJob | None:
        """The definition of a job."""
        return next((one.job for one in self.plan.jobs if one.name == name), None)


@dataclass(slots=True)
class _Builds:
    """What has been built so far in one run."""

    results: list[BuildResult] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    held: bool = False
    begun: bool = False
    lacking: dict[str, GateError] = field(default_factory=dict)
    """Why a project, ``project NAME``, or a kind of node, ``label NAME``, cannot be had: each is asked for once."""


def run(hands: Hands, request: GateRequest) -> RunResult:
    """Take a change to its verdict.

    :raises gatelocal.errors.GateError: there can be no verdict: unknown change, conflict, configuration, machinery.
    """
    began = time.monotonic()
    change = hands.source.change(request.change)
    hands.say(f"change: {change.name} {change.subject}")
    if change.landed:
        found = Collected((), 0, (f"{request.change} is on {change.branch} already: what was run is its tip",))
    else:
        found = collect_item(hands.source, [change])
    _tell(hands.say, found, change)
    state = (
        hands.merger.merge(found.changes, found.own)
        if found.changes
        else hands.merger.tip(change.project, change.branch)
    )
    try:
        own = _own(state, change)
        hands.say(
            f"merged: {own.project} {own.branch} is {own.commit[:10]} with {_count(len(found.changes), 'change')}"
        )
        change = _tip(hands, own, change) if change.landed else change
        return build_all(hands, request, Tested(change, found, state), began)
    finally:
        hands.merger.release(state)


@dataclass(frozen=True, slots=True)
class Tested:
    """What the builds of a run are about.

    :ivar states: the state of projects that nothing was merged into, where it is settled already.
    """

    change: Change
    found: Collected
    state: SpeculativeState
    states: Mapping[str, RepoState] = field(default_factory=dict)


def build_all(hands: Hands, request: GateRequest, tested: Tested, began: float) -> RunResult:
    """The second half of the road: jobs and builds of what was merged. Errors as for :func:`run`."""
    change, found, state = tested.change, tested.found, tested.state
    jobs = _jobs(hands, request, _own(state, change), state)
    builds = _build_all(hands, request, jobs, tested)
    graph = jobs.graph
    return RunResult(
        change=change,
        pipeline=graph.pipeline,
        builds=tuple(builds.results),
        dependencies=tuple(one for one in found.changes if one != change),
        bases=tuple(Base(one.project, one.branch, one.base) for one in state.merged),
        node=next(iter(builds.nodes.values()), ""),
        not_run=graph.left_out,
        notes=(*found.notes, *graph.notes, *_deviations(graph), *_cycle(found, change)),
        logs=str(hands.logs),
        seconds=time.monotonic() - began,
        chosen=bool(request.jobs),
        unasked=jobs.unasked,
    )


def _tell(say: Say, found: Collected, change: Change) -> None:
    for note in found.notes:
        say(note)
    for needed in found.ahead:
        say(f"depends on: {needed.name} {needed.subject}")
    for other in found.item:
        if other != change:
            say(f"lands together with: {other.name} {other.subject}")


def _cycle(found: Collected, change: Change) -> tuple[str, ...]:
    others = [one.name for one in found.item if one != change]
    if not others:
        return ()
    return (f"all of a cycle was merged; the gate also runs the jobs of {', '.join(others)}, which were not run here",)


def _tip(hands: Hands, own: MergedProject, change: Change) -> Change:
    """The tip of the branch, which may be ahead of what the person's repository knows."""
    git = hands.merger.repository(own.project).git
    message = git.query("show", "-s", "--no-show-signature", "--format=%B", own.commit).text
    return replace(change, commit=own.commit, message=message)


def _own(state: SpeculativeState, change: Change) -> MergedProject:
    own = state.find(change.project, change.branch)
    if own is None:
        raise AssertionError(f"the merger left out {change.name}")
    return own


def _jobs(hands: Hands, request: GateRequest, own: MergedProject, state: SpeculativeState) -> _Jobs:
    """What runs for the change, by the configuration that the change itself brings."""
    graph, plan = _alone(hands, request, own) if hands.tenancy is None else _in_tenant(hands, request, own, state)
    chosen = freeze.only(graph, request.jobs) if request.jobs else graph
    return _Jobs(chosen, plan, len(graph.jobs) - len(chosen.jobs))


def _in_tenant(
    hands: Hands, request: GateRequest, own: MergedProject, state: SpeculativeState
) -> tuple[JobGraph, Plan]:
    """By the whole tenant's configuration."""
    assert hands.tenancy is not None and hands.directories is not None  # noqa: S101 - asked by the caller
    subject = merged_subject(hands.merger, state, own)
    try:
        layout, plan = in_tenant(hands.tenancy, subject, request.pipeline, (hands.directories, hands.say))
    except InputError as error:
        raise ConfigurationError(error.brief, details=error.details, hint=error.hint) from error
    return freeze.graph(layout, plan, own.project), plan


def _alone(hands: Hands, request: GateRequest, own: MergedProject) -> tuple[JobGraph, Plan]:
    """By the project's own repository."""
    repository = hands.merger.repository(own.project).path
    pipelines = (request.pipeline,) if request.pipeline else freeze.PIPELINES
    with as_machinery("reading the project's configuration", repository):
        stanzas = zuul_files.load(files_of_commit(repository, own.commit))
        changed = changed_files(repository, own.before_last, own.commit) if own.changes else None
        before = _stanzas_before(repository, own.before_last)
    graph = freeze.freeze(stanzas, own.project, own.branch, pipelines=pipelines, changed=changed, before=before)
    layout = freeze.alone(stanzas, own.project, own.branch)
    asked = (graph.pipeline,)
    plan = freeze.plan_alone(layout, own.project, own.branch, pipelines=asked, changed=changed, before=before)
    return graph, plan


def _stanzas_before(repository: Path, commit: str) -> Sequence[Stanza]:
    """The configuration without the change; none when it was not there or could not be read then."""
    try:
        return zuul_files.load(files_of_commit(repository, commit))
    except ConfigurationError:
        return ()


def _build_all(hands: Hands, request: GateRequest, jobs: _Jobs, tested: Tested) -> _Builds:
    """All jobs, each on the trees that its definition asks for; every project is looked at once, before the first.

    What cannot be had ends the jobs that need it, and the run only where nothing else began.
    """
    change, state, builds = tested.change, tested.state, _Builds()
    states = {**tested.states, **{one.project: one for one in state.repositories}}
    trees: dict[str, tuple[manifest.Tree, ...]] = {}
    for job in jobs.graph.runnable:
        try:
            _have(hands, job, states, change.branch, builds)
            trees[job.name] = _trees(hands, jobs, job, states, state, change.branch)
        except GateError as error:
            builds.results.append(_ended_by(error, job, hands.say))
            builds.lacking[f"job {job.name}"] = error
    sources = recipes.Sources(hands.place, state, states, trees)
    recipe = recipes.make(change, jobs.plan, sources, recipes.pack(hands.merger, state, hands.logs))
    hands.say(f"recipe: {recipes.write(recipe, hands.logs)}")
    try:
        for job in jobs.graph.runnable:
            if job.name in trees:
                builds.results.append(_build_or_why(hands, request, job, change.project, trees[job.name], builds))
    finally:
        _keep(recipes.with_facts(recipe, builds.results, builds.nodes), hands)
    if builds.lacking and not builds.begun:
        raise next(iter(builds.lacking.values()))
    return builds


def _have(hands: Hands, job: Job, states: dict[str, RepoState], branch: str, builds: _Builds) -> None:
    """Look at the projects that the job requires. :raises GateError: one of them cannot be had."""
    for project in _required(job, hands.place.host):
        if error := builds.lacking.get(f"project {project}"):
            raise error
        if project not in states:
            try:
                states[project] = hands.merger.freeze(project, {branch})
            except GateError as error:
                builds.lacking[f"project {project}"] = error
                raise


def _ended_by(error: GateError, job: Job, say: Say, outcome: Outcome = Outcome.ERROR) -> BuildResult:
    """The build of a job that could not begin."""
    if not isinstance(error, InfrastructureError):
        outcome = Outcome.CONFIG_ERROR
    details = next((line for line in error.details.splitlines() if line.strip()), "")
    reason = ": ".join(part for part in (error.brief, details.strip()) if part)
    say(f"job {job.name}: {outcome.value}: {reason}")
    return BuildResult(job.name, outcome, 0.0, job.voting, reason=f"{reason} ({error.hint})" if error.hint else reason)


def _build_or_why(
    hands: Hands, request: GateRequest, job: Job, project: str, trees: Sequence[manifest.Tree], builds: _Builds
) -> BuildResult:
    """The build, or what kept it from having a node with its trees."""
    if job.family == families.NOOP:
        builds.begun = True
        return BuildResult(job.name, Outcome.SUCCESS, 0.0, job.voting)
    label = f"label {job.label or ''}"
    if error := builds.lacking.get(label):
        return _ended_by(error, job, hands.say, Outcome.NODE_FAILURE)
    try:
        return _build(hands, request, job, project, trees, builds)
    except InfrastructureError as error:
        builds.lacking[f"job {job.name}" if job.name in builds.nodes else label] = error
        return _ended_by(error, job, hands.say, Outcome.NODE_FAILURE)


def _keep(recipe: Recipe, hands: Hands) -> None:
    """Write the recipe again with what is known now; that a disk is full costs no verdict."""
    try:
        recipes.write(recipe, hands.logs)
    except OSError as error:
        hands.say(f"the recipe stays without the builds' outcomes: {error.strerror}")


def _required(job: Job, host: str) -> tuple[str, ...]:
    """As the merger and the trees on a node name them: a tenant says the host too."""
    return tuple(name.removeprefix(f"{host}/") for name in job.required_projects)


def _trees(
    hands: Hands,
    jobs: _Jobs,
    job: Job,
    states: Mapping[str, RepoState],
    state: SpeculativeState,
    branch: str,
) -> tuple[manifest.Tree, ...]:
    """Zuul delivers the projects of every change that was merged, whether or not the job asks for them."""
    host = hands.place.host
    needed = {one.project for one in state.merged} | set(_required(job, host))
    wanted = manifest.Wanted(host, branch, _overrides(jobs.frozen(job.name), needed, host))
    return manifest.manifest(wanted, [states[name] for name in states if name in needed], state.merged)


def _overrides(job: FrozenJob | None, projects: set[str], host: str) -> Mapping[str, Sequence[str]]:
    """Zuul's order: the job's word on a project (ref, then branch), then its word on all (ref, then branch)."""
    if job is None:
        return {}
    general = [job.scalars.get(key) for key in ("override-checkout", "override-branch")]
    found: dict[str, list[object]] = {project: [] for project in projects}
    for required in job.required_projects:
        found.setdefault(required.name.removeprefix(f"{host}/"), []).extend((required.checkout, required.branch))
    return {name: [one for one in (*own, *general) if isinstance(one, str) and one] for name, own in found.items()}


def _build(
    hands: Hands, request: GateRequest, job: Job, project: str, trees: Sequence[manifest.Tree], builds: _Builds
) -> BuildResult:
    """One job on a node of its own."""
    root = hands.work / folder_of(job.name)
    logs = hands.logs / folder_of(job.name)
    logs.mkdir(parents=True)
    stored = {tree.project: hands.merger.repository(tree.project) for tree in trees}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        build.build(trees, stored, root, hands.say)
        node = hands.launcher.launch(job.label, hands.say)
        returning = stack.enter_context(contextlib.ExitStack())
        returning.callback(node.close)
        builds.nodes[job.name] = node.description
        began = time.monotonic()
        try:
            sources: Mapping[str, str] = deliver.deliver(trees, root, node, hands.say)
            hands.say(f"job {job.name}: running")
            builds.begun = True
            named = replace(job, required_projects=_required(job, hands.place.host))
            result = hands.executor.run(named, project, node, sources, logs)
        except InfrastructureError as error:
            if not error.no_space:
                raise
            seconds, reason = time.monotonic() - began, f"the node's disk is full: {error.brief}"
            result = BuildResult(job.name, Outcome.DISK_FULL, seconds, job.voting, reason=reason, logs=str(logs))
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


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
