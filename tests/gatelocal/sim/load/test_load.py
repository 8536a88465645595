"""A load is read, played, counted and drawn; what it says of the policies is what they are for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gatelocal.cli.main import main
from gatelocal.sim.lined import ScenarioError
from gatelocal.sim.load.file import Load, layout, read
from gatelocal.sim.load.picture import drawn
from gatelocal.sim.load.play import Case, play
from gatelocal.sim.load.table import Row, as_table, quantile

ROOT = Path(__file__).parents[4]
SMALL = """
load: small
approvals_per_hour: 3
hours: 5
jobs:
  job: {shortest: 30m, longest: 90m, count: 2}
  slow: {shortest: 1h, longest: 1h, files: false}
areas: [1, 4]
bad: 0.1
flakes: 0.05
policies: {classic: classic, kind: {confirm: true, reuse: true}}
seeds: 2
"""


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def running(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["gatelocal", "simulate", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out + said.err

    return running


@pytest.fixture
def small(tmp_path: Path) -> Load:
    (tmp_path / "small.yaml").write_text(SMALL)
    return read(tmp_path / "small.yaml")


def test_a_load_is_read(small: Load) -> None:
    assert (small.rate * 3600, small.lasting, small.seeds, small.areas) == (3, 5 * 3600, 2, (1, 4))
    assert [job.name for job in small.jobs] == ["job1", "job2", "slow"]
    assert [job.variant(3, 4) for job in small.jobs] == ["job1-3", "job2-3", "slow"]
    assert set(layout(small, 1).tenancy.jobs) == {"base", "job1", "job2", "slow"}
    assert len(layout(small, 4).tenancy.jobs) == 1 + 4 + 4 + 1
    assert [small.policies["kind"].confirm, small.policies["kind"].verify] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("hours: 5", "hours: 0", 4, "greater than 0"),
        ("bad: 0.1", "bad: 1.5", 9, "expected a share"),
        ("bad: 0.1", "worse: 1", 9, "unknown key worse"),
        ("seeds: 2", "seeds: none", 12, "whole number"),
        ("shortest: 1h", "shortest: 2h", 7, "at least the shortest"),
        ("areas: [1, 4]", "areas: []", 8, "at least one"),
        ("classic: classic", "classic: classy", 11, "there is no policy 'classy'"),
        ("load: small\n", "", 2, "load is missing"),
        ("slow:", "job1:", 5, "two jobs have the same name"),
        ("approvals_per_hour: 3", "approvals_per_hour: 900000", 3, "more than 1000000 approvals"),
    ],
)
def test_an_error_has_its_line(old: str, new: str, line: int, words: str, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "load.yaml"
    path.write_text(SMALL.replace(old, new))
    with pytest.raises(ScenarioError, match=words) as caught:
        read(path)
    assert caught.value.line == line
    code, said = run("--load", str(path))
    assert (code, f"{path}:{line}: " in said) == (2, True)
    told = json.loads(run("--json", "--load", str(path))[1])
    assert (told["ok"], told["error"]["line"]) == (False, line)


def test_all_good_changes_land_and_the_same_seed_gives_the_same(small: Load) -> None:
    case = Case(4, 0.05, "kind", 1)
    once, again = play(small, case), play(small, case)
    assert once == again
    assert once.unlanded == 0
    assert len(once.waits) > 5
    assert min(once.waits) > 0.999, "no change is quicker than its longest job"
    assert once.builds >= 3 * len(once.waits)
    assert play(small, Case(4, 0.05, "kind", 0)) != once


def test_nodes_that_are_few_make_it_slow(small: Load) -> None:
    case = Case(1, 0.05, "kind", 1)
    free, scarce = play(small, case), play(replace(small, nodes=3), case)
    assert quantile(sorted(scarce.waits), 0.5) > quantile(sorted(free.waits), 0.5)
    assert scarce.unlanded == 0


def test_no_flake_and_nothing_bad_costs_each_job_once(small: Load) -> None:
    quiet = replace(small, bad=0.0)
    found = play(quiet, Case(1, 0.0, "classic", 0))
    assert found.builds == 3 * len(found.waits)


def test_confirmation_saves_the_gate_from_flakes() -> None:
    shown = read(ROOT / "benchmarks" / "load.yaml")
    short = replace(
        shown,
        lasting=8 * 3600.0,
        flakes=(0.03,),
        policies={k: shown.policies[k] for k in ("classic", "default")},
        seeds=1,
    )
    classic, default = (play(short, Case(5, 0.03, name, 0)) for name in ("classic", "default"))
    assert quantile(sorted(default.waits), 0.5) < quantile(sorted(classic.waits), 0.5)
    assert default.builds / len(default.waits) < classic.builds / len(classic.waits)


def test_quantiles() -> None:
    assert [quantile([1, 2, 4], share) for share in (0, 0.5, 0.75, 1)] == [1, 2, 3, 4]
    assert quantile([], 0.5) == 0


def test_the_command_prints_a_table_and_json_and_draws(tmp_path: Path, run: Run) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.replace("hours: 5", "hours: 2"))
    where = ["--load", str(tmp_path / "small.yaml")]
    code, shown = run(*where, "--plot", str(tmp_path / "small.svg"))
    assert (code, len(shown.splitlines())) == (0, 3 + 4 + 1)
    told = json.loads(run(*where, "--json", "--policy", "default")[1])
    assert [(row["areas"], row["policy"]) for row in told["rows"]] == [(1, "default"), (4, "default")]
    assert {"p50", "p90", "p99", "builds", "node_hours"} <= told["rows"][0].keys()
    assert "classic" in (tmp_path / "small.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--plot", "x.svg"], "--plot goes with --load"),
        (["--load", "x", "y"], "--load goes without other files"),
        (["--load", "x", "--random", "3"], "--load goes without other files"),
        (["--load", "nowhere.yaml"], "nowhere.yaml:1: "),
        (["--load", "small.yaml", "--policy", "classy"], "there is no policy 'classy'"),
        (["--load", "small.yaml", "--plot", "no/where.svg"], "cannot write no/where.svg"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    code, said = run(*arguments)
    assert (code, words in said) == (2, True)


# ---- the picture


def row(policy: str, flake: float, p50: float) -> Row:
    curve = tuple(p50 * (0.5 + at / 100) for at in range(101))
    return Row(1, flake, policy, p50, 2 * p50, 3 * p50, 10.0, 9.0, 100, 0, curve)


@pytest.mark.parametrize("flakes", [(0.01,), (0.002, 0.02)])
def test_a_line_for_each_policy_inside_the_frame(flakes: tuple[float, ...]) -> None:
    found = [row(policy, flake, 1.5 + flake * 900) for flake in flakes for policy in ("classic", "<b>\x1b[1m&")]
    picture = ElementTree.fromstring(drawn('loud "<&>"', found))  # noqa: S314 - our own
    spaces = {"s": "http://www.w3.org/2000/svg"}
    lines = picture.findall("s:polyline", spaces)
    assert len(lines) == 2
    for line in lines:
        points = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        assert len(points) == (101 if len(flakes) == 1 else 2)
        assert all(70 <= x <= 600 and 50 <= y <= 400 for x, y in points)
        assert points[0][1] > points[-1][1], "longer is higher"
    texts = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {'loud "<&>"', "classic", "<b>&", "hours"} <= set(texts)


# ---- the documentation


def test_the_tables_of_the_documentation_are_those_that_the_command_writes() -> None:
    page = (ROOT / "doc" / "source" / "load.rst").read_text(encoding="utf-8")
    for name in ("load", "load-areas"):
        wanted = read(ROOT / "benchmarks" / f"{name}.yaml")
        table = re.search(rf"^\.\. begin {name}\n\n(.*?)\n\n\.\. end {name}$", page, re.DOTALL | re.MULTILINE)
        assert table is not None
        parts = [(str(a), f"{f * 100:g} %", p) for a in wanted.areas for f in wanted.flakes for p in wanted.policies]
        lines = table[1].splitlines()
        shape = list(as_table([row(policy, 0.0, 1.0) for _, _, policy in parts]))
        assert (len(lines), lines[1].split()) == (len(shape), shape[1].split())
        cells = [re.split(r"  +", line.strip()) for line in lines[3:-1]]
        assert [tuple(line[:3]) for line in cells] == parts
        assert all(float(figure) > 0 for line in cells for figure in line[3:8])
