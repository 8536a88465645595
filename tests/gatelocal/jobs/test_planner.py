"""Zuul's rules for jobs over several repositories and branches, on values; and what a hostile repository can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from gatelocal.config.repositories import checked
from gatelocal.errors import InputError
from gatelocal.jobs.cost import cost_of
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import Layout, lay_out
from gatelocal.model.plan import FrozenJob, Plan, PlannedJob
from gatelocal.model.tenant import ConfigFile, Repository, Tenant, TenantProject
from gatelocal.reporter.plan import table
from tests.patience import within

CONFIG = TenantProject("o/config", "h", trusted=True)
JOBS = TenantProject("o/jobs", "h")
APP = TenantProject("o/app", "h")
LIB = TenantProject("o/lib", "h")
GONE = TenantProject("o/gone", "h")
BASE = (
    "- pipeline: {name: gate, manager: dependent, post-review: true}\n"
    "- pipeline: {name: check, manager: independent}\n"
    "- job: {name: base, parent: null, pre-run: pre.yaml, run: run.yaml, post-run: [a.yaml, b.yaml], timeout: 60}\n"
)
Texts = Mapping[TenantProject, Mapping[str, str]]


def layout(texts: Texts, *others: TenantProject, **settings: object) -> Layout:
    """A layout of one file for each branch of each project; `others` are in the tenant and nowhere to be found."""
    texts = {CONFIG: {"master": BASE}, **texts}
    found = []
    for project, branches in texts.items():
        files: dict[str, tuple[ConfigFile, ...]] = {
            branch: (checked("zuul.yaml", text),) for branch, text in branches.items()
        }
        found.append(Repository(project, tuple(branches), files))
    found += [Repository(project, missing="not there") for project in others]
    projects = tuple(one.project for one in found)
    return lay_out(Tenant("t", projects, **settings), found)  # type: ignore[arg-type]


def planned(texts: Texts, *others: TenantProject, **asked: object) -> Plan:
    question = {"project": "o/app", "branch": "master", "pipeline": "gate", **asked}
    return plan(layout(texts, *others), Question(**question))  # type: ignore[arg-type]


def of(found: Plan, name: str) -> PlannedJob:
    return next(one for one in found.jobs if one.name == name)


def frozen(found: Plan, name: str) -> FrozenJob:
    job = of(found, name).job
    assert job is not None, of(found, name)
    return job


def app(text: str, *jobs: str) -> Texts:
    return {APP: {"master": f"{text}- project: {{gate: {{jobs: [{', '.join(jobs)}]}}}}\n"}}


def rules(found: Plan) -> dict[str, str]:
    return {one.name: one.rule for one in found.jobs}


def paths(books: Sequence[object]) -> list[str]:
    return [f"{book.project}:{book.path}" for book in books]  # type: ignore[attr-defined]


def test_playbooks_go_around_each_other_and_the_main_one_is_replaced() -> None:
    text = (
        "- job: {name: a, pre-run: [x.yaml, y.yaml], post-run: z.yaml, run: []}\n"
        "- job: {name: b, parent: a, run: {name: own.yaml, semaphores: s}, cleanup-run: c.yaml}\n"
    )
    found = planned({JOBS: {"master": text}, **app("", "a", "b")})
    a, b = frozen(found, "a"), frozen(found, "b")
    assert paths(b.pre_run) == ["h/o/config:pre.yaml", "h/o/jobs:x.yaml", "h/o/jobs:y.yaml"]
    assert paths(b.post_run) == ["h/o/jobs:z.yaml", "h/o/config:a.yaml", "h/o/config:b.yaml"]
    assert (paths(a.run), paths(b.run), paths(b.cleanup_run)) == (
        ["h/o/config:run.yaml"],
        ["h/o/jobs:own.yaml"],
        ["h/o/jobs:c.yaml"],
    )
    assert b.run[0].semaphores == ("s",)
    assert (b.parents, a.parents) == (("a", "base"), ("base",))


def test_a_branch_of_several_speaks_for_itself_and_an_only_branch_for_all() -> None:
    jobs = {"master": "- job: {name: j, vars: {from: jobs}}\n"}
    own = {
        "master": "- job: {name: k, vars: {at: master}}\n- project: {gate: {jobs: [j, k]}}\n",
        "stable": "- job: {name: k, vars: {at: stable}}\n- project: {gate: {jobs: [j, k]}}\n",
    }
    for branch in ("master", "stable"):
        found = planned({JOBS: jobs, APP: own}, branch=branch)
        assert (frozen(found, "j").variables, frozen(found, "k").variables) == ({"from": "jobs"}, {"at": branch})
        assert [place.branch for place in frozen(found, "k").defined_in] == [branch]


def test_pragmas_say_otherwise() -> None:
    jobs = {
        "one": "- pragma: {implied-branch-matchers: false}\n- job: {name: j, vars: {a: 1}}\n",
        "two": "- pragma: {implied-branches: [^mast]}\n- job: {name: j, vars: {b: 1}}\n",
        "three": "- job: {name: j, vars: {c: 1}}\n",
    }
    found = planned({JOBS: jobs, **app("", "j")})
    assert frozen(found, "j").variables == {"a": 1, "b": 1}


def test_stanzas_by_name_come_before_stanzas_by_pattern_and_templates_before_their_stanza() -> None:
    config = BASE + (
        "- project: {name: ^o/.*$, gate: {jobs: [last]}}\n"
        "- project: {name: o/app, templates: [t], vars: {a: 1, b: 1}, gate: {jobs: [second]}}\n"
        "- project-template: {name: t, vars: {b: 2, c: 2}, gate: {jobs: [first]}}\n"
        "- job: {name: first, vars: {c: 3}}\n- job: {name: second}\n- job: {name: third}\n- job: {name: last}\n"
    )
    found = planned({CONFIG: {"master": config}, **app("", "third", "first")})
    assert [one.name for one in found.jobs] == ["first", "second", "third", "last"]
    assert frozen(found, "first").variables == {"a": 1, "b": 1, "c": 3}


def test_an_untrusted_project_speaks_for_itself_alone() -> None:
    texts = {
        **app("- job: {name: mine}\n", "mine"),
        JOBS: {"master": "- project: {name: o/app, gate: {jobs: [mine]}}\n"},
    }
    found = planned(texts)
    assert (len(found.jobs), found.other_errors) == (1, 1)


def test_final_protected_and_intermediate_jobs() -> None:
    jobs = (
        "- job: {name: f, final: true}\n- job: {name: p, protected: true}\n"
        "- job: {name: i, abstract: true, intermediate: true}\n- job: {name: i2, parent: i, abstract: true}\n"
        "- job: {name: i3, parent: i2}\n- job: {name: c, attribute-control: {vars: {final: true}}}\n"
    )
    own = "- job: {name: g, parent: f}\n- job: {name: q, parent: p}\n- job: {name: j, parent: i}\n"
    names = ("f: {vars: {a: 1}}", "f: {voting: false}", "g", "q", "j", "i3", "c: {vars: {b: 1}}")
    entries = [f"{{{name}}}" if ":" in name else name for name in names]
    assert rules(planned({JOBS: {"master": jobs}, **app(own, *entries)})) == {
        "f": "error",
        "g": "error",
        "q": "error",
        "j": "error",
        "i3": "matches",
        "c": "error",
    }
    assert not frozen(planned({JOBS: {"master": jobs}, **app(own, "f: {voting: false}")}), "f").voting


def test_lists_add_up_and_override_and_inherit_say_otherwise() -> None:
    text = (
        "- job: {name: a, required-projects: [o/lib, {name: o/jobs, override-checkout: x}], tags: [t], files: [^a],"
        " dependencies: [base2], vars: {m: {a: 1}, l: [1]}}\n- job: {name: base2}\n- job: {name: d}\n"
        "- job: {name: b, parent: a, required-projects: o/jobs, tags: u, files: !inherit [^b], dependencies: !inherit"
        " [{name: d, soft: true}], vars: {m: {b: 2}, l: [2]}}\n"
        "- job: {name: c, parent: b, required-projects: !override [o/app], tags: !override [v],"
        " vars: !override {x: 1}}\n"
    )
    found = planned({JOBS: {"master": ""}, LIB: {"master": ""}, **app(text, "base2", "b", "c")})
    b, c = frozen(found, "b"), frozen(found, "c")
    assert [(one.name, one.checkout) for one in b.required_projects] == [("h/o/lib", None), ("h/o/jobs", None)]
    assert ([one.regex for one in b.files or ()], b.lists["tags"]) == (["^a", "^b"], ("t", "u"))
    assert [(one.name, one.soft) for one in b.dependencies] == [("base2", False), ("d", True)]
    assert b.variables == {"m": {"a": 1, "b": 2}, "l": [2]}
    assert ([one.name for one in c.required_projects], c.lists["tags"], c.variables) == (["h/o/app"], ("v",), {"x": 1})


def test_nodesets_by_name_inline_and_as_alternatives() -> None:
    text = (
        "- nodeset: {name: n, nodes: [{name: [a, b], label: x}, {name: c, label: y}],"
        " groups: [{name: g, nodes: [a, c]}]}\n"
        "- nodeset: {name: many, alternatives: [n, {nodes: [{name: z, label: z}]}]}\n"
        "- nodeset: {name: loop, alternatives: [loop]}\n"
        "- job: {name: j, nodeset: many}\n- job: {name: k, nodeset: loop}\n- job: {name: m, nodeset: none}\n"
    )
    found = planned(app(text, "j", "k", "m"))
    first, second = frozen(found, "j").nodesets
    assert [(node.names, node.label) for node in first.nodes] == [(("a", "b"), "x"), (("c",), "y")]
    assert (first.name, second.name, first.groups[0].nodes) == ("n", "", ("a", "c"))
    assert rules(found) == {"j": "matches", "k": "error", "m": "error"}
    lenient = planned(app("- job: {name: m, nodeset: none}\n", "m"), GONE)
    assert (frozen(lenient, "m").nodeset.name, [one.repository for one in lenient.missing]) == ("none", ["o/gone"])
    assert not lenient.errors


def test_secrets_of_a_project_are_for_its_own_reviewed_changes() -> None:
    jobs = (
        "- secret: {name: s, data: {}}\n- job: {name: j, secrets: [{name: alias, secret: s}], run: r.yaml}\n"
        "- project: {gate: {jobs: [j]}, check: {jobs: [j]}}\n"
    )
    texts = {JOBS: {"master": jobs}, **app("", "j")}
    assert rules(planned(texts)) == {"j": "error"}
    own = planned(texts, project="o/jobs")
    assert frozen(own, "j").secrets == ("alias",)
    assert "reviewed" in of(planned(texts, project="o/jobs", pipeline="check"), "j").reason
    stolen = planned(app("- job: {name: k, secrets: s, run: r.yaml}\n", "k") | {JOBS: {"master": jobs}})
    assert "belongs to o/jobs" in of(stolen, "k").reason


def test_shadowing_queues_and_who_defines_a_job_twice() -> None:
    queues = "- queue: {name: q, type: branch-assigned}\n- queue: {name: all}\n"
    shadow = TenantProject("o/shadow", "h", shadows=("o/jobs",))
    own = {
        "master": f"{queues}- project: {{queue: all, gate: {{jobs: [j]}}}}\n",
        "stable": f"{queues}- project: {{queue: q, gate: {{jobs: [j]}}}}\n",
    }
    texts = {JOBS: {"master": "- job: {name: j, timeout: 1}\n"}, shadow: {"master": "- job: {name: j, timeout: 2}\n"}}
    found = planned({**texts, APP: own, LIB: {"master": "- job: {name: j, timeout: 3}\n"}})
    assert (frozen(found, "j").timeout, found.queue) == (1, "all")
    assert "is defined in o/jobs too" in found.errors[0].message
    assert planned({**texts, APP: own}, branch="stable").queue == "q"


def test_dependencies_on_what_is_not_there_and_in_a_circle() -> None:
    needs = {"a": "b", "b": "a", "c": "x", "d": ""}
    text = "".join(f"- job: {{name: {name}, dependencies: [{needed}]}}\n" for name, needed in needs.items())
    found = planned(app("- job: {name: x}\n" + text, *needs))
    assert rules(found) == {"a": "error", "b": "error", "c": "error", "d": "matches"}


def test_a_template_in_a_missing_repository_does_not_stop_the_rest() -> None:
    text = "- job: {name: j}\n- project: {templates: [gone-jobs], gate: {jobs: [j, gone-x, other]}}\n"
    found = planned({APP: {"master": text}}, GONE, LIB)
    assert (rules(found), found.errors) == ({"j": "matches", "gone-x": "undefined", "other": "undefined"}, ())
    needed = {one.repository: one.needed_for for one in found.missing}
    assert needed == {"o/gone": ("gone-x", "other", "gone-jobs"), "o/lib": ("other",)}
    complete = planned({APP: {"master": text}})
    assert [one.message for one in complete.errors] == [
        "there is no project-template gone-jobs",
        "there is no job gone-x",
        "there is no job other",
    ]


def test_without_the_repository_of_the_base_job_jobs_are_planned_all_the_same() -> None:
    config = TenantProject("o/base-jobs", "h", trusted=True)
    found = planned({CONFIG: {"master": ""}, **app("- job: {name: j, run: r.yaml}\n", "j")}, config)
    assert (frozen(found, "j").parents, found.errors) == (("base",), ())
    assert [(one.repository, one.needed_for) for one in found.missing] == [("o/base-jobs", ("j",))]


def test_an_error_elsewhere_is_counted_and_an_error_here_is_told() -> None:
    other = "- job: {name: x, parent: none}\n- job: {name: y, timeout: soon}\n- job: {name: z}\n"
    found = planned({JOBS: {"master": other}, **app("", "z")})
    assert (rules(found), found.errors, found.other_errors) == ({"z": "matches"}, (), 2)
    touched = planned({JOBS: {"master": other}, **app("", "x", "y")})
    assert rules(touched) == {"x": "error", "y": "undefined"}
    assert [(one.place.project, one.place.line) for one in touched.errors] == [
        ("o/app", 1),
        ("o/jobs", 1),
        ("o/jobs", 2),
    ]


NO_YAML = "- project: {name: o/app, gate: {jobs: [j]}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NO_YAML, True),
        ("- project: {name: o/app, gate: {jobs: [j]}, gate: {}}\n", True),
        ("- project: {name: o/app, gate: {}, description: 1}\n", True),
        ("- project: {name: ^o/a.*, gate: {jobs: null}}\n", True),
        ("- project: {name: ^o/l.*, gate: {jobs: null}}\n", False),
        ("- project: {name: '^(', gate: {jobs: [noop]}}\n", False),
        ("- project: {name: o/lib, gate: {jobs: null}}\n", False),
    ],
)
def test_an_error_where_the_projects_stanza_may_be_touches_it(text: str, told: bool) -> None:
    config = TenantProject("o/more", "h", trusted=True)
    found = planned({config: {"master": text}, APP: {"master": ""}, LIB: {"master": ""}})
    assert ([one.place.project for one in found.errors], found.other_errors) == (["o/more"] * told, 1 - told)


def test_an_unreadable_file_elsewhere_does_not_touch_a_project_with_a_stanza() -> None:
    config = TenantProject("o/more", "h", trusted=True)
    found = planned({config: {"master": NO_YAML}, **app("", "noop")})
    assert (found.errors, found.other_errors) == ((), 1)
    other = planned({JOBS: {"master": NO_YAML}, APP: {"master": ""}})
    assert (other.errors, other.other_errors) == ((), 1)


def test_a_repository_that_may_hold_the_only_stanza_and_is_missing_is_an_error() -> None:
    config = TenantProject("o/more", "h", trusted=True)
    found = planned({}, APP, config, LIB)
    assert [(one.place.project, one.place.where, one.message) for one in found.errors] == [
        ("o/app", "", "its configuration cannot be read: not there"),
        ("o/more", "", "its configuration cannot be read: not there"),
    ]
    base = BASE + "- project: {name: o/app, gate: {jobs: []}}\n"
    known = planned({CONFIG: {"master": base}}, APP)
    assert (known.errors, [one.needed_for for one in known.missing]) == ((), [("o/app",)])


@pytest.mark.parametrize("settings", ["vars: {a: 1, a: 2}", "vars: !what {}", "vars: {{ x }}"])
def test_a_definition_that_cannot_be_read_is_not_one_that_is_not_there(settings: str) -> None:
    found = planned({JOBS: {"master": f"- job: {{name: j, {settings}}}\n"}, **app("", "j", "k")})
    assert [one.reason for one in found.jobs] == [
        "undefined: its definition cannot be read",
        "undefined: no repository defines it",
    ]
    assert [one.hint for one in found.errors if one.message == "there is no job j"] == ["its definition cannot be read"]


def test_what_a_job_costs_without_and_with_a_known_nodeset() -> None:
    empty = "- nodeset: {name: none, nodes: []}\n- job: {name: k, nodeset: none}\n- job: {name: l}\n"
    here = planned(app(empty, "k", "l"))
    assert [cost_of(frozen(here, name), {}).vm_hours for name in "kl"] == [0, 0]
    elsewhere = planned({CONFIG: {"master": ""}, **app("- job: {name: j, run: r}\n", "j")})
    assert cost_of(frozen(elsewhere, "j"), {}).vm_hours == 0.5


def test_a_required_project_that_does_not_exist() -> None:
    text = "- job: {name: j, required-projects: [o/none]}\n- job: {name: k}\n"
    found = planned(app(text, "j", "k"))
    assert (rules(found), found.errors[0].message) == (
        {"j": "error", "k": "matches"},
        "the tenant has no project o/none, which is required",
    )


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("- job: {name: j, parent: k}\n- job: {name: k, parent: j}\n", "j", "in a circle: j → k → j"),
        ("- job: {name: j, parent: j}\n", "j", "in a circle: j → j"),
        ("- job: {name: j, parent: none}\n", "j", "there is no job none, which is its parent"),
        ("- job: {name: j, parent: null}\n", "j", "a job without a parent can be defined in a config-project only"),
        ("- job: {name: j, abstract: true}\n", "j", "abstract"),
        ("- job: {name: noop}\n", "noop", "Zuul's own"),
        ("- job: {name: j, branches: '(?!a)'}\n", "j", "not a regular expression"),
        ("- job: {name: j, timeout: 99999}\n", "j", "more than the 3600 seconds"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, names: str, message: str) -> None:
    texts = app(text, names)
    found = plan(layout(texts, max_timeout=3600), Question("o/app", "master", "gate"))
    (told,) = [one for one in found.errors if message in one.message]
    assert (told.place.project, told.place.branch, told.place.path, told.place.line) == (
        "o/app",
        "master",
        "zuul.yaml",
        told.place.line,
    )


HOSTILE = {
    "a chain of 2,000 parents": "".join(f"- job: {{name: j{n}, parent: j{n + 1}}}\n" for n in range(2000)),
    "3,000 variants": "- job: {name: j0, vars: {a: {b: c}}}\n" * 3000,
    "a pattern that would backtrack": "- job: {name: j0, files: ['(a+)+$', '^(([a-z])+.)+[A-Z]([a-z])+$']}\n",
    "10,000 lines of aliases": "- job: {name: j0, vars: {a0: &a0 [x, x]}}\n"
    + "".join(f"- job: {{name: k, vars: {{a: &a{n + 1} [{f'*a{n}, ' * 9}]}}}}\n" for n in range(10_000)),
    "deep nesting": "- job: {name: j0, vars: {a: " + "[" * 400_000 + "}}\n",
    "deep nesting in blocks": "- job:\n    name: j0\n    vars:\n      a: " + "- " * 400_000 + "x\n",
    "anchors twice": "- job: {name: j0, vars: &a {a: 1}}\n- job: {name: k, vars: &a {b: 1}}\n",
    "tabs": "- job:\n\tname: j0\n",
    "an endless number": "- job: {name: j0, timeout: " + "9" * 5000 + "}\n",
    "nodesets that double": "".join(
        f"- nodeset: {{name: n{n}, alternatives: [n{n + 1}, n{n + 1}]}}\n" for n in range(60)
    )
    + "- nodeset: {name: n60, nodes: []}\n- job: {name: j0, nodeset: n0}\n",
    "an alias of itself": "- job: {name: j0, vars: &a {b: *a}}\n",
    "a key that is a list": "- job: {name: j0, vars: {? [a] : b}}\n",
}


@pytest.mark.live
@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_repository_costs_neither_time_nor_the_others(text: str) -> None:
    texts = {JOBS: {"master": text}, **app("- job: {name: mine}\n", "mine", "j0")}
    with within(5):
        found = planned(texts, changed=["a" * 5_000, "b"])
    assert of(found, "mine").rule == "matches"
    assert of(found, "j0").rule in ("matches", "files", "error", "undefined")
    assert of(found, "j0").run or found.errors or of(found, "j0").rule == "files"


@pytest.mark.live
def test_many_jobs_that_depend_on_each_other_take_no_time() -> None:
    size = 800
    chain = [f"{{j: {{dependencies: [j{n}]}}}}".replace("{j:", f"{{j{n + 1}:") for n in range(size)]
    text = "".join(f"- job: {{name: j{n}}}\n" for n in range(size + 1))
    with within(5):
        found = planned(app(text, "{j0: {files: [^never]}}", *chain, *["j1"] * 3000), changed=["a"])
    assert (of(found, "j0").rule, len(found.jobs)) == ("needed-by", size + 1)
    circle = planned(app(text, f"{{j0: {{dependencies: [j{size}]}}}}", *chain))
    assert {one.rule for one in circle.jobs} == {"error"}


def test_what_the_tenant_does_not_have_is_bad_input() -> None:
    for asked in ({"project": "o/none"}, {"branch": "none"}, {"pipeline": "none"}):
        with pytest.raises(InputError):
            planned(app("- job: {name: j}\n", "j"), **asked)


def test_a_wrong_entry_spoils_its_own_job_and_no_other() -> None:
    found = planned(app("- job: {name: j}\n- job: {name: k}\n", "j: {timeout: soon}", "k", "[l]", "k: {votng: false}"))
    assert rules(found) == {"j": "error", "k": "error"}
    assert "not a number of seconds" in of(found, "j").reason
    assert len(found.errors) == 3
    early = planned(app("- job: {name: j}\n- job: {name: k}\n", "j", "k: {intermediate: true}"))
    assert rules(early) == {"j": "matches", "k": "error"}


def test_a_limit_of_the_tenant_holds_for_entries_and_alternatives_too() -> None:
    text = (
        "- job: {name: j}\n- job: {name: k, nodeset: {alternatives: [{nodes: []}, {nodes: "
        "[{name: [a, b], label: l}, {name: c, label: l}]}]}}\n"
    )
    found = plan(
        layout(app(text, "j: {timeout: 4000}", "k"), max_timeout=3600, max_nodes=1), Question("o/app", "master", "gate")
    )
    assert rules(found)["j"] == "error"
    assert sorted(one.message.partition(" ")[0] for one in found.errors) == ["it", "timeout:"]


def test_a_queue_for_branches_that_is_named_first_leaves_the_others_the_next_one() -> None:
    queues = "- queue: {name: b, type: branch-assigned}\n- queue: {name: q}\n"
    own = "- job: {name: j}\n- project: {queue: b, branches: ^stable, gate: {jobs: [j]}}\n"
    other = "- project: {queue: q, gate: {jobs: [j]}}\n"
    texts = {JOBS: {"master": queues}, APP: {"master": own + other, "stable/1": own + other}}
    assert planned(texts, branch="stable/1").queue == "b"
    assert planned(texts).queue == "q"
    assert planned({JOBS: {"master": queues}, APP: {"master": other + own}}).queue == "q"


def test_in_a_tenant_without_any_base_job_jobs_are_planned_without_what_it_adds() -> None:
    text = "- job: {name: j, run: r, nodeset: n}\n- job: {name: k}\n- job: {name: l, parent: none, run: r}\n"
    found = planned({CONFIG: {"master": ""}, **app(text, "j", "k", "l")})
    assert rules(found) == {"j": "matches", "k": "matches", "l": "error"}
    assert (frozen(found, "j").parents, frozen(found, "j").nodeset.known) == (("base",), False)
    assert found.missing[0].why == "a project that the tenant does not list"


def test_with_a_config_project_missing_unknown_parents_may_be_in_it() -> None:
    config = TenantProject("o/base-jobs", "h", trusted=True)
    text = "- job: {name: own, parent: shared, run: r, vars: {a: 1}}\n- job: {name: none, parent: shared}\n"
    found = planned(app(text, "own", "none"), config)
    assert rules(found) == {"own": "matches", "none": "error"}
    assert (frozen(found, "own").parents, frozen(found, "own").variables) == (("shared",), {"a": 1})
    assert [(one.repository, one.needed_for) for one in found.missing] == [("o/base-jobs", ("own", "none"))]


def test_every_repository_that_was_not_found_is_told() -> None:
    found = planned(app("- job: {name: j, required-projects: o/lib}\n", "j"), GONE, LIB)
    assert [(one.repository, one.needed_for) for one in found.missing] == [("o/lib", ("j",)), ("o/gone", ())]


def test_a_project_that_is_required_alone_is_told_apart_from_one_that_defines_something() -> None:
    text = "- job: {name: j, required-projects: [o/lib, o/gone], roles: [zuul: o/gone]}\n- job: {name: k}\n"
    found = planned(app(f"{text}- job: {{name: l, parent: j, required-projects: o/lib}}\n", "j", "k", "l"), GONE, LIB)
    assert {one.repository: (one.needed_for, one.required_by) for one in found.missing} == {
        "o/lib": (("j", "l"), ("j", "l")),
        "o/gone": (("j", "l"), ()),
    }
    lines = table(found)
    read, required = (next(n for n, line in enumerate(lines) if line.startswith(head)) for head in ("repos", "requ"))
    assert [line.partition(" (")[0] for line in (lines[read + 1], lines[required + 1])] == [
        "  o/gone: needed for j, l",
        "  o/lib: needed for j, l",
    ]
    assert "source trees" in lines[required]


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("timeout: 1", "timeout: 2", "config-changed"),
        ("parent: base", "parent: twin", "config-changed"),
        ("branches: master", "branches: '^master$'", "config-changed"),
        ("roles: []", "roles: [{zuul: o/jobs}]", "config-changed"),
        ("description: a", "description: b", "files"),
        ("irrelevant-files: [^a]", "irrelevant-files: [^b]", "files"),
        ("vars: {a: 1, b: 2}", "vars: {b: 2, a: 1}", "files"),
        ("match-on-config-updates: false, timeout: 1", "match-on-config-updates: false, timeout: 2", "files"),
        ("parent: none", "parent: base", "config-changed"),
    ],
)
def test_what_alters_a_job_and_what_does_not(before: str, after: str, rule: str) -> None:
    def found_in(text: str) -> Layout:
        twin = "- job: {name: twin, parent: null, pre-run: pre.yaml, run: run.yaml, post-run: [a.yaml, b.yaml]}\n"
        own = f"- job: {{name: j, files: ^x, {text}}}\n"
        return layout({CONFIG: {"master": BASE + twin}, **app(own, "j")})

    now = found_in(after)
    question = Question("o/app", "master", "gate", ["zuul.yaml"], found_in(before))
    if before == "parent: none":  # it was wrong before: Zuul leaves it to the file matchers
        rule = "files"
    assert of(plan(now, question), "j").rule == rule
