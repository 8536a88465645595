"""subunit streams, version 2 and the older version 1, as tests with outcomes; what is broken is noted, not raised.

Worker tags are left aside. A fixture that failed (``setUpClass (package.module.Class)``) counts as a test of that
name, because none of its class's tests ran. Source: the formats of python-subunit and the ids of stestr.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.missing import never_ran
from gatelocal.results.names import class_of
from gatelocal.results.stream import LONGEST, Stream, shortened

_FINAL: Mapping[str, TestStatus] = {
    "success": TestStatus.SUCCESS,
    "fail": TestStatus.FAILURE,
    "skip": TestStatus.SKIP,
    "xfail": TestStatus.EXPECTED_FAILURE,
    "uxsuccess": TestStatus.UNEXPECTED_SUCCESS,
}
_PARSER = "subunit.parser"
_V1 = re.compile(rb"^(?:test|testing|time|progress|tags|success|successful|failure|error|skip|xfail): ", re.MULTILINE)
_TRIES = 1000
_ENOUGH = 2 * LONGEST
_MOST_FILES = 32
_NO_TESTS = ("testtools.extradata",)
"""Names under which what a test program printed beside its tests is kept."""


def parse(data: bytes) -> Stream:
    """Read a whole stream; of a truncated or broken one, what could be read and a note."""
    if not data:
        return Stream(notes=("the subunit stream is empty",))
    collector = _Collector()
    if not _has_packet(data) and _V1.search(data):
        _read_v1(data, collector)
    else:
        _read_v2(data, collector)
    return collector.stream()


def is_stream(data: bytes) -> bool:
    """Whether it is one, as far as a look can tell: there is a whole packet of version 2 in it."""
    return _has_packet(data)


def _has_packet(data: bytes) -> bool:
    """Whether there is a packet of version 2: its first byte alone is also part of letters in UTF-8, an ó for one."""
    for found in islice(re.finditer(rb"\xb3[\x20-\x2f]", data), _TRIES):
        begin = found.start()
        first = data[begin + 3] if len(data) > begin + 3 else 0
        size = first >> 6  # the length is a number of one to four bytes; the two highest bits say how many
        number = int.from_bytes(data[begin + 3 : begin + 4 + size], "big") & ((1 << (8 * size + 6)) - 1)
        packet = data[begin : begin + number]
        if len(packet) == number > 8 and zlib.crc32(packet[:-4]) == int.from_bytes(packet[-4:], "big"):
            return True
    return False


def _read_v2(data: bytes, collector: _Collector) -> None:
    from subunit import ByteStreamToStreamResult

    try:
        ByteStreamToStreamResult(io.BytesIO(data), non_subunit_name="stdout").run(collector)
    except Exception as error:  # the parser's own mistakes on garbage: any type
        collector.notes.append(f"the subunit stream breaks off: {type(error).__name__}: {error}")


def _read_v1(data: bytes, collector: _Collector) -> None:
    from subunit import TestProtocolServer
    from testtools import ExtendedToStreamDecorator

    decorated: Any = collector  # it has of testtools' StreamResult what is called
    adapter = ExtendedToStreamDecorator(decorated)
    adapter.startTestRun()
    try:
        TestProtocolServer(adapter, stream=io.BytesIO()).readFrom(io.BytesIO(data))
    except Exception as error:
        collector.notes.append(f"the subunit stream (version 1) breaks off: {type(error).__name__}: {error}")


@dataclass(slots=True)
class _Running:
    """A test of which the stream has not told the end."""

    began: datetime | None = None
    files: dict[str, bytearray] = field(default_factory=dict)

    def add(self, name: str, data: bytes) -> None:
        """Keep the end of what is attached under that name."""
        if name in self.files or len(self.files) < _MOST_FILES:
            kept = self.files.setdefault(name, bytearray())
            kept += data
            if len(kept) > _ENOUGH:
                del kept[:-LONGEST]

    def text(self, status: TestStatus) -> str:
        texts = {name: data.decode("utf-8", "replace") for name, data in self.files.items()}
        wanted = "reason" if status is TestStatus.SKIP else "traceback"
        chosen = [text for name, text in texts.items() if name.startswith(wanted)]
        if status is TestStatus.SUCCESS:
            return ""
        return shortened("\n".join(chosen or [text for text in texts.values() if text.strip()]))


class _Collector:
    """A StreamResult (testtools' protocol) that keeps finished tests."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._tests: list[TestResult] = []
        self._running: dict[tuple[str, str], _Running] = {}
        self._strays = 0
        self._listed: dict[str, None] = {}

    def startTestRun(self) -> None:  # noqa: N802 (testtools' name)
        """A run begins."""

    def stopTestRun(self) -> None:  # noqa: N802 (testtools' name)
        """A run ends."""

    def status(
        self,
        test_id: str | None = None,
        test_status: str | None = None,
        test_tags: object = None,
        runnable: bool = True,
        file_name: str | None = None,
        file_bytes: bytes | None = None,
        **rest: Any,
    ) -> None:
        """One event of the stream."""
        if test_id is None:
            self._strays += len(file_bytes or b"")
            return
        if test_status == "exists":
            self._listed[test_id] = None
            return
        if test_id in _NO_TESTS:
            return
        key = (str(rest.get("route_code") or ""), test_id)
        running = self._running.setdefault(key, _Running(rest.get("timestamp")))
        if file_name is not None and file_bytes:
            text = _is_text(rest.get("mime_type"))
            running.add(file_name, bytes(file_bytes) if text else b"")
        final = _FINAL.get(test_status or "")
        if final is not None:
            self._running.pop(key)
            self._ended(test_id, final, running, rest.get("timestamp"))

    def stream(self) -> Stream:
        """All that was seen; a test that never ended failed."""
        for (_, name), running in self._running.items():
            if name == _PARSER:
                continue
            details = running.text(TestStatus.FAILURE)
            details = f"{details}\nthe stream ends while this test runs".strip()
            self._tests.append(TestResult(name, TestStatus.FAILURE, None, details, class_of(name)))
        if self._strays and not self._tests:
            self.notes.append(f"{self._strays} bytes are no subunit")
        missing = never_ran(self._listed, (test.name for test in self._tests)) if self._tests else ()
        return Stream(tuple(self._tests), tuple(dict.fromkeys(self.notes)), missing)

    def _ended(self, name: str, status: TestStatus, running: _Running, end: datetime | None) -> None:
        if name == _PARSER:
            words = " ".join(running.text(status).split())
            self.notes.append(f"the subunit stream is damaged: {words[:300]}")
            return
        seconds = None
        if running.began is not None and end is not None:
            passed = (end - running.began).total_seconds()
            seconds = passed if passed >= 0 else None
        self._tests.append(TestResult(name, status, seconds, running.text(status), class_of(name)))


def _is_text(mime_type: object) -> bool:
    return mime_type is None or str(mime_type).startswith("text/")
