"""May a change be in a pipeline: votes, readiness and what it needs; it moves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Layout, Manager, Pipeline, QueueSpec
from gatelocal.pipeline.draft import Draft, is_current, main_queue
from gatelocal.pipeline.match import unmet
from gatelocal.pipeline.projects import queue_spec, takes_part
from gatelocal.pipeline.state import Item, Reason


def obstacle(pipeline: Pipeline, facts: Facts) -> Reason | None:
    """Why the server would not land the change, apart from the labels that the pipeline sets itself.

    Zuul: ``canMerge`` of the dependent manager; what has landed already is no obstacle (gate-semantics 1.2).
    """
    if pipeline.manager is not Manager.DEPENDENT or facts.is_branch:
        return None
    match facts.status:
        case "MERGED":
            return None
        case "ABANDONED":
            return Reason("abandoned")
    if facts.wip:
        return Reason("wip")
    missing = tuple(label for label in facts.missing if label not in pipeline.own_labels)
    return Reason("votes", missing) if missing else None


def requirement(draft: Draft, pipeline: Pipeline, ref: Ref) -> Reason | None:
    """Which ``require`` or ``reject`` rule of the pipeline keeps the patchset out."""
    facts = draft.facts(ref.change)
    if facts is None:
        return Reason("unknown", (ref.change,))
    if facts.is_branch:
        return None
    words = unmet(pipeline, facts, ref, draft.now)
    return Reason("requirement", (words,)) if words else None


def queue_name(layout: Layout, pipeline: Pipeline, facts: Facts) -> tuple[str, QueueSpec] | None:
    """The queue that a change waits in, and what is said of it; None when its project is not in the pipeline.

    A queue without a name is called after its project; one that is split by branch gets the branch behind a slash.
    """
    if not takes_part(layout, facts.project, pipeline.name):
        return None
    spec = queue_spec(layout, facts.project, facts.branch)
    if pipeline.manager is Manager.SUPERCEDENT:
        return f"{facts.project}/{facts.branch}", spec
    return (f"{spec.name}/{facts.branch}" if spec.per_branch else spec.name), spec


def may_cycle(draft: Draft, group: Sequence[str]) -> bool:
    """Whether the queue of each member allows a cycle (Zuul: ``allow-circular-dependencies``)."""
    for name in group:
        facts = draft.facts(name)
        if facts is None or not queue_spec(draft.layout, facts.project, facts.branch).cycles:
            return False
    return True


def open_needs(draft: Draft, facts: Facts) -> tuple[str, ...]:
    """What a change needs directly and what has not landed."""
    needs = facts.needs
    return tuple(name for name in needs if not _landed(draft, name)) if needs else ()


def _landed(draft: Draft, change: str) -> bool:
    facts = draft.facts(change)
    return facts is not None and facts.status == "MERGED"


def outdated_parent(draft: Draft, facts: Facts) -> Ref | None:
    """The git parent, when it is no longer the current patchset of an open change."""
    if facts.parent is None:
        return None
    parent = draft.facts(facts.parent.change)
    if parent is None or parent.status == "MERGED" or parent.patchset == facts.parent.patchset:
        return None
    return facts.parent


def outgrown(draft: Draft, facts: Facts) -> Reason | None:
    """Another patchset of the git parent has landed: the server refuses whoever stands on this one."""
    parent = draft.facts(facts.parent.change) if facts.parent is not None else None
    if parent is None or parent.status != "MERGED" or parent.ref == facts.parent:
        return None
    return Reason("outdated", (str(facts.parent),))


def outdated(draft: Draft, item: Item) -> tuple[Facts, ...]:
    """Those of its changes that have a newer patchset; none, if the pipeline does not mind."""
    if not draft.pipeline(item).dequeue_on_new_patchset:
        return ()
    known = [(ref, draft.facts(ref.change)) for ref in item.changes]
    return tuple(one for ref, one in known if one is not None and not one.is_branch and one.patchset > ref.patchset)


def may_stay(draft: Draft, item: Item) -> Reason | None:
    """Why a queued item has to go: it cannot land any more, or what it needs is neither landed nor ahead of it.

    Zuul: the first thing that is asked of every item (gate-semantics 1.4, step 2).
    """
    pipeline = draft.pipeline(item)
    for name in item.names:
        facts = draft.facts(name)
        reason = obstacle(pipeline, facts) if facts is not None else None
        if reason is not None:
            return reason
    gone = needs_gone(draft, item)
    return Reason("needed", gone) if gone else None


def needs_gone(draft: Draft, item: Item) -> tuple[str, ...]:
    """What an item needs and what has neither landed nor waits ahead of it.

    An independent pipeline that keeps old patchsets minds when a footer means another patchset than the one that is
    merged underneath; one that does not goes on with the old one (gate-semantics 1.10).
    """
    pipeline = draft.pipeline(item)
    if pipeline.manager is Manager.DEPENDENT:
        return tuple(name for name in item.needs if not _landed(draft, name) and not _ahead(draft, item, name))
    if pipeline.manager is not Manager.INDEPENDENT or pipeline.dequeue_on_new_patchset:
        return ()
    below = {ref for number in draft.queue(item.key).line if number < item.id for ref in draft.item(number).changes}
    named = {name for own in item.names for name in _footers(draft, own)}
    return tuple(ref.change for ref in sorted(below) if ref.change in named and not is_current(draft, ref))


def _footers(draft: Draft, change: str) -> tuple[str, ...]:
    facts = draft.facts(change)
    return facts.depends_on if facts is not None else ()


def _ahead(draft: Draft, item: Item, change: str) -> bool:
    """Whether a change stands ahead of an item, or beside its queue, where it lands first."""
    return any(
        number < item.id and main_queue(draft, draft.item(number).key).key == main_queue(draft, item.key).key
        for number in draft.where(change)
    )
