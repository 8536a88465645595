"""The make-believe hands: merger, launcher, executor and reporter on a virtual clock; they decide nothing.

An action's id that was seen before gets its first answer, and nothing else happens. Whatever would be the work of the
engine's own process is forgotten when that dies in the middle of it, and is done anew when it is asked for again.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Graph
from gatelocal.model.record import replace
from gatelocal.pipeline.actions import (
    Action,
    CancelBuild,
    DropRequest,
    KeepNode,
    Look,
    NoteReuse,
    Prepare,
    ReadServer,
    Report,
    RequestNode,
    ResumeBuild,
    StartBuild,
    Submit,
    WakeAt,
)
from gatelocal.pipeline.events import (
    BuildDone,
    BuildPaused,
    ChangeEvent,
    Event,
    Looked,
    NodeAnswer,
    NodeWaits,
    Prepared,
    RefUpdated,
    ServerRead,
    Submitted,
)
from gatelocal.sim.build import Build, Rule
from gatelocal.sim.configuration import Configuration
from gatelocal.sim.server import GATE, Server
from gatelocal.sim.slow import FAILING, SLOW, Failure, Waiting
from gatelocal.sim.workspaces import Branch, Trees, Workspace

CRASH_POINTS = {
    Prepare: "merge",
    RequestNode: "request_node",
    StartBuild: "start_build",
    CancelBuild: "cancel_build",
    Report: "report",
    Submit: "submit",
}
"""Action → its name in ``crash: {after: ...}``."""


MOST_ATTEMPTS = 1000
"""Builds of one job on one workspace; who needs more comes to no end."""


class Endless(Exception):
    """What happens would go on happening for ever."""


class Crashed(Exception):
    """The engine is gone, in the middle of what it did."""


@dataclass(slots=True)
class World:
    """Everything but the gate.

    :ivar configuration: what the projects' configuration says at present.
    :ivar events: what the server has not delivered yet; each is made when it is delivered, of what is true then.
    :ivar untold: branch → how often others moved it without that the engine has decided on that.
    :ivar requests: node requests that wait.
    :ivar nodes: requests whose nodes are in use, or wait to be. :ivar armed: the action that the next crash follows.
    :ivar moments: how many moments at which the engine may die pass until it does, and from there to the next time.
    :ivar slow: actions whose answers wait → whether their work comes last. :ivar waiting: action → such an answer.
    :ivar failing: the next times that a hand fails.
    :ivar submits: the gate's submits with their answers. :ivar pushed: pushed commit → what it changed.
    :ivar acts: how often people have done something. :ivar begun: item → the server's count of what others put on
        branches, and `acts`, when its submit was begun. :ivar outrun: items of which a submit came to the
        server after people had done something there that the gate could not know of.
    :ivar late: item → how many of its submits came too late.
    :ivar on_landing: is told of each landing by the gate, before anything else happens.
    :ivar sample: for a load: length and result of a build, in the place of durations and rules.
    """

    configuration: Configuration
    server: Server = field(default_factory=Server)
    now: float = 0.0
    hold: bool = False
    nodes_held: bool = False
    durations: dict[str, float] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    spent: dict[int, int] = field(default_factory=dict)
    events: deque[Callable[[], Event]] = field(default_factory=deque)
    untold: Counter[Branch] = field(default_factory=Counter)
    builds: list[Build] = field(default_factory=list)
    running: dict[int, Build] = field(default_factory=dict)
    by_action: dict[int, Build] = field(default_factory=dict)
    requests: dict[int, RequestNode] = field(default_factory=dict)
    nodes: set[int] = field(default_factory=set)
    messages: dict[str, list[Report]] = field(default_factory=dict)
    log: list[Report] = field(default_factory=list)
    failing: list[Failure] = field(default_factory=list)
    submits: list[tuple[Ref, str]] = field(default_factory=list)
    submitted: list[Submit] = field(default_factory=list)
    pushed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    landed: list[Ref] = field(default_factory=list)
    reused: list[NoteReuse] = field(default_factory=list)
    held: list[KeepNode] = field(default_factory=list)
    armed: str = ""
    moments: deque[int] = field(default_factory=deque)
    slow: dict[str, bool] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    acts: int = 0
    begun: dict[int, tuple[int, int]] = field(default_factory=dict)
    outrun: set[int] = field(default_factory=set)
    late: Counter[int] = field(default_factory=Counter)
    wake: float = 0.0
    on_landing: Callable[[Submit, Branch], None] | None = None
    sample: Callable[[StartBuild, Workspace], tuple[float, str]] | None = None
    trees: Trees = field(init=False)
    _answers: dict[int, Event | None] = field(default_factory=dict)
    _passing: set[int] = field(default_factory=set)
    _forgotten: set[int] = field(default_factory=set)
    _all_gone: bool = False
    _due: list[tuple[float, int]] = field(default_factory=list)
    _pushes: dict[Branch, int] = field(default_factory=dict)
    _moved: dict[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trees = Trees(self.server)

    # ---- actions

    def carry_out(self, action: Action) -> Event | None:
        """Do it, or give the first answer again; None when there is none, or it waits."""
        self.moment()
        if isinstance(action, Submit) and action.id not in self._answers:
            self._begin(action)
        self._fail(action)
        answer = None
        if self.slow and SLOW.get(type(action)) in self.slow:
            self._have_wait(action)
        else:
            answer = self._first(action)
        self.moment()
        if self.armed and CRASH_POINTS.get(type(action)) == self.armed:
            self.armed = ""
            raise Crashed
        return answer

    def _begin(self, action: Submit) -> None:
        """Somebody is about to submit the item, or goes on with that."""
        if action.ref == action.changes[0] or action.item not in self.begun:
            self.begun[action.item] = (self.server.foreign, self.acts)

    def _fail(self, action: Action) -> None:
        """:raises InfrastructureError: the hand fails at it, now; what it was to do may be done."""
        if not self.failing:
            return
        failure = next((one for one in self.failing if one.action == FAILING.get(type(action))), None)
        if failure is None:
            return
        self.failing.remove(failure)
        if failure.done:
            self._first(action)
        raise InfrastructureError(f"the make-believe hands fail at {failure.action}")

    def moment(self) -> None:
        """The engine may die here. :raises Crashed: it does."""
        if not self.moments:
            return
        self.moments[0] -= 1
        if not self.moments[0]:
            self.moments.popleft()
            self._all_gone = True
            raise Crashed

    def forget(self) -> None:
        """The engine has died: nothing is left of what was under way in its process.

        An answer that was on its way to it is gone too if it died at a moment that was counted.
        """
        for number in tuple(self._passing if self._all_gone else self.waiting):
            if number in self._passing:
                self._passing.discard(number)
                del self._answers[number]
                self._forgotten.add(number)
        self.waiting.clear()
        self.wake, self._all_gone = 0.0, False

    def give(self, number: int) -> Event:
        """The answer of that action, which has waited."""
        one = self.waiting.pop(number)
        answer = one.answer or self._first(one.action)
        assert answer is not None  # noqa: S101 - for the type checker: slow actions have an answer
        return replace(answer, at=self.now)

    def _have_wait(self, action: Action) -> None:
        """Have the answer wait, with the work done or not."""
        answer = None if self.slow[SLOW[type(action)]] else self._first(action)
        self.waiting[action.id] = Waiting(action, answer)  # type: ignore[arg-type]

    def _first(self, action: Action) -> Event | None:
        """Do it, or tell once more what is known of it."""
        if action.id in self._answers:
            known = self._answers[action.id]
            if isinstance(action, StartBuild):
                known = self.by_action[action.id].told
            return known and replace(known, at=self.now)
        answer = self._answers[action.id] = self._do(action)
        if type(action) in SLOW and not (isinstance(answer, Submitted) and answer.answer == "ok"):
            self._passing.add(action.id)
        return answer

    def _do(self, action: Action) -> Event | None:  # noqa: PLR0912 - one arm for each action
        match action:
            case Prepare():
                return self._prepare(action)
            case RequestNode():
                return self._request(action)
            case DropRequest():
                self.requests.pop(action.request, None)
                self.nodes.discard(action.request)
            case StartBuild():
                self._start(action)
            case CancelBuild():
                self._cancel(action)
            case ResumeBuild():
                self._resume(action)
            case KeepNode():
                self.held.append(action)
            case Report():
                self._report(action)
            case Look():
                return self._look(action)
            case Submit():
                return self._submit(action)
            case NoteReuse():
                self.reused.append(action)
            case ReadServer():
                return self._read(action)
            case WakeAt():
                self.wake = action.at
            case _:
                assert_never(action)
        return None

    # ---- merger

    def _prepare(self, action: Prepare) -> Prepared:
        workspace, conflicts = self.trees.prepare(action)
        bases = dict.fromkeys((*action.branches, *workspace.digests))
        where = tuple((*key, str(workspace.tips.get(key, 0))) for key in bases)
        graphs = tuple(self._graph(ref, action.pipeline) for ref in action.of)
        return Prepared(self.now, action.id, action.item, action.generation, not conflicts, conflicts, where, graphs)

    def _graph(self, ref: Ref, pipeline: str) -> Graph:
        known = self.server.changes.get(ref.change)
        facts = self.server.facts(ref.change) if known is not None else self._moved[ref.change]
        return self.configuration.graph(facts, ref, pipeline)

    # ---- launcher

    def _request(self, action: RequestNode) -> NodeAnswer | NodeWaits:
        if self.nodes_held:
            self.requests[action.id] = action
            return NodeWaits(self.now, action.id, action.item, action.generation, action.run)
        return self._node(action)

    def _node(self, action: RequestNode) -> NodeAnswer:
        workspace = self.trees.made[action.preparation]
        refused = any(
            rule.result == "NODE_FAILURE" and self._use(at, rule, action, workspace)
            for at, rule in enumerate(self.rules)
        )
        if not refused:
            self.nodes.add(action.id)
        return NodeAnswer(self.now, action.id, action.item, action.generation, action.run, not refused)

    def items(self, workspace: Workspace) -> tuple[Ref, ...]:
        """The changes that a workspace contains beyond its tips, in merge order."""
        return self.trees.items(workspace)

    def answer(self, request: int) -> NodeAnswer:
        """Answer a waiting node request."""
        answer = self._node(self.requests.pop(request))
        self._answers[request] = answer
        return answer

    # ---- executor

    def _use(self, at: int, rule: Rule, ask: RequestNode | StartBuild, workspace: Workspace) -> bool:
        """Whether the rule decides this build or request; then one of its times is spent."""
        if not self._fits(rule, ask, workspace):
            return False
        if rule.times is not None:
            if self.spent.get(at, 0) >= rule.times:
                return False
            self.spent[at] = self.spent.get(at, 0) + 1
        return True

    def _fits(self, rule: Rule, ask: RequestNode | StartBuild, workspace: Workspace) -> bool:
        """Whether a rule is for this build."""
        if (rule.job and rule.job != ask.job) or (rule.pipeline and rule.pipeline != ask.pipeline):
            return False
        if rule.change and rule.change not in (ask.change, self.change_of(ask)):
            return False
        if not all(self.trees.contains(workspace, name) for name in rule.contains):
            return False
        return not any(self.trees.contains(workspace, name) for name in rule.without)

    def change_of(self, ask: RequestNode | StartBuild) -> str:
        """The change that a build or request is for, with its patchset."""
        return self.trees.ref(ask.preparation, ask.change)

    def _start(self, action: StartBuild) -> None:
        workspace = self.trees.made[action.preparation]
        rule = next(
            (
                rule
                for at, rule in enumerate(self.rules)
                if rule.result != "NODE_FAILURE" and self._use(at, rule, action, workspace)
            ),
            None,
        )
        change = self.change_of(action)
        if action.attempt > MOST_ATTEMPTS:
            built = f"{action.job} of {change} was built {MOST_ATTEMPTS} times on one workspace"
            result = rule.result if rule is not None else "SUCCESS"
            raise Endless(f"it comes to no end: {built}; a rule with the result {result} needs times")
        build = Build(len(self.builds) + 1, action, change, workspace, rule, self._base(action, workspace))
        self.builds.append(build)
        build.began = self.now
        self.running[build.id] = build
        self.by_action[action.id] = build
        if self.sample is not None:
            seconds, result = self.sample(action, workspace)
            build.rule, build.due = Rule(result=result), self.now + seconds
            heapq.heappush(self._due, (build.due, build.id))
        elif not self.hold:
            build.due = self.now + self.durations.get(action.job, 0.0)
            heapq.heappush(self._due, (build.due, build.id))

    def _base(self, action: StartBuild, workspace: Workspace) -> str | None:
        change = self.server.changes.get(action.change)
        key = (change.project, change.branch) if change else _branch_of(action.change)
        entries = self.server.branch(*key)[: workspace.tips.get(key, 0)]
        newest = entries[-1] if entries else None
        return newest.name if newest is not None and not newest.before else None

    def _cancel(self, action: CancelBuild) -> None:
        build = self.by_action.get(action.build)
        if build is not None and build.up:
            self._close(build, "ABORTED")

    def _resume(self, action: ResumeBuild) -> None:
        build = self.by_action[action.build]
        if build.up:
            build.resumed, build.due, build.told = True, self.now, None
            heapq.heappush(self._due, (self.now, build.id))

    def _close(self, build: Build, result: str) -> None:
        build.result, build.ended = result, self.now
        build.paused = False
        self.running.pop(build.id, None)
        self.nodes.discard(build.start.request)

    def next_due(self) -> float | None:
        """When the next build's time is over; None when none has a length left."""
        while self._due and not self._ends(self.builds[self._due[0][1] - 1]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _ends(self, build: Build) -> bool:
        return build.up and (not build.paused or build.resumed)

    def overdue(self) -> Build | None:
        """The oldest build whose time is over."""
        due = self.next_due()
        if due is None or due > self.now:
            return None
        return self.builds[heapq.heappop(self._due)[1] - 1]

    def end(self, build: Build) -> Event:
        """End a build's main part, as its rule says; who has announced a failure does not succeed any more."""
        start, rule = build.start, build.rule or Rule()
        result = "FAILURE" if build.doomed and rule.result == "SUCCESS" else rule.result
        if rule.pause and not build.resumed and not build.paused:
            build.paused = True
            where = (start.id, start.item, start.generation, start.run)
            build.told = BuildPaused(self.now, *where, rule.artifacts, rule.children)
            return build.told
        again = result in ("LOST", "STOPPED")
        last = result == "LOST" and start.last
        self._close(build, "RETRY_LIMIT" if last else "RETRY" if again else result)
        where = (start.id, start.item, start.generation, start.run)
        build.told = BuildDone(self.now, *where, result, rule.artifacts, rule.children)
        return build.told

    # ---- reporter

    def _report(self, action: Report) -> None:
        self.messages.setdefault(action.ref.change, []).append(action)
        self.log.append(action)
        change = self.server.changes.get(action.ref.change)
        if change is not None and change.patchset == action.ref.patchset:
            for label, value in action.votes:
                self.server.vote(change.name, label, value, GATE, self.now)

    def _look(self, action: Look) -> Looked:
        facts = tuple(self.server.facts(name) for name in action.changes)
        return Looked(self.now, action.id, action.item, action.generation, facts, self._tips(facts))

    def _tips(self, facts: tuple[Facts, ...]) -> tuple[tuple[str, str, str], ...]:
        keys = dict.fromkeys((one.project, one.branch) for one in facts)
        return tuple((*key, str(len(self.server.branch(*key)))) for key in keys)

    def _submit(self, action: Submit) -> Submitted:
        ref = action.ref
        change = self.server.changes[ref.change]
        key = (change.project, change.branch)
        answer, reason = self._verdict(ref)
        if action.id in self._forgotten:
            self._take_back(action)
        if action.late and answer != "merged":
            self.late[action.item] += 1
            return Submitted(self.now, action.id, action.item, ref, "late")
        if self.begun[action.item][1] != self.acts:
            self.outrun.add(action.item)
        self.submits.append((ref, answer))
        self.submitted.append(action)
        before = str(len(self.server.branch(*key)))
        if answer == "ok":
            self.server.land(ref.change, foreign=False)
            self.landed.append(ref)
            if self.on_landing is not None:
                self.on_landing(action, key)
            self.tell("change-merged", ref.change)
            self.tell_ref(key, change.files, ours=True)
        tip = str(len(self.server.branch(*key)))
        return Submitted(self.now, action.id, action.item, ref, answer, reason, before, tip)

    def _take_back(self, action: Submit) -> None:
        """Forget a submit that was refused, and that nobody has heard of."""
        for at, one in enumerate(self.submitted):
            if one.id == action.id:
                del self.submits[at], self.submitted[at]
                return

    def _verdict(self, ref: Ref) -> tuple[str, str]:
        change = self.server.changes[ref.change]
        if change.status == "MERGED":
            return "merged", "it had landed already"
        if change.submit == "forbidden":
            return "forbidden", "submit not permitted"
        reason = self.server.obstacle(ref)
        return ("refused", reason) if reason else ("ok", "")

    def _read(self, action: ReadServer) -> ServerRead:
        facts = [self.server.facts(name) for name, one in self.server.changes.items() if one.status == "NEW"]
        known = {one.change for one in facts}
        facts += [self.server.facts(n) for n in action.changes if n not in known and n in self.server.changes]
        tips = tuple((*key, str(len(line))) for key, line in self.server.entries.items())
        return ServerRead(self.now, action.id, tuple(facts), tips)

    # ---- events

    def tell(
        self,
        kind: str,
        name: str,
        *,
        patchset: int = 0,
        approvals: tuple[tuple[str, int], ...] = (),
        comment: str = "",
        by: str = "reviewer",
    ) -> None:
        """Let the server send an event of a change; the facts in it are those of the moment when it is delivered."""
        change = self.server.changes[name]
        ref = Ref(name, patchset or change.patchset)
        tip = str(len(self.server.branch(change.project, change.branch))) if kind == "change-merged" else ""

        def event() -> Event:
            facts, related = self.server.facts(name), self.server.related(name)
            return ChangeEvent(self.now, kind, ref, facts, related, approvals, comment, by, tip)

        self.events.append(event)

    def tell_ref(self, key: Branch, files: tuple[str, ...], *, ours: bool) -> None:
        """Let the server tell that a branch has moved."""
        self._pushes[key] = self._pushes.get(key, 0) + 1
        name = " ".join(key)
        facts = Facts(name, self._pushes[key], *key, files=files, status="BRANCH")
        self._moved[name] = facts
        tip = str(len(self.server.branch(*key)))
        self.untold[key] += not ours
        self.events.append(lambda: RefUpdated(self.now, facts, tip, ours))

    def told(self, event: Event) -> None:
        """The engine has decided on an event: what it was told of a branch it knows, and by a reading of all."""
        if isinstance(event, ServerRead):
            self.untold.clear()
        elif isinstance(event, RefUpdated):
            self.untold[event.facts.project, event.facts.branch] -= not event.ours


def _branch_of(name: str) -> Branch:
    project, _, branch = name.partition(" ")
    return project, branch
