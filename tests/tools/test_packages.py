"""Which packages of bindep.txt tools/try and tools/test miss; no package is asked for in truth."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINDEP = """# a comment
git [platform:dpkg]
mmdebstrap [platform:dpkg node]
chromium [platform:debian test]
dnf-utils [platform:rpm]
"""


@pytest.mark.parametrize(
    ("system", "profile", "missing"),
    [
        ("debian", "", ["git", "mmdebstrap"]),
        ("debian", "test", ["git", "mmdebstrap", "chromium"]),
        ("ubuntu", "test", ["git", "mmdebstrap"]),
    ],
)
def test_what_is_missing(tmp_path: Path, system: str, profile: str, missing: list[str]) -> None:
    (tmp_path / "bindep.txt").write_text(BINDEP)
    (tmp_path / "os-release").write_text(f"NAME=x\nID={system}\n")
    text = (ROOT / "tools/prepare.sh").read_text().replace("/etc/os-release", str(tmp_path / "os-release"))
    (tmp_path / "prepare.sh").write_text(text)
    script = f". {tmp_path}/prepare.sh; root={tmp_path}; dpkg-query() {{ return 1; }}; missing_packages {profile}"
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == missing


def test_each_line_is_understood(tmp_path: Path) -> None:
    script = f". {ROOT}/tools/prepare.sh; dpkg-query() {{ return 1; }}; missing_packages test"
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True)
    named = [line.split()[0] for line in (ROOT / "bindep.txt").read_text().splitlines() if line[0] != "#"]
    assert set(done.stdout.split()) <= set(named)
    assert len(set(named) - set(done.stdout.split())) <= 1
