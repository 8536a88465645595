"""Random worlds, as the values of a scenario file: the same seed makes the same world; nothing is played here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any

from gatelocal.pipeline.policies import STARRED, Policy
from gatelocal.sim.lots import BUILT_JOBS, LAYOUTS, PROJECTS, QUEUES
from gatelocal.sim.slow import FAILING, SLOW, WORK

Values = dict[str, Any]
Step = dict[str, Any]

_CRASHES = ("merge", "request_node", "start_build", "cancel_build", "report", "submit")
_FITTING = {"batch": ("plain", "synced"), "reuse": ("parts",), "urgent": ("parts",), "overtake": ("parts", "apart")}
"""Switch → layouts in which it often has something to do."""
_SWITCHES = tuple(field.name for field in fields(Policy))


@dataclass(frozen=True, slots=True)
class Dice:
    """The choices of one world.

    :ivar foreign: whether others push to the branches or submit by hand: without ``verify`` nobody would notice.
    :ivar scarce: whether nodes have to be waited for. :ivar slow: whether answers have to be, time and again.
    :ivar passing: whether a change may land before those ahead of it.
    """

    random: Random
    names: tuple[str, ...]
    layout: str
    foreign: bool
    scarce: bool
    slow: bool
    passing: bool = False

    def change(self) -> str:
        """Any change."""
        return self.random.choice(self.names)

    def some(self, most: int) -> list[str]:
        """A few different changes."""
        return self.random.sample(self.names, self.random.randint(1, min(most, len(self.names))))

    def happens(self, chance: float) -> bool:
        """Whether something of that probability is so."""
        return self.random.random() < chance


def world(seed: str, policy: str | dict[str, bool] | None = None) -> Values:
    """The values of a scenario: projects, changes, rules and what happens to them."""
    random = Random(seed)  # noqa: S311 - a repeatable world, not a secret
    chosen = policy or _policy(random)
    names = tuple("ABCDEFGHIJ"[: random.randint(2, 7 if random.random() < 0.9 else 10)])
    fitting = [name for switch, names in _FITTING.items() if has(chosen, switch) for name in names]
    layout = random.choice(fitting if fitting and random.random() < 0.4 else tuple(LAYOUTS))
    foreign = has(chosen, "verify") and random.random() < 0.6
    scarce = random.random() < (0.7 if has(chosen, "batch") else 0.2)
    dice = Dice(random, names, layout, foreign, scarce, slow=random.random() < 0.35, passing=has(chosen, "overtake"))
    changes = _changes(dice)
    builds = _builds(dice)
    steps = [{"approve": random.sample(names, len(names))}]
    for _ in range(random.randint(6, 22 if random.random() < 0.9 else 40)):
        steps += _happening(dice)
    return {
        "scenario": f"random {seed}",
        "layout": layout,
        "policy": chosen,
        "changes": changes,
        "builds": builds,
        "steps": steps,
    }


def _policy(random: Random) -> str | dict[str, bool]:
    """A policy by its name, a single switch, or several."""
    kind = random.random()
    others = [name for name in _SWITCHES if name not in STARRED]
    if kind < 0.3:
        return random.choice(("classic", "default"))
    if kind < 0.45:
        return {random.choice(_SWITCHES): True}
    if kind < 0.65:
        return dict.fromkeys(random.sample(_SWITCHES, random.randint(2, len(_SWITCHES))), True)
    if kind < 0.85:
        return dict.fromkeys(("verify", *random.sample(others, random.choice((1, 1, 2)))), True)
    return dict.fromkeys((*STARRED, *random.sample(others, random.randint(1, len(others)))), True)


def has(policy: str | dict[str, bool], switch: str) -> bool:
    """Whether a policy has a switch on."""
    if isinstance(policy, str):
        return policy == "default" and switch in STARRED
    return policy.get(switch, False)


# ---- the world before anything happens


def _changes(dice: Dice) -> Values:
    random = dice.random
    found: Values = {}
    for at, name in enumerate(dice.names):
        change: Values = {"project": random.choice(PROJECTS)}
        if dice.happens(0.1):
            change["branch"] = "stable"
        earlier = [n for n in dice.names[:at] if _same_place(found[n], change)]
        if earlier and dice.happens(0.3):
            change["parent"] = random.choice(earlier)
        if dice.happens(0.25):
            change["depends_on"] = [n for n in dice.some(2) if n != name]
        if dice.happens(0.12):
            change["conflicts"] = [n for n in dice.some(1) if n != name]
        if dice.happens(0.3):
            change["approved"] = True
        if dice.happens(0.1):
            change["submit"] = random.choice(("refused", "forbidden"))
        if dice.happens(0.9 if dice.layout == "parts" or dice.passing else 0.6):
            most = 1 if dice.passing else random.choice((1, 1, 2))
            change["files"] = random.sample(("src/a", "src/b", "doc/a"), most)
        change.update(_odd(dice))
        found[name] = change
    if dice.happens(0.2):
        _bind(dice, found)
    return found


def _bind(dice: Dice, changes: Values) -> None:
    """Let some changes need each other in a circle, where the queue allows that."""
    ring = dice.some(3)
    for at, name in enumerate(ring):
        changes[name]["depends_on"] = [ring[at - 1]] if len(ring) > 1 else []
        changes[name]["project"] = dice.random.choice(("P1", "P2"))
        changes[name].pop("parent", None)
        changes[name].pop("branch", None)
    for change in changes.values():
        parent = changes.get(change.get("parent", ""))
        if parent is not None and not _same_place(parent, change):
            del change["parent"]


def _odd(dice: Dice) -> Values:
    """What few changes are."""
    found: Values = {}
    if dice.happens(0.04):
        found["wip"] = True
    if dice.happens(0.04):
        found["status"] = dice.random.choice(("MERGED", "ABANDONED"))
    if dice.happens(0.04):
        found["votes"] = {"Code-Review": dice.random.choice((None, 1, -2))}
    if dice.happens(0.12):
        found["urgent"] = True
    return found


def _same_place(one: Values, other: Values) -> bool:
    return (one["project"], one.get("branch")) == (other["project"], other.get("branch"))


def _builds(dice: Dice) -> Values:
    builds: Values = {"rules": [_rule(dice) for _ in range(dice.random.randint(0, 2 if dice.scarce else 4))]}
    if dice.happens(0.3):
        builds["rules"].append({"job": "p", "result": "SUCCESS", "returns": {"artifacts": ["image"]}})
    if dice.happens(0.75):
        builds["hold"] = True
    elif dice.happens(0.8):
        builds["durations"] = {job: f"{dice.random.randint(1, 30)}m" for job in BUILT_JOBS}
    if dice.scarce:
        builds["nodes"] = "hold"
    if dice.slow and dice.happens(0.4):
        builds["answers"] = _hold(dice)
    return builds


def _hold(dice: Dice) -> Values:
    """Answers that wait from now on."""
    chosen = dice.random.choice((["merge"], ["merge"], ["submit"], ["look"], ["read", "look"], list(SLOW.values())))
    return {"hold": chosen, "work": dice.random.choice(WORK)}


def _rule(dice: Dice) -> Values:
    random = dice.random
    rule: Values = {"result": random.choice(_RESULTS)}
    if dice.happens(0.7):
        rule["job"] = random.choice(BUILT_JOBS)
    if dice.happens(0.6):
        rule["contains"] = dice.some(2)
    if dice.happens(0.1):
        rule["without"] = [dice.change()]
    if dice.happens(0.3):
        rule["change"] = dice.change()
    if rule["result"] in ("LOST", "STOPPED") or dice.happens(0.4):
        rule["times"] = random.randint(1, 3)
    if dice.happens(0.15):
        rule["early"] = True
    if dice.happens(0.2):
        rule["returns"] = random.choice(({"pause": True}, {"artifacts": ["image"]}, {"child_jobs": ["unit"]}))
    return rule


_RESULTS = ("FAILURE", "FAILURE", "FAILURE", "TIMED_OUT", "POST_FAILURE", "LOST", "STOPPED", "NODE_FAILURE", "SUCCESS")


# ---- what happens


def _happening(dice: Dice) -> list[Step]:
    """A step, or several that belong together: what seldom meets by chance alone."""
    if dice.happens(0.12):
        return _story(dice)
    if dice.passing and dice.happens(0.2):
        return _passing(dice)
    if dice.slow and dice.happens(0.2):
        return _late(dice)
    kinds = [*_COMMON, *(_FOREIGN if dice.foreign else ()), *(_SCARCE if dice.scarce else ())]
    kinds += _SLOW if dice.slow else ()
    return [_one_of(dice, kinds)]


def _one_of(dice: Dice, kinds: Sequence[tuple[Callable[[Dice], Step], int]]) -> Step:
    make, _ = dice.random.choices(kinds, weights=[weight for _, weight in kinds])[0]
    return make(dice)


def _story(dice: Dice) -> list[Step]:
    """Changes come, builds begin and end, and somebody loses what it needs, maybe while a queue stands still."""
    queue = dice.random.choice(QUEUES[dice.layout])
    losses = [*_LOSSES, *(_FOREIGN if dice.foreign else ())]
    begin: list[Step] = [{"approve": dice.some(4)}]
    if dice.scarce:
        begin.append({"nodes": {"free": dice.random.choice((2, 4, 9))}})
    if dice.slow:
        begin.append(_answers(dice))
    work = [_one_of(dice, _WORK) for _ in range(dice.random.randint(1, 3))]
    loss = [_one_of(dice, losses) for _ in range(dice.random.choice((1, 1, 2)))]
    if dice.happens(0.5):
        held = [*work, *loss] if dice.happens(0.8) else [*loss, *work]
        return [*begin, {"operator": {"pause": queue}}, *held, {"operator": {"resume": queue}}]
    return [*begin, *work, *loss, {"release": "all"}]


def _passing(dice: Dice) -> list[Step]:
    """The last of some changes is green while those ahead of it are still tested."""
    names = dice.some(3)
    nodes: list[Step] = [{"nodes": {"free": 9}}] if dice.scarce else []
    return [{"approve": names}, *nodes, *[{"release": {"change": names[-1]}}] * 3]


def _late(dice: Dice) -> list[Step]:
    """Answers wait while that changes which they are about; the gate may die meanwhile; then they come in any order."""
    meanwhile = [*_WORK, *_LOSSES, *(_FOREIGN if dice.foreign else ())]
    names = dice.some(4)
    steps: list[Step] = [{"answers": _hold(dice)}, {"approve": names}]
    if dice.scarce:
        steps.append({"nodes": {"free": dice.random.choice((2, 4, 9))}})
    if dice.happens(0.5):
        steps.append({dice.random.choice(("withdraw", "abandon", "patchset")): names[0]})
    for _ in range(dice.random.choice((0, 0, 1, 2))):
        steps += [_one_of(dice, meanwhile), *([_given(dice)] if dice.happens(0.4) else ())]
    if dice.happens(0.6):
        steps.append({"crash": "now"} if dice.happens(0.6) else _crash(dice))
    steps += [_given(dice) for _ in range(dice.random.randint(0, 3))]
    return [*steps, *([{"answers": "release"}] if dice.happens(0.5) else ()), {"release": "all"}]


def _approve(dice: Dice) -> Step:
    event = dice.random.random()
    if event < 0.08:
        return {"approve": {"change": dice.change(), "event": "lost"}}
    if event < 0.16:
        return {"approve": {"change": dice.change(), "event": "twice"}}
    if event < 0.22:
        return {"approve": {"change": dice.change(), "urgent": True}}
    return {"approve": dice.some(4)}


def _event(dice: Dice) -> Step:
    if dice.happens(0.5):
        return {"event": {"change": dice.change(), "patchset": 1}}
    return {"event": dice.change()}


def _release(dice: Dice) -> Step:
    kind = dice.random.random()
    if kind < 0.35:
        return {"release": {"change": dice.change()}}
    if kind < 0.6:
        return {"release": {"job": dice.random.choice(BUILT_JOBS)}}
    if kind < 0.8:
        return {"release": {}}
    return {"release": "all"}


def _vote(dice: Dice) -> Step:
    label, value = dice.random.choice((("Code-Review", 2), ("Code-Review", -2), ("Code-Review", 0), ("Workflow", -1)))
    by = dice.random.choice(("reviewer", "reviewer", "somebody"))
    return {"vote": {"change": dice.change(), "label": label, "value": value, "by": by}}


def _patchset(dice: Dice) -> Step:
    change: Values = {"change": dice.change(), "votes": {"Code-Review": 2}}
    if dice.happens(0.3):
        change["depends_on"] = [name for name in dice.some(2) if name != change["change"]]
    if dice.happens(0.2):
        change["conflicts"] = []
    if dice.happens(0.3):
        change["approved"] = True
    return {"patchset": change}


def _operator(dice: Dice) -> Step:
    random = dice.random
    wish: Values = {"project": random.choice(PROJECTS), "job": "unit", "count": random.randint(1, 2)}
    if dice.happens(0.5):
        wish["change"] = dice.change()
    return {
        "operator": random.choice(
            (
                {"dequeue": dice.change()},
                {"dequeue": dice.change(), "pipeline": "gate"},
                {"promote": dice.some(3)},
                {"enqueue": dice.change(), "pipeline": random.choice(("gate", "gate", "check"))},
                {"hold": wish},
            )
        )
    }


def _stand(dice: Dice) -> Step:
    verb = dice.random.choice(("pause", "resume", "resume"))
    return {"operator": {verb: dice.random.choice(QUEUES[dice.layout])}}


def _nodes(dice: Dice) -> Step:
    chosen = {"release": {"job": dice.random.choice(BUILT_JOBS)}}, {"release": {"change": dice.change()}}
    kinds = ({"release": 1}, {"free": 1}, {"free": 2}, {"free": dice.random.randint(3, 6)}, *chosen)
    return {"nodes": "release" if dice.happens(0.1) else dice.random.choice(kinds)}


def _crash(dice: Dice) -> Step:
    kind = dice.random.random()
    if kind < 0.15:
        return {"crash": "now"}
    if kind < 0.5:
        return {"crash": {"after": dice.random.choice(_CRASHES)}}
    first = dice.random.randint(1, 40)
    return {"crash": {"after": first if dice.happens(0.7) else [first, dice.random.randint(1, 12)]}}


def _failing(dice: Dice) -> Step:
    chosen = dice.random.sample(_FAILING, dice.random.randint(1, 2))
    times: dict[str, int | str] = {one: dice.random.randint(1, 3) for one in chosen}
    return {"failing": times | ({"work": "first"} if dice.happens(0.4) else {})}


def _answers(dice: Dice) -> Step:
    kind = dice.random.random()
    if kind < 0.35:
        return {"answers": _hold(dice)}
    return {"answers": "release"} if kind < 0.4 else _given(dice)


def _given(dice: Dice) -> Step:
    chosen = {"change": dice.change()}, {"action": dice.random.choice(tuple(SLOW.values()))}
    return {"answers": {"release": dice.random.choice((1, "newest", "newest", dice.random.randint(2, 6), *chosen))}}


def _one(verb: str) -> Callable[[Dice], Step]:
    return lambda dice: {verb: dice.change()}


def _reload(dice: Dice) -> Step:
    return {"reload": "same" if dice.happens(0.5) else dice.random.choice(tuple(LAYOUTS))}


def _set(dice: Dice) -> Step:
    new = dice.random.choice(
        (
            {"submit": "ok"},
            {"submit": "refused"},
            {"submit": "forbidden"},
            {"wip": dice.happens(0.5)},
            {"votes": {"Code-Review": dice.random.choice((2, None))}},
            {"approved": dice.happens(0.7)},
            {"urgent": True},
            {"status": "ABANDONED"},
        )
    )
    return {"set": {"change": dice.change(), **new}}


def _push(dice: Dice) -> Step:
    step: Values = {"project": dice.random.choice(PROJECTS), "name": f"X{dice.random.randint(1, 99)}"}
    if dice.happens(0.3):
        step["conflicts"] = dice.some(1)
    if dice.happens(0.5):
        step["files"] = [dice.random.choice(("src/a", "doc/a"))]
    return {"push": step}


_COMMON: tuple[tuple[Callable[[Dice], Step], int], ...] = (
    (_approve, 30),
    (_release, 26),
    (_vote, 4),
    (_patchset, 4),
    (_event, 3),
    (_one("upload"), 3),
    (_one("withdraw"), 3),
    (_one("abandon"), 2),
    (_one("restore"), 2),
    (_one("wip"), 1),
    (_one("ready"), 1),
    (_operator, 6),
    (_stand, 4),
    (_nodes, 1),
    (_crash, 7),
    (_failing, 2),
    (_reload, 2),
    (_set, 3),
    (lambda dice: {"comment": {"change": dice.change(), "text": "recheck"}}, 2),
    (lambda dice: {"advance": f"{dice.random.randint(1, 25)}m"}, 5),
    (lambda dice: {"announce": {"change": dice.change()}}, 2),
)
_WORK: tuple[tuple[Callable[[Dice], Step], int], ...] = (
    (_release, 4),
    (lambda dice: {"release": "all"}, 3),
    (lambda dice: {"release": {"job": "unit"}}, 2),
    (lambda dice: {"advance": f"{dice.random.randint(5, 40)}m"}, 2),
)
_LOSSES: tuple[tuple[Callable[[Dice], Step], int], ...] = (
    (_one("withdraw"), 3),
    (_vote, 1),
    (_patchset, 1),
    (_one("abandon"), 1),
    (_one("wip"), 1),
    (_operator, 1),
    (_set, 1),
    (lambda dice: {"approve": {"change": dice.change(), "urgent": True}}, 1),
    (_crash, 1),
)
_FOREIGN: tuple[tuple[Callable[[Dice], Step], int], ...] = ((_push, 5), (_one("submit"), 4))
_SCARCE: tuple[tuple[Callable[[Dice], Step], int], ...] = ((_nodes, 16),)
_FAILING = tuple(FAILING.values())
_SLOW: tuple[tuple[Callable[[Dice], Step], int], ...] = ((_answers, 40), (_failing, 8), (_crash, 6))
