"""The make-believe merger: what a workspace contains, and what could not be merged into it; it knows no build.

A workspace is made on the one of the item ahead where that is possible, so that its cost does not grow with the queue.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from gatelocal.model.facts import Ref
from gatelocal.pipeline.actions import Prepare
from gatelocal.sim.server import Server, WorldChange, extended

Branch = tuple[str, str]


@dataclass(slots=True)
class Workspace:
    """What a Prepare made.

    :ivar tips: every branch's number of entries. :ivar changes: what was asked for, in order. :ivar foreign: the
        server's count of what others put on branches, at that time. :ivar digests: branch → a number for its content,
        for those with changes beyond their tips. :ivar ahead: the workspace that it was made on; None when it was made
        from the tips. :ivar own: how many changes were added to that. :ivar good: whether it could be merged.
        :ivar known: what :meth:`Trees.items` has found, with :ivar shown: the names.
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


class Trees:
    """The workspaces that were made. :ivar made: Prepare action → workspace."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.made: dict[int, Workspace] = {}

    def prepare(self, action: Prepare) -> tuple[Workspace, tuple[str, ...]]:
        """Merge what the action says; the workspace, and what it conflicts with."""
        tips = {key: len(line) for key, line in self._server.entries.items()}
        for key in action.branches:
            tips.setdefault(key, 0)
        ahead = self.made.get(action.on)
        workspace = Workspace(tips, action.changes, self._server.foreign, {})
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
        self.made[action.id] = workspace
        return workspace, tuple(dict.fromkeys(failed))

    def ref(self, preparation: int, change: str) -> str:
        """A change with the patchset that a workspace was made for; a branch has none."""
        for ref in reversed(self.made[preparation].changes):
            if ref.change == change:
                return str(ref)
        known = self._server.changes.get(change)
        return str(known.ref) if known is not None else change

    def _merge(self, ref: Ref, workspace: Workspace, merged: set[str]) -> list[str]:
        """Add a change, after the git parents that it brings along; returns what it conflicts with."""
        failed: list[str] = []
        for one in self._chain(ref, merged, workspace):
            owner = self._server.changes[one.change]
            for name in sorted(self._server.conflicts.get(one.change, ())):
                inside = self._beside(name, owner) and (name in merged or self._has(workspace.ahead, name))
                if inside or self._server.on(name, owner):
                    failed.append(name)
            merged.add(one.change)
            key = (owner.project, owner.branch)
            before = workspace.digests.get(key)
            before = self._server.digest(key, workspace.tips.get(key, 0)) if before is None else before
            workspace.digests[key] = extended(before, str(one))
        return failed

    def _chain(self, ref: Ref, merged: Container[str], workspace: Workspace) -> list[Ref]:
        """The change after its git parents that are not there yet; nothing if it is on its branch already."""
        chain: list[Ref] = []
        while ref.change not in merged and not self._at(ref.change, workspace):
            if chain and self._has(workspace.ahead, ref.change):
                break
            chain.append(ref)
            parent = self._server.changes[ref.change].parent
            if parent is None:
                break
            ref = parent
        return chain[::-1]

    def _at(self, name: str, workspace: Workspace) -> bool:
        """Whether a change was on its branch when the workspace was made."""
        place = self._server.places.get(name)
        return place is not None and place[1] < workspace.tips.get(place[0], 0)

    def _beside(self, name: str, owner: WorldChange) -> bool:
        """Whether a change goes to the same branch: only there can two edit the same line."""
        other = self._server.changes.get(name)
        return other is not None and (other.project, other.branch) == (owner.project, owner.branch)

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
        return self._server.digest(key, workspace.tips.get(key, 0)) if found is None else found

    def contains(self, workspace: Workspace, name: str) -> bool:
        """Whether a change (any patchset, or with ``.N`` that one) or commit is in a workspace, landed or not."""
        if any(name in (ref.change, f"{ref.change}.{ref.patchset}") for ref in self.items(workspace)):
            return True
        place = self._server.places.get(name) or self._server.places.get(name.rpartition(".")[0])
        if place is None:
            return False
        key, at = place
        ref = self._server.branch(*key)[at].ref
        fits = ref is None or name in (ref.change, f"{ref.change}.{ref.patchset}")
        return fits and at < workspace.tips.get(key, 0)
