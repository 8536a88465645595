"""Which jobs can be run as they are written, what is missing for the others, and what will differ from the gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatelocal.config.zuul_yaml import parse
from gatelocal.jobs.freeze import freeze, graph, with_lacks
from gatelocal.jobs.planner import Question, plan
from gatelocal.model.job import Job
from gatelocal.reporter.plan import as_json, table
from tests.gatelocal.jobs.test_planner import APP, BASE, CONFIG, GONE, JOBS, Texts, layout


def alone(text: str) -> Job:
    """The job `j` by the project's own repository."""
    stanzas = parse(f"{text}\n- project: {{gate: {{jobs: [j]}}}}\n", ".zuul.yaml")
    return next(job for job in freeze(stanzas, "acme/app", "master").jobs if job.name == "j")


def in_tenant(texts: Texts, *, as_written: bool = True) -> Job:
    """The job `j` of o/app in a tenant."""
    found = layout(texts, GONE)
    answer = plan(found, Question("o/app", "master", "gate"))
    return next(job for job in graph(found, answer, "o/app", as_written=as_written).jobs if job.name == "j")


OWN = "- job: {name: j, run: playbooks/own.yaml%s}"


def test_a_job_of_ones_own_is_run_on_top_of_the_sites_base() -> None:
    for text in (OWN % "", OWN % ", parent: base"):
        job = alone(text)
        assert (job.run, job.family, job.rule) == (True, "ansible", "matches")
        assert job.playbooks is not None
        assert [(one.project, one.branch, one.path) for one in job.playbooks.run] == [
            ("acme/app", "master", "playbooks/own.yaml")
        ]
        assert [one.id for one in job.deviations] == ["base-job", "node-name"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (OWN % ", parent: elsewhere", "parent elsewhere is defined elsewhere"),
        (OWN % ", parent: tox", "on top of tox, whose playbooks lie in zuul/zuul-jobs, which is not here"),
        (OWN % ", secrets: [word]", "the secret word"),
        (OWN % ", roles: [{zuul: acme/roles}]", "its roles lie in acme/roles, which is not here"),
        (
            OWN % ", nodeset: {nodes: [{name: x y, label: a}, {name: z, label: b}]}",
            "its node 'x y' is none for a network",
        ),
        (OWN % ", nodeset: {nodes: []}", "it has no node: all of it would run on this machine"),
        (OWN % ", include-vars: [x.yaml]", "include-vars"),
        (OWN % ", vars: {a: [!encrypted/pkcs1-oaep [aGVsbG8=]]}", "encrypted"),
    ],
)
def test_what_is_missing_is_said_exactly(text: str, why: str) -> None:
    job = alone(text)
    assert (job.run, job.family) == (False, "")
    assert why in job.reason


def test_a_job_of_several_nodes_is_run_with_all_that_it_says_of_them() -> None:
    text = (
        "- nodeset: {name: two, nodes: [{name: a, label: x}, {name: [b, c], label: y}],"
        " groups: [{name: g, nodes: [b]}]}\n"
        "- nodeset: {name: any, alternatives: [two, {nodes: [{name: a, label: z}]}]}\n"
    )
    job = alone(text + OWN % ", nodeset: any")
    assert (job.run, job.family) == (True, "ansible"), job.reason
    two, one = job.nodesets
    assert [(node.names, node.label) for node in two.nodes] == [(("a",), "x"), (("b", "c"), "y")]
    assert [(group.name, group.nodes) for group in two.groups] == [("g", ("b",))]
    assert [(node.names, node.label) for node in one.nodes] == [(("a",), "z")]


def test_roles_of_a_required_project_are_there() -> None:
    job = alone(OWN % ", required-projects: [acme/roles], roles: [{zuul: acme/roles}]")
    assert job.run and job.playbooks is not None
    roles = [(one.project, one.explicit) for one in job.playbooks.roles]
    assert roles == [("acme/app", False), ("acme/roles", True)]


def test_playbooks_in_zuuls_order_with_their_levels_and_variables_apart() -> None:
    text = """
- job: {name: root, pre-run: [a.yaml, b.yaml], run: root.yaml, post-run: [y.yaml, z.yaml], cleanup-run: c.yaml}
- job: {name: middle, parent: root, pre-run: m.yaml, run: middle.yaml, post-timeout: 99, attempts: 5}
- job:
    name: j
    parent: middle
    pre-run: l.yaml
    post-run: x.yaml
    cleanup-run: d.yaml
    nodeset: {nodes: [{name: [one, alias], label: deb}], groups: [{name: g, nodes: [one]}]}
    vars: {a: 1}
    extra-vars: {b: 2}
    host-vars: {one: {c: 3}}
    group-vars: {g: {d: 4}}
"""
    job = alone(text)
    books = job.playbooks
    assert books is not None
    assert [(one.path, one.level) for one in books.pre] == [("a.yaml", 1), ("b.yaml", 1), ("m.yaml", 2), ("l.yaml", 3)]
    assert [(one.path, one.level) for one in books.run] == [("middle.yaml", 2)]
    assert [(one.path, one.level) for one in books.post] == [("x.yaml", 3), ("y.yaml", 1), ("z.yaml", 1)]
    assert [one.path for one in books.cleanup] == ["d.yaml", "c.yaml"]
    assert (books.post_timeout, books.attempts) == (99, 5)
    assert (books.extra_variables, books.host_variables, books.group_variables) == (
        {"b": 2},
        {"one": {"c": 3}},
        {"g": {"d": 4}},
    )
    (nodeset,) = job.nodesets
    assert [(one.names, one.label) for one in nodeset.nodes] == [(("one", "alias"), "deb")]
    assert [(one.name, one.nodes) for one in nodeset.groups] == [("g", ("one",))]


def test_a_tox_job_stays_what_it_was() -> None:
    job = alone("- job: {name: j, parent: tox, pre-run: own.yaml, vars: {tox_envlist: py3}}")
    assert (job.family, job.playbooks, [one.id for one in job.deviations]) == (
        "tox",
        None,
        ["tox-steps", "tox-playbook"],
    )


def test_a_tox_job_is_run_as_it_is_written_where_its_playbooks_are_at_hand() -> None:
    texts = {
        JOBS: {"master": "- job: {name: tox, run: playbooks/tox/run.yaml, pre-run: playbooks/tox/pre.yaml}\n"},
        APP: {
            "master": "- job: {name: j, parent: tox, nodeset: {nodes: [{name: n, label: d}]}}\n"
            "- project: {gate: {jobs: [j]}}\n"
        },
    }
    shared = replace(JOBS, name="zuul/zuul-jobs")
    here = in_tenant({shared: texts[JOBS], APP: texts[APP]})
    assert (here.family, here.run) == ("ansible", True), here.reason
    assert here.playbooks is not None and [one.path for one in here.playbooks.run] == ["playbooks/tox/run.yaml"]
    on_this_machine = in_tenant({shared: texts[JOBS], APP: texts[APP]}, as_written=False)
    assert (on_this_machine.family, on_this_machine.playbooks) == ("tox", None)
    secret = "- job: {name: j, parent: tox, pre-run: own.yaml, secrets: [s]}\n- project: {gate: {jobs: [j]}}\n"
    lacking = in_tenant({shared: texts[JOBS], APP: {"master": secret}})
    assert (lacking.family, [one.id for one in lacking.deviations]) == (
        "tox",
        ["tox-steps", "tox-playbook", "secret"],
    )


SHARED = "- job: {name: shared, run: shared.yaml, pre-run: before.yaml, nodeset: {nodes: [{name: n, label: d}]}}\n"
OF_CONFIG = """
- job:
    {name: j, parent: base, pre-run: before.yaml, run: check.yaml, nodeset: {nodes: [{name: n, label: d}]}}
"""
SECRET = "- secret: {name: word, data: {word: !encrypted/pkcs1-oaep [aGVsbG8=]}}\n"
OF_APP = "- job: {name: j, parent: shared}\n- project: {gate: {jobs: [j]}}\n"


def test_in_a_tenant_playbooks_of_other_projects_are_had_and_the_sites_are_left_out() -> None:
    job = in_tenant({JOBS: {"master": SHARED}, APP: {"master": OF_APP}})
    assert (job.run, job.family) == (True, "ansible"), job.reason
    assert job.playbooks is not None
    assert [(one.project, one.path) for one in job.playbooks.all()] == [
        ("h/o/jobs", "before.yaml"),
        ("h/o/jobs", "shared.yaml"),
    ]
    assert [one.project for one in job.playbooks.roles] == ["h/o/app", "h/o/jobs"]
    told = [str(one) for one in job.deviations if one.id == "site-playbook"]
    assert told == [
        "what the site does around its jobs is not done (h/o/config: pre.yaml, a.yaml, b.yaml) [site-playbook]"
    ]


def test_in_a_tenant_a_run_playbook_of_the_site_is_not_run() -> None:
    job = in_tenant({APP: {"master": "- job: {name: j}\n- project: {gate: {jobs: [j]}}\n"}})
    assert not job.run
    assert job.reason == f"its playbook run.yaml is the site's own (config-project {CONFIG.canonical})"


def test_in_a_tenant_a_playbook_of_a_config_project_is_run_where_it_is_none_of_the_base_job() -> None:
    job = in_tenant({CONFIG: {"master": f"{BASE}{OF_CONFIG}"}, APP: {"master": "- project: {gate: {jobs: [j]}}\n"}})
    assert (job.run, job.family) == (True, "ansible"), job.reason
    assert job.playbooks is not None
    assert [(one.project, one.path, one.trusted) for one in job.playbooks.all()] == [
        ("h/o/config", "before.yaml", True),
        ("h/o/config", "check.yaml", True),
    ]
    assert [(one.project, one.trusted) for one in job.playbooks.roles] == [("h/o/config", True)]
    secret = OF_CONFIG.replace("check.yaml", "check.yaml, secrets: [word]") + SECRET
    job = in_tenant({CONFIG: {"master": f"{BASE}{secret}"}, APP: {"master": "- project: {gate: {jobs: [j]}}\n"}})
    assert job.reason == "it needs the secret word"


def test_in_a_tenant_a_repository_that_was_not_found_is_named() -> None:
    job = in_tenant(
        {
            JOBS: {"master": SHARED},
            APP: {"master": OF_APP.replace("parent: shared", "parent: shared, roles: [{zuul: o/gone}]")},
        }
    )
    assert job.reason == "its roles lie in h/o/gone, which is not here"


def test_a_plan_says_which_of_its_jobs_could_not_be_run_here() -> None:
    found = layout({APP: {"master": "- job: {name: j}\n- project: {gate: {jobs: [j, noop]}}\n"}})
    answer = with_lacks(found, plan(found, Question("o/app", "master", "gate")))
    assert "1 of these cannot be run here:" in table(answer)
    (lacking,) = [line for line in table(answer) if "the site's own" in line]
    assert lacking.startswith("  j ")
    assert [(one.name, one.run, bool(one.lacks)) for one in answer.jobs] == [("j", True, True), ("noop", True, False)]
    told = as_json(answer)["jobs"]
    assert isinstance(told, list)
    assert [(one["runnable"], one["lacks"]) for one in told] == [(False, answer.jobs[0].lacks), (True, "")]


def test_what_a_job_asks_for_and_does_not_get_is_told() -> None:
    job = alone(OWN % ", ansible-version: '9', ansible-split-streams: true")
    assert {"ansible-version", "split-streams"} < {one.id for one in job.deviations}
