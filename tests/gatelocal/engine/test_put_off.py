"""Actions that fail are tried again, later and later, and not overtaken where order matters."""

from __future__ import annotations

from gatelocal.engine.asked import layout
from gatelocal.engine.engine import Engine
from gatelocal.engine.put_off import MOST, PutOff
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Ref
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.pipeline.actions import Action, Prepare, Report, RequestNode, StartBuild, Submit, WakeAt
from gatelocal.pipeline.decide import initial
from gatelocal.pipeline.events import Dequeue, Enqueue, Event, NodeAnswer, Prepared
from gatelocal.store.memory import MemoryStore
from tests.fakes.one_line import asking, change


def report(number: int, name: str = "1", text: str = "") -> Report:
    return Report(number, 1, Ref(name, 1), "gate", "start", text)


def submit(number: int, name: str = "1") -> Submit:
    return Submit(number, 1, Ref(name, 1), (Ref(name, 1),), "gate")


def test_the_waits_grow_to_a_limit() -> None:
    put_off, now, waits = PutOff(), 0.0, []
    for _ in range(12):
        put_off.add(report(1), now)
        assert put_off.due is not None and put_off.take(put_off.due - 0.1) == ()
        waits.append(put_off.due - now)
        now = put_off.due
        assert put_off.take(now) == (report(1),)
    assert waits == [min(2.0**n, MOST) for n in range(12)]
    put_off.done(1)
    assert put_off.due is None and put_off.take(now + 1000) == ()


def test_what_a_change_is_told_and_its_landing_stay_in_order_and_no_other_waits() -> None:
    put_off = PutOff()
    put_off.add(report(1), 0.0)
    assert put_off.must_wait(submit(2)) and put_off.must_wait(report(3))
    assert not put_off.must_wait(report(4, "2")) and not put_off.must_wait(WakeAt(5, 1.0))
    for one in (submit(2), report(3), report(4, "2")):
        put_off.add(one, 0.0)
    assert put_off.take(10.0) == (report(1), report(4, "2"))
    put_off.done(1)
    assert put_off.take(10.0) == (submit(2), report(4, "2"))
    put_off.done(4)
    put_off.done(2)
    assert put_off.take(10.0) == (report(3),)


def test_whoever_waits_for_another_is_not_due() -> None:
    put_off = PutOff()
    put_off.add(report(1), 0.0)
    put_off.add(submit(2), 0.0)
    put_off.add(report(1), 1.0)  # failed again
    assert put_off.due == 3.0 and put_off.take(2.0) == ()


class Failing:
    """Hands of which one action fails so many times."""

    def __init__(self, kind: type[Action], times: int) -> None:
        self.kind = kind
        self.times = times
        self.tried: list[Action] = []

    def carry_out(self, action: Action) -> Event | None:
        self.tried.append(action)
        if isinstance(action, self.kind) and self.times:
            self.times -= 1
            raise InfrastructureError("not now")
        return None


def engine(kind: type[Action], times: int) -> tuple[Engine, Failing, MemoryStore]:
    asked = asking(change(1), {change(1): ()})
    hands, store = Failing(kind, times), MemoryStore(initial(layout(asked, "gate")))
    found = Engine(store, hands)
    found.feed(Enqueue(100.0, "gate", asked.facts))
    return found, hands, store


def soon(found: Engine) -> float:
    assert found.due is not None
    return found.due


def test_an_action_is_tried_until_it_is_carried_out() -> None:
    found, hands, store = engine(Prepare, 3)
    assert soon(found) == 101.0 and [type(one) for one in store.outbox()] == [Prepare]
    found.again(100.5)
    assert len(hands.tried) == 1
    for wait in (2.0, 4.0):
        now = soon(found)
        found.again(now)
        assert soon(found) == now + wait
    found.again(soon(found))
    assert found.due is None and hands.tried == [hands.tried[0]] * 4
    assert [type(one) for one in store.outbox()] == [Prepare]  # its answer has not come yet


def test_what_is_not_wanted_any_more_is_not_tried_again() -> None:
    found, hands, store = engine(RequestNode, 1)
    (prepare,) = hands.tried
    assert isinstance(prepare, Prepare)
    graph = Graph(prepare.of[0], (JobSpec("a"),))
    found.feed(Prepared(101.0, prepare.id, prepare.item, prepare.generation, True, (), (), (graph,)))
    assert found.due is not None
    found.feed(Dequeue(102.0, prepare.of[0].change))
    assert found.due is None and store.outbox() == ()
    assert [type(one).__name__ for one in hands.tried] == ["Prepare", "RequestNode", "DropRequest"]


def test_a_build_that_could_not_be_begun_is_begun_before_it_is_called_off() -> None:
    found, hands, store = engine(StartBuild, 1)
    (prepare,) = hands.tried
    assert isinstance(prepare, Prepare)
    graph = Graph(prepare.of[0], (JobSpec("a"),))
    found.feed(Prepared(101.0, prepare.id, prepare.item, prepare.generation, True, (), (), (graph,)))
    (node,) = (one for one in hands.tried if isinstance(one, RequestNode))
    found.feed(NodeAnswer(102.0, node.id, node.item, node.generation, node.run, True))
    found.feed(Dequeue(102.5, prepare.of[0].change))
    assert [type(one).__name__ for one in store.outbox()] == ["StartBuild", "CancelBuild"]
    found.again(soon(found))
    found.again(soon(found))
    assert [type(one).__name__ for one in hands.tried[2:]] == ["StartBuild", "StartBuild", "CancelBuild"]
    assert found.due is None and store.outbox() == ()
