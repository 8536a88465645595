"""Where things are kept on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.config.directories import ensure_state
from gatelocal.errors import InfrastructureError


def test_a_folder_of_the_state_is_its_owners_alone(tmp_path: Path) -> None:
    ensure_state(tmp_path / "state" / "runs")
    ensure_state(tmp_path / "state" / "runs")
    assert (tmp_path / "state" / "runs").stat().st_mode & 0o777 == 0o700


def test_one_that_cannot_be_made_is_told_with_what_names_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError, match="file/state cannot be made") as caught:
        ensure_state(tmp_path / "file" / "state")
    assert (caught.value.details, "GATELOCAL_STATE" in caught.value.hint) == ("Not a directory", True)
