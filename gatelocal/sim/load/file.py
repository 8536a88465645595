"""The load file: what comes at the gate, as frozen values, with the layout for it; nothing is played here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gatelocal.errors import GateError
from gatelocal.model.stanza import Stanza
from gatelocal.pipeline.policies import Policy, policy_of
from gatelocal.sim.configuration import Configuration, configuration
from gatelocal.sim.lined import ScenarioError, Value, load, root
from gatelocal.sim.plain import NotPlain, text_of

T = TypeVar("T")

HOUR = 3600.0

_KEYS = (
    "load",
    "about",
    "approvals_per_hour",
    "hours",
    "jobs",
    "areas",
    "bad",
    "flakes",
    "nodes",
    "again",
    "repair",
    "policies",
    "seeds",
)
_MOST_APPROVALS = 1_000_000


@dataclass(frozen=True, slots=True)
class JobLoad:
    """One job that every change runs, in seconds; all lengths between the two are as probable.

    :ivar files: whether it declares its inputs; then there is one variant of it for each area of the code, and a
        change runs that of the area it touches.
    """

    name: str
    shortest: float
    longest: float
    files: bool = True

    def variant(self, area: int, areas: int) -> str:
        """The name that it has in that area."""
        return f"{self.name}-{area}" if self.files and areas > 1 else self.name


@dataclass(frozen=True, slots=True)
class Load:
    """What comes at the gate. Times in seconds.

    :ivar rate: approvals a second. :ivar lasting: for how long they come.
    :ivar areas: into how many areas the code is divided for a job: two changes have an input of it in common with a
        chance of 1 in that many. Each number is a part of the table of its own; with 1 no job has ``files``.
    :ivar bad: share of changes that break one job wherever they are in its inputs. :ivar flakes: chances that a build
        fails by itself; each is a part of the table of its own. :ivar nodes: builds at once, 0 without a limit.
    :ivar again: when a good change that was rejected is approved again. :ivar repair: when a person resumes a queue
        that has paused itself.
    """

    name: str
    rate: float
    lasting: float
    jobs: tuple[JobLoad, ...]
    policies: Mapping[str, Policy]
    areas: tuple[int, ...] = (1,)
    bad: float = 0.0
    flakes: tuple[float, ...] = (0.0,)
    nodes: int = 0
    again: float = HOUR
    repair: float = HOUR / 4
    seeds: int = 1


def read(path: Path, policy: str | None = None) -> Load:
    """Read a load file.

    :param policy: the name of one that takes the place of the file's.
    :raises gatelocal.sim.lined.ScenarioError: it cannot be understood. :raises OSError: it cannot be read.
    """
    try:
        text = text_of(path)
    except NotPlain as error:
        raise ScenarioError(1, str(error)) from None
    top = root(load(text)).mapping(_KEYS, ("load", "approvals_per_hour", "hours", "jobs"))

    def given(key: str, meaning: Callable[[Value], T], otherwise: T) -> T:
        return meaning(top[key]) if key in top else otherwise

    return Load(
        top["load"].text(),
        _rate(top["approvals_per_hour"], top["hours"]) / HOUR,
        _number(top["hours"]) * HOUR,
        _all_jobs(top["jobs"]),
        {policy: policy_of(policy)} if policy else _policies(top.get("policies")),
        given("areas", lambda value: tuple(one.whole(1) for one in _some(value)), (1,)),
        given("bad", _share, 0.0),
        given("flakes", lambda value: tuple(_share(one) for one in _some(value)), (0.0,)),
        given("nodes", lambda value: value.whole(0), 0),
        given("again", _later, HOUR),
        given("repair", _later, HOUR / 4),
        given("seeds", lambda value: value.whole(1), 1),
    )


def _rate(rate: Value, hours: Value) -> float:
    if _number(rate) * _number(hours) > _MOST_APPROVALS:
        raise rate.fail(f"more than {_MOST_APPROVALS} approvals in all")
    return _number(rate)


def _number(value: Value) -> float:
    """A number above nothing."""
    if isinstance(value.raw, bool) or not isinstance(value.raw, int | float) or not 0 < value.raw < 1e9:
        raise value.fail("expected a number greater than 0")
    return float(value.raw)


def _share(value: Value) -> float:
    if isinstance(value.raw, bool) or not isinstance(value.raw, int | float) or not 0 <= value.raw < 1:
        raise value.fail("expected a share: at least 0 and less than 1, such as 0.02")
    return float(value.raw)


def _later(value: Value) -> float:
    if value.seconds() <= 0:
        raise value.fail("expected a length of time greater than 0")
    return value.seconds()


def _some(value: Value) -> list[Value]:
    found = value.one_or_many()
    if not found:
        raise value.fail("expected at least one")
    return found


def _all_jobs(value: Value) -> tuple[JobLoad, ...]:
    jobs = tuple(job for name, one in value.mapping().items() for job in _jobs(name, one))
    if not jobs:
        raise value.fail("expected at least one job")
    if len({job.name for job in jobs}) < len(jobs):
        raise value.fail("two jobs have the same name")
    return jobs


def _jobs(name: str, value: Value) -> Iterator[JobLoad]:
    """One job, or with ``count`` that many of a kind."""
    given = value.mapping(("shortest", "longest", "count", "files"), ("shortest", "longest"))
    times = given["shortest"].seconds(), given["longest"].seconds()
    if times[0] > times[1]:
        raise given["longest"].fail("expected at least the shortest")
    files = given["files"].truth() if "files" in given else True
    if "count" not in given:
        yield JobLoad(name, *times, files)
        return
    for number in range(1, given["count"].whole(1) + 1):
        yield JobLoad(f"{name}{number}", *times, files)


def _policies(value: Value | None) -> dict[str, Policy]:
    if value is None:
        return {"classic": policy_of("classic"), "default": policy_of("default")}
    found = {name: _policy(one) for name, one in value.mapping().items()}
    if not found:
        raise value.fail("expected at least one policy")
    return found


def _policy(value: Value) -> Policy:
    try:
        return policy_of(value.raw)
    except GateError as error:
        raise value.fail(error.brief) from None


def layout(wanted: Load, areas: int) -> Configuration:
    """The layout of a gate that runs these jobs, each once for every area of the code."""
    gate: dict[str, object] = {
        "name": "gate",
        "manager": "dependent",
        "trigger": {"gerrit": [{"event": "comment-added", "approval": [{"Workflow": 1}]}]},
        "require": {"gerrit": {"open": True, "current-patchset": True, "approval": [{"Workflow": 1}]}},
        "success": {"gerrit": {"Verified": 2, "submit": True}},
        "failure": {"gerrit": {"Verified": -2}},
    }
    bodies: dict[str, dict[str, object]] = {}
    for job in wanted.jobs:
        for name in (job.variant(area, areas) for area in range(1, areas + 1)):
            bodies[name] = {"name": name, **({"files": [f"^{name}/"]} if name != job.name else {})}
    base: dict[str, object] = {"name": "base", "parent": None, "run": "run.yaml"}
    objects: list[tuple[str, dict[str, object]]] = [("pipeline", gate), ("job", base)]
    objects += [("job", body) for body in bodies.values()]
    objects.append(("project", {"name": "P", "gate": {"jobs": list(bodies)}}))
    return configuration([Stanza(kind, str(body["name"]), body, "load", 1) for kind, body in objects])
