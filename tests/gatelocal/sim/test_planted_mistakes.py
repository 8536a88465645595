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
    """A wrong line. :ivar where: module and function. :ivar policy: whose worlds show it."""

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
        "draft.act(partial(CancelBuild, build=run.build))",
        "pass",
    ),
    Mistake(
        "a push past the gate is noticed, but nothing is tested again",
        "pipeline.changes._trunk_moved",
        "test_anew(draft, (pipeline.name, found[0]))",
        "pass",
        "default",
    ),
    Mistake(
        "a result is taken over although an input has changed",
        "pipeline.reuse._touches",
        "return any((",
        "return False and any((",
        "default",
    ),
    Mistake(
        "the second member of a cycle is not submitted",
        "pipeline.land._landed",
        "if item.submitted < len(item.changes):",
        "if False:",
    ),
    Mistake(
        "after a crash an action has another id, so that it is done twice",
        "engine.engine.Engine.__init__",
        "deque(store.outbox())",
        "deque(__import__('dataclasses').replace(one, id=one.id + 10**6) for one in store.outbox())",
    ),
    Mistake(
        "a state is recorded without its actions",
        "store.memory.MemoryStore.commit",
        "self._outbox[action.id] = action",
        "pass",
    ),
    Mistake(
        "an item stays although what it needs has left",
        "pipeline.ready.may_stay",
        'return Reason("needed", gone) if gone else None',
        "return None",
    ),
    Mistake(
        "the verdict comes before what is ahead has landed",
        "pipeline.decide._progress",
        "if item.ahead or queue.paused:",
        "if queue.paused:",
    ),
    Mistake(
        "a semaphore is taken once too often", "pipeline.resources.take", "len(one.holders) <", "len(one.holders) <="
    ),
    Mistake(
        "a red voting job does not count",
        "pipeline.builds.all_green",
        "return bool(ran) and not any(run.red for run in item.runs)",
        "return bool(ran)",
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


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.name)
def test_a_planted_mistake_is_caught(mistake: Mistake, known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, mistake)
    for number in range(WORLDS):
        if chance.violations(dice.world(f"mistakes/{number}", mistake.policy), known, deep=False):
            return
    pytest.fail("no world has shown it")


def test_without_a_mistake_nothing_is_found(known: Any) -> None:
    for number in range(60):
        assert not chance.violations(dice.world(f"mistakes/{number}"), known)
