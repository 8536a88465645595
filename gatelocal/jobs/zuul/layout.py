"""All that a tenant's repositories define, sorted and checked against each other as Zuul does; it plans nothing.

What is wrong is left out and told with its place; the rest is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gatelocal.jobs.zuul.checks import REPORTS, listed, name_of_secret, names, with_names
from gatelocal.jobs.zuul.definitions import Definition, Origin, entries
from gatelocal.jobs.zuul.match import matchers
from gatelocal.model.pattern import Pattern, begins, matches_whole, pattern_problem
from gatelocal.model.plan import Place, Problem
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import ConfigFile, Fault, Repository, Tenant, TenantProject

_DEPTH = 20  # of nodesets that are alternatives of each other; what is deeper is refused where it is used
PARENT_HINT = "is its repository in the tenant?"
_PLAYBOOKS = ("pre-run", "run", "post-run", "cleanup-run")
NOOP = "noop"
"""The job that Zuul has built in: it always succeeds and runs nothing."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A problem, with what it is about, so that it can be told to those whom it touches.

    :ivar kind: of the stanza; empty where it cannot be read, which to Zuul spoils the whole file.
    :ivar name: of the job, for a job; of a stanza that cannot be read, if its name can be.
    :ivar malformed: the stanza is no such stanza at all, rather than one that does not fit in.
    """

    problem: Problem
    project: str
    branch: str
    kind: str
    name: str
    malformed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One tenant's configuration. Compared by identity: one that is read again is another one.

    :ivar projects: by canonical name. :ivar branches: by canonical name, the default branch first.
    :ivar jobs: by name, each with its definitions in the order in which they apply.
    :ivar stanzas: project stanzas, those with a pattern for a name last.
    :ivar missing: canonical names of the projects whose repository was not found, with the reason.
    :ivar partial: a config-project that may define jobs is not here, or no job without a parent is.
    :ivar unread: how many projects nobody looked into.
    """

    tenant: Tenant
    projects: Mapping[str, TenantProject]
    branches: Mapping[str, tuple[str, ...]]
    jobs: Mapping[str, tuple[Definition, ...]]
    templates: Mapping[str, tuple[Definition, ...]]
    nodesets: Mapping[str, Definition]
    secrets: Mapping[str, Definition]
    queues: Mapping[str, Definition]
    semaphores: Mapping[str, Definition]
    pipelines: Mapping[str, Definition]
    images: Mapping[str, Definition]
    stanzas: tuple[Definition, ...]
    complaints: tuple[Complaint, ...]
    missing: Mapping[str, str]
    short_names: Mapping[str, tuple[TenantProject, ...]]
    partial: bool = False
    unread: int = 0

    @property
    def incomplete(self) -> bool:
        """Whether what nobody defines here may well be defined elsewhere."""
        return self.partial or bool(self.missing) or self.unread > 0

    def project(self, name: str) -> TenantProject | None:
        """The project of that name, with or without its host; None when there is none or several."""
        found = self.projects.get(name)
        same = self.short_names.get(name, ())
        return found or (same[0] if len(same) == 1 else None)

    def canonical(self, name: str, beside: TenantProject) -> str:
        """The canonical name of a project, which the tenant need not list: then it is on the server of `beside`."""
        found = self.project(name)
        return found.canonical if found else f"{beside.host}/{name}" if beside.host else name


@dataclass(slots=True)
class _Draft:
    """A layout while it grows."""

    tenant: Tenant
    projects: dict[str, TenantProject]
    short_names: dict[str, tuple[TenantProject, ...]]
    missing: dict[str, str]
    unread: int = 0
    partial: bool = False
    jobs: dict[str, list[Definition]] = field(default_factory=dict)
    templates: dict[str, list[Definition]] = field(default_factory=dict)
    single: dict[str, dict[str, Definition]] = field(default_factory=dict)
    named: list[Definition] = field(default_factory=list)
    patterned: dict[str, list[Definition]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def incomplete(self) -> bool:
        return self.partial or bool(self.missing) or self.unread > 0

    def project(self, name: str) -> TenantProject | None:
        found = self.projects.get(name)
        same = self.short_names.get(name, ())
        return found or (same[0] if len(same) == 1 else None)


class _Refused(Exception):
    """A stanza is not taken. :ivar hint: what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def lay_out(tenant: Tenant, repositories: Iterable[Repository]) -> Layout:
    """Sort all that the repositories define, in Zuul's order of reading."""
    found = {repository.project.canonical: repository for repository in repositories}
    short: dict[str, tuple[TenantProject, ...]] = {}
    for project in tenant.projects:
        short[project.name] = (*short.get(project.name, ()), project)
    missing = {name: one.missing for name, one in found.items() if one.missing}
    unread = sum(1 for one in found.values() if one.unread)
    draft = _Draft(tenant, {one.canonical: one for one in tenant.projects}, short, missing, unread)
    for project in tenant.projects:
        repository = found.get(project.canonical)
        if repository is not None and repository.files is not None:
            for branch, files in repository.files.items():
                _add_files(draft, project, branch, files, len(repository.branches) == 1)
    draft.partial = tenant.known_only and _is_partial(draft)
    if tenant.known_only:  # else what is not here is defined elsewhere, and nobody's mistake
        for check in (_check_tenant, _check_nodesets, _check_pipelines, _check_jobs, _check_stanzas):
            draft.complaints += check(draft)
    return Layout(
        tenant=tenant,
        projects=draft.projects,
        short_names=short,
        branches={name: repository.branches for name, repository in found.items()},
        jobs={name: tuple(definitions) for name, definitions in draft.jobs.items()},
        templates={name: tuple(definitions) for name, definitions in draft.templates.items()},
        nodesets=draft.single.get("nodeset", {}),
        secrets=draft.single.get("secret", {}),
        queues=draft.single.get("queue", {}),
        semaphores=draft.single.get("semaphore", {}),
        pipelines=draft.single.get("pipeline", {}),
        images=draft.single.get("image", {}),
        stanzas=(*draft.named, *(one for group in draft.patterned.values() for one in group)),
        complaints=tuple(draft.complaints),
        missing=missing,
        partial=draft.partial,
        unread=unread,
    )


def _is_partial(draft: _Draft) -> bool:
    """Whether parents that nobody defines are likely to stand in a config-project that is not here."""
    able = [one for one in draft.tenant.projects if one.trusted and one.base_jobs and "job" in one.loads]
    if any(one.canonical in draft.missing for one in able):
        return True
    return not any(
        "parent" in one.body and one.body["parent"] is None for group in draft.jobs.values() for one in group
    )


def may_be_elsewhere(layout: Layout | _Draft, parent: str) -> bool:
    """Whether an unknown parent is taken for one that is defined elsewhere: the job is planned without what it adds.

    Without a tenant that is the site's base job, which no project's own repository has.
    """
    if not layout.tenant.known_only:
        return parent == layout.tenant.default_parent
    return layout.partial and (bool(layout.missing) or parent == layout.tenant.default_parent)


def stanzas_of(layout: Layout, project: TenantProject) -> tuple[Definition, ...]:
    """The project stanzas that mean a project: its own, by name, and by pattern after those."""
    return tuple(stanza for stanza in layout.stanzas if means(layout, stanza.name, stanza.origin.project, project))


def means(layout: Layout, name: str, source: TenantProject, project: TenantProject) -> bool:
    """Whether a project stanza of that name, in the repository of `source`, is about the project."""
    if not name:
        return source.canonical == project.canonical
    if not name.startswith("^"):
        found = layout.project(name)
        fits = found is not None and found.canonical == project.canonical
    else:
        fits = not pattern_problem(name) and any(matches_whole(name, one) for one in (project.name, project.canonical))
    return fits and may_configure(source, project)


def may_configure(source: TenantProject, target: TenantProject) -> bool:
    """Whether a project may have project stanzas for another one, or for itself."""
    if source.trusted or source.canonical == target.canonical:
        return True
    patterns = () if target.trusted else source.configures
    return any(matches_whole(one, name) for one in patterns for name in (target.name, target.canonical))


def _add_files(
    draft: _Draft, project: TenantProject, branch: str, files: Sequence[ConfigFile], only_branch: bool
) -> None:
    for file in files:
        origin = _origin(project, branch, file, only_branch)
        for fault in file.faults:
            if not fault.kind or fault.kind in project.loads or fault.kind == "pragma":
                draft.complaints.append(_complaint_of(origin, fault))
        for stanza in file.stanzas:
            if stanza.kind in project.loads:
                _add(draft, stanza, Definition(stanza.name, stanza.body, origin, stanza.line))


def _origin(project: TenantProject, branch: str, file: ConfigFile, only_branch: bool) -> Origin:
    implied: bool | None = None
    branches: tuple[Pattern, ...] = (Pattern(branch, exact=True),)
    for stanza in file.stanzas:
        if stanza.kind == "pragma":
            said = stanza.body.get("implied-branch-matchers")
            implied = said if isinstance(said, bool) else implied
            if "implied-branches" in stanza.body:
                branches = matchers(listed(stanza.body["implied-branches"]), stanza.place) or branches
    return Origin(project, branch, file.path, only_branch, implied, branches)


def _complaint_of(origin: Origin, fault: Fault) -> Complaint:
    place = Place(origin.project.name, origin.branch, origin.path, fault.line)
    return Complaint(
        Problem(place, fault.message, fault.hint), origin.project.canonical, origin.branch, fault.kind, fault.name, True
    )


def complaint(definition: Definition, kind: str, message: str, hint: str = "", *, name: str = "") -> Complaint:
    """A problem of one definition."""
    origin = definition.origin
    problem = Problem(definition.place, message, hint)
    return Complaint(problem, origin.project.canonical, origin.branch, kind, name or definition.name)


def _add(draft: _Draft, stanza: Stanza, definition: Definition) -> None:
    try:
        match stanza.kind:
            case "job":
                _add_job(draft, definition)
            case "project-template":
                _add_template(draft, definition)
            case "project":
                _add_project(draft, definition)
            case "pipeline":
                _add_pipeline(draft, definition)
            case _:
                _add_single(draft, stanza.kind, definition)
    except _Refused as refused:
        draft.complaints.append(complaint(definition, stanza.kind, refused.message, refused.hint))


def _add_pipeline(draft: _Draft, definition: Definition) -> None:
    if not definition.origin.project.trusted:
        raise _Refused("a pipeline can be defined in a config-project only")
    known = draft.single.setdefault("pipeline", {})
    if definition.name in known:
        raise _Refused(f"pipeline {definition.name} is defined already ({known[definition.name].where})")
    body, tenant = definition.body, draft.tenant
    triggers = _connections(body, ("trigger",))
    reporters = _connections(body, REPORTS)
    for what, used, allowed in (("triggered", triggers, tenant.triggers), ("heard", reporters, tenant.reporters)):
        if allowed is not None and (strange := [name for name in used if name not in allowed]):
            raise _Refused(f"it is {what} by {strange[0]}, which the tenant does not allow")
    known[definition.name] = definition


def _connections(body: Mapping[str, object], keys: Iterable[str]) -> list[str]:
    said = [body.get(key) for key in keys]
    return list(dict.fromkeys(name for one in said if isinstance(one, Mapping) for name in one))


def _add_job(draft: _Draft, definition: Definition) -> None:
    name, project = definition.name, definition.origin.project
    if name == NOOP:
        raise _Refused("the name noop is Zuul's own")
    _check_job(draft, definition)
    prior = draft.jobs.get(name)
    if prior and prior[0].origin.project.canonical != project.canonical:
        other = prior[0].origin.project
        if any(_same(draft, shadow, other) for shadow in project.shadows):
            return
        raise _Refused(
            f"job {name} is defined in {other.name} too ({prior[0].where})",
            "give it another name, or let the tenant say that this project shadows the other",
        )
    draft.jobs.setdefault(name, []).append(definition)


def _same(draft: _Draft, name: str, project: TenantProject) -> bool:
    found = draft.project(name)
    return found is not None and found.canonical == project.canonical


def _check_job(draft: _Draft, definition: Definition) -> None:
    body, tenant, project = definition.body, draft.tenant, definition.origin.project
    if "parent" in body and body["parent"] is None and not (project.trusted and project.base_jobs):
        raise _Refused("a job without a parent can be defined in a config-project only", "name a parent")
    if problem := too_long(tenant, body) or forbidden_label(tenant, body.get("nodeset")):
        raise _Refused(problem)


def too_long(tenant: Tenant, body: Mapping[str, object]) -> str:
    """Which time limit of a definition is beyond what the tenant allows, in words; empty when none is."""
    for key in ("pre-timeout", "timeout", "post-timeout"):
        value = body.get(key)
        if tenant.max_timeout is not None and isinstance(value, int) and value > tenant.max_timeout:
            return f"{key}: more than the {tenant.max_timeout} seconds that the tenant allows"
    return ""


def forbidden_label(tenant: Tenant, nodeset: object) -> str:
    """Which label of a nodeset the tenant does not allow, in words; empty when it allows all. A mere name has none."""
    if tenant.own_labels or not isinstance(nodeset, Mapping):
        return ""
    for node in listed(nodeset.get("nodes")):
        label = str(node.get("label")) if isinstance(node, Mapping) else ""
        allowed = tenant.allowed_labels is None or any(begins(one, label) for one in tenant.allowed_labels)
        if not allowed or any(begins(one, label) for one in tenant.disallowed_labels or ()):
            return f"nodeset: the tenant does not allow the label {label}"
    return next((said for one in listed(nodeset.get("alternatives")) if (said := forbidden_label(tenant, one))), "")


def _check_entries(draft: _Draft, definition: Definition) -> None:
    """What Zuul refuses a whole stanza for: a forbidden label, parameters for a pipeline that takes none."""
    for key, section in definition.body.items():
        for entry in entries(definition, key) or ():
            if problem := forbidden_label(draft.tenant, entry.body.get("nodeset")):
                raise _Refused(f"{entry.name}: {problem}")
        pipeline = draft.single.get("pipeline", {}).get(key)
        takes_none = pipeline is not None and pipeline.body.get("allow-parameters") is not True
        if takes_none and isinstance(section, Mapping) and section.get("parameters"):
            raise _Refused(f"{key}: the pipeline does not take parameters", "it says so with `allow-parameters: true`")


def _add_template(draft: _Draft, definition: Definition) -> None:
    _check_entries(draft, definition)
    prior = draft.templates.get(definition.name)
    if prior and prior[0].origin.project.canonical != definition.origin.project.canonical:
        raise _Refused(f"project-template {definition.name} is defined in {prior[0].origin.project.name} too")
    draft.templates.setdefault(definition.name, []).append(definition)


def _add_project(draft: _Draft, definition: Definition) -> None:
    source = definition.origin.project
    _check_entries(draft, definition)
    if definition.name.startswith("^"):
        if problem := pattern_problem(definition.name):
            raise _Refused(f"project {definition.name}: {problem}")
        draft.patterned.setdefault(definition.name, []).append(definition)
        return
    target = draft.project(definition.name) if definition.name else source
    if target is None:
        raise _Refused(f"the tenant has no project {definition.name}", "does the tenant list it?")
    if not may_configure(source, target):
        raise _Refused(f"{source.name} may not say what runs for {target.name}", "a config-project may")
    draft.named.append(definition)


def _check_single(draft: _Draft, kind: str, definition: Definition) -> None:
    tenant, body = draft.tenant, definition.body
    if kind == "nodeset" and (problem := forbidden_label(tenant, body)):
        raise _Refused(problem.removeprefix("nodeset: "))
    if kind == "semaphore" and definition.name in tenant.semaphores:
        raise _Refused(f"semaphore {definition.name} is one that the tenants share, and cannot be defined again")
    oidc = body.get("oidc")
    if kind == "secret" and isinstance(oidc, Mapping):
        seconds, issuer = oidc.get("ttl"), oidc.get("iss")
        if isinstance(seconds, int) and seconds > tenant.oidc_seconds:
            raise _Refused(f"oidc: ttl: more than the {tenant.oidc_seconds} seconds that the tenant allows")
        if issuer and issuer not in tenant.oidc_issuers:
            raise _Refused(f"oidc: iss: the tenant does not allow {issuer!r}"[:300])


def _add_single(draft: _Draft, kind: str, definition: Definition) -> None:
    _check_single(draft, kind, definition)
    known = draft.single.setdefault(kind, {})
    other = known.setdefault(definition.name, definition)
    if other is definition or kind not in ("nodeset", "secret", "semaphore", "queue"):
        return
    if other.origin.project.canonical != definition.origin.project.canonical:
        raise _Refused(f"{kind} {definition.name} is defined in {other.origin.project.name} too")
    if other.origin.branch == definition.origin.branch:
        raise _Refused(f"{kind} {definition.name} is defined twice on this branch ({other.where})")
    if other.body != definition.body:
        raise _Refused(f"{kind} {definition.name} is defined otherwise on branch {other.origin.branch}")


def _check_tenant(draft: _Draft) -> Iterator[Complaint]:
    for project in draft.tenant.projects:
        for name in project.shadows:
            if draft.project(name) is None:
                place = Place(project.name, project.load_branch or "", "", 0)
                told = Problem(place, f"the tenant has no project {name}, which it shadows", "does the tenant list it?")
                yield Complaint(told, project.canonical, "", "tenant", project.name)


def _check_nodesets(draft: _Draft) -> Iterator[Complaint]:
    """Alternatives that nobody defines, labels that nobody defines where they are configuration."""
    if draft.incomplete:
        return
    known = draft.single.get("nodeset", {})
    for definition in known.values():
        for name in listed(definition.body.get("alternatives")):
            if isinstance(name, str) and name not in known:
                yield complaint(definition, "nodeset", f"there is no nodeset {name}, which is one of its alternatives")
        for label in _unknown_labels(draft, definition.body):
            yield complaint(definition, "nodeset", f"there is no label {label}")


def _unknown_labels(draft: _Draft, nodeset: object) -> Iterator[str]:
    if not draft.tenant.own_labels or not isinstance(nodeset, Mapping):
        return
    nodes = [node for node in listed(nodeset.get("nodes")) if isinstance(node, Mapping)]
    yield from (str(node["label"]) for node in nodes if str(node["label"]) not in draft.single.get("label", {}))
    for one in listed(nodeset.get("alternatives")):
        yield from _unknown_labels(draft, one)


def _check_pipelines(draft: _Draft) -> Iterator[Complaint]:
    known = draft.single.get("pipeline", {})
    for definition in known.values():
        for name in names(definition.body.get("supercedes")):
            if name not in known:
                yield complaint(definition, "pipeline", f"there is no pipeline {name}, which it supercedes")


def _check_jobs(draft: _Draft) -> Iterator[Complaint]:
    for definitions in draft.jobs.values():
        for definition in definitions:
            for message, hint in _references(draft, definition):
                yield complaint(definition, "job", message, hint)


def spoiled_jobs(complaints: Iterable[Complaint]) -> Mapping[str, str]:
    """For the names of definitions that were not taken: why, in words."""
    told = [one for one in complaints if one.name and one.kind in ("", "job")]
    return {
        **{one.name: "its definition cannot be read" for one in told},
        **{one.name: "its definition is wrong" for one in told if one.kind},
    }


def _check_stanzas(draft: _Draft) -> Iterator[Complaint]:
    spoiled = spoiled_jobs(draft.complaints)
    stanzas = [*draft.named, *(one for group in draft.patterned.values() for one in group)]
    templates = [("project-template", one) for group in draft.templates.values() for one in group]
    for kind, stanza in [("project", one) for one in stanzas] + templates:
        for template in listed(stanza.body.get("templates")):
            if template not in draft.templates and not draft.incomplete:
                yield complaint(stanza, kind, f"there is no project-template {template}")
        for pipeline in stanza.body:
            for entry in entries(stanza, pipeline) or ():
                for message, hint in _references_of_entry(draft, entry, spoiled):
                    yield complaint(stanza, kind, message, hint)


def _references_of_entry(draft: _Draft, entry: Definition, spoiled: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if entry.name not in draft.jobs and entry.name != NOOP and not draft.incomplete:
        yield f"there is no job {entry.name}", spoiled.get(entry.name, "is its repository in the tenant?")
    yield from _references(draft, entry)


def _references(draft: _Draft, definition: Definition) -> Iterator[tuple[str, str]]:
    """What a definition refers to and is not there, or may not be used."""
    body = definition.body
    parent = body.get("parent")
    if isinstance(parent, str):
        yield from _parent(draft, definition, parent)
    for problem in unknown_projects(draft.project, definition):
        yield problem, "does the tenant list it?"
    nodeset = body.get("nodeset")
    if draft.tenant.max_nodes is not None and _most_nodes(draft, nodeset) > draft.tenant.max_nodes:
        yield f"it has more than the {draft.tenant.max_nodes} nodes that the tenant allows", ""
    if any(key in body for key in _PLAYBOOKS):
        yield from ((problem, "") for problem in _wrong_secrets(draft, definition))
    if draft.incomplete:
        return
    yield from ((f"nodeset: there is no label {label}", "") for label in _unknown_labels(draft, nodeset))
    if isinstance(nodeset, str) and nodeset not in draft.single.get("nodeset", {}):
        yield f"there is no nodeset {nodeset}", ""
    for name in names(body.get("dependencies")):
        if name not in draft.jobs:
            yield f"there is no job {name}, which it depends on", ""


def _wrong_secrets(draft: _Draft, definition: Definition) -> Iterator[str]:
    """Secrets that its playbooks cannot have, and names that they cannot go by (Zuul: they become variables)."""
    known = draft.single.get("secret", {})
    for use in with_names(definition.body.get("secrets")):
        name, alias = str(use.get("secret", use["name"])), str(use["name"])
        if problem := name_of_secret(alias):
            yield f"secrets: {problem}"
        if name not in known and not draft.incomplete:
            yield f"there is no secret {name}"


def unknown_projects(lookup: Callable[[str], TenantProject | None], definition: Definition) -> Iterator[str]:
    """The projects that a definition names and the tenant does not list, each as a sentence."""
    body = definition.body
    own = definition.origin.project.name  # which Zuul does not look up where it says who may run the job
    named = {
        "which is required": names(body.get("required-projects")),
        "which alone may run it": [name for name in names(body.get("allowed-projects")) if name != own],
        "which is included": _by_name(body.get("include-projects")),
        "which is excluded": _by_name(body.get("exclude-projects")),
        "which has variables for it": [
            str(item["project"]) for item in with_names(body.get("include-vars")) if "project" in item
        ],
    }
    for why, projects in named.items():
        yield from (f"the tenant has no project {name}, {why}" for name in projects if lookup(name) is None)


def _by_name(chosen: object) -> list[str]:
    return [str(item["name"]) for item in with_names(chosen) if item.get("type", "name") == "name"]


def _most_nodes(draft: _Draft, nodeset: object, depth: int = 0) -> int:
    """How many nodes a nodeset may mean, through its alternatives."""
    if isinstance(nodeset, str):
        definition = draft.single.get("nodeset", {}).get(nodeset)
        nodeset = None if definition is None else definition.body
    if not isinstance(nodeset, Mapping) or depth > _DEPTH:
        return 0
    inner = [_most_nodes(draft, one, depth + 1) for one in listed(nodeset.get("alternatives"))]
    return max((len(listed(nodeset.get("nodes"))), *inner))


def _parent(draft: _Draft, definition: Definition, parent: str) -> Iterator[tuple[str, str]]:
    above = draft.jobs.get(parent, ())
    if parent == NOOP:
        yield f"its parent {parent} is final: it has no children", ""
    elif not above:
        if not may_be_elsewhere(draft, parent) and not draft.unread:  # nobody looked for what none of the jobs needs
            hint = "it may be in a repository that was not found" if draft.missing else PARENT_HINT
            yield f"there is no job {parent}, which is its parent", hint
    elif all(one.body.get("final") is True for one in above):
        yield f"its parent {parent} is final: it has no children ({above[0].where})", "inherit from another job"
    elif all(one.body.get("intermediate") is True for one in above) and definition.body.get("abstract") is not True:
        yield f"its parent {parent} is intermediate: only an abstract job may inherit from it", ""
    elif all(one.body.get("protected") is True for one in above) and (
        above[0].origin.project.canonical != definition.origin.project.canonical
    ):
        yield f"its parent {parent} is protected: only jobs of {above[0].origin.project.name} inherit from it", ""
