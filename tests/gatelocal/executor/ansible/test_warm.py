"""A process that waits for playbooks: what it prints and how it ends, by a program that speaks as Ansible's does."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.executor.ansible.warm import Warm
from gatelocal.process import is_running
from gatelocal.stopping import Stop, Stopped, stoppable
from tests.patience import until

PROGRAM = """#!%s
import os, pathlib, socket, subprocess, sys, time
folder = pathlib.Path(sys.argv[-1])
if (folder / "broken").exists():
    sys.exit("Ansible is broken")
while True:
    with socket.socket(socket.AF_UNIX) as link:
        os.chdir(folder)
        link.connect("warm")
        file = link.makefile().readline().strip()
        if not file:
            break
        place = pathlib.Path(file).parent
        (place / "pid").write_text(str(os.getpid()))
        exec(pathlib.Path(file).read_text())
"""
SAY = 'link.sendall(b"one\\ntwo \\xff\\n"); (place / "status").write_text("{}")'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "warm").mkdir()
    (tmp_path / "python").write_text(PROGRAM % sys.executable)
    (tmp_path / "python").chmod(0o700)
    return tmp_path


@pytest.fixture
def warm(folder: Path) -> Iterator[Warm]:
    with Warm(folder / "python", folder / "warm", folder, {"PATH": os.environ["PATH"]}) as found:
        yield found


def settings(folder: Path, program: str) -> Path:
    place = folder / f"play{len(list(folder.glob('play*')))}"
    place.mkdir()
    (place / "settings").write_text(program)
    return place / "settings"


def test_one_process_runs_several_playbooks(warm: Warm, folder: Path) -> None:
    lines: list[str] = []
    first, second = settings(folder, SAY.format(0)), settings(folder, SAY.format(4))
    assert [warm.play(one, lines.append, 60) for one in (first, second)] == [0, 4]
    assert lines == ["one", "two \ufffd"] * 2
    assert first.with_name("pid").read_text() == second.with_name("pid").read_text()


@pytest.mark.live  # more than a moment
def test_one_that_takes_too_long_is_stopped_and_the_next_has_another_process(warm: Warm, folder: Path) -> None:
    slow = settings(folder, "time.sleep(600)")
    with pytest.raises(TimeoutError):
        warm.play(slow, lambda _: None, 0.7)
    assert until(lambda: not is_running(int(slow.with_name("pid").read_text())))
    assert warm.play(settings(folder, SAY.format(0)), lambda _: None, None) == 0


def test_one_that_is_not_wanted_any_more_is_stopped(warm: Warm, folder: Path) -> None:
    stop, slow = Stop(), settings(folder, "time.sleep(600)")
    threading.Timer(0.5, stop.ask).start()
    with stoppable(stop), pytest.raises(Stopped):
        warm.play(slow, lambda _: None, None)


def test_what_keeps_the_connection_open_is_not_waited_for(warm: Warm, folder: Path) -> None:
    words = 'subprocess.Popen(["sleep", "60"], stdout=link, start_new_session=True); (place / "status").write_text("0")'
    began = time.monotonic()
    assert warm.play(settings(folder, f"{words}; (place / 'x').touch()"), lambda _: None, None) == 0
    assert time.monotonic() - began < 30


@pytest.mark.live  # more than a moment
def test_a_status_that_is_not_written_yet_is_waited_for(warm: Warm, folder: Path) -> None:
    program = '(place / "status").touch(); time.sleep(1.5); (place / "status").write_text("4")'
    assert warm.play(settings(folder, program), lambda _: None, 60) == 4


@pytest.mark.parametrize("program", ["os._exit(3)", "os.kill(os.getpid(), 9)", '(place / "status").write_text("-9")'])
def test_that_it_dies_is_the_machinerys(warm: Warm, folder: Path, program: str) -> None:
    with pytest.raises(InfrastructureError, match="Ansible's process was ended by signal 9"):
        warm.play(settings(folder, program), lambda _: None, None)


def test_that_it_does_not_start_is_told_with_its_words(folder: Path) -> None:
    (folder / "warm/broken").touch()
    variables = {"PATH": os.environ["PATH"]}
    with Warm(folder / "python", folder / "warm", folder, variables) as warm, pytest.raises(InfrastructureError) as e:
        warm.play(settings(folder, ""), lambda _: None, None)
    assert "Ansible is broken" in e.value.details
