"""The manual is held to the code: rules that are cited, keys of scenarios, variables, exit codes."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gatelocal import errors
from gatelocal.model.deviation import NODE, PARTIAL, WARM
from gatelocal.model.result import Outcome
from gatelocal.model.run import Verdict
from gatelocal.pipeline.policies import STARRED, Policy
from gatelocal.sim import scenario, slow, steps, world
from gatelocal.sim.runner import play

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "doc/source"


def page(name: str) -> str:
    return (PAGES / name).read_text()


def cited() -> set[tuple[str, str]]:
    """(rule, step) of each citation in code and tests; the step is empty where none is named."""
    found = set()
    own = [*ROOT.glob("gatelocal/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/**/*.yaml")]
    for file in own:
        for rest in re.findall(r"gate-semantics\s+(1\.[0-9., and\nstep]+)", file.read_text()):
            for rule, step in re.findall(r"(1\.\d+)(?:,\s+step (\d+))?", rest):
                found.add((rule, step))
    return found


def rules() -> dict[str, str]:
    """Number → text of each rule."""
    parts = re.split(r"^(1\.\d+) .*\n-+$", page("gate-rules.rst"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_rule_that_is_cited_is_there() -> None:
    known = rules()
    assert {("1.4", "5"), ("1.8", ""), ("1.13", "")} <= cited()
    assert {rule for rule, _ in cited()} <= set(known)
    assert all(re.search(rf"^{step}\. ", known[rule], re.MULTILINE) for rule, step in cited() if step)
    assert list(known) == [f"1.{number}" for number in range(1, 19)]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("steps", tuple(steps._CHECKS)),
        ("expectations", steps.EXPECTATIONS),
        ("changes", scenario.CHANGE_KEYS),
        ("rules", scenario._RULE_KEYS),
        ("results", scenario.RESULTS),
        ("switches", tuple(field.name for field in fields(Policy))),
        ("crashes", tuple(world.CRASH_POINTS.values())),
        ("answers", (*slow.SLOW.values(), *slow.WORK)),
    ],
)
def test_the_page_of_scenarios_has_every_word_of_the_format(what: str, words: tuple[str, ...]) -> None:
    named = set(re.findall(r"``([a-zA-Z_]+)(?:``|:)", page("scenarios.rst")))
    assert set(words) <= named, what


def test_the_page_of_scenarios_says_which_switches_are_the_default() -> None:
    text = " ".join(page("scenarios.rst").split())
    told = text.partition("``default`` has these switches on: ")[2].partition(". A mapping")[0]
    assert tuple(re.findall(r"``([a-z_]+)``", told)) == STARRED


def test_the_example_of_a_scenario_holds() -> None:
    block = page("scenarios.rst").partition(".. code-block:: yaml\n")[2]
    lines = re.match(r"(?:    .*\n|\n)+", block)
    assert lines is not None
    text = "".join(line.removeprefix("    ") for line in lines[0].splitlines(keepends=True))
    game = play(scenario.understand(text, ROOT))
    assert not game.violations and not game.failed
    assert [str(ref) for ref in game.world.landed] == ["A"]


def test_each_variable_that_the_code_names_is_told() -> None:
    own = (*ROOT.glob("gatelocal/**/*.py"), *ROOT.glob("tools/*.sh"))
    named = {name for file in own for name in re.findall(r"\bGATELOCAL_[A-Z]+\b", file.read_text())}
    assert {"GATELOCAL_CACHE", "GATELOCAL_VENV"} <= named
    assert named <= set(re.findall(r"``(GATELOCAL_[A-Z]+)``", page("settings.rst")))


def test_each_exit_code_has_its_section_and_its_line() -> None:
    known = {str(code) for code in vars(errors).values() if isinstance(code, int)}
    told = re.findall(r"^(\d+): .*\n-+$", page("trouble.rst"), re.MULTILINE)
    assert set(told) == known
    table = page("gatelocal.rst").partition("Exit codes")[2].partition("Files")[0]
    assert set(re.findall(r"^(\d+)\s", table, re.MULTILINE)) == known


def test_each_verdict_and_outcome_is_told() -> None:
    text = page("running.rst")
    assert all(f"``{outcome.value}``" in text for outcome in Outcome)
    table = text.partition("Verdicts\n")[2].partition("The first that fits")[0]
    assert {str(verdict.exit_code) for verdict in Verdict} == set(re.findall(r"``\s+(\d+)\s", table))


def test_each_deviation_is_told() -> None:
    texts = [file.read_text() for file in ROOT.glob("gatelocal/**/*.py")]
    patterns = (r'\bDeviation\(\s*"([a-z-]+)"', r'op="deviates", id="([a-z-]+)"')
    named = {
        PARTIAL,
        NODE,
        WARM,
        *(name for text in texts for pattern in patterns for name in re.findall(pattern, text)),
    }
    told = re.findall(r"^``([a-z-]+)``", page("zuul.rst").partition("\nDeviations\n")[2], re.MULTILINE)
    assert len(named) > 5 and named == set(told)


def test_each_option_of_a_run_is_told_in_its_page() -> None:
    from gatelocal.cli.run import run

    text = page("running.rst").partition("\nOptions\n")[2].partition("\nWhat is shown\n")[0]
    named = set(re.findall(r"``(--?[a-z-]+)", text))
    assert named == {name for parameter in run.params for name in parameter.opts if name.startswith("-")}


def test_each_page_is_in_the_index() -> None:
    listed = re.findall(r"^   ([a-z-]+|decisions/\*)$", page("index.rst"), re.MULTILINE)
    assert {path.stem for path in PAGES.glob("*.rst")} == {*listed, "index"} - {"decisions/*"}
