"""How many builds a machine carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.launcher import capacity


@pytest.mark.parametrize(
    ("cores", "text", "builds"),
    [
        (8, "MemTotal: 99 kB\nMemAvailable: 33554432 kB\n", 4),
        (8, "MemAvailable: 7340032 kB\n", 2),
        (64, "MemAvailable: 1048576 kB\n", 1),
        (1, "MemAvailable: 33554432 kB\n", 1),
        (8, "nothing to be understood\n", 4),
        (8, "MemAvailable: much\n", 4),
        (8, None, 4),
    ],
)
def test_cores_and_free_memory_decide(
    cores: int, text: str | None, builds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "cores", lambda: cores)
    if text is not None:
        (tmp_path / "meminfo").write_text(text)
    assert capacity.builds(tmp_path / "meminfo") == builds
