"""One definition applied to a job, by Zuul's rules; which definitions, and in which order, is chosen elsewhere.

Source of the rules: the documentation of Zuul's `job` and its behaviour (inheritance, final, protected, overrides).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from gatelocal.jobs.zuul.checks import listed, names, with_names
from gatelocal.jobs.zuul.definitions import Definition
from gatelocal.jobs.zuul.draft import Draft, Refused
from gatelocal.jobs.zuul.layout import Layout, unknown_projects
from gatelocal.jobs.zuul.match import pattern_of
from gatelocal.jobs.zuul.nodesets import nodesets_of
from gatelocal.jobs.zuul.variables import applied
from gatelocal.model.pattern import Pattern
from gatelocal.model.plan import Dependency, Nodeset, Playbook, RequiredProject, Role
from gatelocal.model.stanza import Tagged

_T = TypeVar("_T")

# Set in a definition, these change how a job runs: a final job takes them from nobody.
_EXECUTION = (
    "parent pre-timeout timeout post-timeout vars extra-vars host-vars group-vars include-vars nodeset pre-run post-run"
    " cleanup-run run ansible-split-streams ansible-version semaphores semaphore attempts roles required-projects"
    " include-projects exclude-projects allowed-projects override-branch override-checkout post-review workspace-scheme"
    " workspace-checkout failure-output image-build-name type preserve-home-paths secret-exposure"
).split()
# Empty, these count as not set.
_EMPTY_IS_UNSET = frozenset(
    "vars extra-vars host-vars group-vars include-vars pre-run post-run cleanup-run run semaphores semaphore roles"
    " allowed-projects preserve-home-paths tags provides requires".split()
)
_SCALARS = (
    "pre-timeout timeout post-timeout attempts voting hold-following-changes failure-message success-message"
    " override-branch override-checkout match-on-config-updates workspace-scheme workspace-checkout deduplicate"
    " image-build-name type ansible-version ansible-split-streams secret-exposure description"
).split()
# Zuul looks at these twice: what is set and made final in one later definition is refused as a change of what is final.
_LOOKED_AT_TWICE = frozenset(
    "vars extra-vars host-vars group-vars include-vars required-projects include-projects exclude-projects"
    " failure-output".split()
)
# Made final by a later definition that does not set them, these stay free.
_FINAL_IF_SET = frozenset(
    "include-vars required-projects include-projects exclude-projects failure-output pre-run run post-run type".split()
)
_CONTEXT_LISTS = "tags provides requires".split()
_ROLE_PREFIX = re.compile(r"^(ansible[-_.+]*)*(role[-_.+]*)*")


def apply(draft: Draft, definition: Definition, layout: Layout) -> Draft:
    """The draft after one more definition.

    :raises Refused: it changes what is final, protected or intermediate, or refers to what is not there.
    """
    body = definition.body
    first = not draft.chain
    if not first or draft.final:  # the job that Zuul has built in is final without any definition
        _check_allowed(draft, definition)
    draft = _flags(draft, definition, first)
    draft = _controlled(draft, definition)
    draft = replace(draft, roles=_roles(draft, definition, layout))
    if "nodeset" in body:
        draft = replace(draft, nodesets=_nodesets(definition, layout))
    draft = _playbooks(draft, definition, layout)
    draft = replace(
        draft,
        variables=_variables(draft.variables, body, "vars"),
        extra=_variables(draft.extra, body, "extra-vars"),
        hosts=_variables(draft.hosts, body, "host-vars"),
        groups=_variables(draft.groups, body, "group-vars"),
    )
    draft = _semaphores(_projects(draft, definition, layout), definition)
    draft = replace(
        draft,
        scalars={**draft.scalars, **{key: body[key] for key in _SCALARS if key in body}},
        dependencies=_dependencies(draft, definition),
        files=_patterns(draft.files, body, "files"),
        irrelevant=_patterns(draft.irrelevant, body, "irrelevant-files"),
        lists=_lists(draft, definition, layout),
    )
    name = draft.name if definition.entry else definition.name
    return replace(draft, name=name, chain=(*draft.chain, definition))


def is_set(body: Mapping[str, object], key: str) -> bool:
    """Whether a definition says something about a key; an empty list of playbooks or an empty mapping says nothing."""
    if key not in body:
        return False
    value = body[key]
    return bool(value.value if isinstance(value, Tagged) else value) or key not in _EMPTY_IS_UNSET


def _check_allowed(draft: Draft, definition: Definition) -> None:
    body, project = definition.body, definition.origin.project
    changed = [key for key in _EXECUTION if is_set(body, key)]
    if not definition.entry and not changed:
        changed = ["roles"]  # a definition always brings the roles of its own repository
    if not changed:
        return
    if draft.final:
        what = f"job {draft.name} is final" if draft.name == definition.name else f"its parent {draft.name} is final"
        raise Refused(
            f"{what} ({draft.final}): {changed[0]} cannot be set", definition, hint="inherit from another job"
        )
    if draft.protected_by and draft.protected_by != project.canonical:
        raise Refused(f"job {draft.name} is protected: only jobs of {draft.protected_by} inherit from it", definition)


def _flags(draft: Draft, definition: Definition, first: bool) -> Draft:
    body = definition.body
    inherits = not first and definition.name != draft.name
    abstract, intermediate = body.get("abstract") is True, body.get("intermediate") is True
    if draft.intermediate and not abstract:
        raise Refused(f"job {draft.name} is intermediate: only an abstract job may inherit from it", definition)
    protected = body.get("protected")
    if protected is False and draft.protected_by:
        raise Refused(f"job {draft.name} is protected, which cannot be taken back", definition)
    return replace(
        draft,
        final=draft.final or (definition.where if body.get("final") is True else ""),
        abstract=abstract if inherits or first else draft.abstract or abstract,
        intermediate=intermediate if inherits or first else draft.intermediate or intermediate,
        protected_by=draft.protected_by or (definition.origin.project.canonical if protected else ""),
    )


def _controlled(draft: Draft, definition: Definition) -> Draft:
    """Attributes that are final one by one (Zuul: attribute-control)."""
    new = _made_final(definition.body, first=not draft.chain)
    twice = new & _LOOKED_AT_TWICE if draft.chain else frozenset()
    broken = [key for key in sorted(draft.finals | twice) if is_set(definition.body, key)]
    if broken:
        raise Refused(f"{broken[0]} of job {draft.name} is final", definition)
    exposure = draft.scalars.get("secret-exposure")
    if exposure is not None and definition.body.get("secret-exposure", exposure) != exposure:
        raise Refused(f"secret-exposure of job {draft.name} is {exposure}, which cannot be changed", definition)
    return replace(draft, finals=draft.finals | new)


def _made_final(body: Mapping[str, object], *, first: bool) -> frozenset[str]:
    control = body.get("attribute-control")
    said = [str(key) for key, value in control.items() if value] if isinstance(control, Mapping) else []
    return frozenset(key for key in said if first or key not in _FINAL_IF_SET or is_set(body, key))


def _roles(draft: Draft, definition: Definition, layout: Layout) -> tuple[Role, ...]:
    own = definition.origin.project
    new: list[Role] = []
    if not definition.entry:
        last = own.name.rpartition("/")[2]
        new.append(Role(own.canonical, own.name, _ROLE_PREFIX.sub("", last) or last, explicit=False))
    for item in listed(definition.body.get("roles")):
        if isinstance(item, Mapping) and isinstance(name := item.get("zuul"), str):
            project = layout.canonical(name, own)
            new.append(
                Role(project, _short(name, layout), str(item.get("name", name.rpartition("/")[2])), explicit=True)
            )
    if not draft.chain:
        return tuple(new)
    # A repository that is there already stays in its place, and is explicit once anybody named it.
    known = {(role.project, role.name): role for role in new}
    kept = [
        replace(role, explicit=True) if (twin := known.get((role.project, role.name))) and twin.explicit else role
        for role in draft.roles
    ]
    there = {(role.project, role.name) for role in kept}
    fresh = dict.fromkeys(role for role in new if (role.project, role.name) not in there)
    return (*fresh, *kept)


def _variables(below: Mapping[str, object], body: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Nothing with ``!override`` takes all variables away, though it counts as not set where a job is final (Zuul)."""
    return applied(below, body[key]) if is_set(body, key) or _tag(body.get(key)) == "!override" else below


def _nodesets(definition: Definition, layout: Layout) -> tuple[Nodeset, ...]:
    try:
        return nodesets_of(definition.body["nodeset"], layout)
    except LookupError as error:
        raise Refused(str(error.args[0]), definition) from None


def _playbooks(draft: Draft, definition: Definition, layout: Layout) -> Draft:
    """The playbooks with what the definition adds, and who may run the job because of its secrets."""
    body, project = definition.body, definition.origin.project
    uses = with_names(body.get("secrets"))
    for use in uses:
        _check_secret(str(use.get("secret", use["name"])), definition, layout)
    secrets = tuple(str(use["name"]) for use in uses)  # what the playbooks know them by
    passed = tuple(str(use["name"]) for use in uses if use.get("pass-to-parent") is True)
    old = {
        "pre-run": draft.pre_run,
        "run": draft.run,
        "post-run": draft.post_run,
        "cleanup-run": draft.cleanup_run,
    }
    given = {key: tuple(_with_secrets(book, passed) for book in books) for key, books in old.items()}
    level = len({one.name for one in (*draft.chain, definition) if not one.entry})
    place = (definition.origin.branch, level)
    new = {
        key: tuple(_playbook(one, project.canonical, secrets, place) for one in with_names(body.get(key)))
        for key in old
    }
    careful = draft.post_review or body.get("post-review") is True
    if passed and any(not _is_trusted(book.project, layout) for books in old.values() for book in books):
        careful = True
    allowed = draft.allowed
    if secrets and not project.trusted and not careful:
        # Zuul: a secret of an untrusted project is for that project's own reviewed changes alone.
        careful = True
        allowed = frozenset((project.name,)) & (allowed if allowed is not None else frozenset((project.name,)))
    if secrets and not project.overrules:
        careful = True
    if is_set(body, "allowed-projects"):
        said = frozenset(_short(name, layout) for name in names(body["allowed-projects"]))
        allowed = said if allowed is None else allowed & said
    return replace(
        draft,
        post_review=careful,
        allowed=allowed,
        pre_run=(*given["pre-run"], *new["pre-run"]),
        run=new["run"] or given["run"],
        post_run=(*new["post-run"], *given["post-run"]),
        cleanup_run=(*new["cleanup-run"], *given["cleanup-run"]),
    )


def _playbook(item: Mapping[str, object], project: str, secrets: tuple[str, ...], place: tuple[str, int]) -> Playbook:
    return Playbook(project, str(item["name"]), secrets, tuple(sorted(names(item.get("semaphores")))), *place)


def _with_secrets(book: Playbook, passed: tuple[str, ...]) -> Playbook:
    return replace(book, secrets=tuple(dict.fromkeys((*book.secrets, *passed)))) if passed else book


def _is_trusted(canonical: str, layout: Layout) -> bool:
    project = layout.projects.get(canonical)
    return project is not None and project.trusted


def _check_secret(name: str, definition: Definition, layout: Layout) -> None:
    secret = layout.secrets.get(name)
    if secret is None:
        if layout.incomplete or not layout.tenant.known_only:
            return
        raise Refused(f"there is no secret {name}", definition)
    if secret.origin.project.canonical != definition.origin.project.canonical:
        raise Refused(f"secret {name} belongs to {secret.origin.project.name}, which alone may use it", definition)


def _short(name: str, layout: Layout) -> str:
    found = layout.project(name)
    return found.name if found else name


def _projects(draft: Draft, definition: Definition, layout: Layout) -> Draft:
    # With repositories missing, the view is partial anyhow: then it is told as an error, and planned all the same.
    if layout.tenant.known_only and not layout.incomplete:
        for problem in unknown_projects(layout.project, definition):
            raise Refused(problem, definition)
    if "required-projects" not in definition.body:
        return draft
    value = definition.body["required-projects"]
    required = {} if _tag(value) == "!override" else dict(draft.required)
    for item in with_names(value):
        name = layout.canonical(str(item["name"]), definition.origin.project)
        checkout, branch = item.get("override-checkout"), item.get("override-branch")
        required[name] = RequiredProject(name, _text(checkout), _text(branch))
    return replace(draft, required=MappingProxyType(required))


def _semaphores(draft: Draft, definition: Definition) -> Draft:
    key = "semaphores" if "semaphores" in definition.body else "semaphore"
    said = with_names(definition.body.get(key))
    own = {*draft.semaphores, *(str(one["name"]) for one in said)}
    late = {str(one["name"]) for one in said if one.get("resources-first") is True}
    books = (*draft.pre_run, *draft.run, *draft.post_run, *draft.cleanup_run)
    if both := own.intersection(name for book in books for name in book.semaphores):
        raise Refused(f"semaphore {min(both)} is the job's and a playbook's too: it can be of one only", definition)
    return replace(draft, semaphores=tuple(sorted(own)), late_semaphores=draft.late_semaphores | late)


def _dependencies(draft: Draft, definition: Definition) -> tuple[Dependency, ...]:
    if "dependencies" not in definition.body:
        return draft.dependencies
    value = definition.body["dependencies"]
    new = [Dependency(str(item["name"]), item.get("soft") is True) for item in with_names(value)]
    return tuple(dict.fromkeys((*_inherited(draft.dependencies, value), *new)))


def _patterns(below: tuple[Pattern, ...] | None, body: Mapping[str, object], key: str) -> tuple[Pattern, ...] | None:
    if key not in body:
        return below
    value = body[key]
    new = [pattern_of(item) for item in listed(value)]
    return tuple(dict.fromkeys((*(below or ()), *new))) if _tag(value) == "!inherit" else tuple(new)


def _inherited(below: tuple[_T, ...], value: object) -> tuple[_T, ...]:
    """What stays of a list that is replaced unless a definition says ``!inherit``."""
    return below if _tag(value) == "!inherit" else ()


def _lists(draft: Draft, definition: Definition, layout: Layout) -> Mapping[str, tuple[object, ...]]:
    """Lists that definitions add to: sets of words, and projects to include and exclude."""
    body = definition.body
    lists = dict(draft.lists)
    for key in (*_CONTEXT_LISTS, "failure-output", "preserve-home-paths"):
        if is_set(body, key):
            old: Sequence[object] = () if _tag(body[key]) == "!override" else lists.get(key, ())
            lists[key] = tuple(sorted({str(item) for item in (*old, *listed(body[key]))}))
    for key in ("include-projects", "exclude-projects"):
        if key in body:
            old = () if _tag(body[key]) == "!override" else lists.get(key, ())
            found = [_chosen(item, definition, layout) for item in listed(body[key])]
            lists[key] = tuple(dict.fromkeys((*old, *found)))
    if is_set(body, "include-vars"):
        old = () if _tag(body["include-vars"]) == "!override" else lists.get("include-vars", ())
        files = [_included(item, definition, layout) for item in with_names(body["include-vars"])]
        lists["include-vars"] = tuple(dict.fromkeys((*old, *files)))
    return MappingProxyType(lists)


def _chosen(item: object, definition: Definition, layout: Layout) -> object:
    if isinstance(item, Mapping) and item.get("type") != "name":
        return f"({item.get('type')})"
    name = item.get("name") if isinstance(item, Mapping) else item
    return layout.canonical(str(name), definition.origin.project)


def _included(item: Mapping[str, object], definition: Definition, layout: Layout) -> object:
    """A file of variables as (project, path); the project is empty when the change's own is meant."""
    own = definition.origin.project
    if item.get("zuul-project") is True:
        return ("", str(item["name"]))
    project = item.get("project")
    return (own.canonical if project is None else layout.canonical(str(project), own), str(item["name"]))


def _tag(value: object) -> str:
    return value.tag if isinstance(value, Tagged) else ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
