"""The names that test programs give a test → its id and its class, so that one test has one name; pure text."""

from __future__ import annotations

import re


def class_of(name: str) -> str:
    """The class in the id of a test that came as one word: up to the last dot before its parameters.

    ``a.B.test(x.y)`` and ``a.B.test[1.5]`` are of ``a.B``; ``setUpClass (a.B)`` is of no class.
    """
    return bare(name).rpartition(".")[0]


def bare(name: str) -> str:
    """A test's id without its parameters."""
    return re.split(r"[(\[ ]", name, maxsplit=1)[0]


def of_pytest(node: str) -> tuple[str, str]:
    """Id and class of a test, as pytest's own JUnit files have them; ``pkg/test_a.py::C::test[x]`` is pytest's id."""
    start, bracket, parameters = node.partition("[")
    parts = start.split("::")
    parts[0] = re.sub(r"\.py$", "", parts[0].strip("/")).replace("/", ".")
    parts[-1] += bracket + parameters
    return ".".join(parts), ".".join(parts[:-1]) if len(parts) > 1 else class_of(parts[0])
