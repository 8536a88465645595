"""The package as a library: its names are there, and importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gatelocal


def test_the_public_names_are_there() -> None:
    assert {gatelocal.GateRequest().change, gatelocal.GateRequest("1,2").change} == {"HEAD", "1,2"}
    assert gatelocal.GateResult.__name__ == "RunResult"
    assert gatelocal.Gate.__name__ == "Gate" and issubclass(gatelocal.errors.GateError, Exception)
    assert all(getattr(gatelocal, name) is not None for name in gatelocal.__all__)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Gatekeeper'"):
        _ = gatelocal.Gatekeeper  # type: ignore[attr-defined]


def test_importing_it_imports_nothing_heavy() -> None:
    script = "import sys, gatelocal; print(*(name for name in sys.modules if name in {'requests', 'git', 'click'}))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
