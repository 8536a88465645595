"""Frozen and slotted dataclasses that cost a tenth of a second less: `dataclasses` as far as this package uses it.

Loading `dataclasses` (which loads `inspect`) and having it compile the methods of some thirty classes takes longer than
all the rest of `git review -n`. A type checker sees the real thing. What the plain upload does not load may use that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    class _Field:
        """A default that is made anew, or a value that is not shown."""

        __slots__ = ("default", "factory", "shown")

        def __init__(self, default, factory, shown):
            self.default, self.factory, self.shown = default, factory, shown

    _NONE = object()

    def field(*, default=_NONE, default_factory=_NONE, repr=True):
        """What a field has besides its type."""
        return _Field(default, default_factory, repr)

    def dataclass(*, frozen=False, slots=True):
        """The decorator. All fields are slots, and may be given by place or by name."""
        return lambda cls: _made(cls, frozen)

    def replace(record, /, **changes):
        """The same record with other values."""
        return type(record)(**{name: getattr(record, name) for name in record.__match_args__} | changes)

    def _made(cls, frozen):
        names = tuple(cls.__annotations__)
        given = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
        fields = {
            name: value if isinstance(value, _Field) else _Field(value, _NONE, True) for name, value in given.items()
        }
        kept = {name: value for name, value in cls.__dict__.items() if name not in given}
        for name in ("__dict__", "__weakref__"):
            kept.pop(name, None)
        hidden = frozenset(name for name, one in fields.items() if not one.shown)
        kept |= {"__slots__": names, "__match_args__": names, "__qualname__": cls.__qualname__}
        kept |= {"__eq__": _equal, "__repr__": _shower(hidden)}
        kept |= {"__setattr__": _refuse, "__delattr__": _refuse, "__hash__": _hashed} if frozen else {"__hash__": None}
        made = type(cls)(cls.__name__, cls.__bases__, kept)
        made.__init__ = _filler(made, names, fields)
        return made

    def _filler(cls, names, fields):
        setters = {name: getattr(cls, name).__set__ for name in names}

        def __init__(self, *args, **kwargs):  # noqa: N807 - it becomes the method
            values = dict(zip(names, args, strict=False))
            if len(args) > len(names) or not kwargs.keys() <= setters.keys() or values.keys() & kwargs.keys():
                raise TypeError(f"{cls.__name__} takes each of {', '.join(names)} once, not {args!r} and {kwargs!r}")
            values |= kwargs
            for name, put in setters.items():
                if name in values:
                    put(self, values[name])
                    continue
                known = fields.get(name)
                if known is None or (known.default is _NONE and known.factory is _NONE):
                    raise TypeError(f"{cls.__name__} needs {name}")
                put(self, known.default if known.factory is _NONE else known.factory())

        return __init__

    def _values(record):
        return tuple(getattr(record, name) for name in record.__match_args__)

    def _equal(self, other):
        return _values(self) == _values(other) if type(self) is type(other) else NotImplemented

    def _hashed(self):
        return hash(_values(self))

    def _shower(hidden):
        def __repr__(self):  # noqa: N807 - it becomes the method
            told = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__ if name not in hidden)
            return f"{type(self).__qualname__}({told})"

        return __repr__

    def _refuse(self, name, *value):
        raise AttributeError(f"{name} of a {type(self).__name__} cannot be changed")


__all__ = ["dataclass", "field", "replace"]
