"""The state of a play as the values that are printed; nothing is compared or decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from gatelocal.model.facts import Ref
from gatelocal.model.layout import Manager
from gatelocal.pipeline.explain import why
from gatelocal.pipeline.state import Item, Queue, State
from gatelocal.sim.build import Build
from gatelocal.sim.world import World


def items_of(world: World, build: Build) -> list[str]:
    """The changes that a build's workspace contains beyond the tips, in merge order."""
    return list(world.trees.shown(build.workspace))


def running(world: World) -> list[dict[str, Any]]:
    """The builds that run, oldest first."""
    return [
        {
            "job": build.start.job,
            "change": build.change,
            "pipeline": build.start.pipeline,
            "items": items_of(world, build),
        }
        for build in world.running.values()
    ]


def totals(world: World) -> dict[str, int]:
    """How many builds there were, and how many with which result."""
    counts = Counter(build.result for build in world.builds)
    return {"total": len(world.builds), **dict(sorted(counts.items()))}


def trunk(world: World) -> dict[str, dict[str, list[str]]]:
    """What reached each branch during the scenario."""
    found: dict[str, dict[str, list[str]]] = {}
    for project, branch in world.server.entries:
        names = world.server.trunk((project, branch))
        if names:
            found.setdefault(project, {})[branch] = names
    return found


def queues(state: State) -> dict[str, dict[str, dict[str, Any]]]:
    """Pipeline → queue → window, whether it is paused, items; queues of independent pipelines as one per project."""
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in state.layout.pipelines}
    for queue in sorted(state.queues.values(), key=_order):
        manager = state.layout.pipelines[queue.pipeline].manager
        if manager in (Manager.INDEPENDENT, Manager.SUPERCEDENT) and not len(queue.line):
            continue
        shown = found[queue.pipeline].setdefault(
            queue.label, {"window": queue.window, "paused": queue.paused, "items": []}
        )
        items = [_item(state, state.items[number]) for number in queue.line]
        if manager is Manager.DEPENDENT and queue.dynamic:
            shown["items"] = items + shown["items"]  # what stands beside a queue comes before all in it
        else:
            shown["items"] += items
    return found


def _order(queue: Queue) -> int:
    """Queues that share a label stand in the order of their live items, which come last in them."""
    return (queue.line.last or 0) if queue.dynamic else 0


def _item(state: State, item: Item) -> dict[str, Any]:
    return {"changes": [_shown(state, ref) for ref in item.changes], "live": item.live}


def _shown(state: State, ref: Ref) -> str:
    """A patchset, or project and branch."""
    facts = state.changes.get(ref.change)
    return ref.change if facts is not None and facts.is_branch else str(ref)


def held(world: World) -> list[dict[str, str]]:
    """The nodes that are held."""
    return [{"job": one.job, "change": world.by_action[one.build].change} for one in world.held]


def reasons(world: World, state: State) -> dict[str, str]:
    """For each change that has not landed, what it waits for."""
    names = [name for name, change in world.server.changes.items() if change.status != "MERGED"]
    for name in names:
        if name not in state.changes:
            state = _with_facts(world, state, names)
            break
    return {name: why(state, name) for name in names}


def _with_facts(world: World, state: State, names: list[str]) -> State:
    """The state with what the server would say of changes that the gate has never heard of."""
    unknown = {name: world.server.facts(name) for name in names if name not in state.changes}
    for name in tuple(unknown):
        for facts in world.server.related(name):
            if facts.change not in state.changes:
                unknown[facts.change] = facts
    return replace(state, changes=state.changes.changed(unknown))


def look(world: World, state: State) -> dict[str, Any]:
    """The state at one moment."""
    return {
        "running": running(world),
        "totals": totals(world),
        "queues": queues(state),
        "landed": [str(ref) for ref in world.landed],
        "trunk": trunk(world),
        "held": held(world),
        "why": reasons(world, state),
        "messages": {name: len(world.messages.get(name, ())) for name in world.server.changes},
        "status": {name: change.status for name, change in world.server.changes.items()},
    }


def whole(world: World, state: State) -> dict[str, Any]:
    """Everything about the world and the gate at the end, without the verdict."""
    return {
        "landed": [str(ref) for ref in world.landed],
        "trunk": trunk(world),
        "changes": {name: _change(world, name) for name in world.server.changes},
        "builds": [_build(world, build) for build in world.builds],
        "totals": totals(world),
        "reused": [
            {"change": str(one.ref), "job": one.job, "from": world.by_action[one.build].id} for one in world.reused
        ],
        "held": held(world),
        "queues": queues(state),
        "why": reasons(world, state),
        "requests": {
            "submit": [
                {"change": ref.change, "patchset": ref.patchset, "answer": answer} for ref, answer in world.submits
            ]
        },
    }


def _change(world: World, name: str) -> dict[str, Any]:
    change = world.server.changes[name]
    messages = [{"pipeline": one.pipeline, "kind": one.kind, "text": one.text} for one in world.messages.get(name, ())]
    votes = world.server.shown_votes(name)
    return {"status": change.status, "patchset": change.patchset, "votes": votes, "messages": messages}


def _build(world: World, build: Build) -> dict[str, Any]:
    start = build.start
    return {
        "id": build.id,
        "job": start.job,
        "change": build.change,
        "pipeline": start.pipeline,
        "items": items_of(world, build),
        "base": build.base,
        "voting": start.voting,
        "attempt": start.attempt,
        "result": build.result,
        "artifacts": [{"name": name, "change": change} for name, change in start.artifacts],
    }
