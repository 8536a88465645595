"""Signals that end a command: tidied up like Ctrl-C, and once is enough."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.project import small_project

pytestmark = pytest.mark.live  # more seconds than the fast suite has

WAITING = """
import sys, time
from gatelocal.cli.signals import end_as_interrupted
end_as_interrupted()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("tidying", flush=True)
    time.sleep(0.5)
    print("tidied", flush=True)
    sys.exit(130)
"""
AT_ONCE = """
import sys, threading
from gatelocal import stopping
from gatelocal.cli.signals import end_as_interrupted
end_as_interrupted()
ended = threading.Event()
try:
    with stopping.at_once(ended.set):
        try:
            print("ready", flush=True)
            threading.Event().wait(60)
        finally:
            print("tidying", flush=True)
            ended.wait(60)
            print("tidied", flush=True)
    threading.Event().wait(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    threading.Event().wait(60)
"""
FORKED = """
import os, signal, sys, time
from gatelocal.cli.signals import end_as_interrupted
end_as_interrupted()
ready, told = os.pipe()
child = os.fork()
if child == 0:
    os.write(told, b"x")
    time.sleep(60)
    os._exit(0)
os.read(ready, 1)  # a signal that comes in the first moments after a fork is lost on Python
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def started(script: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_cut_the_tidying_short(number: signal.Signals) -> None:
    with started(WAITING) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        assert child.stdout.readline() == "tidying\n"
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGHUP)
        assert child.stdout.read() == "tidied\n"
    assert child.returncode == 130


def test_a_second_interruption_ends_what_can_be_and_lets_the_tidying_go_on() -> None:
    with started(AT_ONCE) as child:
        assert child.stdout is not None
        for line in ("ready\n", "tidying\n"):
            assert child.stdout.readline() == line
            child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "tidied\n"
        assert child.stdout.readline() == "interrupted\n"
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == ""
    assert child.returncode == -signal.SIGINT


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    with started(WAITING, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        child.stdout.read()
    assert child.returncode == 130


def test_a_forked_child_ends_by_the_signal() -> None:
    with started(FORKED) as child:
        assert child.stdout is not None
        assert child.stdout.read() == f"{-signal.SIGTERM}\n"


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    environment = small_project(tmp_path, "echo as''leep; sleep 100")
    argv = [str(Path(sys.executable).with_name("gatelocal")), "run", "--node", "local"]
    with subprocess.Popen(
        argv, cwd=tmp_path / "tree", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        said = next(line for line in run.stderr if "asleep" in line)
        run.send_signal(number)
        said = run.stderr.read()
    assert (run.returncode, "interrupted" in said) == (130, True)
    assert list((tmp_path / "cache/work").iterdir()) == []
    assert [path.name for path in (tmp_path / "state/nodes").iterdir()] == []
