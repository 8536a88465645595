"""One pipeline of Zuul's configuration → the pipeline as the gate runs it, with what it cannot follow, in words.

Only what one connection to a Gerrit says and hears is carried out; the rest is read and inert. A part of it that Zuul
has and the gate has not makes the trigger or the requirement that it stands in inert, never the whole pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from gatelocal.jobs.zuul import timers
from gatelocal.jobs.zuul.checks import REPORTS, listed, names
from gatelocal.jobs.zuul.definitions import Definition
from gatelocal.jobs.zuul.match import pattern_of
from gatelocal.model.layout import Approval, Manager, Pipeline, Requirement, Trigger, Voice, WindowRule
from gatelocal.model.pattern import Pattern, pattern_problem

_PRECEDENCE = {"high": 0, "normal": 1, "low": 2}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_KINDS = {"merge-conflict": "conflict", "config-error": "config"}
_EVENTS = frozenset(
    (
        "patchset-created comment-added change-abandoned change-restored change-merged wip-state-changed ref-updated"
    ).split()
)
_OTHER_EVENTS = frozenset("draft-published pending-check vote-deleted hashtags-changed".split())
_TRIGGER = frozenset(
    (
        "event approval comment branch ref username require-approval reject-approval ignore-deletes debug"
        " comment_filter username_filter"
    ).split()
)
_OTHER_TRIGGER = frozenset("email email_filter approval-change added removed uuid scheme require reject".split())
_REQUIRE = frozenset("open current-patchset wip status approval".split())
_SILENT = frozenset("submit comment notify checks-api".split())
"""What a Gerrit reporter says besides votes."""


class NotTaken(Exception):
    """Zuul would not take the pipeline."""


class _Unbuilt(Exception):
    """Zuul has it, the gate has not."""


def pipeline_of(definition: Definition, connection: str, *, clock: bool = False) -> tuple[Pipeline, tuple[str, ...]]:
    """The pipeline, and what of it is inert here, each one sentence.

    :param connection: the name that the configuration has for the Gerrit whose gate this is.
    :param clock: somebody else sees to its timers, so that they are not inert.
    :raises NotTaken: with what is wrong with it.
    """
    body = definition.body
    inert: list[str] = []
    required = _requirement(body, "require", connection, inert)
    return (
        Pipeline(
            name=definition.name,
            manager=Manager(body["manager"]),
            precedence=_PRECEDENCE[str(body.get("precedence", "normal"))],
            triggers=tuple(_triggers(_without_timers(body, clock=clock), connection, inert)),
            require=required or Requirement(),
            reject=_requirement(body, "reject", connection, inert),
            voices=_voices(body, connection, inert),
            window=_window(body),
            supercedes=names(body.get("supercedes")),
            dequeue_on_new_patchset=body.get("dequeue-on-new-patchset") is not False,
            ignore_dependencies=body.get("ignore-dependencies") is True,
        ),
        tuple(inert),
    )


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise NotTaken(f"{where}: not a mapping")
    return value


def _of(value: object, connection: str, where: str, inert: list[str]) -> object:
    """What is said for our own connection; the others are told as inert."""
    body = _mapping(value, where)
    inert.extend(
        f"{where}: {name}: only {connection} is heard and spoken to here" for name in body if name != connection
    )
    return body.get(connection)


# ---- what it says


def _voices(body: Mapping[str, object], connection: str, inert: list[str]) -> dict[str, Voice]:
    """Reporters; a conflict and a configuration error are told like a failure unless they have their own (Zuul)."""
    found: dict[str, Voice] = {}
    for key in REPORTS:
        said = _mapping(body.get(key), key)
        own = _of(said, connection, key, inert)
        if connection in said:
            found[_KINDS.get(key, key)] = _voice(own, key)
    for kind, key in (("conflict", "merge-conflict"), ("config", "config-error")):
        if "failure" in found and not body.get(key):
            found[kind] = found["failure"]
    return found


def _voice(value: object, where: str) -> Voice:
    settings = _mapping(value, where)
    votes = []
    for label, vote in settings.items():
        if label not in _SILENT:
            votes.append((label, _whole(vote, f"{where}: {label}")))
    return Voice(tuple(votes), settings.get("submit") is True, settings.get("comment") is not False)


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise NotTaken(f"{where}: {value!r} is not a whole number"[:300])
    return value


# ---- what it hears


def _without_timers(body: Mapping[str, object], *, clock: bool) -> object:
    value = body.get("trigger")
    if not clock or not isinstance(value, Mapping):
        return value
    return {name: said for name, said in value.items() if name != timers.KEY}


def _triggers(value: object, connection: str, inert: list[str]) -> Iterable[Trigger]:
    for item in listed(_of(value, connection, "trigger", inert)):
        try:
            yield _trigger(_mapping(item, "trigger"))
        except _Unbuilt as other:
            inert.append(f"trigger: {other}")


def _trigger(body: Mapping[str, object]) -> Trigger:
    _only(body, _TRIGGER, _OTHER_TRIGGER, "trigger")
    events = names(body.get("event"))
    if not events or (strange := [one for one in events if one not in _EVENTS | _OTHER_EVENTS]):
        raise NotTaken(f"trigger: event: {strange[0]} is none of Gerrit's" if events else "trigger: it names no event")
    if unbuilt := [one for one in events if one in _OTHER_EVENTS]:
        raise _Unbuilt(f"the event {unbuilt[0]} is not followed yet")
    return Trigger(
        events=events,
        approvals=tuple(
            (label, _whole(vote, f"approval: {label}"))
            for item in listed(body.get("approval"))
            for label, vote in _mapping(item, "approval").items()
        ),
        comments=_patterns(body.get("comment", body.get("comment_filter"))),
        branches=_patterns(body.get("branch")),
        refs=_patterns(body.get("ref")),
        usernames=_patterns(body.get("username", body.get("username_filter"))),
        require=_approvals(body.get("require-approval")),
        reject=_approvals(body.get("reject-approval")),
    )


def _only(body: Mapping[str, object], built: frozenset[str], known: frozenset[str], where: str) -> None:
    if strange := sorted(set(body) - built - known):
        raise NotTaken(f"{where}: {strange[0]!r} is no key that Zuul knows here"[:300])
    if unbuilt := sorted(set(body) & known):
        raise _Unbuilt(f"{unbuilt[0]} is not looked at yet")


def _patterns(value: object) -> tuple[Pattern, ...]:
    items = listed(value)
    for item in items:
        if problem := pattern_problem(item):
            raise _Unbuilt(problem)
    return tuple(pattern_of(item) for item in items)


# ---- what it asks for


def _requirement(body: Mapping[str, object], key: str, connection: str, inert: list[str]) -> Requirement | None:
    said = _of(body.get(key), connection, key, inert)
    if connection not in _mapping(body.get(key), key):
        return None
    settings = _mapping(said, key)
    try:
        _only(settings, _REQUIRE, frozenset(("hashtags",)), key)
        approvals = _approvals(settings.get("approval"))
    except _Unbuilt as other:
        inert.append(f"{key}: {other}")
        return Requirement(unknown=str(other))
    return Requirement(
        open=_flag(settings, "open"),
        current_patchset=_flag(settings, "current-patchset"),
        wip=_flag(settings, "wip"),
        status=names(settings.get("status")),
        approvals=approvals,
    )


def _flag(body: Mapping[str, object], key: str) -> bool | None:
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise NotTaken(f"{key}: neither true nor false")
    return value


def _approvals(value: object) -> tuple[Approval, ...]:
    return tuple(_approval(_mapping(item, "approval")) for item in listed(value))


def _approval(body: Mapping[str, object]) -> Approval:
    if "email" in body:
        raise _Unbuilt("approval: email is not looked at yet")
    username = _patterns(body["username"])[0] if "username" in body else None
    ages = {key: _duration(body[key]) for key in ("older-than", "newer-than") if key in body}
    labels = tuple(
        (key, tuple(_whole(one, key) for one in listed(value)))
        for key, value in body.items()
        if key not in ("username", "older-than", "newer-than")
    )
    return Approval(labels, username, ages.get("older-than"), ages.get("newer-than"))


def _duration(value: object) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", str(value))
    if found is None or isinstance(value, bool):
        raise NotTaken(f"{value!r} is no length of time such as 40m"[:300])
    return float(found[1]) * _SECONDS[found[2] or "s"]


# ---- how much at once


def _window(body: Mapping[str, object]) -> WindowRule:
    number: Callable[[str, int], int] = lambda key, default: _whole(body.get(key, default), key)  # noqa: E731
    ceiling = body.get("window-ceiling")
    return WindowRule(
        size=number("window", 20),
        floor=number("window-floor", 3),
        ceiling=None if ceiling is None else number("window-ceiling", 0),
        increase=number("window-increase-factor", 1),
        increase_exponential=body.get("window-increase-type") == "exponential",
        decrease=number("window-decrease-factor", 2),
        decrease_exponential=body.get("window-decrease-type", "exponential") == "exponential",
    )
