"""The gate's own `replace` is the standard library's, only faster."""

from __future__ import annotations

import dataclasses

import pytest

from gatelocal.model.facts import Ref
from gatelocal.model.layout import JobKind, JobSpec
from gatelocal.model.record import replace
from gatelocal.pipeline.state import Item, JobRun, Queue

VALUES = (
    JobSpec("unit"),
    JobRun(JobSpec("unit"), Ref("A", 1)),
    Item(1, "gate", "P", (Ref("A", 1),)),
    Queue("g", "P", "P"),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_every_field_is_replaced_as_by_the_standard_library(value: JobSpec | JobRun | Item | Queue) -> None:
    for field in dataclasses.fields(value):
        new: dict[str, object] = {field.name: ("another", "value")}
        changed = replace(value, **new)  # type: ignore[arg-type]
        assert changed == dataclasses.replace(value, **new)  # type: ignore[arg-type]
        assert type(changed) is type(value)
    assert replace(value) == value


def test_a_copy_is_frozen_and_knows_its_fields() -> None:
    changed = replace(JobSpec("unit"), kind=JobKind.REPORTER, voting=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="no field nodes"):
        replace(changed, nodes=3)  # type: ignore[call-arg]
