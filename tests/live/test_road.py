"""The road of one change by real commands: `git review`, a real Gerrit, `gatelocal run`, and every way it can end.

Nodes are folders of this machine here, so that each case costs seconds; test_nodes_road.py drives the same road on
a container and on a virtual machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import GerritProject

pytestmark = [pytest.mark.live, pytest.mark.gerrit, pytest.mark.xdist_group("gerrit")]

BIN = Path(sys.executable).parent
TOX = (
    "[tox]\nenvlist = unit\n[testenv:unit]\npackage = skip\n"
    "setenv = PYTHONPATH = {toxinidir}:{toxinidir}/../library\n"
    "commands = python -m unittest -v test_it\n"
)
ZUUL = (
    "- job:\n    name: unit\n    parent: tox\n    vars:\n      tox_envlist: unit\n"
    "- project:\n    gate:\n      jobs:\n        - unit\n"
)
GOOD = (
    "import unittest\n\nclass It(unittest.TestCase):\n    def test_holds(self):\n        self.assertEqual(1 + 1, 2)\n"
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A person's clone of the test's project and the commands that the person types."""

    gerrit: GerritProject
    clone: Path
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.gerrit.environment,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "GATELOCAL_STATE": str(self.state),
            "GATELOCAL_CACHE": str(self.state / "cache"),
            "GATELOCAL_GERRIT": self.gerrit.server.url,
        }

    def type(
        self, *argv: str, ok: Sequence[int] = (0,), environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            argv,
            cwd=self.clone,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in ok, f"{argv} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert not any(line.startswith("Traceback") for line in done.stderr.splitlines())
        return done

    def run(self, *args: str, ok: int = 0, **others: Any) -> subprocess.CompletedProcess[str]:
        return self.type("gatelocal", "run", "--node", "local", *args, ok=(ok,), **others)

    def commit(self, message: str, **files: str) -> None:
        for name, text in files.items():
            path = self.clone / name.replace("__", ".")
            path.write_text(text)
        self.type("git", "add", "--all")
        self.type("git", "commit", "-q", "--allow-empty", "-m", message)

    def upload(self, *options: str) -> int:
        """Send HEAD for review; gives the number of the change at the tip."""
        self.type("git", "review", *options)
        head = self.type("git", "rev-parse", "HEAD").stdout.strip()
        (found,) = self.gerrit.client.changes.query(f"commit:{head}")
        return found.number


@pytest.fixture
def bench(gerrit: GerritProject, tmp_path: Path) -> Bench:
    git = gerrit.clone(tmp_path / "clone")
    server = gerrit.server
    bench = Bench(gerrit, tmp_path / "clone", tmp_path / "state")
    review = f"[gerrit]\nhost={server.ssh_host}\nport={server.ssh_port}\nproject={gerrit.project}\n"
    bench.commit("Base", __gitreview=review, tox__ini=TOX, __zuul__yaml=ZUUL, test_it__py=GOOD)
    git.run("push", "-q", "origin", "HEAD:refs/heads/master")
    bench.type("git", "config", "gitreview.username", server.admin.username)
    bench.type("git", "review", "-s")
    return bench


def left_running(state: Path) -> list[str]:
    """Command lines that mention the test's own folder and still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(state) in line and folder.name != str(os.getpid()):
            found.append(line)
    return found


def test_a_local_commit_passes_and_its_numbers_are_in_the_json(bench: Bench) -> None:
    bench.commit("A good change", note="text")
    before = bench.type("git", "status", "--porcelain=v2", "--branch").stdout
    result = json.loads(bench.run("--json").stdout)
    assert (result["verdict"], result["exit_code"]) == ("passes", 0)
    assert [build["outcome"] for build in result["builds"]] == ["SUCCESS"]
    assert bench.type("git", "status", "--porcelain=v2", "--branch").stdout == before
    assert left_running(bench.state) == []


def test_an_uploaded_change_fails_with_the_failing_line(bench: Bench) -> None:
    bench.commit("A bad change", test_it__py=GOOD.replace("1 + 1, 2", "1 + 1, 3"))
    number = bench.upload()
    done = bench.run(str(number), ok=1)
    assert "FAIL" in done.stdout.splitlines()[-1]
    assert "unit : FAILURE" in done.stdout
    assert "AssertionError: 2 != 3" in done.stderr


def test_a_change_needs_the_change_of_another_project_that_it_names(bench: Bench) -> None:
    library = bench.gerrit.new_project()
    folder = bench.clone.parent / "library"
    bench.gerrit.clone(folder, library)
    other = Bench(bench.gerrit, folder, bench.state)
    hook = bench.type("git", "rev-parse", "--git-path", "hooks").stdout.strip()
    other.type("cp", str(bench.clone / hook / "commit-msg"), str(folder / ".git" / "hooks" / "commit-msg"))
    other.commit("Two", two__py="VALUE = 2\n")
    other.type("git", "push", "-q", "origin", "HEAD:refs/for/master")
    head = other.type("git", "rev-parse", "HEAD").stdout.strip()
    (needed,) = bench.gerrit.client.changes.query(f"commit:{head}")
    zuul = ZUUL.replace("vars:", f"required-projects:\n      - {library}\n    vars:")
    test = GOOD.replace("import unittest", "import two\nimport unittest").replace("1 + 1, 2", "two.VALUE, 2")
    tox = TOX.replace("../library", "/../" + library.rpartition("/")[2])
    bench.commit("Use it", __zuul__yaml=zuul, test_it__py=test, tox__ini=tox)
    assert bench.run(ok=1).stdout.splitlines()[-1].startswith("FAIL")
    url = bench.gerrit.client.changes.url(needed)
    bench.type("git", "commit", "-q", "--amend", "-m", f"Use it\n\nDepends-On: {url}")
    done = bench.run()
    assert f"depends on: {library} {needed.number},1 Two" in done.stdout
    number = bench.upload()
    done = bench.run(f"{number},1")
    assert f"depends on: {library} {needed.number},1 Two" in done.stdout
    (recipe,) = (line.rpartition("recipe: ")[2] for line in done.stderr.splitlines() if "recipe: " in line)
    again = bench.type("gatelocal", "replay", recipe, "--until", "workspace", str(bench.state / "again"))
    assert again.stdout.splitlines()[-1].startswith("identical: ")
    _cycle(bench, other, number, library)


def _cycle(bench: Bench, other: Bench, number: int, library: str) -> None:
    """The library's change needs the one that needs it: both are merged, whichever is asked for."""
    url = bench.gerrit.client.changes.url(bench.gerrit.client.changes.get(str(number)))
    message = other.type("git", "log", "-1", "--format=%B").stdout
    other.type("git", "commit", "-q", "--amend", "-m", message.replace("Two\n", f"Two\n\nDepends-On: {url}\n", 1))
    other.type("git", "push", "-q", "origin", "HEAD:refs/for/master")
    done = bench.run(str(number))
    assert f"lands together with: {library}" in done.stderr and "it lands together with" in done.stdout
    made = bench.type("gatelocal", "workspace", str(bench.state / "made"), str(number)).stdout
    assert {line.split()[0] for line in made.splitlines()} == {library, bench.gerrit.project}
    assert (bench.state / "made" / library / "two.py").exists()


def test_a_conflict_names_both_sides_and_the_files(bench: Bench) -> None:
    bench.commit("Ours", shared="ours\n")
    ours = bench.upload()
    bench.type("git", "reset", "-q", "--hard", "HEAD~")
    bench.commit("Theirs", shared="theirs\n")
    theirs = bench.upload()
    bench.gerrit.client.changes.review(str(ours), labels={"Code-Review": 2})
    bench.gerrit.client.changes.submit(str(ours), 1)
    done = bench.run(str(theirs), ok=4)
    assert f"{bench.gerrit.project} {theirs},1 does not merge into master" in done.stderr
    assert "shared" in done.stderr and "hint: " in done.stderr
    assert left_running(bench.state) == []


def test_two_changes_that_conflict_are_both_named(bench: Bench) -> None:
    bench.commit("One", shared="one\n")
    one = bench.upload()
    bench.type("git", "reset", "-q", "--hard", "HEAD~")
    url = f"{bench.gerrit.server.url}c/{bench.gerrit.project}/+/{one}"
    bench.commit(f"Two\n\nDepends-On: {url}", shared="two\n")
    two = bench.upload()
    done = bench.run(str(two), ok=4)
    assert f"{bench.gerrit.project} {one},1" in done.stderr and f"{bench.gerrit.project} {two},1" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("999999", "there is no such change"),
        ("no-such-branch", "there is no commit"),
        ("http://review.example.org/c/a/+/1", "is on another server"),
        ("--upload-pack=x", "No such option"),
    ],
)
def test_an_unknown_change_is_bad_input(bench: Bench, change: str, said: str) -> None:
    assert said in bench.run(change, ok=2).stderr


def test_no_such_job_lists_those_that_there_are(bench: Bench) -> None:
    bench.commit("A change")
    done = bench.run("--job", "nonesuch", ok=5)
    assert "nonesuch" in done.stderr and "its jobs: unit" in done.stderr


def test_a_tox_environment_that_is_not_there_is_a_matter_of_configuration(bench: Bench) -> None:
    bench.commit("Ask for more", __zuul__yaml=ZUUL.replace("tox_envlist: unit", "tox_envlist: nonesuch"))
    done = bench.run(ok=5)
    assert "there is no tox environment nonesuch" in done.stdout


def test_no_zuul_configuration_is_said_with_what_to_do(bench: Bench) -> None:
    bench.type("git", "rm", "-q", ".zuul.yaml")
    bench.commit("No gate")
    done = bench.run(ok=5)
    assert "no configuration in commit" in done.stderr and "hint: " in done.stderr


def test_a_broken_configuration_names_file_and_line(bench: Bench) -> None:
    bench.commit("Break it", __zuul__yaml="- job:\n    name: x\n\tparent: tox\n")
    assert ".zuul.yaml:3" in bench.run(ok=5).stderr


def test_without_a_server_it_is_the_machinery(bench: Bench) -> None:
    dead = {"GATELOCAL_GERRIT": "http://127.0.0.1:1/"}
    done = bench.run("1", ok=6, environment=dead)
    assert "127.0.0.1:1" in done.stderr and "hint: " in done.stderr


def test_a_wrong_password_is_said_and_not_shown(bench: Bench) -> None:
    url = bench.gerrit.server.url.replace("http://", "http://admin:wrong-secret@")
    done = bench.run("1", ok=6, environment={"GATELOCAL_GERRIT": url})
    assert "wrong-secret" not in done.stdout + done.stderr
    assert "hint: " in done.stderr


def test_outside_a_repository_it_says_where_to_go(bench: Bench) -> None:
    outside = Bench(bench.gerrit, bench.state.parent, bench.state)
    plain = {"GATELOCAL_GERRIT": ""}
    assert "hint: " in outside.run(ok=2, environment=plain).stderr


def test_a_change_url_is_enough_outside_a_repository(bench: Bench) -> None:
    bench.commit("Public")
    number = bench.upload()
    outside = Bench(bench.gerrit, bench.state.parent, bench.state)
    url = f"{bench.gerrit.server.url}c/{bench.gerrit.project}/+/{number}"
    assert outside.run(url, environment={"GATELOCAL_GERRIT": ""}).stdout.splitlines()[-1].startswith("PASS")


def test_a_held_node_stays_until_it_is_returned(bench: Bench) -> None:
    bench.commit("A bad change", test_it__py=GOOD.replace("1 + 1, 2", "1 + 1, 3"))
    done = bench.run("--hold", ok=1)
    (line,) = bench.type("gatelocal", "node", "list").stdout.splitlines()
    name = line.split()[0]
    assert f"gatelocal shell {name}" in done.stderr
    kept = bench.state / "nodes" / name / "home" / "src"
    assert list(kept.glob("**/test_it.py"))
    bench.type("gatelocal", "node", "shell", name)
    assert f"nodes: {name}" in bench.type("gatelocal", "node", "return", "nonesuch", ok=(2,)).stderr
    bench.type("gatelocal", "node", "return", "--all")
    assert bench.type("gatelocal", "node", "list").stdout == "no node is held\n"
    assert not kept.exists() and left_running(bench.state) == []


def test_keys_that_cannot_be_had_are_told_before_anything_runs(bench: Bench) -> None:
    bench.commit("A change")
    run = ("gatelocal", "run", "--node", "nspawn", "--hold", "--key")
    assert "knows no account nobody-there" in bench.type(*run, "gerrit:nobody-there", ok=(2,)).stderr
    name = f"{bench.gerrit.project.rpartition('/')[2]}-without-keys"
    bench.gerrit.client.accounts.create(name)
    assert f"has no valid key of {name}" in bench.type(*run, f"gerrit:{name}", ok=(2,)).stderr
    assert "there is no ssh" in bench.run("--hold", "--key", "key.pub", ok=2).stderr
    assert not (bench.state / "runs").exists() and left_running(bench.state) == []


@pytest.mark.parametrize("moment", ["merged: ", "job unit: running"])
def test_an_interrupt_leaves_nothing(bench: Bench, moment: str) -> None:
    slow = TOX.replace("python -m unittest -v test_it", "python -c 'import time; time.sleep(60)'")
    bench.commit("Slow", tox__ini=slow)
    head = bench.type("git", "rev-parse", "HEAD").stdout
    with subprocess.Popen(
        ["gatelocal", "run", "--node", "local"],
        cwd=bench.clone,
        env=bench.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        for line in child.stderr or ():
            if moment in line:
                break
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read() if child.stderr else ""
        assert child.wait(30) == 130, rest
    assert "Traceback" not in rest and "interrupted" in rest
    assert left_running(bench.state) == []
    assert bench.type("git", "rev-parse", "HEAD").stdout == head
    assert list((bench.state / "nodes").glob("*")) == []
    assert list((bench.state / "cache" / "work").glob("*")) == []
