"""Several nodes as one: made together, kept and returned together, and which of several alternatives it is."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatelocal import stopping
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import choosing, holds, lan, place, pool, sweeper, trials
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.nodeset import Gathered, together
from gatelocal.launcher.providers import nspawn
from gatelocal.model import terms
from gatelocal.model.hold import Occasion
from gatelocal.model.label import Labels, Meaning
from gatelocal.model.plan import Group, Nodeset, NodeWanted
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.fakes.node import FolderNode
from tests.patience import until

TWO = Nodeset(
    "two",
    (NodeWanted(("controller", "primary"), "debian-bookworm"), NodeWanted(("compute1",), "debian-trixie")),
    (Group("peers", ("compute1",)),),
)


def test_what_is_said_of_several_is_said_once(tmp_path: Path) -> None:
    nodes = [FolderNode(tmp_path / name, notes=("a stands in for b", name)) for name in ("x", "y")]
    both = Gathered(TWO, tuple(nodes), ("1", "2"), "another nodeset")
    assert both.notes == ("another nodeset", "a stands in for b", "x", "y")
    assert (
        both.description == f"2 nodes with a network between them: the folder {tmp_path}/x and the folder {tmp_path}/y"
    )
    assert Gathered(TWO, (nodes[0],)).description == f"the folder {tmp_path}/x"
    both.hold(Occasion("run"))
    assert [node.occasion.run for node in nodes] == ["run", "run"]
    both.close()
    assert all(node.closed for node in nodes)


def test_when_one_cannot_be_made_the_others_are_not_waited_for() -> None:
    ended: list[str] = []

    def fails() -> str:
        raise InfrastructureError("no memory")

    def waits() -> str:
        assert until(lambda: bool(ended))
        return "late"

    with pytest.raises(InfrastructureError, match="no memory"):
        together([waits, fails], lambda: ended.append("undone"))
    assert ended == ["undone"]


def test_the_end_of_the_operation_is_the_end_of_all() -> None:
    stop = Stop()

    def waits() -> None:
        while True:
            stopping.check()
            time.sleep(0.005)

    def ends() -> None:
        stop.ask()
        stopping.check()

    with pytest.raises(Stopped), stoppable(stop):
        together([waits, ends], lambda: None)


@pytest.fixture(name="started")
def _started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What containers would be started with; no network is made, and the label `bad` does not come up."""
    given: list[Any] = []

    def launch(self: nspawn.Provider, image: Any, folder: Path, record: place.Record, say: Any) -> Any:
        if image == "bad":
            raise InfrastructureError("it does not boot", details="the console's last line")
        given.append((self, record))
        return FolderNode(folder)

    monkeypatch.setattr(nspawn.Provider, "launch", launch)
    monkeypatch.setattr(nspawn, "why_not", lambda cache: "")
    monkeypatch.setattr(choosing.network, "why_not", lambda: "")
    monkeypatch.setattr(trials, "is_root", lambda: True)
    monkeypatch.setattr(pool.Pool, "_image", lambda self, origin: origin.name)
    monkeypatch.setattr(lan, "start", lambda folder, record: (1, record))
    return given


def test_each_of_several_knows_the_others(tmp_path: Path, started: list[Any]) -> None:
    found = pool.launcher("nspawn", tmp_path / "cache", tmp_path / "nodes").gather((TWO,), lambda line: None)
    (first, one), (second, other) = sorted(started, key=lambda pair: pair[1].address)
    assert found.addresses == (one.address, other.address) == (lan.address(0), lan.address(1))
    assert (one.set, other.set) == (one.name, one.name)
    assert (one.names, one.label, other.names, other.label) == (
        ("controller", "primary"),
        "debian-bookworm",
        ("compute1",),
        "debian-trixie",
    )
    hosts = {lan.address(0): ("controller", "primary", one.name), lan.address(1): ("compute1", other.name)}
    assert (first.port.hosts, first.port.address, second.port.hosts) == (hosts, lan.address(0), hosts)
    assert place.members(tmp_path / "nodes", one) == tuple(
        sorted(tmp_path / "nodes" / each.name for each in (one, other))
    )
    for record in (one, other):
        sweeper.remove(tmp_path / "nodes" / record.name)


def table(*stand_ins: str) -> Labels:
    own = {"good": pool.BUILT_IN.origins["debian-bookworm"]}
    known = {name: pool.Origin(name) for name in ("good", "bad")} | own
    return pool.BUILT_IN.extended(
        Labels("", known, tuple(Meaning((one,), "good", stands_in=True) for one in stand_ins))
    )


def nodeset(*labels: str) -> Nodeset:
    return Nodeset("", tuple(NodeWanted((f"n{number}",), label) for number, label in enumerate(labels)))


@pytest.mark.parametrize(
    ("alternatives", "taken", "note"),
    [
        ((("good",), ("bad",)), 0, ""),
        ((("bad",), ("good",)), 1, "bad cannot be had here: the job has good, which it allows"),
        (
            (("good", "bad"), ("good", "good")),
            1,
            "good, bad cannot be had here: the job has good, good, which it allows",
        ),
        ((("ubuntu",), ("good",)), 1, "ubuntu cannot be had here: the job has good, which it allows"),
        ((("ubuntu",), ("bad",)), 0, ""),
    ],
)
def test_alternatives_are_tried_in_order_and_substitutes_last(
    alternatives: tuple[tuple[str, ...], ...], taken: int, note: str, tmp_path: Path, started: list[Any]
) -> None:
    launcher = pool.launcher("nspawn", tmp_path / "cache", tmp_path / "nodes", table("ubuntu"))
    wanted = [nodeset(*labels) for labels in alternatives]
    found = launcher.gather(wanted, lambda line: None)
    assert (found.nodeset, found.note) == (wanted[taken], note)
    assert len(list((tmp_path / "nodes").iterdir())) == len(wanted[taken].nodes)
    for folder in (tmp_path / "nodes").iterdir():
        sweeper.remove(folder)


def test_where_one_cannot_be_made_none_is_left(tmp_path: Path, started: list[Any]) -> None:
    launcher = pool.launcher("nspawn", tmp_path / "cache", tmp_path / "nodes", table())
    with pytest.raises(InfrastructureError, match="does not boot"):
        launcher.gather((nodeset("good", "bad", "good"),), lambda line: None)
    assert not list((tmp_path / "nodes").iterdir())


@pytest.mark.parametrize(
    ("kind", "why"),
    [("local", "folders of this machine can have none"), ("qemu", "only root"), ("auto", "only root")],
)
def test_where_nodes_can_have_no_network_several_are_refused(
    kind: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "is_root", lambda: False)
    with pytest.raises(InfrastructureError, match=f"the job has 2 nodes .*{why}") as caught:
        pool.launcher(kind, tmp_path / "cache", tmp_path / "nodes").gather((TWO,), print)
    assert "labels.yaml" in caught.value.hint
    assert not (tmp_path / "nodes").exists()


def held(runtime: Path, count: int, since: float, until_: float = 0.0, size: int = 0) -> list[str]:
    """A held nodeset of that many nodes; their names."""
    made = [place.create(runtime, "local", "debian-bookworm") for _ in range(count)]
    first = made[0][1].name
    for folder, record in made:
        ready = replace(record, state=NodeState.READY, set=first if count > 1 else "")
        place.hold(folder, ready, Occasion(f"run{since}"), since, (until_ or since + 1e12) - since)
        (folder / "ballast").write_bytes(b"x" * size)
    return [record.name for _, record in made]


def there(runtime: Path) -> set[str]:
    return {record.name for record in holds.held(runtime)}


def test_they_are_meant_extended_and_returned_together(tmp_path: Path) -> None:
    alone, several = held(tmp_path, 1, 1.0), held(tmp_path, 3, 2.0)
    assert holds.meant(tmp_path, "").name == holds.meant(tmp_path, "run2").name == several[0]
    assert holds.meant(tmp_path, several[2]).name == several[2], "each can be entered by its own name"
    holds.extend(tmp_path, several[1], 10.0, 5.0)
    assert {record.name: record.until for record in holds.held(tmp_path) if record.until == 15.0}.keys() == set(several)
    assert holds.give_back(tmp_path, several[1], several[2]) == tuple(sorted(several))
    assert there(tmp_path) == set(alone)
    with pytest.raises(InputError, match="no single node"):
        holds.give_back(tmp_path, several[0])


def test_their_room_is_that_of_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = held(tmp_path, 2, 1.0, size=300_000), held(tmp_path, 2, 2.0, size=300_000)
    monkeypatch.setenv(terms.VARIABLE, "2M")
    sweeper.sweep(tmp_path, print)
    assert there(tmp_path) == {*old, *new}
    monkeypatch.setenv(terms.VARIABLE, "1M")
    sweeper.sweep(tmp_path, print)
    assert there(tmp_path) == set(new)


def test_while_somebody_is_in_one_of_them_all_stay(tmp_path: Path) -> None:
    names = held(tmp_path, 2, 1.0, until_=2.0)
    with place.entered(tmp_path / names[0]):
        sweeper.sweep(tmp_path, print)
        assert there(tmp_path) == set(names)
    sweeper.sweep(tmp_path, print)
    assert there(tmp_path) == set()
