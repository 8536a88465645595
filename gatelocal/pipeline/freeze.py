"""Which jobs run for an item: layout and changes → frozen jobs in their order; none is started here.

Zuul's rules (gate-semantics 1.12): all definitions of a job that match the branch apply from the root of the
inheritance to the leaf, then what the project adds; file matchers decide; a job that runs pulls in what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from gatelocal.errors import ConfigurationError
from gatelocal.model.evolve import replace
from gatelocal.model.facts import Facts
from gatelocal.model.layout import NOOP, JobKind, JobSpec, Layout, Pattern
from gatelocal.model.stanza import Stanza, Tagged
from gatelocal.pipeline.match import any_matches, concerns
from gatelocal.pipeline.projects import section
from gatelocal.pipeline.values import listed, mapping, names, patterns, text, truth, whole

_BASE = "base"

_Setter = Callable[[JobSpec, object, str], JobSpec]


def jobs_of(layout: Layout, facts: Facts, pipeline: str) -> tuple[JobSpec, ...]:
    """The jobs that run for one change in one pipeline, in the order in which the project names them.

    :raises ConfigurationError: a job needs another that does not run, or jobs need each other in a circle.
    """
    candidates = _candidates(layout, facts.project, facts.branch, pipeline)
    if not any(job.files or job.irrelevant for job in candidates):
        _check(candidates)
        return candidates
    wanted = {job.name for job in candidates if concerns(job.files, job.irrelevant, facts.files)}
    by_name = {job.name: job for job in candidates}
    pending = list(wanted)
    while pending:
        for name, soft in by_name[pending.pop()].dependencies:
            if not soft and name in by_name and name not in wanted:
                wanted.add(name)
                pending.append(name)
    chosen = tuple(job for job in candidates if job.name in wanted)
    _check(chosen)
    return chosen


def _in_order(jobs: list[JobSpec]) -> tuple[JobSpec, ...]:
    """The jobs, each behind all initializers, as if it had named them (Zuul: ``addInitializerJobs``)."""
    first = tuple((job.name, True) for job in jobs if job.kind is JobKind.INITIALIZER)
    return tuple(_behind(job, first) if first and job.kind is JobKind.REGULAR else job for job in jobs)


def _behind(job: JobSpec, first: tuple[tuple[str, bool], ...]) -> JobSpec:
    """The job depending on these as well; Zuul's softness takes the place of what it says of them itself."""
    names = {name for name, _ in first}
    return replace(job, dependencies=(*(one for one in job.dependencies if one[0] not in names), *first))


def _check(jobs: Sequence[JobSpec]) -> None:
    """A hard dependency must run as well, and in time, and there is no circle (Zuul: configuration errors)."""
    names = {job.name for job in jobs}
    late = {job.name for job in jobs if job.kind is JobKind.REPORTER}
    placed: set[str] = set()
    for job in jobs:
        for name, soft in job.dependencies:
            if not soft and name not in names:
                raise ConfigurationError(f"job {job.name} depends on {name}, which is not run")
            if name in late and job.kind is not JobKind.REPORTER:
                raise ConfigurationError(f"job {job.name} depends on {name}, which runs when all is reported")
    waiting = list(jobs)
    while waiting:
        ready = [job for job in waiting if not ({n for n, _ in job.dependencies} & names) - placed]
        if not ready:
            raise ConfigurationError("jobs depend on each other in a circle: " + ", ".join(j.name for j in waiting))
        placed |= {job.name for job in ready}
        waiting = [job for job in waiting if job.name not in placed]


@lru_cache(maxsize=1024)
def _candidates(layout: Layout, project: str, branch: str, pipeline: str) -> tuple[JobSpec, ...]:
    """All jobs that the project names for the pipeline and that have a definition for the branch."""
    entries: dict[str, list[tuple[Mapping[str, object], str]]] = {}
    for name, settings, place in section(layout, project, branch, pipeline).jobs:
        if _for_branch(settings, place, branch):
            entries.setdefault(name, []).append((settings, place))
    found: list[JobSpec] = []
    for name, layers in entries.items():
        chain = _chain(layout, name, branch, ())
        if not chain and name != NOOP:
            if name not in layout.jobs:
                raise ConfigurationError(f"{layers[0][1]}: job {name} is not defined")
            continue
        job = JobSpec(name)
        for stanza in chain:
            job = _applied(job, stanza.body, stanza.place)
        final = name == NOOP or any(stanza.name == name and stanza.body.get("final") is True for stanza in chain)
        for settings, place in layers:
            if final and (changed := sorted(settings.keys() - _OVER_FINAL)):
                raise ConfigurationError(f"{place}: job {name} is final: its {changed[0]} cannot be set here")
            job = _applied(job, settings, place)
        if any(stanza.name == name and stanza.body.get("abstract") is True for stanza in chain):
            raise ConfigurationError(f"{layers[0][1]}: job {name} is abstract")
        found.append(job)
    return _in_order(found)


def _chain(layout: Layout, name: str, branch: str, below: tuple[str, ...]) -> list[Stanza]:
    """The definitions that apply on the branch, root first."""
    if name in below:
        raise ConfigurationError("jobs inherit from each other: " + " → ".join((*below, name)))
    chain: list[Stanza] = []
    for stanza in layout.jobs.get(name, ()):
        if not _for_branch(stanza.body, stanza.place, branch):
            continue
        parent = stanza.body.get("parent", None if chain or name == _BASE else _BASE)
        if isinstance(parent, str) and not any(stanza.name == parent for stanza in chain):
            if parent not in layout.jobs:
                raise ConfigurationError(f"{stanza.place}: job {name}: its parent {parent} is not defined")
            chain += [one for one in _chain(layout, parent, branch, (*below, name)) if one not in chain]
        chain.append(stanza)
    return chain


def _for_branch(body: Mapping[str, object], place: str, branch: str) -> bool:
    found = patterns(body.get("branches"), place)
    return not found or any_matches(found, branch)


def _applied(job: JobSpec, body: Mapping[str, object], place: str) -> JobSpec:
    for key, value in body.items():
        if key in _SETTERS:
            job = _SETTERS[key](job, value, f"{place}: job {job.name}")
        elif key not in _WITHOUT_INFLUENCE:
            raise ConfigurationError(f"{place}: job {job.name}: unknown key {key}")
    return job


def check(name: str, body: Mapping[str, object], place: str) -> None:
    """See whether a definition can be read. :raises ConfigurationError: a key or a value is none of Zuul's."""
    _applied(JobSpec(name), body, place)


def _dependencies(job: JobSpec, value: object, place: str) -> JobSpec:
    found: list[tuple[str, bool]] = []
    for item in listed(value):
        if isinstance(item, str):
            found.append((item, False))
            continue
        body = mapping(item, place, "dependencies")
        name = body.get("name")
        if not isinstance(name, str):
            raise ConfigurationError(f"{place}: a dependency has a name")
        found.append((name, truth(body.get("soft", False), place, "soft")))
    return replace(job, dependencies=tuple(found))


def _semaphores(job: JobSpec, value: object, place: str) -> JobSpec:
    names: list[str] = []
    late: set[str] = {*job.late_semaphores}
    for item in listed(value):
        body = item if isinstance(item, Mapping) else {"name": item}
        name = text(body.get("name"), place, "semaphores")
        names.append(name)
        if truth(body.get("resources-first", False), place, "resources-first"):
            late.add(name)
    every = tuple(dict.fromkeys((*job.semaphores, *names)))
    return replace(job, semaphores=every, late_semaphores=frozenset(late))


def _projects(job: JobSpec, value: object, place: str) -> JobSpec:
    names = [str(item.get("name")) if isinstance(item, Mapping) else str(item) for item in listed(value)]
    before = () if isinstance(value, Tagged) else job.required_projects
    return replace(job, required_projects=tuple(dict.fromkeys((*before, *names))))


def _attempts(job: JobSpec, value: object, place: str) -> JobSpec:
    number = whole(value, place, "attempts")
    if number < 1:
        raise ConfigurationError(f"{place}: attempts must be at least 1")
    return replace(job, attempts=number)


def _kind(job: JobSpec, value: object, place: str) -> JobSpec:
    try:
        return replace(job, kind=JobKind(value))
    except ValueError:
        known = ", ".join(one.value for one in JobKind)
        raise ConfigurationError(f"{place}: type {value!r} is none of {known}") from None


def _deduplicate(job: JobSpec, value: object, place: str) -> JobSpec:
    return replace(job, deduplicate=None if value == "auto" else truth(value, place, "deduplicate"))


def _inherited(before: tuple[Pattern, ...], value: object, place: str) -> tuple[Pattern, ...]:
    kept = before if isinstance(value, Tagged) and value.tag == "!inherit" else ()
    return (*kept, *patterns(value, place))


_SETTERS: Mapping[str, _Setter] = {
    "voting": lambda job, value, place: replace(job, voting=truth(value, place, "voting")),
    "hold-following-changes": lambda job, value, place: replace(job, hold_following=truth(value, place, "hold")),
    "attempts": _attempts,
    "dependencies": _dependencies,
    "semaphore": _semaphores,
    "semaphores": _semaphores,
    "provides": lambda job, value, place: replace(job, provides=job.provides | {*names(value, place, "provides")}),
    "requires": lambda job, value, place: replace(job, requires=job.requires | {*names(value, place, "requires")}),
    "required-projects": _projects,
    "files": lambda job, value, place: replace(job, files=_inherited(job.files, value, place)),
    "irrelevant-files": lambda job, value, place: replace(job, irrelevant=_inherited(job.irrelevant, value, place)),
    "deduplicate": _deduplicate,
    "type": _kind,
}

_OVER_FINAL = frozenset(
    "name voting hold-following-changes files irrelevant-files deduplicate provides requires dependencies branches tags"
    " success-message failure-message match-on-config-updates description variant-description secrets"
    " final abstract protected intermediate".split()
)
"""What a project may say of a job that is final: whether it runs and how it is reported (Zuul: context attributes)."""

_WITHOUT_INFLUENCE = frozenset(
    "name parent description abstract final protected intermediate branches vars extra-vars host-vars group-vars"
    " run pre-run post-run cleanup-run roles nodeset timeout post-timeout secrets tags success-message failure-message"
    " success-url failure-url override-branch override-checkout ansible-version ansible-split-streams workspace-scheme"
    " failure-output match-on-config-updates post-review image-build-name secret-parameters include-vars"
    " variant-description pass-to-parent pre-timeout include-projects exclude-projects workspace-checkout"
    " allowed-projects".split()
)
