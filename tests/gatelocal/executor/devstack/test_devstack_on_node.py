"""The helper that looks at a devstack's node, run here as a real program; what it does as root is in the live tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from gatelocal.executor.devstack import on_node


def test_it_tells_address_memory_and_what_plugins_say(tmp_path: Path) -> None:
    settings = tmp_path / "a/devstack/settings"
    settings.parent.mkdir(parents=True)
    settings.write_text("define_plugin a\n")
    text = Path(on_node.__file__).read_text()
    words = ["look", "--mark=m", f"--tree={tmp_path / 'a'}", f"--tree={tmp_path / 'b'}"]
    done = subprocess.run([sys.executable, "-c", text, *words], capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout.partition("gatelocal-facts m ")[2])
    assert facts["settings"] == ["define_plugin a\n"]
    assert facts["cores"] == len(os.sched_getaffinity(0))
    assert 0 < facts["memory"] <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    assert facts["address"].count(".") == 3
    assert facts["mtu"] > 500
