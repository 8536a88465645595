"""What bindep.txt and constraints.txt name is enough: the fast suite on a machine that has nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatelocal.launcher import trials
from tests.live import bare

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("bare root")]


@pytest.mark.skipif(os.geteuid() != 0, reason="another root folder needs root")
@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="there is no mmdebstrap")
def test_the_fast_suite_in_a_bare_root(tmp_path: Path) -> None:
    if trials.before_mmdebstrap() != trials.PRIVATE:
        pytest.skip("this root may not mount")
    root = bare.make(tmp_path)
    log = tmp_path / "log"
    try:
        with log.open("wb") as out:
            words = bare.argv(root, ["tools/test", "fast"])
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=3000, check=False)
        said = log.read_text(errors="replace")
        assert done.returncode == 0, said[-20_000:]
        assert "== all green" in said and "could not be installed" not in said
    finally:
        shutil.rmtree(root, ignore_errors=True)
