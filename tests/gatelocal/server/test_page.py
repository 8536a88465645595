"""The page for people: whatever others wrote stays text, and links lead nowhere but to pages."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from gatelocal.model.diagnosis import Cause, Diagnosis, KnownBug, NewLine, Sure
from gatelocal.server import page

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "x" * 10_000
CHANGE = {
    "number": 5,
    "patchset": 2,
    "project": HOSTILE,
    "branch": "master",
    "subject": HOSTILE,
    "owner": HOSTILE,
    "url": "javascript:alert(1)",
}
BUILD: dict[str, Any] = {
    "id": 7,
    "job": HOSTILE,
    "pipeline": HOSTILE,
    "project": HOSTILE,
    "change": 5,
    "patchset": 2,
    "voting": False,
    "state": "done",
    "result": HOSTILE,
    "reason": HOSTILE,
    "attempt": 1,
    "started": "2026-11-20T10:00:00Z",
    "ended": None,
    "node": HOSTILE,
    "log": "http://127.0.0.1:1/api/builds/7/log",
    "recipe": "data:text/html,x",
    "commits": {HOSTILE: {HOSTILE: HOSTILE}},
    "trees": {},
    "reused": None,
    "notes": [],
}
ITEM = {"id": 1, "changes": [CHANGE], "failing": True, "ahead": None, "enqueued": "", "why": HOSTILE, "builds": [BUILD]}
QUEUE = {"name": HOSTILE, "window": 20, "paused": True, "items": [ITEM]}


BUG = KnownBug(HOSTILE, HOSTILE, "javascript:alert(1)", HOSTILE, 1, HOSTILE)
THOUGHT = Diagnosis(Cause.KNOWN, Sure.LIKELY, HOSTILE, (HOSTILE,), (BUG,), (NewLine(HOSTILE, 1, HOSTILE),))


class Reader(HTMLParser):
    """What a browser would see. :ivar tags: all of them. :ivar links: where they lead. :ivar words: the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(text: str) -> Reader:
    assert all(len(one) < 4100 for one in Reader(text).words)
    assert "\u202e" not in text
    assert "\x1b" not in text
    return Reader(text)


def test_what_others_wrote_stays_text() -> None:
    found = read(page.status({"pipelines": [{"name": HOSTILE, "queues": [QUEUE]}]}, [HOSTILE]))
    assert found.tags.count("script") == 1, "our own"
    assert any("<script>alert(1)</script>" in one for one in found.words)
    assert sorted(set(found.links)) == ["/", "/builds/7", "/changes/5", "/live.js", "/style.css", "data:,"]
    for text in (
        page.build(BUILD),
        page.build(BUILD, THOUGHT),
        page.change({"change": CHANGE, "why": [{"pipeline": HOSTILE, "text": HOSTILE}]}, [BUILD]),
    ):
        found = read(text)
        assert "script" not in found.tags
        assert not any(one.startswith(("javascript:", "data:text")) for one in found.links)


def test_it_is_told_whose_fault_a_failure_is_thought_to_be_and_whether_to_try_again() -> None:
    bug = KnownBug("123", "it hangs", "https://bugs.example/123", "a.log", 1, "x")
    found = read(page.build(BUILD, Diagnosis(Cause.KNOWN, Sure.CERTAIN, "bug 123", (), (bug,))))
    assert "https://bugs.example/123" in found.links
    assert "A recheck makes sense." in found.words


def test_a_failing_item_and_a_paused_queue_are_told_in_words() -> None:
    text = " ".join(read(page.status({"pipelines": [{"name": "gate", "queues": [QUEUE]}]}, [])).words)
    assert "failing" in text
    assert "(paused)" in text
    assert "(non-voting)" in text
