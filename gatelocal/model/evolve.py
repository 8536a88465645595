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

    @functools.cache
    def _twin(kind):
        """A kind with the same slots that is not frozen: a frozen value is filled through a call for each field."""
        return make_dataclass(kind.__name__, kind.__dataclass_fields__, slots=True, eq=False, repr=False)

    @functools.cache
    def _copier(kind, *given):
        """A function that copies a kind of value with new values for the given fields, which a mapping has.

        The copy is filled as a twin and then given the class of the value: it is frozen from then on. The function is
        written out for its fields, as the standard library writes a dataclass's own.
        """
        names = tuple(kind.__dataclass_fields__)
        if unknown := set(given).difference(names):
            raise TypeError(f"{kind.__name__} has no field {min(unknown)}")
        lines = [f"copy_.{name} = {f'changes_[{name!r}]' if name in given else f'value_.{name}'}" for name in names]
        space = {"new_": object.__new__, "twin_": _twin(kind), "kind_": kind}
        text = "\n    ".join(
            ("def copier_(value_, changes_):", "copy_ = new_(twin_)", *lines, "copy_.__class__ = kind_", "return copy_")
        )
        exec(text, space)  # noqa: S102 - only names of fields stand in it, and none of them ends in _
        return space["copier_"]

    def replace(value, /, **changes):
        """A copy with other values in some fields."""
        return _copier(value.__class__, *changes)(value, changes)


__all__ = ["replace"]
