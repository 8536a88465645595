"""A daemon that tells a Launchpad what it lands: one that is away costs no landing, and is told later, once."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("launchpadlib", reason="the extra `launchpad` has it; tools/test installs it")

from tests.fakes.launchpad import CREDENTIALS, none, serving
from tests.live import gate_site
from tests.live.conftest import GerritProject
from tests.live.gate_site import landed, lines, until

pytestmark = pytest.mark.live


def test_what_lands_does_so_without_launchpad_which_is_told_later_and_once(
    gerrit: GerritProject, tmp_path: Path
) -> None:
    where = gate_site.tenant(gerrit.server, gerrit.client, tmp_path, count=1)
    (a,) = where.names
    (tmp_path / "launchpad").write_text(CREDENTIALS)
    with serving() as launchpad:
        launchpad.bug(1, "nova")
        launchpad.fault = lambda method, path: "mute"
        told = {"server": launchpad.url, "credentials-file": "launchpad", "projects": {a: "nova"}}
        where.configure(launchpad=told)
        gate = gate_site.start(where)
        try:
            number = where.change(a, {"x": "1"}, "Mend it\n\nCloses-Bug: #1")
            where.approve(number)
            began = time.monotonic()
            until(lambda: landed(where, [number]) == [number], "it lands")
            assert time.monotonic() - began < 60
            assert gate.get("/api/health")["ok"]
            assert launchpad.said(1) == []
            commands = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
            assert "secret-word" not in commands
            launchpad.fault = lambda method, path: "late" if method == "POST" else None
            until(lambda: len(launchpad.said(1)) == 1, "the first is told")
            gate.kill()
            launchpad.fault = none
            gate = gate_site.start(where)
            until(lambda: launchpad.status(1) == ["Fix Released"] and len(launchpad.said(1)) == 2, "all is told")
            time.sleep(2)
            assert launchpad.said(1) == ["Fix proposed to a (master)", "Fix merged to a (master)"]
            text = launchpad.bugs[1]["messages"][2][1]
            assert f"Reviewed:  {where.url(number)}\nCommitted: {where.commit(number)}\n" in text
        finally:
            where.stop()
    log = list(lines(gate.log))
    assert any("what happens to bugs is told later" in line for line in log)
    assert not any("secret-word" in line or "token-word" in line for line in log)
