"""From patchset to verdict: the project's whole merge gate as a library, on the developer's own machine.

    from gatelocal import Gate, GateRequest

    with Gate().follow(GateRequest("HEAD", node="nspawn")) as run:
        for happening in run:
            print(happening)
    print(run.result.verdict, [build.outcome for build in run.result.builds])

Importing the package costs nothing; its rooms are imported where they are used. It prints nothing by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatelocal import errors
    from gatelocal.engine.gate import Gate
    from gatelocal.engine.request import GateRequest
    from gatelocal.engine.running import Interrupted, Running
    from gatelocal.model import happening
    from gatelocal.model.hold import Hold
    from gatelocal.model.result import Outcome
    from gatelocal.model.run import RunResult as GateResult
    from gatelocal.model.run import Verdict

__all__ = [
    "Gate",
    "GateRequest",
    "GateResult",
    "Hold",
    "Interrupted",
    "Outcome",
    "Running",
    "Verdict",
    "errors",
    "happening",
]

_PLACES = {
    "Running": ("gatelocal.engine.running", "Running"),
    "Gate": ("gatelocal.engine.gate", "Gate"),
    "GateRequest": ("gatelocal.engine.request", "GateRequest"),
    "GateResult": ("gatelocal.model.run", "RunResult"),
    "Interrupted": ("gatelocal.engine.running", "Interrupted"),
    "Hold": ("gatelocal.model.hold", "Hold"),
    "Outcome": ("gatelocal.model.result", "Outcome"),
    "Verdict": ("gatelocal.model.run", "Verdict"),
}


def __getattr__(name: str) -> object:
    if name in ("errors", "happening"):
        return import_module("gatelocal.errors" if name == "errors" else "gatelocal.model.happening")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
