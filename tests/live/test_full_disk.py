"""A disk that is really full: of the node, and of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.errors import MACHINERY
from tests.fakes.project import small_project

pytestmark = pytest.mark.live

GATELOCAL = str(Path(sys.executable).with_name("gatelocal"))


@pytest.fixture
def small(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The folder that the parameter names, on a disk of the size that it names."""
    name, size = request.param
    if os.geteuid() != 0:
        pytest.skip("a small disk needs root")
    folder = tmp_path / name
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("small", [("state", "60m"), ("state", "6m"), ("state", "300k")], indirect=True)
def test_a_full_node_ends_its_build_and_leaves_the_record(tmp_path: Path, small: Path) -> None:
    environment = small_project(tmp_path, "dd if=/dev/zero of=fill bs=100k; exit 1")
    argv = [GATELOCAL, "run", "--node", "local", "-q", "--json"]
    done = subprocess.run(argv, cwd=tmp_path / "tree", env=environment, capture_output=True, text=True, check=False)
    (build,) = json.loads(done.stdout)["builds"]
    assert (done.returncode, build["outcome"]) == (MACHINERY, "DISK_FULL"), done.stderr
    (logs,) = (small / "runs").iterdir()
    assert "recipe" in (logs / "recipe.yaml").read_text()
    assert (logs / "unit/job-output.txt").read_text().startswith("20")


@pytest.mark.parametrize(
    ("small", "doing"),
    [
        (("cache", "100k"), "fetching ex/p"),
        (("cache", "400k"), "writing the tree of ex/p"),
        (("cache", "600k"), "writing the tree of ex/p"),
    ],
    indirect=["small"],
)
def test_a_full_cache_is_told_with_what_to_do(tmp_path: Path, small: Path, doing: str) -> None:
    environment = small_project(tmp_path, "true")
    script = "head -c 300000 /dev/urandom > big; git add big; git commit -qm big; git push -q gerrit HEAD:master"
    argv = ["sh", "-ec", f"{script}; git commit -q --allow-empty -m more"]
    subprocess.run(argv, cwd=tmp_path / "tree", env=environment, check=True)
    argv = [GATELOCAL, "run", "--node", "local", "-q"]
    done = subprocess.run(argv, cwd=tmp_path / "tree", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == MACHINERY
    assert f"{doing}: the disk is full" in done.stdout + done.stderr
    assert f"make room where {small}" in done.stderr + done.stdout
