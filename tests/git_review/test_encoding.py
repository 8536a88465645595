"""Both commands where Python would not take file names for UTF-8, or must not write all letters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.project import small_project

pytestmark = pytest.mark.live  # more seconds than the fast suite has

FOLDER = "é漢"
TRIED = [
    {"LC_ALL": "C", "PYTHONUTF8": "0"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1:strict"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii:strict"},
]
COMMANDS = {
    "plan": "import gatelocal.cli; gatelocal.cli.main()",
    "workspace": "import gatelocal.cli; gatelocal.cli.main()",
    "-n": "import git_review.cli; git_review.cli.main()",
}


@pytest.mark.parametrize("environment", TRIED, ids=lambda one: " ".join(f"{key}={value}" for key, value in one.items()))
@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_is_not_ascii(command: str, environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    variables = small_project(folder, "true") | environment
    target = [] if command != "workspace" else [str(folder / "made"), "HEAD"]
    argv = [sys.executable, "-c", COMMANDS[command], command, *target]
    done = subprocess.run(argv, cwd=folder / "tree", env=variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if command == "workspace":
        assert (folder / "made" / "ex" / "p" / ".git").is_dir()
        # click takes ASCII for a mistake, and writes UTF-8
        latin = "latin-1" in environment.get("PYTHONIOENCODING", "")
        name = b"\xe9\\u6f22" if latin else FOLDER.encode()
        assert done.stdout.endswith(b"/%b/made/ex/p\n" % name), done.stdout


@pytest.mark.live
def test_a_whole_run_where_paths_are_not_ascii(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    argv = [sys.executable, "-c", COMMANDS["plan"], "run", "--node", "local", "-q"]
    variables = small_project(folder, f"test {FOLDER} = $(basename $(dirname {folder}/x))") | TRIED[1]
    done = subprocess.run(argv, cwd=folder / "tree", env=variables, capture_output=True, check=False)
    assert (done.returncode, f"{FOLDER}/state/runs".encode() in done.stdout) == (0, True), done.stderr


def test_it_is_started_anew_once_with_the_same_words_and_only_where_it_has_to_be() -> None:
    told = "import os, sys, git_review.encoding as e; print(os.getpid()); e.in_utf8(); print(os.fsencode(sys.argv[1]))"
    word = b"\xff\xc3\xa9"
    for environment, times in (({"LC_ALL": "C", "PYTHONUTF8": "0"}, 2), ({"LC_ALL": "C.UTF-8"}, 1)):
        done = subprocess.run(
            [sys.executable, "-u", "-c", told, word], env=os.environ | environment, capture_output=True, check=True
        )
        *numbers, last = done.stdout.decode().splitlines()
        assert (len(numbers), len(set(numbers)), last) == (times, 1, repr(word))
