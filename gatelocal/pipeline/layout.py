"""Zuul's configuration objects → a layout that pipelines run with; it reads no file and runs no rule.

What Zuul knows and the gate does not do yet is refused with its place, never passed over: only keys that have no
influence on queueing (descriptions, variables, playbooks, nodes) are accepted without a meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.zuul.match import matches_whole
from gatelocal.model.layout import (
    Approval,
    Layout,
    Manager,
    Pattern,
    Pipeline,
    Project,
    ProjectPipeline,
    ProjectStanza,
    QueueSpec,
    Requirement,
    Trigger,
    Voice,
    WindowRule,
)
from gatelocal.model.stanza import Stanza
from gatelocal.pipeline.freeze import check
from gatelocal.pipeline.values import duration, listed, mapping, names, only, pattern, patterns, text, truth, whole

CONNECTION = "gerrit"
"""The name of the code-review connection in every layout."""

_PRECEDENCE = {"high": 0, "normal": 1, "low": 2}
_REPORTS = {
    "start": "start",
    "success": "success",
    "failure": "failure",
    "merge-conflict": "conflict",
    "merge-failure": "conflict",
    "config-error": "config",
    "no-jobs": "no-jobs",
    "dequeue": "dequeue",
    "enqueue": "enqueue",
    "disabled": "disabled",
}
_WINDOW = (
    "window window-floor window-ceiling window-increase-type window-increase-factor window-decrease-type"
    " window-decrease-factor"
)
_PIPELINE = frozenset(
    (
        "name manager precedence supercedes description success-message failure-message start-message dequeue-message"
        " enqueue-message merge-conflict-message no-jobs-message footer-message dequeue-on-new-patchset"
        f" ignore-dependencies post-review allow-other-connections allow-parameters"
        f" trigger require reject {_WINDOW} " + " ".join(_REPORTS)
    ).split()
)
_QUEUE = frozenset("name type per-branch allow-circular-dependencies".split())
_QUEUE_TYPES = ("all-branches", "per-branch", "branch-assigned")
_PROJECT_META = frozenset(
    "name branches queue templates description vars default-branch merge-mode squash-merge".split()
)
_SECTION = frozenset("jobs fail-fast queue debug".split())
_SEMAPHORE = frozenset("name max".split())
_REQUIRE = frozenset("open current-patchset wip status approval".split())
_TRIGGER = frozenset(
    "event approval comment branch ref username require-approval reject-approval scope ignore-deletes debug".split()
)
_EVENTS = frozenset(
    "patchset-created comment-added change-abandoned change-restored change-merged wip-state-changed"
    " ref-updated".split()
)


def layout_of(stanzas: Sequence[Stanza], names_of_projects: Iterable[str] = ()) -> Layout:
    """The layout that the stanzas describe.

    :param names_of_projects: those that a project object may mean by a pattern, besides all that are named.
    :raises ConfigurationError: they contradict Zuul's syntax, or ask for what is not built; with file and line.
    """
    pipelines: dict[str, Pipeline] = {}
    queues: dict[str, QueueSpec] = {}
    jobs: dict[str, tuple[Stanza, ...]] = {}
    semaphores: dict[str, int] = {}
    templates: dict[str, tuple[Stanza, ...]] = {}
    for stanza in stanzas:
        match stanza.kind:
            case "pipeline":
                _new(stanza, pipelines)
                pipelines[stanza.name] = _pipeline(stanza)
            case "queue":
                _new(stanza, queues)
                queues[stanza.name] = _queue(stanza)
            case "job":
                check(stanza.name, stanza.body, stanza.place)
                jobs[stanza.name] = (*jobs.get(stanza.name, ()), stanza)
            case "semaphore":
                _new(stanza, semaphores)
                semaphores[stanza.name] = _semaphore(stanza)
            case "project-template":
                templates[stanza.name] = (*templates.get(stanza.name, ()), stanza)
            case "project" | "nodeset" | "pragma":
                pass
            case _:
                raise ConfigurationError(f"{stanza.place}: the gate does not read {stanza.kind} objects yet")
    projects = _projects(stanzas, names_of_projects, templates, frozenset(pipelines))
    for project in projects.values():
        for name in (name for part in project.stanzas for name in part.queues):
            queues.setdefault(name, QueueSpec(name))
    return Layout(pipelines, projects, queues, jobs, semaphores)


def _new(stanza: Stanza, known: Mapping[str, object]) -> None:
    if stanza.name in known:
        raise ConfigurationError(f"{stanza.place}: {stanza.kind} {stanza.name} stands twice")


def _semaphore(stanza: Stanza) -> int:
    only(stanza.body, _SEMAPHORE, stanza.place, "semaphore")
    most = whole(stanza.body.get("max", 1), stanza.place, "max")
    if most < 1:
        raise ConfigurationError(f"{stanza.place}: semaphore {stanza.name}: max must be at least 1")
    return most


# ---- pipelines


def _pipeline(stanza: Stanza) -> Pipeline:
    body, place = stanza.body, stanza.place
    only(body, _PIPELINE, place, "pipeline")
    try:
        manager = Manager(body.get("manager"))
    except ValueError:
        known = ", ".join(one.value for one in Manager)
        raise ConfigurationError(f"{place}: manager {body.get('manager')!r} is none of {known}") from None
    precedence = body.get("precedence", "normal")
    if precedence not in _PRECEDENCE:
        raise ConfigurationError(f"{place}: precedence {precedence!r} is none of {', '.join(_PRECEDENCE)}")
    reject = body.get("reject")
    return Pipeline(
        name=stanza.name,
        manager=manager,
        precedence=_PRECEDENCE[str(precedence)],
        triggers=_triggers(body.get("trigger"), place),
        require=_requirement(body.get("require"), place) or Requirement(),
        reject=_requirement(reject, place),
        voices=_voices(body, place),
        window=_window(body, place),
        supercedes=names(body.get("supercedes"), place, "supercedes"),
        dequeue_on_new_patchset=truth(body.get("dequeue-on-new-patchset", True), place, "dequeue-on-new-patchset"),
        ignore_dependencies=truth(body.get("ignore-dependencies", False), place, "ignore-dependencies"),
    )


def _voices(body: Mapping[str, object], place: str) -> dict[str, Voice]:
    """Reporters; a conflict and a configuration error are told like a failure unless they have their own (Zuul)."""
    found: dict[str, Voice] = {}
    for key, kind in _REPORTS.items():
        if key in body:
            found[kind] = _voice(body[key], place, key)
    if "failure" in found:
        found.setdefault("conflict", found["failure"])
        found.setdefault("config", found["failure"])
    return found


def _voice(value: object, place: str, key: str) -> Voice:
    settings = _of_connection(value, place, key)
    votes: list[tuple[str, int]] = []
    submit, comment = False, True
    for name, setting in settings.items():
        if name == "submit":
            submit = truth(setting, place, f"{key}: submit")
        elif name == "comment":
            comment = truth(setting, place, f"{key}: comment")
        else:
            votes.append((name, whole(setting, place, f"{key}: {name}")))
    return Voice(tuple(votes), submit, comment)


def _of_connection(value: object, place: str, key: str) -> Mapping[str, object]:
    if value is None:
        return {}
    body = mapping(value, place, key)
    others = sorted(set(body) - {CONNECTION})
    if others:
        raise ConfigurationError(f"{place}: {key}: there is no connection named {others[0]}, only {CONNECTION}")
    return mapping(body.get(CONNECTION) or {}, place, key)


def _triggers(value: object, place: str) -> tuple[Trigger, ...]:
    if value is None:
        return ()
    body = mapping(value, place, "trigger")
    others = sorted(set(body) - {CONNECTION})
    if others:
        raise ConfigurationError(f"{place}: trigger: {others[0]}: only events of {CONNECTION} are built")
    return tuple(_trigger(mapping(item, place, "trigger"), place) for item in listed(body.get(CONNECTION)))


def _trigger(body: Mapping[str, object], place: str) -> Trigger:
    only(body, _TRIGGER, place, "trigger")
    events = names(body.get("event"), place, "event")
    unknown = [name for name in events if name not in _EVENTS]
    if unknown or not events:
        raise ConfigurationError(
            f"{place}: trigger: event {', '.join(unknown) or 'is missing'}", hint=f"known: {', '.join(sorted(_EVENTS))}"
        )
    return Trigger(
        events=events,
        approvals=_event_approvals(body.get("approval"), place),
        comments=patterns(body.get("comment"), place),
        branches=patterns(body.get("branch"), place),
        refs=patterns(body.get("ref"), place),
        usernames=patterns(body.get("username"), place),
        require=_approvals(body.get("require-approval"), place),
        reject=_approvals(body.get("reject-approval"), place),
    )


def _event_approvals(value: object, place: str) -> tuple[tuple[str, int], ...]:
    pairs: list[tuple[str, int]] = []
    for item in listed(value):
        for label, vote in mapping(item, place, "approval").items():
            pairs.append((label, whole(vote, place, label)))
    return tuple(pairs)


def _requirement(value: object, place: str) -> Requirement | None:
    if value is None:
        return None
    body = _of_connection(value, place, "require")
    only(body, _REQUIRE, place, "require")

    def flag(key: str) -> bool | None:
        return truth(body[key], place, key) if key in body else None

    return Requirement(
        open=flag("open"),
        current_patchset=flag("current-patchset"),
        wip=flag("wip"),
        status=names(body.get("status"), place, "status"),
        approvals=_approvals(body.get("approval"), place),
    )


def _approvals(value: object, place: str) -> tuple[Approval, ...]:
    return tuple(_approval(mapping(item, place, "approval"), place) for item in listed(value))


def _approval(body: Mapping[str, object], place: str) -> Approval:
    labels: list[tuple[str, tuple[int, ...]]] = []
    username: Pattern | None = None
    ages: dict[str, float] = {}
    for key, value in body.items():
        if key == "username":
            username = pattern(value, place)
        elif key in ("older-than", "newer-than"):
            ages[key] = duration(value, place)
        elif key == "email":
            raise ConfigurationError(f"{place}: approval: email is not built yet; use username")
        else:
            labels.append((key, tuple(whole(one, place, key) for one in listed(value))))
    return Approval(tuple(labels), username, ages.get("older-than"), ages.get("newer-than"))


def _window(body: Mapping[str, object], place: str) -> WindowRule:
    def number(key: str, default: int, least: int) -> int:
        value = whole(body.get(key, default), place, key)
        if value < least:
            raise ConfigurationError(f"{place}: {key} must be at least {least}")
        return value

    def exponential(key: str, default: str) -> bool:
        value = body.get(key, default)
        if value not in ("linear", "exponential"):
            raise ConfigurationError(f"{place}: {key}: {value!r} is neither linear nor exponential")
        return value == "exponential"

    ceiling = body.get("window-ceiling")
    return WindowRule(
        size=number("window", 20, 0),
        floor=number("window-floor", 3, 1),
        ceiling=None if ceiling is None else number("window-ceiling", 0, 1),
        increase=number("window-increase-factor", 1, 0),
        increase_exponential=exponential("window-increase-type", "linear"),
        decrease=number("window-decrease-factor", 2, 1),
        decrease_exponential=exponential("window-decrease-type", "exponential"),
    )


# ---- queues and projects


def _queue(stanza: Stanza) -> QueueSpec:
    body, place = stanza.body, stanza.place
    only(body, _QUEUE, place, "queue")
    kind = body.get("type", _QUEUE_TYPES[0])
    if kind not in _QUEUE_TYPES:
        raise ConfigurationError(f"{place}: type {kind!r} is none of {', '.join(_QUEUE_TYPES)}")
    if "type" in body and "per-branch" in body:
        raise ConfigurationError(f"{place}: queue: type and per-branch exclude each other")
    return QueueSpec(
        stanza.name,
        per_branch=truth(body.get("per-branch", kind == "per-branch"), place, "per-branch"),
        assigned=kind == "branch-assigned",
        cycles=truth(body.get("allow-circular-dependencies", False), place, "allow-circular-dependencies"),
    )


def _projects(
    stanzas: Sequence[Stanza],
    others: Iterable[str],
    templates: Mapping[str, tuple[Stanza, ...]],
    pipelines: frozenset[str],
) -> dict[str, Project]:
    """All projects. Those that a pattern means have its stanza after those that name them (Zuul)."""
    named: dict[str, list[ProjectStanza]] = {}
    by_pattern: list[tuple[Pattern, ProjectStanza]] = []
    for stanza in stanzas:
        if stanza.kind != "project":
            continue
        if not stanza.name:
            raise ConfigurationError(f"{stanza.place}: a project object of the layout names its project")
        part = _project(stanza, templates, pipelines)
        if stanza.name.startswith("^"):
            by_pattern.append((pattern(stanza.name, stanza.place), part))
        else:
            named.setdefault(stanza.name, []).append(part)
    for name in sorted({*others, *named} if by_pattern else ()):
        parts = [part for meant, part in by_pattern if matches_whole(meant.regex, name)]
        if parts:
            named.setdefault(name, []).extend(parts)
    return {name: Project(name, tuple(parts)) for name, parts in named.items()}


def _project(stanza: Stanza, templates: Mapping[str, tuple[Stanza, ...]], pipelines: frozenset[str]) -> ProjectStanza:
    """One project object, after the templates that it uses."""
    layers: list[Stanza] = []
    for name in names(stanza.body.get("templates"), stanza.place, "templates"):
        if name not in templates:
            raise ConfigurationError(f"{stanza.place}: there is no project-template {name}")
        layers += templates[name]
    queues: list[str] = []
    sections: dict[str, ProjectPipeline] = {}
    for layer in (*layers, stanza):
        at = 0 if layer is stanza else len(queues)
        if "queue" in layer.body:
            queues.insert(at, text(layer.body["queue"], layer.place, "queue"))
        for key, value in layer.body.items():
            if key in _PROJECT_META:
                continue
            if key not in pipelines:
                raise ConfigurationError(f"{layer.place}: project: unknown key or pipeline {key}")
            body = mapping(value or {}, layer.place, key)
            only(body, _SECTION, layer.place, key)
            if "queue" in body:
                queues.insert(at, text(body["queue"], layer.place, "queue"))
            sections[key] = _section(sections.get(key) or ProjectPipeline(), body, layer.place)
    return ProjectStanza(patterns(stanza.body.get("branches"), stanza.place), tuple(queues), sections)


def _section(before: ProjectPipeline, body: Mapping[str, object], place: str) -> ProjectPipeline:
    jobs = [*before.jobs]
    for item in listed(body.get("jobs")):
        if isinstance(item, str):
            jobs.append((item, {}, place))
        elif isinstance(item, Mapping) and len(item) == 1:
            name, settings = next(iter(item.items()))
            body_of = mapping(settings or {}, place, str(name))
            check(text(name, place, "jobs"), body_of, place)
            jobs.append((text(name, place, "jobs"), body_of, place))
        else:
            raise ConfigurationError(f"{place}: an entry of a job list is a name, or a name with its own settings")
    fail_fast = before.fail_fast
    if "fail-fast" in body and fail_fast is None:
        fail_fast = truth(body["fail-fast"], place, "fail-fast")
    return ProjectPipeline(tuple(jobs), fail_fast)
