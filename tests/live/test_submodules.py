"""A job that fails for want of a submodule's files is told with the reason why they are not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.project import small_project

pytestmark = pytest.mark.live

_ADD = "git init -q lib && git -C lib commit -q --allow-empty -m lib && echo '[submodule \"lib\"]' >.gitmodules"
_SAID = "the submodules of ex/p (lib) are empty folders, as with Zuul, unless the job fills them"


@pytest.mark.parametrize(("job", "code"), [("cat lib/file", 1), ("test -d lib", 0)])
def test_whose_job_fails_is_told_of_the_submodules(tmp_path: Path, job: str, code: int) -> None:
    environment, tree = small_project(tmp_path, job), tmp_path / "tree"
    add = f"{_ADD} && git add -A && git -c advice.addEmbeddedRepo=false commit -q --amend --no-edit"
    subprocess.run(["sh", "-ec", add], cwd=tree, env=environment, check=True, capture_output=True)
    argv = [str(Path(sys.executable).parent / "gatelocal"), "run", "--node", "local"]
    done = subprocess.run(argv, cwd=tree, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert (_SAID in done.stdout) is (code == 1), done.stdout
