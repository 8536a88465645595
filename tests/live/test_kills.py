"""Launchers are killed at random moments: whatever they were at, nothing of theirs is left, and others' nodes stay.

``GATELOCAL_TEST_KILLS`` says how many times (10), ``GATELOCAL_TEST_SEED`` repeats what was random.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatelocal.config.directories import directories
from gatelocal.launcher import images, place, sweeper
from gatelocal.launcher.pool import launcher
from tests.live.test_nodes import _traces
from tests.patience import until

pytestmark = [pytest.mark.live, pytest.mark.nspawn]

_OWNER = """
import sys, time
from pathlib import Path
from gatelocal.launcher.pool import BUILT_IN, launcher
from gatelocal.model.label import Labels, Origin
from gatelocal.model.plan import Nodeset, NodeWanted
kind, count, cache, runtime, label = sys.argv[1:]
nodeset = Nodeset("", tuple(NodeWanted((f"n{number}",), label) for number in range(int(count))))
table = BUILT_IN.extended(Labels("", {label: Origin(label, "bookworm")}))  # nodes are called after it
while True:
    nodes = launcher(kind, Path(cache), Path(runtime), table).gather((nodeset,), lambda line: None)
    nodes.each[0].run(["sh", "-c", "sleep 1000 & sleep 0.2"])
    nodes.close()
"""


def _one_round(dice: random.Random, cache: Path, runtime: Path, label: str) -> str:
    """Start a launcher, kill it, sometimes with its guards; what was done, in words."""
    kind, count = dice.choice([("nspawn", 1), ("nspawn", 1), ("nspawn", 2), ("local", 1)])
    argv = [sys.executable, "-c", _OWNER, kind, str(count), str(cache), str(runtime), label]
    owner = subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True)
    assert until(lambda: runtime.exists() and any(runtime.iterdir()))
    moment, guards = dice.uniform(0, 1), dice.random() < 0.5
    time.sleep(moment)
    owner.send_signal(signal.SIGKILL)
    if guards:
        for folder in place.folders(runtime):
            record = place.read(folder)
            for process in record.processes[:1] if record is not None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
    owner.wait()
    return f"{kind} x {count}, killed after {moment:.3f} s{', with its guards' if guards else ''}"


def test_nothing_is_left_of_what_was_killed_and_nothing_else_is_touched(tmp_path: Path) -> None:
    seed = int(os.environ.get("GATELOCAL_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
    dice, cache = random.Random(seed), directories(os.environ).cache  # noqa: S311 - no secret
    ours, theirs = tmp_path / "nodes", tmp_path / "others"
    other = launcher("nspawn", cache, theirs).launch(None, print)
    bystander = subprocess.Popen(["sleep", "100000"], start_new_session=True)
    try:
        for number in range(int(os.environ.get("GATELOCAL_TEST_KILLS", "10"))):
            label = f"kill{os.getpid()}x{number}"
            told = f"seed {seed}, round {number}: {_one_round(dice, cache, ours, label)}"
            sweeper.sweep(ours, print)
            images.sweep(images.below(cache))
            assert until(lambda: not list(ours.iterdir()), 20), told
            assert until(lambda: not _traces(label), 20), (told, _traces(label))  # noqa: B023
            assert other.run(["true"]) == 0 and bystander.poll() is None, told
    finally:
        bystander.kill()
        bystander.wait()
        other.close()
    assert not list(theirs.iterdir())
