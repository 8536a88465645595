"""What Zuul 14.3 refuses, and what it takes for an altered job; each expectation is what its own code answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gatelocal.config.plan_file import load
from gatelocal.config.repositories import checked
from gatelocal.config.tenants import tenant_of
from gatelocal.errors import InputError
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import Layout, lay_out
from gatelocal.model.plan import Plan
from gatelocal.model.tenant import Repository
from tests.gatelocal.jobs.test_zuul_rules import BASE, tenant_value

LIST = "- project: {gate: {jobs: [j]}}\n"


def layout(
    text: str,
    *,
    config: str = "",
    tenant: Mapping[str, object] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> Layout:
    """A tenant in which o/app says `text`, and o/config `config` after two pipelines and a base job."""
    found = tenant_of({**tenant_value(options or {}), **(tenant or {})}, {}, "main.yaml")
    texts = {"o/app": text, "o/config": BASE + config}
    files = {one: (checked("zuul.yaml", texts.get(one.name, "")),) for one in found.projects}
    return lay_out(found, [Repository(one, ("master",), {"master": read}) for one, read in files.items()])


def planned(found: Layout, **more: Any) -> Plan:
    return plan(found, Question("o/app", "master", more.pop("pipeline", "gate"), **more))


def rules(found: Plan) -> dict[str, str]:
    return {job.name: job.rule for job in found.jobs}


def messages(found: Layout) -> str:
    return " | ".join(f"{one.kind} {one.name}: {one.problem.message}" for one in found.complaints)


# ---- config-changed: a file matcher keeps the job away unless the change alters the job (Job.getConfigHash)

FILES = "- job: {name: j, run: p, files: [src]}\n"


def altered(before: str, after: str) -> dict[str, str]:
    return rules(planned(layout(after), changed=["zuul.yaml"], before=layout(before)))


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("hold-following-changes: true", "files"),
        ("success-message: m", "files"),
        ("failure-message: m", "files"),
        ("override-branch: b", "files"),
        ("match-on-config-updates: true", "files"),
        ("description: d", "files"),
        ("allowed-projects: o/app", "files"),
        ("irrelevant-files: [x]", "files"),
        ("preserve-home-paths: [x]", "files"),
        ("voting: true", "files"),
        ("attempts: 3", "files"),
        ("workspace-scheme: golang", "files"),
        ("parent: base", "config-changed"),
        ("final: true", "config-changed"),
        ("post-review: true", "config-changed"),
        ("protected: true", "config-changed"),
        ("voting: false", "config-changed"),
        ("attempts: 2", "config-changed"),
        ("timeout: 5", "config-changed"),
        ("override-checkout: b", "config-changed"),
        ("tags: t", "config-changed"),
        ("required-projects: o/lib", "config-changed"),
        ("semaphores: s", "config-changed"),
        ("deduplicate: true", "config-changed"),
        ("vars: {a: 1}", "config-changed"),
    ],
)
def test_what_counts_as_an_altered_job(setting: str, rule: str) -> None:
    assert altered(FILES + LIST, FILES.replace("}", f", {setting}}}") + LIST) == {"j": rule}


def test_a_configuration_that_froze_no_graph_before_says_nothing_on_what_changed() -> None:
    template = "- project-template: {name: t, gate: {jobs: [j]}}\n"
    use = "- project: {templates: [t]}\n"
    assert altered(FILES + use, FILES + template + use) == {"j": "files"}
    two = "- job: {name: k, run: p, abstract: ABSTRACT}\n- project: {gate: {jobs: [j, k]}}\n"
    assert altered(FILES + two.replace("ABSTRACT", "true"), FILES + two.replace("ABSTRACT", "false")) == {
        "j": "files",
        "k": "matches",
    }
    assert altered(template + use, FILES + template + use) == {"j": "files"}


def test_a_job_that_was_not_there_before_is_an_altered_one() -> None:
    assert altered(FILES, FILES + LIST) == {"j": "config-changed"}
    assert altered(FILES.replace("[src]", "[other]") + LIST, FILES + LIST) == {"j": "files"}


def test_a_job_that_another_needs_is_refused_where_it_may_not_run() -> None:
    text = "- job: {name: a, abstract: true, files: [src], run: p}\n- job: {name: j, run: p, dependencies: [a]}\n"
    lists = "- project: {gate: {jobs: [a, j]}}\n"
    assert rules(planned(layout(text + lists), changed=["x"])) == {"a": "error", "j": "matches"}
    alone = text.replace(", dependencies: [a]", "")
    assert rules(planned(layout(alone + lists), changed=["x"])) == {"a": "files", "j": "matches"}


# ---- secrets


@pytest.mark.parametrize(
    ("body", "tenant", "message"),
    [
        ("name: s", {}, "either data or oidc"),
        ("name: s, data: {a: 1}, oidc: {}", {}, "either data or oidc"),
        ("name: s, data: text", {}, "not a mapping"),
        ("name: s, oidc: {algorithm: nope}", {}, "none of RS256"),
        ("name: s, oidc: {ttl: 10801}", {}, "more than the 10800 seconds"),
        ("name: s, oidc: {ttl: 70}", {"max-oidc-ttl": 60}, "more than the 60 seconds"),
        ("name: s, oidc: {iss: 'https://x'}", {}, "does not allow 'https://x'"),
    ],
)
def test_a_secret_that_zuul_does_not_take_is_there_for_nobody(
    body: str, tenant: Mapping[str, object], message: str
) -> None:
    text = f"- secret: {{{body}}}\n- job: {{name: j, run: p, secrets: [s]}}\n{LIST}"
    found = layout(text, tenant=tenant)
    assert message in messages(found)
    assert rules(planned(found)) == {"j": "error"}
    assert planned(found).errors


@pytest.mark.parametrize("body", ["data: {}", "oidc: null", "oidc: {algorithm: RS256, ttl: 10800, iss: i}"])
def test_a_secret_that_it_takes(body: str) -> None:
    text = f"- secret: {{name: s, {body}}}\n- job: {{name: j, run: p, secrets: [s]}}\n{LIST}"
    found = layout(text, tenant={"allowed-oidc-issuers": "i"})
    assert (messages(found), rules(planned(found))) == ("", {"j": "matches"})


@pytest.mark.parametrize("name", ["bad-name", "zuul", "ansible_host"])
def test_a_name_that_a_secret_cannot_go_by(name: str) -> None:
    found = layout(
        f"- secret: {{name: s, data: {{}}}}\n- job: {{name: j, run: p, secrets: [{{name: {name}, secret: s}}]}}\n{LIST}"
    )
    assert name in messages(found)
    assert planned(found).errors


# ---- labels


@pytest.mark.parametrize(
    ("tenant", "taken"),
    [
        ({"allowed-labels": ["ok"]}, False),
        ({"allowed-labels": ["ok", "b"]}, True),  # a pattern that matches from the beginning
        ({"disallowed-labels": "bad"}, False),
        ({"allowed-labels": [".*"], "disallowed-labels": ["ok"]}, True),
        ({"allowed-labels": ["ok"], "use-nodepool": False}, False),
    ],
)
def test_labels_that_the_tenant_allows(tenant: Mapping[str, object], taken: bool) -> None:
    nodeset = "nodeset: {nodes: [{name: n, label: bad}]}"
    for text in (f"- job: {{name: j, run: p, {nodeset}}}\n{LIST}", f"- nodeset: {{name: n, {nodeset[10:-1]}}}\n"):
        assert (messages(layout(text, tenant=tenant)) == "") == taken, text
    entry = layout(f"- job: {{name: j, run: p}}\n- project: {{gate: {{jobs: [j: {{{nodeset}}}]}}}}\n", tenant=tenant)
    assert bool(planned(entry).jobs) == (taken or "use-nodepool" in tenant)


def test_labels_that_are_configuration_must_be_there() -> None:
    text = "- nodeset: {name: n, nodes: [{name: a, label: LABEL}]}\n"
    own = {"use-nodepool": False}
    label = "- image: {name: i}\n- flavor: {name: f}\n- label: {name: here, image: i, flavor: f}\n"
    assert "there is no label gone" in messages(layout(text.replace("LABEL", "gone"), config=label, tenant=own))
    assert messages(layout(text.replace("LABEL", "here"), config=label, tenant=own)) == ""
    assert messages(layout(text.replace("LABEL", "gone"))) == ""


def test_an_alternative_that_nobody_defines_is_told_where_it_stands() -> None:
    assert "there is no nodeset gone" in messages(layout("- nodeset: {name: n, alternatives: [gone]}\n"))


# ---- kinds of jobs, versions, paths


def test_reporter_jobs_need_the_leave_of_the_tenant() -> None:
    text = f"- job: {{name: j, run: p, type: reporter}}\n{LIST}"
    assert rules(planned(layout(text))) == {"j": "error"}
    assert rules(planned(layout(text, options={"o/app": {"allow-reporter-jobs": True}}))) == {"j": "matches"}


def test_all_regular_jobs_wait_for_the_initializers() -> None:
    text = "- job: {name: i, run: p, type: initializer, dependencies: [NEEDS]}\n- job: {name: j, run: p}\n"
    lists = "- project: {gate: {jobs: [i, j, k]}}\n- job: {name: k, run: p, type: initializer}\n"
    assert rules(planned(layout(text.replace("NEEDS", "j") + lists))) == {"i": "error", "j": "error", "k": "matches"}
    assert rules(planned(layout(text.replace("NEEDS", "k") + lists))) == dict.fromkeys("ijk", "matches")


@pytest.mark.parametrize("setting", ["ansible-version: 2.8", "ansible-version: 10", "preserve-home-paths: .ssh/config"])
def test_a_job_that_zuul_does_not_define(setting: str) -> None:
    assert rules(planned(layout(f"- job: {{name: j, run: p, {setting}}}\n{LIST}"))) == {"j": "undefined"}


@pytest.mark.parametrize("setting", ["ansible-version: 9", "ansible-version: '11'", "preserve-home-paths: [.ssh/id]"])
def test_a_job_that_it_does_define(setting: str) -> None:
    assert rules(planned(layout(f"- job: {{name: j, run: p, {setting}}}\n{LIST}"))) == {"j": "matches"}


# ---- the tenant


@pytest.mark.parametrize(
    ("tenant", "options", "message"),
    [
        ({"nonsense": 1}, {}, "'nonsense' is no key"),
        ({"default-ansible-version": "2.5"}, {}, "none of those that Zuul has: 9 and 11"),
        ({"semaphores": ["gone"]}, {}, "no global-semaphore gone"),
        ({"role-mappings": {"rule": ["role"]}}, {}, "no authorization-rule rule"),
        ({"allowed-labels": ["("]}, {}, "not a regular expression"),
        ({}, {"o/app": {"extra-config-paths": ["zuul.d/"]}}, "read anyhow"),
        ({}, {"o/app": {"configure-projects": ["o/.*"]}}, "o/config is a config-project"),
        ({}, {"o/config": {"allow-reporter-jobs": True}}, "for untrusted-projects only"),
        ({}, {"o/app": {"allow-base-jobs": True}}, "for config-projects only"),
    ],
)
def test_a_tenant_that_zuul_refuses(
    tenant: Mapping[str, object], options: Mapping[str, Mapping[str, object]], message: str
) -> None:
    with pytest.raises(InputError, match=r"main\.yaml") as told:
        layout("", tenant=tenant, options=options)
    assert message in told.value.brief


def test_what_stands_beside_the_tenant_may_be_named_in_it(tmp_path: Path) -> None:
    main = (
        "- global-semaphore: {name: s, max: 2}\n- authorization-rule: {name: a, conditions: []}\n- role: {name: r}\n"
        "- tenant: {name: t, semaphores: [s], role-mappings: {a: [r]}, source: {}}\n"
    )
    (tmp_path / "main.yaml").write_text(main, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text("tenant-file: main.yaml\nrepositories: []\n", encoding="utf-8")
    assert load(tmp_path / "plan.yaml").tenant.semaphores == {"s"}
    (tmp_path / "main.yaml").write_text(main.replace("[r]", "[x]"), encoding="utf-8")
    with pytest.raises(InputError, match="no role x"):
        load(tmp_path / "plan.yaml")


def test_a_project_that_is_not_there_cannot_be_shadowed() -> None:
    found = layout(f"- job: {{name: j, run: p}}\n{LIST}", options={"o/app": {"shadow": "zz"}})
    assert "no project zz, which it shadows" in messages(found)
    assert rules(planned(found)) == {"j": "matches"}


@pytest.mark.parametrize("kind", ["authorization-rule", "global-semaphore"])
def test_what_belongs_into_main_yaml_is_nothing_in_a_repository(kind: str) -> None:
    assert f"no kind of stanza named {kind!r}" in messages(layout(f"- {kind}: {{name: x}}\n"))


# ---- pipelines


@pytest.mark.parametrize(
    ("body", "tenant", "message"),
    [
        ("", {}, "no manager"),
        ("manager: zzz", {}, "manager: not independent"),
        ("manager: serial, merge-failure-message: m", {}, "'merge-failure-message' is no key"),
        ("manager: serial, window: -1", {}, "window: less than 0"),
        ("manager: serial, window-ceiling: 2", {}, "less than window-floor"),
        ("manager: serial, trigger: {gerrit: []}", {"allowed-triggers": ["timer"]}, "triggered by gerrit"),
        ("manager: serial, success: {smtp: {}}", {"allowed-reporters": "gerrit"}, "heard by smtp"),
    ],
)
def test_a_pipeline_that_zuul_does_not_take_is_not_there(body: str, tenant: Mapping[str, object], message: str) -> None:
    text = f"- job: {{name: j, run: p}}\n{LIST}"
    found = layout(text, config=f"- pipeline: {{name: p, {body}}}\n", tenant=tenant)
    assert message in messages(found)
    with pytest.raises(InputError, match="pipeline p is wrong"):
        planned(found, pipeline="p")
    assert rules(planned(found)) == {"j": "matches"}


def test_of_two_pipelines_of_one_name_the_first_is_taken() -> None:
    found = layout("", config="- pipeline: {name: gate, manager: serial}\n")
    assert "defined already" in messages(found)
    assert found.pipelines["gate"].body["manager"] == "dependent"
    assert "supercedes" in messages(layout("", config="- pipeline: {name: p, manager: serial, supercedes: nowhere}\n"))


def test_parameters_are_for_pipelines_that_take_them() -> None:
    text = (
        "- job: {name: j, run: p}\n- project: {gate: {jobs: [j], parameters: [{name: a, type: string}]}}\n"
        "- project: {gate: {jobs: [noop]}}\n"
    )
    found = layout(text)
    assert "does not take parameters" in messages(found)
    assert rules(planned(found)) == {"noop": "matches"}


# ---- words


def test_who_may_run_a_job_and_what_does_not_belong_in_a_list() -> None:
    text = (
        "- secret: {name: s, data: {}}\n- job: {name: j, run: p, secrets: [s], allowed-projects: [o/lib]}\n"
        f"- job: {{name: k, run: p, semaphores: !override [s]}}\n{LIST}"
    )
    found = layout(text)
    (job,) = planned(found).jobs
    assert job.reason == "error: job j may be run by no project at all"
    assert "semaphores: !override has no meaning here" in messages(found)
