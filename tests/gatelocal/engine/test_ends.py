"""Every way in which a run can end, by the command itself: git is real, nodes are folders, builds end as told."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatelocal.cli import main
from gatelocal.engine import wiring
from gatelocal.errors import InfrastructureError
from gatelocal.launcher.nodeset import Gathered
from gatelocal.model.job import Job
from gatelocal.model.plan import Nodeset
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.ports import Node, Nodes, Say
from git_review.git.runner import Runner
from tests.fakes.builder import ThreadBuilder, interrupt
from tests.fakes.git_server import GitServer
from tests.fakes.node import FolderNode

pytestmark = pytest.mark.live  # more seconds than the fast suite has

README = Path(__file__).parents[3] / "README.rst"
APP = "demo/app"
ZUUL = """\
- job: {name: unit, parent: tox}
- job: {name: other, parent: tox, nodeset: {nodes: [{name: n, label: other}]}}
- job: {name: needy, parent: tox, required-projects: [demo/nowhere]}
- job: {name: needy-too, parent: needy}
- job: {name: sibling, parent: tox, required-projects: [localhost/demo/lib, demo/app]}
- job: {name: elsewhere, parent: defined-in-another-project}
- job: {name: docs, parent: tox, files: [doc/]}
- job: {name: quiet, parent: elsewhere}
- project:
    gate: {jobs: [unit]}
    check: {jobs: [unit, other, needy, needy-too, elsewhere, docs]}
    experimental: {jobs: [docs]}
    periodic: {jobs: [noop]}
    post: {jobs: [needy]}
    third-party: {jobs: [sibling]}
    promote: {jobs: [unit, quiet: {voting: false}]}
    release: {jobs: [unit, other]}
"""


@dataclass
class Machines:
    """A launcher of folders and an executor that does as it is told, job by job."""

    folder: Path
    tells: dict[str, Outcome | BaseException] = field(default_factory=dict)
    nowhere: tuple[str, ...] = ()
    asked: list[str | None] = field(default_factory=list)
    required: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        return Gathered(nodesets[0], (self.launch(nodesets[0].nodes[0].label or None, say),))

    def launch(self, label: str | None, say: Say) -> Node:
        self.asked.append(label)
        if label in self.nowhere:
            raise InfrastructureError(f"no machine of the kind {label}", hint="get one")
        home = self.folder / str(len(self.asked))
        home.mkdir(parents=True)
        return FolderNode(home)

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        self.required[job.name] = job.required_projects
        assert set(job.required_projects) <= set(sources)
        told = self.tells.get(job.name, Outcome.SUCCESS)
        if isinstance(told, KeyboardInterrupt):
            interrupt()
        if isinstance(told, BaseException):
            raise told
        return BuildResult(job.name, told, 1.0, job.voting)


@dataclass(frozen=True)
class Bench:
    """A project on a server that is a folder, a person's clone of it, and the command."""

    server: GitServer
    clone: Path
    machines: Machines

    def run(self, *args: str) -> int:
        sys.argv = ["gatelocal", "run", "--quiet", *args]
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    def commit(self, name: str, text: str) -> None:
        (self.clone / name).parent.mkdir(exist_ok=True)
        (self.clone / name).write_text(text)
        git = Runner(self.clone)
        git.run("add", "--all")
        git.run("commit", "-q", "-m", f"Write {name}")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    server = GitServer(tmp_path / "server")
    server.create(APP, {".zuul.yaml": ZUUL, "f": "1\n", ".gitreview": f"[gerrit]\nhost=localhost\nproject={APP}\n"})
    clone = tmp_path / "clone"
    Runner(tmp_path).run("clone", "-q", "-o", "gerrit", str(server.path(APP)), str(clone))
    Runner(clone).run("config", "user.name", "Tester")
    Runner(clone).run("config", "user.email", "tester@example.org")
    Runner(clone).run("config", "gitreview.branch", "main")
    machines = Machines(tmp_path / "nodes")
    monkeypatch.setattr(wiring.nursery, "Nursery", lambda: ThreadBuilder(machines, machines))
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(clone)
    bench = Bench(server, clone, machines)
    bench.commit("note", "text\n")
    return bench


def table() -> dict[int, str]:
    """The exit codes that the README promises."""
    text = README.read_text()
    section = text[text.index("Exit codes of gatelocal") :]
    return {int(code): meaning for code, meaning in re.findall(r"^(\d+) {2,}(\S.*)$", section, re.MULTILINE)}


def passes(bench: Bench) -> int:
    return bench.run()


def fails(bench: Bench) -> int:
    bench.machines.tells["unit"] = Outcome.FAILURE
    return bench.run()


def bad_input(bench: Bench) -> int:
    assert bench.run("--no-such-option") == 2
    assert bench.run("no-such-commit") == 2
    assert bench.run("ftp://example.org/1") == 2
    assert bench.run("HEAD..HEAD~1") == 2
    assert bench.run("--junit", "nowhere/result.xml") == 2
    assert not bench.machines.asked
    assert bench.run("--gerrit", "example.org", "1") == 2
    return bench.run("--node", "marble")


def mistake(bench: Bench) -> int:
    bench.machines.tells["unit"] = ZeroDivisionError("a planted mistake")
    return bench.run()


def conflict(bench: Bench) -> int:
    bench.server.commit(APP, "refs/heads/main", (bench.server.tip(APP),), {"f": "theirs\n"})
    bench.commit("f", "mine\n")
    return bench.run()


def configuration(bench: Bench) -> int:
    bench.commit(".zuul.yaml", "- project: {gate: {jobs: []}}\n")
    return bench.run()


def machinery(bench: Bench) -> int:
    bench.server.path(APP).rename(bench.server.folder / "gone")
    return bench.run()


def incomplete(bench: Bench) -> int:
    return bench.run("--pipeline", "check")


def interrupted(bench: Bench) -> int:
    bench.machines.tells["unit"] = KeyboardInterrupt()
    return bench.run()


WAYS: dict[int, Callable[[Bench], int]] = {
    0: passes,
    1: fails,
    2: bad_input,
    3: mistake,
    4: conflict,
    5: configuration,
    6: machinery,
    7: incomplete,
    130: interrupted,
}


def test_the_table_of_the_readme_is_complete() -> None:
    from gatelocal import errors

    codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert set(table()) == codes == set(WAYS)


@pytest.mark.parametrize("code", sorted(table()))
def test_each_exit_code_of_the_readme(bench: Bench, code: int) -> None:
    assert WAYS[code](bench) == code


def test_what_cannot_be_had_ends_the_jobs_that_need_it_and_nothing_else(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.machines.nowhere = ("other",)
    assert bench.run("--pipeline", "check") == 7
    told = capsys.readouterr().out
    assert "- unit : SUCCESS" in told
    assert "- other : NODE_FAILURE" in told and "no machine of the kind other (get one)" in told
    assert "- needy : ERROR" in told and "- needy-too : ERROR" in told
    assert "- docs : not run: no changed file matches files" in told
    assert "1 of 5 jobs ran and passed" in told.splitlines()[-1]
    assert "(1 defined elsewhere, 2 ERROR, 1 NODE_FAILURE)" in told.splitlines()[-1]


def test_machinery_that_keeps_everything_from_running_is_told_as_such(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run("--pipeline", "post") == 6
    assert "demo/nowhere" in capsys.readouterr().err


def test_a_failure_wins_over_what_could_not_be_run(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.machines.nowhere = ("other",)
    bench.machines.tells["unit"] = Outcome.FAILURE
    assert bench.run("--pipeline", "check") == 1
    assert " fails unit in " in capsys.readouterr().out.splitlines()[-1]


def test_a_kind_of_node_that_cannot_be_had_is_asked_for_once(bench: Bench) -> None:
    bench.commit(
        ".zuul.yaml", ZUUL + "- project: {release: {jobs: [other, third: {}]}}\n- job: {name: third, parent: other}\n"
    )
    bench.machines.nowhere = ("other",)
    assert bench.run("--pipeline", "release") == 7
    assert sorted(map(str, bench.machines.asked)) == ["None", "other"]


def test_no_job_for_the_change_is_no_pass(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run("--pipeline", "experimental") == 7
    assert "nothing was tested" in capsys.readouterr().out.splitlines()[-1]


def test_zuuls_own_noop_passes_without_a_node(bench: Bench) -> None:
    assert bench.run("--pipeline", "periodic") == 0
    assert bench.machines.asked == []


def test_a_job_elsewhere_that_does_not_vote_keeps_no_pass_away(bench: Bench) -> None:
    assert bench.run("--pipeline", "promote") == 0


def test_chosen_jobs_have_a_verdict_of_their_own(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run("--pipeline", "check", "--job", "unit") == 0
    assert "a part: 5 other jobs of the check pipeline" in capsys.readouterr().out.splitlines()[-1]
    assert bench.run("--pipeline", "check", "--job", "docs") == 7
    assert bench.run("--pipeline", "check", "--job", "elsewhere") == 7


def test_required_projects_reach_the_build_under_the_names_of_their_trees(bench: Bench) -> None:
    bench.server.create("demo/lib", {"setup.py": ""})
    assert bench.run("--pipeline", "third-party") == 0
    assert bench.machines.required == {"sibling": ("demo/lib", "demo/app")}
