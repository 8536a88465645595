"""A state while one event is worked into it: changed values lie on top of the old state until they become a new one.

It keeps indexes in step and collects actions; it knows no rule of the gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Manager, Pipeline
from gatelocal.model.record import changer
from gatelocal.model.table import Line
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.policies import Policy
from gatelocal.pipeline.state import Item, Provided, Queue, QueueKey, Reason, Semaphore, State, Step


class Flag:
    """What of an item is to be looked at again, as bits: whether it may stay, what it is built on, its jobs."""

    STAY: Final = 1
    BASE: Final = 2
    JOBS: Final = 4


class Draft:
    """The working copy. :ivar agenda: queue → item → what to look at; worked off by the walk.

    :ivar later: (pipeline, patchset) that are to enter again when the walk has come to its end.
    """

    __slots__ = tuple(
        "before layout policy now counter actions agenda holds wake later left _items _queues _changes _where _needed"
        " _semaphores _last _tips _glimpsed _served _told _proved _trail _provided".split()
    )

    def __init__(self, before: State, now: float) -> None:
        # Written out, for it is done for every event: a dataclass calls a factory for each of the mappings.
        self.before = before
        self.layout = before.layout
        self.policy: Policy = before.policy
        self.now = max(now, before.now)
        self.counter = before.counter
        self.holds = before.holds
        self.wake = before.wake
        self.actions: list[Action] = []
        self.agenda: dict[QueueKey, dict[int, int]] = {}
        self._items: dict[int, Item | None] = {}
        self._queues: dict[QueueKey, Queue | None] = {}
        self._changes: dict[str, Facts | None] = {}
        self._where: dict[str, tuple[int, ...] | None] = {}
        self._needed: dict[str, tuple[int, ...] | None] = {}
        self._semaphores: dict[str, Semaphore | None] = {}
        self._last: dict[str, Reason | None] = {}
        self._tips: dict[tuple[str, str], str | None] = {}
        self._glimpsed: dict[tuple[str, str], str | None] = {}
        self._served: dict[str, tuple[int, int] | None] = {}
        self._told: dict[str, tuple[str, ...] | None] = {}
        self._proved: dict[tuple[str, str, str], str | None] = {}
        self._trail: dict[tuple[str, str, str], Step | None] = {}
        self._provided: dict[tuple[str, Ref], tuple[Provided, ...] | None] = {}
        self.later: list[tuple[str, Ref]] = []
        self.left: list[Item] = []

    def state(self) -> State:
        """The new state: what was not touched is shared with the old one."""
        old = self.before
        return _changed(
            old,
            self.layout,
            self.now,
            self.counter,
            old.changes.changed(self._changes) if self._changes else old.changes,
            old.items.changed(self._items) if self._items else old.items,
            old.where.changed(self._where) if self._where else old.where,
            old.needed.changed(self._needed) if self._needed else old.needed,
            old.queues.changed(self._queues) if self._queues else old.queues,
            old.semaphores.changed(self._semaphores) if self._semaphores else old.semaphores,
            old.last.changed(self._last) if self._last else old.last,
            old.tips.changed(self._tips) if self._tips else old.tips,
            old.glimpsed.changed(self._glimpsed) if self._glimpsed else old.glimpsed,
            old.served.changed(self._served) if self._served else old.served,
            old.told.changed(self._told) if self._told else old.told,
            old.proved.changed(self._proved) if self._proved else old.proved,
            old.trail.changed(self._trail) if self._trail else old.trail,
            old.provided.changed(self._provided) if self._provided else old.provided,
            self.holds,
            self.wake,
        )

    def touched(self) -> tuple[int, ...]:
        """The items that have a new value, or none any more."""
        return tuple(self._items)

    # ---- ids and actions

    def number(self) -> int:
        """The next id."""
        self.counter += 1
        return self.counter

    def act(self, action: Action) -> int:
        """Add an action, which has the next id; returns that."""
        self.actions.append(action)
        return action.id

    # ---- items

    def find(self, number: int) -> Item | None:
        """The item of that id, if it is still there."""
        if number in self._items:
            return self._items[number]
        return self.before.items.get(number)

    def item(self, number: int) -> Item:
        """The item of that id, which is there."""
        found = self._items[number] if number in self._items else self.before.items.get(number)
        if found is None:
            raise KeyError(number)
        return found

    def put(self, item: Item) -> Item:
        """Keep an item's new value."""
        self._items[item.id] = item
        return item

    def add(self, item: Item) -> None:
        """Put a new item at the end of its queue."""
        self.put(item)
        queue = self.queue(item.key)
        self.put_queue(_in_line(queue, queue.line.appended(item.id), queue.active))
        for name in item.names:
            self._where[name] = (*self.where(name), item.id)
        for name in item.needs:
            self._needed[name] = (*self.needing(name), item.id)

    def remove(self, item: Item) -> None:
        """Take an item out of its queue and of the indexes."""
        self.left.append(item)
        self._items[item.id] = None
        queue = self.queue(item.key)
        active = queue.active - (1 if queue.line.place(item.id) < queue.active else 0)
        line = queue.line.without(item.id)
        gone = queue.dynamic and not len(line)
        self._queues[queue.key] = None if gone else _in_line(queue, line, active)
        if queue.key in self.agenda:
            self.agenda[queue.key].pop(item.id, None)
        for name in item.names:
            self._where[name] = tuple(one for one in self.where(name) if one != item.id) or None
        for name in item.needs:
            self._needed[name] = tuple(one for one in self.needing(name) if one != item.id) or None

    def where(self, change: str) -> tuple[int, ...]:
        """The items that hold a change, oldest first."""
        found = self._where[change] if change in self._where else self.before.where.get(change)
        return found or ()

    def needing(self, change: str) -> tuple[int, ...]:
        """The items that need a change, oldest first."""
        found = self._needed[change] if change in self._needed else self.before.needed.get(change)
        return found or ()

    def holding(self, pipeline: str, change: str, *, live: bool = True) -> Item | None:
        """The item of a pipeline that holds the change."""
        for number in self.where(change):
            item = self.item(number)
            if item.pipeline == pipeline and item.live == live:
                return item
        return None

    def all_items(self) -> Iterator[Item]:
        """Every item, by id. For rare events only: its cost grows with the queues."""
        numbers = sorted({*self.before.items, *self._items})
        return (item for item in (self.find(number) for number in numbers) if item is not None)

    def flag(self, number: int, flag: int) -> None:
        """Have an item looked at."""
        item = self.find(number)
        if item is None:
            return
        key = item.key
        if key in self.agenda:
            todo = self.agenda[key]
            todo[number] = todo.get(number, 0) | flag
        else:
            self.agenda[key] = {number: flag}

    # ---- queues

    def queue_or_none(self, key: QueueKey) -> Queue | None:
        """The queue, if it is there."""
        return self._queues[key] if key in self._queues else self.before.queues.get(key)

    def queue(self, key: QueueKey) -> Queue:
        """The queue, which is there."""
        found = self._queues[key] if key in self._queues else self.before.queues.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def put_queue(self, queue: Queue) -> Queue:
        """Keep a queue's new value."""
        self._queues[queue.key] = queue
        return queue

    def drop_queue(self, key: QueueKey) -> None:
        """Forget an empty queue."""
        self._queues[key] = None

    def all_queues(self) -> tuple[Queue, ...]:
        """Every queue, in order of their making. For rare events only."""
        keys = [*self.before.queues, *(key for key in self._queues if key not in self.before.queues)]
        return tuple(queue for queue in (self.queue_or_none(key) for key in keys) if queue is not None)

    def pipeline(self, item: Item) -> Pipeline:
        """The item's pipeline."""
        return self.layout.pipelines[item.pipeline]

    # ---- the rest

    def facts(self, change: str) -> Facts | None:
        """What is known of a change."""
        return self._changes[change] if change in self._changes else self.before.changes.get(change)

    def newest(self, facts: Facts) -> Facts:
        """What an answer of the server says of a change, unless something newer is known: answers take their time."""
        known = self.facts(facts.change)
        if known is None or facts.patchset > known.patchset:
            return facts
        older = facts.patchset < known.patchset or (known.status == "MERGED" and facts.status != "MERGED")
        return known if older else facts

    def put_facts(self, facts: Facts) -> None:
        """Keep what the server says of a change."""
        self._changes[facts.change] = facts

    def semaphore(self, name: str) -> Semaphore:
        """A semaphore, which need not be known."""
        found = self._semaphores[name] if name in self._semaphores else self.before.semaphores.get(name)
        return found or Semaphore()

    def put_semaphore(self, name: str, value: Semaphore) -> None:
        """Keep who holds it."""
        self._semaphores[name] = value if value.holders or value.waiting else None

    def last(self, change: str) -> Reason | None:
        """Why the change is not in a queue, as last found."""
        return self._last[change] if change in self._last else self.before.last.get(change)

    def put_last(self, change: str, reason: Reason | None) -> None:
        """Remember why."""
        self._last[change] = reason

    def tip(self, branch: tuple[str, str]) -> str | None:
        """The branch's tip as the gate knows it."""
        return self._tips[branch] if branch in self._tips else self.before.tips.get(branch)

    def put_tip(self, branch: tuple[str, str], tip: str) -> None:
        """Remember it."""
        self._tips[branch] = tip

    def glimpsed(self, branch: tuple[str, str]) -> str | None:
        """A tip that was only seen in a workspace: those who were prepared before may not have had it."""
        return self._glimpsed[branch] if branch in self._glimpsed else self.before.glimpsed.get(branch)

    def put_glimpsed(self, branch: tuple[str, str], tip: str | None) -> None:
        """Remember it; None: it has been told of."""
        self._glimpsed[branch] = tip

    def served(self, change: str) -> tuple[int, int] | None:
        """The patchset and the approval that the change was last taken in by."""
        return self._served[change] if change in self._served else self.before.served.get(change)

    def put_served(self, change: str, value: tuple[int, int]) -> None:
        """Remember it."""
        self._served[change] = value

    def told(self, change: str) -> tuple[str, ...]:
        """What the author has been told already."""
        found = self._told[change] if change in self._told else self.before.told.get(change)
        return found or ()

    def proved(self, job: tuple[str, str, str]) -> str | None:
        """The tip on which a job of (project, branch, name) is known to be green."""
        return self._proved[job] if job in self._proved else self.before.proved.get(job)

    def put_proved(self, job: tuple[str, str, str], tip: str | None) -> None:
        """Remember it; None: it is not known any more."""
        self._proved[job] = tip

    def all_proved(self) -> tuple[tuple[str, str, str], ...]:
        """All jobs of which it was once known."""
        return tuple({**dict.fromkeys(self.before.proved), **self._proved})

    def step(self, tip: tuple[str, str, str]) -> Step | None:
        """What the tip of (project, branch, tip) added."""
        return self._trail[tip] if tip in self._trail else self.before.trail.get(tip)

    def put_step(self, tip: tuple[str, str, str], step: Step) -> None:
        """Remember it."""
        self._trail[tip] = step

    def provided(self, pipeline: str, ref: Ref) -> tuple[Provided, ...]:
        """What the jobs of a patchset provided when it was last in the pipeline."""
        key = (pipeline, ref)
        return (self._provided[key] if key in self._provided else self.before.provided.get(key)) or ()

    def put_provided(self, pipeline: str, ref: Ref, value: tuple[Provided, ...]) -> None:
        """Remember it."""
        self._provided[pipeline, ref] = value

    def put_told(self, change: str, value: tuple[str, ...]) -> None:
        """Remember it."""
        self._told[change] = value


_in_line = changer(Queue, "line", "active")
_changed = changer(
    State,
    *"layout now counter changes items where needed queues semaphores last tips glimpsed served told proved".split(),
    *"trail provided holds wake".split(),
)


def begun(state: State, now: float) -> Draft:
    """A working copy of the state for an event of that time."""
    return Draft(state, now)


def empty_queue(pipeline: Pipeline, name: str, label: str, *, dynamic: bool = False) -> Queue:
    """A new queue: with the window of a dependent pipeline; others test one item at a time, or all at once (0)."""
    match pipeline.manager:
        case Manager.DEPENDENT:
            window = pipeline.window.size
        case Manager.INDEPENDENT:
            window = 0
        case Manager.SERIAL | Manager.SUPERCEDENT:
            window = 1
    return Queue(pipeline.name, name, label, Line(), window, dynamic=dynamic)


def main_queue(draft: Draft, key: QueueKey) -> Queue:
    """The queue that this one stands beside, or itself."""
    queue = draft.queue(key)
    found = draft.queue_or_none((queue.pipeline, queue.label)) if queue.dynamic else None
    return found or queue


def is_current(draft: Draft, ref: Ref) -> bool:
    """Whether the patchset is the newest one that is known."""
    facts = draft.facts(ref.change)
    return facts is not None and facts.patchset == ref.patchset
