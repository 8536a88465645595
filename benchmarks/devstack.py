"""What a stack costs, in one run: a profile cold, then warm with another change, on the trees of a folder.

The folder has ``openstack/devstack``, ``openstack/requirements``, ``openstack/tempest``, and what the profile needs,
as git repositories. A change (a comment in a Python file) is made to a clone of PROJECT, and taken by ``gatelocal run
--profile`` with ``--cold``; then another one, which begins with the stack of the first. Times begin with the command.

Exit status: 0 when the warm run's first test comes within the limits below, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FIRST, RATIO = 20.0, 0.2
"""Seconds to the first test of a warm run on a machine that does nothing else; the same by that of the cold one."""

_LINE = re.compile(r"^(\S+ \S+) \| \{\d+\} \S+ \[[\d.]+s\] \.\.\. ")
_STACKED = re.compile(r"> \[stack\] ([\d.]+) s, status 0$")


@dataclass(frozen=True)
class Run:
    """What one run took, in seconds. :ivar stack: ``stack.sh`` alone; 0 in a warm run."""

    whole: float
    first: float
    stack: float
    tests: int
    warm: bool


def changed(tree: Path, number: int) -> None:
    """Commit a change of one line."""
    path = next(one for one in sorted(tree.glob(f"{tree.name.replace('-', '_')}/**/*.py")) if one.stat().st_size > 500)
    path.write_text(f"{path.read_text()}# {number}\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    message = f"Change {number}\n\nChange-Id: I{number:040x}"
    subprocess.run(["git", "-C", str(tree), *identity, "commit", "-qam", message], check=True)


def run(tree: Path, state: Path, profile: str, *more: str) -> Run:
    """Have what is committed tested. :raises SystemExit: it did not pass."""
    began, clock = time.time(), time.perf_counter()
    argv = ["gatelocal", "run", "--profile", profile, "--node", "nspawn", "--json", *more]
    environment = {**os.environ, "GATELOCAL_STATE": str(state)}
    done = subprocess.run(argv, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    whole = time.perf_counter() - clock
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{done.stderr[-4000:]}")
    (build,) = json.loads(done.stdout)["builds"]
    lines = Path(build["job_output"]).read_text(errors="replace").splitlines()
    first = next(found[1] for line in lines if (found := _LINE.match(line)))
    stacked = next((float(found[1]) for line in lines if (found := _STACKED.search(line))), 0.0)
    at = datetime.fromisoformat(f"{first}+00:00").timestamp() - began
    return Run(whole, at, stacked, build["tests"], any(one["id"] == "warm" for one in build["deviations"]))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", type=Path, help="the folder of repositories")
    parser.add_argument("--project", default="openstack/keystone", help="the project of the change")
    parser.add_argument("--profile", default="identity")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stack-") as folder:
        tree, state = Path(folder) / options.project.rpartition("/")[2], Path(folder) / "state"
        subprocess.run(["git", "clone", "-q", str(options.server.absolute() / options.project), str(tree)], check=True)
        changed(tree, int(time.time()))
        cold = run(tree, state, options.profile, "--cold")
        changed(tree, int(time.time()))
        warm = run(tree, state, options.profile)
    for name, one in (("cold", cold), ("warm", warm)):
        print(
            f"{name}: {one.whole:.0f} s for {one.tests} tests, the first after {one.first:.1f} s"
            + (f"; stack.sh {one.stack:.0f} s" if one.stack else "")
        )
    ratio = warm.first / cold.first
    print(f"the first test, warm / cold: {ratio:.3f} (at most {RATIO})")
    return 0 if warm.warm and ratio <= RATIO and warm.first <= FIRST else 1


if __name__ == "__main__":
    sys.exit(main())
