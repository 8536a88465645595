"""The gate's own records and `replace` are the standard library's, only faster."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from gatelocal.model import record
from gatelocal.model.facts import Ref
from gatelocal.model.happening import NodeReady
from gatelocal.model.layout import JobKind, JobSpec
from gatelocal.model.record import changer, replace
from gatelocal.pipeline.state import Item, JobRun, Queue

VALUES = (
    JobSpec("unit"),
    JobRun(JobSpec("unit"), Ref("A", 1)),
    Item(1, "gate", "P", (Ref("A", 1),)),
    Queue("g", "P", "P"),
    NodeReady(job="unit", attempt=1, node="local"),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_every_field_is_replaced_as_by_the_standard_library(value: JobSpec | JobRun | Item | Queue) -> None:
    for field in dataclasses.fields(value):
        new: dict[str, object] = {field.name: ("another", "value")}
        changed = replace(value, **new)  # type: ignore[arg-type]
        assert changed == dataclasses.replace(value, **new)  # type: ignore[arg-type]
        assert changed == changer(type(value), field.name)(value, ("another", "value")) != value
        assert type(changed) is type(value)
    assert replace(value) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_a_value_is_copied_and_sent_to_another_process(value: JobSpec | JobRun | Item | Queue) -> None:
    for other in (copy.copy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301 - our own
        assert other == value and hash(other) == hash(value) and other is not value


def test_a_copy_is_frozen_and_knows_its_fields() -> None:
    changed = replace(JobSpec("unit"), kind=JobKind.REPORTER, voting=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.name = "other"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del changed.name
    with pytest.raises(TypeError, match="no field nodes"):
        replace(changed, nodes=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no field nodes"):
        changer(JobSpec, "nodes")


def kinds(dataclass: Callable[..., Any], field: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """The same classes, made by a decorator."""

    @dataclass(frozen=True, slots=True)
    class Plain:
        kind: str
        new: int = 3
        many: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Base:
        name: ClassVar[str] = "base"
        at: float = 0.0

    @dataclass(frozen=True, slots=True, kw_only=True)
    class More(Base):
        name: ClassVar[str] = "more"
        text: str
        cls: str = ""

    return Plain, Base, More


OURS, THEIRS = kinds(record.dataclass, record.field), kinds(dataclasses.dataclass, dataclasses.field)


def outcome(make: Callable[[], object]) -> object:
    try:
        return repr(make())
    except TypeError as error:
        return TypeError, str(error).replace("__init__", "").split("()")[-1]


@pytest.mark.parametrize(
    "make",
    [
        lambda kinds: kinds[0]("a"),
        lambda kinds: kinds[0]("a", 4, [5]),
        lambda kinds: kinds[0]("a", many=[1]),
        lambda kinds: kinds[0](),
        lambda kinds: kinds[0]("a", other=1),
        lambda kinds: kinds[1](),
        lambda kinds: kinds[2](text="a"),
        lambda kinds: kinds[2](at=2.0, cls="c", text="b"),
        lambda kinds: kinds[2](at=2.0),
        lambda kinds: kinds[2].name + kinds[1].name,
        lambda kinds: [(one.name, one.type, one.default) for one in dataclasses.fields(kinds[2])][:2],
        lambda kinds: dataclasses.asdict(kinds[0]("a", many=[1])),
        lambda kinds: [kind.__match_args__ for kind in kinds],
        lambda kinds: [dataclasses.is_dataclass(kind) for kind in kinds],
        lambda kinds: (kinds[1]() == kinds[1](at=0.0), kinds[1]() == kinds[2](text="")),
        lambda kinds: hash(kinds[0]("a")),
        lambda kinds: len({kinds[2](text="a"), kinds[2](text="a", at=0.0)}),
        lambda kinds: kinds[0]("a").many is kinds[0]("a").many,
        lambda kinds: hasattr(kinds[0]("a"), "__dict__"),
    ],
)
def test_a_record_is_what_a_dataclass_is(make: Callable[[Any], object]) -> None:
    assert outcome(lambda: make(OURS)) == outcome(lambda: make(THEIRS))
