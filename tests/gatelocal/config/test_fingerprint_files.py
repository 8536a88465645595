"""Files of fingerprints: elastic-recheck's form, and what is said of a file that is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatelocal.config.fingerprint_files import of_folder, of_text
from gatelocal.errors import ConfigurationError

WHOLE = """\
# a comment
query: >-
  message:"a" AND
  tags:"console"
suppress-graph: true
suppress-notification: true
allow-nonvoting: True
resolved_at: "Sun Jan 19 18:36:37 PST 2014"
test_ids:
  - pkg.Class.test_a
title: It times out
"""


def test_all_that_a_file_may_say() -> None:
    found, faults = of_text(WHOLE, "1234567")
    assert not faults
    assert found is not None
    assert (found.nonvoting, found.unlisted, found.silent) == (True, True, True)
    assert (found.bug, found.link) == ("1234567", "https://bugs.launchpad.net/bugs/1234567")
    assert found.resolved.endswith("2014")
    assert found.fits({"pkg.Class.test_a[id-1,smoke]"})
    assert not found.fits({"pkg.Class.test_ab"})


def test_the_least_that_a_file_may_say() -> None:
    found, _ = of_text('query: message:"a"', "slow-disk")
    assert found is not None
    assert found.fits(())
    assert found.link == ""


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "nothing in it"),
        ("- a", 1, "no mapping"),
        ("query: [", 2, "not YAML"),
        ("a\tb: {", 2, "not YAML"),
        ("title: x", 1, "no query"),
        ("query:\n  - a", 1, "no text"),
        ('query: message:"a', 1, "never closed (character 9"),
        ('query: message:"a"\nquerry: b', 2, "no key 'querry'"),
        ('query: message:"a"\nallow-nonvoting: perhaps', 2, "neither true nor false"),
        ('query: message:"a"\ntest_ids:\n  a: b', 2, "no list of names"),
        ('query: message:"a"\nurl: javascript:x', 2, "no address"),
        ("query: " + "(" * 9999, 1, "deep"),
    ],
)
def test_what_is_no_fingerprint_is_told_with_its_line(text: str, line: int, said: str) -> None:
    found, faults = of_text(text, "x")
    assert found is None
    assert faults[0].line == line
    assert said in faults[0].message


def test_a_folder_keeps_what_is_good(tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text('query: message:"a"')
    (tmp_path / "2.yaml").write_bytes(b"query: \xff\x00")
    (tmp_path / "3.yaml").write_text('query: message:"c"' + "#" * 300_000)
    (tmp_path / "notes.txt").write_text("none")
    found = of_folder(tmp_path)
    assert [one.bug for one in found.fingerprints] == ["1"]
    assert {file.name for file, _ in found.faults} == {"2.yaml", "3.yaml"}
    with pytest.raises(ConfigurationError, match="cannot be read"):
        of_folder(tmp_path / "none")


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "112.yaml")
    (tmp_path / "113.yaml").write_text('query: message:"a"')
    assert [one.bug for one in of_folder(tmp_path).fingerprints] == ["113"]
