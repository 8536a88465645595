"""The memory of a gate that lives for one change: a file that only grows, one line for each event; it decides nothing.

For `gatelocal run`, which has no time for a database. What is written survives the end of the process, not the loss of
power. It is read by the version that wrote it: there is nothing in it that could not be tested anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gatelocal.errors import InfrastructureError
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.decide import Decided, traced
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import Item, State
from gatelocal.store.codec import FORMAT, FormatError, Layouts, decode, encode, from_text, to_text
from gatelocal.store.rules import rules

_HEAD = "gatelocal-journal"


class Journal:
    """A store in a file; see :class:`gatelocal.ports.Store`. Whoever opens it must be alone with it.

    :ivar state: the latest state. :ivar first: the one before the first event. :ivar log: all events since then.
    :ivar left: the items that have left their queues, each as it was at last.
    """

    def __init__(self, path: Path, first: Callable[[], State]) -> None:
        """Open a file, or begin it. :param first: makes the state that a new one begins with.

        :raises FormatError: it is damaged, or another version of this program wrote it.
        :raises InfrastructureError: it cannot be opened or written.
        """
        self._path = path
        self._layouts = Layouts()
        self._outbox: dict[int, Action] = {}
        self._done: list[int] = []
        self.log: list[Event] = []
        self.left: list[Item] = []
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(handle, "a+b")
            whole = self._whole()
            if whole:
                self._read(whole)
            else:
                self.first = self.state = first()
                self._write({_HEAD: FORMAT, "rules": rules()}, {"first": encode(self.first, self._layouts)})
        except OSError as error:
            raise InfrastructureError(f"cannot use {path}", details=error.strerror or str(error)) from None

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        """See :class:`gatelocal.ports.Store`. :raises InfrastructureError: it was not kept."""
        ended = tuple(ended)
        try:
            self._write({"event": encode(event, self._layouts), "gone": [*self._done, *ended], "to": state.counter})
        except OSError as error:
            raise InfrastructureError(f"cannot write {self._path}", details=error.strerror or str(error)) from None
        self._keep(event, state, actions, (*self._done, *ended))
        self._done.clear()

    def done(self, action: int) -> None:
        """See :class:`gatelocal.ports.Store`; written with the next event."""
        self._done.append(action)
        self._outbox.pop(action, None)

    def outbox(self) -> tuple[Action, ...]:
        """See :class:`gatelocal.ports.Store`."""
        return tuple(self._outbox.values())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _whole(self) -> list[bytes]:
        """The lines of the file; what was cut off in the middle of being written never was."""
        self._file.seek(0)
        text: bytes = self._file.read()
        *whole, rest = text.split(b"\n")
        if rest:
            self._file.truncate(len(text) - len(rest))
        return whole

    def _read(self, whole: Iterable[bytes]) -> None:
        values = (from_text(line.decode("utf-8", "replace")) for line in whole)
        head = next(values)
        if head != {_HEAD: FORMAT, "rules": rules()}:
            brief = f"{self._path} was written by another version of this program"
            raise FormatError(brief, hint="it cannot be gone on with: `gatelocal run` begins anew, and the logs stay")
        begun = False
        for value in values:
            match value:
                case {"layout": str(name), "body": str(body)}:
                    self._layouts.add(name, body)
                    self._layouts.new.clear()
                case {"first": first}:
                    self.first = self.state = decode(State, first, self._layouts)
                    begun = True
                case {"event": event, "gone": list(gone), "to": int(counter)} if begun:
                    self._again(decode(Event, event, self._layouts), gone, counter)
                case _:
                    raise FormatError(f"{self._path} is damaged: {str(value)[:60]}")
        if not begun:
            raise FormatError(f"{self._path} has no state to begin with")

    def _again(self, event: Event, gone: list[int], counter: int) -> None:
        decided: Decided = traced(self.state, event)
        if decided.state.counter != counter:
            raise FormatError(
                f"{self._path} does not lead to where it once led",
                details="It is damaged.",
            )
        self._keep(event, decided.state, decided.actions, gone)
        self.left += decided.left

    def _keep(self, event: Event, state: State, actions: Iterable[Action], gone: Iterable[int]) -> None:
        self.log.append(event)
        self.state = state
        self._outbox |= {one.id: one for one in actions}
        for one in gone:
            self._outbox.pop(one, None)

    def _write(self, *values: Any) -> None:
        texts = [to_text(value) for value in values]
        for name, body in self._layouts.new.items():
            texts.insert(-1, to_text({"layout": name, "body": body}))
        self._layouts.new.clear()
        self._file.write("".join(f"{text}\n" for text in texts).encode("utf-8", "surrogateescape"))
        self._file.flush()
