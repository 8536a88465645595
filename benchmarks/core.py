"""How fast the gate's core is: events a second, cost per event by queue length, memory, and a whole `simulate`.

Run: python benchmarks/core.py [--quick]. Prints a table; exits 1 when a figure misses what the project promises.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

# A neighbour of this file has the name of a package that it needs.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

from gatelocal.config.zuul_yaml import parse  # noqa: E402
from gatelocal.model.facts import Facts, Ref, Vote  # noqa: E402
from gatelocal.pipeline.actions import Action, Prepare, Report, RequestNode, StartBuild, Submit  # noqa: E402
from gatelocal.pipeline.decide import decide, initial  # noqa: E402
from gatelocal.pipeline.events import BuildDone, ChangeEvent, Event, NodeAnswer, Prepared, Submitted  # noqa: E402
from gatelocal.pipeline.layout import layout_of  # noqa: E402
from gatelocal.pipeline.state import State  # noqa: E402

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
- job: {name: base, parent: null}
- job: {name: unit}
- job: {name: style}
- project: {name: P, gate: {jobs: [unit, style]}}
"""


RUN = "from gatelocal.cli.main import main; main()"


class Belt:
    """Changes that come in at the tail as fast as others land at the head; only the time in `decide` counts."""

    def __init__(self) -> None:
        self.state: State = initial(layout_of(parse(LAYOUT, "layout")))
        self.todo: deque[Event] = deque()
        self.running: deque[StartBuild] = deque()
        self.names: dict[Ref, Facts] = {}
        self.events = 0
        self.seconds = 0.0
        self.landed = 0
        self.tip = 0

    def feed(self, event: Event) -> None:
        """Have an event decided on and its actions answered."""
        began = time.perf_counter()
        self.state, actions = decide(self.state, event)
        self.seconds += time.perf_counter() - began
        self.events += 1
        for action in actions:
            self._answer(action)

    def _answer(self, action: Action) -> None:
        match action:
            case Prepare():
                base = ((("P", "master", str(self.tip))),)
                self.todo.append(Prepared(0.0, action.id, action.item, action.generation, True, (), base))
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


def rate(length: int, landings: int) -> tuple[float, float]:
    """Events a second, and MiB more than before, with a queue that is always `length` long."""
    before = _memory()
    belt = Belt()
    for number in range(length):
        belt.approve(number)
    grown = _memory() - before
    belt.events, belt.seconds = 0, 0.0
    for number in range(landings):
        belt.land_one()
        belt.approve(length + number)
    return belt.events / belt.seconds, grown


def _memory() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def whole(changes: int) -> tuple[float, float]:
    """Seconds of a whole `gatelocal simulate` that lands that many changes, and MiB at its peak."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        lines = ["scenario: many", "layout: layout.yaml", "changes:"]
        lines += [f"  C{number}: {{project: P}}" for number in range(changes)]
        names = ", ".join(f"C{number}" for number in range(changes))
        lines += ["builds: {hold: true}", "steps:", f"  - approve: [{names}]", "  - release: all"]
        path.write_text("\n".join(lines) + "\n")
        (Path(folder) / "layout.yaml").write_text(LAYOUT.replace("    window-ceiling: 20\n", ""))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", RUN, "simulate", str(path)], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> int:
    """Measure, print, compare."""
    quick = "--quick" in sys.argv
    missed = False
    for length, wanted in ((10, 20_000), (100, 0), (1000, 0), (5000, 10_000)):
        speed, grown = rate(length, 300 if quick else 3000)
        missed |= speed < wanted
        print(f"{length:6} queued: {speed:9,.0f} events/s ({1e6 / speed:5.1f} us each), {grown:6.1f} MiB")
        missed |= grown > 150
    if not quick:
        start, _ = whole(1)
        for changes in (100, 5000):
            took, peak = whole(changes)
            each = (took - start) / changes * 1000
            missed |= changes == 5000 and each > 2
            print(
                f"{changes:6} landed by one simulate: {each:5.2f} ms each beyond start-up, {peak:6.1f} MiB at the peak"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
