"""Servers of a cloud by the real client: what is asked for, how one cannot be had, and what is left then."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.errors import MACHINERY, InfrastructureError
from gatelocal.launcher import clouds, connection, holds, place, pool, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.providers import openstack
from gatelocal.model.label import Cloud as Line
from gatelocal.model.label import Labels
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.fakes.cloud import Cloud, Refused, _id, serving
from tests.patience import until

pytestmark = pytest.mark.live  # more seconds than the fast suite has: each of them logs in to a cloud

LINE = Line(("big",), "loop", "ubuntu-24.04", "small", network="private", port=1)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, seconds in (("_MADE", 0.5), ("_ANSWER", 0.3), ("_ENTRY", 0.3), ("_OFTEN", 0.02), ("_LOOK", 0.1)):
        monkeypatch.setattr(openstack, name, seconds)
    monkeypatch.setattr(clouds, "_LATE", 0.0)
    (tmp_path / "user").mkdir()
    made = Cloud()
    with serving(made, tmp_path / "user") as file:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield made


def table(*lines: Line) -> Labels:
    return pool.BUILT_IN.extended(Labels("", {}, clouds=lines or (LINE,)))


def launched(tmp_path: Path, line: Line = LINE) -> tuple[InfrastructureError, list[str]]:
    """How it goes wrong, and what was said; no folder is left."""
    said: list[str] = []
    with pytest.raises(InfrastructureError) as caught:
        pool.launcher("openstack", tmp_path / "cache", tmp_path / "nodes", table(line)).launch("big", said.append)
    assert not place.folders(tmp_path / "nodes") and caught.value.exit_code == MACHINERY and caught.value.hint
    return caught.value, said


def leased(tmp_path: Path, line: Line = LINE, count: int = 1) -> list[tuple[Path, place.Record]]:
    said: list[str] = []
    found = openstack.lease(tmp_path / "nodes", [("big", line)] * count, said.append)
    assert not said
    return found


def ours(tmp_path: Path, node: str = "big-00000000") -> dict[str, str]:
    return {clouds.GATE: openstack.gate(tmp_path / "nodes"), clouds.NODE: node}


def test_a_server_is_asked_for_as_the_table_says_and_carries_whose_it_is(cloud: Cloud, tmp_path: Path) -> None:
    line = replace(LINE, key="mine", groups=("ssh", "default"))
    ((folder, record),) = leased(tmp_path, line)
    known = ""

    def seen(machine: object) -> str:
        nonlocal known
        known = (folder / "known_hosts").read_text()
        return ""

    cloud.power = seen
    with pytest.raises(openstack.DidNotBoot, match="got no address"):
        openstack.Provider(line).launch(folder, record, print)
    (machine,) = cloud.living()
    assert machine.metadata == ours(tmp_path, record.name)
    assert machine.name == f"gatelocal-{record.name}"
    assert machine.asked["imageRef"] == _id("image", "ubuntu-24.04")
    assert machine.asked["flavorRef"] == _id("flavor", "small")
    assert machine.asked["networks"] == [{"uuid": _id("network", "private")}]
    assert (machine.asked["key_name"], machine.asked["security_groups"]) == (
        "mine",
        [{"name": "ssh"}, {"name": "default"}],
    )
    first, _, told = machine.user_data.partition("\n")
    assert first == "#cloud-config"
    told = json.loads(told)
    assert known.strip() == f"{record.name} {told['ssh_keys']['ed25519_public']}"
    assert told["ssh_keys"]["ed25519_private"] == (folder / "host_key").read_text()
    (user,) = told["users"]
    assert user["name"] == "zuul" and user["ssh_authorized_keys"] == [(folder / "key.pub").read_text().strip()]
    assert (folder / "key").read_text() not in machine.user_data
    noted = place.read(folder)
    assert noted is not None and (noted.server, noted.state) == (machine.id, NodeState.BOOTING)
    assert sweeper.remove(folder) == "" and not cloud.living() and not folder.exists()


def test_without_a_network_the_cloud_takes_the_one_that_there_is(cloud: Cloud, tmp_path: Path) -> None:
    ((folder, record),) = leased(tmp_path)
    with pytest.raises(openstack.DidNotBoot):
        openstack.Provider(replace(LINE, network="")).launch(folder, record, print)
    assert [one.asked["networks"] for one in cloud.living()] == ["auto"]
    sweeper.remove(folder)
    cloud.networks = ("private", "public")
    error, _ = launched(tmp_path, replace(LINE, network=""))
    assert "refuses it (409)" in error.brief and "Multiple possible networks" in error.details


@pytest.mark.parametrize(
    ("line", "brief"),
    [
        (replace(LINE, image="windows"), "the cloud loop has no image windows"),
        (replace(LINE, flavor="huge"), "the cloud loop has no flavor huge"),
        (replace(LINE, network="dmz"), "the cloud loop has no network dmz"),
        (replace(LINE, cloud="elsewhere"), "the cloud elsewhere is not known here"),
        (replace(LINE, patterns=("other",)), "there is no cloud that has big"),
    ],
)
def test_what_there_is_not_is_told_and_nothing_is_left(cloud: Cloud, tmp_path: Path, line: Line, brief: str) -> None:
    error, _ = launched(tmp_path, line)
    assert error.brief == brief
    assert not cloud.living() and "POST /compute/v2.1/servers" not in cloud.asked


def test_who_is_not_let_in_is_told_so(cloud: Cloud, tmp_path: Path) -> None:
    cloud.password = "another one"
    error, _ = launched(tmp_path)
    assert error.brief == "the cloud loop lets nobody in" and "openstack --os-cloud loop token issue" in error.hint
    assert "open sesame" not in f"{error.brief}{error.details}{error.hint}"


@pytest.mark.parametrize(
    "where", ["POST /identity/v3/auth/tokens", "GET /compute/v2.1/limits", "POST /compute/v2.1/servers"]
)
@pytest.mark.parametrize("status", [500, 503])
def test_a_cloud_that_fails_is_no_fault_of_the_tables(cloud: Cloud, tmp_path: Path, where: str, status: int) -> None:
    failed = Refused(status, "computeFault", "Unexpected API Error.")
    cloud.refuse = lambda method, path: failed if f"{method} {path}" == where else None
    error, _ = launched(tmp_path)
    assert f"the cloud loop failed ({status})" in error.brief and "try again" in error.hint
    assert not cloud.living()


def test_a_cloud_that_is_not_there_does_not_answer(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "user/clouds.yaml"
    there = json.loads(file.read_text())
    there["clouds"]["loop"]["auth"]["auth_url"] = f"http://127.0.0.1:{connection.free_port()}/identity"
    file.write_text(json.dumps(there))
    error, _ = launched(tmp_path)
    assert error.brief.startswith("the cloud loop does not answer")


def test_the_library_says_nothing_of_its_own_to_a_person(cloud: Cloud) -> None:
    cloud.refuse = lambda method, path: Refused(503, "error", "down")
    program = "import sys; from gatelocal.launcher.clouds import connect\nwith connect('loop') as it: it.servers('g')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "the cloud loop does not answer" in done.stderr and not done.stderr.startswith("Failed to discover")


def test_a_clouds_yaml_of_the_current_folder_is_not_read(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Cloud(), tmp_path, "theirs"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("openstack.config.loader.CONFIG_SEARCH_PATH", [str(tmp_path), str(tmp_path / "none")])
        monkeypatch.setattr("openstack.config.loader.CONFIG_FILES", [str(tmp_path / "clouds.yaml")])
        monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
        error, _ = launched(tmp_path, replace(LINE, cloud="theirs"))
    assert error.brief == "the cloud theirs is not known here"


@pytest.mark.parametrize(("what", "most"), [("instances", 0), ("cores", 1), ("ram", 2047)])
def test_who_has_no_quota_is_told_at_once(cloud: Cloud, tmp_path: Path, what: str, most: int) -> None:
    setattr(cloud, what, most)
    error, _ = launched(tmp_path)
    assert isinstance(error, clouds.Full) and "has no room: 0 of" in error.brief and "quota show" in error.hint
    assert "POST /compute/v2.1/servers" not in cloud.asked


def test_a_quota_that_others_use_up_in_the_meantime_is_told_as_that(cloud: Cloud, tmp_path: Path) -> None:
    message = "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances"
    used_up = Refused(403, "forbidden", message)
    cloud.refuse = lambda method, path: used_up if f"{method} {path}" == "POST /compute/v2.1/servers" else None
    error, _ = launched(tmp_path)
    assert isinstance(error, clouds.Full) and message in error.details
    assert not cloud.living()


@pytest.mark.parametrize("line", [LINE, replace(LINE, most=2)])
def test_who_finds_no_room_waits_for_a_server_of_ours_to_go(cloud: Cloud, tmp_path: Path, line: Line) -> None:
    cloud.instances = 10 if line.most else 2
    cloud.deleting = 0.3
    (first, record), _ = leased(tmp_path, line, 2)
    said: list[str] = []
    got: list[str] = []

    def next_one() -> None:
        got.extend(one.name for _, one in openstack.lease(tmp_path / "nodes", [("big", line)], said.append))

    waiting = threading.Thread(target=next_one)
    waiting.start()
    assert until(lambda: bool(said))
    assert said[0].startswith("waiting for room in the cloud loop: ") and not got
    machine = cloud.add("gatelocal-x", ours(tmp_path, record.name))  # what it came to meanwhile
    place.write(first, replace(record, server=machine.id))
    assert sweeper.remove(first) == ""
    waiting.join(30)
    assert len(got) == 1 and not cloud.living() and len(said) == 1


def test_a_server_that_is_still_going_is_waited_for_too(cloud: Cloud, tmp_path: Path) -> None:
    cloud.instances, cloud.deleting = 1, 1e6
    ((folder, record),) = leased(tmp_path)
    machine = cloud.add("gatelocal-x", ours(tmp_path, record.name))
    place.write(folder, replace(record, server=machine.id))
    assert sweeper.remove(folder) == "" and cloud.living() == [machine]
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        machine.gone_at = 1.0

    assert len(openstack.lease(tmp_path / "nodes", [("big", LINE)], say)) == 1
    assert len(said) == 1 and "1 of 1 servers are used" in said[0]


def test_waiting_can_be_stopped(cloud: Cloud, tmp_path: Path) -> None:
    line = replace(LINE, most=1)
    leased(tmp_path, line)
    stop = Stop()
    with pytest.raises(Stopped), stoppable(stop):
        openstack.lease(tmp_path / "nodes", [("big", line)], lambda words: stop.ask())
    assert len(place.folders(tmp_path / "nodes")) == 1


def test_more_at_a_time_than_there_may_be_are_no_matter_of_waiting(cloud: Cloud, tmp_path: Path) -> None:
    leased(tmp_path)
    with pytest.raises(clouds.Full, match="has no room"):
        leased(tmp_path, replace(LINE, most=1), 2)


def test_a_server_that_comes_to_nothing_is_made_once_more_and_no_more(cloud: Cloud, tmp_path: Path) -> None:
    cloud.ends = ("ERROR",)
    error, said = launched(tmp_path)
    assert "came to nothing: ERROR" in error.brief and "No valid host was found." in error.details
    assert cloud.made == 2 and not cloud.living()
    assert [words for words in said if "trying once more" in words]


def test_one_without_an_address_too(cloud: Cloud, tmp_path: Path) -> None:
    cloud.power = lambda machine: ""
    error, _ = launched(tmp_path)
    assert "got no address" in error.brief and "`network`" in error.hint
    assert cloud.made == 2 and not cloud.living()


def test_one_that_is_never_made_too(cloud: Cloud, tmp_path: Path) -> None:
    cloud.build = 1e6
    error, _ = launched(tmp_path)
    assert "is BUILD after" in error.brief and cloud.made == 2 and not cloud.living()


def test_one_whose_ssh_server_never_answers_too_and_its_console_is_shown(cloud: Cloud, tmp_path: Path) -> None:
    error, _ = launched(tmp_path, replace(LINE, port=connection.free_port()))
    assert "runs, and does not answer" in error.brief and "security groups" in error.hint
    assert error.details == cloud.console and cloud.made == 2 and not cloud.living()


def test_one_that_is_another_machine_than_ours_lets_nobody_in(cloud: Cloud, tmp_path: Path) -> None:
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
        error, _ = launched(tmp_path, replace(LINE, port=server.getsockname()[1]))
        server.shutdown(socket.SHUT_RDWR)
    assert "lets nobody in" in error.brief and "cloud-init" in error.hint and cloud.console in error.details
    assert cloud.made == 2 and not cloud.living()


def test_a_cloud_that_hiccups_while_a_server_boots_is_asked_again(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def now_and_then(method: str, path: str) -> Refused | None:
        looks.extend([path] if method == "GET" and "/servers/" in path and "detail" not in path else [])
        return Refused(503, "computeFault", "busy") if len(looks) in (1, 2) else None

    cloud.refuse = now_and_then
    monkeypatch.setattr(openstack, "_MADE", 30.0)
    error, _ = launched(tmp_path, replace(LINE, port=connection.free_port()))
    assert "does not answer" in error.brief and "runs" in error.brief and len(looks) > 2


def test_what_nobody_has_any_more_goes_and_nothing_of_others(cloud: Cloud, tmp_path: Path) -> None:
    ((_, living),) = leased(tmp_path)
    lost = cloud.add("gatelocal-lost", ours(tmp_path))
    kept = [
        cloud.add("ours", ours(tmp_path, living.name)),
        cloud.add("gatelocal-theirs", {clouds.GATE: openstack.gate(tmp_path / "other"), clouds.NODE: "big-00000000"}),
        cloud.add("untold", {clouds.NODE: "big-00000000"}),
        cloud.add("gatelocal-named", {}),
        cloud.add("none", {clouds.GATE: ""}),
    ]
    leased(tmp_path)
    assert cloud.living() == kept and lost not in kept


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_cannot_be_deleted_now_is_deleted_later(cloud: Cloud, tmp_path: Path, known: bool) -> None:
    ((folder, record),) = leased(tmp_path)
    machine = cloud.add("gatelocal-x", ours(tmp_path, record.name))
    place.write(folder, replace(record, server=machine.id if known else "", state=NodeState.BOOTING))
    refused = Refused(503, "computeFault", "busy")
    cloud.refuse = lambda method, path: refused if method == "DELETE" else None
    assert "failed (503)" in sweeper.remove(folder)
    said: list[str] = []
    sweeper.sweep(tmp_path / "nodes", said.append)
    assert cloud.living() == [machine] and "that did not work before" in said[0] and "stays: " in said[1]
    cloud.refuse = lambda method, path: None
    sweeper.sweep(tmp_path / "nodes", said.append)
    assert not cloud.living() and not folder.exists()


def test_a_person_is_told_that_a_held_node_could_not_be_returned(cloud: Cloud, tmp_path: Path) -> None:
    (one, first), (other, second) = leased(tmp_path, count=2)
    machine = cloud.add("gatelocal-x", ours(tmp_path, first.name))
    place.write(one, replace(first, server=machine.id, state=NodeState.HELD))
    place.write(other, replace(second, state=NodeState.HELD))
    cloud.refuse = lambda method, path: Refused(503, "computeFault", "busy") if method == "DELETE" else None
    with pytest.raises(InfrastructureError, match=f"the node {first.name} could not be returned: ") as caught:
        holds.give_back(tmp_path / "nodes", first.name, second.name)
    assert caught.value.hint and not other.exists() and cloud.living() == [machine]
    cloud.refuse = lambda method, path: None
    assert holds.give_back(tmp_path / "nodes", first.name) == (first.name,)
    assert not cloud.living() and not one.exists()


def test_a_node_is_closed_whatever_the_cloud_says(cloud: Cloud, tmp_path: Path) -> None:
    ((folder, record),) = leased(tmp_path)
    cloud.refuse = lambda method, path: Refused(500, "computeFault", "no")
    connection.SshNode(folder, record).close()
    left = place.read(folder)
    assert left is not None and left.state is NodeState.RETURNED


def test_a_server_whose_answer_was_lost_is_found_by_its_name(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clouds, "_LATE", 30.0)
    ((folder, record),) = leased(tmp_path)
    place.write(folder, replace(record, state=NodeState.BOOTING))
    later = threading.Timer(0.5, lambda: cloud.add("gatelocal-x", ours(tmp_path, record.name)))
    later.start()
    began = time.monotonic()
    assert sweeper.remove(folder) == ""
    later.join()
    assert not cloud.living() and time.monotonic() - began < 25
