"""Writes down what becomes of each build, as the gate asks for it and as it goes on; and tells who listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatelocal.builds.folder import GO
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.model.happening import Happening, JobEnded, JobStarted, NodeReady
from gatelocal.model.result import Outcome
from gatelocal.pipeline.actions import RequestNode
from gatelocal.pipeline.events import BuildDone, BuildPaused, Event, NodeAnswer
from gatelocal.pipeline.state import JobRun
from gatelocal.ports import Say
from gatelocal.server.keepers import Keepers
from gatelocal.server.preparing import trees_of
from gatelocal.store.builds import BuildRecord, Builds

Trees = Mapping[str, Mapping[str, str]]


def _started(one: BuildRecord) -> float | None:
    """When a build began; one that did so while nobody was there has left the time at which it was told to."""
    if one.started is not None or not one.folder:
        return one.started
    try:
        return (Path(one.folder) / GO).stat().st_mtime
    except OSError:
        return None


@dataclass(slots=True)
class Ledger:
    """The history of builds as it is made. A history that cannot be written costs no build.

    :ivar changed: is told of each record that is new or different. :ivar keepers: set once they are there.
    """

    builds: Builds
    say: Say
    changed: Callable[[BuildRecord], None]
    keepers: Keepers | None = None

    def asked(self, action: RequestNode, facts: Facts | None, run: JobRun | None) -> None:
        """A node is asked for. :param run: the job that it is for."""
        preparation = self.keepers.get(action.preparation) if self.keepers is not None else None
        commits: Trees = {}
        trees: Trees = {}
        title, patchset = action.job, facts.patchset if facts is not None else 0
        notes: tuple[str, ...] = ()
        if preparation is not None:
            commits, trees = trees_of(preparation.merged.state)
            work = preparation.works.get((action.change, action.job))
            title = work.title if work is not None else title
            notes = tuple(one.text for one in work.job.deviations) if work is not None else ()
            patchset = next((g.ref.patchset for g in preparation.graphs if g.ref.change == action.change), patchset)
        record = BuildRecord(
            id=action.id,
            item=action.item,
            preparation=action.preparation,
            job=action.job,
            title=title,
            pipeline=action.pipeline,
            project=facts.project if facts is not None else "",
            change=action.change,
            patchset=patchset,
            voting=run is None or run.job.voting,
            control=run is not None and run.control_of >= 0,
            asked=time.time(),
            attempt=1 if run is None else run.builds + 1,
            commits=commits,
            trees=trees,
            notes=notes,
        )
        self._write(lambda: self.builds.add(record))
        self.changed(record)

    def begun(self, request: int, build: int) -> None:
        """The gate calls it that."""
        self._change(request, build=build)

    def dropped(self, request: int) -> None:
        """It is not wanted any more."""
        self._end(request, Outcome.ABORTED.value)

    def cancelled(self, build: int) -> None:
        """It is stopped."""
        found: list[BuildRecord | None] = []
        self._write(lambda: found.append(self.builds.of_build(build)))
        for one in found:
            if one is not None:
                self._end(one.id, Outcome.ABORTED.value)

    def happened(self, preparation: int, one: Happening) -> None:
        """Something of a build of a preparation, which is known by its title."""
        match one:
            case NodeReady(job=title, node=node):
                self._titled(preparation, title, state="starting", node=node)
            case JobStarted(job=title, logs=logs):
                self._titled(preparation, title, state="running", started=time.time(), folder=logs)
            case JobEnded(job=title, build=result):
                more: dict[str, object] = {"folder": result.logs} if result.logs else {}
                if result.deviations:  # the job's own, and what came to that, such as another kind of node
                    more["notes"] = tuple(one.text for one in result.deviations)
                self._titled(preparation, title, reason=result.reason, **more)
            case _:
                pass

    def told(self, event: Event) -> None:
        """What the gate is told of a seat."""
        match event:
            case NodeAnswer(ready=False):
                self._end(event.action, self._result(event.action, Outcome.NODE_FAILURE.value))
            case BuildPaused() | BuildDone():
                found: list[BuildRecord | None] = []
                self._write(lambda: found.append(self.builds.of_build(event.build)))
                for one in found:
                    if one is not None and isinstance(event, BuildDone):
                        self._end(one.id, self._result(one.id, event.result))
                    elif one is not None:
                        self._change(one.id, state="paused")
            case _:
                pass

    def _result(self, request: int, told: str) -> str:
        """The outcome by its own name: the gate has one word for all that was lost."""
        one = self.builds.get(request)
        if one is None or self.keepers is None:
            return told
        found = self.keepers.result(one.preparation, one.change, one.job)
        return found.outcome.value if found is not None else told

    def _titled(self, preparation: int, title: str, **values: object) -> None:
        for one in self._live(preparation, title):
            self._change(one.id, **values)

    def _live(self, preparation: int, title: str) -> list[BuildRecord]:
        found: list[BuildRecord] = []
        self._write(lambda: found.extend(self.builds.unfinished()))
        mine = [one for one in found if (one.preparation, one.title) == (preparation, title)]
        return sorted(mine, key=lambda one: one.id)[-1:]

    def _end(self, request: int, result: str) -> None:
        found: list[BuildRecord | None] = []
        self._write(lambda: found.append(self.builds.get(request)))
        if found and found[0] is not None and found[0].state != "done":
            one = found[0]
            self._change(request, state="done", result=result, started=_started(one), ended=time.time())
            if result != Outcome.ABORTED.value:
                what = "the branch itself, for" if one.control else "of"
                self.say(f"{one.pipeline}: {one.job} {what} {one.change},{one.patchset}: {result}")

    def _change(self, request: int, **values: object) -> None:
        found: list[BuildRecord | None] = []
        self._write(lambda: found.append(self.builds.change(request, **values)))
        for one in found:
            if one is not None:
                self.changed(one)

    def _write(self, do: Callable[[], None]) -> None:
        try:
            do()
        except InfrastructureError as error:
            self.say(f"{error.brief}: {error.details}")
