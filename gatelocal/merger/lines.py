"""Two versions of a file that changed different parts of it, put together; what is near, or unsure, is left to git.

An answer is that of ``git merge-file``. Git compares two versions after it has taken off what they begin and end with
in common; a change that it finds between may still be moved over lines that look like those at its far end (a blank
line, a bracket). So two changes are apart for certain when a line that stands once in each version stands between them.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable

_LARGE = 2**20  # bytes
_BINARY = 8000  # git takes a file for binary when there is a NUL among so many bytes at its beginning


def apart(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The file with both changes; None when git has to look."""
    for text in (base, ours, theirs):
        if not text.endswith(b"\n") or len(text) > _LARGE or b"\0" in text[:_BINARY]:
            return None
    left, right = ours, theirs
    if _changed(base, left)[0] > _changed(base, right)[0]:
        left, right = right, left
    (_, after), (before, _) = _changed(base, left), _changed(base, right)
    between = base[after:before]
    if not any(all(_stands_once(line, text) for text in (base, left, right)) for line in between.split(b"\n")[:-1]):
        return None
    return left[: len(left) - (len(base) - after)] + between + right[before:]


def _stands_once(line: bytes, text: bytes) -> bool:
    """Whether a line is there, and no other like it."""
    whole, wanted = b"\n" + text, b"\n" + line + b"\n"
    return 0 <= whole.find(wanted) == whole.rfind(wanted)


def _changed(old: bytes, new: bytes) -> tuple[int, int]:
    """Where the lines of `old` begin and end that are not as they were: two places between lines."""
    most = min(len(old), len(new))
    first = old.rfind(b"\n", 0, _most(most, lambda count: old[:count] == new[:count])) + 1
    same = _most(most - first, lambda count: old[len(old) - count :] == new[len(new) - count :])
    places = len(old) - same, len(new) - same
    if all(place == 0 or text[place - 1 : place] == b"\n" for place, text in zip(places, (old, new), strict=True)):
        return first, places[0]
    return first, old.index(b"\n", places[0]) + 1


def _most(limit: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to the limit for which something holds that holds for all smaller ones."""
    return bisect.bisect_left(range(1, limit + 1), True, key=lambda count: not holds(count))
