"""The places of a log that a failure points at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatelocal.engine import excerpts as room
from gatelocal.engine.excerpts import AFTER, BEFORE, LAST, excerpts
from gatelocal.model.past import Excerpt
from gatelocal.model.result import TestResult, TestStatus

BAD = TestResult("pkg.mod.T.test_a", TestStatus.FAILURE, classname="pkg.mod.T")
OTHER = TestResult("pkg.mod.T.test_a[1.5]", TestStatus.FAILURE, classname="pkg.mod.T")


def log(folder: Path, *lines: str) -> Path:
    path = folder / "job-output.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_test_is_found_where_it_is_said_to_have_failed(tmp_path: Path) -> None:
    said = "FAILED tests/mod.py::T::test_a - no"
    path = log(tmp_path, *["before"] * 10, "tests/mod.py::T::test_a", *["between"] * 10, said, *["after"] * 40)
    place = excerpts(path, [BAD])[BAD.name]
    assert place == Excerpt(22 - BEFORE, ("between",) * BEFORE + (said,) + ("after",) * AFTER, 22)


def test_without_a_word_of_failure_it_is_the_first_that_speaks_of_it(tmp_path: Path) -> None:
    path = log(tmp_path, "pkg.mod.T.test_ab", "{0} pkg.mod.T.test_a [0.1s] ...", "x", "{0} pkg.mod.T.test_a again")
    assert excerpts(path, [BAD])[BAD.name].mark == 2, "and not that of a test whose name goes on"


def test_tests_whose_names_begin_alike_are_told_apart(tmp_path: Path) -> None:
    path = log(tmp_path, "FAILED test_a[1.5]", *["x"] * 50, "FAILED test_a")
    places = excerpts(path, [BAD, OTHER])
    assert (places[OTHER.name].mark, places[BAD.name].mark) == (1, 52)


def test_the_end_of_the_log_is_kept_in_any_case(tmp_path: Path) -> None:
    path = log(tmp_path, *map(str, range(1, 201)))
    assert excerpts(path, []) == {"": Excerpt(201 - LAST, tuple(map(str, range(201 - LAST, 201))))}
    assert excerpts(log(tmp_path, "a\x1b[2Jb", "\u202ec"), [])[""].lines == ("ab", "c")


def test_what_is_no_plain_file_is_no_log(tmp_path: Path) -> None:
    secret = log(tmp_path, "secret")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "nothing"):
        assert excerpts(tmp_path / name, [BAD]) == {}


def test_a_line_without_end_and_a_log_without_end_cost_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * (5 << 20) + b"\nlast")
    (first, last) = excerpts(path, [BAD])[""].lines
    assert len(first) < 3000 and last == "last"
    monkeypatch.setattr(room, "READ", 4)
    path.write_bytes(b"1\n2\n3\n")
    assert excerpts(path, [])[""].lines == ("1", "2")
