"""What a query asks for, as it is meant and as Lucene takes it, and how the tree prints itself."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatelocal.results.fingerprints import sql
from gatelocal.results.fingerprints.event import Event, true
from gatelocal.results.fingerprints.meaning import as_lucene, meant
from gatelocal.results.fingerprints.printed import lucene
from gatelocal.results.fingerprints.tree import All, Any, Leaf, Node, Not, leaves
from gatelocal.results.fingerprints.written import NotAQuery, parse

CONSOLE = {"tags": ("console", "console.html"), "build_name": ("gate-nova-py3",), "voting": ("1",)}


def event(message: str, **fields: str | tuple[str, ...]) -> Event:
    given = {name: (value,) if isinstance(value, str) else value for name, value in fields.items()}
    return Event(message, {**CONSOLE, **given})


def takes(query: str, message: str, **fields: str) -> bool:
    return true(meant(query).asks, event(message, **fields))


@pytest.mark.parametrize(
    ("query", "message", "found"),
    [
        ('message:"timed out"', "It TIMED  (out) again", True),
        ('message:"timed out"', "timed it out", False),
        ('message:"a \\"quoted\\" word"', 'a "quoted" word', True),
        ('message:"one\\ntwo"', "one\ntwo", True),
        ('message:"x" AND tags:"console"', "x", True),
        ('message:"x" AND tags:"syslog"', "x", False),
        ('message:"x" tags:syslog', "x", False),
        ('message:("x" "y")', "y", True),
        ('message:(+"x" +"y")', "y", False),
        ('message:(+"x" "y")', "x", True),
        ('message:"x" AND NOT build_name:*nova*', "x", False),
        ('message:"x" -build_name:*-swift*', "x", True),
        ('message:"x" && !build_name:gate-*-py?', "x", False),
        ('(message:"y" || build_name:*py3)', "x", True),
        ("build_name:gate-nova", "x", True),
        ("build_name:nova-gate", "x", False),
        ('message:"[{"', "got [{a", True),
        ('message:"[{"', "got [ {a", False),
        ('message:"a" OR message:"b" AND message:"c"', "a", True),
        ('message:"a" OR message:"b" AND message:"c"', "b", False),
        ('NOT message:"a"', "b", True),
        ('message:"x" AND (NOT message:"y")', "x", True),
        ("filename:logs*screen-n-cpu.txt", "x", False),
        ('nova "x"', "x", True),
        ("message:time*", "many timeouts", True),
        ("message:time*", "a maritimer", False),
    ],
)
def test_what_is_meant(query: str, message: str, *, found: bool) -> None:
    assert takes(query, message) is found


@pytest.mark.parametrize(
    ("query", "message", "found"),
    [
        ('message:"a" OR message:"b" AND message:"c"', "a", False),
        ('message:"a" OR message:"b" AND message:"c"', "b c", True),
        ('message:"a" OR message:"b" AND message:"c"', "c b", True),
        ('NOT message:"a"', "b", False),
        ('message:"x" AND (NOT message:"y")', "x", False),
        ('message:"[{" AND message:"x"', "x", True),
        ('message:"y" tags:console', "x", True),
        ("build_name:nova-other", "x", True),
        ("build_name:gate-n*", "x", False),
        ('message:"one\\ntwo"', "one ntwo", False),
        ('message:"one\\ntwo"', "onentwo", True),
    ],
)
def test_what_lucene_takes(query: str, message: str, *, found: bool) -> None:
    assert true(as_lucene(query).asks, event(message)) is found


def test_what_is_appended_is_of_the_whole() -> None:
    query = 'message:"a" OR message:"b"'
    silent = event("a", voting="0")
    assert not true(meant(query, voting=True).asks, silent)
    assert true(meant(query, voting=True).asks, event("a"))
    assert not true(as_lucene(query, voting=True).asks, event("a"))
    assert [one.text for one in meant(query, voting=True).notices if "appended" in one.text]
    assert not meant(query).notices
    assert not meant('message:"a" AND message:"b"', voting=True).notices


@pytest.mark.parametrize(
    ("query", "problem", "at"),
    [
        ("", "there is nothing to look for", 0),
        ('message:"a', "the quote is never closed", 8),
        ('(message:"a"', "the parenthesis is never closed", 0),
        ('message:"a")', "closed that was never opened", 11),
        ('message:"a" AND AND tags:b', "AND stands where", 16),
        ("message:", "a word or a phrase is missing", 8),
        ("message:[a TO b]", "ranges", 8),
        ("message:abc~2", "fuzzy", 11),
        ('message:"a"^2', "boosts", 11),
        ("message:/a.*/", "regular expressions", 8),
        ("a:b:c", "a field is named where", 2),
        ("(" * 200, "deep", 99),
        ("a\\", "nothing follows the backslash", 1),
    ],
)
def test_what_is_no_query_is_told_with_its_place(query: str, problem: str, at: int) -> None:
    with pytest.raises(NotAQuery, match=problem) as caught:
        parse(query)
    assert caught.value.at == at


def test_a_slash_without_quotes_is_an_error_to_lucene_alone() -> None:
    assert takes("filename:logs/a.txt", "x", filename="logs/a.txt")
    with pytest.raises(NotAQuery, match="a slash begins"):
        as_lucene("filename:logs/a.txt")


def test_an_unknown_field_is_told() -> None:
    assert "did you mean build_name?" in meant('build-name:"a"').notices[0].text
    assert "no word is like it" in meant("message:a-b*").notices[0].text


VALUE = st.sampled_from(['message:"a b"', 'message:"c"', "tags:d", 'build_name:"e"', 'message:"%"', "tags:f-g"])


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    marked = st.tuples(st.sampled_from(["", "", "NOT ", "+"]), parts).map("".join)
    first = st.tuples(
        marked, st.lists(st.tuples(st.sampled_from([" AND ", " OR ", " "]), marked).map("".join), max_size=3)
    )
    return first.map(lambda pair: f"({pair[0]}{''.join(pair[1])})")


QUERY = st.recursive(VALUE, joined, max_leaves=6)


def with_these(node: Node, known: Mapping[Leaf, bool]) -> bool:
    """What the tree says, its leaves being true or not."""
    match node:
        case All(of):
            return all(with_these(one, known) for one in of)
        case Any(of):
            return any(with_these(one, known) for one in of)
        case Not(of):
            return not with_these(of, known)
        case _:
            return known[node]


def worlds(*nodes: Node) -> Iterator[Mapping[Leaf, bool]]:
    names = list(dict.fromkeys(leaf for node in nodes for leaf in leaves(node)))
    for values in itertools.product((False, True), repeat=len(names)):
        yield dict(zip(names, values, strict=True))


@settings(max_examples=300, deadline=None)
@given(QUERY)
@example('message:"c" NOT message:"c" AND message:"a b"')
@pytest.mark.live  # more than a moment
def test_where_no_notice_is_given_lucene_reads_the_same(text: str) -> None:
    one, other = meant(text), as_lucene(text)
    if not one.notices and len({*leaves(one.asks), *leaves(other.asks)}) <= 8:
        assert all(
            with_these(one.asks, world) == with_these(other.asks, world) for world in worlds(one.asks, other.asks)
        )


WORDS = st.lists(st.sampled_from("a b c d e f g % a.b".split()), max_size=6).map(" ".join)
EVENT = st.builds(
    lambda message, tags, name: event(message, tags=tuple(tags), build_name=name),
    WORDS,
    st.lists(WORDS, max_size=2),
    WORDS,
)


@settings(max_examples=150, deadline=None)
@given(QUERY, st.lists(EVENT, min_size=1, max_size=4))
@pytest.mark.live  # more than a moment
def test_the_database_finds_what_the_matcher_finds(text: str, events: list[Event]) -> None:
    with sqlite3.connect(":memory:") as base:
        for statement in sql.TABLES:
            base.execute(statement)
        for number, one in enumerate(events, 1):
            kept, indexed = sql.rows("b", one)
            base.execute(sql.ADD_EVENT, [number, *kept])
            base.execute(sql.ADD_WORDS, [number, *indexed])
            base.executemany(sql.ADD_WORD, [(word,) for text in indexed for word in text.split()])
        for tree in (meant(text).asks, as_lucene(text).asks):
            where, values = sql.condition(tree)
            found = [row[0] for row in base.execute(f"SELECT id FROM events WHERE {where} ORDER BY id", values)]  # noqa: S608
            assert found == [number for number, one in enumerate(events, 1) if true(tree, one)]
            asked, values = sql.search(
                sql.with_words(tree, lambda of: [row[0] for row in base.execute(sql.FIND_WORDS, of)])
            )
            assert len(base.execute(asked, values).fetchall()) == len(found)


@pytest.mark.parametrize(
    "text",
    [
        "build_name:*a.b",
        "build_name:a?b*",
        "message:a*",
        "tags:*\\[x\\]*",
        '"a b"',
        "a*",
        'message:"[]"',
        'nofield:"a"',
    ],
)
def test_the_database_knows_patterns_and_signs(text: str) -> None:
    samples = [event("a b []", build_name="gate a.b"), event("xa", tags=("q", "W[x]y")), event("b", build_name="a.b.c")]
    test_the_database_finds_what_the_matcher_finds.hypothesis.inner_test(text, samples)  # type: ignore[attr-defined]


@settings(max_examples=200, deadline=None)
@given(QUERY.filter(lambda text: "%" not in text), EVENT)
def test_what_is_printed_for_lucene_means_the_same_there(text: str, one: Event) -> None:
    tree = meant(text).asks
    assert true(as_lucene(lucene(tree)).asks, one) == true(tree, one)


def test_what_is_printed_for_lucene() -> None:
    asks = meant('message:"A\\"b" AND NOT build_name:*x-y* AND (message:"[{" OR NOT tags:d)').asks
    assert lucene(asks) == (
        '(message:"a b" AND (message.keyword:*\\[\\{* OR (*:* AND NOT tags:"d")) AND NOT build_name.keyword:*x\\-y*)'
    )
    assert lucene(Any(())) == "(NOT *:*)"
    assert json.dumps(lucene(All(()))) == '"*:*"'
