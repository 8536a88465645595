"""Random worlds find known mistakes: each is planted into the gate's own code, and a violation has to come up."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

from gatelocal.sim import chance, dice

WORLDS = 600


@dataclass(frozen=True)
class Mistake:
    """A wrong line. :ivar where: module and function. :ivar policy: whose worlds show it: a name, or switches."""

    name: str
    where: str
    right: str
    wrong: str
    policy: str = "classic"


MISTAKES = (
    Mistake(
        "only the item ahead is compared, not its generation",
        "pipeline.speculate.rebase",
        "(item.ahead, item.ahead_generation) != base",
        "item.ahead != base[0]",
    ),
    Mistake(
        "a reset begins no new generation",
        "pipeline.speculate.reset",
        "generation=item.generation + 1",
        "generation=item.generation",
    ),
    Mistake(
        "builds of a reset item are forgotten",
        "pipeline.resources.halted",
        "draft.act(CancelBuild(draft.number(), run.build))",
        "pass",
    ),
    Mistake(
        "builds of an earlier generation are forgotten",
        "pipeline.speculate.reset",
        "going=going",
        "going=()",
        "reuse",
    ),
    Mistake(
        "the node of a request that is dropped is not given back",
        "pipeline.resources.halted",
        "draft.act(DropRequest(draft.number(), run.request))",
        "pass",
    ),
    Mistake(
        "a change is submitted on a trunk that has moved",
        "pipeline.trunk.moved",
        "test_anew(draft, queue.key, facts)",
        "pass",
        "default",
    ),
    Mistake(
        "those behind go on while reporter jobs run",
        "pipeline.reporting.stands_still",
        "return item is not None and",
        "return False and item is not None and",
    ),
    Mistake(
        "a result is taken over although an input has changed",
        "pipeline.inputs.touches",
        "return any((",
        "return False and any((",
        "reuse",
    ),
    Mistake(
        "the second member of a cycle is not submitted",
        "pipeline.land._landed",
        "if item.submitted < len(item.changes):",
        "if False:",
    ),
    Mistake(
        "after a crash a submit or a message has another id, so that it is sent twice",
        "engine.engine.Engine.__init__",
        "deque(map(late, store.outbox()))",
        "deque(__import__('dataclasses').replace(one, id=one.id + 10**6) for one in store.outbox())",
    ),
    Mistake(
        "a state is recorded without its actions",
        "store.memory.MemoryStore.commit",
        "self._outbox[one.id] = one",
        "pass",
    ),
    Mistake(
        "an item stays although what it needs has left",
        "pipeline.ready.may_stay",
        'return Reason("needed", gone) if gone else None',
        "return None",
    ),
    Mistake(
        "the verdict comes before what is ahead has landed: a good change is rejected for a bad neighbour",
        "pipeline.decide._done",
        "if item.ahead:",
        "if False:",
    ),
    Mistake(
        "a semaphore is taken once too often",
        "pipeline.resources.take",
        "len(one.holders) <",
        "len(one.holders) <=",
    ),
    Mistake(
        "a semaphore is not released when a build is stopped",
        "pipeline.resources.halted",
        "release(draft, item, at, run)",
        "pass",
    ),
    Mistake(
        "a red voting job does not count",
        "pipeline.builds.all_green",
        "return bool(ran) and not any(run.red for run in item.runs)",
        "return bool(ran)",
    ),
    Mistake(
        "what an urgent change touches is not tested again",
        "pipeline.switches.beside.landed",
        "_again(draft, item, own, queue)",
        "pass",
        "urgent",
    ),
    Mistake(
        "a change overtakes one whose inputs it touches",
        "pipeline.switches.overtake.may",
        "affects(draft, item, ahead) or affects(draft, ahead, item)",
        "False",
        "overtake",
    ),
    Mistake(
        "a batch lands although it has failed",
        "pipeline.switches.batch.is_red",
        "return bool(item.batch) and",
        "return False and",
        "batch",
    ),
    Mistake(
        "the next of a batch that lands is not tested again when the trunk moves: it lands on an untested tip",
        "pipeline.trunk.test_anew",
        "if item.settled:",
        "if item.settled or any((o := draft.find(n)) is None or o.settled for n in item.batch):",
        "batch verify",
    ),
    Mistake(
        "a batch has ended before its builds have: it lands while a job is idle",
        "pipeline.switches.batch.is_done",
        "return complete(spokesman(draft, item))",
        "return True",
        "batch verify",
    ),
    Mistake(
        "a batch lands although one of it has to leave",
        "pipeline.decide._done",
        "if item.batch and any(",
        "if False and any(",
        "batch",
    ),
    Mistake(
        "a suspect that has gone is still suspected: a rule ends with an exception",
        "pipeline.switches.members.apart",
        "if queue is not None and item.id in queue.suspects:",
        "if False:",
        "batch urgent",
    ),
    Mistake(
        "a rule divides by nothing when a change overtakes another",
        "pipeline.switches.overtake.step_aside",
        "key = opened(draft, item.key)",
        "key = (item.pipeline, str(1 // 0))",
        "overtake",
    ),
    Mistake(
        "a batch of which a member has left is still one",
        "pipeline.leave.take_out",
        "apart(draft, item)",
        "pass",
        "batch verify",
    ),
    Mistake(
        "a result is kept though an urgent change beside the queue has touched its inputs",
        "pipeline.reuse.without",
        "if (kept, going) == (item.kept, item.going):",
        "if True:",
        "verify reuse urgent",
    ),
    Mistake(
        "those held back behind a batch that has failed are forgotten",
        "pipeline.switches.members.acquit",
        "draft.flag(number, Flag.BASE | Flag.JOBS)",
        "pass",
        "batch",
    ),
    Mistake(
        "an answer is taken for another generation's action after a restart",
        "engine.engine.Engine.__init__",
        "deque(map(late, store.outbox()))",
        "deque("
        "__import__('dataclasses').replace(one, id=item.preparation, generation=item.generation)"
        " if type(one).__name__ == 'Prepare' and (item := store.state.items.get(one.item))"
        " and one.generation < item.generation else one for one in store.outbox())",
    ),
    Mistake(
        "the answer to an earlier generation's question is taken for that to the present one's",
        "pipeline.answers.take",
        "elif item.generation != event.generation:",
        "elif isinstance(event, Prepared):\n"
        "        _prepared(draft, item, replace(event, action=item.preparation))\n"
        "    elif item.generation != event.generation:",
    ),
    Mistake(
        "a build that was under way is begun anew after a restart",
        "sim.world.World._first",
        "known = self.by_action[action.id].told",
        "known = self._start(action)",
    ),
    Mistake(
        "a submit whose answer was lost is taken for failed, though it landed",
        "sim.world.World._first",
        "known = self._answers[action.id]",
        "known = self._answers[action.id]\n"
        "            known = replace(known, answer='refused') if isinstance(action, Submit) else known",
        "default",
    ),
    Mistake(
        "a submit that waits lands without looking",
        "engine.engine.late",
        "replace(action, late=True) if isinstance(action, Submit) else action",
        "action",
        "default",
    ),
    Mistake(
        "a submit that came too late is repeated as it was",
        "pipeline.land._too_late",
        "if item.submitted:",
        "if True:",
        "default",
    ),
    Mistake(
        "what was tested beside a push is landed by a submit that came too late",
        "pipeline.land._too_late",
        "elif item.outrun or apart:",
        "elif apart:",
        "default",
    ),
)


def plant(monkeypatch: pytest.MonkeyPatch, mistake: Mistake) -> None:
    """Put a wrong line into a function, wherever its name has been imported to."""
    module, owner, name = _find(mistake.where)
    right = getattr(owner, name)
    source = inspect.getsource(right)
    assert source.count(mistake.right) == 1
    lines = inspect.cleandoc("\n" + source.replace(mistake.right, mistake.wrong))
    space = dict(vars(module))
    exec(compile("from __future__ import annotations\n" + lines, mistake.where, "exec"), space)  # noqa: S102
    monkeypatch.setattr(owner, name, space[name])
    for other in [one for key, one in sys.modules.items() if key.startswith("gatelocal")]:
        for key, value in list(vars(other).items()):
            if value is right:
                monkeypatch.setattr(other, key, space[name])


def _find(where: str) -> tuple[Any, Any, str]:
    parts = f"gatelocal.{where}".split(".")
    name = parts.pop()
    if parts[-1][0].isupper():
        module = import_module(".".join(parts[:-1]))
        return module, getattr(module, parts[-1]), name
    module = import_module(".".join(parts))
    return module, module, name


@pytest.fixture(scope="module", name="known")
def _known() -> Iterator[Any]:
    yield chance.layouts()


@pytest.mark.live
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.name)
def test_a_planted_mistake_is_caught(mistake: Mistake, known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, mistake)
    policy = mistake.policy if mistake.policy in ("classic", "default") else dict.fromkeys(mistake.policy.split(), True)
    for number in range(WORLDS):
        if chance.tried(dice.world(f"mistakes/{number}", policy), known, deep=False).violations:
            return
    pytest.fail("no world has shown it")


def test_without_a_mistake_nothing_is_found(known: Any) -> None:
    for number in range(16):
        assert not chance.tried(dice.world(f"mistakes/{number}"), known).violations


@pytest.mark.live
@pytest.mark.parametrize("name", ["it lands on an untested tip", "a job is idle", "ends with an exception"])
def test_what_is_drawn_by_default_shows_it_within_one_seed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows beforehand which switches have to meet: worlds of all policies find it, as many as one seed has."""
    (mistake,) = (one for one in MISTAKES if one.name.endswith(name))
    plant(monkeypatch, mistake)
    found = chance.search(range(20_000), "one seed")
    assert found is not None
