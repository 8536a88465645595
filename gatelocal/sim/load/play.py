"""Plays a load once, with engine and world as everywhere: changes, lengths of builds and results are drawn.

Nothing is counted here, and no rule of the gate is known.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from gatelocal.engine.engine import Engine
from gatelocal.pipeline.actions import StartBuild
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import PauseQueue, Started, Woken
from gatelocal.pipeline.resources import priority
from gatelocal.sim.load.file import HOUR, JobLoad, Load, layout
from gatelocal.sim.server import REVIEWER, WorldChange
from gatelocal.sim.workspaces import Workspace
from gatelocal.sim.world import World
from gatelocal.store.memory import MemoryStore

_LATEST = 100
"""How many times the length of the load a play may last: a gate that lands nothing any more is stopped there."""


@dataclass(frozen=True, slots=True)
class Case:
    """One play of a load: which part of its table, and with which luck. The same luck gives all policies the same."""

    areas: int
    flake: float
    policy: str
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one play.

    :ivar waits: hours from the first approval to the landing, of each landed change. :ivar builds: all that were
        started, stopped ones and controls included. :ivar node_hours: of those. :ivar unlanded: good changes that had
        not landed when the play was stopped.
    """

    waits: tuple[float, ...]
    builds: int
    node_hours: float
    unlanded: int


def play(wanted: Load, case: Case) -> Outcome:
    """Let all approvals come, and everything that follows from them come to its end."""
    known = layout(wanted, case.areas)
    player = Player(wanted, case, World(known))
    engine = Engine(MemoryStore(initial(known.layout, wanted.policies[case.policy]), keep_log=False), player.world)
    engine.feed(Started(0.0))
    while player.world.now <= _LATEST * wanted.lasting and _step(player, engine):
        pass
    builds = player.world.builds
    spent = sum((build.ended if build.result != "RUNNING" else player.world.now) - build.began for build in builds)
    unlanded = len(player.approved) - len(player.bad) - len(player.waits)
    return Outcome(tuple(player.waits), len(builds), spent / HOUR, unlanded)


@dataclass(slots=True)
class Player:
    """A play that is going on.

    :ivar jobs: name → job, every variant of it. :ivar bad: change → the job that it breaks. :ivar approved: change →
        when it was first approved. :ivar alarms: (time, serial, change to approve, queue to resume).
    :ivar drawn: (change, job) → how many builds have been drawn. :ivar seen: how many reports have been read.
    """

    wanted: Load
    case: Case
    world: World
    jobs: dict[str, JobLoad] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    approved: dict[str, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    alarms: list[tuple[float, int, str, str]] = field(default_factory=list)
    drawn: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: int = 0
    serial: int = 0

    def __post_init__(self) -> None:
        areas = range(1, self.case.areas + 1)
        self.jobs = {job.variant(area, self.case.areas): job for job in self.wanted.jobs for area in areas}
        self.world.sample = self._sample
        self.world.nodes_held = bool(self.wanted.nodes)
        self.world.on_landing = lambda action, _: self.waits.append(self._waited(action.ref.change))
        self._arrivals()

    def _waited(self, change: str) -> float:
        return (self.world.now - self.approved[change]) / HOUR

    def _arrivals(self) -> None:
        random = self._random("arrivals")
        now = random.expovariate(self.wanted.rate)
        while now <= self.wanted.lasting:
            self._arrival(now, f"C{len(self.approved) + 1}")
            now += random.expovariate(self.wanted.rate)

    def _arrival(self, now: float, name: str) -> None:
        """A change that concerns one area of the code for every job."""
        random = self._random(f"change {name}")
        jobs = [job.variant(random.randint(1, self.case.areas), self.case.areas) for job in self.wanted.jobs]
        if random.random() < self.wanted.bad:
            self.bad[name] = random.choice(jobs)
        self.world.server.add(WorldChange(name, "P", files=tuple(f"{job}/{name}" for job in jobs)), ())
        self.world.server.vote(name, "Code-Review", 2, REVIEWER, 0.0)
        self.approved[name] = now
        self.remind(now, change=name)

    def _random(self, what: str) -> Random:
        return Random(f"{self.case.seed}/{what}")  # noqa: S311 - a repeatable world, not a secret

    def _sample(self, action: StartBuild, workspace: Workspace) -> tuple[float, str]:
        """Length and result of a build: red if a change that breaks the job is in the workspace, or by a flake."""
        which = (action.change, action.job)
        self.drawn[which] += 1
        random = self._random(f"{action.change}/{action.job}/{self.drawn[which]}")
        job = self.jobs[action.job]
        length = random.uniform(job.shortest, job.longest)
        broken = any(self.bad.get(ref.change) == action.job for ref in self.world.items(workspace))
        return length, "FAILURE" if broken or random.random() < self.case.flake else "SUCCESS"

    def remind(self, at: float, *, change: str = "", queue: str = "") -> None:
        """Have a person do something at that time."""
        self.serial += 1
        heapq.heappush(self.alarms, (at, self.serial, change, queue))


def _step(player: Player, engine: Engine) -> bool:
    """Handle what is due now, or let the time pass to the next thing; False when nothing is left."""
    world = player.world
    if world.events:
        engine.feed(world.events.popleft()())
    elif (build := world.overdue()) is not None:
        engine.feed(world.end(build))
    elif not _pass_time(player, engine):
        return False
    _watch(player, engine)
    if player.wanted.nodes:
        _give_nodes(player, engine)
    return True


def _pass_time(player: Player, engine: Engine) -> bool:
    world = player.world
    due = world.next_due()
    alarm = player.alarms[0][0] if player.alarms else None
    if due is None and alarm is None:
        return False
    wake = world.wake or None
    world.now = max(world.now, min(point for point in (due, alarm, wake) if point is not None))
    if wake is not None and wake <= world.now:
        world.wake = 0.0
        engine.feed(Woken(world.now))
    elif alarm is not None and alarm <= world.now:
        _ring(player, engine)
    return True


def _ring(player: Player, engine: Engine) -> None:
    """A person approves a change, or lets a queue go on."""
    _, _, change, queue = heapq.heappop(player.alarms)
    world = player.world
    if queue:
        engine.feed(PauseQueue(world.now, queue, False))
    else:
        world.server.vote(change, "Workflow", 1, REVIEWER, world.now)
        world.tell("comment-added", change, approvals=(("Workflow", 1),))


def _watch(player: Player, engine: Engine) -> None:
    """What people do later: approve a good change again that was rejected, resume a queue that has paused itself."""
    world = player.world
    for report in world.log[player.seen :]:
        if report.kind == "failure" and report.ref.change not in player.bad:
            player.remind(world.now + player.wanted.again, change=report.ref.change)
    player.seen = len(world.log)
    for queue in engine.state.queues.values():
        if queue.paused and not any(one[3] == queue.label for one in player.alarms):
            player.remind(world.now + player.wanted.repair, queue=queue.label)


def _give_nodes(player: Player, engine: Engine) -> None:
    """What the launcher does: free nodes go to the requests that come first."""
    world = player.world
    while world.requests and len(world.running) < player.wanted.nodes:
        best = min(world.requests.values(), key=lambda one: (priority(engine.state, one.item), one.id))
        engine.feed(world.answer(best.id))
