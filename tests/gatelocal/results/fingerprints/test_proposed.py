"""A query made of a line."""

from __future__ import annotations

import pytest

from gatelocal.config.fingerprint_files import of_text
from gatelocal.results.fingerprints.event import Event, true
from gatelocal.results.fingerprints.proposed import file_of, query_for


@pytest.mark.parametrize(
    ("text", "file", "query"),
    [
        (
            "Timed out after 30 s waiting for volume",
            "job-output.txt",
            'message:"timed out after" AND message:"s waiting for volume" AND tags:"console"',
        ),
        (
            "ERROR x.y: instance 0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f has no port",
            "a/n-cpu.txt.gz",
            'message:"error x.y instance" AND message:"has no port" AND tags:"n-cpu.txt"',
        ),
        ("12 34 ab", "a.log", ""),
        ("assert", "a.log", ""),
    ],
)
def test_words_that_stay_the_same(text: str, file: str, query: str) -> None:
    assert query_for(text, file) == query
    if query:
        found, faults = of_text(file_of(query, 'a "title": \x1b[31m'), "x")
        assert found is not None, faults
        assert found.title == "a title: 31m"
        fields = {"tags": ("console", "n-cpu.txt"), "voting": ("1",)}
        assert true(found.query.asks, Event(text.replace("30", "31").replace("0a1b2c3d-", "ffffffff-"), fields))
