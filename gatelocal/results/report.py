"""A file of test results of any known format, told apart by what stands in it; nothing is judged."""

from __future__ import annotations

import re

from gatelocal.results import junit, subunit
from gatelocal.results.gotest import GoTest
from gatelocal.results.libtest import LibTest
from gatelocal.results.stream import Stream
from gatelocal.results.tap import Tap

_TAP = re.compile(rb"^(?:TAP version \d|1\.\.\d|(?:not )?ok\b)", re.MULTILINE)
_CARGO = re.compile(rb"^(?:running \d+ tests?|test result: )", re.MULTILINE)
_GO = re.compile(rb'^\{[^\n]*"Action"', re.MULTILINE)
_LOOK = 1 << 16


def parse(data: bytes) -> Stream:
    """The tests in it; none and a note for what nobody can read."""
    if not data.strip():
        return Stream(notes=("it is empty",))
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return junit.parse(data)
    if subunit.is_stream(data):
        return subunit.parse(data)
    head = data[:_LOOK]
    for pattern, reader in ((_GO, GoTest()), (_TAP, Tap()), (_CARGO, LibTest())):
        if pattern.search(head):
            for line in data.decode("utf-8", "replace").splitlines():
                reader.line(line)
            return reader.stream()
    return Stream(notes=("its format is not known: JUnit XML, subunit, TAP, go test -json and cargo test are",))
