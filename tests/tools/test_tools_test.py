"""tools/test: every part runs, whatever the others say, and the worst status counts; the parts are pretended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = re.findall(r"^make_environment (\S+)", (ROOT / "tools/test").read_text(), re.MULTILINE)[0]
PREPARE = """
root=$PWD venv=$PWD/venv at_exit=()
say() { printf '%s\\n' "$*" >&2; }
see_to_proc() { :; }
install_system_packages() { :; }
refresh_constraints() { say "refreshed"; }
make_environment() { say "environment $venv: $*"; }
"""
PROGRAM = '#!/bin/sh\necho "$(basename "$0") $*" >>"$RAN"\ncase "$(basename "$0") $*" in {}) exit {} ;; esac\n'


def run(tmp_path: Path, *words: str, red: str = "never", status: int = 1) -> tuple[int, list[str], str]:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/test", tmp_path / "tools/test")
    (tmp_path / "tools/prepare.sh").write_text(PREPARE)
    for name in ("ruff", "mypy", "lint-imports", "sphinx-build", "pytest"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(PROGRAM.format(red, status))
        program.chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "RAN": str(tmp_path / "ran")}
    argv = [str(tmp_path / "tools/test"), *words]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    ran = tmp_path / "ran"
    return done.returncode, ran.read_text().splitlines() if ran.exists() else [], done.stderr


@pytest.mark.parametrize(
    ("red", "status", "told"),
    [
        ("ruff' 'check*", 1, "lint (1)"),
        ("mypy*", 2, "types (2)"),
        ("sphinx-build*-W*", 2, "documentation (2)"),
        ("pytest*'-m not live'", 1, "fast suite (1)"),
        ("pytest*'-m live'*", 3, "live suite (3)"),
    ],
)
def test_a_red_part_hides_no_other_and_is_told_at_the_end(tmp_path: Path, red: str, status: int, told: str) -> None:
    code, ran, said = run(tmp_path, red=red, status=status)
    assert (code, len(ran)) == (status, 7), said
    assert said.splitlines()[-1] == f"== red: {told}"
    assert "-m live" in ran[-1] and "-m not live" in ran[-2]


def test_green_is_said(tmp_path: Path) -> None:
    code, ran, said = run(tmp_path, "fast")
    assert (code, len(ran), said.splitlines()[-1]) == (0, 6, "== all green")


def test_the_newest_have_an_environment_of_their_own(tmp_path: Path) -> None:
    _, _, said = run(tmp_path, "fast", "--latest")
    assert f"environment {tmp_path}/venv-latest: {EXTRAS} newest" in said and "refreshed" not in said


def test_what_is_refreshed_is_tested(tmp_path: Path) -> None:
    code, ran, said = run(tmp_path, "--refresh", red="pytest*")
    assert said.index("refreshed") < said.index(EXTRAS)
    assert (code, len(ran)) == (1, 7)


def test_what_it_does_not_know_is_refused(tmp_path: Path) -> None:
    code, ran, said = run(tmp_path, "--lastest")
    assert (code, ran) == (2, []) and "--latest" in said
