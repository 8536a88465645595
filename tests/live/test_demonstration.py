"""What `tools/try` shows, on a container and on a virtual machine: nothing on the road is a fake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live, pytest.mark.gerrit]

ROOT = Path(__file__).resolve().parents[2]


def demonstrate(node: str, tmp_path: Path) -> str:
    """Run the demonstration to its end and give what it printed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "demonstration.py"), "--node", node],
        env={**os.environ, "PATH": path, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert list(tmp_path.iterdir()) == []
    return done.stdout


def both_verdicts_in(said: str) -> bool:
    passing = "PASS: demo/service " in said
    failing = "FAIL: demo/service 2,2 fails service-unit" in said
    return passing and failing and "tests.test_service.Answer.test_parts_by_name" in said


@pytest.mark.nspawn
def test_on_a_container(tmp_path: Path) -> None:
    said = demonstrate("nspawn", tmp_path)
    assert both_verdicts_in(said), said
    assert "node: container" in said


@pytest.mark.qemu
def test_on_a_virtual_machine(tmp_path: Path) -> None:
    said = demonstrate("qemu", tmp_path)
    assert both_verdicts_in(said), said
    assert "node: virtual machine" in said
