"""What failed builds have said, searched by queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.results.fingerprints.event import Event
from gatelocal.results.fingerprints.meaning import meant
from gatelocal.store import said_lines
from gatelocal.store.said_lines import SaidLines


def test_builds_are_found_by_what_they_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = SaidLines(f"sqlite:///{tmp_path / 'said.sqlite'}")
    lines.add(
        "run/1", [Event("It timed out", {"tags": ("console",)}), Event("It timed out again", {"tags": ("a.log",)})]
    )
    lines.add("run/2", [Event("(timed) OUT", {"tags": ("a.log",)})])
    lines.add("run/2", [Event("the same build once more", {})])

    def found(query: str) -> list[tuple[str, str]]:
        return list(lines.search(meant(query).asks))

    assert found('message:"timed out"') == [("run/2", "(timed) OUT"), ("run/1", "It timed out")]
    assert found('message:"timed out" AND NOT tags:a.log') == [("run/1", "It timed out")]
    assert found('message:"once more"') == []
    monkeypatch.setattr(said_lines, "KEPT", 1)
    lines.prune()
    assert found('message:"timed out"') == [("run/2", "(timed) OUT")]
    lines.close()


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "said.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InfrastructureError, match="what failed builds have said") as met:
        SaidLines(f"sqlite:///{tmp_path / 'said.sqlite'}")
    assert str(tmp_path / "said.sqlite") in met.value.brief
    assert met.value.hint == f"it is damaged: move {tmp_path / 'said.sqlite'} away, and it begins anew"
