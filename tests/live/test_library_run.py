"""The library as a CI program uses it: the documented example, what happens on the way, its end from outside."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

import gatelocal
from gatelocal import happening
from gatelocal.cli.main import gatelocal as command
from gatelocal.config.directories import Directories
from gatelocal.reporter import machine
from tests.fakes.project import small_project

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
KINDS = {one.event for one in happening.Happening.__subclasses__()}


def gate(folder: Path, environment: Mapping[str, str]) -> gatelocal.Gate:
    return gatelocal.Gate(Directories(folder / "cache", folder / "state"), environment)


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    environment = small_project(tmp_path, "echo well")
    example = [sys.executable, str(ROOT / "share/examples/ci.py"), "local"]
    told = subprocess.run(
        example,
        cwd=tmp_path / "tree",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert told.returncode == 0, told.stderr
    assert re.search(r"s: unit begins, attempt 1; logs are in \S+/unit$", told.stdout, re.MULTILINE)
    assert "unit: SUCCESS" in told.stdout and told.stdout.splitlines()[-1] == "passes"
    (tmp_path / "tree/.zuul.yaml").write_text("- project: {gate: {jobs: [nowhere]}\n")
    subprocess.run(["git", "commit", "-qam", "Bad"], cwd=tmp_path / "tree", env=environment, check=True)
    told = subprocess.run(example, cwd=tmp_path / "tree", env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 5 and "no verdict: " in told.stderr and "Traceback" not in told.stderr


def test_what_happens_is_told_in_order_and_as_the_command_prints_it(tmp_path: Path) -> None:
    environment = small_project(tmp_path, "echo printed; exit 1")
    request = gatelocal.GateRequest("HEAD", node="local", directory=tmp_path / "tree")
    with gate(tmp_path, environment).follow(request) as run:
        seen = list(run)
    kinds = [one.event for one in seen if one.event not in ("progress", "output")]
    assert kinds == ["change", "merged", "jobs", "node", "job-started", "job-ended", "run-ended"]
    assert [one.at for one in seen] == sorted(one.at for one in seen)
    lines = [one.line for one in seen if isinstance(one, happening.Output)]
    assert "printed" in lines
    (ended,) = (one for one in seen if isinstance(one, happening.JobEnded))
    assert (ended.build.outcome, ended.attempt) == (gatelocal.Outcome.FAILURE, 1)
    assert run.result.verdict is gatelocal.Verdict.FAILS and seen[-1] == happening.RunEnded(
        result=run.result, at=seen[-1].at
    )
    printed = subprocess.run(
        [str(BIN / "gatelocal"), "run", "--node", "local", "-q", "--json-events"],
        cwd=tmp_path / "tree",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.returncode == 1, printed.stderr
    told = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [one["event"] for one in told if one["event"] not in ("progress", "output")] == kinds
    mine = {one.event: set(machine.happening(one)) for one in seen}
    assert all(set(one) == mine[one["event"]] for one in told)
    assert told[-1]["result"]["verdict"] == "fails"


def test_the_documentation_names_every_kind_and_field() -> None:
    text = (ROOT / "doc/source/library.rst").read_text()
    rows = dict(re.findall(r"^``([a-z-]+)``  +(\S.*)$", text, re.MULTILINE))
    del rows["event"]  # the heading
    assert set(rows) == KINDS
    for one in happening.Happening.__subclasses__():
        for name in (each.name for each in fields(one)):
            assert name == "at" or f"``{name}``" in rows[one.event], (one, name)


def test_stopping_it_leaves_nothing(tmp_path: Path) -> None:
    environment = small_project(tmp_path, "sleep 600")
    request = gatelocal.GateRequest("HEAD", node="local", directory=tmp_path / "tree")
    with gate(tmp_path, environment).follow(request) as run:
        for one in run:
            if isinstance(one, happening.Output) and "commands[0]" in one.line:
                break
    with pytest.raises(gatelocal.Interrupted):
        _ = run.result
    assert not list((tmp_path / "state/nodes").iterdir()) and not list((tmp_path / "cache/work").iterdir())
    refs = [line for one in (tmp_path / "cache/git").glob("*.git") for line in _refs(one)]
    assert not refs, "what the run merged is let go of"


def _refs(path: Path) -> list[str]:
    told = subprocess.run(
        ["git", "for-each-ref", "refs/gatelocal", "--format=%(refname)"],
        cwd=path,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in told.stdout.splitlines() if "-taken/" not in line]


def test_it_is_imported_quickly() -> None:
    """Within 60 ms until a run begins, on a machine that has nothing else to do; here, in modules."""
    script = (
        "import sys, gatelocal; gatelocal.GateRequest('HEAD'); gatelocal.happening; gatelocal.errors; gatelocal.Gate\n"
        "heavy = {'requests', 'git', 'click', 'sqlalchemy', 'yaml', 'keyring', 'subunit', 'tomllib', 'asyncio'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_the_command_and_the_library_have_the_same_question() -> None:
    run = command.get_command(None, "run")  # type: ignore[arg-type]
    shown = {"as_json", "json_events", "html", "junit", "quiet", "resume", "listing"}
    found = {"key": "keys", "failed": "only", "profile": "jobs", "trunk": "only", "test": "only"}  # found out before
    options = {found.get(one.name, one.name) for one in run.params} - shown
    assert options <= set(gatelocal.GateRequest.__dataclass_fields__)
