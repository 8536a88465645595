"""Tells of tests that fail while others still run; for people alone: the verdict is made of what comes afterwards.

What it tells comes from the node: the tests themselves could have written it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from importlib import resources

from gatelocal import stopping
from gatelocal.errors import InfrastructureError
from gatelocal.ports import Node, Say
from gatelocal.results.names import of_pytest

MOST = 20
"""Failed tests that are named; of further ones only that there are more is told."""
_LONGEST = 500
_HOURS = 12 * 3600.0
_TIDYING = 20.0  # seconds


@contextlib.contextmanager
def failures(node: Node, folder: str, tell: Say, limit: float | None) -> Iterator[None]:
    """For the block, each test that fails is told at once, as far as that can be seen.

    :param folder: on the node, where the witness writes. :param tell: called from a thread of its own.
    :param limit: seconds that the tests have.
    """
    over, most = f"{folder}.over", limit or _HOURS
    text = resources.files("gatelocal.executor").joinpath("live_on_node.py").read_text(encoding="utf-8")
    argv = ("python3", "-c", text, folder, over, str(most))
    told = _Told(tell)

    def follow() -> None:
        with contextlib.suppress(InfrastructureError, TimeoutError):
            node.run(argv, directory="/", on_line=told.line, timeout=most)

    thread = threading.Thread(target=follow, name="tests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with stopping.shielded(), contextlib.suppress(InfrastructureError, TimeoutError):
            node.run(("touch", over), directory="/", timeout=_TIDYING)
        thread.join(_TIDYING)
        told.end()


class _Told:
    def __init__(self, tell: Say) -> None:
        self._tell = tell
        self._known: set[str] = set()
        self._over = False

    def line(self, text: str) -> None:
        """A line from the node."""
        try:
            one = json.loads(text)
        except (ValueError, RecursionError):
            return
        match one:
            case {"failed": str(test), "tool": tool} if not self._over:
                name = (of_pytest(test)[0] if tool == "pytest" else test)[:_LONGEST]
                if name not in self._known and len(self._known) <= MOST:
                    self._known.add(name)
                    more = len(self._known) > MOST
                    self._tell("more tests have failed" if more else f"failed: {name}")
            case _:
                pass

    def end(self) -> None:
        """Nothing more is told: whoever was told may be gone."""
        self._over = True
