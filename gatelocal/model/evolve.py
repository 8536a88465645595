"""`replace` for frozen, slotted dataclasses, ten times as fast as the one of the standard library; nothing else.

The gate makes a new value for everything that changes, so that this function was a third of its work. Type checkers see
the standard library's.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace
else:
    from dataclasses import make_dataclass
    from operator import attrgetter

    @functools.cache
    def _tools(kind):
        """How to read all fields of a kind of value at once, where each stands, and a kind that is quick to fill.

        A frozen value is filled through a call for each field. Its twin has the same slots and is not frozen; once it
        is full it is given the class of the value, and is frozen from then on.
        """
        names = tuple(kind.__dataclass_fields__)
        twin = make_dataclass(kind.__name__, names, slots=True, eq=False, repr=False)
        return attrgetter(*names), {name: at for at, name in enumerate(names)}, twin

    def replace(value, /, **changes):
        """A copy with other values in some fields; the kind must have two fields at least."""
        kind = value.__class__
        read, places, twin = _tools(kind)
        values = list(read(value))
        for name, changed in changes.items():
            values[places[name]] = changed
        copy = twin(*values)
        copy.__class__ = kind
        return copy


__all__ = ["replace"]
