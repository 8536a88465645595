"""The switch ``overtake``: a green change lands before those ahead of it if neither touches the other's inputs.

Its jobs would have the same results without those ahead, and theirs the same with it underneath: so far as the inputs
of jobs are declared truly (``files``, ``irrelevant-files``), the order of landing does not matter. What it needs, and
what has given it artifacts, it does not overtake.

It costs nothing but order: changes land in another one than they were approved in. It guarantees what the declared
inputs promise and no more.
"""

from __future__ import annotations

from gatelocal.model.record import replace
from gatelocal.pipeline.builds import all_green, complete
from gatelocal.pipeline.draft import Draft
from gatelocal.pipeline.state import Item, Stage
from gatelocal.pipeline.switches.beside import affects, opened
from gatelocal.pipeline.switches.members import apart


def may(draft: Draft, item: Item) -> bool:
    """Whether the item may land before all that it is built on."""
    if item.stage is not Stage.TESTED or item.batch or not item.runs or not complete(item) or not all_green(item):
        return False
    if any(run.given for run in item.runs) or any(_is_open(draft, name) for name in item.needs):
        return False
    ahead = draft.find(item.ahead)
    while ahead is not None:
        if ahead.batch or affects(draft, item, ahead) or affects(draft, ahead, item):
            return False
        ahead = draft.find(ahead.ahead) if ahead.ahead else None
    return True


def _is_open(draft: Draft, change: str) -> bool:
    facts = draft.facts(change)
    return facts is None or facts.status != "MERGED"


def step_aside(draft: Draft, item: Item) -> Item:
    """Take the item out of the line: those that were built on it are now built on what it was built on."""
    line = draft.queue(item.key).line
    number = line.after(item.id)
    while number is not None:
        other = draft.item(number)
        if other.ahead == item.id and other.ahead_generation == item.generation:
            draft.put(replace(other, ahead=item.ahead, ahead_generation=item.ahead_generation))
        number = line.after(number)
    apart(draft, item)
    key = opened(draft, item.key)
    draft.remove(item)
    aside = replace(item, queue=key[1], ahead=0, ahead_generation=0, content=item.changes)
    draft.add(aside)
    return aside
