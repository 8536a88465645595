"""What is proposed for a project, by the files that it has; all of it can be read and run as it is."""

from __future__ import annotations

import pytest

from gatelocal.config.gatelocal_yaml import parse
from gatelocal.jobs.freeze import freeze
from gatelocal.jobs.proposal import proposal

TOX = "[tox]\nenvlist = py39, py311\n  pep8,docs\n  {py38,py311}-{old,new}  # many\n[testenv]\ncommands = true\n"
NOX = (
    "import nox\nnox.options.reuse_existing_virtualenvs = True\n"
    "@nox.session(python=['3.11'])\ndef tests(session): ...\n@nox.session\ndef lint(session): ...\ndef other(): ...\n"
)


def jobs(files: dict[str, str], python: str = "311") -> dict[str, object]:
    """The proposed jobs, frozen: what each runs."""
    found = proposal(files, python)
    assert found is not None
    graph = freeze(parse(found.text), "a/b", "main")
    assert [job.name for job in graph.jobs] == list(found.jobs)
    assert all(job.run for job in graph.jobs)
    told: dict[str, object] = {}
    for job in graph.jobs:
        steps = job.variables.get("gatelocal_steps")
        told[job.name] = job.variables.get("tox_envlist") or [
            one["command"]
            for part in ("setup", "steps")
            for one in steps.get(part, [])  # type: ignore[union-attr, attr-defined]
        ]
    return told


def test_tox_runs_by_itself_with_the_python_that_is_there() -> None:
    assert jobs({"tox.ini": TOX}) == {"unit": "py311", "pep8": "pep8", "docs": "docs"}
    assert jobs({"tox.ini": TOX}, "313")["unit"] == "py311", "else the last one"
    assert jobs({"tox.ini": "[tox]\nenv_list = py3,py310,unit\n"}) == {"unit": "py3"}
    assert jobs({"tox.ini": "[testenv]\ncommands = x\n"}) == {"unit": "py3"}
    assert jobs({"setup.cfg": "[tox:tox]\nenvlist = lint\n"}) == {"lint": "lint"}


def test_nox_runs_its_sessions() -> None:
    assert jobs({"noxfile.py": NOX}) == {
        name: [
            "python3 -m venv .gatelocal-venv",
            ".gatelocal-venv/bin/pip install nox",
            f'.gatelocal-venv/bin/nox -s "{name}"',
        ]
        for name in ("tests", "lint")
    }
    assert list(jobs({"noxfile.py": NOX + "nox.options.sessions = ['lint']\n"})) == ["lint"]


def test_pyproject_runs_pytest_with_the_extra_for_tests() -> None:
    text = "[project]\nname='x'\n[project.optional-dependencies]\ntest=['pytest']\n[tool.ruff]\nline-length=1\n"
    assert jobs({"pyproject.toml": text}) == {
        "lint": [
            "python3 -m venv .gatelocal-venv",
            ".gatelocal-venv/bin/pip install ruff",
            ".gatelocal-venv/bin/ruff check .",
        ],
        "unit": [
            "python3 -m venv .gatelocal-venv",
            '.gatelocal-venv/bin/pip install ".[test]" pytest',
            ".gatelocal-venv/bin/python -m pytest",
        ],
    }
    assert list(jobs({"pyproject.toml": "[project]\nname='x'\n", "tests": ""})) == ["unit"]
    assert list(jobs({"setup.py": "x", "tests": ""})) == ["unit"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"package.json": '{"scripts": {"test": "jest", "lint": "eslint", "x": "y"}}', "package-lock.json": ""},
            {"npm-lint": ["npm ci", "npm run lint"], "npm-test": ["npm ci", "npm run test"]},
        ),
        (
            {"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""},
            {"yarn-test": ["yarn install --frozen-lockfile", "yarn run test"]},
        ),
        ({"go.mod": "module x"}, {"go-vet": ["go vet ./..."], "go-test": ["go test -json ./..."]}),
        ({"Cargo.toml": "", "Cargo.lock": ""}, {"cargo-test": ["cargo test --locked"]}),
        (
            {"Makefile": "test: x\n\ty\nlint:\nTEST := 1\ncheck::\n"},
            {"make-test": ["make test"], "make-lint": ["make lint"]},
        ),
        ({"Makefile": "test:\ncheck: test\n"}, {"make-check": ["make check"]}),
        ({"Makefile": "test:\n", "go.mod": ""}, {"go-vet": ["go vet ./..."], "go-test": ["go test -json ./..."]}),
        (
            {"tox.ini": TOX, "pyproject.toml": "[tool.pytest.ini_options]\n"},
            {"unit": "py311", "pep8": "pep8", "docs": "docs"},
        ),
    ],
)
def test_other_tools(files: dict[str, str], expected: dict[str, object]) -> None:
    assert jobs(files) == expected


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"setup.cfg": "[metadata]\nname = x\n"},
        {"pyproject.toml": "[project]\nname='x'\n"},
        {"pyproject.toml": "not toml ["},
        {"pyproject.toml": "x = " + "[" * 5000},
        {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'},
        {"package.json": '["scripts"]'},
        {"package.json": "[" * 100_000},
        {"noxfile.py": "(" * 100_000},
        {"noxfile.py": "def broken(:\n"},
        {"tox.ini": "no section\n"},
        {"tox.ini": "[tox]\nenvlist = $(reboot), `x`, a;b, ../x, {a,{b\n"},
        {"Makefile": "all:\n\techo test:\n"},
    ],
)
def test_nothing_is_proposed_for_what_says_nothing(files: dict[str, str]) -> None:
    assert proposal(files) is None


def test_a_list_of_environments_that_would_not_end_is_cut() -> None:
    found = proposal({"tox.ini": "[tox]\nenvlist = " + "{a,b,c,d}-" * 30 + "x\n"})
    assert found is None or len(found.jobs) <= 12
