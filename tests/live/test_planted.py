"""Sixty failing runs with a known cause, made by real tools: nine of ten are told right, no change is blamed for others."""

# ruff: noqa: E501 - a plant is a line

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatelocal.model.diagnosis import Cause, Diagnosis
from gatelocal.model.result import Outcome
from gatelocal.store.known import Known
from tests.live.planted import Bench, Plant, again, around, bug, flaky, lint, nobody, table, test_around, touched, trunk

pytestmark = pytest.mark.live

DEAD = "http://mirror.example.invalid"
JOURNAL = "Nov 30 12:00:0{} node1 {}\n"
OOM = "".join(
    JOURNAL.format(at, line)
    for at, line in enumerate(
        [
            "kernel: mysqld invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
            "kernel: Out of memory: Killed process 8123 (mysqld) total-vm:3101234kB, anon-rss:912344kB",
            "systemd[1]: mariadb.service: Failed with result 'oom-kill'.",
        ]
    )
)
NOVA = (
    "2026-11-30 12:00:01.100 7 ERROR nova.compute.manager [None req-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f admin] Boot failed\n"
    "2026-11-30 12:00:01.100 7 ERROR nova.compute.manager Traceback (most recent call last):\n"
    "2026-11-30 12:00:01.100 7 ERROR nova.compute.manager libvirt.libvirtError: Timed out during operation\n"
)
STACK = """
echo '+ functions-common:git_timed:620 :  timeout -s SIGINT 0 git clone https://opendev.org/openstack/neutron'
echo "Cloning into '/opt/stack/neutron'..."
{}
exit 1
"""
LUCK = "assert os.environ['LUCK'], '{}'"
U_LUCK = "self.assertTrue(os.environ['LUCK'], '{}')"

PLANTS: tuple[tuple[Cause, Plant], ...] = (
    # the change
    (Cause.DETERMINISTIC, again("assert 1 == 2")),
    (Cause.DETERMINISTIC, again("raise KeyError('host')")),
    (Cause.DETERMINISTIC, again("self.assertEqual(1, 2)", "stestr")),
    (Cause.DETERMINISTIC, again("{}['missing']", "stestr")),
    (Cause.DETERMINISTIC, again("import nothing_of_that_name")),
    (Cause.DETERMINISTIC, again("socket.create_connection(('127.0.0.1', 1), 0.1)")),
    (Cause.DETERMINISTIC, again("socket.create_connection(('127.0.0.1', 1), 0.1)", "stestr")),
    (Cause.DETERMINISTIC, again("urllib.request.urlopen('http://localhost:1/')")),
    (Cause.DETERMINISTIC, touched("assert sorted([3, 1]) == [3, 1]")),
    (Cause.DETERMINISTIC, touched("self.assertIn('a', 'bcd')", "stestr")),
    (Cause.DETERMINISTIC, touched("assert 'No space left on device' == ''")),
    (Cause.DETERMINISTIC, lint("echo './app/wrong.py:3:1: F401 os imported but unused'; exit 1")),
    (Cause.DETERMINISTIC, lint("mkdir app; echo 'def x(:' > app/wrong.py; python3 -m py_compile app/wrong.py")),
    # a race
    (Cause.FLAKY, flaky(LUCK.format("too slow"))),
    (Cause.FLAKY, flaky(LUCK.format("volume is still in-use"))),
    (Cause.FLAKY, flaky(LUCK.format("connection refused"))),
    (Cause.FLAKY, flaky(LUCK.format("timed out"))),
    (Cause.FLAKY, flaky(LUCK.format("order"))),
    (Cause.FLAKY, flaky(U_LUCK.format("too slow"), "stestr")),
    (Cause.FLAKY, flaky(U_LUCK.format("port is DOWN"), "stestr")),
    (Cause.FLAKY, flaky(U_LUCK.format("server is in ERROR"), "stestr")),
    (Cause.FLAKY, flaky("os.environ['LUCK'] or 1 / 0")),
    # a bug that is known
    (Cause.KNOWN, bug('message:"volume is still in use" AND tags:"console"', "assert 0, 'the volume is still in use'")),
    (Cause.KNOWN, bug('message:"Timed out during operation" AND tags:"n-cpu.txt"', "assert 0", ("n-cpu.txt", NOVA))),
    (Cause.KNOWN, bug('message:"Boot failed" AND message:"libvirt.libvirtError" AND module:"nova.compute.manager"', "assert 0", ("logs/n-cpu.txt", NOVA))),
    (Cause.KNOWN, bug('message:"Boot failed" AND loglevel:"ERROR"', "self.fail('no server')", ("n-cpu.txt", NOVA), tool="stestr")),
    (Cause.KNOWN, bug('message:"lock wait timeout exceeded"', "raise RuntimeError('Lock wait timeout exceeded; try again')")),
    (Cause.KNOWN, bug('message:"lock wait timeout exceeded"', "raise RuntimeError('Lock wait timeout exceeded')", tool="stestr")),
    (Cause.KNOWN, bug('message:"no valid host was found"', "assert 0, 'No valid host was found'", test_ids=["test_it.test_it"])),
    (Cause.KNOWN, bug('message:"first" OR message:"quota exceeded for resources"', "assert 0, 'Quota exceeded for resources'")),
    (Cause.KNOWN, bug('message:"port 17 is busy" AND (NOT project:"acme/other")', "assert 0, 'port 17 is busy'")),
    (Cause.KNOWN, bug('message:"dnsmasq died" AND syslog_program:"dnsmasq"', "assert 0", ("syslog.txt", JOURNAL.format(1, "dnsmasq[12]: dnsmasq died")))),
    # the branch
    (Cause.TRUNK, trunk("assert 1 == 2", alone=True)),
    (Cause.TRUNK, trunk("raise TypeError('new library')", alone=True)),
    (Cause.TRUNK, trunk("self.fail('new library')", alone=True, tool="stestr")),
    (Cause.TRUNK, trunk("assert 1 == 2", alone=False)),
    (Cause.TRUNK, trunk("import gone_from_the_distribution", alone=False)),
    (Cause.TRUNK, trunk("self.assertEqual('a', 'b')", alone=False, tool="stestr")),
    # the environment
    (Cause.ENVIRONMENT, around("python3 -m pip --disable-pip-version-check download --retries 1 --timeout 2 --no-deps -i https://mirror.example.invalid/simple acme-nothing")),
    (Cause.ENVIRONMENT, around(f"git clone {DEAD}/openstack/nova")),
    (Cause.ENVIRONMENT, around(f"curl -sS {DEAD}/cirros.img")),
    (Cause.ENVIRONMENT, around("dd if=/dev/zero of=/dev/full bs=1 count=1")),
    (Cause.ENVIRONMENT, around("echo some > /dev/full || exit 1")),
    (Cause.ENVIRONMENT, around("exit 1", Outcome.NODE_FAILURE, "the node does not answer any more")),
    (Cause.ENVIRONMENT, around("exit 1", Outcome.DISK_FULL, "the node's disk is full")),
    (Cause.ENVIRONMENT, around("echo 'test_a ... ok'; exit 1", Outcome.TIMED_OUT, "the job took more than 30 m")),
    (Cause.ENVIRONMENT, around(STACK.format("echo 'error: RPC failed; curl 56 GnuTLS recv error (-54)'; echo 'fatal: early EOF'"))),
    (Cause.ENVIRONMENT, around(STACK.format("echo 'E: Failed to fetch http://deb.example.org/x.deb  Hash Sum mismatch'"))),
    (Cause.ENVIRONMENT, around("echo 'fatal: [controller]: UNREACHABLE! => {\"msg\": \"Failed to connect to the host via ssh\"}'; exit 4")),
    (Cause.ENVIRONMENT, around("exit 137", log=("syslog.txt", OOM))),
    (Cause.ENVIRONMENT, test_around("raise ConnectionError('lost MySQL')", ("syslog.txt", OOM))),
    (Cause.ENVIRONMENT, test_around("self.fail('lost MySQL')", ("logs/syslog.txt", OOM), times=3, tool="stestr")),
    (Cause.ENVIRONMENT, test_around(f"urllib.request.urlopen('{DEAD}/')")),
    (Cause.ENVIRONMENT, test_around(f"urllib.request.urlopen('{DEAD}/')", times=2, tool="stestr")),
    # nobody knows yet
    (Cause.UNKNOWN, nobody("assert 1 == 2")),
    (Cause.UNKNOWN, nobody("self.fail('what?')", "stestr")),
    (Cause.UNKNOWN, nobody("raise TimeoutError('no answer')")),
    (Cause.UNKNOWN, nobody("assert 1 == 2", before=3)),
    (Cause.UNKNOWN, nobody("socket.create_connection(('127.0.0.1', 1), 0.1)")),
    (Cause.UNKNOWN, nobody("self.assertTrue(False)", "stestr", before=2)),
)  # fmt: skip


def test_planted_causes_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(PLANTS) == 60
    known = Known(f"sqlite:///{tmp_path / 'known.sqlite'}")
    found, wrong = [], []

    def thought_of(number: int) -> Diagnosis | None:
        return PLANTS[number][1](Bench(tmp_path / str(number), known), f"job-{number}")

    with ThreadPoolExecutor(4) as pool:
        for number, thought in enumerate(pool.map(thought_of, range(len(PLANTS)))):
            planted = PLANTS[number][0]
            assert thought is not None, number
            found.append((planted, thought.cause))
            if thought.cause is not planted:
                wrong.append(
                    f"{number}: {planted.value}, thought {thought.cause.value}: {thought.because} {thought.evidence}"
                )
    known.close()
    with capsys.disabled():
        print("", *table(found), *wrong, sep="\n")  # noqa: T201 - the table is wanted
    assert len(wrong) <= len(PLANTS) // 10
    assert (Cause.ENVIRONMENT, Cause.DETERMINISTIC) not in found
