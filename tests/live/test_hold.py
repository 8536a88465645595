"""A failed build's node by the real commands: it is kept, entered where the build stood, and returned."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.launcher import holds, place
from tests.fakes.project import small_project
from tests.patience import LONG, until

pytestmark = pytest.mark.live

BIN = Path(sys.executable).parent
KINDS = (pytest.param("local"), pytest.param("nspawn", marks=pytest.mark.nspawn))
FLAVOUR = "van'illa $HOME"
JOB = 'echo "flavour: $FLAVOUR"; echo once more >>ran; test -e mended'


@dataclass(frozen=True)
class Bench:
    folder: Path
    environment: Mapping[str, str]

    def type(self, *words: str, ok: Sequence[int] = (0,), stdin: str = "") -> subprocess.CompletedProcess[str]:
        argv = [str(BIN / "gatelocal"), *words]
        done = subprocess.run(
            argv,
            cwd=self.folder / "tree",
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode in ok, f"{argv} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    @property
    def held(self) -> tuple[place.Record, ...]:
        return holds.held(self.folder / "state/nodes")

    def left(self) -> list[str]:
        """Processes that speak of this test, and nodes."""
        found = [str(path) for path in (self.folder / "state/nodes").glob("*")]
        for each in Path("/proc").glob("[0-9]*"):
            try:
                line = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            found += [line] if str(self.folder) in line and each.name != str(os.getpid()) else []
        return found


def bench(folder: Path, job: str = JOB, kind: str = "local") -> Bench:
    environment = small_project(folder, job)
    tree = folder / "tree"
    (tree / ".zuul.yaml").write_text(
        '- job: {name: unit, parent: tox, vars: {tox_envlist: py3, tox_environment: {FLAVOUR: "van\'illa $HOME"}}}\n'
        "- project: {gate: {jobs: [unit]}}\n"
    )
    with (tree / "tox.ini").open("a") as opened:
        opened.write("pass_env = FLAVOUR\n")
    subprocess.run(["git", "commit", "-qam", "Flavour"], cwd=tree, env=environment, check=True)
    if kind != "local":
        environment["GATELOCAL_CACHE"] = str(directories(os.environ).cache)
    return Bench(folder, environment)


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_build_is_entered_where_it_stood(tmp_path: Path, kind: str) -> None:
    world = bench(tmp_path, kind=kind)
    said = world.type("run", "--node", kind, "--hold", "HEAD", ok=(1,)).stderr
    (record,) = world.held
    assert f"enter it with `gatelocal shell {record.name}`" in said
    run = next((tmp_path / "state/runs").iterdir()).name
    (line,) = world.type("hold", "list").stdout.splitlines()[1:]
    assert line.split()[:4] == [record.name, run, "unit", "ex/p"]

    entered = world.type("shell", stdin='pwd; echo "[$FLAVOUR]"; ls -d .tox; exit 5\n', ok=(5,))
    where, flavour, made = entered.stdout.splitlines()[-3:]
    assert (where.endswith("/src/localhost/ex/p"), flavour, made) == (True, f"[{FLAVOUR}]", ".tox")
    (repeat,) = (line for line in entered.stderr.splitlines() if line.startswith("repeat it with: "))
    words = repeat.removeprefix("repeat it with: ").split()
    assert words[1:] == ["-e", "py3", "--skip-missing-interpreters=false"]

    again = world.type("shell", run[:8], "--", *words, ok=(1,))
    assert f"flavour: {FLAVOUR}" in again.stdout
    world.type("shell", "last", "--", "sh", "-c", "exit 42", ok=(42,))
    world.type("shell", record.name[-8:], "--", "no-such-program", ok=(127,))
    world.type("shell", "--", "touch", "mended")
    assert "congratulations" in world.type("shell", "--repeat").stdout
    assert world.type("shell", "--", "cat", "ran").stdout == "once more\n" * 3

    world.type("hold", "release", "last")
    assert world.type("hold", "list").stdout == "no node is held\n"
    assert until(lambda: not world.left()), world.left()


def test_nothing_is_held_where_nobody_asks_and_there_is_no_terminal(tmp_path: Path) -> None:
    world = bench(tmp_path)
    assert "is kept" not in world.type("run", "--node", "local", ok=(1,)).stderr
    assert world.held == () and until(lambda: not world.left())


def test_always_holds_the_last_of_those_that_pass(tmp_path: Path) -> None:
    world = bench(tmp_path, "true")
    (tmp_path / "tree/.zuul.yaml").write_text(
        "".join(f"- job: {{name: {name}, parent: tox, vars: {{tox_envlist: py3}}}}\n" for name in "ab")
        + "- project: {gate: {jobs: [a, {b: {dependencies: [a]}}]}}\n"
    )
    subprocess.run(["git", "commit", "-qam", "Two"], cwd=tmp_path / "tree", env=dict(world.environment), check=True)
    said = world.type("run", "--node", "local", "--hold", "always").stderr
    (record,) = world.held
    assert record.occasion is not None and (record.occasion.job, record.occasion.outcome) == ("b", "SUCCESS")
    assert "is returned: a run keeps one" in said
    world.type("hold", "release", "--all")


def test_a_hold_ends_by_itself(tmp_path: Path) -> None:
    world = bench(tmp_path)
    world = Bench(tmp_path, {**world.environment, "GATELOCAL_HOLD": "1s"})
    world.type("run", "--node", "local", "--hold", ok=(1,))
    assert until(lambda: not world.held, LONG) and until(lambda: not world.left())


def test_a_mistake_in_the_setting_is_told_before_anything_runs(tmp_path: Path) -> None:
    world = bench(tmp_path)
    world = Bench(tmp_path, {**world.environment, "GATELOCAL_HOLD": "soon"})
    assert "GATELOCAL_HOLD has soon" in world.type("run", "--node", "local", ok=(2,)).stderr


@pytest.mark.nspawn
def test_a_key_is_let_in(tmp_path: Path) -> None:
    world = bench(tmp_path, kind="nspawn")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    said = world.type("run", "--node", "nspawn", "--hold", "--key", f"{key}.pub", ok=(1,)).stderr
    (record,) = world.held
    (way,) = (line.partition("this machine: ")[2] for line in said.splitlines() if "from this machine: " in line)
    trust = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes")
    own = (*way.split(), "-F", "none", *trust, "-o", "IdentityAgent=none", "-o", "BatchMode=yes")
    inside = subprocess.run([*own, "-i", str(key), "hostname"], capture_output=True, text=True, check=False)
    assert inside.stdout.strip() == record.name, inside.stderr
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    other = subprocess.run([*own, "-i", str(tmp_path / "other"), "true"], capture_output=True, check=False)
    assert other.returncode == 255
    assert f"ssh -p {way.split()[2]} " in world.type("shell", "--key", f"{tmp_path}/other.pub").stdout
    subprocess.run([*own, "-i", str(tmp_path / "other"), "true"], capture_output=True, check=True)
    world.type("hold", "release", "--all")
    assert until(lambda: not world.left()), world.left()


@pytest.mark.nspawn
def test_a_machine_that_has_died_says_so(tmp_path: Path) -> None:
    world = bench(tmp_path, kind="nspawn")
    world.type("run", "--node", "nspawn", "--hold", ok=(1,))
    (record,) = world.held
    for each in record.processes[1:]:
        subprocess.run(["kill", "-9", str(each.pid)], check=False, capture_output=True)
    began = time.monotonic()
    gone = world.type("shell", "--", "true", ok=(6,)).stderr
    assert "does not answer" in gone and f"gatelocal hold release {record.name}" in gone
    assert time.monotonic() - began < LONG
    world.type("hold", "release", record.name)
    assert until(lambda: not world.left()), world.left()
