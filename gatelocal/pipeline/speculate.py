"""What an item is tested on: the nearest item ahead that does not fail; it starts no job.

An item records the item ahead *and its generation*: only so is a tree that will never land noticed when a change two
places ahead leaves. Rules: Zuul's queue processor (gate-semantics 1.4).
"""

from __future__ import annotations

from gatelocal.model.facts import Ref
from gatelocal.model.layout import Manager
from gatelocal.model.record import changer, replace
from gatelocal.pipeline import reuse
from gatelocal.pipeline.actions import Prepare
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.resources import stop
from gatelocal.pipeline.state import Item, Stage
from gatelocal.pipeline.switches.members import apart
from gatelocal.pipeline.window import is_active, keep_out


def rebase(draft: Draft, item: Item) -> None:
    """See to it that the item is built on the nearest item ahead that does not fail, or is not built at all.

    Whoever is changed by this has the one behind looked at, and so on to the last that was prepared.
    """
    if item.settled:
        return
    if draft.pipeline(item).manager is not Manager.DEPENDENT:
        if item.stage is Stage.WAITING and item.live:
            _prepare(draft, item, None)
        return
    if _waits_for_failing(draft, item):
        _park(draft, item)
        return
    ahead = nearest(draft, item)
    base = (ahead.id, ahead.generation) if ahead else (0, 0)
    moved = (item.ahead, item.ahead_generation) != base
    if item.stage is Stage.WAITING:
        if moved and not item.is_new:
            item = _begun_elsewhere(draft, item)
        _prepare(draft, item, ahead)
        _next(draft, item)
    elif moved or item.stage is Stage.PARKED:
        _prepare(draft, reset(draft, item, spare=draft.policy.reuse), ahead)
        _next(draft, item)
    elif item.failing:
        _next(draft, item)


def _begun_elsewhere(draft: Draft, item: Item) -> Item:
    """An item that was to begin anew on the same ground does not: who was to stay built on it is not."""
    anew = replace(item, generation=item.generation + 1, ahead=0, ahead_generation=0, content=())
    return draft.put(anew)


def _next(draft: Draft, item: Item) -> None:
    """Have the item behind looked at, unless nothing was built for it."""
    number = draft.queue(item.key).line.after(item.id)
    if number is not None and not draft.item(number).is_new:
        draft.flag(number, Flag.BASE)


def nearest(draft: Draft, item: Item) -> Item | None:
    """The nearest item ahead that does not fail."""
    line = draft.queue(item.key).line
    number = line.before(item.id)
    while number is not None:
        found = draft.item(number)
        if not found.failing:
            return found
        number = line.before(number)
    return None


def _waits_for_failing(draft: Draft, item: Item) -> bool:
    """Whether a change that it needs is queued and fails: then nothing is built for it."""
    for name in item.needs:
        holder = draft.holding(item.pipeline, name)
        if holder is not None and holder.failing and holder.id != item.id:
            return True
    return False


def _park(draft: Draft, item: Item) -> None:
    if item.stage is Stage.WAITING and not is_active(draft.queue(item.key), item):
        keep_out(draft, item)
        return
    if item.stage is not Stage.PARKED:
        draft.put(replace(reset(draft, item), stage=Stage.PARKED, failing=True))
    _next(draft, item)


def reset(draft: Draft, item: Item, *, spare: bool = False) -> Item:
    """Throw away what was built: a new generation begins (gate-semantics 1.4: nothing is reused under ``classic``).

    :param spare: only what is ahead of it has changed: red results and builds that run may be of use, too.
    """
    kept = reuse.results(draft, item, red=spare) if draft.policy.reuse else ()
    going = reuse.running(draft, item) if spare else ()
    if draft.policy.batch:
        apart(draft, item)
    item = stop(draft, draft.item(item.id), spare=frozenset(one.run.build for one in going))
    keep_out(draft, item)
    return draft.put(
        replace(
            item,
            generation=item.generation + 1,
            stage=Stage.WAITING,
            ahead=0,
            ahead_generation=0,
            preparation=0,
            content=(),
            bases=(),
            fail_fast=False,
            runs=(),
            reporters=(),
            conflicts=(),
            problem="",
            failing=False,
            blocks=False,
            kept=kept,
            going=going,
            batch=(),
            outrun=False,
        )
    )


def outrun(draft: Draft, item: Item) -> None:
    """What a settled item was tested on is not so any more: should its submit come too late, it is tested again."""
    if item.stage is Stage.LANDING:
        draft.put(replace(item, outrun=True))


def _prepare(draft: Draft, item: Item, ahead: Item | None) -> None:
    """Have the merger put the item on what is ahead of it, if it is the item's turn."""
    queue = draft.queue(item.key)
    if queue.paused or not is_active(queue, item):
        keep_out(draft, item)
        return
    if ahead is not None and ahead.is_new:
        return  # that one has its turn first (admit)
    own = tuple(ref for ref in item.changes if not _is_branch(draft, ref))
    content = _ahead_of(draft, item, ahead) + own
    in_order = not (draft.policy.urgent or draft.policy.overtake)
    prepare = Prepare(
        draft.number(),
        item=item.id,
        generation=item.generation,
        changes=content,
        branches=tuple(dict.fromkeys(_branch(draft, ref) for ref in item.changes)),
        on=ahead.preparation if ahead and in_order else 0,
        own=len(own),
        pipeline=item.pipeline,
        of=item.changes,
    )
    base = (ahead.id, ahead.generation) if ahead else (0, 0)
    draft.put(_prepared_on(item, Stage.PREPARING, draft.act(prepare), *base, content))


_prepared_on = changer(Item, "stage", "preparation", "ahead", "ahead_generation", "content")


def _is_branch(draft: Draft, ref: Ref) -> bool:
    facts = draft.facts(ref.change)
    return facts is not None and facts.is_branch


def _branch(draft: Draft, ref: Ref) -> tuple[str, str]:
    facts = draft.facts(ref.change)
    return (facts.project, facts.branch) if facts else ("", "")


def _ahead_of(draft: Draft, item: Item, ahead: Item | None) -> tuple[Ref, ...]:
    """What is merged before the item: all that is ahead and has not landed, or what an independent item needs."""
    if ahead is None:
        if draft.pipeline(item).manager is not Manager.INDEPENDENT:
            return ()
        line = draft.queue(item.key).line
        return tuple(ref for number in line if number < item.id for ref in draft.item(number).changes)
    if draft.policy.overtake:
        return tuple(ref for ref in ahead.content if not _has_landed(draft, ref))
    landed = 0
    for ref in ahead.content:
        facts = draft.facts(ref.change)
        if facts is None or facts.status != "MERGED":
            break
        landed += 1
    return ahead.content[landed:]


def _has_landed(draft: Draft, ref: Ref) -> bool:
    facts = draft.facts(ref.change)
    return facts is None or facts.status == "MERGED"
