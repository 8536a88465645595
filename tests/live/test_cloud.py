"""Servers of a cloud on loopback that are real machines: the real client has them made, a whole build runs on one.

What is behind a server is a container. It is told what the cloud is given for cloud-init, as that would read it.
``GATELOCAL_TEST_KILLS`` says how often a launcher is killed (10), ``GATELOCAL_TEST_SEED`` repeats what was random.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.launcher import clouds, connection, place, sweeper
from gatelocal.launcher.pool import BUILT_IN, Pool, launcher
from gatelocal.launcher.providers import openstack
from gatelocal.model.label import Cloud as Line
from gatelocal.model.label import Labels
from gatelocal.model.plan import Nodeset, NodeWanted
from gatelocal.ports import Node
from tests.fakes.cloud import Cloud, Machine, Refused, serving
from tests.live.test_hold import bench
from tests.patience import LONG, until

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

_OWNER = """
import sys
from pathlib import Path
from gatelocal.launcher.pool import BUILT_IN, launcher
from gatelocal.launcher.providers import openstack
from gatelocal.model.label import Cloud, Labels
openstack._OFTEN = 0.05
folder = Path(sys.argv[1])
table = BUILT_IN.extended(Labels("", {}, clouds=(Cloud(("big",), "loop", "debian 12", "small", port=1),)))
print("there", flush=True)
launcher("openstack", folder / "cache", folder / "nodes", table).launch("big", lambda line: print(line, flush=True))
"""


@dataclass
class Rack:
    """Containers that are a cloud's servers, each at an address of its own, all at one port."""

    folder: Path
    port: int = field(default_factory=connection.free_port)
    nodes: dict[str, Node] = field(default_factory=dict)
    doors: dict[str, socket.socket] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def on(self, machine: Machine) -> str:
        node = launcher("nspawn", directories(os.environ).cache, self.folder / "rack").launch(None, lambda line: None)
        self.nodes[machine.id] = node
        first, _, told = machine.user_data.partition("\n")
        assert first == "#cloud-config"
        told = json.loads(told)
        files = {each["path"]: each["content"] for each in told["write_files"]} | {
            "/etc/ssh/ssh_host_ed25519_key": told["ssh_keys"]["ed25519_private"],
            "/root/.ssh/authorized_keys": "".join(f"{key}\n" for key in told["ssh_authorized_keys"]),
            "/home/zuul/.ssh/authorized_keys": "".join(f"{key}\n" for key in told["users"][0]["ssh_authorized_keys"]),
        }
        lines = [f"printf %s {shlex.quote(text)} >{path}" for path, text in files.items()]
        before = ["set -e", "umask 077", "mkdir -p /root/.ssh ~zuul/.ssh"]
        after = ["chown -R zuul: ~zuul/.ssh", f"hostname {shlex.quote(told['hostname'])}", "systemctl reload ssh"]
        assert node.run(["sudo", "sh", "-c", "; ".join([*before, *lines, *after])]) == 0
        target = int(re.search(r" Port (\d+)", Path(node.shell_argv()[2]).read_text())[1])  # type: ignore[index]
        address = f"127.0.1.{next(self.numbers)}"
        self.doors[machine.id] = socket.create_server((address, self.port))
        threading.Thread(target=_forward, args=(self.doors[machine.id], target), daemon=True).start()
        return address

    def off(self, machine: Machine) -> None:
        if machine.id in self.doors:
            self.doors.pop(machine.id).shutdown(socket.SHUT_RDWR)
        if machine.id in self.nodes:
            self.nodes.pop(machine.id).close()


def _forward(door: socket.socket, port: int) -> None:
    with door:
        while True:
            try:
                link, _ = door.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", port))
            for one, two in ((link, other), (other, link)):
                threading.Thread(target=_copy, args=(one, two), daemon=True).start()


def _copy(one: socket.socket, two: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            two.sendall(data)
    for each in (one, two):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    (tmp_path / "user").mkdir()
    made = Cloud()
    with serving(made, tmp_path / "user") as file:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        yield made
        for machine in made.living():
            machine.gone_at = 1.0
        made.living()


@pytest.fixture
def rack(cloud: Cloud, tmp_path: Path) -> Rack:
    found = Rack(tmp_path)
    cloud.power, cloud.off, cloud.build = found.on, found.off, 0.5
    return found


def pool(tmp_path: Path, rack: Rack) -> Pool:
    line = Line(("big", "small"), "loop", "debian 12", "small", port=rack.port)
    table = BUILT_IN.extended(Labels("", {}, clouds=(line,)))
    return launcher("openstack", tmp_path / "cache", tmp_path / "nodes", table)


def said(node: Node, *argv: str) -> list[str]:
    lines: list[str] = []
    assert node.run(argv, on_line=lines.append) == 0, lines
    return lines


def test_a_server_is_a_node_as_any_other_also_where_the_first_comes_to_nothing(
    cloud: Cloud, rack: Rack, tmp_path: Path
) -> None:
    cloud.ends = ("ERROR", "ACTIVE")
    node = pool(tmp_path, rack).launch("big", print)
    try:
        assert cloud.made == 2 and len(cloud.living()) == 1
        assert node.description == "server of a cloud (loop: debian 12, small)"
        assert (node.disposable, node.home) == (True, "/home/zuul")
        assert said(node, "hostname") == [node.name]
        assert said(node, "sudo", "id", "-un") == ["root"]
        assert node.run(["tox", "--version"]) == 0 and node.run(["sh", "-c", "exit 255"]) == 255
        (tmp_path / "tree/deep").mkdir(parents=True)
        (tmp_path / "tree/deep/file").write_text("content")
        node.put(tmp_path / "tree", f"{node.home}/src")
        assert said(node, "cat", "src/deep/file") == ["content"]
        assert node.get(f"{node.home}/src/deep", tmp_path) and (tmp_path / "deep/file").read_text() == "content"
        duration = f"9{os.getpid()}"
        with pytest.raises(TimeoutError):
            node.run(["sh", "-c", f"sudo setsid sleep {duration} & sleep {duration}"], timeout=2)
        assert node.run(["pgrep", "-x", "-f", f"sleep {duration}"]) == 1
    finally:
        node.close()
    assert not cloud.living() and not rack.nodes and not list((tmp_path / "nodes").iterdir())


def test_several_of_a_job_know_where_the_others_are(cloud: Cloud, rack: Rack, tmp_path: Path) -> None:
    nodeset = Nodeset(nodes=(NodeWanted(("controller",), "big"), NodeWanted(("compute",), "small")))
    nodes = pool(tmp_path, rack).gather((nodeset,), print)
    try:
        assert sorted(nodes.addresses) == ["127.0.1.1", "127.0.1.2"]
        records = [place.read(tmp_path / "nodes" / node.name) for node in nodes.each]  # type: ignore[attr-defined]
        assert [(one.names, one.address) for one in records if one] == [
            (("controller",), nodes.addresses[0]),
            (("compute",), nodes.addresses[1]),
        ]
    finally:
        nodes.close()
    assert not cloud.living() and not list((tmp_path / "nodes").iterdir())


def test_a_whole_build_runs_on_it_and_its_node_is_kept_and_entered(cloud: Cloud, rack: Rack, tmp_path: Path) -> None:
    kept = bench(tmp_path)
    (tmp_path / "configuration").mkdir()
    (tmp_path / "configuration/labels.yaml").write_text(
        "clouds:\n- {provider: openstack, cloud: loop, label: debian-bookworm, image: debian 12, flavor: small,"
        f" port: {rack.port}}}\n"
    )
    environment = {
        **kept.environment,
        "GATELOCAL_CONFIG": str(tmp_path / "configuration"),
        "OS_CLIENT_CONFIG_FILE": os.environ["OS_CLIENT_CONFIG_FILE"],
    }
    kept = type(kept)(kept.folder, environment)
    done = kept.type("run", "--node", "openstack", "--hold", ok=(1,))
    assert "FAIL" in done.stdout and "server of a cloud (loop: debian 12, small)" in done.stdout + done.stderr
    (record,) = kept.held
    assert (record.cloud, len(cloud.living())) == ("loop", 1)
    told = kept.type("shell", "--", "sh", "-c", 'pwd; echo "$FLAVOUR"; cat ran').stdout.splitlines()
    assert told[0].startswith("/home/zuul/src/") and told[-1] == "once more"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "mine")], check=True)
    let_in = kept.type("shell", "--key", str(tmp_path / "mine.pub"))
    (way,) = re.findall(r"reached: (ssh .*)", let_in.stdout + let_in.stderr)
    trust = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
    argv = [*way.split(), "-F", "none", *trust, "-i", str(tmp_path / "mine"), "id", "-un"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "zuul\n"
    kept.type("hold", "release", "--all")
    assert not cloud.living() and not kept.held
    done = kept.type("run", ok=(1,))  # auto takes it, since the table has the label
    assert "server of a cloud" in done.stdout + done.stderr
    assert until(lambda: not cloud.living(), 30) and not rack.nodes


@pytest.mark.parametrize("failing", ["the cloud fails", "nobody is let in", "no server comes to anything"])
def test_what_the_cloud_does_is_never_the_changes_fault(cloud: Cloud, tmp_path: Path, failing: str) -> None:
    kept = bench(tmp_path)
    (tmp_path / "configuration").mkdir()
    line = "{cloud: loop, label: debian-bookworm, image: debian 12, flavor: small}"
    (tmp_path / "configuration/labels.yaml").write_text(f"clouds:\n- {line}\n")
    if failing == "the cloud fails":
        cloud.refuse = lambda method, path: Refused(503, "error", "down \x1b[31mfor now")
    elif failing == "nobody is let in":
        cloud.password = "another one"
    else:
        cloud.ends = ("ERROR",)
    environment = {
        **kept.environment,
        "GATELOCAL_CONFIG": str(tmp_path / "configuration"),
        "OS_CLIENT_CONFIG_FILE": os.environ["OS_CLIENT_CONFIG_FILE"],
    }
    done = type(kept)(kept.folder, environment).type("run", "--node", "openstack", ok=(6,))
    said = done.stdout + done.stderr
    told = {"the cloud fails": "the cloud loop does not answer", "nobody is let in": "lets nobody in"}.get(
        failing, "came to nothing: ERROR"
    )
    assert told in said and "open sesame" not in said and "Failed to discover" not in said and "\x1b[31m" not in said
    assert not cloud.living() and not list((tmp_path / "state/nodes").iterdir())


def _ours(folder: Path, cloud: Cloud) -> list[Machine]:
    name = openstack.gate(folder / "nodes")
    return [one for one in cloud.living() if one.metadata.get(clouds.GATE) == name]


def test_whoever_is_killed_at_any_moment_leaves_no_server(cloud: Cloud, tmp_path: Path) -> None:
    seed = int(os.environ.get("GATELOCAL_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
    dice = random.Random(seed)  # noqa: S311 - no secret
    theirs = cloud.add("gatelocal-other", {clouds.GATE: openstack.gate(tmp_path / "other/nodes"), clouds.NODE: "n"})
    living, record = openstack.lease(
        tmp_path / "nodes", [("big", Line(("big",), "loop", "debian 12", "small"))], print
    )[0]
    owned = cloud.add("gatelocal-own", {clouds.GATE: record.gate, clouds.NODE: record.name})
    moments: list[str] = []
    for number in range(int(os.environ.get("GATELOCAL_TEST_KILLS", "10"))):
        guards, slow = dice.random() < 0.5, dice.choice(("to make it", "to answer", "no"))
        asked = threading.Event()

        def answers(method: str, path: str, slow: str = slow) -> None:
            if (method, path, slow) == ("POST", "/compute/v2.1/servers", "to answer"):
                time.sleep(1.0)  # it is there, and who asked for it dies before it is told so

        def refuse(method: str, path: str, slow: str = slow, asked: threading.Event = asked) -> None:
            if (method, path) == ("POST", "/compute/v2.1/servers"):
                asked.set()
                time.sleep(1.5 if slow == "to make it" else 0.0)  # it comes after who asked for it is gone

        cloud.answers, cloud.refuse = answers, refuse
        argv = [sys.executable, "-c", _OWNER, str(tmp_path)]
        owner = subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True)
        if dice.random() < 0.7:
            assert asked.wait(LONG)
        time.sleep(moment := dice.uniform(0, 0.6))
        owner.send_signal(signal.SIGKILL)
        for folder in place.folders(tmp_path / "nodes") if guards else ():
            found = place.read(folder)
            for process in found.processes[:1] if found is not None and found.name != record.name else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        owner.wait()
        moments.append(f"seed {seed}, {number}: {asked.is_set()}, {moment:.2f} s, slow {slow}, guards {guards}")
        if guards:
            sweeper.sweep(tmp_path / "nodes", print)
        assert until(lambda: _ours(tmp_path, cloud) == [owned], 60), moments[-1]
        assert until(lambda: list(place.folders(tmp_path / "nodes")) == [living], 60), moments[-1]
        assert theirs in cloud.living(), moments[-1]
    assert sweeper.remove(living) == "" and cloud.living() == [theirs]
