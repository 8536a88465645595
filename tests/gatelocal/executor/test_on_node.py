"""The helper that runs on the node, run here as a real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatelocal.executor import on_node, prepare_node


def asked(*words: str, path: str | None = None) -> tuple[int, dict[str, object], str]:
    """Run the helper as the executor does; its status, its facts, what it said."""
    helper = prepare_node if words[0] in ("packages", "python", "tox", "sudo") else on_node
    text = Path(helper.__file__).read_text(encoding="utf-8")
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
    assert asked("packages", "--work", str(work), "--install", path=path)[0] == prepare_node.CANNOT


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


@pytest.mark.live
def test_the_files_that_name_packages(tmp_path: Path) -> None:
    work, path = tmp_path / "work", f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    (work / "ci").mkdir(parents=True)
    program(tmp_path / "bin", "bindep", f'echo "$3" >> {tmp_path}/asked; exit 0')
    program(tmp_path / "bin", "other", f"echo other >> {tmp_path}/asked; exit 0")
    for name in ("a.txt", "b.txt", "fallback.txt"):
        (work / "ci" / name).touch()
    words = ["packages", "--work", str(work), "--fallback", "ci/fallback.txt"]
    asked(*words, path=path)
    asked(*words, "--file", "ci/a.txt", "--file", "ci/b.txt", path=path)
    (work / "other-requirements.txt").touch()
    asked(*words, path=path)
    asked(*words, "--bindep", str(tmp_path / "bin/other"), path=path)
    names = ("ci/fallback.txt", "ci/a.txt", "ci/b.txt", "other-requirements.txt")
    assert (tmp_path / "asked").read_text().split() == [*(str(work / name) for name in names), "other"]


def test_facts_stand_behind_the_mark_that_was_given(tmp_path: Path) -> None:
    _, _, said = asked("start", "--work", str(tmp_path), "--into", str(tmp_path / "out"))
    assert said == "\n"
    text = Path(on_node.__file__).read_text(encoding="utf-8")
    argv = [sys.executable, "-c", text, "start", "--work", str(tmp_path), "--into", str(tmp_path / "out")]
    done = subprocess.run([*argv, "--mark", "0123"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("\ngatelocal-facts 0123 {")


def test_an_interpreter_is_looked_for_and_what_there_is_instead_is_told(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    program(tmp_path / "bin", f"python{version}", "")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    words = ["python", "--work", str(tmp_path), "--version"]
    assert asked(*words, version, path=path)[:2] == (0, {"python": True, "instead": ""})
    assert asked(*words, "2.1", path=path)[:2] == (0, {"python": False, "instead": version})
    program(tmp_path / "bin", "apt-get", f'echo "$@" >> {tmp_path}/installed')
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    asked(*words, "3.99", "--install", path=path)
    assert "-y install python3.99-dev python3.99-venv" in (tmp_path / "installed").read_text()


def test_the_tox_that_a_job_names(tmp_path: Path) -> None:
    program(tmp_path / "bin", "tox3", "")
    words = ["tox", "--work", str(tmp_path), "--executable"]
    assert asked(*words, str(tmp_path / "bin/tox3"))[1] == {"tox": [str(tmp_path / "bin/tox3")]}
    assert asked(*words, "tox3", path=f"{tmp_path / 'bin'}:{os.environ['PATH']}")[1]["tox"]
    assert asked(*words, "/nowhere/tox")[1] == {"tox": None}


def test_root_stays_root_and_a_node_that_is_none_of_its_own_keeps_its_sudo(tmp_path: Path) -> None:
    program(tmp_path / "bin", "sudo", f'echo "$@" >> {tmp_path}/asked')
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    assert asked("sudo", "--work", str(tmp_path), path=path)[:2] == (0, {"sudo": False})
    assert not (tmp_path / "asked").exists()


ODD = ("pipe", "round", "device", "outside", "up", "huge", "secret", "deep", "same")


def odd(log: Path, kind: str, outside: Path) -> None:
    """Put something into a log folder that must not be copied as it stands."""
    match kind:
        case "pipe":
            os.mkfifo(log / "p")
        case "round":
            (log / "s1").symlink_to(".")
            (log / "s2").symlink_to("s3")
            (log / "s3").symlink_to("s2")
        case "device":
            (log / "z").symlink_to("/dev/zero")
        case "outside":
            (log / "o").symlink_to(outside)
        case "up":
            (log / "u").symlink_to("../../../outside")
        case "huge":
            with (log / "h").open("wb") as file:
                file.truncate(on_node._LARGEST + 1)
        case "secret":
            (log / "x").write_text("x")
            (log / "x").chmod(0o4000)
        case "deep":
            place = log
            for _ in range(60):
                place = place / "d"
                place.mkdir()
        case "same":
            (log / "hard").hardlink_to(outside / "secret")


def is_harmless(folder: Path) -> bool:
    """Whether a folder that was copied holds plain files of no great size, and links that stay within."""
    found = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    links = [str(path.readlink()) for path in found if path.is_symlink()]
    return (
        all(link.startswith(("s", ".")) and ".." not in link for link in links)
        and sum(path.lstat().st_size for path in found) < 1000
        and all(path.lstat().st_mode & 0o7000 == 0 for path in found)
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log folder of an environment, and beside the tree a folder that is nobody's business."""
    folder = tmp_path / "work/.tox/py3/log"
    folder.mkdir(parents=True)
    (folder / "1.log").write_text("log")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    return folder


@pytest.mark.parametrize("kind", ODD)
def test_odd_things_in_a_log_folder_do_no_harm(tmp_path: Path, log: Path, kind: str) -> None:
    odd(log, kind, tmp_path / "outside")
    assert on_node.logs([("py3", log.parent)], tmp_path / "tox")
    assert (tmp_path / "tox/py3/1.log").read_text() == "log"
    assert is_harmless(tmp_path / "tox")


def test_whatever_lies_in_a_log_folder_the_rest_is_gathered(tmp_path: Path, log: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    for kind in ODD:
        odd(log, kind, tmp_path / "outside")
    asked("start", "--work", str(work), "--into", str(out))
    status, facts, said = asked("collect", "--work", str(work), "--into", str(out), "--env", "py3")
    assert (status, facts["items"]) == (0, ["tox"])
    assert "left out" in said
    assert is_harmless(out)


def test_a_log_folder_that_is_a_link_gives_nothing(tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    (work / ".tox/py3").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/1.log").touch()
    (work / ".tox/py3/log").symlink_to(tmp_path / "other")
    asked("start", "--work", str(work), "--into", str(out))
    assert asked("collect", "--work", str(work), "--into", str(out), "--env", "py3")[1]["items"] == []


def test_no_more_is_copied_than_there_is_room_for(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(6):
        (source / f"{number}").write_bytes(b"x" * 10)
    few = on_node.Room(4, 1000, time.monotonic() + 60)
    on_node.copied(source, tmp_path / "few", few)
    small = on_node.Room(100, 25, time.monotonic() + 60)
    on_node.copied(source, tmp_path / "small", small)
    late = on_node.Room(100, 1000, time.monotonic() - 1)
    on_node.copied(source, tmp_path / "late", late)
    count = [len(list((tmp_path / name).iterdir())) for name in ("few", "small", "late")]
    assert (count, few.out, small.out, late.out) == ([4, 2, 0], 2, 4, 6)


def test_free_room_is_told_though_nothing_can_be_gathered(tmp_path: Path) -> None:
    status, facts, _ = asked("collect", "--work", str(tmp_path), "--into", "/proc/nothing", "--env", "py3")
    assert (status, facts["items"]) == (0, [])
    assert isinstance(facts["free"], int)


def test_junit_files_are_collected_as_far_as_they_are_new_whether_or_not_somebody_watched(tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    (work / "old-junit.xml").write_text("<testsuite/>")
    words = ("--work", str(work), "--into", str(out), "--junit", "*junit*.xml")
    asked("start", *words)
    status, facts, _ = asked("collect", *words)
    assert (status, facts["items"]) == (0, [])
    (work / "new-junit.xml").write_text("<testsuites/>")
    os.mkfifo(work / "pipe-junit.xml")
    status, facts, said = asked("collect", *words)
    assert (status, facts["items"]) == (0, ["junit"])
    assert [one.read_text() for one in (out / "junit").iterdir()] == ["<testsuites/>"]
    assert "pipe-junit.xml" in said
    (out / ".before.json").write_text("[]")
    assert asked("collect", *words)[0] == 0


def test_an_environment_elsewhere_is_asked_of_tox_3_in_its_own_words(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    (folder / "log").mkdir(parents=True)
    (folder / "log/x.log").write_text("said\n")
    (tmp_path / ".tox/all/log").mkdir(parents=True)  # of tox itself, as tox 4 has it
    program(
        tmp_path / "bin",
        "tox",
        f'case "$*" in "--showconfig -e all") echo "[testenv:all]"; echo "envdir = {folder}";; *) exit 2;; esac',
    )
    words = ["collect", "--work", str(tmp_path), "--into", str(tmp_path / "out"), "--env=all"]
    status, facts, _ = asked(*words, f"--tox={tmp_path / 'bin/tox'}")
    assert (status, facts["items"]) == (0, ["tox"])
    assert (tmp_path / "out/tox/all/x.log").read_text() == "said\n"
