"""Hosts of the user's: one job at a time, all or none, and each way in which one cannot be had."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.launcher import connection, entering, place, pool, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.providers import static
from gatelocal.model.label import Host, Labels
from gatelocal.model.plan import Nodeset, NodeWanted
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.patience import until

KEY = "ssh-ed25519 AAAA"


def host(name: str, *labels: str, **other: object) -> Host:
    return Host(name, labels or ("big",), KEY, **other)  # type: ignore[arg-type]


def names(runtime: Path) -> dict[str, str]:
    records = [record for folder in place.folders(runtime) if (record := place.read(folder)) is not None]
    return {record.name: record.host for record in records}


def leased(runtime: Path, *wanted: tuple[Host, ...]) -> list[str]:
    said: list[str] = []
    found = static.lease(runtime, [(f"label{number}", one) for number, one in enumerate(wanted)], said.append)
    assert not said
    return [record.host for _, record in found]


def test_each_of_several_has_one_of_its_own_and_who_can_take_any_leaves_the_only_one(tmp_path: Path) -> None:
    a, b = host("a"), host("b")
    assert leased(tmp_path / "nodes", (a, b), (a,)) == ["b:22", "a:22"]
    assert sorted(names(tmp_path / "nodes").values()) == ["a:22", "b:22"]


@pytest.mark.live  # more than a moment
def test_a_host_is_one_jobs_until_its_node_is_returned(tmp_path: Path) -> None:
    runtime, a = tmp_path / "nodes", host("a")
    assert leased(runtime, (a,)) == ["a:22"]
    (first,) = names(runtime)
    got: list[str] = []
    said: list[str] = []
    second = threading.Thread(
        target=lambda: got.extend(record.host for _, record in static.lease(runtime, [("big", (a,))], said.append))
    )
    second.start()
    assert until(lambda: bool(said))
    assert said == ["waiting for a host: a:22 in use"] and not got
    sweeper.remove(runtime / first)
    second.join(30)
    assert got == ["a:22"]


def test_the_host_of_a_dead_process_is_free_and_that_of_a_held_node_is_not(tmp_path: Path) -> None:
    runtime, a = tmp_path / "nodes", host("a")
    leased(runtime, (a,))
    (name,) = names(runtime)
    record = place.read(runtime / name)
    assert record is not None
    dead = replace(record, owner=replace(record.owner, started=record.owner.started - 1))
    place.write(runtime / name, dead)
    assert leased(runtime, (a,)) == ["a:22"]
    place.write(runtime / name, replace(dead, state=NodeState.HELD))
    for other in names(runtime).keys() - {name}:
        sweeper.remove(runtime / other)
    stop = Stop()
    with pytest.raises(Stopped), stoppable(stop):
        static.lease(runtime, [("big", (a,))], lambda line: stop.ask())
    assert list(names(runtime)) == [name]


def test_all_or_none_are_leased_and_too_few_are_no_matter_of_waiting(tmp_path: Path) -> None:
    runtime, a, b = tmp_path / "nodes", host("a"), host("b")
    leased(runtime, (a,))
    stop = Stop()
    with pytest.raises(Stopped), stoppable(stop):
        static.lease(runtime, [("x", (b,)), ("y", (a,))], lambda line: stop.ask())
    assert list(names(runtime).values()) == ["a:22"]
    for wanted, word in (([("x", ())], "the label x"), ([("x", (a,)), ("y", (a,))], "for x, y")):
        with pytest.raises(InfrastructureError, match=word) as caught:
            static.lease(runtime, wanted, print)
        assert "labels.yaml" in caught.value.hint


def of_table(*hosts: Host) -> Labels:
    return pool.BUILT_IN.extended(Labels("", {}, hosts=hosts))


def launched(tmp_path: Path, one: Host) -> InfrastructureError:
    """How it goes wrong; nothing is left behind."""
    with pytest.raises(InfrastructureError) as caught:
        pool.launcher("static", tmp_path / "cache", tmp_path / "nodes", of_table(one)).launch("big", lambda line: None)
    assert not list((tmp_path / "nodes").iterdir())
    return caught.value


@pytest.mark.live  # more than a moment
def test_a_host_that_does_not_answer_is_the_machinerys_failure_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "_ANSWER", 0.5)
    port = connection.free_port()
    error = launched(tmp_path, host("127.0.0.1", port=port))
    assert error.brief.startswith(f"the host 127.0.0.1:{port} does not answer")
    assert f"ssh -p {port} zuul@127.0.0.1" in error.hint and "labels.yaml" in error.hint


def test_one_that_is_no_ssh_server_to_us_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "_ANSWER", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    link.sendall(b"SSH-2.0-nobody\r\n")

        threading.Thread(target=serve, daemon=True).start()
        error = launched(tmp_path, host("127.0.0.1", port=server.getsockname()[1]))
        server.shutdown(socket.SHUT_RDWR)
    assert "answers, but lets nobody in" in error.brief and "host-key" in error.hint


@pytest.mark.parametrize(
    ("wipe", "details"), [(("sh", "-c", "echo no ipmi >&2; exit 3"), "no ipmi"), (("/nowhere/at/all",), "")]
)
def test_one_that_cannot_be_made_as_new_is_not_used(wipe: tuple[str, ...], details: str, tmp_path: Path) -> None:
    error = launched(tmp_path, host("192.0.2.1", wipe=wipe))
    assert "could not be made as new" in error.brief and details in error.details and wipe[0] in error.hint


def test_it_is_made_as_new_before_each_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "_AFTER_WIPE", 0.1)
    one = host("127.0.0.1", port=connection.free_port(), wipe=("sh", "-c", f"echo new >>{tmp_path}/wiped"))
    for _ in range(2):
        assert "does not answer" in launched(tmp_path, one).brief
    assert (tmp_path / "wiped").read_text() == "new\n" * 2


def test_hosts_are_taken_where_the_table_has_the_label_and_only_there(tmp_path: Path) -> None:
    table = of_table(host("a", "metal-*"))
    auto = pool.launcher("auto", tmp_path, tmp_path, table)
    asked = [Nodeset(nodes=tuple(NodeWanted((label,), label) for label in labels)) for labels in (["metal-1"], ["x"])]
    both = Nodeset(nodes=(*asked[0].nodes, *asked[1].nodes))
    assert [auto._elsewhere(one) is not None for one in (*asked, both)] == [True, False, False]
    assert pool.launcher("nspawn", tmp_path, tmp_path, table)._elsewhere(asked[0]) is None


def test_nobody_elses_key_goes_to_a_host_of_the_users(tmp_path: Path) -> None:
    runtime = tmp_path / "nodes"
    leased(runtime, (host("a"),))
    (name,) = names(runtime)
    record = place.read(runtime / name)
    assert record is not None
    with pytest.raises(InputError, match="no job's"):
        entering.let_in(runtime / name, record, ("ssh-ed25519 AAAA",))


def test_what_is_said_at_the_end_is_said_before_the_folder_goes(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "static", "a")
    (folder / "there").touch()
    said = ("sh", "-c", f'test -e "{folder}/there" && touch "{tmp_path}/said"; exit 1')
    place.write(folder, replace(record, farewell=said))
    stop = Stop()
    stop.ask()
    with stoppable(stop):
        sweeper.remove(folder)
    assert (tmp_path / "said").exists() and not folder.exists()
