"""Lines, events and what is new: the forms that services, journals and consoles write."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatelocal.results.logs import named
from gatelocal.results.logs.folded import digest, folded
from gatelocal.results.logs.joined import Form, end_of, events, form_of, said, start_of
from gatelocal.results.logs.lines import line_of
from gatelocal.results.logs.news import SHOWN, new_in, spoken


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "2026-11-30 12:00:01.123 4711 ERROR nova.compute.manager [None req-1 admin] [instance: a] No way",
            ("oslo", "2026-11-30 12:00:01.123", "", "ERROR", "nova.compute.manager", "[None req-1 admin]"),
        ),
        (
            "Nov 30 12:00:01.123456 node1 devstack@n-cpu.service[77]: WARNING nova.virt [-] Slow",
            ("journal", "Nov 30 12:00:01.123456", "n-cpu", "WARNING", "nova.virt", "[-]"),
        ),
        (
            "2026-11-30 12:00:01,123 4711 INFO     [tempest.lib.common.rest_client] Request (A:b): 200",
            ("oslo", "2026-11-30 12:00:01,123", "", "INFO", "tempest.lib.common.rest_client", ""),
        ),
        ("2026-11-30 12:00:01.1 > failed: a.T.test", ("own", "2026-11-30 12:00:01.1", "", "", "", "")),
        ("2026-11-30 12:00:01.1 | ERROR: no", ("console", "2026-11-30 12:00:01.1", "", "ERROR", "", "")),
        ("Nov  3 12:00:01 node kernel: Out of memory", ("journal", "Nov  3 12:00:01", "kernel", "", "", "")),
        ("2026-11-30T12:00:01Z 0 [Warning] [MY-1] old", ("other", "2026-11-30T12:00:01Z", "", "WARNING", "", "")),
        ("[Mon Nov 30 12:00:01.5 2026] [wsgi:error] x", ("other", "Mon Nov 30 12:00:01.5 2026", "", "", "", "")),
        ("plain words", ("plain", "", "", "", "", "")),
        ("ERROR nova.compute without a stamp", ("plain", "", "", "ERROR", "", "")),
    ],
)
def test_what_a_line_is(text: str, found: tuple[str, ...]) -> None:
    line = line_of(text)
    assert (line.kind, line.stamp, line.unit, line.level, line.module, line.context) == found


OSLO = """\
2026-11-30 12:00:01.100 7 ERROR nova.db [None req-1 a] Failed to boot: DBError
2026-11-30 12:00:01.100 7 ERROR nova.db Traceback (most recent call last):
2026-11-30 12:00:01.100 7 ERROR nova.db   File "a.py", line 3, in b
2026-11-30 12:00:01.100 7 ERROR nova.db DBError: gone
2026-11-30 12:00:01.100 7 ERROR nova.db [None req-2 a] Another
2026-11-30 12:00:02.100 7 INFO nova.db [None req-2 a] Well
  with a second line
"""
CONSOLE = """\
2026-11-30 12:00:01.1 | begin
2026-11-30 12:00:01.2 | Traceback (most recent call last):
2026-11-30 12:00:01.3 |   File "a.py"
2026-11-30 12:00:01.4 | ValueError: no
2026-11-30 12:00:01.5 | end
"""
JOURNAL = """\
Nov 30 12:00:01.1 n devstack@a.service[1]: ERROR x.y [None req-1 a] Failed
Nov 30 12:00:01.2 n devstack@a.service[1]: ERROR x.y Traceback (most recent call last):
Nov 30 12:00:01.3 n devstack@b.service[1]: ERROR x.y Traceback (most recent call last):
Nov 30 12:00:01.4 n devstack@b.service[1]: ERROR x.y   File "a"
"""
EXPORT = """\
__CURSOR=s=1
__REALTIME_TIMESTAMP=1
_SYSTEMD_UNIT=devstack@n-api.service
PRIORITY=3
MESSAGE=ERROR nova.api [None req-1 a] Broken

__CURSOR=s=2
MESSAGE=fine
PRIORITY=6
"""


@pytest.mark.parametrize(
    ("log", "lines"), [(OSLO, [4, 1, 2]), (CONSOLE, [1, 3, 1]), (JOURNAL, [2, 2]), (EXPORT, [6, 3])]
)
def test_which_lines_are_one_event(log: str, lines: list[int]) -> None:
    data = log.encode()
    form = form_of(data)
    assert [raw.count(b"\n") for _, raw in events(data, form)] == lines


def test_an_entry_of_a_journal_says_who_and_how_bad() -> None:
    data = EXPORT.encode()
    first, second = (said(raw, form_of(data)) for _, raw in events(data, form_of(data)))
    assert (first.first.unit, first.first.level, first.first.module) == ("n-api", "ERROR", "nova.api")
    assert first.message == "ERROR nova.api [None req-1 a] Broken"
    assert (second.message, second.first.level) == ("fine", "INFO")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([*OSLO.splitlines(), *CONSOLE.splitlines(), *JOURNAL.splitlines(), "", " x"]), max_size=12)
)
def test_an_event_is_the_same_from_wherever_it_is_found(lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    for form in (Form(stamped=True), Form()):
        for at, raw in events(data, form):
            for place in {at, at + len(raw) - 1, at + len(raw) // 2}:
                assert (start_of(data, place, form), end_of(data, place, form)) == (at, at + len(raw))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 1.5 s of 30", "took 22 s of 31.25"),
        ("req-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f failed", "req-11111111-0a1b-0a1b-0a1b-0a1b2c3d4e5f failed"),
        ("at 10.0.0.1:80 and fe80::1", "at 192.168.100.12:8080 and 2001:db8::2:1"),
        ("since 2026-11-30T12:00:01Z", "since 2025-01-02 03:04:05.678"),
        ("object at 0x7f0012", "object at 0xffff"),
        ("in /tmp/tmpabc/x  now", "in /tmp/other/y now"),
        ("fa:16:3e:00:00:01 up", "fa:16:3e:aa:bb:cc up"),
        ("commit 4ecfe04ccf1", "commit 030f629cd5b"),
    ],
)
def test_what_comes_and_goes_is_folded(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert digest(folded(one)) == digest(folded(other)) < 2**63


def test_words_are_not_folded() -> None:
    assert folded("deadbeef facade is a word; test_add failed") == "deadbeef facade is a word; test_add failed"


def test_new_is_what_no_passing_build_has_said() -> None:
    good = b"2026-11-30 12:00:01.1 | it took 3 s\n2026-11-30 12:00:01.1 | ERROR that is always there\n"
    known = {digest(told) for _, _, _, told, _ in spoken(good, form_of(good))}
    bad = (
        good.replace(b" 3 s", b" 9 s") + b"2026-11-30 12:00:01.1 | all well\n2026-11-30 12:00:02.1 | ERROR: disk gone\n"
    )
    found = new_in("log", bad * 3, known.__contains__, ())
    assert [(one.line, one.text) for one in found] == [(4, "ERROR: disk gone"), (3, "all well")]


def test_what_is_for_debugging_is_not_new() -> None:
    assert not list(spoken(b"2026-11-30 12:00:01.100 7 DEBUG a.b [-] x\n", Form(stamped=True)))
    assert not list(spoken(b"2026-11-30 12:00:01.100 > failed: a.T.test\n", Form(stamped=True)))


def test_new_lines_are_limited_and_the_worst_stands_first() -> None:
    words = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(100)]
    data = (
        "".join(f"fine {one}\n" for one in words).encode()
        + b"Traceback (most recent call last):\n  File\nOSError: no\n"
    )
    found = new_in("log", data, lambda _: False, ())
    assert len(found) == SHOWN
    assert (found[0].line, found[0].text) == (101, "Traceback (most recent call last): ... OSError: no")


def test_names_of_logs() -> None:
    assert named.of_file(PurePosixPath("job-output.txt")) == {
        "filename": ("job-output.txt", "console.html"),
        "tags": ("job-output.txt", "console", "console.html"),
    }
    assert named.of_file(PurePosixPath("a/screen-n-cpu.txt.gz")) == {
        "filename": ("a/screen-n-cpu.txt", "logs/screen-n-cpu.txt"),
        "tags": ("screen-n-cpu.txt", "screen-n-cpu"),
    }
