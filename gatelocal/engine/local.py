"""`gatelocal run`: a gate with one line, into which one change is put, and the loop until its item has gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from gatelocal import stopping
from gatelocal.engine import asked as asking
from gatelocal.engine import recipes
from gatelocal.engine.asked import Asked
from gatelocal.engine.line import Ended, Question, through
from gatelocal.engine.members import Wish
from gatelocal.engine.outcomes import result_of
from gatelocal.engine.prepare import prepare
from gatelocal.engine.request import GateRequest
from gatelocal.engine.run_folder import Begun, RunFolder
from gatelocal.engine.work import Merged, Preparation, Tools
from gatelocal.model import happening
from gatelocal.model.change import Change
from gatelocal.model.facts import Ref
from gatelocal.model.happening import ChangeKnown
from gatelocal.model.hold import Keep
from gatelocal.model.layout import NOOP
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.run import Base, RunResult
from gatelocal.pipeline.actions import Prepare
from gatelocal.ports import Say, Source

Merging = Callable[[Prepare], Merged]
"""Makes the merges that the gate wants, which stay until the run's end."""


def run(tools: Tools, source: Source, request: GateRequest) -> RunResult:
    """Take a change to its verdict, from where a former process has come with it, if one has.

    :raises gatelocal.errors.GateError: there can be no verdict: unknown change, conflict, configuration, machinery.
    :raises KeyboardInterrupt: somebody has ended it; nothing is left running.
    """
    folder = RunFolder(tools.logs)
    if not folder.is_one:
        folder.begin(Begun(request, time.time()))
    began = time.monotonic() - max(time.time() - folder.begun().at, 0.0)
    question = folder.asked()
    if question is None:
        question = _ask(source, request, tools)
        folder.keep_asked(question)
    made: list[Merged] = []

    def merging(action: Prepare) -> Merged:
        made.append(_merge(tools, question, action))
        return made[-1]

    try:
        result = gate(tools, request, question, merging, began)
        if not made and (kept := folder.prepared()) is not None:
            made.append(kept[1].merged)
        return result
    finally:
        with stopping.shielded():
            for one in made:
                tools.merger.release(one.state)


def _ask(source: Source, request: GateRequest, tools: Tools) -> Asked:
    change = source.change(request.change)
    tools.watch(ChangeKnown(change=change))
    tools.say(f"change: {change.name} {change.subject}")
    ahead = [source.change(name) for name in request.ahead]
    question = asking.asked(source, change, request.change, [one for one in ahead if not one.landed])
    for note in question.notes:
        tools.say(note)
    return question


def gate(tools: Tools, request: GateRequest, question: Asked, merging: Merging, began: float) -> RunResult:
    """Put what is asked into the gate and follow it to its end. :param began: when the run did; monotonic seconds.

    Errors as for :func:`run`.
    """
    wish = Wish(
        request.pipeline,
        request.jobs,
        only=request.only,
        fail_fast=request.fail_fast,
        cold=request.cold,
        parts=request.parts,
    )
    pipeline = request.pipeline or "gate or check"

    def make(action: Prepare) -> Preparation:
        merged = merging(action)
        found = prepare(tools, wish, _item(tools, question, action, merged), merged)
        return found

    ended = through(tools, Question(question, pipeline, Keep(request.hold, request.keys)), make)
    kept = ended.hands.kept
    if ended.hands.failed is not None:
        raise ended.hands.failed
    prepared = ended.hands.prepared()
    results = results_of(ended)
    _write(tools, prepared, results, kept.nodes)
    if kept.mistake is not None:
        raise kept.mistake
    noop = any(run.job.name == NOOP and run.result == Outcome.SUCCESS.value for run in ended.item.runs)
    if kept.lacking and not kept.begun and not noop:
        raise kept.lacking[0]
    merged, change = prepared.merged, prepared.recipe.change
    if not request.parts:  # which are no builds of their jobs
        from gatelocal.engine.understand import understood  # a database, which nothing before needs

        results = understood(tools, prepared, results)
    return RunResult(
        change=change,
        pipeline=prepared.pipeline,
        builds=results,
        dependencies=tuple(one for one in merged.changes if one != question.change),
        bases=tuple(Base(one.project, one.branch, one.base) for one in merged.state.merged),
        node=next(iter(kept.nodes.values()), ""),
        not_run=prepared.not_run,
        notes=(*question.notes, *prepared.notes, *_together(merged, change)),
        logs=str(tools.logs),
        seconds=time.monotonic() - began,
        chosen=bool(request.jobs),
        unasked=prepared.unasked,
        part=request.part,
    )


def _item(tools: Tools, question: Asked, action: Prepare, merged: Merged) -> tuple[tuple[Ref, Change], ...]:
    """The item's changes by their names to the gate, the one that was asked for first."""
    if not action.changes:
        return ((action.of[0], _tip(tools, question.change, merged)),)
    known = [(ref, question.changes[ref.change]) for ref in action.of]
    return tuple(sorted(known, key=lambda pair: pair[0].change != question.facts.change))


def _tip(tools: Tools, change: Change, merged: Merged) -> Change:
    """The tip of the branch, which may be ahead of what the person's repository knows."""
    own = merged.state.find(change.project, change.branch)
    if own is None or own.commit == change.commit:
        return change
    git = tools.merger.repository(own.project).git
    message = git.query("show", "-s", "--no-show-signature", "--format=%B", own.commit).text
    return replace(change, commit=own.commit, message=message)


def _merge(tools: Tools, question: Asked, action: Prepare) -> Merged:
    """Make the merges, in the order that the gate wants, and say what they are."""
    change = question.change
    changes = tuple(question.changes[ref.change] for ref in action.changes)
    _tell(tools.say, changes, action.own, change)
    state = tools.merger.merge(changes, action.own) if changes else tools.merger.tip(change.project, change.branch)
    own = state.find(change.project, change.branch)
    if own is None:
        raise AssertionError(f"the merger left out {change.name}")
    count = f"{len(changes)} change" if len(changes) == 1 else f"{len(changes)} changes"
    names = tuple(one.name for one in changes)
    tools.watch(happening.Merged(project=own.project, branch=own.branch, commit=own.commit, changes=names))
    tools.say(f"merged: {own.project} {own.branch} is {own.commit[:10]} with {count}")
    return Merged(state, changes, action.own)


def _together(merged: Merged, change: Change) -> tuple[str, ...]:
    others = [one.name for one in merged.changes[len(merged.changes) - merged.own :] if one != change]
    if not others:
        return ()
    return (f"it lands together with {', '.join(others)}: all of them were merged, and the jobs of all were run",)


def _tell(say: Say, changes: tuple[Change, ...], own: int, change: Change) -> None:
    for needed in changes[: len(changes) - own]:
        say(f"depends on: {needed.name} {needed.subject}")
    for other in changes[len(changes) - own :]:
        if other != change:
            say(f"lands together with: {other.name} {other.subject}")


def results_of(ended: Ended) -> tuple[BuildResult, ...]:
    """The results of all jobs of the item, in the order of its jobs."""
    works, kept = ended.hands.prepared().works, ended.hands.kept
    found = []
    for run in ended.item.runs:
        key = (run.ref.change, run.job.name)
        found.append(result_of(run, works[key].title, kept.results.get(key)))
    return tuple(found)


def _write(tools: Tools, prepared: Preparation, results: tuple[BuildResult, ...], nodes: dict[str, str]) -> None:
    """Write the recipe again with what is known now; that a disk is full costs no verdict."""
    try:
        recipes.write(recipes.with_facts(prepared.recipe, results, nodes), tools.logs)
    except OSError as error:
        tools.say(f"the recipe stays without the builds' outcomes: {error.strerror}")
