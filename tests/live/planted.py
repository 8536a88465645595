"""Failing runs whose cause is known because it was planted: made by pytest, stestr, pip, git and a shell; and a judge.

Where no tool can be had to fail as wanted (a kernel that kills, a node that is lost, devstack), lines are written out
in its form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config.fingerprint_files import of_text
from gatelocal.engine.understand import By, naming, thought_of
from gatelocal.model.diagnosis import Cause, Diagnosis
from gatelocal.model.result import BuildResult, Outcome, TestResult
from gatelocal.model.seen import Seen
from gatelocal.results import report
from gatelocal.results.fingerprints.matcher import Matcher
from gatelocal.results.stream import merged
from gatelocal.store.known import Known

STESTR = "[DEFAULT]\ntest_path=./tests\ntop_dir=./\n"
PASSING = {"test_calm.py": "def test_calm():\n    print('all is calm')\n"}


@dataclass(frozen=True)
class Made:
    """What a tool has left."""

    folder: Path
    status: int
    tests: tuple[TestResult, ...]
    lines: tuple[str, ...]


@dataclass
class Bench:
    """Runs tools in folders of their own and has what they leave judged."""

    place: Path
    known: Known
    prints: list[dict[str, object]] = field(default_factory=list)
    _count: int = 0

    def run(self, files: Mapping[str, str], *command: str, results: str = "", **environment: str) -> Made:
        """A tool in a folder with these files."""
        self._count += 1
        folder = self.place / f"w{self._count}"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        logs = self.place / f"l{self._count}"
        logs.mkdir()
        variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        lines = tuple(done.stdout.decode("utf-8", "replace").splitlines())
        tests: tuple[TestResult, ...] = ()
        if results == "junit" and (folder / "junit.xml").exists():
            tests = merged([report.parse((folder / "junit.xml").read_bytes())])
        elif results == "subunit":
            stream = subprocess.run(
                ["stestr", "last", "--subunit"], cwd=folder, stdout=subprocess.PIPE, check=False
            ).stdout
            tests = merged([report.parse(stream)])
        stamped = (
            f"2026-11-30 12:{at // 60 % 60:02d}:{at % 60:02d}.{at:06d} | {line}\n" for at, line in enumerate(lines)
        )
        (logs / "job-output.txt").write_text("".join(stamped))
        return Made(logs, done.returncode, tests, lines)

    def pytest(self, files: Mapping[str, str], **environment: str) -> Made:
        """pytest over these files."""
        words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--junitxml=junit.xml")
        return self.run(files, sys.executable, *words, results="junit", **environment)

    def stestr(self, files: Mapping[str, str], **environment: str) -> Made:
        """stestr over these files, which are below ``tests``."""
        all_of = {
            ".stestr.conf": STESTR,
            "tests/__init__.py": "",
            **{f"tests/{name}": text for name, text in files.items()},
        }
        return self.run(all_of, "stestr", "run", "--serial", results="subunit", **environment)

    def shell(self, script: str) -> Made:
        """A shell script."""
        return self.run({"run.sh": script}, "sh", "-c", "set -x; . ./run.sh")

    def remember(self, made: Made, job: str, tree: str, **others: object) -> None:
        """A build of before."""
        self.judge(made, job, tree, **others)

    def judge(
        self, made: Made, job: str, tree: str, *, files: Sequence[str] = (), outcome: Outcome | None = None,
        reason: str = "", **others: object,
    ) -> Diagnosis | None:  # fmt: skip
        """What is thought of it. :param files: what the change touches."""
        self._count += 1
        failed = tuple(one for one in made.tests if one.failed)
        known = outcome or (Outcome.FAILURE if made.status else Outcome.SUCCESS)
        output = made.lines[-40:] if known is not Outcome.SUCCESS and not failed else ()
        build = BuildResult(job, known, 3.0, tests=made.tests, reason=reason, logs=str(made.folder), output=output)
        seen = Seen(
            f"{job}/{self._count}", 1000.0 + self._count, "acme/app", "master", job, known.value, "change", tree=tree
        )
        names = tuple(one.name for one in failed)
        passed = tuple(one.name for one in made.tests if not one.failed)
        seen = replace(seen, failed=names, passed=passed, base="b", **others)  # type: ignore[arg-type]
        texts = [({key: value for key, value in one.items() if key != "bug"}, str(one["bug"])) for one in self.prints]
        prints = [of_text(json.dumps(text), name)[0] for text, name in texts]
        matcher = Matcher(one for one in prints if one is not None)
        return thought_of(
            build, seen, {"project": ("acme/app",)}, naming(build, files), By(matcher, self.known)
        ).diagnosis

    def log(self, made: Made, name: str, text: str) -> Made:
        """A further log beside the output."""
        (made.folder / name).parent.mkdir(exist_ok=True)
        (made.folder / name).write_text(text)
        return made


Plant = Callable[[Bench, str], Diagnosis | None]
"""Makes a failure, of a job of that name, and gives what is thought of it."""


def case(name: str, line: str, tool: str = "pytest") -> dict[str, str]:
    """One test with that line, for pytest or stestr, beside one that passes."""
    if tool == "pytest":
        return {
            **PASSING,
            f"test_{name}.py": f"import logging, os, socket, urllib.request\n\n\ndef test_{name}():\n    {line}\n",
        }
    head = "import os, socket, unittest, urllib.request\n\n\nclass T(unittest.TestCase):\n"
    return {
        f"test_{name}.py": f"{head}    def test_calm(self):\n        pass\n\n"
        f"    def test_{name}(self):\n        {line}\n"
    }


def tool_of(bench: Bench, tool: str) -> Callable[..., Made]:
    return bench.pytest if tool == "pytest" else bench.stestr


# ---- the change's own fault


def again(line: str, tool: str = "pytest") -> Plant:
    """It fails twice on the same trees; before, without it, it passed."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        make = tool_of(bench, tool)
        bench.remember(make(case("it", "pass", tool)), job, "before", change="other")
        files = case("it", line, tool)
        bench.remember(make(files), job, "tree")
        return bench.judge(make(files), job, "tree")

    return plant


def touched(line: str, tool: str = "pytest") -> Plant:
    """The failure names the file that the change touches."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        files = case("it", line, tool)
        return bench.judge(tool_of(bench, tool)(files), job, "tree", files=["test_it.py"])

    return plant


def lint(script: str) -> Plant:
    """A checker names the file."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        return bench.judge(bench.shell(script), job, "tree", files=["app/wrong.py"])

    return plant


# ---- flakes, trunk, known bugs


def flaky(line: str, tool: str = "pytest") -> Plant:
    """The very same files pass and fail, as the surroundings have it."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        make, files = tool_of(bench, tool), case("race", line, tool)
        bench.remember(make(files, LUCK="1"), job, "tree")
        return bench.judge(make(files, LUCK=""), job, "tree")

    return plant


def trunk(line: str, *, alone: bool, tool: str = "pytest") -> Plant:
    """The branch has it as well, or two other changes have."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        make, files = tool_of(bench, tool), case("old", line, tool)
        if alone:
            bench.remember(make(files), job, "branch", alone=True, change="")
        else:
            bench.remember(make(files), job, "t1", change="one")
            bench.remember(make(files), job, "t2", change="two")
        return bench.judge(make(files), job, "tree")

    return plant


def bug(query: str, line: str, log: tuple[str, str] | None = None, *, tool: str = "pytest", **keys: object) -> Plant:
    """A fingerprint is true of what the test or a service says."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        bench.prints.append({"bug": f"b-{job}", "query": query, **keys})
        made = tool_of(bench, tool)(case("it", line, tool))
        return bench.judge(bench.log(made, *log) if log else made, job, "tree")

    return plant


# ---- the environment, and nobody knows


def around(script: str, outcome: Outcome | None = None, reason: str = "", log: tuple[str, str] | None = None) -> Plant:
    """A command fails for what is around it."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        made = bench.shell(script)
        return bench.judge(bench.log(made, *log) if log else made, job, "tree", outcome=outcome, reason=reason)

    return plant


def test_around(line: str, log: tuple[str, str] | None = None, *, times: int = 1, tool: str = "pytest") -> Plant:
    """A test fails for what is around it."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        made = tool_of(bench, tool)(case("it", line, tool))
        made = bench.log(made, *log) if log else made
        for _ in range(times - 1):
            bench.remember(made, job, "tree")
        return bench.judge(made, job, "tree")

    return plant


test_around.__test__ = False  # type: ignore[attr-defined]


def nobody(line: str, tool: str = "pytest", *, before: int = 0) -> Plant:
    """A first failure that says nothing more."""

    def plant(bench: Bench, job: str) -> Diagnosis | None:
        make = tool_of(bench, tool)
        for number in range(before):
            bench.remember(make(case("it", "pass", tool)), job, f"t{number}", change=f"c{number}")
        return bench.judge(make(case("it", line, tool)), job, "tree", files=["app/elsewhere.py"])

    return plant


def table(found: Sequence[tuple[Cause, Cause]]) -> Iterator[str]:
    """The confusion table: a row for what was planted, a column for what was thought."""
    names = [one.value for one in Cause]
    width = max(map(len, names))
    yield " " * width + "  " + "  ".join(names)
    for planted in Cause:
        counts = [sum(1 for one, other in found if (one, other) == (planted, thought)) for thought in Cause]
        yield f"{planted.value:{width}}  " + "  ".join(
            f"{count:{len(name)}}" for count, name in zip(counts, names, strict=True)
        )
