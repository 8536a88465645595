"""Random worlds, as the values of a scenario file: the same seed makes the same world; nothing is played here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Values = dict[str, Any]
Step = dict[str, Any]

_CRASHES = ("merge", "request_node", "start_build", "cancel_build", "report", "submit")

LAYOUTS: dict[str, list[Values]] = {}
"""Filled below: name → objects of a layout."""


@dataclass(frozen=True, slots=True)
class Dice:
    """The choices of one world. :ivar foreign: whether others push to the branches or submit by hand."""

    random: Random
    names: tuple[str, ...]
    layout: str
    foreign: bool

    def change(self) -> str:
        """Any change."""
        return self.random.choice(self.names)

    def some(self, most: int) -> list[str]:
        """A few different changes."""
        return self.random.sample(self.names, self.random.randint(1, min(most, len(self.names))))


def world(seed: str, policy: str | None = None) -> Values:
    """The values of a scenario: projects, changes, rules and what happens to them."""
    random = Random(seed)  # noqa: S311 - a repeatable world, not a secret
    policy = policy or random.choice(("classic", "classic", "default"))
    names = tuple("ABCDEFGHIJ"[: random.randint(2, 7)])
    layout = random.choice(tuple(LAYOUTS))
    dice = Dice(random, names, layout, foreign=policy != "classic" and random.random() < 0.5)
    changes = _changes(dice)
    builds: Values = {"rules": _rules(dice)}
    if random.random() < 0.8:
        builds["hold"] = True
    else:
        builds["durations"] = {job: f"{random.randint(1, 30)}m" for job in ("unit", "integ", "merge", "p", "p1")}
    if random.random() < 0.15:
        builds["nodes"] = "hold"
    steps = [_step(dice, builds) for _ in range(random.randint(6, 22))]
    steps.insert(0, {"approve": random.sample(names, len(names))})
    return {
        "scenario": f"random {seed}",
        "layout": layout,
        "policy": policy,
        "changes": changes,
        "builds": builds,
        "steps": steps,
    }


def _changes(dice: Dice) -> Values:
    random = dice.random
    projects = _PROJECTS[dice.layout]
    found: Values = {}
    for at, name in enumerate(dice.names):
        change: Values = {"project": random.choice(projects)}
        if random.random() < 0.1:
            change["branch"] = "stable"
        earlier = [n for n in dice.names[:at] if _same_place(found[n], change)]
        if earlier and random.random() < 0.3:
            change["parent"] = random.choice(earlier)
        if random.random() < 0.25:
            change["depends_on"] = [n for n in dice.some(2) if n != name]
        if random.random() < 0.12:
            change["conflicts"] = [n for n in dice.some(1) if n != name]
        if random.random() < 0.3:
            change["approved"] = True
        if random.random() < 0.1:
            change["submit"] = random.choice(("refused", "forbidden"))
        if random.random() < 0.3:
            change["files"] = random.sample(("src/a", "src/b", "doc/a"), random.randint(1, 2))
        found[name] = change
    return found


def _same_place(one: Values, other: Values) -> bool:
    return (one["project"], one.get("branch")) == (other["project"], other.get("branch"))


def _rules(dice: Dice) -> list[Values]:
    random = dice.random
    found: list[Values] = []
    for _ in range(random.randint(0, 4)):
        rule: Values = {"result": random.choice(_RESULTS)}
        if random.random() < 0.7:
            rule["job"] = random.choice(("unit", "integ", "merge", "t1", "nv", "p", "p1"))
        if random.random() < 0.6:
            rule["contains"] = dice.some(2)
        if random.random() < 0.3:
            rule["change"] = dice.change()
        if rule["result"] in ("LOST", "STOPPED") or random.random() < 0.4:
            rule["times"] = random.randint(1, 3)
        if random.random() < 0.1:
            rule["early"] = True
        if random.random() < 0.1:
            rule["returns"] = {"pause": True}
        found.append(rule)
    return found


_RESULTS = ("FAILURE", "FAILURE", "FAILURE", "TIMED_OUT", "POST_FAILURE", "LOST", "STOPPED", "NODE_FAILURE", "SUCCESS")


def _step(dice: Dice, builds: Values) -> Step:
    random = dice.random
    kinds = [*_COMMON, *(_FOREIGN if dice.foreign else ())]
    make, _ = random.choices(kinds, weights=[weight for _, weight in kinds])[0]
    return make(dice)


def _approve(dice: Dice) -> Step:
    event = dice.random.random()
    if event < 0.08:
        return {"approve": {"change": dice.change(), "event": "lost"}}
    if event < 0.16:
        return {"approve": {"change": dice.change(), "event": "twice"}}
    return {"approve": dice.some(4)}


def _release(dice: Dice) -> Step:
    kind = dice.random.random()
    if kind < 0.35:
        return {"release": {"change": dice.change()}}
    if kind < 0.6:
        return {"release": {"job": dice.random.choice(("unit", "integ", "merge", "t1", "p"))}}
    if kind < 0.8:
        return {"release": {}}
    return {"release": "all"}


def _vote(dice: Dice) -> Step:
    label, value = dice.random.choice((("Code-Review", 2), ("Code-Review", -2), ("Code-Review", 0), ("Workflow", -1)))
    by = dice.random.choice(("reviewer", "reviewer", "somebody"))
    return {"vote": {"change": dice.change(), "label": label, "value": value, "by": by}}


def _patchset(dice: Dice) -> Step:
    change: Values = {"change": dice.change(), "votes": {"Code-Review": 2}}
    if dice.random.random() < 0.3:
        change["depends_on"] = [name for name in dice.some(2) if name != change["change"]]
    if dice.random.random() < 0.2:
        change["conflicts"] = []
    return {"patchset": change}


def _operator(dice: Dice) -> Step:
    random = dice.random
    projects = _PROJECTS[dice.layout]
    return {
        "operator": random.choice(
            (
                {"dequeue": dice.change()},
                {"promote": dice.some(3)},
                {"enqueue": dice.change(), "pipeline": "gate"},
                {"pause": random.choice(_QUEUES[dice.layout])},
                {"resume": random.choice(_QUEUES[dice.layout])},
                {"hold": {"project": random.choice(projects), "job": "unit", "count": random.randint(1, 2)}},
            )
        )
    }


def _nodes(dice: Dice) -> Step:
    return {"nodes": dice.random.choice(({"release": 1}, {"free": 2}, {"release": {"job": "unit"}}, "release"))}


def _crash(dice: Dice) -> Step:
    return {"crash": "now" if dice.random.random() < 0.2 else {"after": dice.random.choice(_CRASHES)}}


def _one(verb: str) -> Callable[[Dice], Step]:
    return lambda dice: {verb: dice.change()}


def _reload(dice: Dice) -> Step:
    return {"reload": "same" if dice.random.random() < 0.5 else dice.random.choice(tuple(LAYOUTS))}


def _set(dice: Dice) -> Step:
    return {"set": {"change": dice.change(), "submit": dice.random.choice(("ok", "refused"))}}


def _push(dice: Dice) -> Step:
    name = f"X{dice.random.randint(1, 99)}"
    step: Values = {"project": dice.random.choice(_PROJECTS[dice.layout]), "name": name}
    if dice.random.random() < 0.3:
        step["conflicts"] = dice.some(1)
    return {"push": step}


_COMMON: tuple[tuple[Callable[[Dice], Step], int], ...] = (
    (_approve, 30),
    (_release, 26),
    (_vote, 4),
    (_patchset, 4),
    (_one("event"), 3),
    (_one("upload"), 3),
    (_one("withdraw"), 2),
    (_one("abandon"), 2),
    (_one("restore"), 2),
    (_one("wip"), 1),
    (_one("ready"), 1),
    (_operator, 8),
    (_nodes, 4),
    (_crash, 7),
    (_reload, 2),
    (_set, 2),
    (lambda dice: {"advance": f"{dice.random.randint(1, 25)}m"}, 5),
    (lambda dice: {"announce": {"change": dice.change()}}, 2),
)
_FOREIGN: tuple[tuple[Callable[[Dice], Step], int], ...] = ((_push, 5), (_one("submit"), 3))


# ---- layouts


def _pipelines(**gate: Any) -> list[Values]:
    approval = {"event": "comment-added", "approval": [{"Workflow": 1}]}
    return [
        {
            "pipeline": {
                "name": "gate",
                "manager": "dependent",
                "precedence": "high",
                "trigger": {"gerrit": [approval]},
                "require": {"gerrit": {"open": True, "current-patchset": True, "approval": [{"Workflow": 1}]}},
                "start": {"gerrit": {"Verified": 0}},
                "success": {"gerrit": {"Verified": 2, "submit": True}},
                "failure": {"gerrit": {"Verified": -2}},
                **gate,
            }
        },
        {
            "pipeline": {
                "name": "check",
                "manager": "independent",
                "trigger": {"gerrit": [{"event": "patchset-created"}]},
                "success": {"gerrit": {"Verified": 1}},
                "failure": {"gerrit": {"Verified": -1}},
            }
        },
        {
            "pipeline": {
                "name": "post",
                "manager": "supercedent",
                "trigger": {"gerrit": [{"event": "ref-updated", "ref": "^refs/heads/"}]},
            }
        },
    ]


def _job(name: str, **settings: Any) -> Values:
    return {"job": {"name": name, **settings}}


def _project(name: str, jobs: list[Any], queue: str = "", *, fast: bool = False) -> Values:
    gate: Values = {"jobs": jobs, "fail-fast": fast}
    body: Values = {"name": name, "gate": gate, "check": {"jobs": jobs}, "post": {"jobs": ["nv"]}}
    return {"project": {**body, "queue": queue} if queue else body}


_JOBS = [
    _job("base", parent=None),
    _job("unit"),
    _job("integ", files=["^src/"]),
    _job("nv", voting=False),
    _job("merge", **{"hold-following-changes": True}),
    _job("t1", semaphores=["lab"]),
    _job("p", provides="image"),
    _job("p1", requires="image", **{"irrelevant-files": ["^doc/"]}),
]
_STAGED = ["merge", {"t1": {"dependencies": "merge"}}, {"unit": {"dependencies": "merge"}}]
LAYOUTS["flat"] = [
    *_pipelines(),
    *_JOBS,
    {"queue": {"name": "twins", "allow-circular-dependencies": True}},
    _project("P", ["unit", "integ", "nv"]),
    _project("P1", ["unit", "p", "p1"], "twins"),
    _project("P2", ["unit", "integ"], "twins"),
]
LAYOUTS["staged"] = [
    *_pipelines(**{"window": 3, "window-floor": 1}),
    *_JOBS,
    {"queue": {"name": "twins"}},
    {"semaphore": {"name": "lab", "max": 2}},
    _project("P", _STAGED, fast=True),
    _project("P1", _STAGED, "twins"),
    _project("P2", [*_STAGED, "nv"], "twins"),
]
LAYOUTS["ring"] = [
    *_pipelines(supercedes="check"),
    *_JOBS,
    {"queue": {"name": "ring", "allow-circular-dependencies": True}},
    _project("P", ["p", "p1"], "ring"),
    _project("P1", ["unit", "t1", {"integ": {"dependencies": [{"name": "unit", "soft": True}]}}], "ring"),
    _project("P2", ["unit", "merge"], "ring"),
]
_PROJECTS = dict.fromkeys(LAYOUTS, ("P", "P1", "P2"))
_QUEUES = {"flat": ("P", "twins"), "staged": ("P", "twins"), "ring": ("ring",)}
