"""Files whose two versions changed different parts: what git makes of them, or no answer."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gatelocal.merger.lines import apart
from git_review.git.runner import Runner

WORDS = (b"", b")", b"    return", b"x", b"import a")


def text(chance: random.Random, size: int) -> list[bytes]:
    """Lines of which many are alike, as in a program."""
    return [chance.choice(WORDS) if chance.random() < 0.6 else b"line %d" % number for number in range(size)]


def edited(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    made = list(lines)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place = chance.randrange(len(made) + 1)
        made[place : place + chance.randrange(4)] = [
            chance.choice((*WORDS, b"new")) for _ in range(chance.randrange(4))
        ]
    return made


def versions(chance: random.Random) -> tuple[bytes, bytes, bytes]:
    base = text(chance, chance.randrange(1, 40))
    sides = (base, edited(chance, base), edited(chance, base))
    base_text, ours, theirs = (b"".join(line + b"\n" for line in lines) for lines in sides)
    return base_text, ours, theirs


def by_git(folder: Path, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    for name, content in {"base": base, "ours": ours, "theirs": theirs}.items():
        (folder / name).write_bytes(content)
    done = Runner(folder, alone=True).query("merge-file", "-p", "ours", "base", "theirs", ok=range(128))
    return None if done.status else done.stdout.encode()


@pytest.mark.parametrize("seeds", [range(15), pytest.param(range(15, 1500), marks=pytest.mark.live)])
def test_an_answer_is_gits(seeds: range, tmp_path: Path) -> None:
    answered = 0
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - no secret
        found = None
        while found is None:
            three = versions(chance)
            found = apart(*three)
        answered += 1
        assert found == by_git(tmp_path, *three), seed
    assert answered == len(seeds)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "made"),
    [
        (b"a\nb\nc\n", b"A\nb\nc\n", b"a\nb\nC\n", b"A\nb\nC\n"),
        (b"a\nb\nc\n", b"a\nb\nC\n", b"A\nb\nc\n", b"A\nb\nC\n"),
        (b"a\nb\nc\n", b"b\nc\n", b"a\nb\nc\nd\n", b"b\nc\nd\n"),
        (b"a\nb\n", b"0\na\nb\n", b"a\n0\nb\n", b"0\na\n0\nb\n"),
    ],
)
def test_a_line_between_keeps_them_apart(base: bytes, ours: bytes, theirs: bytes, made: bytes) -> None:
    assert apart(base, ours, theirs) == made


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (b"a\nb\n", b"A\nb\n", b"a\nB\n"),  # next to one another
        (b"a\nb\nc\n", b"x\nb\nc\n", b"y\nb\nc\n"),
        (b"a\n\nc\n\n", b"A\n\nc\n\n", b"a\n\nC\n\n"),  # only a blank line between, which is there twice
        (b"a\nb\nc\n", b"A\nb\nc\n", b"a\nb\nb\nC\n"),
        (b"a\nb\nc", b"A\nb\nc", b"a\nb\nC"),  # no end of the last line
        (b"\0\nb\nc\n", b"\0A\nb\nc\n", b"\0\nb\nC\n"),  # binary
        (b"", b"a\n", b"b\n"),
    ],
)
def test_git_has_to_look(base: bytes, ours: bytes, theirs: bytes) -> None:
    assert apart(base, ours, theirs) is None


def test_a_large_file_takes_no_time_to_speak_of() -> None:
    base = b"".join(b"%d\n" % number for number in range(100_000))
    ours, theirs = base.replace(b"\n77\n", b"\nseven\n"), base.replace(b"\n88888\n", b"\neight\n")
    assert apart(base, ours, theirs) == ours.replace(b"\n88888\n", b"\neight\n")
