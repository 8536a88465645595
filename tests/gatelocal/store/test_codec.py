"""The gate's values as JSON: what comes back is what was written, and what cannot be understood is an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args

import pytest

from gatelocal.model.facts import Facts, Ref, Vote
from gatelocal.model.layout import Graph, JobSpec, Layout, Manager, Pipeline, Project
from gatelocal.model.pattern import Pattern
from gatelocal.model.table import Table
from gatelocal.pipeline.actions import Action, Prepare, Report
from gatelocal.pipeline.events import BuildDone, ChangeEvent, Event, Prepared, Reloaded, Woken
from gatelocal.pipeline.state import Item, JobRun, State
from gatelocal.store.codec import FormatError, Layouts, decode, encode, from_text, to_text

PATTERN = Pattern("^src/", negate=True)
FACTS = Facts("A", 2, "P", "master", Ref("B", 1), files=("ü.py",), votes=(Vote("Workflow", 1, "me", 3.5, 7),))


def layout(*semaphores: str) -> Layout:
    pipeline = Pipeline("gate", Manager.DEPENDENT)
    projects = {"P": Project("P", frozenset({"gate"})), "$": Project("$")}
    return Layout({"gate": pipeline}, projects, {}, dict.fromkeys(semaphores, 2))


def again(kind: Any, value: object) -> Any:
    layouts = Layouts()
    text = to_text(encode(value, layouts))
    fresh = Layouts()
    for name, body in layouts.new.items():
        fresh.add(name, body)
    return decode(kind, from_text(text), fresh)


@pytest.mark.parametrize(
    "value",
    [
        ChangeEvent(1.5, "comment-added", Ref("A", 2), FACTS, (FACTS,), (("Workflow", 1),), "text\u2028", "me"),
        BuildDone(0.0, 9, 4, 1, 0, "SUCCESS", children=()),
        BuildDone(0.0, 9, 4, 1, 0, "SUCCESS", ("log",), None),
        Prepared(0.0, 1, 2, 3, True, graphs=(Graph(Ref("A", 1), (JobSpec("unit"),), True), Graph(Ref("B", 2)))),
        Woken(1e9),
    ],
)
def test_an_event_comes_back(value: Event) -> None:
    assert again(Event, value) == value


@pytest.mark.parametrize("value", [Prepare(1, 2, 3, (Ref("A", 1),)), Report(1, 2, Ref("A", 1), "gate", "start", "x")])
def test_an_action_comes_back(value: Action) -> None:
    assert again(Action, value) == value


def test_an_item_comes_back_with_its_runs() -> None:
    job = JobSpec("unit", provides=frozenset({"b", "a"}), files=(PATTERN,), dependencies=(("x", True),))
    item = Item(3, "gate", "P", (Ref("A", 1),), runs=(JobRun(job, Ref("A", 1), children=("y",)),))
    assert again(Item, item) == item


def test_a_table_comes_back_with_the_order_of_its_keys() -> None:
    table = Table({str(n): (n,) for n in range(60)}).changed({"7": None}).changed({"7": (7,), "99": (1,), "3": None})
    found = again(Table[str, tuple[int, ...]], table)
    assert list(found.items()) == list(table.items())
    more = {str(n): (n,) for n in range(100, 160)}
    assert list(found.changed(more)) == list(table.changed(more))


def test_a_layout_is_written_once_and_comes_back_as_one_object() -> None:
    layouts = Layouts()
    one = layout("s")
    texts = [to_text(encode(Reloaded(at, one), layouts)) for at in (0.0, 1.0)]
    assert len(layouts.new) == 1
    assert encode(layout("s"), layouts) == encode(one, layouts), "the same content has the same name"
    assert encode(layout(), layouts) != encode(one, layouts)
    fresh = Layouts()
    for name, body in layouts.new.items():
        fresh.add(name, body)
    first, second = (decode(Event, from_text(text), fresh).layout for text in texts)
    assert first is second
    assert (first.semaphores, first.projects, first.pipelines) == ({"s": 2}, one.projects, one.pipelines)


def _kinds(union: Any) -> Iterator[type]:
    return (one for one in get_args(union) if is_dataclass(one))


@pytest.mark.parametrize("kind", [*_kinds(Event), *_kinds(Action), State, Layout], ids=lambda kind: kind.__name__)
def test_every_kind_of_value_can_be_read(kind: type) -> None:
    with pytest.raises(FormatError):
        decode(Event | Action | State, {"$": kind.__name__, "nonsense": 1}, Layouts())  # type: ignore[operator]
    assert fields(kind)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"$": "Exploded", "at": 1.0}, "unknown kind 'Exploded'"),
        ({"$": "Woken", "at": 1.0, "tea": 2}, "Woken has no field 'tea'"),
        ({"$": "Woken"}, "Woken without at"),
        ({"$": "Woken", "at": "soon"}, "expected float, found 'soon'"),
        ({"$": "Woken", "at": True}, "expected float, found True"),
        ({"$": "Reloaded", "at": 1.0, "layout": "0" * 64}, "the layout 000000000000 is missing"),
        ({"$": "Dequeue", "at": 1.0, "change": 7}, "expected str, found 7"),
        ({"$": "Promote", "at": 1.0, "changes": "A"}, "expected a list, found 'A'"),
        (["Woken", 1.0], "unknown kind"),
        (None, "unknown kind None"),
    ],
)
def test_what_cannot_be_understood_is_an_error(raw: object, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        decode(Event, raw, Layouts())


def test_a_damaged_layout_is_an_error() -> None:
    layouts = Layouts()
    name = layouts.name(layout())
    with pytest.raises(FormatError, match="is damaged"):
        Layouts().add(name, layouts.new[name].replace("gate", "gote"))


def test_what_is_no_value_of_the_gate_is_not_written() -> None:
    with pytest.raises(TypeError, match="a object cannot be kept"):
        encode(object(), Layouts())
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_text(encode(Woken(float("nan")), Layouts()))
