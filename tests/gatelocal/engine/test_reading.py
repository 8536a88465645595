"""What is found in a build's logs when they are read once."""

from __future__ import annotations

from pathlib import Path

from gatelocal.engine.reading import Read, read
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.matcher import Matcher
from tests.patience import within

BAD = TestResult("a.T.test", TestStatus.FAILURE, details="AssertionError: 1 != 2")


def found(folder: Path, *lines: str, outcome: Outcome = Outcome.FAILURE, prints: tuple[Fingerprint, ...] = ()) -> Read:
    (folder / "job-output.txt").write_text("".join(f"2026-11-30 10:00:00.000000 | {line}\n" for line in lines))
    tests = (BAD,) if outcome is Outcome.FAILURE else ()
    build = BuildResult("unit", outcome, 1.0, tests=tests, logs=str(folder))
    return read(build, folder, {}, Matcher(prints), lambda _: False)


def test_trouble_around_is_told_with_its_line(tmp_path: Path) -> None:
    told = found(tmp_path, "collecting", "OSError: [Errno 28] No space left on device", "more")
    assert len(told.whole) == 1
    assert told.whole[0].startswith("job-output.txt:2: ") and "No space left" in told.whole[0]


def test_what_passing_builds_say_is_kept_and_nothing_else_of_them(tmp_path: Path) -> None:
    told = found(tmp_path, "collecting", "No space left on device", outcome=Outcome.SUCCESS)
    assert told.said and not told.whole and not told.new


def test_a_log_that_is_full_of_trouble_costs_no_more_than_its_length(tmp_path: Path) -> None:
    with within(6):
        told = found(tmp_path, *["No space left on device", "Connection refused"] * 5_000)
    assert 1 <= len(told.whole) <= 50
