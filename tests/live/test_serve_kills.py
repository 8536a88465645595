"""The daemon is killed at random moments: the same lands as without that, and nothing is said or done twice.

More rounds by hand: ``python -m tests.live.test_serve_kills --rounds 200`` or GATELOCAL_TEST_KILLS.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gatelocal.builds import order as orders
from gatelocal.builds.folder import GO
from tests.live import gate_site
from tests.live.conftest import GerritProject
from tests.live.gate_site import Gate, Tenant, landed, until
from tests.postgresql import PostgreSql

pytestmark = pytest.mark.live

ROUNDS = int(os.environ.get("GATELOCAL_TEST_KILLS", "1"))
KILLS = 4  # in each round


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
    for name in where.names:
        where.push(name, {"job.sh": "sleep 1; test ! -e fails\n"}, "A job that takes some time")
    before = {name: len(where.line(name)) for name in where.names}
    seed = int(os.environ.get("GATELOCAL_TEST_SEED", secrets.randbelow(10**6)))
    sys.stdout.write(f"GATELOCAL_TEST_SEED={seed}\n")
    chance = random.Random(seed)  # noqa: S311 - the same moments again, for whoever gives the seed
    gate = gate_site.start(where)
    try:
        for at in range(ROUNDS):
            gate = _round(where, gate, chance, at)
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
        assert not password or password not in gate.log.read_text()
        assert gate.stop() == 0
        assert not list((where.state / "nodes").glob("*/")), "every node is returned"
    finally:
        if gate.process.poll() is None:
            gate.stop()


def _round(where: Tenant, gate: Gate, chance: random.Random, at: int) -> Gate:
    a, b = where.names
    first = where.change(a, {f"a{at}": "1"}, "First")
    second = where.change(b, {f"b{at}": "1"}, f"Second\n\nDepends-On: {where.url(first)}")
    fails = where.change(a, {"fails": "1\n"}, "Fails")
    fourth = where.change(a, {f"d{at}": "1"}, "Fourth")
    every = [first, second, fails, fourth]
    where.approve(second, first, fails, fourth)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 4))
        gate.kill()
        gate = gate_site.start(where)
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
