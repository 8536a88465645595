"""`gatelocal.yaml` as stanzas, and what is wrong with it, each with its line."""

from __future__ import annotations

import pytest

from gatelocal.config.gatelocal_yaml import parse
from gatelocal.errors import ConfigurationError
from gatelocal.jobs.freeze import freeze, planned
from gatelocal.jobs.zuul.schema import sifted
from gatelocal.model.job import Job, one_node

WHOLE = """\
jobs:
  lint: python -m flake8
  unit:
    needs: lint
    timeout: 30m
    label: debian-trixie
    voting: false
    environment: {LANG: C, SEED: 010, FLAG: yes}
    artifacts: [htmlcov, "*.log"]
    irrelevant-files: ^doc/
    setup:
      - python3 -m venv v
    steps:
      - v/bin/pip install .
      - name: tests
        command: v/bin/pytest
        suite: pytest
        results: [out/*.xml]
        timeout: 90s
        directory: sub
  old:
    tox: [py311, pep8]
    environment: {A: b}
"""


def jobs(text: str) -> dict[str, Job]:
    return {job.name: job for job in freeze(parse(text), "acme/app", "main").jobs}


def told(text: str) -> list[str]:
    """All that is said of a wrong file, one line for each mistake, hints left out."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return [caught.value.brief, *caught.value.details.splitlines()]


def test_jobs_are_frozen_as_zuuls_are() -> None:
    found = jobs(WHOLE)
    assert {name: job.family for name, job in found.items()} == {"lint": "steps", "unit": "steps", "old": "tox"}
    assert all(job.run for job in found.values())
    unit = found["unit"]
    assert (unit.timeout, unit.voting, unit.dependencies) == (1800, False, ("lint",))
    assert unit.nodesets == (one_node("debian-trixie"),)
    assert unit.defined_in == ("gatelocal.yaml:3",)
    assert unit.variables["gatelocal_steps"] == {
        "steps": [
            {"command": "v/bin/pip install ."},
            {
                "command": "v/bin/pytest",
                "name": "tests",
                "suite": "pytest",
                "results": ["out/*.xml"],
                "directory": "sub",
                "timeout": 90,
            },
        ],
        "setup": [{"command": "python3 -m venv v"}],
        "artifacts": ["htmlcov", "*.log"],
        "environment": {"LANG": "C", "SEED": "010", "FLAG": "yes"},
    }
    assert found["lint"].timeout == 3600, "a command that hangs does not hang for good"
    assert found["old"].variables == {"tox_envlist": "py311,pep8", "tox_environment": {"A": "b"}}


def test_no_stanza_is_refused_as_zuuls_would_be() -> None:
    assert sifted(parse(WHOLE))[1] == ()


@pytest.mark.parametrize("name", ["tox", "openstack-tox-py311", "unittests", "base", "a.b+c-1"])
def test_a_job_may_have_the_name_of_a_shared_one(name: str) -> None:
    (job,) = jobs(f"jobs:\n  {name}: {{tox: py3}}\n").values()
    assert (job.run, job.family, job.variables) == (True, "tox", {"tox_envlist": "py3"})


def test_file_matchers_and_an_altered_definition_decide_as_ever() -> None:
    text = "jobs:\n  unit:\n    irrelevant-files: ^doc/\n    steps: [make]\n"
    same = freeze(parse(text), "a/b", "main", changed=["doc/x"], before=parse(text)).jobs[0]
    assert (same.run, same.rule) == (False, "irrelevant-files")
    other = parse(text.replace("make", "make check"))
    altered = freeze(other, "a/b", "main", changed=["doc/x"], before=parse(text)).jobs[0]
    assert (altered.run, altered.rule) == (True, "config-changed")


def test_the_plan_says_that_all_can_be_run() -> None:
    plan = planned(parse(WHOLE), "acme/app", "main")[1]
    assert [(one.name, one.rule, one.lacks) for one in plan.jobs] == [
        (name, "matches", "") for name in ("lint", "unit", "old")
    ]
    assert plan.pipeline == "gate"


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = (
        "jobs:\n  unit:\n    stpes: [make]\n    timeout: soon\n    needs: [lintt]\n    files: ['(']\n"
        "  lint:\n    steps:\n      - comand: x\n      - {command: y, suite: pytset}\n"
        "      - {command: z, results: ../q}\n"
        "  noop: x\nenv: {}\n"
    )
    lines = told(text)
    assert [line.partition(": ")[0] for line in lines] == [
        f"gatelocal.yaml:{number}" for number in (2, 3, 4, 5, 6, 9, 9, 10, 11, 12, 13)
    ]
    whole = "\n".join(lines)
    for words in (
        "job unit has no key 'stpes' (did you mean steps?)",
        "job unit: timeout is no time",
        "job unit needs 'lintt', which is no job of this file (did you mean lint?)",
        "files: not a regular expression",
        "step 1 has no key 'comand' (did you mean command?)",
        "step 2: there is no suite 'pytset' (did you mean pytest?)",
        "'../q' is no path within the project's folder",
        "a job cannot be named 'noop'",
        "the file has no key 'env'",
    ):
        assert words in whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "gatelocal.yaml: there is nothing in it"),
        ("jobs: {}\n", "gatelocal.yaml:1: there is no job in it"),
        ("jobs:\n", "gatelocal.yaml:1: jobs is no mapping"),
        ("- job: x\n", "gatelocal.yaml:1: the file is no mapping"),
        ("x: 1\n", "gatelocal.yaml:1: the file has no key 'x'"),
        ("jobs:\n  a:\n", "gatelocal.yaml:2: job a has no steps"),
        ("jobs:\n  a: {}\n", "gatelocal.yaml:2: job a has no steps"),
        ("jobs:\n  a: {tox: py3, steps: [x]}\n", "gatelocal.yaml:2: job a has both tox and steps"),
        ("jobs:\n  a: x\n  a: y\n", "gatelocal.yaml:3: 'a' stands twice"),
        ("jobs:\n  a: {steps: [x], needs: b}\n  b: {steps: [y], needs: a}\n", "round in a circle: a -> b -> a"),
        ("jobs:\n  a: {steps: [x], needs: a}\n", "round in a circle: a -> a"),
        ("jobs:\n  a: [[x]]\n", "gatelocal.yaml:2: job a: step 1: the command: not a text"),
        ("jobs:\n  a: ['  ']\n", "the command is empty"),
        ('jobs:\n  a: "x\\0y"\n', "a NUL character"),
        ("jobs:\n  a: " + "x" * 20_001 + "\n", "longer than 20000 bytes"),
        ("jobs:\n  a: !secret x\n", "gatelocal.yaml:2: job a: step 1: the command: not a text"),
        ("jobs:\n  a: &x [*x]\n", "an alias contains itself"),
        ("jobs:\n  a: [" + "x, " * 501 + "]\n", "has 501 steps, more than 500"),
        ("jobs:\n  ../a: x\n", "a job cannot be named '../a'"),
        ('jobs:\n  "a\\e[31m": x\n', "a job cannot be named 'a\\x1b[31m'"),
        ("jobs:\n  gatelocal-x: x\n", "a job cannot be named 'gatelocal-x'"),
        ("jobs:\n  a: {steps: [x], environment: {A-B: c}}\n", "no variable can be named 'A-B'"),
        ("jobs:\n  a: {steps: [x], environment: [A]}\n", "job a: environment is no mapping"),
        (
            "jobs:\n  a:\n    environment: {A: " + "x" * 11_000 + ", B: " + "x" * 11_000 + "}\n    steps: x\n",
            "longer than 20000",
        ),
        ("jobs:\n  a: {steps: [x], artifacts: [/etc/passwd]}\n", "'/etc/passwd' is no path within"),
        ("jobs:\n  a: {steps: [{command: x, directory: a/../../b}]}\n", "is no path within"),
        ("jobs:\n  a: {steps: [x], nodes: {b: c}, label: d}\n", "job a has both label and nodes"),
        ("jobs:\n  a: {tox: x, nodes: {b: c}}\n", "job a has both tox and nodes"),
        ("jobs:\n  a: {steps: [x], nodes: {localhost: c}}\n", "a node cannot be named 'localhost'"),
        ("jobs:\n  a: {steps: [x], nodes: {'-b': c}}\n", "a node cannot be named '-b'"),
        ("jobs:\n  a: {steps: [x], nodes: {}}\n", "nodes names no node"),
        ("jobs:\n  a: {steps: [{command: x, node: bb}], nodes: {bc: d}}\n", "job a has no node 'bb'"),
        ("jobs:\n  a: {steps: [{command: x, node: b}]}\n", "job a has no node 'b'"),
        ("jobs:\n  a: {steps: [x], voting: maybe}\n", "voting is neither true nor false"),
        ("jobs:\n  a: {steps: [x], timeout: 0}\n", "timeout is no time"),
        ("jobs: [\n", "gatelocal.yaml:2: not YAML"),
        ("\t\n", "gatelocal.yaml:1: not YAML"),
        ("a: 1\n--- \nb: 2\n", "a second document begins"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(text: str, words: str) -> None:
    assert words in "\n".join(told(text))


def test_several_nodes_are_a_nodeset_and_can_be_run_on() -> None:
    text = "jobs:\n  a:\n    nodes: {web: debian-trixie, db: debian-bookworm}\n    steps: [{command: x, node: db}]\n"
    (job,) = jobs(text).values()
    assert (job.run, job.family) == (True, "steps")
    assert [(one.names, one.label) for one in job.nodesets[0].nodes] == [
        (("web",), "debian-trixie"),
        (("db",), "debian-bookworm"),
    ]


def test_what_is_repeated_by_alias_counts_for_each_job() -> None:
    text = "jobs:\n  a: &a\n    timeout: 10\n    steps: [x]\n  b:\n    <<: *a\n    timeout: 20\n"
    found = jobs(text)
    assert [(job.timeout, job.variables["gatelocal_steps"]) for job in found.values()] == [
        (10, {"steps": [{"command": "x"}]}),
        (20, {"steps": [{"command": "x"}]}),
    ]
