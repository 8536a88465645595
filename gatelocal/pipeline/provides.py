"""What jobs provide to the jobs of changes behind them, and when a job has what it requires; it starts nothing.

Rule: Zuul's ``provides`` and ``requires`` (gate-semantics 1.12).
"""

from __future__ import annotations

from gatelocal.model.facts import Ref
from gatelocal.model.layout import JobSpec, Manager
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.state import Item, JobRun, Phase, Provided

Given = tuple[tuple[str, str], ...]
"""Artifacts with the changes that they are of."""


def required(draft: Draft, item: Item, job: JobSpec) -> Given | str | None:
    """What a job gets of changes ahead because of ``requires``; None: not there yet; words: the provider failed."""
    found: list[tuple[str, str]] = []
    if not job.requires:
        return ()
    for change, one in _providers(draft, item):
        if not one.provides & job.requires:
            continue
        if not one.result:
            return None
        if one.result != "SUCCESS":
            return f"{one.job} of {change} did not succeed"
        found += [(name, change) for name in one.artifacts]
    return tuple(found)


def awaited(draft: Draft, item: Item, job: JobSpec) -> tuple[str, Provided] | None:
    """The change and its job that a job waits for because of ``requires``; None when it waits for none."""
    if not job.requires:
        return None
    found = (pair for pair in _providers(draft, item) if pair[1].provides & job.requires and not pair[1].result)
    return next(found, None)


def _providers(draft: Draft, item: Item) -> list[tuple[str, Provided]]:
    """Jobs of the items ahead, farthest first; of a change that is merely merged underneath, those of its own item,
    or what they provided when it was last in the pipeline.
    """
    found: list[tuple[str, Provided]] = []
    if draft.pipeline(item).manager is Manager.INDEPENDENT:
        for number in (number for number in draft.queue(item.key).line if number < item.id):
            for ref in draft.item(number).changes:
                live = draft.holding(item.pipeline, ref.change)
                there = live is not None and ref in live.changes
                found += _provided_by(live) if live is not None and there else _once_provided(draft, item, ref)
        return list(dict.fromkeys(found))
    ahead = draft.find(item.ahead)
    while ahead is not None:
        found[:0] = _provided_by(ahead)
        ahead = draft.find(ahead.ahead)
    return found


def _once_provided(draft: Draft, item: Item, ref: Ref) -> list[tuple[str, Provided]]:
    return [(str(ref), one) for one in draft.provided(item.pipeline, ref)]


def _provided_by(item: Item) -> list[tuple[str, Provided]]:
    return [(str(run.ref), _offer(run)) for run in item.runs if run.job.provides and run.control_of < 0]


def _offer(run: JobRun) -> Provided:
    """What a job provides as it stands; its result is empty while that is not known."""
    result = run.result if run.phase is Phase.DONE else "SUCCESS" if run.phase in (Phase.PAUSED, Phase.RESUMED) else ""
    return Provided(run.job.name, run.job.provides, result, run.artifacts)


def note_provided(draft: Draft, item: Item) -> None:
    """Remember what the jobs of an item that goes have provided, for those that have its changes underneath."""
    for ref in item.changes:
        offers = [_offer(run) for run in item.runs if ref in run.refs and run.job.provides and run.control_of < 0]
        done = tuple(one for one in offers if one.result)
        if done:
            draft.put_provided(item.pipeline, ref, done)
