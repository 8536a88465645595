"""From patchset to verdict: the project's whole merge gate as a library, on the developer's own machine.

    from gatelocal import GateRequest, gate

    result = gate().run(GateRequest("HEAD", node="nspawn"))
    print(result.verdict, [build.outcome for build in result.builds])

Importing the package costs nothing; its rooms are imported where they are used. It prints nothing by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatelocal.engine.request import GateRequest
    from gatelocal.engine.wiring import Gate
    from gatelocal.model.run import RunResult as GateResult
    from gatelocal.ports import Say

__all__ = ["Gate", "GateRequest", "GateResult", "gate"]

_PLACES = {
    "Gate": ("gatelocal.engine.wiring", "Gate"),
    "GateRequest": ("gatelocal.engine.request", "GateRequest"),
    "GateResult": ("gatelocal.model.run", "RunResult"),
}


def gate(say: Say | None = None, output: Say | None = None) -> Gate:
    """A gate with this user's folders and this process's environment.

    :param say: receives a line for each slow step. :param output: receives each line that a job writes.
    """
    import os

    from gatelocal.config.directories import directories
    from gatelocal.engine.wiring import Gate

    return Gate(directories(os.environ), os.environ, say or _silent, output or _silent)


def _silent(_: str) -> None:
    """Show nothing."""


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
