"""What jobs hand to one another: variables and artifacts by the job graph, the choice of children, a pause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.engine.handed import given
from gatelocal.engine.line import Ended
from gatelocal.engine.local import results_of
from gatelocal.engine.work import Work
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Ref
from gatelocal.model.job import Job
from gatelocal.model.layout import Graph, JobSpec
from gatelocal.model.playbooks import Item
from gatelocal.model.result import Outcome
from gatelocal.model.returned import Artifact, Given, Returned
from tests.fakes.one_line import OneLine, change

ONE, OTHER = change(1), change(2, "demo/lib")


def outcomes(ended: Ended) -> dict[str, tuple[str, str]]:
    return {one.job: (one.outcome.value, one.reason) for one in results_of(ended)}


@pytest.fixture
def line(tmp_path: Path) -> OneLine:
    return OneLine(tmp_path)


def image(**more: object) -> Artifact:
    return Artifact({"name": "image", "url": "u", **more})


# ---- by the graph


def work(number: int, job: str, project: str = "demo/app") -> Work:
    item = Item("h", "gate", "main", change(number, project))
    return Work(job, Job(job), project, item=item)


def test_variables_of_all_that_come_before_the_later_job_counts() -> None:
    specs = (
        JobSpec("last", dependencies=(("middle", False),)),
        JobSpec("first"),
        JobSpec("middle", dependencies=(("first", True),)),
        JobSpec("beside"),
    )
    graph = Graph(Ref("1", 1), specs)
    returned = {
        ("1", "first"): Returned(data={"a": 1, "deep": {"x": 1, "y": 1}}),
        ("1", "middle"): Returned(data={"a": 2, "deep": {"y": 2}}),
        ("1", "beside"): Returned(data={"strange": True}),
    }
    works = {("1", spec.name): work(1, spec.name) for spec in specs}
    found = given((graph,), works, ("1", "last"), returned)
    assert found.data == {"a": 2, "deep": {"x": 1, "y": 2}}
    assert given((graph,), works, ("1", "first"), {}) == Given(children=("middle",))


def test_artifacts_say_whose_they_are_and_come_once() -> None:
    specs = (JobSpec("build", provides=frozenset(("images",))), JobSpec("use", requires=frozenset(("images",))))
    graph = Graph(Ref("1", 1), (*specs, JobSpec("after", dependencies=(("build", False),))))
    works = {("1", name): work(1, name) for name in ("build", "use", "after")}
    returned = {("1", "build"): Returned(artifacts=(image(), image(), image(metadata={"a": 1})))}
    whose = {"project": "demo/app", "job": "build", "branch": "main", "change": "1", "patchset": "1"}
    expected = (image(**whose), image(metadata={"a": 1}, **whose))
    assert given((graph,), works, ("1", "after"), returned).artifacts == expected
    assert given((graph,), works, ("1", "use"), returned).artifacts == expected


def test_a_job_that_two_changes_share_is_both_ones_parent_and_another_ones_is_not() -> None:
    shared, own = JobSpec("build"), JobSpec("build", voting=False)
    after = JobSpec("after", dependencies=(("build", False),))
    works = {(key, name): work(int(key), name) for key in "12" for name in ("build", "after")}
    returned = {("2", "build"): Returned(data={"of": 2})}
    both = (Graph(Ref("1", 1), (shared, after)), Graph(Ref("2", 1), (shared, after)))
    assert given(both, works, ("1", "after"), returned).data == {"of": 2}
    apart = (Graph(Ref("1", 1), (own, after)), Graph(Ref("2", 1), (shared, after)))
    assert given(apart, works, ("1", "after"), returned).data == {}


# ---- in a run


def test_what_a_job_gives_back_reaches_the_jobs_after_it(line: OneLine) -> None:
    seen: list[Given] = []

    def use() -> Outcome:
        seen.append(line.given)
        return Outcome.SUCCESS

    line.does = {
        "build": [lambda: (Outcome.SUCCESS, Returned(artifacts=(image(),), data={"version": 3}))],
        "use": [use],
        "beside": [use],
    }
    line.through({ONE: [JobSpec("build"), JobSpec("use", dependencies=(("build", False),)), JobSpec("beside")]})
    assert sorted((dict(one.data), len(one.artifacts)) for one in seen if one.data) == [({"version": 3}, 1)]
    assert sum(not one.data for one in seen) == 1


@pytest.mark.parametrize(
    ("children", "ran"),
    [(None, ["a", "b"]), (("b",), ["b"]), ((), [])],
)
def test_a_job_chooses_the_jobs_after_it(line: OneLine, children: tuple[str, ...] | None, ran: list[str]) -> None:
    line.does = {"first": [lambda: (Outcome.SUCCESS, Returned(children))]}
    after = (("first", False),)
    ended = line.through({ONE: [JobSpec("first"), JobSpec("a", dependencies=after), JobSpec("b", dependencies=after)]})
    skipped = ("SKIPPED", "first did not ask for it")
    expected = {name: ("SUCCESS", "") if name in ran else skipped for name in "ab"}
    assert outcomes(ended) == {"first": ("SUCCESS", ""), **expected}


@pytest.mark.parametrize("width", [1, 4])
def test_a_paused_build_stays_until_the_jobs_after_it_have_ended(line: OneLine, width: int) -> None:
    line.width = width
    given: list[Given] = []

    def registry() -> tuple[Outcome, Returned]:
        line.pause(Returned(data={"port": 5000}))
        line.log.append(f"goes on with {len(line.up)} nodes")
        return Outcome.SUCCESS, Returned(data={"port": 5000})

    def use() -> Outcome:
        given.append(line.given)
        return Outcome.SUCCESS

    line.does = {"registry": [registry], "use": [use]}
    ended = line.through({ONE: [JobSpec("registry"), JobSpec("use", dependencies=(("registry", False),))]})
    assert outcomes(ended) == {"registry": ("SUCCESS", ""), "use": ("SUCCESS", "")}
    assert [one for one in line.log if not one.startswith("goes")] == [
        "begin registry",
        "pause",
        "begin use",
        "end use",
        "end registry",
    ]
    assert given == [Given(data={"port": 5000})] and line.up == []


def test_a_child_that_fails_lets_the_paused_build_end_all_the_same(line: OneLine) -> None:
    def registry() -> Outcome:
        line.pause(Returned())
        return Outcome.SUCCESS

    line.does = {"registry": [registry], "use": [lambda: Outcome.FAILURE]}
    ended = line.through({ONE: [JobSpec("registry"), JobSpec("use", dependencies=(("registry", False),))]})
    assert outcomes(ended) == {"registry": ("SUCCESS", ""), "use": ("FAILURE", "")} and line.up == []


def test_when_a_paused_build_is_lost_the_jobs_after_it_are_run_again(line: OneLine) -> None:
    def lost() -> Outcome:
        line.pause(Returned())
        raise InfrastructureError("the node is gone")

    def registry() -> Outcome:
        line.pause(Returned())
        return Outcome.SUCCESS

    line.does = {"registry": [lost, registry]}
    ended = line.through({ONE: [JobSpec("registry"), JobSpec("use", dependencies=(("registry", False),))]})
    assert outcomes(ended) == {"registry": ("SUCCESS", ""), "use": ("SUCCESS", "")}
    assert (line.log.count("begin registry"), line.log.count("begin use")) == (2, 2) and line.up == []


def test_fail_fast_ends_a_paused_build(line: OneLine) -> None:
    def registry() -> Outcome:
        line.pause(Returned())
        raise AssertionError("it was never to go on")

    line.does = {"registry": [registry], "use": [lambda: Outcome.FAILURE]}
    jobs = [replace(JobSpec("registry")), JobSpec("use", dependencies=(("registry", False),))]
    ended = line.through({ONE: jobs}, fail_fast=True)
    assert outcomes(ended)["use"] == ("FAILURE", "")
    assert outcomes(ended)["registry"][0] == "ABORTED" and line.up == []
