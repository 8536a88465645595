"""How fast the gate's core is: events a second, cost per event by queue length, memory, the store, a whole `simulate`.

Run: python benchmarks/core.py [--quick]. Prints a table; exits 1 when a figure misses what the project promises.
Events are counted in processor time, and the best of several rounds counts: other work on the machine is not ours.

With --against REV the same is measured of that commit, too, in turns, and what counts is the ratio. 600c20c ended the
first batch: the gate still froze jobs itself then, and the ratios that are wanted are against it. Each measurement is
made by the benchmark of its own commit, in a process of its own.
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
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

# A neighbour of this file has the name of a package that it needs.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

from gatelocal.config.zuul_yaml import parse  # noqa: E402
from gatelocal.engine.engine import answered_by, unwanted  # noqa: E402
from gatelocal.model.facts import Facts, Ref, Vote  # noqa: E402
from gatelocal.model.layout import Graph  # noqa: E402
from gatelocal.pipeline.actions import Action, Prepare, Report, RequestNode, StartBuild, Submit  # noqa: E402
from gatelocal.pipeline.decide import decide, initial  # noqa: E402
from gatelocal.pipeline.events import BuildDone, ChangeEvent, Event, NodeAnswer, Prepared, Submitted  # noqa: E402
from gatelocal.pipeline.state import State  # noqa: E402
from gatelocal.ports import Store  # noqa: E402
from gatelocal.sim.configuration import configuration  # noqa: E402
from gatelocal.store.sql import open_file  # noqa: E402

LAYOUT = """
- pipeline:
    name: gate
    manager: dependent
    precedence: high
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    require: {gerrit: {open: true, current-patchset: true, approval: [{Workflow: 1}]}}
    start: {gerrit: {Verified: 0}}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
    window-ceiling: 20
- job: {name: base, parent: null, run: run.yaml}
"""


def layout_text(jobs: int, *, ceiling: bool = True) -> str:
    """A gate with that many jobs."""
    names = [f"job{number}" for number in range(jobs)]
    text = LAYOUT + "".join(f"- job: {{name: {name}}}\n" for name in names)
    text += f"- project: {{name: P, gate: {{jobs: [{', '.join(names)}]}}}}\n"
    return text if ceiling else text.replace("    window-ceiling: 20\n", "")


RUN = "from gatelocal.cli.main import main; main()"


class Belt:
    """Changes that come in at the tail as fast as others land at the head; only the time in `decide` counts."""

    def __init__(self, jobs: int = 2) -> None:
        self.configuration = configuration(parse(layout_text(jobs), "layout"))
        self.state: State = initial(self.configuration.layout)
        self.store: Store | None = None
        self.todo: deque[Event] = deque()
        self.running: deque[StartBuild] = deque()
        self.events = 0
        self.seconds = 0.0
        self.landed = 0
        self.tip = 0
        self.commits: list[float] = []

    def feed(self, event: Event) -> None:
        """Have an event decided on and its actions answered."""
        began = time.process_time()
        self.state, actions = decide(self.state, event)
        self.seconds += time.process_time() - began
        self.events += 1
        if self.store is not None:
            began = time.perf_counter()
            self.store.commit(event, self.state, actions, (*answered_by(event), *unwanted(actions)))
            self.commits.append(time.perf_counter() - began)
        for action in actions:
            self._answer(action)

    def _answer(self, action: Action) -> None:
        match action:
            case Prepare():
                base = ((("P", "master", str(self.tip))),)
                graphs = tuple(self._graph(ref, action.pipeline) for ref in action.of)
                self.todo.append(Prepared(0.0, action.id, action.item, action.generation, True, (), base, graphs))
            case RequestNode():
                self.todo.append(NodeAnswer(0.0, action.id, action.item, action.generation, action.run, True))
            case StartBuild():
                self.running.append(action)
            case Submit():
                self.tip += 1
                self.landed += 1
                self.todo.append(Submitted(0.0, action.id, action.item, action.ref, "ok", "", "", str(self.tip)))
            case Report():
                pass

    def _graph(self, ref: Ref, pipeline: str) -> Graph:
        return self.configuration.graph(self.state.changes[ref.change], ref, pipeline)

    def settle(self) -> None:
        """Give all answers that wait."""
        while self.todo:
            self.feed(self.todo.popleft())

    def approve(self, number: int) -> None:
        """A change comes in."""
        name = f"C{number}"
        votes = (Vote("Code-Review", 2, "reviewer", 0.0, 1), Vote("Workflow", 1, "reviewer", 0.0, 2))
        facts = Facts(name, 1, "P", "master", votes=votes, missing=("Verified",), files=(f"{name}.txt",))
        self.feed(ChangeEvent(0.0, "comment-added", facts.ref, facts, (), (("Workflow", 1),)))
        self.settle()

    def land_one(self) -> None:
        """Builds end until one more change has landed."""
        target = self.landed + 1
        while self.landed < target:
            build = self.running.popleft()
            self.feed(BuildDone(0.0, build.id, build.item, build.generation, build.run, "SUCCESS"))
            self.settle()


def filled(length: int, jobs: int = 2) -> Belt:
    """A belt with a queue of that length."""
    belt = Belt(jobs)
    for number in range(length):
        belt.approve(number)
    return belt


def rate(length: int, landings: int, jobs: int = 2, rounds: int = 10) -> tuple[float, float]:
    """Events a second, and MiB more than before, with a queue that is always `length` long."""
    before = _memory()
    belt = filled(length, jobs)
    grown = _memory() - before
    best, watch = 0.0, looking_at_the_watch()
    for start in range(0, landings, max(1, landings // rounds)):
        belt.events, belt.seconds = 0, 0.0
        for number in range(start, start + max(1, landings // rounds)):
            belt.land_one()
            belt.approve(length + number)
        best = max(best, belt.events / (belt.seconds - belt.events * watch))
    return best, grown


def commits(length: int, landings: int, *, durable: bool) -> tuple[float, float]:
    """Milliseconds of a commit to SQLite with a queue that is always `length` long: the median, and the mean.

    The mean has the snapshots in it.
    """
    belt = filled(length)
    with tempfile.TemporaryDirectory() as folder:
        store = open_file(Path(folder) / "gate.db", lambda: belt.state, durable=durable)
        belt.store = store
        for number in range(landings):
            belt.land_one()
            belt.approve(length + number)
        store.close()
    return statistics.median(belt.commits) * 1000, statistics.fmean(belt.commits) * 1000


def looking_at_the_watch() -> float:
    """Seconds that a measurement of nothing takes."""
    times = [time.process_time() for _ in range(2000)]
    return statistics.median(later - sooner for sooner, later in pairwise(times))


def _memory() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def whole(changes: int) -> tuple[float, float]:
    """Seconds of processor time of a whole `gatelocal simulate` that lands that many changes, and MiB at its peak."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        lines = ["scenario: many", "layout: layout.yaml", "changes:"]
        lines += [f"  C{number}: {{project: P}}" for number in range(changes)]
        names = ", ".join(f"C{number}" for number in range(changes))
        lines += ["builds: {hold: true}", "steps:", f"  - approve: [{names}]", "  - release: all"]
        path.write_text("\n".join(lines) + "\n")
        (Path(folder) / "layout.yaml").write_text(layout_text(2, ceiling=False))
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", RUN, "simulate", str(path)], check=True, stdout=subprocess.DEVNULL)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        return took, ended.ru_maxrss / 1024


PROMISED = ((10, 20_000), (100, 0), (1000, 0), (5000, 10_000))
"""Queue length → events a second that must be reached."""


def main() -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="less of everything: a look, no proof")
    parser.add_argument("--against", metavar="REV", help="measure that commit, too, and print the ratios")
    options = parser.parse_args()
    return against(options.against, options.quick) if options.against else alone(options.quick)


def alone(quick: bool) -> int:
    """Measure this tree; 1 when something that is promised is missed."""
    kept = [events(length, wanted, 300 if quick else 3000) for length, wanted in PROMISED]
    speed, _ = rate(20, 30 if quick else 300, 10)
    print(f"    20 queued, ten jobs each: {speed:9,.0f} events/s ({1e6 / speed:5.1f} us each)")
    for length in (10, 5000):
        median, mean = commits(length, 30 if quick else 600, durable=True)
        print(
            f"{length:6} queued: {median:6.2f} ms a commit to SQLite with its sync, {mean:6.2f} ms with the snapshots"
        )
    if not quick:
        kept.append(simulations())
    return int(not all(kept))


def events(length: int, wanted: float, landings: int) -> bool:
    """Print how fast events are decided on, and whether that is what was promised."""
    speed, grown = rate(length, landings)
    print(f"{length:6} queued: {speed:9,.0f} events/s ({1e6 / speed:5.1f} us each), {grown:6.1f} MiB")
    return speed >= wanted and grown <= 150


def simulations() -> bool:
    """Print what landing many changes costs in a whole run; at most 2 ms each, and twice what each of few costs."""
    start = min(whole(1)[0] for _ in range(3))
    each: dict[int, float] = {}
    for changes in (100, 5000):
        took, peak = min(whole(changes) for _ in range(5 if changes == 100 else 2))
        each[changes] = (took - start) / changes * 1000
        print(
            f"{changes:6} landed by one simulate: {each[changes]:5.2f} ms each beyond start-up, {peak:6.1f} MiB at most"
        )
    return each[5000] <= 2 and each[5000] <= 2 * each[100]


# ---- against another commit

LOADED = """
import importlib.util, json, sys
found = importlib.util.spec_from_file_location("measured", sys.argv[1] + "/benchmarks/core.py")
core = importlib.util.module_from_spec(found)
sys.modules["measured"] = core
found.loader.exec_module(core)
print(json.dumps(getattr(core, sys.argv[2])(*json.loads(sys.argv[3]))))
"""


def measured(tree: Path, what: str, *arguments: float) -> list[float]:
    """What the benchmark of a tree measures, in a process that knows no other tree."""
    command = [sys.executable, "-c", LOADED, str(tree), what, json.dumps(arguments)]
    told = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}
    )
    return [float(one) for one in json.loads(told.stdout)]


def landed_each(tree: Path, changes: int) -> float:
    """Milliseconds that one more landed change costs a whole `simulate`."""
    return (measured(tree, "whole", changes)[0] - measured(tree, "whole", 1)[0]) / (changes - 1) * 1000


def against(rev: str, quick: bool) -> int:
    """Measure this tree and that of another commit in turns; 1 when a ratio misses what is wanted."""
    rounds, landings, changes = (2, 200, 200) if quick else (7, 1000, 1000)
    here = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder)
        packed = subprocess.run(["git", "archive", rev], check=True, stdout=subprocess.PIPE, cwd=here).stdout
        subprocess.run(["tar", "x"], check=True, input=packed, cwd=other)

        def both(measure: Callable[[Path], float]) -> tuple[list[float], list[float]]:
            pairs = [(measure(here), measure(other)) for _ in range(rounds)]
            return [one for one, _ in pairs], [one for _, one in pairs]

        def speed(length: int) -> Callable[[Path], float]:
            return lambda tree: measured(tree, "rate", length, landings)[0]

        kept = [
            compared("events/s,   10 queued", *both(speed(10)), 1.5, more=True),
            compared("events/s, 5000 queued", *both(speed(5000)), 1.5, more=True),
            compared("MiB for 5000 queued", *both(lambda tree: measured(tree, "rate", 5000, 1)[1]), 0.8),
            compared("ms a change in simulate", *both(lambda tree: landed_each(tree, changes)), 0.6),
        ]
    return int(not all(kept))


def compared(name: str, ours: list[float], theirs: list[float], wanted: float, *, more: bool = False) -> bool:
    """Print the best of both and their ratio, with the ratios of the rounds; whether it is what is wanted."""
    best = max if more else min
    ratio = best(ours) / best(theirs)
    each = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    kept = ratio >= wanted if more else ratio <= wanted
    print(
        f"{name:24}{best(ours):11,.2f} to {best(theirs):11,.2f}: {ratio:5.2f} x ({each[0]:.2f} to {each[-1]:.2f}),"
        f" wanted {'at least' if more else 'at most'} {wanted}{'' if kept else ': missed'}",
        flush=True,
    )
    return kept


if __name__ == "__main__":
    sys.exit(main())
