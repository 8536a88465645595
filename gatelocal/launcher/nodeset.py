"""The nodes of one job as one thing, and how several are made at the same time; it knows no provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from gatelocal.model.hold import Occasion
from gatelocal.model.plan import Nodeset
from gatelocal.ports import Node

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gathered:
    """See :class:`gatelocal.ports.Nodes`. :ivar note: why it is no more wanted nodeset; empty: it is the first."""

    nodeset: Nodeset
    each: tuple[Node, ...]
    addresses: tuple[str, ...] = ()
    note: str = ""

    @property
    def description(self) -> str:
        """See :class:`gatelocal.ports.Nodes`."""
        kinds = " and ".join(dict.fromkeys(node.description for node in self.each))
        return kinds if len(self.each) == 1 else f"{len(self.each)} nodes with a network between them: {kinds}"

    @property
    def notes(self) -> tuple[str, ...]:
        """See :class:`gatelocal.ports.Nodes`."""
        notes = (note for node in self.each for note in node.notes)
        return tuple(dict.fromkeys((*([self.note] if self.note else ()), *notes)))

    def hold(self, occasion: Occasion) -> float:
        """See :class:`gatelocal.ports.Nodes`."""
        return min([node.hold(occasion) for node in self.each])

    def close(self) -> None:
        """See :class:`gatelocal.ports.Nodes`."""
        for node in reversed(self.each):
            node.close()


def together(tasks: Sequence[Callable[[], T]], undo: Callable[[], None]) -> list[T]:
    """The answers of all tasks, which are done at the same time.

    :param undo: called when one of them has failed, so that the others end soon; they may leave something even so.
    """
    if len(tasks) == 1:
        return [tasks[0]()]
    with ThreadPoolExecutor(len(tasks), "node") as crew:
        try:
            done = [crew.submit(copy_context().run, task) for task in tasks]
            first = [one for one in wait(done, return_when=FIRST_EXCEPTION).done if one.exception() is not None]
            if not first:
                return [one.result() for one in done]
        except BaseException:
            undo()
            raise
        undo()
        return [one.result() for one in first]
