"""subunit streams, version 2 and the older version 1, as tests with outcomes; what is broken is noted, not raised.

Worker tags are left aside. A fixture that failed (``setUpClass (package.module.Class)``) counts as a test of that
name, because none of its class's tests ran. Source: the formats of python-subunit and the ids of stestr.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gatelocal.model.result import TestResult, TestStatus
from gatelocal.results.stream import Stream, shortened

_FINAL: Mapping[str, TestStatus] = {
    "success": TestStatus.SUCCESS,
    "fail": TestStatus.FAILURE,
    "skip": TestStatus.SKIP,
    "xfail": TestStatus.EXPECTED_FAILURE,
    "uxsuccess": TestStatus.UNEXPECTED_SUCCESS,
}
_PARSER = "subunit.parser"
_V1 = re.compile(rb"^(?:test|testing|time|progress|tags|success|successful|failure|error|skip|xfail): ", re.MULTILINE)
_ENOUGH = 1_000_000


def parse(data: bytes) -> Stream:
    """Read a whole stream; of a truncated or broken one, what could be read and a note."""
    if not data:
        return Stream(notes=("the subunit stream is empty",))
    collector = _Collector()
    if b"\xb3" not in data and _V1.search(data):
        _read_v1(data, collector)
    else:
        _read_v2(data, collector)
    return collector.stream()


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
    files: dict[str, list[bytes]] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, data: bytes) -> None:
        if self.size < _ENOUGH:
            self.files.setdefault(name, []).append(data)
            self.size += len(data)

    def text(self, status: TestStatus) -> str:
        texts = {name: b"".join(parts).decode("utf-8", "replace") for name, parts in self.files.items()}
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
            self._tests.append(
                TestResult(name, TestStatus.FAILURE, None, f"{details}\nthe stream ends while this test runs".strip())
            )
        if self._strays and not self._tests:
            self.notes.append(f"{self._strays} bytes are no subunit")
        return Stream(tuple(self._tests), tuple(dict.fromkeys(self.notes)))

    def _ended(self, name: str, status: TestStatus, running: _Running, end: datetime | None) -> None:
        if name == _PARSER:
            words = " ".join(running.text(status).split())
            self.notes.append(f"the subunit stream is damaged: {words[:300]}")
            return
        seconds = None
        if running.began is not None and end is not None:
            seconds = max(0.0, (end - running.began).total_seconds())
        self._tests.append(TestResult(name, status, seconds, running.text(status)))


def _is_text(mime_type: object) -> bool:
    return mime_type is None or str(mime_type).startswith("text/")
