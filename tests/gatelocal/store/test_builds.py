"""The history of builds: what is kept of each, and how it is found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatelocal.store.builds import BuildRecord, Builds, Wanted


def record(id: int, **more: object) -> BuildRecord:
    values: dict[str, object] = {
        "id": id,
        "item": 1,
        "preparation": 2,
        "job": "unit",
        "title": "unit",
        "pipeline": "gate",
        "project": "ex/p",
        "change": "5",
        "patchset": 1,
        "voting": True,
        "control": False,
        "asked": 100.0,
        "commits": {"ex/p": {"master": "c"}},
        "trees": {"ex/p": {"master": "t"}},
        "notes": ("a note",),
    }
    return BuildRecord(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def builds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Builds]:
    live = request.param == "postgresql"
    url = request.getfixturevalue("postgresql").database() if live else f"sqlite:///{tmp_path / 'history.sqlite'}"
    found = Builds(url)
    yield found
    found.close()


def test_a_build_is_kept_as_it_is_and_added_once(builds: Builds) -> None:
    builds.add(record(7))
    builds.add(record(7, job="other"))
    assert builds.get(7) == record(7)
    assert builds.get(8) is None


def test_it_is_changed_and_found_by_the_gates_name_for_it(builds: Builds) -> None:
    builds.add(record(7))
    changed = builds.change(7, build=9, state="done", result="SUCCESS", ended=130.5)
    assert changed == record(7, build=9, state="done", result="SUCCESS", ended=130.5) == builds.of_build(9)
    assert builds.change(8, state="done") is None
    again = builds.change(7, notes=("x stands in for y",))
    assert again is not None and again.notes == ("x stands in for y",)


def test_the_newest_comes_first_and_each_condition_counts(builds: Builds) -> None:
    for at, more in enumerate(
        ({}, {"change": "6"}, {"job": "lint"}, {"result": "FAILURE", "state": "done"}, {"item": 3})
    ):
        builds.add(record(at + 1, **more))

    def found(**wanted: object) -> list[int]:
        return [one.id for one in builds.find(Wanted(**wanted))]  # type: ignore[arg-type]

    assert found() == [5, 4, 3, 2, 1]
    assert found(change="6") == [2]
    assert found(job="lint") == [3]
    assert found(result="FAILURE") == [4]
    assert found(item=3) == [5]
    assert found(before=3, limit=1) == [2]
    assert [one.id for one in builds.unfinished()] == [1, 2, 3, 5]


def test_old_ones_go_and_what_has_not_ended_stays(builds: Builds) -> None:
    builds.add(record(1, ended=10.0))
    builds.add(record(2, ended=30.0))
    builds.add(record(3))
    builds.prune(20.0)
    assert [one.id for one in builds.find(Wanted())] == [3, 2]


def test_whatever_a_program_prints_is_kept_as_text(builds: Builds) -> None:
    builds.add(record(7, title="t" * 500, notes=("a\0b", "\udcff")))
    found = builds.change(7, reason="zero \0 and \udcff")
    assert found is not None
    assert (found.reason, len(found.title)) == ("zero  and ?", 500)
