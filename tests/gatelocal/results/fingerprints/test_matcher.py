"""All fingerprints at once over logs: each found where it is and nowhere else, whatever stands in the log."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatelocal.results.fingerprints.event import Event, true
from gatelocal.results.fingerprints.matcher import ENOUGH, Hit, Matcher, Matching
from gatelocal.results.fingerprints.needed import needed
from tests.gatelocal.results.fingerprints.samples import QUERIES, example, fingerprint

BUILD = {"build_name": ("job",), "voting": ("1",)}
CONSOLE = {"tags": ("console", "console.html"), "filename": ("job-output.txt", "console.html")}


def hits(queries: Sequence[str], log: bytes, pieces: int = 1 << 20, **fields: str) -> Sequence[Hit]:
    """What is found in a log that comes in pieces of that size."""
    found = Matching(
        Matcher(fingerprint(one, str(number)) for number, one in enumerate(queries)),
        {**BUILD, **{name: (value,) for name, value in fields.items()}},
    )
    scanner = found.file("job-output.txt", CONSOLE)
    for start in range(0, len(log), pieces):
        scanner.feed(log[start : start + pieces])
    scanner.finish()
    assert scanner.line == log.count(b"\n")
    return found.hits


def test_each_is_found_exactly_once() -> None:
    known = [fingerprint(one, str(number)) for number, one in enumerate(QUERIES)]
    matcher = Matcher(known)
    assert not matcher.refused
    for number, one in enumerate(known):
        pieces, fields = example(one.query.asks)
        noise = [f"2026-11-30 12:00:{second:02d}.000 | all is well {second}" for second in range(60)]
        level, module = fields.pop("loglevel", ["INFO"])[0].upper(), fields.pop("module", ["some.module"])[0]
        noise.insert(41, f"2026-11-30 12:00:40.500 | {level} {module} [-] {' -- '.join(pieces).upper()}")
        found = Matching(matcher, {**BUILD, **{name: tuple(values) for name, values in fields.items()}})
        scanner = found.file("a", {})
        scanner.feed("\n".join(noise).encode() + b"\n")
        scanner.finish()
        assert [(hit.fingerprint.bug, hit.line, hit.count) for hit in found.hits] == [(str(number), 42, 1)], one.query


LINE = st.sampled_from(
    [
        "2026-11-30 12:00:00.000 | alpha beta",
        "2026-11-30 12:00:00.000 | Alpha: (BETA) gamma",
        "2026-11-30 12:00:00.000 | Traceback (most recent call last):",
        "2026-11-30 12:00:00.000 |   File beta",
        "2026-11-30 12:00:00.000 | SomeError: gamma",
        "2026-11-30 12:00:00.000 | delta",
        "gamma alpha",
        "",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINE, max_size=12), st.integers(1, 200))
def test_the_size_of_the_pieces_changes_nothing(lines: list[str], size: int) -> None:
    queries = [
        'message:"alpha beta"',
        'message:"traceback" AND message:"gamma"',
        'message:"beta" AND NOT message:"delta"',
    ]
    log = "".join(f"{line}\n" for line in ["2026-11-30 12:00:00.000 | begin"] * 8 + lines).encode()
    assert hits(queries, log, size) == hits(queries, log)


def test_all_words_are_of_one_event() -> None:
    query = ['message:"Traceback" AND message:"ValueError" AND message:"line 3"']
    one = b"12:00 | x\nTraceback (most recent call last):\n  File x, line 3\nValueError: no\nok\n"
    assert [(hit.line, hit.text) for hit in hits(query, one)] == [(3, "  File x, line 3")]
    assert not hits(query, one.replace(b"  File x, line 3\n", b"well\n  File x, line 3\nwell\n"))


def test_what_the_gate_says_itself_the_job_has_not_said() -> None:
    log = "2026-11-30 12:00:00.000 > [step 1] ! grep -q 'reset by peer' log\n2026-11-30 12:00:01.000 | reset by peer\n"
    assert [hit.line for hit in hits(['message:"reset by peer"'], log.encode())] == [2]


def test_what_it_says() -> None:
    log = b"a\n\x1b[31mIt \x1b[0mtimed \x1b]0;title\x07out\x00 \xff\xfe now\n" * 3
    assert [(one.line, one.text, one.count) for one in hits(['message:"it timed out"'], log, 7)] == [
        (2, "It timed out \ufffd\ufffd now", 3)
    ]


def test_after_enough_hits_it_is_not_looked_for() -> None:
    found = hits(['message:"a"', 'message:"b"'], b"x a\n" * 500 + b"x b\n")
    assert [(one.fingerprint.bug, one.count) for one in found] == [("0", ENOUGH), ("1", 1)]


def test_a_line_of_a_megabyte_and_a_log_without_lines() -> None:
    long = b"x" * 600_000 + b" the needle " + b"y " * 300_000
    for log in (b"a\n" + long + b"\nb\n", long):
        found = Matching(Matcher([fingerprint('message:"the needle"')]), BUILD)
        scanner = found.file("a", {})
        for start in range(0, len(log), 100_000):
            scanner.feed(log[start : start + 100_000])
        scanner.finish()
        assert len(found.hits) == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_will_do(data: bytes, size: int) -> None:
    log = b"before\n" + data + b"\nthe needle\n"
    assert len(hits(['message:"the needle"'], log, size)) == 1


def test_what_needs_no_words_is_refused() -> None:
    open_ended = ['tags:"console"', "message:*", 'NOT message:"a"', 'message:"a" OR tags:b', '"any field"']
    matcher = Matcher(fingerprint(one) for one in [*open_ended, 'message:"a"'])
    assert len(matcher.refused) == len(open_ended)
    assert not hits(open_ended, b"a any field\n")


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_needed_is_there_wherever_the_query_is_true(query: str) -> None:
    """Against the tree itself, on events of random words of the query."""
    one = fingerprint(query)
    matcher, rng = Matcher([one]), random.Random(5)  # noqa: S311
    assert needed(one.query.asks)
    pieces, fields = example(one.query.asks)
    told = {name: tuple(values) for name, values in fields.items()}
    for _ in range(50):
        words = " ".join(pieces).split() if rng.random() < 0.5 else rng.choices(" ".join(pieces).split(), k=2)
        text = rng.choice(["-", " (", "] "]).join(words)
        event = Event(text, {**BUILD, **told})
        assert bool(matcher.true_of(event, text.encode(), frozenset())) == true(one.query.asks, event)
