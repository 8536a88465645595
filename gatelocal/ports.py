"""What the engine asks of the rooms that touch the world, as Protocols; no implementation and no default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from gatelocal.model.change import Change
from gatelocal.model.hold import Occasion
from gatelocal.model.job import Job
from gatelocal.model.plan import Nodeset
from gatelocal.model.result import BuildResult
from gatelocal.model.text import LINE_LIMIT
from gatelocal.pipeline.actions import Action
from gatelocal.pipeline.events import Event
from gatelocal.pipeline.state import State

Say = Callable[[str], None]
"""How a slow step tells a person what it does and waits for: one line, no newline at its end."""


class Source(Protocol):
    """Where changes come from."""

    def change(self, name: str) -> Change:
        """The change of that name.

        :raises gatelocal.errors.InputError: there is none. :raises gatelocal.errors.InfrastructureError: no answer.
        """

    def parents(self, change: Change) -> tuple[Change, ...]:
        """The git ancestors of the change that its target branch does not have yet, oldest first."""

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        """What a ``Depends-On`` value (a URL or a Change-Id) means: its changes, merged ones included.

        :raises gatelocal.errors.NotOfThisGate: it leads to no server or change that is known here.
        """


class Node(Protocol):
    """A machine that is ready: programs run on it, files go to it and come from it."""

    @property
    def name(self) -> str:
        """Its name, unique on this machine."""

    @property
    def description(self) -> str:
        """For people: which kind of node, and how it is isolated and accelerated."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is other on it than on the node that the job names, each one sentence: what stands in for what."""

    @property
    def disposable(self) -> bool:
        """Whether it is a machine that nobody needs after the job, so that this may change it for good."""

    @property
    def home(self) -> str:
        """The absolute path on the node of the folder that builds happen in."""

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
        """Run a program on the node and return its exit status.

        :param directory: absolute path on the node, :attr:`home` by default.
        :param on_line: receives each line of its output (both streams merged) as it comes.
        :param timeout: seconds. :param longest: bytes of a line; what a longer one has besides is left out.
        :raises TimeoutError: it was stopped for taking longer.
        :raises gatelocal.errors.InfrastructureError: the node is gone.
        """

    def put(self, local: Path, remote: str) -> None:
        """Copy the folder `local` with all that is in it to the absolute path `remote`, which must not exist.

        :raises gatelocal.errors.InfrastructureError: the node is gone, or its disk is full: its details say so.
        """

    def get(self, remote: str, local: Path) -> bool:
        """Copy the file or folder `remote` into the folder `local`; False when there is none.

        Only plain files, folders and links within them arrive, and nothing but what was asked for, whatever the node
        sends; there are limits of size and time.

        :raises gatelocal.errors.InfrastructureError: it did not come whole, in time, or within these limits.
        """

    def shell_argv(self, directory: str | None = None) -> tuple[str, ...]:
        """The command line that gives a person on this machine a shell on the node."""

    def hold(self, occasion: Occasion) -> float:
        """Let it live on after this process, until a person returns it; it must not be closed then.

        :param occasion: is noted with it. :returns: when it is returned even so, in seconds since the epoch.
        """

    def close(self) -> None:
        """Return the node: it is stopped and its disk removed. Closing twice is harmless."""


class Nodes(Protocol):
    """All nodes of one job, which are kept and returned together."""

    @property
    def nodeset(self) -> Nodeset:
        """What was asked for, of several alternatives the one that was had."""

    @property
    def each(self) -> Sequence[Node]:
        """One for each node of :attr:`nodeset`, in that order."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where each is reached by the others; nothing, where there are none."""

    @property
    def description(self) -> str:
        """See :attr:`Node.description`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """See :attr:`Node.notes`."""

    def hold(self, occasion: Occasion) -> float:
        """See :meth:`Node.hold`."""

    def close(self) -> None:
        """See :meth:`Node.close`."""


class Launcher(Protocol):
    """Makes nodes."""

    def gather(self, nodesets: Sequence[Nodeset], say: Say) -> Nodes:
        """All nodes of one of the nodesets, ready, of one provider; several have a private network between them.

        :param nodesets: alternatives, the most wanted first. A label that is empty is the default one.
        :raises gatelocal.errors.InfrastructureError: none can be had here; the hint says what is missing.
        """


class Executor(Protocol):
    """Runs builds."""

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node.

        :param project: the project of the change, whose tree the job starts in.
        :param sources: the absolute path on the node of each project's tree.
        :param logs: the build's folder on this machine, which receives logs and result streams.
        """


class Store(Protocol):
    """Where events, state and actions are kept in one step; what it has kept outlives the engine."""

    @property
    def first(self) -> State:
        """The state before the first event."""

    @property
    def log(self) -> Iterable[Event]:
        """All events since then, the oldest first: replaying them on :attr:`first` gives :attr:`state`."""

    @property
    def state(self) -> State:
        """The latest state."""

    def commit(self, event: Event, state: State, actions: Iterable[Action], ended: Iterable[int]) -> None:
        """Keep them together. :param ended: earlier actions that are answered by that, or not wanted any more."""

    def done(self, action: int) -> None:
        """An action without an answer was carried out; a store may forget that when it is dropped."""

    def outbox(self) -> tuple[Action, ...]:
        """Actions that may not have been carried out."""


class Later(Enum):
    """What a hand gives back for an action without an answer that is still under way: it tells when it is done."""

    LATER = "later"


class Hands(Protocol):
    """Whoever carries out actions; the same id twice must change nothing and give the first answer."""

    def carry_out(self, action: Action) -> Event | Later | None:
        """Do it; the answer if it is there at once."""
