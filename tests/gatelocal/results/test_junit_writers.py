"""JUnit XML the way its many writers write it, well-formed or not: each place costs itself and nothing else."""

from __future__ import annotations

import time

import pytest

from gatelocal.model.result import TestStatus
from gatelocal.results.junit import parse, seconds

GOOD, BAD, SKIP = TestStatus.SUCCESS, TestStatus.FAILURE, TestStatus.SKIP


def read(text: str | bytes) -> dict[str, TestStatus]:
    found = parse(text.encode() if isinstance(text, str) else text)
    return {test.name: test.status for test in found.tests}


def suite(inner: str) -> str:
    return f"<testsuite name='s'>{inner}</testsuite>"


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ('status="run" result="completed"', GOOD),  # GoogleTest
        ('status="notrun" result="suppressed"', SKIP),
        ('status="run" result="skipped"', SKIP),
        ('status="disabled"', SKIP),  # CTest
        ('status="notrun"', SKIP),
        ('status="Not Run"', SKIP),
        ('status="fail"', BAD),
        ('status="untested"', SKIP),  # behave
        ('status="undefined"', BAD),
        ('status="passed"', GOOD),
        ('status="ignored"', SKIP),
        ('status="pending"', SKIP),
        ('status="skipped"', SKIP),
        ('disabled="true"', SKIP),
        ('skipped="True"', SKIP),
        ('skipped="false"', GOOD),
        ('executed="false"', SKIP),
        ('executed="True"', GOOD),
        ('result="Failure"', BAD),
        ("", GOOD),
    ],
)
def test_states_in_attributes(attributes: str, status: TestStatus) -> None:
    assert read(suite(f'<testcase classname="c" name="t" {attributes}/>')) == {"c.t": status}


@pytest.mark.parametrize(
    ("inner", "status", "details"),
    [
        ("<disabled/>", SKIP, ""),
        ("<ignored/>", SKIP, ""),
        ('<skipped message="later"/>', SKIP, "later"),
        ("<skipped>later</skipped>", SKIP, "later"),
        ('<skipped type="XFAIL" message="expected failure: x"/>', TestStatus.EXPECTED_FAILURE, "expected failure: x"),
        ('<skipped/><failure message="m">text</failure>', BAD, "m\ntext"),
        ('<failure message="text">some text</failure>', BAD, "some text"),
        ("<failure><![CDATA[a < b]]></failure>", BAD, "a < b"),
        ("<flakyFailure>first try</flakyFailure>", GOOD, ""),  # Surefire: it passed in the end
        ("<failure>a</failure><rerunFailure>b</rerunFailure>", BAD, "a"),
        ("<properties><property name='error' value='x'/></properties><system-out>error</system-out>", GOOD, ""),
    ],
)
def test_states_in_elements(inner: str, status: TestStatus, details: str) -> None:
    (test,) = parse(suite(f'<testcase name="t">{inner}</testcase>').encode()).tests
    assert (test.status, test.details) == (status, details)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("0.25", 0.25), ("1,234.5", 1234.5), ("1,234,567.8", 1234567.8), ("0,5", 0.5), ("12,25", 12.25)),
        *(("1e-3", 0.001), (" 2 ", 2.0), (".5", 0.5), ("3.", 3.0), ("-0.000", 0.0)),
        *((word, None) for word in ("", "NaN", "nan", "Infinity", "-inf", "-1", "1e400", "1e99", "soon", "1s", "1_0")),
    ],
)  # fmt: skip
def test_times(text: str, value: float | None) -> None:
    assert seconds(text) == value
    (test,) = parse(suite(f'<testcase name="t" time="{text}"/>').encode()).tests
    assert test.seconds == value


def test_a_time_that_is_not_there() -> None:
    (test,) = parse(suite("<testcase name='t'/>").encode()).tests
    assert test.seconds is None


@pytest.mark.parametrize(
    "text",
    [
        '<testsuites xmlns="http://x"><testsuite><testcase classname="c" name="t"><failure/></testcase></testsuite>'
        "</testsuites>",
        '<j:testsuite xmlns:j="u"><j:testcase classname="c" name="t"><j:error/></j:testcase></j:testsuite>',
        '<testsuite xmlns:x="u" x:y="v"><testcase x:id="1" classname="c" name="t"><failure/></testcase></testsuite>',
        '<j:testsuite><j:testcase classname="c" name="t"><j:error/></j:testcase></j:testsuite>',
        '<testcase classname="c" name="t"><error/></testcase>',
        '<testsuites><testsuite><testsuite><testcase class="c" name="t"><error/></testcase></testsuite></testsuite>'
        "</testsuites>",
    ],
)
def test_namespaces_and_nesting(text: str) -> None:
    assert read(text) == {"c.t": BAD}


def test_what_a_suite_says_of_itself() -> None:
    assert read("<testsuites><testsuite name='s'><error message='no database'/></testsuite></testsuites>") == {"s": BAD}
    assert read("<testsuite name='s'><skipped message='m'/></testsuite>") == {"s": SKIP}
    assert read("<testsuites><testsuite name='s' errors='1' tests='0'/></testsuites>") == {"s": BAD}
    explained = "<testsuite name='s' errors='1'><testcase name='t'><error/></testcase></testsuite>"
    assert read(explained) == {"t": BAD}
    assert read("<testsuite name='s' errors='x'/>") == {}


BROKEN = {
    "a control character": "<testcase name='a'><failure>\x00\x1b[31m</failure></testcase><testcase name='b'/>",
    "a reference to one": "<testcase name='a'><failure>&#0;&#x1b;</failure></testcase><testcase name='b'/>",
    "a bare ampersand": "<testcase name='a'><failure>x && y &nbsp; z</failure></testcase><testcase name='b'/>",
    "a bare less-than": "<testcase name='a'><failure message='1 < 2'>3 < 4</failure></testcase><testcase name='b'/>",
    "an end tag missing": "<testcase name='a'><failure>x</testcase><testcase name='b'/>",
    "a test's end missing": "<testcase name='a'><failure>x</failure><testcase name='b'/>",
    "an end tag too many": "<testcase name='a'><failure/></failure></testcase><testcase name='b'/>",
    "no quotes": "<testcase name=a><failure/></testcase><testcase name=b/>",
    "an attribute twice": "<testcase name='x' name='a'><failure/></testcase><testcase name='b'/>",
    "a tag in the text": "<testcase name='a'><failure><module 'x' from y></failure></testcase><testcase name='b'/>",
    "a comment without an end": "<testcase name='a'><failure/></testcase><!-- <testcase name='b'/>",
    "a CDATA section without an end": "<testcase name='a'><failure><![CDATA[x</failure></testcase><testcase name='b'/>",
}


@pytest.mark.parametrize("inner", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_place_costs_that_place_and_a_note(inner: str) -> None:
    found = parse(f"<?xml version='1.0'?><testsuite>{inner}</testsuite>".encode())
    assert {test.name: test.status for test in found.tests} == {"a": BAD, "b": GOOD}
    assert found.notes


def test_bytes_that_are_not_of_the_encoding() -> None:
    data = b"<testsuite><testcase name='a'><failure>\xff\xe9</failure></testcase><testcase name='b'/></testsuite>"
    found = parse(data)
    assert {test.name: test.status for test in found.tests} == {"a": BAD, "b": GOOD}
    assert "2 places" in found.notes[0]
    for encoding in ("iso-8859-1", "windows-1252", "utf-16", "utf-8-sig"):
        declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>"
        text = f"{declared}<testsuite><testcase name='é'/></testsuite>"
        assert parse(text.encode(encoding)).tests[0].name == "é"
    assert parse(b"<?xml version='1.0' encoding='klingon'?><testsuite><testcase name='a'/></testsuite>").tests


def test_text_around_the_document_and_two_documents() -> None:
    one = "<?xml version='1.0'?><testsuite><testcase name='{}'/></testsuite>"
    assert read("Running ...\n" + one.format("a")) == {"a": GOOD}
    assert read(one.format("a") + "\ndone\n") == {"a": GOOD}
    assert read("\n" + one.format("a")) == {"a": GOOD}
    assert read(one.format("a") + one.format("b")) == {"a": GOOD, "b": GOOD}


def test_a_file_that_ends_in_the_middle_invents_no_passed_test() -> None:
    text = "<testsuite><testcase name='a'/><testcase name='b'><failure>boom</failure></testcase><testcase name='c'>"
    for end in range(len("<testsuite><testcase name='a'/>"), len(text) + 1):
        tests = read(text[:end])
        assert tests["a"] is GOOD
        assert tests.get("b", BAD) is BAD
        assert "c" not in tests
        assert parse(text[:end].encode()).notes


@pytest.mark.parametrize("inner", ["<!ENTITY a 'x'>", "<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;", " "])
@pytest.mark.parametrize("tail", ["<testsuite><testcase name='&a;'/></testsuite>", "<testsuite><testcase name='&a;'>"])
def test_definitions_are_refused_in_broken_files_too(inner: str, tail: str) -> None:
    found = parse(f"<!DOCTYPE x [{inner}]>{tail}".encode())
    assert (found.tests, "document type" in found.notes[0]) == ((), True)


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<testcase name='a'>",
        "<![CDATA[",
        "<!--",
        "<!DOCTYPE ",
        '<a b="',
        "<a b=",
        "<a ",
        "</x>",
        "&",
        "&#0;",
        "<a b=c",
    ],
)
def test_what_is_broken_all_over_takes_linear_time(unit: str) -> None:
    def took(times: int) -> float:
        data = b"<testsuite><testcase name='x'><failure>" + unit.encode() * times
        began = time.process_time()
        parse(data)
        return time.process_time() - began

    took(100)
    assert took(20_000) < 2, "a quadratic reader takes minutes"


def test_class_and_name_are_kept_apart() -> None:
    data = suite(
        '<testcase classname="pkg.test_v" name="test_v[1.5]"/><testcase classname="a.b" name="c"/>'
        '<testcase classname="a" name="b.c"/><testcase name="d.e"/><testcase classname="f"/>'
    )
    tests = parse(data.encode()).tests
    assert [(test.classname, test.own_name) for test in tests] == [
        *(("pkg.test_v", "test_v[1.5]"), ("a.b", "c"), ("a", "b.c"), ("", "d.e"), ("", "f")),
    ]
