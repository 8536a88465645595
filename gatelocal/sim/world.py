"""The make-believe hands: merger, launcher, executor and reporter on a virtual clock; they decide nothing.

An action's id that was seen before gets its first answer, and nothing else happens.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import assert_never

from gatelocal.model.facts import Facts, Ref
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
    Prepared,
    RefUpdated,
    ServerRead,
    Submitted,
)
from gatelocal.sim.server import GATE, Server, extended

CRASH_POINTS = {
    Prepare: "merge",
    RequestNode: "request_node",
    StartBuild: "start_build",
    CancelBuild: "cancel_build",
    Report: "report",
    Submit: "submit",
}
"""Action → its name in ``crash: {after: ...}``."""

Branch = tuple[str, str]


class Crashed(Exception):
    """The engine is gone: the world has done the last action, and nobody has written that down."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How builds end. :ivar times: how many it decides; None without a limit."""

    job: str = ""
    pipeline: str = ""
    change: str = ""
    contains: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    times: int | None = None
    result: str = "SUCCESS"
    early: bool = False
    artifacts: tuple[str, ...] = ()
    children: tuple[str, ...] | None = None
    pause: bool = False


@dataclass(slots=True)
class Workspace:
    """What a Prepare made.

    :ivar tips: every branch's number of entries. :ivar changes: what was asked for, in order. :ivar foreign: the
        server's count of what others put on branches, at that time. :ivar digests: branch → a number for its content,
        for those with changes beyond their tips. :ivar ahead: the workspace that it was made on; None when it was made
        from the tips. :ivar own: how many changes were added to that. :ivar good: whether it could be merged.
        :ivar known: what :meth:`World.items` has found, with :ivar shown: the names.
    """

    tips: dict[Branch, int]
    changes: tuple[Ref, ...]
    foreign: int
    digests: dict[Branch, int]
    ahead: Workspace | None = None
    own: int = 0
    good: bool = True
    known: tuple[Ref, ...] | None = None
    shown: tuple[str, ...] = ()


@dataclass(slots=True)
class Build:
    """A build that was started; `result` is RUNNING until it has ended."""

    id: int
    start: StartBuild
    workspace: Workspace
    rule: Rule | None
    base: str | None
    due: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    result: str = "RUNNING"
    paused: bool = False
    resumed: bool = False

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self.result == "RUNNING"

    @property
    def releasable(self) -> bool:
        """Whether it may be ended from outside."""
        return self.up and not self.paused


@dataclass(slots=True)
class World:
    """Everything but the gate.

    :ivar events: what the server has not delivered yet; each is made when it is delivered, of what is true then.
    :ivar requests: node requests that wait. :ivar armed: the action that the next crash follows.
    :ivar submits: the gate's submits with their answers. :ivar pushed: pushed commit → what it changed.
    :ivar on_landing: is told of each landing by the gate, before anything else happens.
    :ivar sample: for a load: length and result of a build, in the place of durations and rules.
    """

    server: Server = field(default_factory=Server)
    now: float = 0.0
    hold: bool = False
    nodes_held: bool = False
    durations: dict[str, float] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    spent: dict[int, int] = field(default_factory=dict)
    events: deque[Callable[[], Event]] = field(default_factory=deque)
    builds: list[Build] = field(default_factory=list)
    running: dict[int, Build] = field(default_factory=dict)
    by_action: dict[int, Build] = field(default_factory=dict)
    requests: dict[int, RequestNode] = field(default_factory=dict)
    workspaces: dict[int, Workspace] = field(default_factory=dict)
    messages: dict[str, list[Report]] = field(default_factory=dict)
    log: list[Report] = field(default_factory=list)
    submits: list[tuple[Ref, str]] = field(default_factory=list)
    submitted: list[Submit] = field(default_factory=list)
    pushed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    landed: list[Ref] = field(default_factory=list)
    reused: list[NoteReuse] = field(default_factory=list)
    held: list[KeepNode] = field(default_factory=list)
    armed: str = ""
    wake: float = 0.0
    on_landing: Callable[[Submit, Branch], None] | None = None
    sample: Callable[[StartBuild, Workspace], tuple[float, str]] | None = None
    _answers: dict[int, Event | None] = field(default_factory=dict)
    _due: list[tuple[float, int]] = field(default_factory=list)
    _pushes: dict[Branch, int] = field(default_factory=dict)

    # ---- actions

    def carry_out(self, action: Action) -> Event | None:
        """Do it, or give the first answer again."""
        if action.id in self._answers:
            return self._answers[action.id]
        answer = self._do(action)
        self._answers[action.id] = answer
        if self.armed and CRASH_POINTS.get(type(action)) == self.armed:
            self.armed = ""
            raise Crashed
        return answer

    def _do(self, action: Action) -> Event | None:  # noqa: PLR0912 - one arm for each action
        match action:
            case Prepare():
                return self._prepare(action)
            case RequestNode():
                return self._request(action)
            case DropRequest():
                self.requests.pop(action.request, None)
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
        tips = {key: len(line) for key, line in self.server.entries.items()}
        for key in action.branches:
            tips.setdefault(key, 0)
        ahead = self.workspaces.get(action.on)
        workspace = Workspace(tips, action.changes, self.server.foreign, {})
        failed: list[str] = []
        if ahead is not None and ahead.good and ahead.foreign == workspace.foreign:
            # What is ahead was merged before, and since then only changes out of it have landed.
            workspace.digests.update(ahead.digests)
            workspace.ahead, workspace.own = ahead, action.own
        else:
            workspace.own = len(action.changes)
        merged: set[str] = set()
        for ref in action.changes[len(action.changes) - workspace.own :]:
            failed += self._merge(ref, workspace, merged)
        workspace.good = not failed
        self.workspaces[action.id] = workspace
        bases = dict.fromkeys((*action.branches, *workspace.digests))
        where = tuple((*key, str(tips.get(key, 0))) for key in bases)
        conflicts = tuple(dict.fromkeys(failed))
        return Prepared(self.now, action.id, action.item, action.generation, not failed, conflicts, where)

    def _merge(self, ref: Ref, workspace: Workspace, merged: set[str]) -> list[str]:
        """Add a change, after the git parents that it brings along; returns what it conflicts with."""
        failed: list[str] = []
        for one in self._chain(ref, merged, workspace):
            owner = self.server.changes[one.change]
            for name in sorted(self.server.conflicts.get(one.change, ())):
                inside = name in merged or self._has(workspace.ahead, name)
                if inside or self.server.on(name, owner):
                    failed.append(name)
            merged.add(one.change)
            key = (owner.project, owner.branch)
            before = workspace.digests.get(key)
            before = self.server.digest(key, workspace.tips.get(key, 0)) if before is None else before
            workspace.digests[key] = extended(before, str(one))
        return failed

    def _chain(self, ref: Ref, merged: Container[str], workspace: Workspace) -> list[Ref]:
        """The change after its git parents that are not there yet; nothing if it is on its branch already."""
        chain: list[Ref] = []
        while ref.change not in merged and not self._at(ref.change, workspace):
            if chain and self._has(workspace.ahead, ref.change):
                break
            chain.append(ref)
            parent = self.server.changes[ref.change].parent
            if parent is None:
                break
            ref = parent
        return chain[::-1]

    def _at(self, name: str, workspace: Workspace) -> bool:
        """Whether a change was on its branch when the workspace was made."""
        place = self.server.places.get(name)
        return place is not None and place[1] < workspace.tips.get(place[0], 0)

    def _has(self, workspace: Workspace | None, name: str) -> bool:
        return workspace is not None and any(ref.change == name for ref in self.items(workspace))

    def items(self, workspace: Workspace) -> tuple[Ref, ...]:
        """The changes that a workspace contains beyond its tips, in merge order."""
        pending: list[Workspace] = []
        one: Workspace | None = workspace
        while one is not None and one.known is None:
            pending.append(one)
            one = one.ahead
        for each in reversed(pending):
            self._list(each)
        return workspace.known or ()

    def _list(self, workspace: Workspace) -> None:
        """Find a workspace's items: those of the one that it was made on which had not landed yet, and its own."""
        before = workspace.ahead
        known, shown = (before.known or (), before.shown) if before is not None else ((), ())
        landed = 0
        while landed < len(known) and self._at(known[landed].change, workspace):
            landed += 1
        merged: dict[str, Ref] = {}
        for ref in workspace.changes[len(workspace.changes) - workspace.own :]:
            merged.update((one.change, one) for one in self._chain(ref, merged, workspace))
        workspace.known = (*known[landed:], *merged.values())
        workspace.shown = (*shown[landed:], *map(str, merged.values()))

    def shown(self, workspace: Workspace) -> tuple[str, ...]:
        """The names of those changes."""
        self.items(workspace)
        return workspace.shown

    def content(self, workspace: Workspace, key: Branch) -> int:
        """A number for what the workspace has of a branch."""
        found = workspace.digests.get(key)
        return self.server.digest(key, workspace.tips.get(key, 0)) if found is None else found

    # ---- launcher

    def _request(self, action: RequestNode) -> NodeAnswer | None:
        if self.nodes_held:
            self.requests[action.id] = action
            return None
        return self._node(action)

    def _node(self, action: RequestNode) -> NodeAnswer:
        workspace = self.workspaces[action.preparation]
        refused = any(
            rule.result == "NODE_FAILURE" and self._use(at, rule, action, workspace)
            for at, rule in enumerate(self.rules)
        )
        return NodeAnswer(self.now, action.id, action.item, action.generation, action.run, not refused)

    def answer(self, request: int) -> NodeAnswer:
        """Answer a waiting node request."""
        answer = self._node(self.requests.pop(request))
        self._answers[request] = answer
        return answer

    # ---- executor

    def _use(self, at: int, rule: Rule, ask: RequestNode | StartBuild, workspace: Workspace) -> bool:
        """Whether the rule decides this build or request; then one of its times is spent."""
        if not self._fits(rule, ask.job, ask.pipeline, ask.change, workspace):
            return False
        if rule.times is not None:
            if self.spent.get(at, 0) >= rule.times:
                return False
            self.spent[at] = self.spent.get(at, 0) + 1
        return True

    def _fits(self, rule: Rule, job: str, pipeline: str, change: str, workspace: Workspace) -> bool:
        """Whether a rule is for this build."""
        if (rule.job and rule.job != job) or (rule.pipeline and rule.pipeline != pipeline):
            return False
        if rule.change and rule.change != change:
            known = self.server.changes.get(change)
            if known is None or rule.change != f"{known.name}.{known.patchset}":
                return False
        if not all(self.contains(workspace, name) for name in rule.contains):
            return False
        return not any(self.contains(workspace, name) for name in rule.without)

    def contains(self, workspace: Workspace, name: str) -> bool:
        """Whether a change (any patchset, or with ``.N`` that one) or commit is in a workspace, landed or not."""
        if any(name in (ref.change, f"{ref.change}.{ref.patchset}") for ref in self.items(workspace)):
            return True
        place = self.server.places.get(name) or self.server.places.get(name.rpartition(".")[0])
        if place is None:
            return False
        key, at = place
        ref = self.server.branch(*key)[at].ref
        fits = ref is None or name in (ref.change, f"{ref.change}.{ref.patchset}")
        return fits and at < workspace.tips.get(key, 0)

    def _start(self, action: StartBuild) -> None:
        workspace = self.workspaces[action.preparation]
        rule = next(
            (
                rule
                for at, rule in enumerate(self.rules)
                if rule.result != "NODE_FAILURE" and self._use(at, rule, action, workspace)
            ),
            None,
        )
        build = Build(len(self.builds) + 1, action, workspace, rule, self._base(action, workspace))
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
            build.resumed, build.due = True, self.now
            heapq.heappush(self._due, (self.now, build.id))

    def _close(self, build: Build, result: str) -> None:
        build.result, build.ended = result, self.now
        build.paused = False
        self.running.pop(build.id, None)

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
        """End a build's main part, as its rule says."""
        start, rule = build.start, build.rule or Rule()
        if rule.pause and not build.resumed:
            build.paused = True
            where = (start.id, start.item, start.generation, start.run)
            return BuildPaused(self.now, *where, rule.artifacts, rule.children)
        again = rule.result in ("LOST", "STOPPED")
        last = rule.result == "LOST" and start.last
        self._close(build, "RETRY_LIMIT" if last else "RETRY" if again else rule.result)
        where = (start.id, start.item, start.generation, start.run)
        return BuildDone(self.now, *where, rule.result, rule.artifacts, rule.children)

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
        ref = Ref(name, patchset or self.server.changes[name].patchset)

        def event() -> Event:
            facts, related = self.server.facts(name), self.server.related(name)
            return ChangeEvent(self.now, kind, ref, facts, related, approvals, comment, by)

        self.events.append(event)

    def tell_ref(self, key: Branch, files: tuple[str, ...], *, ours: bool) -> None:
        """Let the server tell that a branch has moved."""
        self._pushes[key] = self._pushes.get(key, 0) + 1
        name = " ".join(key)
        facts = Facts(name, self._pushes[key], *key, files=files, status="BRANCH")
        tip = str(len(self.server.branch(*key)))
        self.events.append(lambda: RefUpdated(self.now, facts, tip, ours))


def _branch_of(name: str) -> Branch:
    project, _, branch = name.partition(" ")
    return project, branch
