"""What the gate runs for a change: stanzas of one repository → frozen jobs; no job is run and no file read here.

Inheritance is resolved inside the repository and ends at a parent that it does not define: a shared job known to
:mod:`gatelocal.jobs.families`, or one that makes the job impossible here, which is then said and not raised. The
rules are Zuul's: all definitions of a job that match the branch apply in order, from the root to the leaf; then what
the project's own job list adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.draft import Draft, apply, begun
from gatelocal.jobs.families import Shared, shared
from gatelocal.jobs.match import relevant
from gatelocal.jobs.order import in_order
from gatelocal.jobs.variables import merged
from gatelocal.jobs.zuul import (
    Definition,
    Definitions,
    definitions,
    jobs_of_pipeline,
    stanzas_of_project,
    templates_of,
)
from gatelocal.model.job import Job, JobGraph
from gatelocal.model.stanza import Stanza

PIPELINES = ("gate", "check")
"""Asked in this order: the first that the project names is meant."""

DEFAULT_BASE = "base"
"""The parent of a job that names none, unless the tenant says otherwise (Zuul: default-parent)."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question, with what stays the same for all of its jobs."""

    found: Definitions
    branch: str
    changed: Sequence[str] | None
    before: Definitions | None
    variables: Mapping[str, object]


def freeze(
    stanzas: Sequence[Stanza],
    project: str,
    branch: str,
    *,
    pipelines: Sequence[str] = PIPELINES,
    changed: Sequence[str] | None = None,
    before: Sequence[Stanza] | None = None,
) -> JobGraph:
    """All jobs that the project names for the first of the pipelines that it has, in the order to run them.

    :param branch: the change's target branch.
    :param changed: the files that the change touches; None when unknown: then file matchers keep no job away.
    :param before: the stanzas without the change: a job whose definition differs runs whatever its file matchers say.
    :raises ConfigurationError: the project has no stanza here, names no job, or a stanza is wrong.
    """
    found = definitions(stanzas)
    own = stanzas_of_project(found, project)
    if not own:
        raise ConfigurationError(
            f"the Zuul configuration has no project stanza for {project}",
            hint="add `- project:` with `gate:` and a list of `jobs:`",
        )
    layers, notes = _with_templates(found, own)
    for pipeline in pipelines:
        entries = _entries(layers, pipeline)
        if entries:
            break
    else:
        raise ConfigurationError(
            f"{own[0].place}: {project} runs no job in {' or '.join(pipelines)}",
            details="\n".join(notes),
            hint="name the jobs in the project stanza, or choose another pipeline",
        )
    variables: dict[str, object] = {}
    for layer in layers:
        variables = merged(variables, _mapping(layer, "vars"))
    ask = _Ask(found, branch, changed, definitions(before) if before is not None else None, variables)
    return JobGraph(pipeline, in_order([_job(ask, name, added) for name, added in entries.items()]), notes)


def only(graph: JobGraph, names: Sequence[str]) -> JobGraph:
    """The graph with the named jobs alone (``--job``), in the graph's order.

    :raises ConfigurationError: there is no such job; the hint lists those that there are.
    """
    known = [job.name for job in graph.jobs]
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"the {graph.pipeline} pipeline has no job {name}", hint=f"its jobs: {', '.join(known)}"
            )
    return JobGraph(graph.pipeline, tuple(job for job in graph.jobs if job.name in names), graph.notes)


def _with_templates(found: Definitions, own: Sequence[Stanza]) -> tuple[tuple[Stanza, ...], tuple[str, ...]]:
    """Each project stanza after the templates that it uses, and a note for each that is not here."""
    layers: list[Stanza] = []
    notes: list[str] = []
    for stanza in own:
        for name in templates_of(stanza):
            layers += found.templates.get(name, ())
            if name not in found.templates:
                notes.append(f"template {name} ({stanza.place}) is defined elsewhere: its jobs are not known here")
        layers.append(stanza)
    return tuple(layers), tuple(notes)


def _entries(layers: Sequence[Stanza], pipeline: str) -> dict[str, tuple[Definition, ...]]:
    entries: dict[str, tuple[Definition, ...]] = {}
    for layer in layers:
        for entry in jobs_of_pipeline(layer, pipeline) or ():
            entries[entry.name] = (*entries.get(entry.name, ()), entry)
    return entries


def _mapping(stanza: Stanza, key: str) -> Mapping[str, object]:
    value = stanza.body.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{stanza.place}: {key} is not a mapping")
    return value


def _job(ask: _Ask, name: str, entries: Sequence[Definition]) -> Job:
    chosen = [entry for entry in entries if entry.matches_branch(ask.branch)]
    if not chosen:
        return _left_out(name, "branch", f"the project does not ask for it on branch {ask.branch}")
    if name in ask.found.jobs and not any(d.matches_branch(ask.branch) for d in ask.found.jobs[name]):
        return _left_out(name, "no-variant", f"none of its definitions is for branch {ask.branch}")
    chain, root = _chain(ask, name, ())
    places = tuple(definition.place for definition in chain)
    if problem := _error(chain, name, shared(name)):
        return _left_out(name, "error", problem, places)
    family = shared(root)
    if family is None:
        reason = "it is defined elsewhere" if root == name else f"parent {root} is defined elsewhere"
        return _left_out(name, "undefined", reason, places)
    draft = begun(family)
    for definition in (*chain, *chosen):
        draft = apply(draft, definition, ask.found.nodesets)
    parents = tuple(dict.fromkeys(d.name for d in reversed(chain) if d.name != name))
    parents += (*(() if root == name else (root,)), *family.parents)
    return _frozen(ask, name, draft, chain, Job(name, parents, defined_in=places, family=family.family))


def _frozen(ask: _Ask, name: str, draft: Draft, chain: Sequence[Definition], job: Job) -> Job:
    rule, reason = _rule(ask, draft, chain)
    return Job(
        name=name,
        parents=job.parents,
        variables=MappingProxyType(merged(merged(ask.variables, draft.variables), draft.extra)),
        required_projects=draft.required_projects,
        label=draft.label,
        timeout=draft.timeout,
        voting=draft.voting,
        defined_in=job.defined_in,
        dependencies=draft.dependencies,
        family=job.family,
        run=rule in ("matches", "config-changed"),
        rule=rule,
        reason=reason,
        deviations=draft.deviations,
    )


def _rule(ask: _Ask, draft: Draft, chain: Sequence[Definition]) -> tuple[str, str]:
    kept = relevant(draft.files, draft.irrelevant_files, ask.changed)
    rule, reason = "matches", "matches"
    if kept and _changed_itself(ask, chain):
        rule, reason = "config-changed", "the change alters its definition"
    elif kept == "files":
        return "files", "no changed file matches files"
    elif kept:
        return "irrelevant-files", "all changed files match irrelevant-files"
    if draft.playbooks:
        return "unsupported", f"it runs a playbook of its own: {', '.join(draft.playbooks)}"
    if draft.nodes > 1:
        return "unsupported", f"it needs {draft.nodes} nodes"
    return rule, reason


def _changed_itself(ask: _Ask, chain: Sequence[Definition]) -> bool:
    if ask.before is None:
        return False
    before, now = ask.before.jobs, ask.found.jobs
    names = dict.fromkeys(definition.name for definition in chain)
    return any([d.body for d in before.get(name, ())] != [d.body for d in now.get(name, ())] for name in names)


def _chain(ask: _Ask, name: str, below: tuple[str, ...]) -> tuple[list[Definition], str]:
    """The definitions that apply on the branch, root first, and the name of the root that is not defined here."""
    if name in below:
        loop = " → ".join((*below[below.index(name) :], name))
        raise ConfigurationError(f"{ask.found.jobs[name][0].place}: jobs inherit from each other: {loop}")
    chain: list[Definition] = []
    root = ""
    for definition in ask.found.jobs.get(name, ()):
        if not definition.matches_branch(ask.branch):
            continue
        parent = definition.body.get("parent", None if chain else DEFAULT_BASE)
        if isinstance(parent, str) and parent not in {d.name for d in chain}:
            above, top = _chain(ask, parent, (*below, name))
            chain += [d for d in above if d not in chain]
            root = root or top
        chain.append(definition)
    return chain, root or name


def _error(chain: Sequence[Definition], name: str, known: Shared | None) -> str:
    own = [definition for definition in chain if definition.name == name]
    if any(definition.body.get("abstract") is True for definition in own) or (not chain and known and known.abstract):
        return "it is abstract: it is there to be inherited from and cannot be run"
    final = [definition for definition in chain if definition.name != name and definition.body.get("final") is True]
    if final:
        return f"its parent {final[0].name} is final ({final[0].place})"
    return ""


def _left_out(name: str, rule: str, reason: str, places: tuple[str, ...] = ()) -> Job:
    return Job(name, defined_in=places, run=False, rule=rule, reason=reason)
