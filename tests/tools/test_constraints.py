"""constraints.txt: what is installed here is in it, and nothing in it speaks of the place where it was made."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_every_line_is_one_exact_version() -> None:
    pins = _pins()
    assert all(re.fullmatch(r"==[^,*]+", str(pin.specifier)) and not pin.url for pin in pins)
    assert "://" not in (ROOT / "constraints.txt").read_text()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_python_has_one_version_of_everything(python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    names = [pin.name for pin in _pins() if pin.marker is None or pin.marker.evaluate(environment)]
    assert len(names) == len(set(names))
    direct = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines()]
    extras = (ROOT / "setup.cfg").read_text().partition("[extras]")[2].partition("[pbr]")[0]
    direct += [Requirement(line.strip()) for line in extras.splitlines() if line.startswith("    ")]
    assert {canonicalize_name(one.name) for one in direct} <= set(names)


def test_what_the_installed_ones_need_is_in_it() -> None:
    """Of those that are here in the version that it names; with ``--latest`` some are newer."""
    pins = {canonicalize_name(pin.name): pin.specifier for pin in _pins()}
    known = {*pins, "gatelocal"}
    here = {canonicalize_name(each.name): each for each in distributions()}
    missing = set()
    for name in (name for name in pins if name in here and here[name].version in pins[name]):
        for line in here[name].requires or ():
            need = Requirement(line)
            if (need.marker is None or need.marker.evaluate({"extra": ""})) and canonicalize_name(need.name) in here:
                missing |= {canonicalize_name(need.name)} - known
    assert not missing
