"""The make-believe review server: changes, votes, branches, what may land; it knows no gate.

Its rules are those of "The review server of this world" in the scenario format.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gatelocal.model.facts import Facts, Ref, Vote

GATE = "gate"
"""The user that the gate votes as."""

REVIEWER = "reviewer"

_RULES = (("Code-Review", 2, -2), ("Workflow", 1, -1), ("Verified", 2, -2))
"""Label, the value that a submit needs, the value that forbids it."""


@dataclass(slots=True)
class WorldChange:
    """A change as the server keeps it. :ivar landed: the patchset that landed, 0 for none."""

    name: str
    project: str
    branch: str = "master"
    patchset: int = 1
    parent: Ref | None = None
    depends_on: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    status: str = "NEW"
    wip: bool = False
    submit: str = "ok"
    urgent: bool = False
    votes: dict[tuple[str, str], Vote] = field(default_factory=dict)
    landed: int = 0

    @property
    def ref(self) -> Ref:
        """Its current patchset."""
        return Ref(self.name, self.patchset)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that reached a branch. :ivar ref: the change; None for a push. :ivar before: before the scenario."""

    name: str
    ref: Ref | None
    before: bool = False


class Server:
    """Changes and branches.

    :ivar entries: (project, branch) → what reached it, in order; a tip is the number of entries it has.
    :ivar places: change or commit → its branch, and its place there. :ivar foreign: counts what others put on branches.
    """

    def __init__(self) -> None:
        self.changes: dict[str, WorldChange] = {}
        self.entries: dict[tuple[str, str], list[Entry]] = {}
        self.conflicts: dict[str, set[str]] = {}
        self.places: dict[str, tuple[tuple[str, str], int]] = {}
        self.foreign = 0
        self._digests: dict[tuple[str, str], list[int]] = {}
        self._children: dict[str, list[str]] = {}
        self._dependants: dict[str, list[str]] = {}
        self._facts: dict[str, Facts] = {}
        self._votes = 0

    # ---- what there is

    def add(self, change: WorldChange, conflicts: Iterable[str]) -> None:
        """A new change. One that has landed before the scenario is part of its branch."""
        self.changes[change.name] = change
        self.link(change)
        self.set_conflicts(change.name, conflicts)
        if change.status == "MERGED":
            change.landed = change.patchset
            self._append((change.project, change.branch), change.name, Entry(change.name, change.ref, before=True))

    def link(self, change: WorldChange) -> None:
        """Let the search find what the change needs."""
        if change.parent is not None:
            _once(self._children.setdefault(change.parent.change, []), change.name)
        for name in change.depends_on:
            _once(self._dependants.setdefault(name, []), change.name)
        for name in self.needs(change):
            self._facts.pop(name, None)
        self.touched(change.name)

    def needs(self, change: WorldChange) -> tuple[str, ...]:
        """What it needs directly."""
        return (*((change.parent.change,) if change.parent else ()), *change.depends_on)

    def touched(self, name: str) -> None:
        """Something about the change is different now."""
        self._facts.pop(name, None)

    def set_conflicts(self, name: str, others: Iterable[str]) -> None:
        """The change, or pushed commit, edits the same line as these, and no others any more."""
        for known in self.conflicts.pop(name, set()):
            self.conflicts.get(known, set()).discard(name)
        for other in others:
            self.conflicts.setdefault(name, set()).add(other)
            self.conflicts.setdefault(other, set()).add(name)

    def branch(self, project: str, branch: str) -> list[Entry]:
        """What a branch has received, in order."""
        return self.entries.setdefault((project, branch), [])

    def _append(self, key: tuple[str, str], name: str, entry: Entry) -> None:
        line = self.branch(*key)
        self.places[name] = (key, len(line))
        line.append(entry)
        digests = self._digests.setdefault(key, [0])
        digests.append(extended(digests[-1], entry.name))

    def digest(self, key: tuple[str, str], tip: int | None = None) -> int:
        """A number for what a branch contains at a tip, in its order: the same content, the same number."""
        digests = self._digests.get(key, [0])
        return digests[-1 if tip is None else tip]

    # ---- votes

    def vote(self, name: str, label: str, value: int | None, by: str, at: float) -> None:
        """Cast a vote; 0 or None takes it back, but the gate's own 0 stays visible."""
        change = self.changes[name]
        self._votes += 1
        if value is None or (value == 0 and by != GATE):
            change.votes.pop((label, by), None)
        else:
            change.votes[label, by] = Vote(label, value, by, at, self._votes)
        self.touched(name)

    def shown_votes(self, name: str) -> dict[str, int]:
        """Label → the gate's own value where it has voted, otherwise the highest."""
        shown: dict[str, int] = {}
        votes = self.changes[name].votes.values()
        for vote in votes:
            shown[vote.label] = max(vote.value, shown.get(vote.label, vote.value))
        shown.update({vote.label: vote.value for vote in votes if vote.by == GATE})
        return shown

    def _missing(self, change: WorldChange) -> tuple[str, ...]:
        missing = []
        for label, wanted, veto in _RULES:
            values = [v.value for v in change.votes.values() if v.label == label]
            own = [v.value for v in change.votes.values() if v.label == label and v.by == GATE]
            enough = wanted in (own if label == "Verified" else values)
            if not enough or veto in values:
                missing.append(label)
        return tuple(missing)

    # ---- what it tells

    def facts(self, name: str) -> Facts:
        """A change as the gate is told of it."""
        known = self._facts.get(name)
        if known is None:
            known = self._facts[name] = self._described(self.changes[name])
        return known

    def _described(self, change: WorldChange) -> Facts:
        behind = (*self._current(self._children, change.name), *self._current(self._dependants, change.name))
        return Facts(
            change.name,
            change.patchset,
            change.project,
            change.branch,
            change.parent,
            tuple(name for name in change.depends_on if name in self.changes),
            tuple(dict.fromkeys(behind)),
            change.files,
            change.status,
            change.wip,
            tuple(vote for vote in change.votes.values() if vote.value),
            self._missing(change),
            change.urgent,
        )

    def _current(self, index: dict[str, list[str]], name: str) -> list[str]:
        return [other for other in index.get(name, ()) if name in self.needs(self.changes[other])]

    def related(self, name: str) -> tuple[Facts, ...]:
        """All that the change needs and all that needs it, directly or not, as far as it has not landed."""
        seen = {name}
        pending = [name]
        found = []
        while pending:
            one = self.facts(pending.pop())
            for other in (*one.needs, *one.needed_by):
                if other not in seen:
                    seen.add(other)
                    facts = self.facts(other)
                    found.append(facts)
                    if facts.status != "MERGED":
                        pending.append(other)
        return tuple(found)

    # ---- landing

    def obstacle(self, ref: Ref) -> str:  # noqa: PLR0911 - one for each rule
        """Why a submit of the patchset is answered 409; empty when it is not."""
        change = self.changes[ref.change]
        if ref.patchset != change.patchset:
            return f"patchset {ref.patchset} is not the current one"
        if change.status != "NEW":
            return f"change is {change.status.lower()}"
        if change.wip:
            return "change is work in progress"
        missing = self._missing(change)
        if missing:
            return "submit requirement not satisfied: " + ", ".join(missing)
        if change.parent is not None and self.changes[change.parent.change].landed != change.parent.patchset:
            return f"depends on {change.parent}, which has not landed"
        against = [name for name in sorted(self.conflicts.get(change.name, ())) if self.on(name, change)]
        if against:
            return "merge conflict with " + ", ".join(against)
        return "submit refused by a rule" if change.submit == "refused" else ""

    def on(self, name: str, change: WorldChange) -> bool:
        """Whether a change or commit of that name is on the branch of the change."""
        place = self.places.get(name)
        return place is not None and place[0] == (change.project, change.branch)

    def land(self, name: str, *, foreign: bool) -> None:
        """The change is on its branch now. :param foreign: the gate did not submit it."""
        change = self.changes[name]
        change.status = "MERGED"
        change.landed = change.patchset
        self.foreign += foreign
        self._append((change.project, change.branch), name, Entry(str(change.ref), change.ref))
        self.touched(name)

    def push(self, project: str, branch: str, name: str, conflicts: Iterable[str]) -> None:
        """Somebody pushes a commit straight to the branch."""
        self.foreign += 1
        self._append((project, branch), name, Entry(name, None))
        self.set_conflicts(name, conflicts)

    def trunk(self, key: tuple[str, str]) -> list[str]:
        """What reached the branch during the scenario."""
        return [entry.name for entry in self.branch(*key) if not entry.before]

    def new_patchset(self, name: str, changes: dict[str, object]) -> None:
        """A new patchset without votes; `changes` are new values of the change's fields."""
        change = self.changes[name]
        old = self.needs(change)
        updated = replace(change, patchset=change.patchset + 1, votes={}, **changes)  # type: ignore[arg-type]
        self.changes[name] = updated
        for needed in old:
            self._facts.pop(needed, None)
        self.link(updated)


def extended(digest: int, name: str) -> int:
    """The number of a content with one more thing at its end."""
    return hash((digest, name))


def _once(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
