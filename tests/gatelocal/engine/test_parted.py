"""Jobs that are taken apart: the builds, and what the gate is told of them."""

from __future__ import annotations

from gatelocal.engine import parted
from gatelocal.model.facts import Ref
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.model.part import Part, numbered

PARTS = {"unit": (Part("1 of 2", {"a": 1}), Part("2 of 2", {"a": 2}))}


def test_each_part_is_a_job_of_its_own_with_its_variables() -> None:
    one, two = parted.jobs(Job("unit", variables={"a": 0, "b": 0}), PARTS)
    assert (one.name, one.variables, two.name, two.variables) == (
        "unit (1 of 2)",
        {"a": 1, "b": 0},
        "unit (2 of 2)",
        {"a": 2, "b": 0},
    )
    assert parted.jobs(Job("lint"), PARTS) == (Job("lint"),)


def test_who_depends_on_a_job_depends_on_all_of_its_parts() -> None:
    unit = JobSpec("unit", dependencies=(("lint", False),), semaphores=("s",))
    after = JobSpec("after", dependencies=(("unit", True),))
    found = parted.graph(Graph(Ref("c", 1), (JobSpec("lint"), unit, after)), PARTS)
    assert [(one.name, one.dependencies) for one in found.jobs] == [
        ("lint", ()),
        ("unit (1 of 2)", (("lint", False),)),
        ("unit (2 of 2)", (("lint", False),)),
        ("after", (("unit (1 of 2)", True), ("unit (2 of 2)", True))),
    ]
    assert all(one.semaphores == ("s",) for one in found.jobs[1:3])


def test_parts_are_numbered() -> None:
    assert [one.title("unit") for one in numbered(2, {})] == ["unit (1 of 2)", "unit (2 of 2)"]
