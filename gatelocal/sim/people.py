"""Steps in which people do something on the review server; what the gate makes of it follows by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatelocal.sim.game import Play, settle
from gatelocal.sim.lined import Value
from gatelocal.sim.scenario import parent_of, votes_of
from gatelocal.sim.server import REVIEWER, Server


def _upload(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        game.world.tell("patchset-created", item.text())
        settle(game)


def _approve(game: Play, value: Value) -> None:
    world = game.world
    for item in value.one_or_many():
        given = item.mapping() if item.is_mapping() else {"change": item}
        name = given["change"].text()
        if "urgent" in given:
            world.server.changes[name].urgent = given["urgent"].truth()
        world.server.vote(name, "Workflow", 1, REVIEWER, world.now)
        event = given["event"].text() if "event" in given else ""
        for _ in range({"lost": 0, "twice": 2}.get(event, 1)):
            world.tell("comment-added", name, approvals=(("Workflow", 1),))
        settle(game)


def _event(game: Play, value: Value) -> None:
    given = value.mapping() if value.is_mapping() else {"change": value}
    name = given["change"].text()
    patchset = given["patchset"].whole() if "patchset" in given else 0
    if patchset > game.world.server.changes[name].patchset:
        raise given["patchset"].fail(f"{name} has no patchset {patchset}")
    game.world.tell("comment-added", name, patchset=patchset, approvals=(("Workflow", 1),))


def _withdraw(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        game.world.server.vote(item.text(), "Workflow", None, REVIEWER, game.world.now)
        game.world.tell("comment-added", item.text(), approvals=(("Workflow", 0),))
        settle(game)


def _vote(game: Play, value: Value) -> None:
    given = value.mapping()
    name, label, number = given["change"].text(), given["label"].text(), given["value"].whole()
    by = given["by"].text() if "by" in given else REVIEWER
    game.world.server.vote(name, label, number, by, game.world.now)
    game.world.tell("comment-added", name, approvals=((label, number),), by=by)


def _comment(game: Play, value: Value) -> None:
    given = value.mapping()
    game.world.tell("comment-added", given["change"].text(), comment=given["text"].text())


def _patchset(game: Play, value: Value) -> None:
    given = value.mapping() if value.is_mapping() else {"change": value}
    name = given["change"].text()
    server = game.world.server
    if server.changes[name].status == "MERGED":
        raise value.fail(f"{name} has landed")
    server.new_patchset(name, _new_fields(server, given))
    if "conflicts" in given:
        server.set_conflicts(name, given["conflicts"].names())
    for label, number in votes_of(given["votes"]).items() if "votes" in given else ():
        server.vote(name, label, number, REVIEWER, game.world.now)
    if "approved" in given and given["approved"].truth():
        server.vote(name, "Workflow", 1, REVIEWER, game.world.now)
    game.world.tell("patchset-created", name)


def _new_fields(server: Server, given: dict[str, Value]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key in ("project", "branch", "status", "submit"):
        if key in given:
            fields[key] = given[key].text()
    for key in ("depends_on", "files"):
        if key in given:
            fields[key] = given[key].names()
    for key in ("wip", "urgent"):
        if key in given:
            fields[key] = given[key].truth()
    if "parent" in given:
        parent = parent_of(given["parent"])
        fields["parent"] = server.changes[parent].ref if parent else None
    return fields


def _status(game: Play, value: Value, status: str, kind: str) -> None:
    for item in value.one_or_many():
        change = game.world.server.changes[item.text()]
        if change.status == "MERGED":
            raise item.fail(f"{change.name} has landed")
        change.status = status
        game.world.server.touched(change.name)
        game.world.tell(kind, change.name)
        settle(game)


def _wip(game: Play, value: Value, wip: bool) -> None:
    for item in value.one_or_many():
        game.world.server.changes[item.text()].wip = wip
        game.world.server.touched(item.text())
        game.world.tell("wip-state-changed", item.text())
        settle(game)


def _push(game: Play, value: Value) -> None:
    given = value.mapping()
    key = (given["project"].text(), given["branch"].text() if "branch" in given else "master")
    name = given["name"].text()
    if name in game.world.server.places:
        raise given["name"].fail(f"{name} is on a branch already")
    files = given["files"].names() if "files" in given else (f"{name}.txt",)
    game.world.pushed[name] = files
    game.world.server.push(*key, name, given["conflicts"].names() if "conflicts" in given else ())
    game.world.tell_ref(key, files, ours=False)


def _submit(game: Play, value: Value) -> None:
    for item in value.one_or_many():
        change = game.world.server.changes[item.text()]
        if change.status != "NEW":
            raise item.fail(f"{change.name} is not open")
        game.world.server.land(change.name, foreign=True)
        game.world.tell("change-merged", change.name)
        game.world.tell_ref((change.project, change.branch), change.files, ours=False)
        settle(game)


def _set(game: Play, value: Value) -> None:
    given = value.mapping()
    name = given["change"].text()
    server, change = game.world.server, game.world.server.changes[given["change"].text()]
    if "submit" in given:
        change.submit = given["submit"].text()
    if "wip" in given:
        change.wip = given["wip"].truth()
    if "urgent" in given:
        change.urgent = given["urgent"].truth()
    if "status" in given:
        if given["status"].text() == "MERGED" and change.status != "MERGED":
            server.land(name, foreign=True)
        elif change.status == "MERGED" and given["status"].text() != "MERGED":
            raise given["status"].fail(f"{name} has landed")
        change.status = given["status"].text()
    for label, number in votes_of(given["votes"]).items() if "votes" in given else ():
        server.vote(name, label, number, REVIEWER, game.world.now)
    if "approved" in given:
        server.vote(name, "Workflow", 1 if given["approved"].truth() else None, REVIEWER, game.world.now)
    server.touched(name)


STEPS: Mapping[str, Callable[[Play, Value], None]] = {
    "upload": _upload,
    "approve": _approve,
    "event": _event,
    "withdraw": _withdraw,
    "vote": _vote,
    "comment": _comment,
    "patchset": _patchset,
    "abandon": lambda game, value: _status(game, value, "ABANDONED", "change-abandoned"),
    "restore": lambda game, value: _status(game, value, "NEW", "change-restored"),
    "wip": lambda game, value: _wip(game, value, True),
    "ready": lambda game, value: _wip(game, value, False),
    "push": _push,
    "submit": _submit,
    "set": _set,
}
"""Step → what it does."""
