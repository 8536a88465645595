"""What somebody means who names a test: the ids of recorded ones; it reads no record."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from gatelocal.results.names import bare, of_pytest

_NEAR = 3


def matching(asked: str, known: Collection[str]) -> tuple[str, ...]:
    """The known ids that are meant: that very one, those with parameters of that name, those of a class or module.

    pytest's own form is taken too: ``tests/test_a.py::T::test_b[1]``.
    """
    name = as_id(asked)
    if name in known:
        return (name,)
    same = tuple(one for one in known if bare(one) == name)
    return same or tuple(one for one in known if one.startswith(f"{name}."))


def as_id(asked: str) -> str:
    """A test's id as it stands in results."""
    return of_pytest(asked)[0] if "::" in asked or asked.partition("[")[0].endswith(".py") else asked


def near(asked: str, known: Collection[str]) -> Sequence[str]:
    """Known ids that may have been meant."""
    name = as_id(asked)
    last = {one: bare(one).rpartition(".")[2] for one in known}
    same = [one for one, end in last.items() if end == name.rpartition(".")[2]]
    return (same or difflib.get_close_matches(name, list(known), _NEAR))[:_NEAR]
