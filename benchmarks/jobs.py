"""A job of five trivial playbooks on one node: how long, and how much processor time, against five `ansible-playbook`?

Both run on a scratch folder of this machine, with the same configuration of Ansible (facts are gathered once and kept),
each playbook with one command. On one side Ansible's own program is started for each, with its local connection; on the
other the executor runs a job, from the start of its process to the end. They take turns.

Exit status: 0 when both medians are within the limit, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Beside this file are some with the names of packages, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.config.directories import directories  # noqa: E402
from gatelocal.config.labels import labels  # noqa: E402
from gatelocal.executor.ansible import environment  # noqa: E402
from gatelocal.executor.ansible.checkouts import Checkouts  # noqa: E402
from gatelocal.executor.ansible.executor import AnsibleExecutor, Setting  # noqa: E402
from gatelocal.launcher import pool  # noqa: E402
from gatelocal.model.job import Job  # noqa: E402
from gatelocal.model.plan import Nodeset, NodeWanted, Playbook  # noqa: E402
from gatelocal.model.playbooks import Item, Playbooks  # noqa: E402
from gatelocal.model.result import Outcome  # noqa: E402

LIMIT = 0.35
COUNT = 5
PLAYBOOK = "- hosts: all\n  tasks:\n    - name: Say it\n      command: echo playbook {}\n"
INVENTORY = {"all": {"hosts": {"node": {"ansible_connection": "local", "ansible_python_interpreter": "python3"}}}}
Spent = tuple[float, float]
"""Seconds by the clock, and of processors."""


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    places = directories(os.environ)
    python = environment.python(places.cache, print)
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as made:
        for number in range(rounds):
            folder = Path(made) / str(number)
            (folder / "tree").mkdir(parents=True)
            for count in range(COUNT):
                (folder / f"tree/{count}.yaml").write_text(PLAYBOOK.format(count))
            theirs.append(spent(lambda folder=folder: programs(python, folder)))
            ours.append(job(places.cache, folder))
    good = True
    for index, what in enumerate(("by the clock", "of processors")):
        before, now = (statistics.median(one[index] for one in each) for each in (theirs, ours))
        good &= now <= LIMIT * before
        print(f"{what:14} {COUNT} programs {before:5.2f} s, one job {now:5.2f} s: {now / before:.2f} (limit {LIMIT})")
    return 0 if good else 1


def spent(what: Callable[[], None]) -> Spent:
    """What it takes, with all the processes that it starts."""
    before, began = processors(), time.perf_counter()
    what()
    return time.perf_counter() - began, processors() - before


def processors() -> float:
    """Seconds that this process and those that have ended have had."""
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in each)


def programs(python: Path, folder: Path) -> None:
    """Ansible's own program for each playbook."""
    (folder / "inventory.yaml").write_text(json.dumps(INVENTORY))
    variables = {
        **os.environ,
        "HOME": str(folder),
        "ANSIBLE_GATHERING": "smart",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_INTERNAL_POLL_INTERVAL": "0.01",
    }
    program = environment.package(python).parents[3] / "bin/ansible-playbook"
    for count in range(COUNT):
        argv = [str(python), str(program), "-i", str(folder / "inventory.yaml"), str(folder / f"tree/{count}.yaml")]
        subprocess.run(argv, env=variables, check=True, capture_output=True)


def job(cache: Path, folder: Path) -> Spent:
    """The executor, with a job of the same playbooks, on a node that is there."""
    table = labels(directories(os.environ).configuration)
    nodeset = Nodeset("", (NodeWanted(("node",), ""),))
    nodes = pool.launcher("local", cache, folder / "nodes", table).gather((nodeset,), lambda _: None)
    try:
        books = Playbooks(run=tuple(Playbook("h/own", f"{count}.yaml", branch="master") for count in range(COUNT)))
        (folder / "root/src").mkdir(parents=True)
        setting = Setting(
            item=Item("h", "gate", "master"),
            attempt=1,
            cache=cache,
            root=folder / "root",
            scratch=folder / "root/playing",
            checkouts=Checkouts({("h/own", "master"): folder / "tree"}, {}),
            paths={},
            checked_out={},
            nodes=nodes,
            pause=lambda _: None,
        )
        asked = Job("own", family="ansible", playbooks=books)
        executor, found = AnsibleExecutor(lambda _: None, setting), []
        took = spent(lambda: found.append(executor.run(asked, "own", nodes.each[0], {}, folder / "logs")))
        if found[0].outcome is not Outcome.SUCCESS:
            raise SystemExit(f"the job did not succeed: {found[0].reason}")
        return took
    finally:
        nodes.close()


if __name__ == "__main__":
    sys.exit(main())
