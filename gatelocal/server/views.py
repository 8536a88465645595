"""What the gate is and has done, as JSON for whoever asks; it changes nothing and knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.facts import Ref
from gatelocal.model.refs import full
from gatelocal.model.result import Outcome
from gatelocal.pipeline import explain
from gatelocal.pipeline.state import Item, JobRun, Phase, Queue, State
from gatelocal.reporter.machine import diagnosis
from gatelocal.server import causes
from gatelocal.server.daemon import Daemon
from gatelocal.source.mirror import Mirror
from gatelocal.store.builds import BuildRecord, Wanted

Json = dict[str, Any]

_STATES = {
    Phase.NODE: "waiting",
    Phase.SHORT: "waiting",
    Phase.READY: "starting",
    Phase.RUNNING: "starting",
    Phase.PAUSED: "paused",
    Phase.RESUMED: "running",
    Phase.DONE: "done",
    Phase.DOUBT: "done",
}


def time_of(seconds: float | None) -> str | None:
    """ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class View:
    """The faces' way to look at a daemon."""

    daemon: Daemon

    def status(self) -> Json:
        """All queues with what is in them."""
        state = self.daemon.state
        return {"pipelines": [self._pipeline(state, name) for name in state.layout.pipelines]}

    def _pipeline(self, state: State, name: str) -> Json:
        labels: dict[str, list[Queue]] = {}
        for queue in state.queues.values():
            if queue.pipeline == name:
                labels.setdefault(queue.label, []).append(queue)
        return {"name": name, "queues": [self._queue(state, label, several) for label, several in labels.items()]}

    def _queue(self, state: State, label: str, several: list[Queue]) -> Json:
        items = [state.items[number] for queue in several for number in queue.line]
        return {
            "name": label,
            "window": max((queue.window for queue in several), default=0),
            "paused": any(queue.paused for queue in several),
            "items": [self.item(state, one) for one in items if one.live],
        }

    def item(self, state: State, item: Item) -> Json:
        """One place in a queue."""
        return {
            "id": item.id,
            "changes": [self.change(state, ref) for ref in item.changes],
            "failing": item.failing,
            "ahead": item.ahead or None,
            "enqueued": time_of(item.entered),
            "why": explain.why(state, item.names[-1]),
            "builds": list(self._builds(state, item)),
        }

    def change(self, state: State, ref: Ref) -> Json:
        """A change, or a branch."""
        facts = state.changes.get(ref.change)
        if facts is not None and facts.is_branch:
            return {"ref": full(facts.branch), "project": facts.project, "newrev": facts.tip}
        known = self._mirror.known(int(ref.change)) if ref.change.isdigit() else None
        owner = known.owner if known is not None else None
        return {
            "number": int(ref.change) if ref.change.isdigit() else ref.change,
            "patchset": ref.patchset,
            "project": facts.project if facts is not None else "",
            "branch": facts.branch if facts is not None else "",
            "subject": known.subject if known is not None else "",
            "owner": (owner.username or owner.name) if owner is not None else "",
            "url": self.daemon.change_url(facts) if facts is not None else "",
        }

    def _builds(self, state: State, item: Item) -> Iterator[Json]:
        rows = {one.id: one for one in self.daemon.parts.builds.find(Wanted(item=item.id, limit=1000))}
        for run in item.runs:
            row = rows.get(run.request) or next(
                (one for one in rows.values() if run.build and one.build == run.build), None
            )
            yield self._bare(state, item, run) if row is None else self.build(row, run)

    def _bare(self, state: State, item: Item, run: JobRun) -> Json:
        """A job that has no build yet, or needs none."""
        facts = state.changes.get(run.ref.change)
        return {
            "id": None,
            "job": run.job.name,
            "pipeline": item.pipeline,
            "project": facts.project if facts is not None else "",
            "change": _number(run.ref.change),
            "patchset": run.ref.patchset,
            "voting": run.job.voting,
            "control": run.control_of >= 0,
            "state": _STATES.get(run.phase, "waiting"),
            "result": run.result or None,
            "attempt": max(run.builds, 1),
            "started": None,
            "ended": None,
            "node": None,
            "log": None,
            "recipe": None,
            "commits": {},
            "trees": {},
            "reused": None,
        }

    def build(self, row: BuildRecord, run: JobRun | None = None) -> Json:
        """One build."""
        url = self.daemon.url
        reused = self.daemon.parts.builds.of_build(run.reused) if run is not None and run.reused else None
        return {
            "id": row.id,
            "job": row.job,
            "pipeline": row.pipeline,
            "project": row.project,
            "change": _number(row.change),
            "patchset": row.patchset,
            "voting": row.voting,
            "control": row.control,
            "state": row.state,
            "result": row.result or None,
            "reason": row.reason or None,
            "attempt": row.attempt,
            "started": time_of(row.started),
            "ended": time_of(row.ended),
            "node": row.node or None,
            "log": f"{url}api/builds/{row.id}/log" if row.folder else None,
            "recipe": f"{url}api/builds/{row.id}/files/recipe.yaml" if row.folder else None,
            "commits": row.commits or {},
            "trees": row.trees or {},
            "reused": reused.id if reused is not None else None,
            "notes": list(row.notes),
        }

    def thought(self, row: BuildRecord) -> Diagnosis | None:
        """Whose fault it is thought to be that a build did not pass."""
        return causes.kept(row) if row.state == "done" and row.result != Outcome.SUCCESS.value else None

    def whole(self, row: BuildRecord) -> Json:
        """One build, with what is thought of it."""
        thought = self.thought(row)
        return {**self.build(row), "diagnosis": None if thought is None else diagnosis(thought)}

    def why(self, number: int) -> Json | None:
        """What a change waits for, in or out of a queue; None when it is not known."""
        state, name = self.daemon.state, str(number)
        facts = state.changes.get(name)
        if facts is None:
            return None
        queued = dict.fromkeys(item.pipeline for item in self.live(state, name))
        landing = [one.name for one in state.layout.pipelines.values() if one.lands]
        found = [
            {
                "pipeline": pipeline,
                "text": explain.sentence(reason),
                "reason": reason.code,
                "waits_for": [int(one) for part in reason.names for one in part.split() if one.isdigit()],
            }
            for pipeline in (*queued,) or (*landing[:1],) or ("",)
            for reason in explain.reasons(state, name)
        ]
        return {"change": self.change(state, facts.ref), "why": found}

    @staticmethod
    def live(state: State, change: str) -> list[Item]:
        """The live items that hold a change."""
        return [item for number in state.where.get(change) or () if (item := state.items[number]).live]

    def held(self) -> list[Json]:
        """The nodes that are kept."""
        return [
            {"id": one.name, "build": one.build, "until": time_of(one.until or None), "shell": list(one.shell)}
            for one in self.daemon.held.every()
        ]

    def builds(self, query: Mapping[str, str]) -> Json:
        """The history. :raises ValueError: a number is none."""
        limit = min(int(query.get("limit", "50")), 500)
        texts = {name: query.get(name, "") for name in ("change", "project", "job", "result", "pipeline")}
        wanted = Wanted(**texts, before=int(query.get("before", "0")), limit=max(limit, 1) + 1)  # type: ignore[arg-type]
        rows = self.daemon.parts.builds.find(wanted)
        more = len(rows) == wanted.limit
        shown = rows[: wanted.limit - 1]
        return {"builds": [self.build(row) for row in shown], "next": shown[-1].id if more else None}

    @property
    def _mirror(self) -> Mirror:
        return self.daemon.parts.watcher.mirror


def _number(change: str) -> int | str:
    return int(change) if change.isdigit() else change
