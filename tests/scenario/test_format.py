"""What `gatelocal simulate` prints and how it ends: the output of a scenario, and every kind of wrong file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatelocal.cli.simulate import simulate

HEAD = """\
scenario: tried
layout:
  - pipeline:
      name: gate
      manager: dependent
      trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
      require: {gerrit: {open: true, approval: [{Workflow: 1}]}}
      start: {gerrit: {Verified: 0}}
      success: {gerrit: {Verified: 2, submit: true}}
      failure: {gerrit: {Verified: -2}}
  - job: {name: base, parent: null, run: run.yaml}
  - job: {name: image, provides: disk}
  - job: {name: boot, requires: disk}
  - project: {name: P, gate: {jobs: [image, boot]}}
changes: {A: {project: P}, B: {project: P}}
"""
LINES = HEAD.count("\n")


def run(*arguments: str | Path) -> tuple[int, list[dict[str, Any]], str]:
    result = CliRunner().invoke(simulate, [str(one) for one in arguments], standalone_mode=False)
    assert result.exception is None, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("{")]
    return int(result.return_value), [json.loads(line) for line in lines], result.output


def written(folder: Path, text: str, name: str = "x.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_whole_output(tmp_path: Path) -> None:
    steps = """\
builds:
  hold: true
  rules: [{job: image, change: A, returns: {artifacts: [qcow2]}}, {job: boot, change: B, result: FAILURE}]
steps:
  - push: {project: P, name: X}
  - patchset: {change: A, votes: {Code-Review: 2}}
  - approve: [A, B]
  - operator: {hold: {project: P, job: boot}}
  - release: [{job: image, change: A.2}]
  - look: middle
  - release: all
"""
    code, [found], _ = run("--json", written(tmp_path, HEAD + steps))
    assert code == 0
    assert found["landed"] == ["A.2"]
    assert found["trunk"] == {"P": {"master": ["X", "A.2"]}}
    assert [(b["id"], b["job"], b["change"], b["items"], b["base"], b["result"]) for b in found["builds"]] == [
        (1, "image", "A.2", ["A.2"], "X", "SUCCESS"),
        (2, "boot", "A.2", ["A.2"], "X", "SUCCESS"),
        (3, "image", "B", ["A.2", "B"], "X", "SUCCESS"),
        (4, "boot", "B", ["A.2", "B"], "X", "FAILURE"),
    ]
    assert found["builds"][3]["artifacts"] == [{"name": "qcow2", "change": "A.2"}]
    assert [b["attempt"] for b in found["builds"]] == [1, 1, 1, 1]
    assert found["totals"] == {"total": 4, "SUCCESS": 3, "FAILURE": 1}
    assert found["held"] == [{"job": "boot", "change": "B"}]
    assert found["queues"] == {"gate": {"P": {"window": 10, "paused": False, "items": []}}}
    assert found["changes"]["B"]["votes"] == {"Code-Review": 2, "Workflow": 1, "Verified": -2}
    assert [one["kind"] for one in found["changes"]["B"]["messages"]] == ["start", "failure"]
    assert found["changes"]["A"]["patchset"] == 2
    assert found["requests"] == {"submit": [{"change": "A", "patchset": 2, "answer": "ok"}]}
    assert "boot" in found["why"]["B"] and list(found["why"]) == ["B"]
    middle = found["looks"]["middle"]
    assert {"running", "totals", "queues", "landed", "trunk", "held", "why", "messages", "status"} == set(middle)
    assert middle["queues"]["gate"]["P"]["items"] == [
        {"changes": ["A.2"], "live": True},
        {"changes": ["B"], "live": True},
    ]
    assert {"job": "boot", "change": "A.2", "pipeline": "gate", "items": ["A.2"]} in middle["running"]
    assert middle["status"] == {"A": "NEW", "B": "NEW"}


WRONG = {
    "an unknown key": ("colour: red\nsteps: []\n", 1, "colour"),
    "an unknown step": ("steps:\n  - aprove: A\n", 2, "aprove"),
    "two steps in one": ("steps:\n  - {approve: A, upload: A}\n", 2, "one key"),
    "an unknown change": ("steps:\n  - approve: Z\n", 2, "Z"),
    "an unknown policy": ("policy: fast\nsteps: []\n", 1, "fast"),
    "an unknown switch": ("policy: {hurry: true}\nsteps: []\n", 1, "hurry"),
    "a switch that is no truth": ("policy: {verify: maybe}\nsteps: []\n", 1, "verify"),
    "an unknown result": ("builds: {rules: [{result: BROKEN}]}\nsteps: []\n", 1, "BROKEN"),
    "an unknown key of a rule": ("builds: {rules: [{jobs: unit}]}\nsteps: []\n", 1, "jobs"),
    "no length of time": ("builds: {durations: {image: soon}}\nsteps: []\n", 1, "soon"),
    "an unknown expectation": ("steps:\n  - approve: A\n  - expect: {landing: [A]}\n", 3, "landing"),
    "items that are no list": ("steps:\n  - approve: A\n  - expect: {running: [{job: image, items: 4}]}\n", 3, "list"),
    "a release of nothing": ("steps:\n  - approve: A\n  - release: {job: nothing}\n", 3, "nothing"),
    "an announcement of nothing": ("steps:\n  - announce: {job: image}\n", 2, "early"),
    "an unknown queue": ("steps:\n  - operator: {pause: Q}\n", 2, "Q"),
    "an unknown pipeline": ("steps:\n  - operator: {enqueue: A, pipeline: check}\n", 2, "check"),
    "a patchset that is none yet": ("steps:\n  - event: {change: A, patchset: 2}\n", 2, "2"),
    "a submit of what has landed": ("steps:\n  - submit: A\n  - submit: A\n", 3, "open"),
    "a layout that is not there": ("steps:\n  - reload: other.yaml\n", 2, "other.yaml"),
    "a crash point that is none": ("steps:\n  - crash: {after: coffee}\n", 2, "coffee"),
    "no steps": ("", -LINES + 1, "steps"),
    "a key twice": ("steps: []\nsteps: []\n", 2, "twice"),
    "no YAML": ("steps: [\n", 2, "YAML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    rest, line, word = WRONG[name]
    path = written(tmp_path, HEAD + rest)
    good = written(tmp_path, HEAD + "steps: [{approve: A}]\n", "good.yaml")
    code, [wrong, right], _ = run("--json", path, good)
    assert code == 2
    assert (wrong["ok"], right["ok"], right["landed"]) == (False, True, ["A"])
    assert wrong["error"]["file"] == str(path)
    assert word in wrong["error"]["message"]
    assert wrong["error"]["line"] == LINES + line


def test_lines_for_people_and_the_policy_of_the_command_line(tmp_path: Path) -> None:
    steps = "policy: default\nsteps:\n  - submit: A\n  - expect: {status: {A: MERGED, B: MERGED}}\n"
    path = written(tmp_path, HEAD + steps)
    code, _, output = run(path, "--policy", "classic")
    assert code == 1
    assert output.startswith("FAILED tried\n")
    assert f"line {LINES + 4}: status" in output
    assert run(written(tmp_path, HEAD + "steps: []\n"))[2] == "ok     tried\n"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    code, [found], _ = run("--json", tmp_path / "nowhere.yaml")
    assert code == 2
    assert found["error"]["file"].endswith("nowhere.yaml")


def test_a_crash_that_does_not_come_fails(tmp_path: Path) -> None:
    code, [found], _ = run("--json", written(tmp_path, HEAD + "steps: [{crash: {after: submit}}]\n"))
    assert (code, found["ok"]) == (1, False)
    assert "submit" in found["failed_expectations"][0]
