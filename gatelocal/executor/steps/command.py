"""Which test programs a step's command starts, as far as one can see; pure, it starts nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

WATCHED = ("pytest", "stestr")
"""Those that a witness can watch."""

_BETWEEN = (";", "&&", "||", "|", "&")
_HIDING = re.compile(r"[|>`]|\$\(")
_LOSING = re.compile(r"\||(?<![&>])&(?![&>\d])|(?:^|[;&|]\s*)!\s", re.MULTILINE)
_NO_RUN = re.compile(
    r"(?<!\S)(?:--(?:collect-only|co|version|help|fixtures|fixtures-per-test|markers|setup-plan|setup-only|cache-show)\b|-h(?!\S)|-V(?!\S))"
    r"|\bstestr\b(?!.*\brun\b)"
)
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_RUNNERS = frozenset("env exec nice time xvfb-run coverage hatch pdm pipenv poetry uv".split())
_PROGRAMS = {"pytest": "pytest", "py.test": "pytest", "stestr": "stestr"}
_MODULES = {"pytest": "pytest", "stestr": "stestr", "unittest": "unittest"}


def names_suite(command: str) -> bool:
    """Whether a program that can be watched is named where it may be started; an installation is no start."""
    for words in _parts(command):
        names = {word.rpartition("/")[2] for word in words}
        if names & _PROGRAMS.keys() and "install" not in names:
            return True
    return False


def starts(command: str) -> str:
    """The test program that it starts beyond doubt; empty where it starts none, or does with it what nobody knows."""
    found = (_started(words) for words in _parts(command))
    return next((tool for tool in found if tool), "")


def hides(command: str) -> bool:
    """Whether what its programs print may go elsewhere."""
    return _HIDING.search(command) is not None


def loses(command: str) -> bool:
    """Whether the status of a test program that it starts may be lost: by a pipe, an ``||``, a ``!`` or an ``&``.

    What only lists tests, or tells of itself, is none that has to have run any.
    """
    return _LOSING.search(command) is not None and _NO_RUN.search(command) is None


def _parts(command: str) -> Iterator[list[str]]:
    """The words of each simple command."""
    for line in command.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # a text goes on in the next line
            words = line.split()
        part: list[str] = []
        for word in words:
            if word in _BETWEEN:
                yield part
                part = []
                continue
            part.append(word.rstrip(";"))
            if word.endswith(";"):
                yield part
                part = []
        yield part


def _started(words: Sequence[str]) -> str:
    rest = list(words)
    runner = False
    while rest and (_ASSIGNED.match(rest[0]) or rest[0].rpartition("/")[2] in _RUNNERS):
        runner = not _ASSIGNED.match(rest.pop(0)) or runner
    if runner:
        while rest and (rest[0] == "run" or (rest[0].startswith("-") and rest[0] != "-m")):
            rest.pop(0)
    head = rest[0].rpartition("/")[2] if rest else ""
    if re.fullmatch(r"python[\d.]*", head) or (runner and head == "-m"):
        module = next((after for word, after in pairwise(rest) if word == "-m"), "")
        return _MODULES.get(module, "")
    return _PROGRAMS.get(head, "")
