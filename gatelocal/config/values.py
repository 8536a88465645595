"""A YAML file of named values as it is read: each mistake is noted with its line, and all are told at once.

What is wrong has its usual value, so that the rest is read, too. Which names there are is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model import terms
from gatelocal.model.terms import Terms


class Values:
    """A file as it is read. :ivar body: all of it. :ivar lines: key, with those above it, → line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.folder = path.absolute().parent
        try:
            root = root_of(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path}:1: not UTF-8 text") from None
        except NotYaml as error:
            raise ConfigurationError(f"{error.at(path)}: {error.problem}", hint=error.hint) from None
        self.lines: dict[str, int] = {}
        self._mistakes: list[tuple[int, str, str]] = []
        if not isinstance(root, yaml.MappingNode):
            raise ConfigurationError(f"{path}:1: not a mapping of names")
        self._note(root, "")
        try:
            value = value_of(root, Reading())
        except NotYaml as error:
            raise ConfigurationError(f"{error.at(path)}: {error.problem}", hint=error.hint) from None
        self.body: Mapping[object, object] = value if isinstance(value, Mapping) else {}

    def end(self) -> None:
        """It is read. :raises ConfigurationError: all mistakes, in the order of the file."""
        if not self._mistakes:
            return
        (line, first, hint), *rest = sorted(self._mistakes, key=lambda one: one[0])
        details = "".join(f"{self._path}:{at}: {text}{f' ({more})' if more else ''}\n" for at, text, more in rest)
        raise ConfigurationError(f"{self._path}:{line}: {first}", details=details.rstrip(), hint=hint)

    def _note(self, node: yaml.MappingNode, above: str) -> None:
        for key, value in node.value:
            name = f"{above}{key.value}"
            self.lines.setdefault(name, key.start_mark.line + 1)
            if isinstance(value, yaml.MappingNode):
                self._note(value, f"{name}.")

    def wrong(self, key: str, problem: str, hint: str = "") -> None:
        """A mistake. :param key: with the keys above it, parted by dots."""
        line = self.lines.get(key) or self.lines.get(key.rpartition(".")[0], 1)
        self._mistakes.append((line, f"{f'{key}: ' if key else ''}{problem}", hint))

    def section(self, value: object, name: str, known: frozenset[str]) -> Mapping[str, object]:
        """A mapping of known keys; an empty one where it is none."""
        if not isinstance(value, Mapping):
            self.wrong(name, "not a mapping of names")
            return {}
        for key in value:
            if key not in known:
                full = f"{name}.{key}" if name else str(key)
                self.wrong(full, "no key of this file", hint=f"known: {', '.join(sorted(known))}")
        return value

    def text(self, body: Mapping[str, object], key: str, default: str = "") -> str:
        """A text that has to be there."""
        value = body.get(key.rpartition(".")[2], default)
        if not isinstance(value, str) or not value:
            self.wrong(key, "there is none" if value in ("", None) else "no text")
            return ""
        return value

    def file(self, body: Mapping[str, object], key: str, default: str) -> Path:
        """The path of a file; a relative one begins at this file's folder."""
        return self.folder / Path(self.text(body, key, default)).expanduser()

    def choice(self, body: Mapping[str, object], key: str, known: tuple[str, ...], default: str) -> str:
        """One of a few words."""
        value = body.get(key, default)
        if value not in known:
            self.wrong(key, f"not {value!r}"[:200], hint=f"one of: {', '.join(known)}")
        return str(value)

    def number(self, body: Mapping[str, object], key: str, default: int) -> int:
        """A whole number above 0."""
        value = body.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.wrong(key, "no whole number above 0")
            return default
        return value

    def terms(self, body: Mapping[str, object], key: str, usual: Terms) -> Terms:
        """How long something is kept, and how much of it."""
        try:
            return terms.of({key: str(body.get(key, ""))}, key, usual)
        except InputError as error:
            self.wrong(key, error.brief.removeprefix(f"{key} "), error.hint)
            return usual

    def seconds(self, body: Mapping[str, object], key: str, usual: float) -> float:
        """A duration."""
        try:
            return terms.duration(str(body[key])) if key in body else usual
        except InputError as error:
            self.wrong(key, error.brief, error.hint)
            return usual

    def address(self, value: object, key: str, port: int | None = None) -> tuple[str, int]:
        """HOST:PORT, or HOST where there is a usual port."""
        host, colon, number = str(value).rpartition(":")
        if port is not None and not colon:
            host, number = str(value), str(port)
        if not isinstance(value, str) or not host or not number.isdecimal() or int(number) > 65535:
            self.wrong(key, "not HOST:PORT")
            return "", 0
        return host.strip("[]"), int(number)

    def flag(self, body: Mapping[str, object], key: str, *, default: bool) -> bool:
        """True or false."""
        value = body.get(key.rpartition(".")[2], default)
        if not isinstance(value, bool):
            self.wrong(key, "neither true nor false")
            return default
        return value

    def words(self, value: object, key: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or any(not isinstance(one, str) or not one for one in found):
            self.wrong(key, "not a list of words")
            return ()
        return tuple(str(one) for one in found)
