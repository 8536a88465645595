"""The daemon is killed, its server restarted, its stream cut at random moments: the same lands as without that.

And nothing is said or done twice.

More rounds by hand: ``python -m tests.live.test_serve_kills --rounds 200`` or GATELOCAL_TEST_KILLS.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gatelocal.builds import order as orders
from gatelocal.builds.folder import GO
from gatelocal.cli.sandbox import places
from gatelocal.process import stop_by_pid
from gatelocal.sandbox.server import Server
from gatelocal.sandbox.start import start
from gatelocal.sandbox.versions import DEFAULT
from git_review.errors import ReviewError
from tests.live import gate_site
from tests.live.conftest import GerritProject
from tests.live.gate_site import Gate, Tenant, landed, until
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.live

ROUNDS = int(os.environ.get("GATELOCAL_TEST_KILLS", "1"))
KILLS = 4  # in each round


Disturb = Callable[[Gate], Gate]
"""Does something to a gate; gives the one that there is afterwards."""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_any_moment(
    gerrit: GerritProject, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    where = gate_site.tenant(gerrit.server, gerrit.client, tmp_path)
    password = ""
    if database == "postgresql":
        server: PostgreSql = request.getfixturevalue("postgresql")
        where.configure(database=server.database(password=True))
        password = server.password
    chance = _chance()

    def killed(gate: Gate) -> Gate:
        time.sleep(chance.uniform(0.1, 4))
        gate.kill()
        return gate_site.start(where)

    log = _disturbed(where, [killed] * KILLS)
    assert not password or password not in log


def test_a_server_that_is_restarted_slow_or_silent_costs_time_alone(tmp_path: Path) -> None:
    server = start(DEFAULT, tmp_path / "gerrit", places(os.environ), print)
    running = [server.pid]
    argv, folder = _split(server.pid, "cmdline"), Path(f"/proc/{server.pid}/cwd").resolve()
    variables = dict(one.split("=", 1) for one in _split(server.pid, "environ"))
    chance = _chance()

    def restarted(gate: Gate) -> Gate:
        time.sleep(chance.uniform(0.1, 2))
        stop_by_pid(running[0], grace=chance.choice((0, 30)))
        time.sleep(chance.uniform(0, 2))
        with (tmp_path / "gerrit.log").open("a") as log:
            again = subprocess.Popen(argv, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True)
        running[0] = again.pid
        until(lambda: _answers(server), "the server is there again")
        return gate

    def slow(gate: Gate) -> Gate:
        time.sleep(chance.uniform(0.1, 2))
        os.kill(running[0], signal.SIGSTOP)
        time.sleep(chance.uniform(1, 4))
        os.kill(running[0], signal.SIGCONT)
        return gate

    def cut(gate: Gate) -> Gate:
        time.sleep(chance.uniform(0.1, 2))
        for pid in Path(f"/proc/{gate.process.pid}/task/{gate.process.pid}/children").read_text().split():
            if "stream-events" in _split(int(pid), "cmdline"):
                os.kill(int(pid), signal.SIGKILL)
        return gate

    def killed(gate: Gate) -> Gate:
        gate.kill()
        return gate_site.start(where)

    try:
        with server.client() as client:
            where = gate_site.tenant(server, client, tmp_path)
            disturbances = [cut, restarted, slow, killed, cut]
            chance.shuffle(disturbances)
            _disturbed(where, disturbances)
    finally:
        stop_by_pid(running[0], grace=1)
        server.remove()


def _split(pid: int, name: str) -> list[str]:
    return Path(f"/proc/{pid}/{name}").read_text().rstrip("\0").split("\0")


def _answers(server: Server) -> bool:
    with contextlib.suppress(ReviewError), server.client() as client:
        client.server.version()
        with socket.create_connection((server.ssh_host, server.ssh_port), timeout=5) as connection:
            return connection.recv(3) == b"SSH"
    return False


def _chance() -> random.Random:
    seed = int(os.environ.get("GATELOCAL_TEST_SEED", secrets.randbelow(10**6)))
    sys.stdout.write(f"GATELOCAL_TEST_SEED={seed}\n")
    return random.Random(seed)  # noqa: S311 - the same moments again, for whoever gives the seed


def _disturbed(where: Tenant, disturbances: Sequence[Disturb]) -> str:
    """Some rounds in which that happens, and what must be so at their end. Gives what the daemon has said."""
    for name in where.names:
        where.push(name, {"job.sh": "sleep 1; test ! -e fails\n"}, "A job that takes some time")
    before = {name: len(where.line(name)) for name in where.names}
    gate = gate_site.start(where)
    try:
        for at in range(ROUNDS):
            gate = _round(where, gate, disturbances, at)
        tested = {
            (project, tree)
            for one in gate.get("/api/builds?pipeline=gate&result=SUCCESS&limit=500")["builds"]
            for project, branches in one["trees"].items()
            for tree in branches.values()
        }
        for name in where.names:
            assert {(name, tree) for tree in where.line(name)[before[name] :]} <= tested
        begun = Counter(orders.read(one.parent).id for one in (where.state / "runs").glob(f"*/*/{GO}"))
        assert begun
        assert set(begun.values()) == {1}, "no build was begun twice"
        for one in gate.get("/api/builds?limit=500")["builds"]:
            assert one["state"] == "done"
            assert one["result"] == "ABORTED" or (one["started"] and one["log"]), one
        assert gate.stop() == 0
        assert not list((where.state / "nodes").glob("*/")), "every node is returned"
    finally:
        where.stop()
    return gate.log.read_text()


def _round(where: Tenant, gate: Gate, disturbances: Sequence[Disturb], at: int) -> Gate:
    a, b = where.names
    first = where.change(a, {f"a{at}": "1"}, "First")
    second = where.change(b, {f"b{at}": "1"}, f"Second\n\nDepends-On: {where.url(first)}")
    fails = where.change(a, {"fails": "1\n"}, "Fails")
    fourth = where.change(a, {f"d{at}": "1"}, "Fourth")
    every = [first, second, fails, fourth]
    where.approve(second, first, fails, fourth)
    for disturb in disturbances:
        gate = disturb(gate)
    until(lambda: not gate.items("gate") and not gate.items("check"), "all is done", 360)
    assert landed(where, every) == [first, second, fourth]
    for number in every:
        messages = where.messages(number)
        twice = [tag for tag, count in Counter(one.tag for one in messages).items() if count > 1]
        verdicts = Counter((one.patchset, one.tag.partition("~")[0], one.text.splitlines()[2]) for one in messages)
        assert (twice, [one for one, count in verdicts.items() if count > 1]) == ([], [])
    return gate


if __name__ == "__main__":
    if "--rounds" in sys.argv:
        os.environ["GATELOCAL_TEST_KILLS"] = sys.argv[sys.argv.index("--rounds") + 1]
    sys.exit(pytest.main(["-q", "-s", __file__]))
