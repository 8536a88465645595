"""A machine that hangs while it boots is given up once; what hangs is pretended, the live tests boot real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.launcher import pool
from gatelocal.launcher.providers import qemu


@pytest.fixture(name="patient")
def _patient(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The patience that each machine was booted with; all hang but those with more than the usual."""
    asked: list[int] = []

    def boot(self: qemu.Provider, image: Any, folder: Path, record: Any, say: Any) -> Any:
        asked.append(self.patience)
        if self.patience == 1 or image == "hangs":
            raise qemu.DidNotBoot(f"{record.name} did not boot")
        return folder

    monkeypatch.setattr(qemu.Provider, "launch", boot)
    monkeypatch.setattr(pool.Pool, "_choose", lambda self, origin, say: pool._Choice("qemu", "a machine"))
    return asked


@pytest.mark.parametrize("image", ["boots", "hangs"])
def test_a_machine_that_hangs_is_replaced_once(
    image: str, patient: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Pool, "_image", lambda self, origin: image)
    launcher = pool.launcher("qemu", tmp_path / "cache", tmp_path / "nodes")
    said: list[str] = []
    if image == "boots":
        folder: Any = launcher.launch(None, said.append)
        assert list((tmp_path / "nodes").iterdir()) == [folder]
        pool.sweeper.remove(folder)
    else:
        with pytest.raises(InfrastructureError, match="did not boot"):
            launcher.launch(None, said.append)
    assert patient == [1, 2] and len(said) == 1 and "once more" in said[0]
    assert not list((tmp_path / "nodes").iterdir())
