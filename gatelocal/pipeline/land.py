"""The end of an item that has nothing ahead and all results: the verdict, the submit, what the server said.

Rules: gate-semantics 1.7. Only one item of a queue can be here at a time: those behind have it ahead of them.
"""

from __future__ import annotations

from gatelocal.model.facts import Facts
from gatelocal.model.layout import Manager
from gatelocal.model.record import changer, replace
from gatelocal.pipeline import reporting, texts, trunk, window
from gatelocal.pipeline.actions import Look, Submit
from gatelocal.pipeline.builds import all_green
from gatelocal.pipeline.draft import Draft, Flag, main_queue
from gatelocal.pipeline.events import Looked, Submitted
from gatelocal.pipeline.leave import inform, leave, say, superseded, take_out
from gatelocal.pipeline.ready import obstacle, outdated, outgrown
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.speculate import reset
from gatelocal.pipeline.state import Item, Reason, Stage, Step
from gatelocal.pipeline.switches import beside
from gatelocal.pipeline.switches.members import fellows, spokesman


def conclude(draft: Draft, item: Item) -> None:
    """Give the verdict on an item."""
    if item.stage is Stage.CONFLICT:
        reject(draft, item, Reason("conflict", item.conflicts), "conflict")
    elif item.stage is Stage.BROKEN:
        reject(draft, item, Reason("config", (item.problem,)), "config")
    elif not item.runs:
        _no_jobs(draft, item)
    elif all_green(spokesman(draft, item)):
        _succeed(draft, item)
    else:
        names = tuple(run.job.name for run in item.runs if run.red)
        reject(draft, item, Reason("failed", names) if names else Reason("skipped", (item.pipeline,)), "failure")


def reject(draft: Draft, item: Item, reason: Reason, kind: str) -> None:
    """Report an item as not succeeded and take it out; its window shrinks (gate-semantics 1.5).

    With ``one_halving`` those that only go because of another do not shrink it again.
    """
    item = stop(draft, item)
    if item.live:
        if kind == "failure":
            own = set(item.changes)
            ahead = tuple(str(ref) for ref in item.content if ref not in own) if draft.policy.explain else ()
            say(draft, item, kind, texts.failed(item, ahead))
        else:
            say(draft, item, kind, texts.rejected(item.pipeline, reason))
        if not (kind == "dependency" and draft.policy.one_halving):
            window.not_succeeded(draft, item)
    take_out(draft, item, reason)


def expel(draft: Draft, item: Item, reason: Reason) -> None:
    """Take out an item that cannot land any more (gate-semantics 1.4, step 2, and 1.8)."""
    match reason.code:
        case "abandoned" if len(item.changes) > 1:
            gone = [facts.change for facts in map(draft.facts, item.names) if facts and facts.status == "ABANDONED"]
            reject(draft, item, Reason("cannot-land", (*gone[:1], texts.sentence(reason))), "dependency")
        case "abandoned":
            leave(draft, item, reason)
        case "needed":
            reject(draft, item, reason, "dependency")
        case _:
            reject(draft, item, reason, "requirement")


def _no_jobs(draft: Draft, item: Item) -> None:
    """No job is for the change: it does not land, and only ``explain`` says so (Zuul: NO_JOBS)."""
    reason = Reason("no-jobs", (item.pipeline,))
    say(draft, item, "no-jobs", texts.rejected(item.pipeline, reason))
    if draft.policy.explain:
        for ref in item.changes:
            tell_once(draft, item.pipeline, ref.change, item.id, reason)
    window.not_succeeded(draft, item)
    take_out(draft, item, reason)


def tell_once(draft: Draft, pipeline: str, change: str, item: int, reason: Reason, kind: str = "info") -> None:
    """The switch ``explain``: one message per patchset and reason."""
    facts = draft.facts(change)
    if facts is None or facts.is_branch:
        return
    mark = " ".join((str(facts.patchset), pipeline, reason.code, *reason.names))
    if mark not in draft.told(change):
        draft.put_told(change, (*draft.told(change), mark))
        inform(draft, pipeline, facts.ref, item, kind, texts.rejected(pipeline, reason))


def _succeed(draft: Draft, item: Item) -> None:
    pipeline = draft.pipeline(item)
    if not pipeline.lands:
        say(draft, item, "success", texts.succeeded(item))
        if not reporting.begin(draft, item):
            take_out(draft, item, None)
    elif pipeline.manager is Manager.DEPENDENT and (len(item.changes) > 1 or draft.policy.verify):
        # A cycle is read again before it lands, so that it does not land in part (gate-semantics 1.7).
        names = tuple(name for one in fellows(draft, item) for name in one.names)
        asked = draft.act(Look(draft.number(), item.id, item.generation, names))
        draft.put(replace(item, stage=Stage.LOOKING, asked=asked))
    else:
        _land(draft, item)


def _land(draft: Draft, item: Item) -> None:
    """Begin to land an item. Those that are tested together with it follow, each in its turn."""
    if _verdict(item) not in item.told:
        say(draft, item, "success", texts.succeeded(spokesman(draft, item)))
    _submit(draft, draft.put(_in_stage(item, Stage.LANDING)))


_in_stage = changer(Item, "stage")
_with_landed = changer(Item, "submitted")
_built_on = changer(Item, "ahead", "ahead_generation")
_of_status = changer(Facts, "status")


def _submit(draft: Draft, item: Item) -> None:
    ref = item.changes[item.submitted]
    batch = left = 0
    tested = draft.find(item.batch[-1]) if item.batch else None
    if tested is not None and tested.batch == item.batch:  # or else it has come apart between two members of a cycle
        left = sum(len(one.changes) - one.submitted for one in fellows(draft, item)) - 1
        batch = tested.preparation
    draft.act(Submit(draft.number(), item.id, ref, item.changes, item.pipeline, batch, left))


def looked(draft: Draft, item: Item, event: Looked) -> None:
    """The server was asked once more: land, or leave, or be tested on the trunk as it is now."""
    pipeline = draft.pipeline(item)
    event = replace(event, facts=tuple(map(draft.newest, event.facts)))
    for facts in event.facts:
        draft.put_facts(facts)
    item = draft.put(replace(item, stage=Stage.TESTED))
    moved = draft.policy.verify and _moved(draft, event)
    item = draft.item(item.id)
    if draft.queue(item.key).paused:
        draft.flag(item.id, Flag.JOBS)
        return
    left = _fellow_left(draft, item, event)
    item = draft.item(item.id)
    own = [facts for facts in event.facts if facts.change in item.names]
    for facts in own:
        reason = obstacle(pipeline, facts)
        if len(item.changes) > 1:
            reason = reason or outgrown(draft, facts)
            if reason is not None:
                why = Reason("cannot-land", (facts.change, texts.sentence(reason)))
                reject(draft, item, why, "dependency")
                return
        elif reason is not None:
            expel(draft, item, reason)
            return
    if draft.policy.verify and any(facts.status == "MERGED" for facts in own):
        leave(draft, item, Reason("merged"))
    elif not moved and not left:
        _land(draft, item)


def _moved(draft: Draft, event: Looked) -> bool:
    """Whether somebody else has moved one of the branches; then all of its queue are tested on the trunk as it is."""
    news = [tip for tip in event.tips if draft.tip(tip[:2]) != tip[2]]
    for project, branch, tip in news:
        trunk.moved(draft, Facts(f"{project} {branch}", 1, project, branch, status="BRANCH"), tip)
    return bool(news)


def _fellow_left(draft: Draft, item: Item, event: Looked) -> bool:
    """Whether one that is tested together with the item cannot land: it goes, the others are tested without it."""
    found = False
    for facts in event.facts:
        other = draft.holding(item.pipeline, facts.change)
        if facts.change in item.names or other is None:
            continue
        reason = obstacle(draft.pipeline(item), facts)
        if reason is not None:
            expel(draft, other, reason)
        elif facts.status == "MERGED" and draft.policy.verify:
            leave(draft, other, Reason("merged"))
        else:
            continue
        found = True
    if found:
        draft.flag(item.id, Flag.JOBS)
    return found


def submitted(draft: Draft, item: Item, event: Submitted) -> None:
    """The server's answer to a submit of one member of an item."""
    match event.answer:
        case "ok":
            _landed(draft, item, event)
        case "merged":
            _was_landed(draft, item, event)
        case "late":
            _too_late(draft, item)
        case _:
            _refused(draft, item, event)


def _too_late(draft: Draft, item: Item) -> None:
    """Nothing has landed, and what spoke for it may not be so any more: it is judged again by what is so now.

    The rest of a cycle lands all the same: a part of one is worse than what nobody tested.
    """
    if item.submitted:
        _submit(draft, item)
        return
    apart = bool(item.batch) and fellows(draft, item)[-1].id != item.batch[-1]
    item = draft.put(replace(item, stage=Stage.TESTED, told=(*item.told, _verdict(item))))
    draft.flag(item.id, Flag.STAY | Flag.JOBS)
    beside.look(draft, item)
    if newer := outdated(draft, item):
        superseded(draft, item, newer)
    elif item.outrun or apart:
        draft.put(replace(reset(draft, item), kept=(), started=False))
        draft.flag(item.id, Flag.BASE)


def _verdict(item: Item) -> str:
    """The mark that it was told that its builds have succeeded."""
    return f"success {item.preparation}"


def _mark_merged(draft: Draft, change: str) -> tuple[str, str]:
    facts = draft.facts(change)
    if facts is None:
        return ("", "")
    draft.put_facts(_of_status(facts, "MERGED"))
    return (facts.project, facts.branch)


def _landed(draft: Draft, item: Item, event: Submitted) -> None:
    branch = _mark_merged(draft, event.ref.change)
    moved = draft.policy.verify and draft.tip(branch) not in (None, event.before)
    draft.put_tip(branch, event.tip)
    facts = draft.facts(event.ref.change)
    if facts is not None:
        trunk.landed(draft, item, facts, event.tip)
    if draft.policy.reuse and facts is not None:
        queue, tip = main_queue(draft, item.key), (*branch, event.tip)
        draft.put_step(tip, Step(event.before, event.ref, facts.files, queue.latest))
        draft.put_queue(replace(queue, landed=tip))
    item = draft.put(_with_landed(item, item.submitted + 1))
    if item.submitted < len(item.changes):
        if moved:
            _other_content(draft, item)
        _submit(draft, item)
        return
    if item.by_hand:
        beside.landed(draft, item)
        take_out(draft, item, Reason("merged"))
        return
    _prove(draft, item)
    reports = reporting.begin(draft, item)
    if not reports:
        _pass_on(draft, item)
    beside.landed(draft, item)
    window.landed(draft, item)
    if not reports:
        take_out(draft, item, Reason("merged"))
    if moved:
        _other_content(draft, item)


def report_on(draft: Draft, item: Item) -> None:
    """The turn of an item whose reporter jobs run: when they have ended it goes, and the queue goes on.

    If one of them failed, those built on the item are tested again (Zuul: ``executeReporterJobs``).
    """
    if not reporting.carry_on(draft, item):
        return
    item = draft.item(item.id)
    red = reporting.failed(item)
    if red:
        for ref in item.changes if draft.policy.explain else ():
            tell_once(draft, item.pipeline, ref.change, item.id, Reason("reporters", red))
        end_reports(draft, item)
        return
    _pass_on(draft, item)
    _reported(draft, item)


def end_reports(draft: Draft, item: Item) -> None:
    """Take out an item whose reporter jobs have failed, or are not wanted any more: those behind are tested again."""
    _reported(draft, stop(draft, item))


def _reported(draft: Draft, item: Item) -> None:
    reporting.end(draft, item)
    take_out(draft, item, Reason("merged") if item.has_landed else None)


def _other_content(draft: Draft, item: Item) -> None:
    """The switch ``verify``: the landed tree is not the tested one; the queue stops and says so."""
    if draft.queue_or_none(item.key) is not None:
        queue = beside.stopped(draft, item.key)
        text = texts.other_content(item.pipeline, queue.label)
        inform(draft, item.pipeline, item.changes[-1], item.id, "info", text)


def _prove(draft: Draft, item: Item) -> None:
    """Remember which jobs are green on the tips that now are (for ``pause_on_broken_trunk``)."""
    for run in item.runs if draft.policy.pause_on_broken_trunk else ():
        facts = draft.facts(run.ref.change)
        tip = draft.tip((facts.project, facts.branch)) if facts else None
        if facts is not None and tip is not None and run.result == "SUCCESS" and run.control_of < 0:
            draft.put_proved((facts.project, facts.branch, run.job.name), tip)


def _pass_on(draft: Draft, item: Item) -> None:
    """Those built on a landed item go on: what they were tested on is now the trunk (gate-semantics 1.4)."""
    line = draft.queue(item.key).line
    number = line.after(item.id)
    while number is not None:
        other = draft.item(number)
        if other.ahead == item.id and other.ahead_generation == item.generation:
            draft.put(_built_on(other, 0, 0))
            draft.flag(number, Flag.JOBS)
        if not other.failing:
            break
        number = line.after(number)


def _was_landed(draft: Draft, item: Item, event: Submitted) -> None:
    """It had landed by hand. Zuul: counts as not merged, those behind are tested again, the window stays."""
    _mark_merged(draft, event.ref.change)
    facts = draft.facts(event.ref.change)
    if draft.policy.verify and facts is not None:
        trunk.moved(draft, facts, event.tip)
    if item.submitted + 1 < len(item.changes):
        _submit(draft, draft.put(replace(item, submitted=item.submitted + 1, by_hand=True)))
        return
    beside.landed(draft, item)
    take_out(draft, item, Reason("merged"))


def _refused(draft: Draft, item: Item, event: Submitted) -> None:
    """The server would not have it: those behind are tested again, the window stays (gate-semantics 1.5, 1.7).

    Zuul tells only the members of a cycle; ``explain`` tells everybody.
    """
    words = event.reason or event.answer
    reason = Reason("refused", (words,))
    if len(item.changes) > 1:
        if item.submitted:
            beside.landed(draft, item)
            landed = texts.listed(tuple(str(ref) for ref in item.changes[: item.submitted]))
            reason = Reason("half-landed", (str(event.ref), landed))
        say(draft, item, "refused", texts.rejected(item.pipeline, reason))
    elif draft.policy.explain:
        tell_once(draft, item.pipeline, event.ref.change, item.id, reason, "refused")
    take_out(draft, item, reason)
    for ref in item.changes[: item.submitted]:
        draft.put_last(ref.change, Reason("merged"))
