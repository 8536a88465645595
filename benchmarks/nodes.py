"""What nodes cost, in one run: a container from a built image, one from a snapshot, ten at once, their disk, a machine.

A node is asked for, and the time is taken until its first command has ended. In rounds that alternate: a fresh
container, and one that goes on from a snapshot of a container with so many megabytes on its disk. Then several of those
at the same time; then, with --emulated, the cold boot of a virtual machine, which takes a minute or two.

Exit status: 0 when all is within the limits below, 1 otherwise. They are those of a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Beside this file is one with the name of a package, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.config.directories import directories  # noqa: E402
from gatelocal.config.labels import labels  # noqa: E402
from gatelocal.errors import GateError  # noqa: E402
from gatelocal.launcher import layers, place  # noqa: E402
from gatelocal.launcher.pool import Pool, launcher  # noqa: E402
from gatelocal.ports import Node  # noqa: E402

FIRST = 0.5
"""Seconds until a fresh container has done its first command."""
CLONE, AT_ONCE = 1.5, 4.0
"""A clone's time by a fresh one's; that of all clones at once by that of one."""
DISK = 30 << 20
"""Bytes of disk of a clone after its first command."""
RESTORED = 0.1
"""A clone's time by that of a cold boot under emulation."""


def _silent(_: str) -> None:
    """Say nothing."""


def timed(make: Callable[[], Node]) -> float:
    """Seconds until the node's first command has ended."""
    began = time.perf_counter()
    with contextlib.closing(make()) as node:
        node.run(["true"])
        return time.perf_counter() - began


@contextlib.contextmanager
def snapshot(pool: Pool, megabytes: int) -> Iterator[str]:
    """The name of a snapshot of a container with so much on its disk, for the block."""
    node = pool.launch(None, print)
    try:
        node.run(["dd", "if=/dev/urandom", "of=ballast", "bs=1M", f"count={megabytes}", "status=none", "conv=fsync"])
        name = f"benchmark-{secrets.token_hex(4)}"
        began = time.perf_counter()
        taken = pool.snapshot(node.name, name)
        print(f"snapshot of {megabytes} MB                    {time.perf_counter() - began:8.2f} s")
    finally:
        node.close()
    try:
        yield name
    finally:
        layers.remove(taken.folder)


def at_once(pool: Pool, name: str, count: int) -> tuple[float, list[int]]:
    """Seconds until all of so many clones have done their first command; the bytes of each one's disk."""

    def made() -> Node:
        node = pool.clone(name, _silent)
        node.run(["true"])
        return node

    with contextlib.ExitStack() as stack:
        began = time.perf_counter()
        with ThreadPoolExecutor(count) as crew:
            nodes = [one.result() for one in [crew.submit(made) for _ in range(count)]]
        seconds = time.perf_counter() - began
        for node in nodes:
            stack.callback(node.close)
        return seconds, [(pool.runtime / node.name / place.DISK).stat().st_blocks * 512 for node in nodes]


def shown(what: str, value: float, limit: float, form: str) -> bool:
    """Print a figure beside its limit; whether it is within it."""
    good = value <= limit
    print(f"{what:40}{format(value, form):>10}   limit {format(limit, form)}{'' if good else '   MISSED'}")
    return good


def run(options: argparse.Namespace) -> bool:
    """All figures; whether they are within their limits."""
    folders = directories(os.environ)
    with tempfile.TemporaryDirectory(prefix="nodes-") as runtime:
        pool = launcher("nspawn", folders.cache, Path(runtime) / "nodes", labels(folders.configuration))
        pool.prepare(None, print)
        with snapshot(pool, options.megabytes) as name:
            timed(lambda: pool.launch(None, _silent))
            fresh, cloned = [], []
            for _ in range(options.rounds):
                fresh.append(timed(lambda: pool.launch(None, _silent)))
                cloned.append(timed(lambda: pool.clone(name, _silent)))
            one, clone = statistics.median(fresh), statistics.median(cloned)
            several = sorted(at_once(pool, name, options.count) for _ in range(3))
            together, disks = several[1]
        good = [
            shown("a container to its first command, s", one, FIRST, ".2f"),
            shown("a clone / a fresh container", clone / one, CLONE, ".2f"),
            shown(f"{options.count} clones at once / one clone", together / clone, AT_ONCE, ".2f"),
            shown("disk of a clone, MB", max(disks) / (1 << 20), DISK / (1 << 20), ".1f"),
        ]
        if options.emulated:
            machine = launcher("qemu", folders.cache, Path(runtime) / "machines", labels(folders.configuration))
            machine.prepare(None, print)
            boot = timed(lambda: machine.launch(None, print))
            print(f"{'a virtual machine to its first command, s':40}{boot:10.1f}")
            good.append(shown("a clone of a container / that boot", clone / boot, RESTORED, ".3f"))
    return all(good)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="of a fresh container and a clone each")
    parser.add_argument("--count", type=int, default=10, help="clones at once")
    parser.add_argument("--megabytes", type=int, default=2048, help="on the snapshot's disk")
    parser.add_argument("--emulated", action="store_true", help="boot a virtual machine as well")
    try:
        return 0 if run(parser.parse_args()) else 1
    except GateError as error:
        print(error, *(line for line in (error.details, error.hint) if line), sep="\n", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
