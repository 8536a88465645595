"""Random histories in which two lines have been merged into one another, with as many merge bases as are wanted."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from git_review.git.runner import Runner

_WHO = "A Person <person@example.org>"
BLOCK = 6
"""Lines of the common file that belong to one base."""


@dataclass(frozen=True)
class Crossed:
    """Two commits of one repository."""

    ours: str
    theirs: str


def repository(folder: Path) -> Path:
    """An empty bare one."""
    Runner(folder, alone=True).run("init", "-q", "--bare", "--template=", "--initial-branch=main", "crossed.git")
    return folder / "crossed.git"


class Maker:
    """Writes one history, of which all is in one stream for git's fast-import."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self._name = name
        self._stream: list[str] = []
        self._files: dict[int, dict[str, str]] = {}

    def commit(self, files: dict[str, str], *parents: int) -> int:
        """A commit with these files and no others; its number."""
        mark = len(self._files) + 1
        self._files[mark] = files
        when = f"{1_700_000_000 + mark * self._chance.choice((1, 60))} +0000"  # many of the same second
        self._stream += [f"commit refs/heads/{self._name}{mark}", f"mark :{mark}", f"author {_WHO} {when}"]
        self._stream += [f"committer {_WHO} {when}", "data 2\nS"]
        self._stream += [f"{word} :{one}" for word, one in zip(("from", *["merge"] * 20), parents, strict=False)]
        self._stream.append("deleteall")
        self._stream += [f"M 100644 inline {path}\ndata {len(text)}\n{text}" for path, text in files.items()]
        return mark

    def edited(self, files: dict[str, str], block: int) -> dict[str, str]:
        """Something changed in one block of the common file, and perhaps a file renamed, added or gone."""
        chance, made = self._chance, dict(files)
        lines = made["common"].splitlines()
        place = min(block * BLOCK + chance.randrange(BLOCK), len(lines) - 1)
        lines[place] = chance.choice(("one", "two", f"{lines[place]}, edited"))
        made["common"] = "".join(f"{line}\n" for line in lines)
        if chance.random() < 0.3:
            made[f"new{chance.randrange(4)}"] = chance.choice(("1\n", "2\n"))
        if chance.random() < 0.15 and "moving" in made:
            made[f"moved{chance.randrange(2)}"] = made.pop("moving")
        elif chance.random() < 0.15 and "moving" in made:
            made["moving"] += "more\n"
        return made

    def united(self, *sides: int) -> dict[str, str]:
        """What somebody made of the sides: line by line the first one's that is not as it was at the start."""
        chance = self._chance
        start, files = self._files[1], [self._files[one] for one in sides]
        made: dict[str, str] = {}
        for path in dict.fromkeys(path for each in files for path in each):
            there = [each[path] for each in files if path in each]
            changed = [text for text in there if text != start.get(path)]
            if len(there) == len(files) or path not in start or chance.random() < 0.5:
                made[path] = (changed or there)[0]
        rows = [each["common"].splitlines() for each in files]
        old = start["common"].splitlines()
        united = [next((row[n] for row in rows if row[n] != line), line) for n, line in enumerate(old)]
        made["common"] = "".join(f"{line}\n" for line in united)
        return made

    def write(self, path: Path, ours: int, theirs: int) -> Crossed:
        """Put all of it into a repository."""
        asked = f"get-mark :{ours}\nget-mark :{theirs}\n"
        words = ("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force")
        told = Runner(path, alone=True).run(*words, stdin="\n".join((*self._stream, "", asked)))
        return Crossed(*told.lines)


def crossed(path: Path, seed: int, count: int) -> Crossed:
    """Two commits with `count` merge bases."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    maker = Maker(chance, f"s{seed}n{count}-")
    common = "".join(f"line {number}\n" for number in range(BLOCK * (count + 2)))
    start = maker.commit({"common": common, "moving": "".join(f"m{number}\n" for number in range(20))})
    bases = [maker.commit(maker.edited(maker._files[start], block), start) for block in range(count)]
    sides = []
    for block in (count, count + chance.randrange(2)):
        order = chance.sample(bases, count)
        side = order[0]
        for other in order[1:]:
            side = maker.commit(maker.united(side, other), side, other)
        if chance.random() < 0.7:
            side = maker.commit(maker.edited(maker._files[side], block), side)
        sides.append(side)
    return maker.write(path, *sides)


def ladder(path: Path, seed: int, rungs: int) -> Crossed:
    """Two lines that were merged into one another again and again, so that their bases have bases of that kind, too."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    maker = Maker(chance, f"l{seed}n{rungs}-")
    common = "".join(f"line {number}\n" for number in range(BLOCK * 4))
    start = maker.commit({"common": common, "moving": "".join(f"m{number}\n" for number in range(20))})
    sides = [maker.commit(maker.edited(maker._files[start], block), start) for block in (0, 1)]
    for _ in range(rungs):
        united = [maker.united(*sides), maker.united(*reversed(sides))]
        first, second = sides
        sides = [maker.commit(united[0], first, second), maker.commit(united[1], second, first)]
        sides = [maker.commit(maker.edited(maker._files[side], chance.randrange(4)), side) for side in sides]
    return maker.write(path, *sides)
