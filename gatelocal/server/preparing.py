"""Prepare → Prepared: the merges of an item, the configuration that it brings, and what runs for it; nothing is run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gatelocal.engine.members import Wish
from gatelocal.engine.mend import mending
from gatelocal.engine.prepare import prepare
from gatelocal.engine.work import Merged, Preparation, Tools
from gatelocal.errors import (
    ConfigurationError,
    ConflictError,
    GateError,
    InfrastructureError,
    InputError,
    NoJobs,
    as_machinery,
)
from gatelocal.jobs.gate import graph as graph_of
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Graph
from gatelocal.model.merged import SpeculativeState
from gatelocal.pipeline.actions import Prepare
from gatelocal.pipeline.events import Prepared
from gatelocal.server.configuration import Read
from gatelocal.server.keepers import Keepers
from gatelocal.server.site import Site
from gatelocal.source.mirror import Mirror
from git_review.gerrit import model
from git_review.gerrit.address import change_ref

_WITH = "it conflicts with "


class Expected:
    """The patchsets that will be merged soon; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[int, tuple[tuple[str, str, str], ...]] = {}

    def add(self, action: Prepare, patchsets: Iterable[tuple[str, str, str]]) -> None:
        """Those of an action: project, commit, ref."""
        with self._lock:
            self._actions[action.id] = tuple(patchsets)

    def remove(self, action: Prepare) -> None:
        """They are merged, or not wanted."""
        with self._lock:
            self._actions.pop(action.id, None)

    def of(self, project: str) -> Mapping[str, str]:
        """Commit → ref of those of one project."""
        with self._lock:
            every = [one for patchsets in self._actions.values() for one in patchsets]
        return {commit: ref for where, commit, ref in every if where == project}


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares items.

    :ivar read: the tenant's configuration as it stands. :ivar main: item → its latest preparation;
        `generation`: its latest generation, 0 when it has gone.
    """

    site: Site
    mirror: Mirror
    keepers: Keepers
    read: Callable[[], Read]
    facts: Callable[[str], Facts | None]
    main: Callable[[int], int]
    generation: Callable[[int], int]
    _expected: Expected = field(default_factory=Expected)

    def expect(self, action: Prepare) -> float:
        """It will be prepared: its changes may be fetched with those of others. Gives the time, by the clock."""
        self._expected.add(action, self._of_server(action))
        return time.time()

    def answer(self, action: Prepare, asked: float) -> Prepared:
        """Prepare it, unless nobody waits for it any more.

        :param asked: when that was decided, by the clock: what the server has told later is as good as new.
        :raises InfrastructureError: it is to be tried again.
        """
        if self.generation(action.item) != action.generation:
            self._expected.remove(action)
            return Prepared(0.0, action.id, action.item, action.generation, False)
        answer = self._prepared(action, self.site.merger(max(time.time() - asked, 0.0), self._expected.of))
        self._expected.remove(action)
        return answer

    def _of_server(self, action: Prepare) -> Iterator[tuple[str, str, str]]:
        """Project, commit and ref of its patchsets, as far as they were shown."""
        for ref in action.changes:
            found = self.mirror.known(int(ref.change))
            if found is not None and (patchset := found.patchset(ref.patchset)) is not None:
                yield found.project, patchset.commit, patchset.ref or change_ref(found.number, patchset.number)

    def _prepared(self, action: Prepare, merger: Merger) -> Prepared:
        try:
            found = self.keepers.found(action.id) or mending(self.site.say, lambda: self._make(action, merger))
        except ConflictError as error:
            return self._failed(action, conflicts=(_with_what(error),))
        except NoJobs:
            return self._answer(action, tuple(Graph(ref) for ref in action.of), ())
        except InfrastructureError:
            raise
        except GateError as error:
            return self._answer(action, tuple(Graph(ref, problem=error.brief) for ref in action.of), ())
        self.keepers.add(action.id, found)
        bases = tuple((one.project, one.branch, one.base) for one in found.merged.state.merged)
        missing = [one for one in action.branches if one not in {base[:2] for base in bases}]
        more = tuple((*one, tip) for one in missing if (tip := self._tip(merger, one)))
        return self._answer(action, found.graphs, (*bases, *more))

    def _answer(self, action: Prepare, graphs: tuple[Graph, ...], bases: tuple[tuple[str, str, str], ...]) -> Prepared:
        return Prepared(0.0, action.id, action.item, action.generation, True, (), bases, graphs)

    def _failed(self, action: Prepare, conflicts: tuple[str, ...]) -> Prepared:
        """It does not merge; the gate wants to know all the same whether it has jobs."""
        graphs = tuple(self._graph_before(ref, action.pipeline) for ref in action.of)
        return Prepared(0.0, action.id, action.item, action.generation, False, conflicts, (), graphs)

    def _graph_before(self, ref: Ref, pipeline: str) -> Graph:
        facts = self.facts(ref.change)
        if facts is None:
            return Graph(ref)
        return graph_of(self.read().everything, ref, (facts.project, facts.branch, pipeline), facts.files)

    def _tip(self, merger: Merger, branch: tuple[str, str]) -> str:
        return merger.freeze(branch[0], {branch[1]}).branches.get(branch[1], "")

    # ---- what is merged

    def _make(self, action: Prepare, merger: Merger) -> Preparation:
        tools = replace(self.keepers.tools(action.id), merger=merger, tenancy=self.read().tenancy)
        tools.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        merged = self._merged(action, merger)
        try:
            found = self._found(action, merged, merger, tools)
        except BaseException:
            merger.release(merged.state)
            raise
        self.keepers.folder(action.id).keep_prepared(action.id, found)
        return found

    def _found(self, action: Prepare, merged: Merged, merger: Merger, tools: Tools) -> Preparation:
        if action.of:
            item = self._item(action, merged, merger)
            return prepare(tools, Wish(action.pipeline, strict=True), item, merged)
        main = self.keepers.found(self.main(action.item))
        if main is None:
            raise InputError("what the branch itself is to be tried for is not there any more")
        tip = _of_tip(merger, merged.state)
        known = [(one.ref, self.facts(one.ref.change)) for one in main.graphs]
        branch = action.branches[0]
        item = [(ref, tip) for ref, facts in known if facts is not None and (facts.project, facts.branch) == branch]
        return _with_all_of(main, prepare(tools, Wish(main.pipeline), item, merged))

    def _merged(self, action: Prepare, merger: Merger) -> Merged:
        if action.changes:
            changes = tuple(self._change(ref) for ref in action.changes)
            return Merged(merger.merge(changes, action.own), changes, action.own)
        if action.branches:
            return Merged(merger.tip(*action.branches[0]))
        facts = self.facts(action.of[0].change)
        if facts is None:
            raise InputError(f"{action.of[0].change} is not known")
        return Merged(merger.tip(facts.project, facts.branch))

    def _item(self, action: Prepare, merged: Merged, merger: Merger) -> list[tuple[Ref, Change]]:
        if not action.changes:
            return [(ref, _of_tip(merger, merged.state)) for ref in action.of]
        by_name = dict(zip(action.changes, merged.changes, strict=True))
        return [(ref, by_name[ref]) for ref in action.of]

    def _change(self, ref: Ref) -> Change:
        """A patchset by its name to the gate. :raises InputError: the server has no such patchset."""
        number = int(ref.change)
        found = self.mirror.known(number)
        if found is None or found.patchset(ref.patchset) is None:
            found = self.site.reader().change(number)
        patchset = found.patchset(ref.patchset) if found is not None else None
        if found is None or patchset is None:
            raise InputError(f"the server shows no change {ref.change},{ref.patchset}")
        return change_of(found, patchset, self.site.file.gerrit.url)


def change_of(found: model.Change, patchset: model.PatchSet, url: str) -> Change:
    """A patchset of the server as the merger knows it."""
    return Change(
        project=found.project,
        branch=found.branch,
        commit=patchset.commit,
        message=patchset.message,
        status=ChangeStatus(found.status),
        change_id=found.change_id or None,
        number=found.number,
        patchset=patchset.number,
        ref=patchset.ref or change_ref(found.number, patchset.number),
        url=f"{url}c/{found.project}/+/{found.number}",
    )


def _of_tip(merger: Merger, state: SpeculativeState) -> Change:
    """The tip of a branch that nothing was merged onto."""
    own = state.merged[0]
    repository = merger.repository(own.project)
    with as_machinery(f"reading {own.project}", repository.path):
        message = repository.git.query("show", "-s", "--no-show-signature", "--format=%B", own.commit).text
    return Change(own.project, own.branch, own.commit, message, ChangeStatus.MERGED)


def _with_all_of(main: Preparation, found: Preparation) -> Preparation:
    """The control's preparation: a job that the bare branch does not have cannot be tried there."""
    gone: Mapping[tuple[str, str], GateError] = {
        key: ConfigurationError(f"the branch itself has no job {key[1]}")
        for key in main.works
        if key not in found.works
    }
    works = {**main.works, **found.works}
    return replace(found, works=works, lacking={**found.lacking, **gone})


def _with_what(error: ConflictError) -> str:
    """What a merge has failed at, as it stands behind "conflicts with"."""
    return error.brief.partition(_WITH)[2] or error.brief


def trees_of(state: SpeculativeState) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """What is tested: project → branch → commit, and the same as trees."""
    commits: dict[str, dict[str, str]] = {}
    trees: dict[str, dict[str, str]] = {}
    for one in state.merged:
        commits.setdefault(one.project, {})[one.branch] = one.commit
        trees.setdefault(one.project, {})[one.branch] = one.tree
    return commits, trees
