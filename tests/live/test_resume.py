"""A run whose process is killed at any moment, and gone on with: the same verdict, and nothing that had ended anew."""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.builds.folder import PROCESS
from gatelocal.launcher import place
from tests.fakes.project import small_project

pytestmark = pytest.mark.live

BIN = Path(sys.executable).parent
ROUNDS = int(os.environ.get("GATELOCAL_TEST_KILLS", "3"))
"""How many random moments; more by hand."""
ZUUL = """\
- job: {name: first, parent: tox, vars: {tox_envlist: first}}
- job: {name: beside, parent: tox, vars: {tox_envlist: beside}}
- job: {name: after, parent: tox, vars: {tox_envlist: after}, dependencies: [first]}
- project: {gate: {jobs: [first, beside, after]}}
"""
TOX = """\
[tox]
skipsdist = true
[testenv:{first,beside,after}]
skip_install = true
allowlist_externals = *
commands = sh job.sh {envname}
"""
JOBS = ("first", "beside", "after")


@dataclass(frozen=True)
class World:
    """A project with three jobs that write down when they begin and end."""

    folder: Path
    environment: Mapping[str, str]

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "gatelocal"), "run", *args],
            cwd=self.folder / "tree",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ended(self, *args: str) -> tuple[int, str, str]:
        with self.start(*args) as child:
            out, err = child.communicate(timeout=300)
        assert "Traceback" not in err, err
        return child.returncode, out, err

    def marks(self) -> Counter[str]:
        """What the jobs have written."""
        path = self.folder / "log"
        return Counter(path.read_text().splitlines()) if path.exists() else Counter()

    @property
    def run(self) -> Path:
        """The only run's folder."""
        (found,) = (self.folder / "state/runs").iterdir()
        return found

    def builds(self) -> list[place.ProcessName]:
        """The processes of builds that live."""
        found = []
        for path in (self.folder / "state/runs").glob(f"*/*/{PROCESS}"):
            value = json.loads(path.read_text())["value"]
            name = place.ProcessName(value["pid"], value["started"])
            found += [name] if place.is_alive(name) else []
        return found

    def left(self) -> list[str]:
        """What should be gone."""
        found = [str(one) for one in self.builds()]
        for folder in ("state/nodes", "cache/work"):
            found += [str(path) for path in (self.folder / folder).glob("*")]
        return found + self.jobs()

    def goes(self) -> None:
        """Nothing is left, in a moment."""
        deadline = time.monotonic() + 30
        while left := self.left():
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    def jobs(self) -> list[str]:
        """The processes of jobs that live: in folders of nodes that may be deleted."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str((process / "cwd").readlink()).startswith(f"{self.folder}/state/nodes/"):
                    found.append((process / "cmdline").read_bytes().decode().replace("\0", " "))
        return found


def world(folder: Path, ends: str = "exit 0") -> World:
    script = f'echo "begin $1" >> "{folder}/log"; sleep 1; echo "end $1" >> "{folder}/log"; {ends}'
    environment = small_project(folder, script)
    (folder / "tree/.zuul.yaml").write_text(ZUUL)
    (folder / "tree/tox.ini").write_text(TOX)
    subprocess.run(["git", "commit", "-qam", "Three"], cwd=folder / "tree", env=environment, check=True)
    return World(folder, environment)


ASKED = ("--node", "local", "-w", "2", "-q", "--json")


def wait_for(condition: object, seconds: float = 120.0) -> None:
    """Until it is so. :param condition: a function."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_a_random_moment_it_goes_on_to_the_same_verdict(tmp_path: Path, number: int) -> None:
    there = world(tmp_path, '[ "$1" != beside ]')
    seed = secrets.randbelow(1 << 30)
    chance = random.Random(seed)  # noqa: S311 - no secret
    child = there.start(*ASKED)
    wait_for(lambda: any((tmp_path / "state/runs").glob("*/.gate/request.json")))
    for _ in range(chance.randrange(1, 4)):
        time.sleep(chance.uniform(0.0, 4.0))
        child.kill()
        child.communicate()
        child = there.start("--resume", "-q", "--json")
    out, err = child.communicate(timeout=300)
    assert child.returncode == 1, f"seed {seed}: {err}"
    outcomes = {one["job"]: one["outcome"] for one in json.loads(out)["builds"]}
    assert outcomes == {"first": "SUCCESS", "beside": "FAILURE", "after": "SUCCESS"}, seed
    assert there.marks() == Counter({f"{word} {job}": 1 for word in ("begin", "end") for job in JOBS}), seed
    assert there.left() == [], seed
    again = there.ended("--resume", there.run.name, "-q", "--json")
    assert again[0] == 1 and json.loads(again[1])["builds"] == json.loads(out)["builds"]


def test_when_all_its_processes_are_killed_only_what_had_not_ended_is_done_again(tmp_path: Path) -> None:
    there = world(tmp_path)
    with there.start(*ASKED) as child:
        wait_for(lambda: there.marks()["begin after"])
        os.killpg(child.pid, signal.SIGKILL)
    for one in there.builds():
        os.killpg(one.pid, signal.SIGKILL)
    status, out, err = there.ended("--resume", "-q", "--json")
    assert status == 0, err
    assert [one["outcome"] for one in json.loads(out)["builds"]] == ["SUCCESS"] * 3
    assert (there.marks()["begin first"], there.marks()["begin after"]) == (1, 2)
    there.goes()


def test_a_build_whose_process_dies_is_tried_again(tmp_path: Path) -> None:
    there = world(tmp_path)
    with there.start(*ASKED, "-j", "first") as child:
        wait_for(lambda: there.marks()["begin first"])
        (build,) = there.builds()
        os.killpg(build.pid, signal.SIGKILL)
        out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    assert there.marks()["begin first"] == 2 and "ended without a result" in err
    assert [one["outcome"] for one in json.loads(out)["builds"]] == ["SUCCESS"]
    there.goes()


def test_two_cannot_be_at_one_run(tmp_path: Path) -> None:
    there = world(tmp_path)
    with there.start(*ASKED) as child:
        wait_for(there.builds)
        status, _, err = there.ended("--resume", there.run.name)
        assert status == 2 and "another process is at the run" in err
        status, _, err = there.ended("--resume")
        assert status == 2 and "no run was begun here that nobody is at" in err
        _, err = child.communicate(timeout=120)
    assert child.returncode == 0, err


def test_a_run_folder_that_is_damaged_or_of_another_version_is_told_as_such(tmp_path: Path) -> None:
    there = world(tmp_path)
    assert there.ended(*ASKED, "-j", "first")[0] == 0
    own = there.run / ".gate"
    journal = own / "journal.jsonl"
    whole = journal.read_text()
    journal.write_text(re.sub('"gatelocal-journal":[0-9]+', '"gatelocal-journal":0', whole))
    status, _, err = there.ended("--resume", there.run.name)
    assert status == 6 and "another version" in err and "begins anew" in err
    journal.write_text(whole[: len(whole) // 2] + "\n{}\n" + whole[len(whole) // 2 :])
    status, _, err = there.ended("--resume", there.run.name)
    assert status == 6 and ("damaged" in err or "no JSON" in err)
    journal.write_text(whole)
    for name in ("asked.json", "prepared.json", "request.json"):
        kept = (own / name).read_text()
        (own / name).write_text(kept[:-9])
        status, _, err = there.ended("--resume", there.run.name)
        assert status == 6 and f"{name} is damaged" in err, name
        (own / name).write_text(kept)
    assert there.ended("--resume", there.run.name)[0] == 0
    assert there.marks()["begin first"] == 1


def test_what_cannot_be_gone_on_with(tmp_path: Path) -> None:
    there = world(tmp_path)
    status, _, err = there.ended("--resume")
    assert status == 2 and "no run was begun here" in err
    status, _, err = there.ended("--resume", "20000101")
    assert status == 2 and "there is no run 20000101" in err
    status, _, err = there.ended("--resume", "--job", "first")
    assert status == 2 and "--job" in err
    with there.start(*ASKED) as child:
        wait_for(there.builds)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=120)
    assert child.returncode == 130 and there.left() == []
    status, _, err = there.ended("--resume")
    assert status == 2 and "ended by a person" in err


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_second_interruption_ends_all_at_once(tmp_path: Path, number: int) -> None:
    there = world(tmp_path)
    (tmp_path / "tree/job.sh").write_text(f'echo "begin $1" >> "{tmp_path}/log"; sleep 600\n')
    subprocess.run(["git", "commit", "-qam", "Long"], cwd=tmp_path / "tree", env=there.environment, check=True)
    with there.start(*ASKED) as child:
        wait_for(lambda: there.marks()["begin first"] and there.marks()["begin beside"])
        child.send_signal(signal.SIGINT)
        time.sleep(number and random.uniform(0.0, 0.2))  # noqa: S311 - no secret
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    there.goes()
