"""What failed builds have said, searched by queries."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.results.fingerprints import sql
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


@pytest.mark.parametrize("many", [2000, 0])
def test_patterns_are_found_by_the_words_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(sql, "MANY", many)
    with closing(SaidLines(f"sqlite:///{tmp_path / 'said.sqlite'}")) as lines:
        lines.add("run/1", [Event("the volume is [lost]", {}), Event("nothing", {})])
        lines.add("run/2", [Event("two volumes", {"tags": ("volume",)})])
        for query, builds in {
            "message:volum*": ["run/2", "run/1"],
            "message:*umes": ["run/2"],
            "message:v*e": ["run/1"],
            "message:v?lume": ["run/1"],
            "v*e": ["run/2", "run/1"],
            "message:*nowhere": [],
            "NOT message:*umes": ["run/1"],
        }.items():
            assert [build for build, _ in lines.search(meant(query).asks)] == builds, query


def test_the_first_event_of_a_build_is_told_and_no_more_builds_than_are_wanted(tmp_path: Path) -> None:
    with closing(SaidLines(f"sqlite:///{tmp_path / 'said.sqlite'}")) as lines:
        for number in range(5):
            lines.add(f"run/{number}", [Event("other", {}), Event(f"boom {number} first", {}), Event("boom again", {})])
        assert lines.search(meant("message:boom").asks, 2) == [("run/4", "boom 4 first"), ("run/3", "boom 3 first")]
        lines.add("run/none", [])


def test_what_an_older_version_has_kept_is_found_and_forgotten_words_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "said.sqlite"
    monkeypatch.setattr(said_lines, "KEPT", 1)
    monkeypatch.setattr(said_lines, "WORDS_KEPT", 2)
    with closing(SaidLines(f"sqlite:///{path}")) as lines:
        lines.add("run/1", [Event("the volumes", {})])
        lines.add("run/2", [Event("two volumes", {})])
        lines.prune()
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT word FROM known_words ORDER BY word").fetchall() == [("two",), ("volumes",)]
        assert base.execute("SELECT build FROM events").fetchall() == [("run/2",)]
        base.execute("DROP TABLE known_words")
    with closing(SaidLines(f"sqlite:///{path}")) as lines:
        assert [build for build, _ in lines.search(meant("message:*umes").asks)] == ["run/2"]


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "said.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InfrastructureError, match="what failed builds have said") as met:
        SaidLines(f"sqlite:///{tmp_path / 'said.sqlite'}")
    assert str(tmp_path / "said.sqlite") in met.value.brief
    assert met.value.hint == f"it is damaged: move {tmp_path / 'said.sqlite'} away, and it begins anew"
