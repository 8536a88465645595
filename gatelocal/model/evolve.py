"""`replace` for frozen, slotted dataclasses, four times as fast as the one of the standard library; nothing else.

The gate makes a new value for everything that changes, so that this function is a third of its work. Type checkers see
the standard library's.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace
else:
    from operator import attrgetter

    @functools.cache
    def _reader(kind):
        """How to read all fields of a kind of value at once, and where each stands."""
        names = tuple(kind.__dataclass_fields__)
        return attrgetter(*names), {name: at for at, name in enumerate(names)}

    def replace(value, /, **changes):
        """A copy with other values in some fields; the kind must have two fields at least."""
        kind = type(value)
        read, places = _reader(kind)
        values = list(read(value))
        for name, changed in changes.items():
            values[places[name]] = changed
        return kind(*values)


__all__ = ["replace"]
