"""The tox that nodes on this machine share when it has none: installed once, by one build."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatelocal.launcher import steps
from gatelocal.launcher.providers import local


def test_builds_beside_one_another_install_tox_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def watched(argv: Sequence[str], log: Path, what: str) -> None:
        ran.append(argv[2])
        folder = Path(argv[3]) if argv[2] == "venv" else Path(argv[0]).parents[1]
        tox = folder / "bin" / "tox"
        if argv[2] == "venv":
            tox.parent.mkdir(parents=True)
        time.sleep(0.2)
        if argv[2] == "pip":
            tox.write_text("#!/bin/sh\necho 4.0\n")
            tox.chmod(0o755)

    monkeypatch.setattr(steps, "watched", watched)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    left_half_done = tmp_path / "cache" / f"tox-{sys.version_info.major}.{sys.version_info.minor}" / "bin"
    left_half_done.mkdir(parents=True)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: local._tox(tmp_path / "cache", "", lambda line: None), range(4)))
    assert (found, ran) == ({left_half_done}, ["venv", "pip"])
    assert (left_half_done / "tox").exists()
