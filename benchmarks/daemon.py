"""How long a real Gerrit's gate takes to land approved changes whose job is done at once, and what it costs meanwhile.

A Gerrit of its own, the daemon as `gatelocal serve` starts it, one queue with one project, the job `noop`. So what is
measured is the gate itself: being told, merging, voting, submitting, looking at what came of it. The clock runs from
the first approval until the last change has landed. Then nothing happens for a while, and its processor time is read.

Exit status: 0 when all is within the limits below, 1 otherwise. They are those of a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# Beside this file are some with the names of packages, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gatelocal.cli.sandbox import places  # noqa: E402
from gatelocal.sandbox.share import shared  # noqa: E402
from gatelocal.sandbox.versions import DEFAULT  # noqa: E402
from tests.live import gate_site  # noqa: E402
from tests.live.gate_site import Gate, Tenant  # noqa: E402

SECONDS = 7.5
"""For 20 changes: a fifth of what Zuul 14.3 takes for the same on two cores."""
MEMORY, IDLE_MEMORY = 110 << 20, 70 << 20
"""Bytes resident of the daemon's process, at most and with an empty queue before it has worked."""
IDLE = 0.005
"""Of one processor, with nothing to do."""
SETTLED = 5.0
"""Seconds until nothing is to be done any more."""
NOOP = "- project: {queue: shared, gate: {jobs: [noop]}}\n"


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds without work")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="gate") as made,
        shared(DEFAULT, Path(made) / "g", places(os.environ)) as at,
        at.client() as client,
    ):
        where = gate_site.tenant(at, client, Path(made), count=1)
        where.push(where.names[0], {".zuul.yaml": NOOP}, "A job that is done at once")
        gate = gate_site.start(where)
        try:
            return judged(where, gate, asked)
        finally:
            gate.stop()


def judged(where: Tenant, gate: Gate, asked: argparse.Namespace) -> int:
    """Measure one daemon."""
    time.sleep(SETTLED)
    empty = resident(gate.process.pid)
    took = []
    for round_ in range(asked.rounds):
        numbers = changes(where, asked.changes, round_)
        before = processors(gate.process.pid)
        seconds = land(where, numbers)
        own = processors(gate.process.pid) - before
        print(
            f"round {round_ + 1}: {len(numbers)} changes in {seconds:.2f} s, {seconds / len(numbers):.3f} s each;"
            f" processors of the daemon and its programs {own / len(numbers):.3f} s each"
        )
        took.append(seconds)
    most = highest(gate.process.pid)
    time.sleep(SETTLED)
    before, began = processors(gate.process.pid), time.monotonic()
    time.sleep(asked.idle)
    idle = (processors(gate.process.pid) - before) / (time.monotonic() - began)
    limit = SECONDS * asked.changes / 20
    print(f"landing   {min(took):6.2f} s (limit {limit:.1f})")
    print(
        f"memory    {most >> 20:6} MiB at most (limit {MEMORY >> 20}), {empty >> 20} before (limit {IDLE_MEMORY >> 20})"
    )
    print(f"idle      {100 * idle:6.2f} % of a processor (limit {100 * IDLE:.1f})")
    good = min(took) <= limit and most <= MEMORY and empty <= IDLE_MEMORY and idle <= IDLE
    return 0 if good else 1


def changes(where: Tenant, count: int, round_: int) -> list[int]:
    """Upload them, each on the branch, independent of one another."""
    (project,) = where.names
    return [where.change(project, {f"f{round_}-{at}": "1"}, f"Change {at}") for at in range(count)]


def land(where: Tenant, numbers: Sequence[int]) -> float:
    """Approve them, one after the other; seconds until the last one has landed."""
    began = time.monotonic()
    where.approve(*numbers)
    wanted = " OR ".join(f"change:{number}" for number in numbers)
    while len(list(where.client.changes.query(f"status:merged ({wanted})"))) < len(numbers):
        if time.monotonic() - began > 300:
            raise SystemExit(f"they do not land: {where.folder}")
        time.sleep(0.1)
    return time.monotonic() - began


def processors(pid: int) -> float:
    """Seconds of processors that a process has had, with the programs that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes resident at this moment."""
    return _status(pid, "VmRSS")


def highest(pid: int) -> int:
    """Bytes resident at most so far."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    sys.exit(main())
