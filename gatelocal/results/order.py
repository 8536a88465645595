"""In which order tests ran, by what a witness told while they did: which came before one, or beside it; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gatelocal.model.record import dataclass
from gatelocal.results.names import of_pytest


@dataclass(frozen=True, slots=True)
class Company:
    """Tests that ran with one, in the order in which they began.

    :ivar before: those that had ended when it began. :ivar beside: those that ran at the same time.
    """

    before: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.before, *self.beside)


def company(told: Sequence[bytes], name: str) -> Company | None:
    """The company of a test in the latest run that had it; None where no witness tells of it.

    :param told: what the witness of each run of a test program told, in their order.
    """
    return next((found for data in reversed(told) if (found := _company(data, name)) is not None), None)


def _company(data: bytes, name: str) -> Company | None:
    tool, began, ended = "", dict[str, None](), dict[str, None]()
    before: tuple[str, ...] | None = None
    for line in data.splitlines():
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match one:
            case {"tool": str(tool)}:
                pass
            case {"began": str(node)}:
                began[_id(tool, node)] = None
                if _id(tool, node) == name:
                    before = tuple(each for each in began if each in ended)
            case {"test": str(node)} | {"done": str(node)}:
                ended[_id(tool, node)] = None
                if _id(tool, node) == name and before is not None:
                    break
            case _:
                pass
    if before is None:
        return None
    return Company(before, tuple(each for each in began if each != name and each not in before))


def _id(tool: str, node: str) -> str:
    return of_pytest(node)[0] if tool == "pytest" else node
