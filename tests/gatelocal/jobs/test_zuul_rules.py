"""Zuul's rules, one small tenant each; every expectation here is what Zuul 14.3's own code answers.

The projects are ``o/config`` (trusted), ``o/jobs``, ``o/app`` and ``o/lib``; those without files are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gatelocal.config.repositories import checked
from gatelocal.config.tenants import tenant_of
from gatelocal.jobs.planner import Question, plan
from gatelocal.jobs.zuul.layout import lay_out
from gatelocal.model.refs import Tag
from gatelocal.model.tenant import Repository
from gatelocal.reporter.plan import as_json

NAMES = ("o/config", "o/jobs", "o/app", "o/lib")
BASE = (
    "- pipeline: {name: gate, manager: dependent, post-review: true}\n"
    "- pipeline: {name: check, manager: independent}\n"
    "- job: {name: base, parent: null, run: run.yaml, pre-run: pre.yaml, post-run: post.yaml, timeout: 60}\n"
)

Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """One question. :ivar files: project → branch → text. :ivar options: project → its settings in the tenant."""

    name: str
    files: Texts
    expected: Mapping[str, Mapping[str, object]]
    asked: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def app(text: str, *jobs: str) -> Texts:
    """Only o/app says something, on master."""
    return {"o/app": {"master": f"{text}- project: {{gate: {{jobs: [{', '.join(jobs)}]}}}}\n"}}


def at(*paths: str, project: str = "o/app") -> list[dict[str, str]]:
    """Playbooks."""
    return [{"project": f"h/{project}", "path": path} for path in paths]


RUN, LEFT, ERROR = {"run": True}, {"run": False}, {"rule": "error"}
JOBS_OF_TWO = "- job: {name: j, vars: {from: BRANCH}}\n"
PROJECT = "- project: {gate: {jobs: [j]}}\n"
IMAGES = (("j", "i"), ("k", "i"), ("l", "none"))

TWO = {
    "o/app": {
        "master": "- job: {name: p, timeout: 1}\n- job: {name: new, parent: p}\n- project: {gate: {jobs: [new]}}\n",
        "stable/1": "- job: {name: p, timeout: 2}\n- job: {name: old, parent: p}\n- project: {gate: {jobs: [old]}}\n",
    }
}
CASES = [
    Case(
        "variables merge deeply, lists and scalars are replaced, null is a value",
        app(
            "- job: {name: p, vars: {a: {x: 1, y: [1]}, b: [1, 2], c: {d: 1}, e: 1}}\n"
            "- job: {name: j, parent: p, vars: {a: {y: [2], z: 3}, b: [3], c: text, e: null}}\n",
            "j",
        ),
        {"j": {"vars": {"a": {"x": 1, "y": [2], "z": 3}, "b": [3], "c": "text", "e": None}}},
    ),
    Case(
        "a job's own !override drops what its ancestors said, and so does that of an entry with what the project said",
        app(
            "- job: {name: p, vars: {a: 1}, host-vars: {n: {x: 1}}}\n"
            "- job: {name: j, parent: p, vars: !override {b: 2}, host-vars: !override {m: {y: 1}}}\n"
            "- project: {vars: {p: 1}, gate: {jobs: [k: {vars: !override {e: 1}}]}}\n- job: {name: k, vars: {o: 1}}\n",
            "j",
        ),
        {
            "j": {"vars": {"b": 2, "p": 1}, "host_vars": {"m": {"y": 1}}},
            "k": {"vars": {"e": 1}},
        },
    ),
    Case(
        "nothing with !override takes all variables away, even those of a final job",
        app(
            "- job: {name: p, vars: {a: 1}, extra-vars: {a: 1}, host-vars: {n: {x: 1}}, group-vars: {g: {x: 1}}}\n"
            "- job: {name: j, parent: p, vars: !override {}, extra-vars: !override {}, host-vars: !override {},"
            " group-vars: !override {}}\n- job: {name: f, final: true, vars: {a: 1}}\n",
            *("j", "f: {vars: !override {}}", "p: {vars: {}}"),
        ),
        {
            "j": {"vars": {}, "extra_vars": {}, "host_vars": {}, "group_vars": {}},
            "f": {"vars": {}},
            "p": {"vars": {"a": 1}},
        },
    ),
    Case(
        "variables of templates lie below the project's, both below the job's, and an entry's above all",
        app(
            "- job: {name: j, vars: {job: j, all: j}}\n"
            "- project-template: {name: t, vars: {t: t, p: t, job: t, all: t}, gate: {jobs: [j]}}\n"
            "- project: {templates: [t], vars: {p: p, job: p, all: p}, gate: {jobs: [j: {vars: {all: e}}]}}\n"
        ),
        {"j": {"vars": {"t": "t", "p": "p", "job": "j", "all": "e"}}},
    ),
    Case(
        "a template that does not name the pipeline brings no variables",
        app(
            "- job: {name: j}\n- project-template: {name: t, vars: {t: 1}, check: {jobs: [j]}}\n"
            "- project: {templates: [t], gate: {jobs: [j]}}\n"
        ),
        {"j": {"vars": {}}},
    ),
    Case(
        "definitions on several branches hold each on their own",
        {
            "o/jobs": {b: JOBS_OF_TWO.replace("BRANCH", b) for b in ("master", "stable/1")},
            "o/app": {"master": PROJECT, "stable/1": PROJECT, "stable/2": PROJECT},
        },
        {"j": {"vars": {"from": "stable/1"}}},
        {"branch": "stable/1"},
    ),
    Case(
        "a branch without a definition of its own has none",
        {
            "o/jobs": {b: JOBS_OF_TWO.replace("BRANCH", b) for b in ("master", "stable/1")},
            "o/app": {"master": PROJECT, "stable/1": PROJECT, "stable/2": PROJECT},
        },
        {"j": {"rule": "no-variant"}},
        {"branch": "stable/2"},
    ),
    Case(
        "branches that the tenant leaves out do not count: what is left speaks for all",
        {
            "o/jobs": {"master": "- job: {name: j, timeout: 7}\n", "feature/x": "- job: {name: j, timeout: 8}\n"},
            "o/app": {"master": PROJECT, "stable/1": PROJECT},
        },
        {"j": {"timeout": 7}},
        {"branch": "stable/1"},
        {"o/jobs": {"exclude-branches": ["^feature/.*$"]}},
    ),
    Case(
        "included branches win over excluded ones",
        {
            "o/jobs": {"master": "- job: {name: j}\n", "stable/1": "- job: {name: j, timeout: 9}\n"},
            "o/app": {"master": PROJECT, "stable/1": PROJECT},
        },
        {"j": {"timeout": 9}},
        {"branch": "stable/1"},
        {"o/jobs": {"include-branches": ["stable/1"], "exclude-branches": [".*"]}},
    ),
    Case(
        "with always-dynamic-branches an only branch speaks for itself alone",
        {"o/jobs": {"master": "- job: {name: j}\n"}, "o/app": {"master": PROJECT, "stable/1": PROJECT}},
        {"j": {"rule": "no-variant"}},
        {"branch": "stable/1"},
        {"o/jobs": {"always-dynamic-branches": ["^feature/.*"]}},
    ),
    Case(
        "the tenant may take implied matchers away",
        {
            "o/jobs": {b: JOBS_OF_TWO.replace("BRANCH", b) for b in ("master", "stable/1")},
            "o/app": {"master": PROJECT, "stable/2": PROJECT},
        },
        {"j": {"vars": {"from": "stable/1"}}},
        {"branch": "stable/2"},
        {"o/jobs": {"implied-branch-matchers": False}},
    ),
    Case(
        "a pragma's branches take the place of the file's own, as patterns",
        {
            "o/jobs": {
                "master": "- pragma: {implied-branches: ['^stable/.*$', '^master$']}\n- job: {name: j, timeout: 5}\n",
                "other": "[]\n",
            },
            "o/app": {"master": PROJECT, "stable/2": PROJECT},
        },
        {"j": {"timeout": 5}},
        {"branch": "stable/2"},
    ),
    Case(
        "an explicit matcher takes the place of the implied one; patterns match from the beginning",
        {
            "o/jobs": {
                "master": "- job: {name: j}\n- job: {name: j, branches: stable, timeout: 5}\n",
                "stable/1": "[]\n",
            },
            "o/app": {"master": PROJECT, "stable/1": PROJECT},
        },
        {
            "j": {
                "timeout": 5,
                "defined_in": [{"project": "o/jobs", "branch": "master", "path": "zuul.yaml", "line": 2}],
            }
        },
        {"branch": "stable/1"},
    ),
    Case(
        "a negated branch pattern, and several of them",
        app(
            "- job: {name: j}\n- job: {name: k}\n",
            "j: {branches: {regex: ^master$, negate: true}}",
            "k: {branches: [{regex: ^x$, negate: true}, ^y$]}",
        ),
        {"j": {"rule": "branch"}, "k": RUN},
    ),
    Case(
        "an overridden checkout takes an ancestor's definition from that branch",
        {
            "o/lib": {
                "master": "- job: {name: p, vars: {v: new}, timeout: 9}\n",
                "stable/1": "- job: {name: p, vars: {v: old}}\n",
            },
            **app(
                "- job: {name: j, parent: p, required-projects: [{name: o/lib, override-checkout: stable/1}]}\n"
                "- job: {name: k, parent: p, override-checkout: stable/1}\n"
                "- job: {name: l, parent: p, override-checkout: none}\n",
                "j",
                "k",
                "l",
                "p: {required-projects: [{name: o/lib, override-checkout: stable/1}]}",
            ),
        },
        {
            "j": {"vars": {"v": "old"}, "timeout": 60},
            "k": {"vars": {"v": "old"}, "override_checkout": "stable/1"},
            "l": {"vars": {"v": "new"}, "override_checkout": "none"},
            "p": {"vars": {"v": "old"}},
        },
    ),
    Case(
        "playbooks: what comes before parents first, what comes after children first, a level's own in order",
        app(
            "- job: {name: p, pre-run: [a, b], run: [x, y], post-run: [c, d]}\n"
            "- job: {name: j, parent: p, pre-run: e, post-run: [f, {name: g, cleanup: true}]}\n",
            "j: {pre-run: h, post-run: i}",
        ),
        {
            "j": {
                "pre_run": [*at("pre.yaml", project="o/config"), *at("a", "b", "e", "h")],
                "run_playbooks": at("x", "y"),
                "post_run": [*at("i", "f", "g", "c", "d"), *at("post.yaml", project="o/config")],
            }
        },
    ),
    Case(
        "the entries of a config-project's stanza bring its own playbooks",
        {
            "o/config": {"master": "- project: {name: o/app, gate: {jobs: [j: {run: own.yaml}]}}\n"},
            "o/app": {"master": "- job: {name: j, run: r.yaml}\n"},
        },
        {"j": {"run_playbooks": at("own.yaml", project="o/config")}},
    ),
    Case(
        "file matchers are replaced; an entry's take the place of the job's; !inherit adds",
        app(
            "- job: {name: p, files: [^a, ^b], irrelevant-files: ^x}\n"
            "- job: {name: j, parent: p, files: !inherit [^c]}\n- job: {name: k, parent: p, files: []}\n",
            "j: {irrelevant-files: !inherit [{regex: ^y, negate: true}]}",
            "k",
            "p: {files: ^z}",
        ),
        {
            "j": {
                "run": True,
                "files": ["^a", "^b", "^c"],
                "irrelevant_files": ["^x", {"regex": "^y", "negate": True}],
            },
            "k": {"rule": "files"},
            "p": {"rule": "files"},
        },
        {"files": ["c/1", "y"]},
    ),
    Case(
        "files keep a job away before irrelevant-files do, and a message alone keeps nothing away",
        app("- job: {name: j, files: ^a, irrelevant-files: ^b}\n", "j"),
        {"j": {"rule": "files"}},
        {"files": ["b"]},
    ),
    Case(
        "the commit message is no file",
        app("- job: {name: j, irrelevant-files: ^doc/}\n- job: {name: k, files: ^doc/}\n", "j", "k"),
        {"j": {"rule": "irrelevant-files"}, "k": RUN},
        {"files": ["/COMMIT_MSG", "doc/a"]},
    ),
    Case(
        "tags add up, and an empty !override takes nothing away",
        app(
            "- job: {name: p, tags: [a], provides: x}\n"
            "- job: {name: j, parent: p, tags: !override [], provides: !override y}\n",
            "j: {tags: b}",
        ),
        {"j": {"tags": ["a", "b"], "provides": ["y"]}},
    ),
    Case(
        "required projects keep their first place and take the last word; !override starts anew",
        app(
            "- job: {name: p, required-projects: [o/lib, o/jobs]}\n"
            "- job: {name: j, parent: p, required-projects: [o/app, {name: h/o/lib, override-checkout: v1}]}\n"
            "- job: {name: k, parent: p, required-projects: !override [o/app]}\n",
            "j",
            "k",
        ),
        {
            "j": {
                "required_projects": [
                    {"name": "h/o/lib", "override_checkout": "v1"},
                    {"name": "h/o/jobs", "override_checkout": None},
                    {"name": "h/o/app", "override_checkout": None},
                ]
            },
            "k": {"required_projects": [{"name": "h/o/app", "override_checkout": None}]},
        },
    ),
    Case(
        "semaphores add up in the order of their names",
        app(
            "- job: {name: p, semaphore: b}\n"
            "- job: {name: j, parent: p, semaphores: [c, {name: a, resources-first: true}]}\n",
            "j",
        ),
        {"j": {"semaphores": ["a", "b", "c"]}},
    ),
    Case(
        "a semaphore is a job's or a playbook's",
        app("- job: {name: p, pre-run: {name: r, semaphores: s}}\n- job: {name: j, parent: p, semaphore: s}\n", "j"),
        {"j": ERROR},
    ),
    Case(
        "projects that a definition names are in the tenant",
        app(
            "".join(
                f"- job: {{name: {name}, {text}}}\n"
                for name, text in (
                    ("a", "allowed-projects: o/none"),
                    ("b", "include-projects: [o/none]"),
                    ("c", "exclude-projects: [{type: name, name: o/none}]"),
                    ("d", "include-vars: {name: x, project: o/none}"),
                    ("e", "include-projects: [{type: change}, {type: name, name: o/lib}], allowed-projects: h/o/app"),
                )
            ),
            *"abcde",
        ),
        {**dict.fromkeys("abcd", ERROR), "e": RUN},
    ),
    Case(
        "an image is built for the project that defines it",
        {
            "o/config": {"master": "- image: {name: i, type: zuul}\n- project: {name: o/app, gate: {jobs: [j]}}\n"},
            **app(
                "".join(f"- job: {{name: {name}, run: r, image-build-name: {image}}}\n" for name, image in IMAGES),
                *"kl",
            ),
        },
        {"j": RUN, "k": ERROR, "l": ERROR},
    ),
    Case(
        "dependencies are replaced, and a hard one makes a job run",
        app(
            "- job: {name: a, files: ^never}\n- job: {name: b, files: ^never}\n- job: {name: c, files: ^never}\n"
            "- job: {name: p, dependencies: [a]}\n"
            "- job: {name: j, parent: p, dependencies: [b, {name: c, soft: true}]}\n",
            *("a", "b", "c", "j"),
        ),
        {
            "a": {"rule": "files"},
            "b": {"rule": "needed-by"},
            "c": {"rule": "files"},
            "j": {"dependencies": [{"name": "b", "soft": False}, {"name": "c", "soft": True}]},
        },
        {"files": ["x"]},
    ),
    Case(
        "nodesets: by name, inline, as alternatives of both, groups, nodes of several names",
        app(
            "- nodeset: {name: one, nodes: {name: n, label: l}}\n"
            "- nodeset: {name: any, alternatives: [one, {nodes: [{name: [x, y], label: m}]}]}\n"
            "- job: {name: j, nodeset: any}\n- job: {name: k, parent: j, nodeset: {nodes: [{name: a, label: l}],"
            " groups: [{name: g, nodes: a}]}}\n- job: {name: l, parent: k, nodeset: {nodes: []}}\n",
            *("j", "k", "l"),
        ),
        {
            "j": {"nodeset": {"name": "one", "nodes": [{"name": "n", "label": "l"}], "groups": []}},
            "k": {
                "nodeset": {
                    "name": None,
                    "nodes": [{"name": "a", "label": "l"}],
                    "groups": [{"name": "g", "nodes": ["a"]}],
                }
            },
            "l": {"nodeset": {"name": None, "nodes": [], "groups": []}},
        },
    ),
    Case(
        "final: by definition, by variant and by attribute",
        app(
            "- job: {name: f, final: true}\n- job: {name: c, parent: f, vars: {a: 1}}\n"
            "- job: {name: v, attribute-control: {vars: {final: true}}}\n- job: {name: w, parent: v, vars: {a: 1}}\n"
            "- job: {name: u, parent: v, timeout: 1}\n",
            *("f: {voting: false, files: [x], branches: master}", "c", "w", "u"),
        ),
        {"f": {"voting": False}, "c": ERROR, "w": ERROR, "u": {"timeout": 1}},
    ),
    Case(
        "an attribute is final once a definition that sets it says so; variables may not be set by the same one",
        app(
            "- job: {name: v, attribute-control: {vars: {}}}\n- job: {name: a, parent: v, vars: {a: 1}}\n"
            "- job: {name: w, attribute-control: {run: {final: true}}}\n- job: {name: b, parent: w, run: r}\n"
            "- job: {name: x, run: s, attribute-control: {run: {final: true}}}\n- job: {name: c, parent: x, run: r}\n"
            "- job: {name: d, vars: {a: 1}, attribute-control: {vars: {final: true}}}\n",
            *"abcd",
        ),
        {"a": RUN, "b": RUN, "c": ERROR, "d": ERROR},
    ),
    Case(
        "an entry cannot change how a final job runs, noop is one",
        app("- job: {name: f, final: true}\n", "f: {timeout: 5}", "noop: {vars: {a: 1}}"),
        {"f": ERROR, "noop": ERROR},
    ),
    Case("noop has no playbook", app("", "noop: {voting: false}"), {"noop": {"run_playbooks": [], "voting": False}}),
    Case(
        "protected jobs have children in their own project alone",
        {
            "o/jobs": {"master": "- job: {name: p, protected: true}\n- job: {name: q, parent: p}\n"},
            **app("- job: {name: j, parent: p}\n", "j", "q", "p"),
        },
        {"j": ERROR, "q": RUN, "p": RUN},
    ),
    Case(
        "abstract is not inherited, intermediate is for abstract children",
        app(
            "- job: {name: a, abstract: true}\n- job: {name: b, parent: a}\n"
            "- job: {name: i, abstract: true, intermediate: true}\n- job: {name: k, parent: i}\n"
            "- job: {name: m, parent: i, abstract: true}\n- job: {name: n, parent: m}\n",
            *("a", "b", "k", "n"),
        ),
        {"a": ERROR, "b": {"abstract": False}, "k": ERROR, "n": RUN},
    ),
    Case(
        "what is not allowed does not matter to a job that does not run anyhow",
        {
            "o/jobs": {"master": "- job: {name: j, allowed-projects: o/jobs, files: ^x}\n"},
            **app("- job: {name: k, post-review: true, files: ^x}\n- project: {check: {jobs: [j, k]}}\n"),
        },
        {"j": {"rule": "files"}, "k": {"rule": "files"}},
        {"pipeline": "check", "files": ["y"]},
    ),
    Case(
        "allowed-projects and post-review",
        {
            "o/jobs": {
                "master": "- job: {name: j, allowed-projects: o/jobs}\n- job: {name: l, allowed-projects: o/app}\n"
            },
            **app("- job: {name: k, post-review: true}\n- project: {check: {jobs: [j, k, l]}}\n"),
        },
        {"j": ERROR, "k": ERROR, "l": RUN},
        {"pipeline": "check"},
    ),
    Case(
        "a config-project may let any project run a job",
        {
            "o/config": {"master": "- project: {name: o/app, gate: {jobs: [j]}}\n"},
            "o/jobs": {"master": "- job: {name: j, allowed-projects: o/jobs}\n"},
            "o/app": {"master": "[]\n"},
        },
        {"j": RUN},
    ),
    Case(
        "secrets go by the names that playbooks know them by, and only to the playbooks of their definition",
        app(
            "- secret: {name: real, data: {a: b}}\n- job: {name: j, run: r, secrets: [{name: alias, secret: real}]}\n"
            "- job: {name: k, parent: j, run: s}\n",
            *("j", "k"),
        ),
        {"j": {"secrets": ["alias"]}, "k": {"secrets": []}},
    ),
    Case(
        "the parent of a first definition that names none is the tenant's; a later definition may bring another",
        app("- job: {name: p, vars: {p: 1}}\n- job: {name: j}\n- job: {name: j, parent: p}\n", "j"),
        {"j": {"vars": {"p": 1}, "parents": ["p", "base"]}},
    ),
    Case(
        "stanzas: named ones, then patterns; a job of several gets all their settings, in the order of its first",
        {
            "o/config": {
                "master": "- project: {name: ^o/a.*, gate: {jobs: [c, a: {voting: false}]}}\n"
                "- project: {name: h/o/app, gate: {jobs: [a: {timeout: 5}, b]}}\n"
            },
            **app("- job: {name: a}\n- job: {name: b}\n- job: {name: c}\n", "b: {timeout: 6}"),
        },
        {"a": {"timeout": 5, "voting": False}, "b": {"timeout": 6}, "c": RUN},
    ),
    Case(
        "a stanza of another project needs the tenant's leave",
        {
            "o/lib": {"master": "- project: {name: o/app, gate: {jobs: [noop]}}\n"},
            "o/app": {"master": "[]\n"},
        },
        {"noop": RUN},
        {},
        {"o/lib": {"configure-projects": "o/a.*"}},
    ),
    Case(
        "what the tenant does not take from a project is not there",
        {"o/jobs": {"master": "- job: {name: j}\n- project: {gate: {jobs: [noop]}}\n"}, **app("", "j")},
        {"j": {"rule": "undefined"}},
        {},
        {"o/jobs": {"exclude": "job"}},
    ),
    Case(
        "a project that shadows another gives way to it",
        {"o/jobs": {"master": "- job: {name: j, timeout: 1}\n"}, **app("- job: {name: j, timeout: 2}\n", "j")},
        {"j": {"timeout": 1}},
        {},
        {"o/app": {"shadow": "o/jobs"}},
    ),
    Case(
        "time limits: the part is cut to the whole, zero is a value",
        app("- job: {name: p, pre-timeout: 50}\n- job: {name: j, parent: p, timeout: 0, post-timeout: 3}\n", "j"),
        {"j": {"timeout": 0, "post_timeout": 3}},
    ),
    Case(
        "how secrets are guarded is said once",
        app(
            "- job: {name: p, secret-exposure: redact}\n- job: {name: j, parent: p, secret-exposure: fail}\n"
            "- job: {name: k, parent: p, secret-exposure: redact}\n",
            *("j", "k"),
        ),
        {"j": ERROR, "k": RUN},
    ),
    Case(
        "of a project that one list names twice, the last word counts",
        {
            "o/lib": {"master": "- job: {name: p, timeout: 1}\n", "stable/1": "- job: {name: p, timeout: 2}\n"},
            **app(
                "- job: {name: j, parent: p, required-projects: [{name: o/lib, override-checkout: stable/1}, o/lib]}\n",
                "j",
            ),
        },
        {"j": {"timeout": 1, "required_projects": [{"name": "h/o/lib", "override_checkout": None}]}},
    ),
    Case(
        "roles are told when a definition names them",
        app("- job: {name: p, roles: [{zuul: o/lib}]}\n- job: {name: j, parent: p, roles: [{zuul: h/o/jobs}]}\n", "j"),
        {"j": {"roles": ["o/jobs", "o/lib"]}},
    ),
    Case(
        "for a tag holds what holds on a branch that has its commit",
        TWO,
        {"old": {**RUN, "timeout": 2}},
        {"branch": Tag("refs/tags/1.0", ("stable/1", "other"))},
    ),
    Case(
        "for a tag that both branches have, both hold",
        TWO,
        {"new": {**RUN, "timeout": 2}, "old": {**RUN, "timeout": 2}},
        {"branch": Tag("refs/tags/1.0", ("master", "stable/1"))},
    ),
    Case("for a tag that is on no branch, nothing implied holds", TWO, {}, {"branch": Tag("refs/tags/1.0")}),
    Case(
        "a matcher of branches may mean tags by their full names",
        {
            "o/config": {
                "master": "- project: {name: o/app, gate: {jobs: [a, b]}}\n"
                "- job: {name: a, branches: ^refs/tags/1\\., run: r}\n"
                "- job: {name: b, branches: ^refs/tags/2, run: r}\n"
            }
        },
        {"a": RUN, "b": LEFT},
        {"branch": Tag("refs/tags/1.0")},
    ),
]


def tenant_value(options: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """What would stand below ``tenant:``."""
    listed = [{name: dict(options[name])} if name in options else name for name in NAMES]
    return {"name": "t", "source": {"h": {"config-projects": listed[:1], "untrusted-projects": listed[1:]}}}


def answer(case: Case) -> dict[str, Any]:
    """The plan as the contract's object."""
    tenant = tenant_of(tenant_value(case.options), {}, "main.yaml")
    found = []
    for project in tenant.projects:
        files = {"master": "", **case.files.get(project.name, {})}
        if project.trusted:
            files["master"] = BASE + files["master"]
        counted = {branch: text for branch, text in files.items() if counts(case, project.name, branch)}
        read = {branch: (checked("zuul.yaml", text),) for branch, text in counted.items()}
        found.append(Repository(project, tuple(counted), read))
    asked = {"branch": "master", "pipeline": "gate", **case.asked}
    question = Question("o/app", asked["branch"], asked["pipeline"], asked.get("files"))
    return as_json(plan(lay_out(tenant, found), question))


def counts(case: Case, project: str, branch: str) -> bool:
    """The few patterns of branches that the cases use."""
    options = case.options.get(project, {})
    if "include-branches" in options:
        return branch in options["include-branches"]  # type: ignore[operator]
    return "exclude-branches" not in options or not branch.startswith("feature/")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rule(case: Case) -> None:
    jobs = {job["name"]: job for job in answer(case)["jobs"]}
    assert set(jobs) == set(case.expected)
    for name, wanted in case.expected.items():
        assert {key: jobs[name].get(key) for key in wanted} == wanted, jobs[name]


@pytest.mark.parametrize(
    "settings",
    [
        "post-review: false",
        "semaphores: s, run: {name: x, semaphores: s}",
        "attribute-control: {timeout: {final: true}}",
        "attribute-control: {vars: {final: false}}",
        "failure-output: '('",
        "failure-output: [ok, '(?=x)']",
        "vars: null",
        "run: null",
        "post-run: null",
        "dependencies: null",
        "required-projects: null",
        "include-projects: null",
        "exclude-projects: [null]",
        "host-vars: {h: null}",
        "group-vars: {1: {a: 1}}",
        "roles: {zuul: o/lib}",
        "include-vars: {name: x, project: o/lib, zuul-project: true}",
        "include-vars: [{name: x, project: o/lib, use-ref: true}]",
        "include-projects: [{type: change, name: x}]",
        "include-projects: [{name: o/lib}]",
        "include-projects: [{type: name}]",
    ],
)
def test_what_zuul_does_not_take(settings: str) -> None:
    found = answer(Case("", app(f"- job: {{name: j, {settings}}}\n- job: {{name: k}}\n", "j", "k"), {}))
    assert [(job["rule"], job["reason"]) for job in found["jobs"]] == [
        ("undefined", "undefined: its definition is wrong"),
        ("matches", "matches"),
    ]
    entry = answer(Case("", app("- job: {name: j}\n", f"j: {{{settings}}}"), {}))
    assert [job["rule"] for job in entry["jobs"]] == ["error"]


@pytest.mark.parametrize(
    "text", ["vars: null, gate: {jobs: [noop]}", "templates: t, gate: {jobs: [noop]}", "gate: {jobs: null}"]
)
def test_a_project_stanza_that_zuul_does_not_take(text: str) -> None:
    found = answer(Case("", {"o/app": {"master": f"- project: {{{text}}}\n"}}, {}))
    assert (found["jobs"], len(found["errors"])) == ([], 1)


def test_names_are_told_apart_as_texts() -> None:
    text = "- job: {name: j, vars: {a: {1: x, true: y}}}\n- job: {name: k, vars: {a: {1: x, '1': y}}}\n"
    j, k = answer(Case("", app(text, "j", "k"), {}))["jobs"]
    assert (j["vars"], k["reason"]) == ({"a": {"1": "y"}}, "undefined: its definition cannot be read")


def test_the_order_of_jobs_is_that_of_their_first_entries() -> None:
    case = next(one for one in CASES if one.name.startswith("stanzas: named"))
    assert [job["name"] for job in answer(case)["jobs"]] == ["a", "b", "c"]
