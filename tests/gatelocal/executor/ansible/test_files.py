"""What a job leaves on its node and how it is found; which Ansible; how its process is started."""

from __future__ import annotations

import gzip
import importlib.metadata
import sys
from pathlib import Path

import pytest

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible import environment, files, start
from gatelocal.executor.results import results_in
from gatelocal.model.returned import Artifact, Given, Returned
from tests.fakes.node import FolderNode

SUITE = '<testsuite name="s"><testcase classname="c" name="{}"/></testsuite>'


def test_what_lies_in_the_nodes_output_comes_into_the_log_root_and_is_read(tmp_path: Path) -> None:
    node, work, logs = FolderNode(tmp_path / "node"), tmp_path / "logs/work", tmp_path / "logs"
    (tmp_path / "node").mkdir()
    (work / "logs").mkdir(parents=True)
    files.prepare(node)
    output = tmp_path / "node/zuul-output"
    assert sorted(one.name for one in output.iterdir()) == ["artifacts", "docs", "logs"]
    (output / "logs/deep").mkdir()
    (output / "logs/deep/junit-a.xml").write_text(SUITE.format("a"))
    (output / "logs/stream.subunit.gz").write_bytes(gzip.compress(b"no stream at all"))
    (output / "artifacts/it.tar").write_text("x")
    (work / "logs/results.xml").write_text(SUITE.format("b"))
    (work / "logs/junit-away.xml").symlink_to("/etc/passwd")
    files.fetch(node, work)
    files.gather(work, logs)
    assert (work / "logs/artifacts/it.tar").is_file() and (work / "logs/deep/junit-a.xml").is_file()
    assert not (work / "logs/docs").exists() and not (work / "zuul-output").exists()
    found = results_in(logs)
    assert sorted(test.name for test in found.tests) == ["c.a", "c.b"]
    assert any("stream.subunit" in note for note in found.notes)


def test_a_job_that_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "work/logs").mkdir(parents=True)
    files.fetch(FolderNode(tmp_path / "node"), tmp_path / "work")
    files.gather(tmp_path / "work", tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["node", "work"]


def test_of_several_nodes_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    work = tmp_path / "work"
    for name in ("a", "b"):
        node = FolderNode(tmp_path / name)
        (tmp_path / name).mkdir()
        files.prepare(node)
        (tmp_path / name / "zuul-output/logs/same.txt").write_text(name)
        (tmp_path / name / "zuul-output/docs/index").write_text(name)
        files.fetch(node, work, name)
    assert [(work / "logs" / name / "same.txt").read_text() for name in ("a", "b")] == ["a", "b"]
    assert (work / "logs/b/docs/index").is_file()


def version(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    def found(name: str) -> str:
        if not told:
            raise importlib.metadata.PackageNotFoundError(name)
        return told

    monkeypatch.setattr(importlib.metadata, "version", found)


def test_the_ansible_that_is_installed_the_one_that_is_kept_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(monkeypatch, "2.18.7")
    assert environment.python(tmp_path, print) == Path(sys.executable)
    for other in ("2.19.1", "2.1", ""):
        version(monkeypatch, other)
        kept = tmp_path / f"ansible-2.18-python{sys.version_info.major}.{sys.version_info.minor}/bin/python"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()
        assert environment.python(tmp_path, print) == kept
    kept.unlink()

    def fails(argv: list[str], **_: object) -> None:
        Path(argv[-1]).mkdir(exist_ok=True)
        raise process.ProgramFailed(argv, 1, "no such index")

    monkeypatch.setattr(process, "run", fails)
    said: list[str] = []
    with pytest.raises(InfrastructureError, match="cannot be installed") as raised:
        environment.python(tmp_path, said.append)
    assert "no such index" in raised.value.details and "gatelocal[ansible]" in str(raised.value.hint)
    assert said == ["installing ansible-core~=2.18.0 (from the Python package index), once"]
    assert not list(tmp_path.glob(".new*"))


def test_the_process_has_ansibles_configuration_and_nothing_of_ours(tmp_path: Path) -> None:
    named = {
        name: tmp_path / name for name in ("scratch", "bridge", "work", "inventory", "extra", "playbook", "collections")
    }
    one = start.Start(**named, roles=[Path("/r/1"), Path("/r/2")], read=[Path("/tree")])
    told = start.environment(one.scratch, one.collections)
    assert start.argv(Path("/p"), Path("/s"), {"A": "b c"})[:4] == ("env", "-i", "A=b c", "/p")
    assert not {"PYTHONPATH", "SSH_AUTH_SOCK", "PIP_INDEX_URL"} & set(told)
    settings = start.settings(one)
    assert settings["roles"] == ["/r/1", "/r/2"]
    write = settings["write"]
    assert isinstance(write, list)
    refusals = f"{tmp_path}/scratch/{start.REFUSALS}"
    assert not any(refusals.startswith(f"{each}/") for each in write), "a playbook cannot alter what it was refused"
    assert not any(str(named[name]).startswith(each) for name in ("inventory", "extra", "playbook") for each in write)
    assert settings["words"] == ["-i", f"{tmp_path}/inventory", "-e", f"@{tmp_path}/extra", f"{tmp_path}/playbook"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("images/a%20b.img", "images/a b.img"),
        ("images/a b.img?x=1#y", "images/a b.img"),
        ("images", ""),
        ("images/../../secret", ""),
        ("away", ""),
        ("/etc/passwd", ""),
        ("https://h/images/a b.img", ""),
        ("nowhere", ""),
        ("", ""),
    ],
)
def test_an_artifact_is_a_file_of_the_log_root_or_none(tmp_path: Path, url: str, found: str) -> None:
    logs = tmp_path / "logs"
    (logs / "images").mkdir(parents=True)
    (logs / "images/a b.img").write_text("image")
    (tmp_path / "secret").write_text("secret")
    (logs / "away").symlink_to(tmp_path / "secret")
    (artifact,) = files.with_files(Returned(artifacts=(Artifact({"name": "n", "url": url}),)), logs).artifacts
    assert artifact == Artifact({"name": "n", "url": url}, str(logs / found) if found else "")


def test_files_that_other_jobs_have_made_come_to_the_node(tmp_path: Path) -> None:
    node = FolderNode(tmp_path / "node")
    for name in ("node", "scratch"):
        (tmp_path / name).mkdir()
    (tmp_path / "a b.img").write_text("image")
    here = Artifact({"name": "image", "url": "a b.img", "job": "build"}, str(tmp_path / "a b.img"))
    away = Artifact({"name": "docs", "url": "https://h/docs"})
    given = files.give([node], Given(artifacts=(away, here), data={"x": 1}), tmp_path / "scratch")
    assert given.artifacts[0] == away and given.data == {"x": 1}
    assert given.artifacts[1].told == {
        "name": "image",
        "url": f"file://{tmp_path}/node/zuul-artifacts/1/a%20b.img",
        "job": "build",
    }
    assert (tmp_path / "node/zuul-artifacts/1/a b.img").read_text() == "image"
    assert files.give([node], Given(artifacts=(away,)), tmp_path / "scratch2").artifacts == (away,)
