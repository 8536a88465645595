"""Frozen and slotted dataclasses that are read and made quickly, and `replace` for them; nothing else.

The standard library compiles the methods of each class when that is read, which took longer than all else that is read
with it, and fills a frozen value through a call for each field. Here a class learns to make values with the first one:
they are filled as values of a twin that is not frozen, and then given their class. What `dataclasses` wants to know of
a class is found when it asks. Type checkers see the standard library's.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, field, replace
    from typing import TypeVar

    T = TypeVar("T")

    def changer(kind: type[T], *names: str) -> Callable[..., T]:
        """A function that copies a value of a kind with new values, in that order, for the named fields.

        It takes half the time of :func:`replace`, for what is done at every event.
        """
        raise NotImplementedError
else:
    from functools import cache, partial
    from operator import attrgetter

    _NONE = object()

    class _Field:
        """A field's type, and what it has when nothing is given: a value, or one that is made anew."""

        __slots__ = ("default", "factory", "type")

        def __init__(self, default=_NONE, factory=_NONE):
            self.default, self.factory, self.type = default, factory, None

    def field(*, default_factory):
        """A field with a default that is made anew for each value."""
        return _Field(factory=default_factory)

    def dataclass(*, frozen, slots, kw_only=False, eq=True):
        """The decorator; a record is frozen and has slots. The other options are those of the standard library."""
        if not frozen or not slots:
            raise TypeError("a record is frozen and has slots")
        return partial(_made, kw_only=kw_only, eq=eq)

    def _made(cls, *, kw_only, eq):
        own = {}
        for name, kind in cls.__annotations__.items():
            if not kind.startswith("ClassVar"):
                known = cls.__dict__.get(name, _NONE)
                own[name] = known if isinstance(known, _Field) else _Field(known)
                own[name].type = kind
        fields = {**getattr(cls, "__record__", {}), **own}
        kept = {name: one for name, one in cls.__dict__.items() if name not in (*own, "__dict__", "__weakref__")}
        if eq:
            kept |= _comparing(tuple(fields))
        kept |= {"__slots__": tuple(own), "__qualname__": cls.__qualname__, "__record__": fields}
        kept |= {"__match_args__": () if kw_only else tuple(fields), "__dataclass_fields__": _Asked()}
        kept |= {"__new__": _first, "__setattr__": _refuse, "__delattr__": _refuse}
        return type(cls)(cls.__name__, cls.__bases__, {"__repr__": _shown, "__reduce__": _reduced, **kept})

    def _comparing(names):
        values = attrgetter(*names) if names else lambda self: ()

        def __eq__(self, other):  # noqa: N807 - it becomes the method
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807 - it becomes the method
            return hash(values(self))

        return {"__eq__": __eq__, "__hash__": __hash__}

    def _shown(self):
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__record__)
        return f"{self.__class__.__qualname__}({told})"

    def _reduced(self):
        return _again, (self.__class__, {name: getattr(self, name) for name in self.__record__})

    def _again(kind, values):
        return kind(**values)

    def _refuse(self, name, *value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    class _Asked:
        """What `dataclasses` knows of a record, found when it asks."""

        def __get__(self, value, kind):
            import dataclasses

            fields = [(name, one.type, _told(one)) for name, one in kind.__record__.items()]
            real = dataclasses.make_dataclass(kind.__name__, fields, init=False, repr=False, eq=False, kw_only=True)
            kind.__dataclass_fields__ = real.__dataclass_fields__
            return kind.__dataclass_fields__

    def _told(one):
        import dataclasses

        if one.factory is not _NONE:
            return dataclasses.field(default_factory=one.factory)
        return dataclasses.field() if one.default is _NONE else dataclasses.field(default=one.default)

    # ---- making values

    def _first(cls, /, *args, **kwargs):
        """The first value of a kind: from here on it knows how to make them."""
        cls.__new__ = staticmethod(_maker(cls))
        return cls(*args, **kwargs)

    def _maker(kind):
        """The function that makes values of a kind, as if it had been written out."""
        given, values, space = [], {}, {}
        for name, one in kind.__record__.items():
            space[f"{name}_"] = one.default if one.factory is _NONE else one.factory
            if one.factory is not _NONE:
                values[name] = f"{name}_() if {name} is none__ else {name}"
                given.append(f"{name}=none__")
            else:
                values[name] = name
                given.append(name if one.default is _NONE else f"{name}={name}_")
        by_name = ["*"] if given and not kind.__match_args__ else []
        return _written(kind, ("cls__", "/", *by_name, *given), values, space)

    @cache
    def changer(kind, *given):
        """A function that copies a value of a kind with new values, in that order, for the named fields."""
        names = getattr(kind, "__record__", None) or kind.__dataclass_fields__
        if unknown := set(given).difference(names):
            raise TypeError(f"{kind.__name__} has no field {min(unknown)}")
        values = {name: name if name in given else f"value__.{name}" for name in names}
        return _written(kind, ("value__", *given), values, {})

    @cache
    def _twin(kind):
        """A kind with the same slots that is not frozen; None where slots are inherited: then there is none."""
        names = tuple(getattr(kind, "__record__", None) or kind.__dataclass_fields__)
        return type(kind.__name__, (), {"__slots__": names}) if set(kind.__slots__) == set(names) else None

    def _written(kind, parameters, values, space):
        """A function that fills a value of a kind. Names of fields and of what they have by default stand in it."""
        twin = _twin(kind)
        if twin is None:
            lines = [f"set__(self__, {name!r}, {value})" for name, value in values.items()]
        else:
            lines = [*(f"self__.{name} = {value}" for name, value in values.items()), "self__.__class__ = kind__"]
        head = f"def {kind.__name__}({', '.join(parameters)}):"
        space |= {"kind__": kind, "twin__": twin or kind, "new__": object.__new__, "set__": object.__setattr__}
        space |= {"none__": _NONE}
        exec("\n    ".join((head, "self__ = new__(twin__)", *lines, "return self__")), space)  # noqa: S102
        return space[kind.__name__]

    def replace(value, /, **changes):
        """A copy with other values in some fields; a tenth of the time that the standard library takes."""
        return changer(value.__class__, *changes)(value, *changes.values())


__all__ = ["changer", "dataclass", "field", "replace"]
