"""Tags of projects that some pipeline waits for: each that is new, or another one, is put in; it reads no server.

Gerrit leaves no message on a tag, so that a file for each project has those that the gate was told of. It is written
once they are part of the gate's memory: a daemon that is killed between the two puts them in again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.model.layout import Layout, Manager, Pipeline, Project
from gatelocal.model.pattern import Pattern, any_matches
from gatelocal.model.refs import tag_of
from gatelocal.pipeline.state import State
from gatelocal.ports import Say
from gatelocal.server.notes import Known, Notes


def pipelines_of(layout: Layout, ref: str | None = None) -> Iterator[Pipeline]:
    """The pipelines that this tag starts, whichever project's it is; without a name: those that some tag may start.

    Who has pushed it is not known here, so that a trigger which asks for somebody is not met. A tag cannot be landed.
    """
    for one in layout.pipelines.values():
        tags = [t for t in one.triggers if "ref-updated" in t.events and not t.branches and not t.usernames]
        if one.manager is not Manager.DEPENDENT and any(_means(t.refs, ref) for t in tags):
            yield one


def _means(refs: tuple[Pattern, ...], ref: str | None) -> bool:
    if not refs:
        return True
    return any(map(_may_mean_a_tag, refs)) if ref is None else any_matches(refs, ref)


def _may_mean_a_tag(pattern: Pattern) -> bool:
    only_branches = pattern.regex.removeprefix("^").startswith("refs/heads/") and "|" not in pattern.regex
    return pattern.negate or not only_branches


@dataclass(slots=True)
class Tags:
    """See the module.

    :ivar notes: the tags that the gate was told of. :ivar state: the gate as it is.
    :ivar later: has something done by the thread that decides.
    :ivar enqueue: is for that thread: puts a tag into a pipeline, and notes that in the gate's memory.
    """

    notes: Notes
    state: Callable[[], State]
    later: Callable[[Callable[[], None]], None]
    enqueue: Callable[[str, Facts], None]
    say: Say
    _pending: dict[str, Known] = field(default_factory=dict)

    def projects(self) -> frozenset[str]:
        """Those whose tags are to be read."""
        layout = self.state().layout
        wanted = {one.name for one in pipelines_of(layout)}
        return frozenset(name for name, one in layout.projects.items() if one.pipelines & wanted) if wanted else NONE

    def take(self, project: str, found: Known) -> None:
        """The tags that a project has. What it had when it was first asked for them is no news.

        :raises gatelocal.errors.InfrastructureError: they cannot be noted.
        """
        known = self._pending.get(project)
        if known is None and (known := self.notes.read(project)) is None:
            self.notes.write(project, found)
            return
        news = {name: to for name, to in found.items() if known.get(name) != to}
        if news:
            self._pending[project] = found
            self.later(lambda: self._put(project, news, found))
        elif found != known:
            self.notes.write(project, found)  # so that one that is made again is news

    def _put(self, project: str, news: Known, found: Known) -> None:
        layout = self.state().layout
        own = layout.projects.get(project, Project(project)).pipelines
        for name, to in news.items():
            facts = _facts(project, tag_of(name), to, self.state())
            for pipeline in pipelines_of(layout, facts.branch):
                if pipeline.name in own:
                    self.enqueue(pipeline.name, facts)
        try:
            self.notes.write(project, found)
        except InfrastructureError as error:
            self.say(f"{error.brief}; a daemon that is started anew puts its newest tags in again")
            return
        if self._pending.get(project) is found:
            del self._pending[project]


NONE: frozenset[str] = frozenset()


def _facts(project: str, ref: str, to: str, state: State) -> Facts:
    """A tag as the gate is told of it: the very same when it was told of that before."""
    name = f"{project} {ref}"
    known = state.changes.get(name) or Facts(name, 0, project, ref)
    return Facts(name, known.patchset + (known.tip != to), project, ref, status="BRANCH", tip=to)
