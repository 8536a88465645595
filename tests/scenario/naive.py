"""The queue processor of gate-semantics 1.4 as it stands there: every item is looked at until nothing changes.

It is slow and keeps no index, generation or action; it is there to be compared with the gate. A submit is answered at
once here, so that a removal behind a change that lands may shrink the window later than in the gate. There is one
dependent pipeline with window, stacks, footers, conflicts, job graphs, holding jobs and fail-fast; there are no cycles,
pauses and retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GREEN = ("SUCCESS", "SKIPPED")


@dataclass(eq=False)
class Change:
    """A change on the server."""

    name: str
    project: str
    parent: tuple[str, int] | None = None
    footers: tuple[str, ...] = ()
    conflicts: frozenset[str] = frozenset()
    submit: str = "ok"
    patchset: int = 1
    status: str = "NEW"
    reviewed: bool = True
    approved: bool = False
    messages: int = 0

    @property
    def shown(self) -> str:
        """As people write it."""
        return self.name if self.patchset == 1 else f"{self.name}.{self.patchset}"


@dataclass(frozen=True)
class Job:
    """A job of a project."""

    name: str
    needs: tuple[str, ...] = ()
    holds: bool = False
    voting: bool = True


@dataclass(eq=False)
class Build:
    """A build."""

    job: Job
    change: str
    items: tuple[str, ...]
    result: str = "RUNNING"


@dataclass(eq=False)
class Item:
    """A place in the queue."""

    change: Change
    ahead: Item | None = None
    behind: list[Item] = field(default_factory=list)
    prepared: bool = False
    conflict: bool = False
    content: tuple[Change, ...] = ()
    results: dict[str, str] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    failing: bool = False
    started: bool = False


class Naive:
    """The gate and its world in one."""

    def __init__(self, changes: list[Change], jobs: Mapping[str, tuple[Job, ...]], rules: set[tuple[str, str]]) -> None:
        self.changes = {one.name: one for one in changes}
        self.jobs = jobs
        self.rules = rules
        self.queue: list[Item] = []
        self.window = 20
        self.floor = 3
        self.fail_fast = False
        self.builds: list[Build] = []
        self.landed: list[str] = []
        self.merges: list[tuple[Item, tuple[Change, ...]]] = []

    # ---- what happens

    def approve(self, name: str) -> None:
        self.changes[name].approved = True
        self._enter(self.changes[name])
        self._process()

    def withdraw(self, name: str) -> None:
        self.changes[name].approved = False
        self._process()

    def patchset(self, name: str) -> None:
        change = self.changes[name]
        item = self._item(change)
        change.patchset += 1
        change.approved = change.reviewed = False
        if item is not None:
            self._cancel(item, again=True)
            self._remove(item)
        self._process()

    def review(self, name: str) -> None:
        self.changes[name].reviewed = True
        self._process()

    def abandon(self, name: str) -> None:
        change = self.changes[name]
        change.status = "ABANDONED"
        item = self._item(change)
        if item is not None:
            self._cancel(item, again=True)
            self._remove(item)
        self._process()

    def restore(self, name: str) -> None:
        self.changes[name].status = "NEW"
        self._process()

    def dequeue(self, name: str) -> None:
        item = self._item(self.changes[name])
        if item is not None:
            self._cancel(item, again=True)
            self._remove(item)
        self._process()

    def running(self) -> list[Build]:
        return [build for build in self.builds if build.result == "RUNNING"]

    def end(self, build: Build) -> None:
        item = next(item for item in self.queue if build in item.builds.values())
        contained = {name.partition(".")[0] for name in build.items} | {name.partition(".")[0] for name in self.landed}
        bad = any((build.job.name, name) in self.rules for name in contained)
        build.result = "FAILURE" if bad else "SUCCESS"
        item.results[build.job.name] = build.result
        if bad:
            for job in self._below(item, build.job.name):
                item.results.setdefault(job, "SKIPPED")
            if self.fail_fast and build.job.voting:
                self._stop(item)
        self._process()

    # ---- entering

    def _ready(self, change: Change) -> bool:
        return change.status == "MERGED" or (change.status == "NEW" and change.reviewed and change.approved)

    def _needs(self, change: Change) -> list[tuple[Change, bool]]:
        """What it needs and has not landed, and whether it is the current patchset."""
        found: dict[str, bool] = {}
        if change.parent is not None:
            name, patchset = change.parent
            found[name] = self.changes[name].patchset == patchset
        for name in change.footers:
            found.setdefault(name, True)
        return [(self.changes[n], current) for n, current in found.items() if self.changes[n].status != "MERGED"]

    def _item(self, change: Change) -> Item | None:
        return next((item for item in self.queue if item.change is change), None)

    def _enter(self, change: Change) -> bool:
        if self._item(change) is not None:
            return True
        if not self._ready(change) or change.status == "MERGED":
            return False
        needs = self._needs(change)
        for other, current in needs:
            if not current or (self._item(other) is None and not self._ready(other)):
                return False
        for other, _ in needs:
            if not self._enter(other):
                return False
        if self._item(change) is not None:
            return True
        last = self.queue[-1] if self.queue else None
        item = Item(change, last)
        if last is not None:
            last.behind.append(item)
        self.queue.append(item)
        children = [one for one in self.changes.values() if one.parent is not None and one.parent[0] == change.name]
        namers = [one for one in self.changes.values() if change.name in one.footers]
        for other in dict.fromkeys((*children, *namers)):
            if other.status == "NEW" and self._ready(other):
                self._enter(other)
        return True

    # ---- the queue

    def _process(self) -> None:
        while True:
            while self._pass():
                pass
            if not self.merges:
                return
            item, content = self.merges.pop(0)
            if item in self.queue and item.content is content:
                item.prepared = True

    def _pass(self) -> bool:
        changed = False
        nearest: Item | None = None
        for item in list(self.queue):
            moved, nearest = self._one(item, nearest)
            changed = changed or moved
        return changed

    def _one(self, item: Item, nearest: Item | None) -> tuple[bool, Item | None]:
        place = self.queue.index(item)
        before = [one.change for one in self.queue[:place]]
        gone = [one for one, current in self._needs(item.change) if not current or one not in before]
        if not self._ready(item.change) or gone:
            self._cancel(item, again=True)
            item.change.messages += 1
            self._narrow()
            self._remove(item)
            return True, nearest
        changed = False
        active = not self.window or place < self.window
        failing = False
        needed = [self._item(other) for other, _ in self._needs(item.change)]
        if any(other is not None and other.failing for other in needed):
            failing = True
            self._cancel(item, again=False)
        else:
            if item.ahead is not nearest and not (item.ahead is not None and item.ahead.change.status == "MERGED"):
                self._move(item, nearest)
                self._cancel(item, again=True)
                changed = True
            if active:
                self._prepare(item)
                failing = item.prepared and item.conflict
                if item.prepared and not item.conflict:
                    self._start(item)
        jobs = self.jobs[item.change.project]
        failing = failing or any(job.voting and item.results.get(job.name, "SUCCESS") not in GREEN for job in jobs)
        done = item.prepared and (item.conflict or all(job.name in item.results for job in jobs))
        if item.ahead is None and done:
            self._report(item)
            return True, nearest
        item.failing = failing
        return changed, nearest if failing else item

    def _prepare(self, item: Item) -> None:
        if item.content:
            return
        if not self.jobs[item.change.project]:
            item.content, item.prepared = (item.change,), True
            return
        chain: list[Change] = []
        one = item.ahead
        while one is not None:
            chain.insert(0, one.change)
            one = one.ahead
        item.content = (*chain, item.change)
        self.merges.append((item, item.content))
        there = {change.name for change in chain if change.project == item.change.project}
        there |= {name.partition(".")[0] for name in self.landed}
        item.conflict = any(
            name in there and self.changes[name].project == item.change.project for name in item.change.conflicts
        )

    def _holds(self, item: Item | None) -> bool:
        while item is not None:
            if not item.prepared:
                return False
            for job in self.jobs[item.change.project]:
                if job.holds and item.results.get(job.name) != "SUCCESS":
                    return True
            item = item.ahead
        return False

    def _start(self, item: Item) -> None:
        jobs = self.jobs[item.change.project]
        if jobs and not item.started:
            item.started = True
            item.change.messages += 1
        if self._holds(item.ahead):
            return
        for job in jobs:
            waits = any(item.results.get(name) != "SUCCESS" for name in job.needs)
            if job.name in item.results or job.name in item.builds or waits:
                continue
            build = Build(job, item.change.shown, tuple(change.shown for change in item.content))
            item.builds[job.name] = build
            self.builds.append(build)

    def _below(self, item: Item, name: str) -> list[str]:
        found: list[str] = []
        pending = [name]
        while pending:
            above = pending.pop()
            fresh = [job.name for job in self.jobs[item.change.project] if above in job.needs and job.name not in found]
            found += fresh
            pending += fresh
        return found

    def _stop(self, item: Item) -> None:
        for job in self.jobs[item.change.project]:
            if job.name not in item.results:
                if job.name in item.builds:
                    item.builds[job.name].result = "ABORTED"
                item.results[job.name] = "CANCELED"

    def _cancel(self, item: Item, *, again: bool) -> None:
        self._stop(item)
        if again:
            item.results, item.builds, item.content, item.prepared, item.conflict = {}, {}, (), False, False
        for other in item.behind:
            self._cancel(other, again=again)

    def _move(self, item: Item, ahead: Item | None) -> None:
        if item.ahead is ahead:
            return
        if item.ahead is not None:
            item.ahead.behind.remove(item)
            item.ahead.behind.extend(item.behind)
        for other in item.behind:
            other.ahead = item.ahead
        item.ahead, item.behind = ahead, []
        if ahead is not None:
            ahead.behind.append(item)

    def _remove(self, item: Item) -> None:
        self.queue.remove(item)
        if item.ahead is not None:
            item.ahead.behind.remove(item)
            item.ahead.behind.extend(item.behind)
        for other in item.behind:
            other.ahead = item.ahead

    def _on_its_parent(self, change: Change) -> bool:
        """Whether the very patchset that is its git parent has landed."""
        return change.parent is None or self.changes[change.parent[0]].patchset == change.parent[1]

    def _narrow(self) -> None:
        self.window = max(self.floor, self.window // 2)

    def _report(self, item: Item) -> None:
        jobs = self.jobs[item.change.project]
        ran = any(item.results.get(job.name) != "SKIPPED" for job in jobs)
        green = all(not job.voting or item.results.get(job.name) in GREEN for job in jobs)
        succeeded = not item.conflict and bool(jobs) and ran and green
        if jobs:
            item.change.messages += 1
        if succeeded and item.change.submit == "ok" and self._on_its_parent(item.change):
            item.change.status = "MERGED"
            self.landed.append(item.change.shown)
            self.window += 1
        else:
            if not succeeded:
                self._narrow()
            for other in list(item.behind):
                self._cancel(other, again=True)
        self._remove(item)
