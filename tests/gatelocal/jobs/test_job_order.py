"""The order of jobs by their dependencies."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.order import in_order
from gatelocal.model.job import Job
from tests.patience import within


def names(*jobs: Job) -> list[str]:
    return [job.name for job in in_order(jobs)]


def test_what_depends_on_nothing_keeps_its_place() -> None:
    assert names(Job("c"), Job("a", dependencies=("b", "elsewhere")), Job("d"), Job("b")) == ["c", "d", "b", "a"]
    assert names() == []


def test_a_circle_is_refused_with_its_members() -> None:
    with pytest.raises(ConfigurationError, match=r"in a circle: a, b$"):
        in_order([Job("a", dependencies=("b",)), Job("x"), Job("b", dependencies=("a",))])
    with pytest.raises(ConfigurationError, match="in a circle: a"):
        in_order([Job("a", dependencies=("a",))])


def test_thousands_of_jobs_take_no_time() -> None:
    size = 20_000
    chain = [Job(f"j{n}", dependencies=(f"j{n + 1}",)) for n in range(size)]
    with within(2):
        assert in_order([*chain, Job(f"j{size}")])[0].name == f"j{size}"
