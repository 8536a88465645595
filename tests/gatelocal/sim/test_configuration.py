"""What a scenario's layout says is read as `plan` reads it; what is wrong is left out, and the rest goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.cli.main import gatelocal
from gatelocal.config.zuul_yaml import parse_all
from gatelocal.model.facts import Facts, Ref
from gatelocal.sim.configuration import Configuration, configuration

PIPELINE = "- pipeline: {name: gate, manager: dependent, success: {gerrit: {Verified: 2, submit: true}}}\n"
BASE = "- job: {name: base, parent: null, run: run.yaml}\n- job: {name: j}\n- job: {name: k}\n"


def read(text: str) -> Configuration:
    return configuration(*parse_all(PIPELINE + text, "layout"))


def jobs(text: str, *files: str) -> list[str] | str:
    facts = Facts("A", 1, "P", "master", files=files)
    found = read(text).graph(facts, Ref("A", 1), "gate")
    return found.problem or [job.name for job in found.jobs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # to run it would give the secrets of one project to another
        ("- job: {name: s, allowed-projects: [Q]}\n- project: {name: P, gate: {jobs: [s]}}\n", "by Q only"),
        (
            "- secret: {name: x, data: {}}\n- job: {name: s, run: r, secrets: [x]}\n"
            "- project: {name: P, gate: {jobs: [s]}}\n",
            "reviewed changes only",
        ),
        ("- job: {name: s, post-review: true}\n- project: {name: P, gate: {jobs: [s]}}\n", "reviewed changes only"),
        ("- job: {name: f, final: true}\n- job: {name: s, parent: f, timeout: 5}\n", "no job s"),
        (
            "- job: {name: f, protected: true}\n- job: {name: s, parent: f}\n- project: {name: P, gate: {jobs: [s]}}\n",
            "s",
        ),
        ("- job: {name: s, nodeset: none}\n- project: {name: P, gate: {jobs: [s]}}\n", "there is no nodeset none"),
        ("- job: {name: s, dependencies: [gone]}\n- project: {name: P, gate: {jobs: [s]}}\n", "gone"),
        ("- project: {name: P, templates: [t], gate: {jobs: [j]}}\n", "no project-template t"),
    ],
)
def test_what_zuul_refuses_is_not_built(text: str, expected: str) -> None:
    found = jobs(f"{BASE}{text}- project: {{name: Q}}\n")
    if expected == "no job s":
        assert any("final" in one.message for one in read(BASE + text).problems)
    elif expected == "s":
        assert found == ["s"]  # protected against other projects, and there is one only
    else:
        assert isinstance(found, str) and expected in found


def test_a_job_without_a_playbook_anywhere_is_not_built() -> None:
    found = jobs("- job: {name: base, parent: null}\n- job: {name: j}\n- project: {name: P, gate: {jobs: [j]}}\n")
    assert found == "job j has no playbook to run"


def test_a_base_that_names_no_parent_is_short_for_one_that_runs_something() -> None:
    assert jobs("- job: {name: base}\n- job: {name: j}\n- project: {name: P, gate: {jobs: [j]}}\n") == ["j"]


def test_what_is_inherited_stays_with_a_dependency_that_says_so() -> None:
    text = (
        f"{BASE}- job: {{name: d, files: none}}\n- job: {{name: e}}\n- job: {{name: a, dependencies: [d]}}\n"
        "- job: {name: b, parent: a, dependencies: !inherit [e]}\n- project: {name: P, gate: {jobs: [d, e, b]}}\n"
    )
    assert jobs(text, "x") == ["d", "e", "b"]


def test_a_template_that_two_stanzas_name_is_applied_once() -> None:
    text = (
        f"{BASE}- project-template: {{name: t, gate: {{jobs: [k: {{voting: true}}]}}}}\n"
        "- project: {name: P, templates: [t], gate: {jobs: [k: {voting: false}]}}\n"
        "- project: {name: P, templates: [t]}\n"
    )
    facts = Facts("A", 1, "P", "master")
    (job,) = read(text).graph(facts, Ref("A", 1), "gate").jobs
    assert job.voting is False


def test_a_second_definition_that_overrides_with_nothing_keeps_the_matcher() -> None:
    text = f"{BASE}- job: {{name: m, files: [x]}}\n- job: {{name: m, files: !override []}}\n"
    text += "- project: {name: P, gate: {jobs: [m, j]}}\n"
    assert jobs(text, "y") == ["j"]


def test_one_wrong_object_spoils_nothing_else_and_what_is_not_followed_is_told() -> None:
    text = (
        f"{BASE}- job: {{name: w, nonsense: 1}}\n- nothing: {{name: x}}\n- secret: {{name: s, data: {{}}}}\n"
        "- image: {name: i}\n- project: {name: P, nowhere: {jobs: [k]}, gate: {jobs: [j]}}\n"
        "- pipeline: {name: timed, manager: independent,"
        " trigger: {timer: [{time: x}], gerrit: [{event: pending-check}]},"
        " require: {gerrit: {hashtags: [x]}, github: {open: true}}, success: {smtp: {to: a}}}\n"
    )
    found = read(text)
    assert jobs(text) == ["j"]
    assert sorted(one.message.partition(":")[0] for one in found.problems) == [
        "job w",
        "there is no kind of stanza named 'nothing'",
    ]
    told = [one.message.removeprefix("pipeline timed: ") for one in found.inert]
    assert [one.partition(" is")[0].partition(":")[0] for one in told] == [
        "require",
        "require",
        "trigger",
        "trigger",
        "success",
    ]
    timed = found.layout.pipelines["timed"]
    assert (timed.triggers, timed.voices) == ((), {})
    assert timed.require.unknown, "what cannot be looked at is met by nobody"


def test_the_command_tells_what_it_left_out_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "scenario: s\nlayout:\n"
        + "".join(f"  {line}\n" for line in (PIPELINE + BASE + "- job: {name: w, nonsense: 1}").splitlines())
        + "changes: {A: {project: P}}\nsteps: [{upload: A}]\n",
        encoding="utf-8",
    )
    assert gatelocal.main(["simulate", str(file)], standalone_mode=False) == 0
    told = capsys.readouterr()
    assert told.out == "ok     s\n"
    assert told.err == f"{file}:7: left out: job w: 'nonsense' is no key that Zuul knows here\n"
