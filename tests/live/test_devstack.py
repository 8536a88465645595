"""A stack of a real keystone on a container, tested by the real tempest: cold, warm, and with faults of each kind.

Both come from the package index and are committed here. ``stack.sh`` itself lies on no package registry: a small one
with the same contract stands in for it (``small_stack.sh``); the real one is run by ``benchmarks/devstack.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatelocal.config.directories import directories
from gatelocal.launcher import images, layers, snapshots
from git_review.git.runner import Runner

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

KEYSTONE, TEMPEST = "30.0.0", "47.0.0"
BIN = Path(sys.executable).parent
HERE = Path(__file__).parent
JOBS = """
- job:
    name: stack
    parent: gatelocal-tempest
    timeout: 900
    required-projects: [openstack/keystone]
    vars:
      devstack_services: {key: true, mysql: true}
      devstack_localrc: {MARK: %d}
      tempest_concurrency: 2
      tempest_test_regex: 'identity\\.(v3\\.test_catalog|admin\\.v3\\.test_(regions|services))'
- project: {gate: {jobs: [stack]}}
"""
REGIONS = "keystone/api/regions.py"
FILTER = "filters = ['parent_region_id']"


def _source(folder: Path, name: str, version: str) -> Path:
    words = ["download", "-q", "--no-deps", "--no-binary", name, "-d", str(folder), f"{name}=={version}"]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(folder / f"{name}-{version}.tar.gz") as tar:
        tar.extractall(folder, **safe)  # type: ignore[arg-type]  # noqa: S202 - a pinned release, checked by pip
    return folder / f"{name}-{version}"


def _committed(tree: Path, server: Path) -> None:
    git = Runner(tree, alone=True)
    git.run("init", "-q", "--initial-branch=master", ".")
    git.run("add", "-Af", ".")
    git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all of it")
    git.run("clone", "-q", "--bare", str(tree), str(server / "openstack" / tree.name))


@dataclass(frozen=True, slots=True)
class Bench:
    """A person's clone of keystone, beside a server with all that a stack needs."""

    tree: Path
    state: Path

    def run(self, subject: str, *options: str, ok: int = 0) -> dict[str, Any]:
        """Commit what is there and have it tested; the result of its build."""
        message = f"{subject}\n\nChange-Id: I{hashlib.sha1(subject.encode()).hexdigest()}"  # noqa: S324 - a name
        git = Runner(self.tree, alone=True)
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", message)
        done = subprocess.run(
            ["gatelocal", "run", "--json", "--node", "nspawn", *options],
            cwd=self.tree,
            env={**os.environ, "GATELOCAL_STATE": str(self.state), "PATH": f"{BIN}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == ok, f"{done.stdout}\n{done.stderr[-8000:]}"
        (build,) = json.loads(done.stdout)["builds"]
        return dict(build)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.tree / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if os.geteuid() != 0:
        pytest.skip("containers need root")
    folder = tmp_path_factory.mktemp("stack")
    server = folder / "server"
    (server / "openstack").mkdir(parents=True)
    for name, version in (("keystone", KEYSTONE), ("tempest", TEMPEST)):
        tree = _source(folder, name, version).rename(folder / name)
        if name == "keystone":
            (tree / ".zuul.yaml").write_text(JOBS % os.getpid())
            (tree / ".gitreview").write_text("[gerrit]\nhost=localhost\nproject=openstack/keystone\n")
        _committed(tree, server)
    for name in ("devstack", "requirements"):
        (folder / name / "files").mkdir(parents=True)
        (folder / name / "upper-constraints.txt").write_text("setuptools===80.9.0\n")
        shutil.copy(HERE / "small_stack.sh", folder / name / "stack.sh")
        _committed(folder / name, server)
    Runner(folder / "keystone", alone=True).run("remote", "add", "-f", "gerrit", str(server / "openstack/keystone"))
    before = set(snapshots.found(_cache()))
    yield Bench(folder / "keystone", folder / "state")
    for name, one in snapshots.found(_cache()).items():
        if name not in before and name.startswith("stack-"):
            layers.remove(one.folder)


def _cache() -> Path:
    return images.below(directories(os.environ).cache)


def test_cold_and_warm_a_fault_is_found_by_the_test_that_knows_it(bench: Bench) -> None:
    bench.edit(REGIONS, FILTER, f"{FILTER}  # as it is")
    cold = bench.run("A change that is well")
    assert cold["outcome"] == "SUCCESS"
    assert "warm" not in json.dumps(cold["deviations"])
    assert cold["tests"] == 8
    assert not any("watched" in note for note in cold["notes"])

    bench.edit(REGIONS, FILTER, "filters = []")
    bad = bench.run("A change with a fault", ok=1)
    assert bad["outcome"] == "FAILURE"
    assert "warm" in json.dumps(bad["deviations"])
    failed = [one["name"].partition("[")[0] for one in bad["failures"]]
    assert [name.rpartition(".")[2] for name in failed] == ["test_list_regions_filter_by_parent_region_id"]

    bench.edit("keystone/server/flask/__init__.py", "__all__ = (", "raise RuntimeError('planted')\n__all__ = (")
    broken = bench.run("A keystone that does not come up", ok=1)
    assert broken["outcome"] == "FAILURE"
    assert "with the change, these services do not come up: devstack@keystone.service" in broken["reason"]

    bench.edit(".zuul.yaml", "mysql: true", "mysql: true, g-api: true")
    lacking = bench.run("A service whose repository nobody gave", ok=5)
    assert lacking["outcome"] == "CONFIG_ERROR"
    assert "the service g-api comes from the repository glance" in lacking["reason"]
