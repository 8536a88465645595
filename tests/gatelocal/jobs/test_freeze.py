"""Stanzas → jobs, by Zuul's rules, inside one repository."""

from __future__ import annotations

import pytest

from gatelocal.config.zuul_yaml import parse
from gatelocal.errors import ConfigurationError
from gatelocal.jobs.freeze import freeze, only
from gatelocal.model.job import Job, JobGraph

BASE = """
- job:
    name: unit
    parent: tox
    abstract: true
    timeout: 1800
    required-projects: [acme/lib]
    irrelevant-files: [^doc/.*$]
    vars:
      tox_environment: {LANG: C, SEED: "0"}
      packages: [git, gcc]
- job:
    name: unit-py3
    parent: unit
    required-projects: [acme/other, acme/lib]
    vars:
      tox_envlist: py3
      packages: [git]
      tox_environment: {SEED: "1"}
- job: {name: unit-pep8, parent: unit, voting: false, timeout: 60, vars: {tox_envlist: pep8}, irrelevant-files: []}
"""


def frozen(text: str, branch: str = "master", **rest: object) -> JobGraph:
    return freeze(parse(text, ".zuul.yaml"), "acme/app", branch, **rest)  # type: ignore[arg-type]


def job_of(text: str, name: str, **rest: object) -> Job:
    return next(job for job in frozen(text, **rest).jobs if job.name == name)  # type: ignore[arg-type]


def test_inheritance_from_the_root_to_the_leaf_and_the_projects_own_words_last() -> None:
    text = BASE + "- project:\n    vars: {tox_envlist: none, channel: x}\n    gate:\n      jobs:\n"
    text += "        - unit-py3:\n            timeout: 99\n            vars: {tox_environment: {COVERAGE: '1'}}\n"
    job = job_of(text, "unit-py3")
    assert job.variables == {
        "channel": "x",
        "tox_envlist": "py3",
        "packages": ["git"],
        "tox_environment": {"LANG": "C", "SEED": "1", "COVERAGE": "1"},
    }
    assert job.parents == ("unit", "tox")
    assert job.required_projects == ("acme/lib", "acme/other")
    assert (job.timeout, job.voting, job.family, job.run) == (99, True, "tox", True)
    assert job.defined_in == (".zuul.yaml:2", ".zuul.yaml:12")


def test_gate_is_asked_first_and_check_when_there_is_no_gate() -> None:
    both = BASE + "- project: {check: {jobs: [unit-pep8]}, gate: {jobs: [unit-py3]}}\n"
    check = BASE + "- project: {check: {jobs: [unit-pep8]}}\n"
    assert [(g.pipeline, [j.name for j in g.jobs]) for g in (frozen(both), frozen(check))] == [
        ("gate", ["unit-py3"]),
        ("check", ["unit-pep8"]),
    ]


def test_stanzas_of_the_project_by_name_and_pattern_with_templates() -> None:
    text = BASE + (
        "- project-template: {name: t, vars: {a: template, b: template}, gate: {jobs: [unit-pep8]}}\n"
        "- project: {name: ^acme/.*$, gate: {jobs: [{unit-py3: {timeout: 7}}]}}\n"
        "- project: {name: h/acme/app, templates: [t, elsewhere], vars: {a: project}, gate: {jobs: [unit-py3]}}\n"
        "- project: {name: acme/application, gate: {jobs: [no]}}\n"
    )
    graph = frozen(text)
    assert [(job.name, job.timeout) for job in graph.jobs] == [("unit-pep8", 60), ("unit-py3", 7)]
    assert {"a": "project", "b": "template"}.items() <= dict(graph.jobs[0].variables).items()
    assert len(graph.notes) == 1
    assert "template elsewhere" in graph.notes[0]


def test_variants_apply_on_their_branches() -> None:
    text = BASE + (
        "- job: {name: unit-py3, branches: ^stable/, timeout: 5}\n"
        "- job: {name: only-stable, parent: tox, branches: ^stable/, vars: {tox_envlist: x}}\n"
        "- project: {gate: {jobs: [unit-py3, only-stable, {unit-pep8: {branches: ^stable/}}]}}\n"
    )
    rules = {job.name: (job.rule, job.run, job.timeout) for job in frozen(text).jobs}
    assert rules == {
        "unit-py3": ("matches", True, 1800),
        "only-stable": ("no-variant", False, None),
        "unit-pep8": ("branch", False, None),
    }
    stable = {job.name: job.timeout for job in frozen(text, "stable/1").jobs if job.run}
    assert stable == {"unit-py3": 5, "only-stable": None, "unit-pep8": 60}


@pytest.mark.parametrize(
    ("definition", "rule", "reason"),
    [
        ("{name: j, parent: grenade}", "undefined", "parent grenade is defined elsewhere"),
        ("{name: j}", "undefined", "parent base is defined elsewhere"),
        ("{name: other}", "undefined", "it is defined elsewhere"),
        ("{name: j, parent: tox, abstract: true}", "error", "abstract"),
        ("{name: j, parent: tox, run: playbooks/own.yaml}", "unsupported", "playbooks/own.yaml"),
        (
            "{name: j, parent: tox, nodeset: {nodes: [{name: x, label: a}, {name: y, label: b}]}}",
            "unsupported",
            "2 nodes",
        ),
        ("{name: j, parent: tox, files: [^x$]}", "files", "files"),
        ("{name: j, parent: tox, irrelevant-files: [^a]}", "irrelevant-files", "irrelevant-files"),
    ],
)
def test_what_cannot_or_need_not_run_is_a_value_with_its_reason(definition: str, rule: str, reason: str) -> None:
    job = job_of(f"- job: {definition}\n- project: {{gate: {{jobs: [j]}}}}\n", "j", changed=["a.py"])
    assert (job.run, job.rule) == (False, rule)
    assert reason in job.reason


def test_a_child_of_a_final_job_is_an_error() -> None:
    text = "- job: {name: a, parent: tox, final: true}\n- job: {name: b, parent: a}\n- project: {gate: {jobs: [b]}}\n"
    assert ".zuul.yaml:1" in job_of(text, "b").reason


def test_a_job_whose_definition_changes_runs_whatever_its_matchers_say() -> None:
    text = BASE + "- project: {gate: {jobs: [unit-py3, unit-pep8]}}\n"
    before = parse(text.replace("LANG: C", "LANG: D"), ".zuul.yaml")
    same = frozen(text, changed=["doc/a"], before=parse(text, ".zuul.yaml"))
    assert [job.rule for job in same.jobs] == ["irrelevant-files", "matches"]
    assert job_of(text, "unit-py3", changed=["doc/a"], before=before).rule == "config-changed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tox-py312", {"tox_envlist": "py312"}),
        ("openstack-tox-pep8", {"tox_envlist": "pep8", "bindep_profile": "test pep8"}),
        ("openstack-tox-functional-py311", {"tox_envlist": "functional-py311", "bindep_profile": "test py311"}),
    ],
)
def test_shared_tox_jobs_are_known_by_their_names(name: str, expected: dict[str, object]) -> None:
    job = job_of(f"- project: {{gate: {{jobs: [{name}]}}}}\n", name)
    assert expected.items() <= dict(job.variables).items()
    assert job.run
    assert job.required_projects == (("openstack/requirements",) if name.startswith("openstack") else ())


def test_an_override_replaces_and_an_inherit_adds() -> None:
    text = BASE + (
        "- job: {name: x, parent: unit, required-projects: !override [b], irrelevant-files: !inherit [^t/],"
        " vars: !override {tox_envlist: x}}\n- project: {gate: {jobs: [x]}}\n"
    )
    job = job_of(text, "x", changed=["doc/a", "t/b"])
    assert (job.rule, job.required_projects, dict(job.variables)) == ("irrelevant-files", ("b",), {"tox_envlist": "x"})


def test_labels_and_deviations() -> None:
    text = (
        "- nodeset: {name: deb, nodes: [{name: n, label: debian-12}]}\n"
        "- job: {name: a, parent: tox, nodeset: deb, pre-run: [p/pre.yaml]}\n"
        "- job: {name: b, parent: tox, nodeset: ubuntu-noble,"
        " required-projects: [{name: x, override-checkout: stable/1}]}\n"
        "- project: {gate: {jobs: [a, b]}}\n"
    )
    a, b = frozen(text).jobs
    assert [job.nodesets[0].nodes[0].label for job in (a, b)] == ["debian-12", "ubuntu-noble"]
    assert [(one.id, "p/pre.yaml" in one.text) for one in a.deviations] == [
        ("tox-steps", False),
        ("tox-playbook", True),
    ]
    assert [one.id for one in b.deviations] == ["tox-steps"], "an override-checkout is honoured with the trees"


def test_jobs_keep_their_order_and_know_what_they_depend_on() -> None:
    text = (
        "- project: {gate: {jobs: [{tox-py311: {dependencies: [tox-docs, absent]}}, tox-pep8,"
        " {tox-docs: {dependencies: [{name: tox-cover, soft: true}]}}, tox-cover]}}\n"
    )
    assert [(job.name, job.dependencies) for job in frozen(text).jobs] == [
        ("tox-py311", ("tox-docs", "absent")),
        ("tox-pep8", ()),
        ("tox-docs", ("tox-cover",)),
        ("tox-cover", ()),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- project: {name: other/x, gate: {jobs: [a]}}", "no project stanza for acme/app"),
        ("- project: {gate: {jobs: []}}", r".zuul.yaml:1: acme/app runs no job in gate or check"),
        ("- project: {gate: {jobs: [{a: 1}]}}", ".zuul.yaml:1: project: an entry of a job list"),
        ("- project: {gate: {jobs: [{tox-py3: {timeout: soon}}]}}", "timeout: not a number of seconds"),
        ("- project: {gate: {jobs: [{tox-py3: {vars: [a]}}]}}", "vars: not a mapping"),
        ("- project: {gate: {jobs: [{tox-py3: {voting: maybe}}]}}", "voting: neither"),
        ("- project: {gate: {jobs: [{tox-py3: {files: '('}}]}}", "not a regular expression"),
        ("- job: {name: a, parent: b}\n- job: {name: b, parent: a}\n- project: {gate: {jobs: [a]}}", "a → b → a"),
        (
            "- project: {gate: {jobs: [{tox-py3: {dependencies: tox-py4}}, {tox-py4: {dependencies: tox-py3}}]}}",
            "in a circle: tox-py3 → tox-py4 → tox-py3",
        ),
    ],
)
def test_a_wrong_configuration_is_an_error_that_says_where(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        frozen(text)


def test_only_the_jobs_that_were_asked_for() -> None:
    graph = frozen(BASE + "- project: {gate: {jobs: [unit-py3, unit-pep8]}}\n")
    assert [job.name for job in only(graph, ["unit-pep8"]).jobs] == ["unit-pep8"]
    with pytest.raises(ConfigurationError) as caught:
        only(graph, ["unit-py4"])
    assert caught.value.hint == "its jobs: unit-py3, unit-pep8"
