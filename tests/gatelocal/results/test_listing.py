"""What stestr is asked after a run that nobody watched, and its answer."""

from __future__ import annotations

import pytest

from gatelocal.results.listing import answer, question


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stestr run", "stestr list"),
        ("/w/.tox/py3/bin/stestr run --slowest --serial unit", "/w/.tox/py3/bin/stestr list unit"),
        ("python -m stestr run --concurrency 2 a b", "python -m stestr list a b"),
        ("stestr run --concurrency=2 --exclude-regex 'a|b'", "stestr list --exclude-regex a|b"),
        ("stestr --test-path ./x run -E 'a b' -i file", "stestr --test-path ./x list -E a\0b -i file"),
        ("stestr run --blacklist-file=f unit", "stestr list --blacklist-file=f unit"),
        ("stestr run --load-list ids", None),
        ("stestr run --failing", None),
        ("stestr run --no-discover x", None),
        ("stestr run --serialise", None),
        ("stestr slowest", None),
        ("bash -c 'stestr run'", None),
        ("coverage run stestr run", None),
        ("stestr run 'unfinished", None),
        ("stestr run --exclude-regex", "stestr list --exclude-regex \0"),
    ],
)
def test_the_question(line: str, words: str | None) -> None:
    wanted = None if words is None else tuple(word.replace("\0", " ").strip() for word in words.split(" "))
    assert question(line) == wanted


def test_the_answer() -> None:
    lines = [
        "unit: commands[0]> stestr list A",
        "a.A.test_1",
        "a.A.test (x y)",
        "  unit: OK (1.8 seconds)",
        "  done :)",
    ]
    assert answer(lines) == ("a.A.test_1", "a.A.test (x y)")
    assert answer(lines[:3]) is None
    assert answer([*lines[:3], "  unit: FAIL code 1 (1.8 seconds)"]) is None
