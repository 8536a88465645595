"""Nodes for tests: one that runs real programs in a folder, one that answers from a script."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal import process
from gatelocal.model.hold import Occasion
from gatelocal.model.text import LINE_LIMIT
from gatelocal.ports import Say

NO_OCCASION = Occasion()


class FolderNode:
    """A node that is a folder of this machine: programs are real, isolation there is none."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, notes: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self.notes = notes
        self._environment = dict(environment or {})
        self.closed = False
        self.held = False
        self.occasion = NO_OCCASION

    @property
    def name(self) -> str:
        return f"fake-{self._folder.name}"

    @property
    def description(self) -> str:
        return f"the folder {self._folder}"

    @property
    def disposable(self) -> bool:
        return False

    @property
    def home(self) -> str:
        return str(self._folder)

    def run(
        self,
        argv: Sequence[str],
        *,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Say | None = None,
        timeout: float | None = None,
        longest: int = LINE_LIMIT,
    ) -> int:
        variables = {**self._environment, **(environment or {})}
        # By way of `env`, so that the program is looked for on the node's PATH, not on ours.
        return process.stream(
            ["env", *(f"{name}={value}" for name, value in variables.items()), *argv],
            on_line or (lambda line: None),
            cwd=Path(directory or self.home),
            timeout=timeout,
            longest=longest,
        )

    def put(self, local: Path, remote: str) -> None:
        shutil.copytree(local, remote, symlinks=True)

    def get(self, remote: str, local: Path) -> bool:
        source = Path(remote)
        if source.is_dir():
            shutil.copytree(source, local / source.name)
        elif source.is_file():
            shutil.copy(source, local)
        return source.exists()

    def shell_argv(self, directory: str | None = None) -> tuple[str, ...]:
        return ("sh",)

    def hold(self, occasion: Occasion = NO_OCCASION) -> float:
        self.held = True
        self.occasion = occasion
        return 1_800_000_000.0

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Answer:
    """What a program on a scripted node does: lines of output, then a status or an exception."""

    status: int = 0
    lines: tuple[str, ...] = ()
    error: Exception | None = None


def _marked(line: str, argv: Sequence[str]) -> str:
    """A helper's facts behind the mark that its command line gave it."""
    word, _, facts = line.partition(" ")
    if word != "gatelocal-facts" or "--mark" not in argv:
        return line
    return f"{word} {argv[argv.index('--mark') + 1]} {facts}"


@dataclass
class ScriptedNode:
    """A node whose programs are answered by a function of their argument list; it remembers what was run."""

    answer: Callable[[Sequence[str]], Answer]
    files: dict[str, bytes] = field(default_factory=dict)
    ran: list[tuple[tuple[str, ...], str | None, dict[str, str], float | None]] = field(default_factory=list)
    description: str = "a script"
    notes: tuple[str, ...] = ()
    home: str = "/home/node"
    disposable: bool = True
    name: str = "scripted"

    def run(
        self,
        argv: Sequence[str],
        *,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Say | None = None,
        timeout: float | None = None,
        longest: int = LINE_LIMIT,
    ) -> int:
        self.ran.append((tuple(argv), directory, dict(environment or {}), timeout))
        answer = self.answer(argv)
        for line in answer.lines:
            if on_line:
                on_line(_marked(line, argv))
        if answer.error is not None:
            raise answer.error
        return answer.status

    def put(self, local: Path, remote: str) -> None:
        raise NotImplementedError("trees are not delivered to a script")

    def get(self, remote: str, local: Path) -> bool:
        if remote not in self.files:
            return False
        (local / Path(remote).name).write_bytes(self.files[remote])
        return True

    def shell_argv(self, directory: str | None = None) -> tuple[str, ...]:
        return ("true",)

    def hold(self, occasion: Occasion = NO_OCCASION) -> float:
        """There is nothing to keep."""
        return 0.0

    def close(self) -> None:
        """There is nothing to return."""
