"""Worlds that would go on for ever and files that never end: a sentence with its line, and the exit code 2, in time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.simulate import simulate
from gatelocal.sim.plain import LARGEST

pytestmark = pytest.mark.live  # more seconds than the fast suite has

LAYOUT = """
- pipeline:
    name: gate
    manager: dependent
    trigger: {gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- job: {name: base, parent: null, run: run.yaml}
- job: {name: t1, attempts: ATTEMPTS}
- project: {name: P, gate: {jobs: [t1]}}
"""


def simulated(path: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(simulate, [str(path), *options], standalone_mode=False)
    assert result.exception is None
    return result.return_value, result.stdout


def scenario(folder: Path, *, layout: str = "layout.yaml", builds: str = "{}", steps: str = "[{approve: A}]") -> Path:
    path = folder / "scenario.yaml"
    path.write_text(
        f"scenario: s\nlayout: {layout}\nchanges: {{A: {{project: P}}}}\nbuilds: {builds}\nsteps: {steps}\n", "utf-8"
    )
    return path


def layout(folder: Path, attempts: int = 3) -> None:
    (folder / "layout.yaml").write_text(LAYOUT.replace("ATTEMPTS", str(attempts)), encoding="utf-8")


ENDLESS = {
    "builds of no length": ("{rules: [{result: STOPPED}]}", "[{approve: A}]"),
    "held builds": ("{hold: true, rules: [{result: STOPPED}]}", "[{approve: A}, {release: all}]"),
    "builds of some length": (
        "{durations: {t1: 1s}, rules: [{result: STOPPED}]}",
        "[{approve: A}, {advance: 8000h}]",
    ),
    "nodes": ("{nodes: hold, rules: [{result: STOPPED}]}", "[{approve: A}, {nodes: release}]"),
}


@pytest.mark.parametrize(("builds", "steps"), ENDLESS.values(), ids=ENDLESS)
def test_a_rule_without_times_that_is_tried_for_ever_is_told(tmp_path: Path, builds: str, steps: str) -> None:
    layout(tmp_path)
    code, text = simulated(scenario(tmp_path, builds=builds, steps=steps))
    assert code == 2
    assert "scenario.yaml:5: it comes to no end: t1 of A was built 1000 times on one workspace" in text
    assert "a rule with the result STOPPED needs times" in text


def test_attempts_without_end_are_told(tmp_path: Path) -> None:
    layout(tmp_path, attempts=10**9)
    code, text = simulated(scenario(tmp_path, builds="{rules: [{result: LOST}]}"))
    assert code == 2
    assert "a rule with the result LOST needs times" in text


def test_a_rule_that_ends_is_none_of_those(tmp_path: Path) -> None:
    layout(tmp_path)
    builds = "{rules: [{result: STOPPED, times: 900}]}"
    steps = "[{approve: A}, {expect: {landed: [A], builds: {total: 901}}}]"
    assert simulated(scenario(tmp_path, builds=builds, steps=steps))[0] == 0


def test_each_release_of_a_held_build_is_a_step_of_its_own(tmp_path: Path) -> None:
    layout(tmp_path)
    steps = "[{approve: A}, {release: {}}, {release: {}}, {expect: {landed: [], running: 1}}]"
    assert simulated(scenario(tmp_path, builds="{hold: true, rules: [{result: STOPPED}]}", steps=steps))[0] == 0


def odd_files(folder: Path) -> dict[str, str]:
    """Names of layouts, and what is said of them."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "bytes").write_bytes(b"\xff\xfe")
    with (folder / "huge").open("wb") as file:
        file.truncate(10**12)
    return {
        "pipe": "pipe: it is not a plain file",
        "folder": "folder: Is a directory",
        "zero": "zero: it is not a plain file",
        "bytes": "bytes: 'utf-8' codec can't decode",
        "huge": "huge: it is larger than 4 MB",
        "/dev/zero": "/dev/zero: the path has to be relative to this file",
        "gone": "gone: No such file or directory",
        '"a\\0b"': "embedded null byte",
    }


def test_a_layout_is_a_plain_file_of_limited_size(tmp_path: Path) -> None:
    for name, words in odd_files(tmp_path).items():
        for path in (scenario(tmp_path, layout=name), scenario(tmp_path, layout="[]", steps=f"[{{reload: {name}}}]")):
            code, text = simulated(path)
            assert code == 2
            assert words in text, name


def test_a_layout_is_sought_beside_its_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    layout(tmp_path)
    path = scenario(tmp_path / "deep", layout="../layout.yaml", steps="[{approve: A}, {expect: {landed: [A]}}]")
    monkeypatch.chdir("/")
    assert simulated(path)[0] == 0


@pytest.mark.parametrize("option", [(), ("--load",)])
def test_a_file_that_never_ends_is_too_large(tmp_path: Path, option: tuple[str, ...]) -> None:
    arguments = [*option, "/dev/zero"]
    result = CliRunner().invoke(simulate, arguments, standalone_mode=False)
    assert result.return_value == 2
    assert f"it is larger than {LARGEST // 1_000_000} MB" in result.stdout
