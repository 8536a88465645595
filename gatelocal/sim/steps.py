"""One step of a scenario file, checked: that it is known, has the right keys and speaks of changes that there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gatelocal.model.record import dataclass
from gatelocal.sim.lined import ScenarioError, Value
from gatelocal.sim.slow import failures, held, selected
from gatelocal.sim.world import CRASH_POINTS

PATCHSET_KEYS = (
    "project",
    "branch",
    "parent",
    "depends_on",
    "files",
    "conflicts",
    "status",
    "wip",
    "votes",
    "approved",
    "submit",
    "urgent",
)
_SET_KEYS = ("change", "submit", "wip", "status", "votes", "approved", "urgent")

Known = frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was checked. :ivar line: where it stands."""

    verb: str
    value: Value
    line: int


def step_of(value: Value, known: Known) -> Step:
    """Understand one step. :raises ScenarioError: it is none."""
    pairs = list(value.mapping().items())
    if len(pairs) != 1:
        raise value.fail("a step is a mapping with one key")
    verb, body = pairs[0]
    if verb not in _CHECKS:
        raise ScenarioError(value.line, f"there is no step {verb}; known: {', '.join(_CHECKS)}")
    _CHECKS[verb](body, known)
    return Step(verb, body, value.line)


def change_name(value: Value, known: Known) -> str:
    """The name of a change that there is, without a patchset."""
    name = value.text()
    if name not in known:
        raise value.fail(f"there is no change {name}")
    return name


def _changes(value: Value, known: Known) -> None:
    for item in value.one_or_many():
        change_name(item, known)


def _approve(value: Value, known: Known) -> None:
    for item in value.one_or_many():
        if item.is_mapping():
            given = item.mapping(("change", "event", "urgent"), ("change",))
            change_name(given["change"], known)
            if "event" in given:
                given["event"].choice("lost", "twice")
            if "urgent" in given:
                given["urgent"].truth()
        else:
            change_name(item, known)


def _event(value: Value, known: Known) -> None:
    if value.is_mapping():
        given = value.mapping(("change", "patchset"), ("change",))
        change_name(given["change"], known)
        if "patchset" in given:
            given["patchset"].whole(1)
    else:
        change_name(value, known)


def _vote(value: Value, known: Known) -> None:
    given = value.mapping(("change", "label", "value", "by"), ("change", "label", "value"))
    change_name(given["change"], known)
    given["label"].text()
    given["value"].whole()
    if "by" in given:
        given["by"].text()


def _comment(value: Value, known: Known) -> None:
    given = value.mapping(("change", "text"), ("change", "text"))
    change_name(given["change"], known)
    given["text"].text()


def _patchset(value: Value, known: Known) -> None:
    if value.is_mapping():
        given = value.mapping(("change", *PATCHSET_KEYS), ("change",))
        change_name(given["change"], known)
        for key in ("parent", "depends_on"):
            for name in given[key].names() if key in given and given[key].raw is not None else ():
                if name not in known:
                    raise given[key].fail(f"there is no change {name}")
    else:
        change_name(value, known)


def _push(value: Value, known: Known) -> None:
    given = value.mapping(("project", "branch", "name", "files", "conflicts"), ("project", "name"))
    if given["name"].text() in known:
        raise given["name"].fail("a commit and a change have the same name")
    for key in ("project", "branch"):
        if key in given:
            given[key].text()
    for key in ("files", "conflicts"):
        if key in given:
            given[key].names()


def _set(value: Value, known: Known) -> None:
    given = value.mapping(_SET_KEYS, ("change",))
    change_name(given["change"], known)
    if "submit" in given:
        given["submit"].choice("ok", "refused", "forbidden")
    if "status" in given:
        given["status"].choice("NEW", "MERGED", "ABANDONED")
    for key in ("wip", "approved", "urgent"):
        if key in given:
            given[key].truth()
    if "votes" in given:
        given["votes"].mapping()


def selector(value: Value) -> dict[str, str]:
    """Which builds or requests are meant: ``job``, ``change``, ``pipeline``, all optional."""
    return {key: item.text() for key, item in value.mapping(("job", "change", "pipeline")).items()}


def _release(value: Value, known: Known) -> None:
    if value.raw == "all":
        return
    for item in value.one_or_many():
        _known_in(item, selector(item), known)


def _known_in(value: Value, chosen: Mapping[str, str], known: Known) -> None:
    name = chosen.get("change")
    if name is not None and " " not in name and re.sub(r"\.\d+$", "", name) not in known:
        raise value.fail(f"there is no change {name}")


def _announce(value: Value, known: Known) -> None:
    _known_in(value, selector(value), known)


def _nodes(value: Value, known: Known) -> None:
    if value.raw == "release":
        return
    given = value.mapping(("release", "free"))
    if len(given) != 1:
        raise value.fail("expected release, {release: N or a selector} or {free: N}")
    if "free" in given:
        given["free"].whole(1)
    elif given["release"].is_mapping():
        _known_in(given["release"], selector(given["release"]), known)
    else:
        given["release"].whole(1)


def _answers(value: Value, known: Known) -> None:
    if not value.is_mapping():
        value.choice("hold", "release")
        return
    given = value.mapping(("hold", "work", "release"))
    if "release" not in given:
        held(value)
    elif len(given) > 1:
        raise value.fail("release stands alone")
    elif given["release"].is_mapping():
        _known_in(given["release"], selected(given["release"]), known)
    elif given["release"].raw != "newest":
        given["release"].whole(1)


def _failing(value: Value, known: Known) -> None:
    failures(value)


def _operator(value: Value, known: Known) -> None:
    given = value.mapping(("dequeue", "promote", "enqueue", "pipeline", "pause", "resume", "hold"))
    verbs = [key for key in given if key != "pipeline"]
    if len(verbs) != 1:
        raise value.fail("one of dequeue, promote, enqueue, pause, resume, hold is expected")
    verb = verbs[0]
    if "pipeline" in given:
        if verb not in ("dequeue", "promote", "enqueue"):
            raise value.fail(f"{verb} names no pipeline")
        given["pipeline"].text()
    match verb:
        case "dequeue" | "enqueue":
            change_name(given[verb], known)
            if verb == "enqueue" and "pipeline" not in given:
                raise value.fail("pipeline is missing")
        case "promote":
            _changes(given[verb], known)
        case "hold":
            wish = given[verb].mapping(("project", "job", "change", "count"), ("project", "job"))
            if "change" in wish:
                change_name(wish["change"], known)
            if "count" in wish:
                wish["count"].whole(1)
        case _:
            given[verb].text()


def _text(value: Value, known: Known) -> None:
    value.text()


def _reload(value: Value, known: Known) -> None:
    if not isinstance(value.raw, list):
        value.text()


def _advance(value: Value, known: Known) -> None:
    value.seconds()


def _crash(value: Value, known: Known) -> None:
    if value.raw == "now":
        return
    after = value.mapping(("after",), ("after",))["after"]
    if isinstance(after.raw, str):
        after.choice(*CRASH_POINTS.values())
    else:
        moments(after)


def moments(value: Value) -> list[int]:
    """How many moments pass until the engine dies, and from there to the next time."""
    counts = [one.whole(1) for one in value.one_or_many()]
    if not counts:
        raise value.fail("expected a number of moments, or several")
    return counts


def _expect(value: Value, known: Known) -> None:
    for key, item in value.mapping(EXPECTATIONS).items():
        _EXPECTED[key](item, known)


def _by_change(check: Callable[[Value], object]) -> Callable[[Value, Known], None]:
    def checked(value: Value, known: Known) -> None:
        for name, entry in value.mapping().items():
            if name not in known:
                raise entry.fail(f"there is no change {name}")
            check(entry)

    return checked


def _counts(value: Value, known: Known) -> None:
    for entry in value.mapping().values():
        entry.whole(0)


def _expected_queue(value: Value, known: Known) -> None:
    for entry in value.mapping().values():
        entry.sequence()


def _expected_trunk(value: Value, known: Known) -> None:
    for entry in value.mapping().values():
        _expected_queue(entry, known)


def _expected_held(value: Value, known: Known) -> None:
    for entry in value.sequence():
        entry.mapping(("job", "change"))


def _sequence(value: Value, known: Known) -> None:
    value.sequence()


def _regex(value: Value) -> None:
    try:
        re.compile(value.text())
    except re.error as error:
        raise value.fail(f"not a regular expression: {error}") from None


def _expected_running(value: Value, known: Known) -> None:
    if isinstance(value.raw, list):
        for entry in value.sequence():
            items = entry.mapping(("job", "change", "pipeline", "items")).get("items")
            if items is not None:
                items.sequence()
    else:
        value.whole(0)


_EXPECTED: Mapping[str, Callable[[Value, Known], None]] = {
    "landed": _sequence,
    "trunk": _expected_trunk,
    "builds": _counts,
    "running": _expected_running,
    "queue": _expected_queue,
    "window": _counts,
    "paused": _sequence,
    "held": _expected_held,
    "messages": _by_change(lambda value: value.whole(0)),
    "status": _by_change(lambda value: value.choice("NEW", "MERGED", "ABANDONED")),
    "why": _by_change(_regex),
}
EXPECTATIONS = tuple(_EXPECTED)

_CHECKS: Mapping[str, Callable[[Value, Known], None]] = {
    "upload": _changes,
    "approve": _approve,
    "event": _event,
    "withdraw": _changes,
    "vote": _vote,
    "comment": _comment,
    "patchset": _patchset,
    "abandon": _changes,
    "restore": _changes,
    "wip": _changes,
    "ready": _changes,
    "push": _push,
    "submit": _changes,
    "set": _set,
    "release": _release,
    "announce": _announce,
    "nodes": _nodes,
    "answers": _answers,
    "failing": _failing,
    "operator": _operator,
    "reload": _reload,
    "advance": _advance,
    "crash": _crash,
    "look": _text,
    "expect": _expect,
}
