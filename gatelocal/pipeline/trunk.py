"""A branch has been moved by somebody else, by a push or a submit by hand: what was tested beside that is tested again.

Whatever tells of it comes here: an event of the branch or the change, the server when it is asked, a submit's answer.
"""

from __future__ import annotations

from gatelocal.model.facts import Facts
from gatelocal.model.layout import Manager
from gatelocal.pipeline.draft import Draft, Flag
from gatelocal.pipeline.ready import queue_name
from gatelocal.pipeline.reuse import without
from gatelocal.pipeline.speculate import outrun, reset
from gatelocal.pipeline.state import Item, QueueKey, Stage, Step
from gatelocal.pipeline.switches.beside import family, queues_of


def moved(draft: Draft, facts: Facts, tip: str = "") -> None:
    """What was known to be green on a branch, or beside it, is not known any more.

    With ``verify`` all items of its queues are tested again on the trunk as it really is.

    :param facts: of the branch, or of the change that has landed on it; its paths, none when they are not known.
    :param tip: where the branch is now; empty when that has not been told.
    """
    if tip:
        _note(draft, facts, tip)
    for pipeline in draft.layout.pipelines.values():
        found = queue_name(draft.layout, pipeline, facts) if pipeline.manager is Manager.DEPENDENT else None
        if found is None:
            continue
        for project, other, job in draft.all_proved() if draft.policy.pause_on_broken_trunk else ():
            if queue_name(draft.layout, pipeline, Facts("", 1, project, other)) == found:
                draft.put_proved((project, other, job), None)
        if draft.policy.verify and draft.queue_or_none((pipeline.name, found[0])) is not None:
            for queue in family(draft, (pipeline.name, found[0])):
                test_anew(draft, queue.key, facts)


def landed(draft: Draft, item: Item, facts: Facts, tip: str) -> None:
    """One of an item's changes is on its branch: with ``verify`` the branch's queues that are not of the item's family
    are tested again, as it has moved for them like by anybody else's doing.

    :param tip: where the branch is now; what was prepared on that already is not prepared again.
    """
    if not draft.policy.verify:
        return
    own = {queue.key for queue in family(draft, item.key)}
    for key in queues_of(draft, facts):
        if key not in own:
            for queue in family(draft, key):
                test_anew(draft, queue.key, facts, tip)


def submitting(draft: Draft, branch: tuple[str, str]) -> bool:
    """Whether a submit to the branch is under way: where that finds and leaves it, its answer tells."""
    for item in draft.all_items():
        if item.stage is Stage.LANDING:
            known = (draft.facts(name) for name in item.names)
            if any(facts is not None and (facts.project, facts.branch) == branch for facts in known):
                return True
    return False


def _note(draft: Draft, facts: Facts, tip: str) -> None:
    branch = (facts.project, facts.branch)
    if submitting(draft, branch):
        return
    known = draft.tip(branch)
    if draft.policy.reuse and known is not None and known != tip and facts.files:
        draft.put_step((*branch, tip), Step(known, None, facts.files))
    draft.put_tip(branch, tip)
    if draft.glimpsed(branch) is not None:
        draft.put_glimpsed(branch, None)


def is_news(draft: Draft, branch: tuple[str, str], tip: str) -> bool:
    """Whether nobody has acted on that tip yet: it is not known, or was only seen in somebody's workspace."""
    return draft.tip(branch) != tip or draft.glimpsed(branch) == tip


def test_anew(draft: Draft, key: QueueKey, facts: Facts | None = None, tip: str = "") -> None:
    """Test all prepared items of a queue again, on the trunk as it is now.

    :param facts: of the branch that has moved, with the paths: no result is kept that reads one of them.
    :param tip: where it is now: who was prepared on that stays as it is; empty: nobody was.
    """
    for number in tuple(draft.queue(key).line):
        item = draft.item(number)
        if facts is not None and tip and (facts.project, facts.branch, tip) in item.bases:
            continue
        if item.settled:
            outrun(draft, item)
            continue
        if item.stage is not Stage.WAITING:
            item = reset(draft, item)
            draft.flag(number, Flag.BASE)
        if facts is not None:
            without(draft, item, facts.files)
