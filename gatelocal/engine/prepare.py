"""From what was merged to all that is known before the first build: jobs, trees, and the recipe on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from gatelocal.engine import parted, recipes
from gatelocal.engine.members import Member, Wish, members
from gatelocal.engine.work import Merged, Preparation, Tools, Work
from gatelocal.errors import GateError
from gatelocal.jobs.families import COLD_VARIABLE, ONLY_VARIABLE, SET_BY_A_RUN
from gatelocal.model.change import Change
from gatelocal.model.facts import Ref
from gatelocal.model.job import Job
from gatelocal.model.merged import RepoState, SpeculativeState
from gatelocal.model.plan import FrozenJob, Plan, PlannedJob
from gatelocal.model.playbooks import Item
from gatelocal.workspace import checkouts, manifest

Key = tuple[str, str]
"""A change's name to the gate, and a job's."""


def prepare(tools: Tools, wish: Wish, item: Sequence[tuple[Ref, Change]], merged: Merged) -> Preparation:
    """What runs for an item, and on what; every project that a job requires is looked at once.

    :param item: its changes by their names to the gate, the one that was asked for first.
    :raises gatelocal.errors.GateError: the configuration is wrong, or cannot be read.
    """
    found = members(tools, wish, item, merged)
    states = {**merged.states, **{one.project: one for one in merged.state.repositories}}
    works, lacking = _works(tools, found, merged, (states, wish))
    plan = found[0].plan
    trees = {_whole(work.title, wish): work.trees for key, work in works.items() if key not in lacking}
    sources = recipes.Sources(tools.place, merged.state, states, trees)
    packed = recipes.pack(tools.merger, merged.state, tools.logs)
    recipe = recipes.make(item[0][1], _titled_plan(found, works), sources, packed)
    tools.say(f"recipe: {recipes.write(recipe, tools.logs)}")
    return Preparation(
        merged=merged,
        pipeline=plan.pipeline,
        graphs=tuple(
            parted.graph(one.gate_graph(one.graph.runnable, fail_fast=wish.fail_fast), wish.parts) for one in found
        ),
        works=works,
        lacking=lacking,
        recipe=recipe,
        not_run=tuple(job for one in found for job in one.graph.left_out),
        notes=_notes(found),
        unasked=sum(one.unasked for one in found),
        semaphores={name: most for one in found for name, most in one.semaphores.items()},
    )


def _notes(found: Sequence[Member]) -> tuple[str, ...]:
    without = (f"{one.ref.change} brings no job: {one.note}" for one in found if one.note)
    return tuple(dict.fromkeys((*(note for one in found for note in one.graph.notes), *without)))


def _works(
    tools: Tools,
    found: Sequence[Member],
    merged: Merged,
    known: tuple[dict[str, RepoState], Wish],
) -> tuple[dict[Key, Work], dict[Key, GateError]]:
    """The builds with their trees, and why some cannot have them.

    :param known: the states of projects, and what is wanted.
    """
    states, wish = known
    state = merged.state
    works: dict[Key, Work] = {}
    lacking: dict[Key, GateError] = {}
    gone: dict[str, GateError] = {}
    titles: set[str] = set()
    for one in found:
        for planned, job in ((each, job) for each in one.graph.runnable for job in _wished(tools, each, wish)):
            key = (one.ref.change, job.name)
            title = job.name if job.name not in titles else f"{job.name} ({one.ref.change})"
            titles.add(title)
            works[key] = Work(title, job, one.own.project)
            try:
                _have(tools, job, states, one.own.branch, gone)
                wanted, needed = _wanted(tools, one, planned, state)
                trees = manifest.manifest(wanted, [states[name] for name in states if name in needed], state.merged)
                beside = checkouts.checkouts(job.playbooks, wanted, states, state.merged) if job.playbooks else ()
                item = _item(tools, one, merged, found[0].plan.pipeline)
                works[key] = Work(title, job, one.own.project, trees, beside, item)
            except GateError as error:
                lacking[key] = error
    return works, lacking


def _wished(tools: Tools, planned: Job, wish: Wish) -> tuple[Job, ...]:
    """The job as it is wanted: with some of its tests alone, from the beginning, or taken apart."""
    variables = {name: value for name, value in planned.variables.items() if name not in SET_BY_A_RUN}
    if tests := wish.only.get(planned.name):
        variables[ONLY_VARIABLE] = list(tests)
    if wish.cold:
        variables[COLD_VARIABLE] = True
    job = replace(planned, required_projects=_required(planned, tools.place.host), variables=variables)
    return parted.jobs(job, wish.parts)


def _whole(title: str, wish: Wish) -> str:
    """The title of a build, or that of the job which it is a part of."""
    return next((job for job, parts in wish.parts.items() for one in parts if one.title(job) == title), title)


def _have(tools: Tools, job: Job, states: dict[str, RepoState], branch: str, gone: dict[str, GateError]) -> None:
    """Look at the projects that the job requires, and those of its playbooks and roles.

    :raises GateError: one of them cannot be had.
    """
    host = tools.place.host
    needed: dict[str, Set[str]] = dict.fromkeys(_required(job, host), frozenset())
    for project, branches in {**needed, **(checkouts.projects(job.playbooks, host) if job.playbooks else {})}.items():
        if error := gone.get(project):
            raise error
        if project not in states:
            try:
                states[project] = tools.merger.freeze(project, {branch, *branches})
            except GateError as error:
                gone[project] = error
                raise


def _required(job: Job, host: str) -> tuple[str, ...]:
    """As the merger and the trees on a node name them: a tenant says the host too."""
    return tuple(name.removeprefix(f"{host}/") for name in job.required_projects)


def _wanted(tools: Tools, member: Member, job: Job, state: SpeculativeState) -> tuple[manifest.Wanted, set[str]]:
    """What decides the branches of a job's trees, and of which projects there are trees.

    Zuul delivers the projects of every change that was merged, whether or not the job asks for them.
    """
    host = tools.place.host
    needed = {one.project for one in state.merged} | set(_required(job, host))
    frozen = next((one.job for one in member.plan.jobs if one.name == job.name), None)
    own = member.own
    return manifest.Wanted(host, own.branch, _overrides(frozen, needed, host), own.project), needed


def _item(tools: Tools, member: Member, merged: Merged, pipeline: str) -> Item:
    """What the playbooks of a change's jobs are told."""
    own = member.own
    change = own.changes[-1] if own.changes else None
    tenant = "" if tools.tenancy is None else tools.tenancy.file.tenant.name
    return Item(tools.place.host, pipeline, own.branch, change, merged.changes, tenant, own.commit)


def _overrides(job: FrozenJob | None, projects: set[str], host: str) -> Mapping[str, Sequence[str]]:
    """Zuul's order: the job's word on a project (ref, then branch), then its word on all (ref, then branch)."""
    if job is None:
        return {}
    general = [job.scalars.get(key) for key in ("override-checkout", "override-branch")]
    found: dict[str, list[object]] = {project: [] for project in projects}
    for required in job.required_projects:
        found.setdefault(required.name.removeprefix(f"{host}/"), []).extend((required.checkout, required.branch))
    return {name: [one for one in (*own, *general) if isinstance(one, str) and one] for name, own in found.items()}


def _titled_plan(found: Sequence[Member], works: Mapping[Key, Work]) -> Plan:
    """The plans of all members as one, each job under the title of its build."""
    jobs = tuple(_titled(found, works))
    return replace(found[0].plan, jobs=jobs)


def _titled(found: Sequence[Member], works: Mapping[Key, Work]) -> Iterable[PlannedJob]:
    for one in found:
        for planned in one.plan.jobs:
            work = works.get((one.ref.change, planned.name))
            yield planned if work is None else replace(planned, name=work.title)
