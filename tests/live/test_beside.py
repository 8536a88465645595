"""Builds beside one another by the real command, on folders and in containers; and how they are ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from tests.fakes.project import small_project

pytestmark = pytest.mark.live

BIN = Path(sys.executable).parent
JOBS = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Bench:
    """A project with four jobs that do the same. :ivar marks: a folder in which they can see one another."""

    folder: Path
    environment: Mapping[str, str]

    def command(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "gatelocal"), "run", *args],
            cwd=self.folder / "tree",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def left(self) -> list[str]:
        """Processes whose command line or variables speak of this test, and what they should have removed."""
        found = [str(path) for path in (self.folder / "state/nodes").glob("*")]
        found += [str(path) for path in (self.folder / "cache/work").glob("*")]
        for each in Path("/proc").glob("[0-9]*"):
            try:
                line = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            found += [line] if str(self.folder) in line and each.name != str(os.getpid()) else []
        return found


def bench(folder: Path, job: str) -> Bench:
    environment = small_project(folder, job)
    jobs = "".join(f"- job: {{name: {name}, parent: tox, vars: {{tox_envlist: py3}}}}\n" for name in JOBS)
    (folder / "tree/.zuul.yaml").write_text(f"{jobs}- project: {{gate: {{jobs: [{', '.join(JOBS)}]}}}}\n")
    subprocess.run(["git", "commit", "-qam", "Four"], cwd=folder / "tree", env=environment, check=True)
    return Bench(folder, environment)


def together(folder: Path, count: int) -> str:
    """A job that ends well only when so many of its kind run at the same time."""
    (folder / "marks").mkdir()
    return (
        f'touch "{folder}/marks/$$"\n'
        f'for n in $(seq 300); do [ $(ls "{folder}/marks" | wc -l) -ge {count} ] && exit 0; sleep 0.2; done; exit 1'
    )


def test_four_independent_jobs_run_at_the_same_time(tmp_path: Path) -> None:
    with bench(tmp_path, together(tmp_path, 4)).command("--node", "local", "-w", "4", "-q", "--json") as child:
        out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    assert [one["outcome"] for one in json.loads(out)["builds"]] == ["SUCCESS"] * 4
    assert "4 jobs, up to 4 at the same time" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_two_builds_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    world = bench(tmp_path, f"echo {tmp_path} is up; sleep 600")
    with world.command("--node", "local", "-w", "2") as child:
        for _ in _until(child, f"{tmp_path} is up", 2):
            pass
        child.send_signal(number)
        _, rest = child.communicate(timeout=60)
    assert child.returncode == 130 and "interrupted" in rest and "Traceback" not in rest
    assert world.left() == []


@pytest.mark.nspawn
def test_containers_beside_one_another_and_one_that_is_kept(tmp_path: Path) -> None:
    world = bench(tmp_path, "sleep 3; exit 1")
    environment = {**world.environment, "GATELOCAL_CACHE": str(directories(os.environ).cache)}
    world = Bench(world.folder, environment)
    with world.command("--node", "nspawn", "-w", "2", "-q", "--json", "--hold") as child:
        out, err = child.communicate(timeout=900)
    assert child.returncode == 1, err
    assert [one["outcome"] for one in json.loads(out)["builds"]] == ["FAILURE"] * 4
    node = [str(BIN / "gatelocal"), "node"]
    listed = subprocess.run([*node, "list"], env=environment, capture_output=True, text=True, check=True).stdout
    (name,) = (line.split()[0] for line in listed.splitlines())
    inside = subprocess.run(
        [*node, "shell", name],
        env=environment,
        input="echo still $((40 + 2))\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "still 42" in inside.stdout, inside.stderr
    subprocess.run([*node, "return", name], env=environment, capture_output=True, check=True)
    assert world.left() == []


def _until(child: subprocess.Popen[str], words: str, count: int) -> Iterator[str]:
    """The child's lines until so many have had the words."""
    for line in child.stderr or ():
        count -= words in line
        yield line
        if not count:
            return
