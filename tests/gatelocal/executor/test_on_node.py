"""The helper that runs on the node, run here as a real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from gatelocal.executor import on_node


def asked(*words: str, path: str | None = None) -> tuple[int, dict[str, object], str]:
    """Run the helper as the executor does; its status, its facts, what it said."""
    text = Path(on_node.__file__).read_text(encoding="utf-8")
    environment = {**os.environ, **({"PATH": path} if path else {})}
    argv = [sys.executable, "-c", text, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    said, _, facts = done.stdout.rpartition("gatelocal-facts ")
    return done.returncode, json.loads(facts), said


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_start_empties_the_folder_and_tells_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").touch()
    words = ["start", "--work", str(tmp_path), "--into", str(tmp_path / "out")]
    status, facts, _ = asked(*words, "--constraints", str(tmp_path / "none"))
    assert (status, facts["work"], facts["constraints"]) == (0, True, False)
    assert not (tmp_path / "out/old").exists()
    assert facts["tox"]


def test_packages_are_looked_at_and_left_alone_unless_allowed(tmp_path: Path) -> None:
    work, path = tmp_path / "work", f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    work.mkdir()
    assert asked("packages", "--work", str(work))[1] == {"skipped": ""}
    (work / "bindep.txt").write_text("libxyz-dev\n")
    program(tmp_path / "bin", "bindep", f'echo "$@" > {tmp_path}/asked; echo libxyz-dev; exit 1')
    program(tmp_path / "bin", "apt-get", f'echo "$@" >> {tmp_path}/installed')
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    status, facts, said = asked("packages", "--work", str(work), "--profile", "test", path=path)
    assert (status, "libxyz-dev" in str(facts["skipped"]), "libxyz-dev" in said) == (0, True, True)
    assert not (tmp_path / "installed").exists()
    assert (tmp_path / "asked").read_text().split()[-1] == "test"
    status, facts, _ = asked("packages", "--work", str(work), "--install", path=path)
    assert (status, facts["missing"]) == (0, ["libxyz-dev"])
    assert "-y install libxyz-dev" in (tmp_path / "installed").read_text()
    program(tmp_path / "bin", "apt-get", "exit 100")
    assert asked("packages", "--work", str(work), "--install", path=path)[0] == on_node.CANNOT


def test_names_of_packages(tmp_path: Path) -> None:
    assert on_node.package_name(tmp_path) == ""
    (tmp_path / "pyproject.toml").write_text('[tool.x]\nname = "no"\n[project]\nname = "Some_Thing.x"\n')
    assert on_node.package_name(tmp_path) == "some-thing-x"
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = oslo.config\n")
    assert on_node.package_name(tmp_path) == "oslo-config"


def test_siblings_replace_what_the_environment_has_and_free_their_constraints(tmp_path: Path) -> None:
    work = tmp_path / "work"
    python = work / ".tox/py3/bin"
    python.mkdir(parents=True)
    program(
        python,
        "python",
        f'if [ "$1" = -c ]; then echo Oslo.Config; echo requests; echo work; else echo "$@" >> {tmp_path}/pip;'
        f" cp $5 {tmp_path}/limits; fi",
    )
    for name, package in (("config", "oslo.config"), ("other", "not-installed"), ("work", "work")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "setup.cfg").write_text(f"[metadata]\nname = {package}\n")
    (tmp_path / "limits-all").write_text("oslo.config===1\nrequests===2\n")
    trees = [word for name in ("config", "other", "work") for word in ("--tree", str(tmp_path / name))]
    words = ["siblings", "--work", str(work), "--env", "py3", "--constraints", str(tmp_path / "limits-all"), *trees]
    status, facts, _ = asked(*words)
    assert (status, facts) == (0, {"installed": {"py3": ["oslo-config"]}})
    assert (tmp_path / "pip").read_text().split()[-1] == str(tmp_path / "config")
    assert (tmp_path / "limits").read_text() == "requests===2\n"


def test_collect_takes_the_environments_logs(tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    (work / ".tox/py3/log").mkdir(parents=True)
    (work / ".tox/py3/log/1.log").write_text("log")
    asked("start", "--work", str(work), "--into", str(out))
    status, facts, _ = asked("collect", "--work", str(work), "--into", str(out), "--env", "py3")
    assert (status, facts["items"]) == (0, ["tox"])
    assert (out / "tox/py3/1.log").read_text() == "log"
