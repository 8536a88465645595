"""A run as a page: what stands on it, and that nothing which others wrote is more than text there."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from gatelocal.model.change import Change
from gatelocal.model.deviation import Deviation
from gatelocal.model.diagnosis import Cause, Diagnosis, KnownBug, NewLine, Sure
from gatelocal.model.job import Job
from gatelocal.model.past import Excerpt, Past, PastBuild
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.model.run import RunResult
from gatelocal.reporter.page import page

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J'
CHANGE = Change("acme/app", "main", "a" * 40, f"Subject {EVIL}\n\nbody", url="javascript:alert(3)")
BAD = TestResult(f"a.T.{EVIL}", TestStatus.FAILURE, 0.25, f"E {EVIL}\nlast", "a.T")
SLOW, QUICK = (TestResult(f"a.T.{name}", TestStatus.SUCCESS, took) for name, took in (("slow", 9.0), ("quick", 0.1)))


@dataclass
class _Seen(HTMLParser):
    """Every element with its attributes, and all of the text."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def seen(run: Past, places: dict[str, dict[str, Excerpt]] | None = None, now: float = 0.0) -> _Seen:
    found = _Seen()
    found.feed(page(run, places or {}, now))
    found.close()
    return found


def run_of(*builds: BuildResult, past: tuple[PastBuild, ...] = (), **more: object) -> Past:
    result = RunResult(CHANGE, "gate", builds, logs="/runs/r", seconds=12.0, **more)  # type: ignore[arg-type]
    return Past("20261130-101112-abcdef", Path("/runs/r"), 100.0, result.verdict.value, "x", result, past)


def test_nothing_that_others_wrote_is_more_than_text() -> None:
    bug = KnownBug(EVIL, EVIL, "javascript:alert(4)", EVIL, 1, EVIL, told=EVIL)
    thought = Diagnosis(Cause.KNOWN, Sure.LIKELY, EVIL, (EVIL,), (bug,), (NewLine(EVIL, 1, EVIL),))
    build = BuildResult(
        EVIL,
        Outcome.FAILURE,
        1.0,
        tests=(BAD,),
        reason=EVIL,
        logs=f"/runs/r/{EVIL}",
        never_ran=(EVIL,),
        notes=(EVIL,),
        diagnosis=thought,
    )
    past = PastBuild(EVIL, Path(f"/runs/r/{EVIL}"), "FAILURE", 100.0, 101.0, 102.0)
    places = {past.folder.name: {BAD.name: Excerpt(1, (EVIL,), 1), "": Excerpt(1, (EVIL,))}}
    other = Job(EVIL, run=False, rule="error", reason=EVIL)
    found = seen(run_of(build, past=(past,), node=EVIL, notes=(EVIL,), not_run=(other,)), places)
    tags = {tag for tag, _ in found.elements}
    assert tags <= set(
        "html head meta title link style body main h1 h2 table tr th td a p ul li details summary pre span mark section"
        " small code svg rect strong".split()
    )
    assert all(not name.startswith("on") for _, attrs in found.elements for name in attrs)
    addresses = [attrs["href"] or "" for attrs in found.of("a")]
    assert addresses and all(one.startswith(("#", "file:///runs/r/")) for one in addresses), addresses
    assert "\u202e" not in found.text and "\x1b" not in found.text
    assert any("default-src 'none'" in (attrs.get("content") or "") for attrs in found.of("meta"))


def test_it_begins_with_the_verdict_and_says_what_was_tested() -> None:
    build = BuildResult("unit", Outcome.SUCCESS, 3.0, tests=(QUICK, SLOW), deviations=(Deviation("node", "x for y"),))
    found = seen(run_of(build, past=(PastBuild("unit", Path("/runs/r/unit"), "SUCCESS", 100.0, 101.0, 104.0),)))
    assert "PASS: acme/app aaaaaaaaaa passes 1 job in 12s" in found.text
    assert "substituted: 1 of 1 job ran otherwise than in the gate" in found.text
    names = [word for word in found.words if word.startswith("a.T.")]
    assert names == ["a.T.slow", "a.T.quick"], "the slowest first"


def test_bars_show_when_each_job_waited_and_ran() -> None:
    one = PastBuild("one", Path("/runs/r/one"), "SUCCESS", 100.0, 110.0, 150.0)
    two = PastBuild("two", Path("/runs/r/two"), "running", 150.0, 175.0)
    found = seen(run_of(BuildResult("one", Outcome.SUCCESS, 40.0, logs="/runs/r/one"), past=(one, two)), now=200.0)
    bars = [(bar["class"], bar["x"], bar["width"]) for bar in found.of("rect")]
    assert bars == [
        ("wait", "0.0", "100.0"),
        ("bar good", "100.0", "400.0"),
        ("wait", "500.0", "250.0"),
        ("bar open", "750.0", "250.0"),
    ]
    assert [one["aria-label"] for one in found.of("svg")] == ["waited 10s, ran 40s", "waited 25s, ran 25s"]


def test_a_clock_that_was_set_back_leaves_the_bars_inside() -> None:
    one = PastBuild("one", Path("/runs/r/one"), "SUCCESS", 100.0, 90.0, 80.0)
    two = PastBuild("two", Path("/runs/r/two"), "SUCCESS", 100.0, 101.0, 102.0)
    for bar in seen(run_of(BuildResult("one", Outcome.SUCCESS, 1.0), past=(one, two))).of("rect"):
        left, width = float(bar["x"] or "nan"), float(bar["width"] or "nan")
        assert 0 <= left <= 1000 and 0 <= width <= 1000


def test_a_failed_test_stands_with_its_place_in_the_log() -> None:
    bad = TestResult("a.T.bad", TestStatus.FAILURE, None, "Traceback\nAssertionError: 1 != 2")
    build = BuildResult("unit", Outcome.FAILURE, 3.0, tests=(bad,), logs="/runs/r/unit")
    past = PastBuild("unit", Path("/runs/r/unit"), "FAILURE", 1.0, 2.0, 3.0)
    places = {"unit": {"a.T.bad": Excerpt(7, ("seven", "eight FAILED"), 8)}}
    found = seen(run_of(build, past=(past,)), places)
    assert "in the log, line 8" in found.text and "AssertionError: 1 != 2" in found.text
    assert found.words[found.words.index("     8 ") + 1] == "eight FAILED"
    assert len(found.of("mark")) == 1


def test_a_run_without_a_verdict_has_a_page_too() -> None:
    one = PastBuild("one", Path("/runs/r/one"), "running", 100.0)
    found = seen(
        Past("20261130-101112-abcdef", Path("/runs/r"), 100.0, "under way", "a subject", None, (one,)), now=160.0
    )
    assert "under way" in found.text and "a subject" in found.text
    assert [bar["class"] for bar in found.of("rect")] == ["wait", "bar open"]
    assert "No job has begun" in seen(Past("20261130-101112-abcdef", Path("/r"), 1.0, "no verdict")).text


def test_whose_fault_it_is_thought_to_be_stands_with_the_job() -> None:
    bug = KnownBug("1234", "It hangs", "https://bugs.example.org/1234", "log", 3, "hangs", told="met 3 times")
    thought = Diagnosis(Cause.KNOWN, Sure.LIKELY, "the bug 1234 is known", ("log:3: hangs",), (bug,))
    found = seen(run_of(BuildResult("unit", Outcome.FAILURE, 3.0, diagnosis=thought)))
    assert "known bug (likely): the bug 1234 is known" in found.text
    assert {"href": "https://bugs.example.org/1234"} in found.of("a")
    assert "A recheck makes sense." in found.text and "log:3: hangs" in found.text
