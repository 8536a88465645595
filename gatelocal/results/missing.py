"""Which tests were chosen and never ended; ids alone are compared, nothing is parsed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gatelocal.results.names import bare, class_of

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_FIXTURE = re.compile(r"setUp(?:Class|Module) \(([^)]+)\)")


def never_ran(listed: Iterable[str], ended: Iterable[str]) -> tuple[str, ...]:
    """The ids that are listed and have not ended, in the list's order.

    A fixture that ended in the place of its tests (``setUpClass (a.B)``, skipped or failed) stands for them. So do
    tests that got parameters only when they ran: ``a.B.test(x)`` for ``a.B.test``; and others of a class for as many.
    """
    wanted = {_ADDRESS.sub("0x", name): name for name in listed}
    done = {_ADDRESS.sub("0x", name) for name in ended}
    fixtures = {found[1] for name in done if (found := _FIXTURE.match(name))}
    strangers = done - wanted.keys()
    bases = {bare(name) for name in strangers}
    spare = Counter(class_of(name) for name in strangers if bare(name) not in wanted)
    left = []
    for name, told in wanted.items():
        if name in done or name in bases or _stands_for(fixtures, name):
            continue
        if spare[class_of(name)] > 0:
            spare[class_of(name)] -= 1
            continue
        left.append(told)
    return tuple(left)


def stands_for(fixture: str, name: str) -> bool:
    """Whether the id is that of a fixture (``setUpClass (a.B)``) without which the test of that name cannot run."""
    found = _FIXTURE.match(fixture)
    return found is not None and _stands_for({found[1]}, name)


def _stands_for(fixtures: set[str], name: str) -> bool:
    parts = class_of(name).split(".")
    return any(".".join(parts[:end]) in fixtures for end in range(1, len(parts) + 1))
