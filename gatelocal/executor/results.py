"""The result streams that lie in a build's folder, read; how they got there is not its business."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from gatelocal.model.result import Counted, TestResult
from gatelocal.results import junit, subunit, witness
from gatelocal.results.console import Command
from gatelocal.results.missing import never_ran
from gatelocal.results.stream import Stream, merged

STREAMS = "streams"
"""The folder with what the witness told and with subunit streams."""

_LARGEST = 256 * 1024 * 1024
_LARGEST_JUNIT = 64 * 1024 * 1024
_MOST = 2000
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Results:
    """What is known of a build's tests.

    :ivar never_ran: ids of tests that were chosen and did not end. :ivar unnoticed: those of them that the test program
        itself has not noticed, because it claims success or died.
    :ivar counted: tests of which only the number is known. :ivar notes: what could not be read.
    """

    tests: tuple[TestResult, ...] = ()
    never_ran: tuple[str, ...] = ()
    unnoticed: tuple[str, ...] = ()
    counted: Counted = field(default_factory=Counted)
    notes: tuple[str, ...] = ()


def watched(folder: Path) -> frozenset[tuple[str, str]]:
    """The test programs that the witness tells of, each with its tox environment."""
    told = _read(folder / STREAMS, "*.jsonl", witness.parse, [])
    return frozenset((one.tool, one.env) for one in told.values())


def ends(folder: Path) -> tuple[tuple[str, int | None], ...]:
    """The test programs that the witness tells of, each with what it ended with; None: it did not come to its end."""
    told = _read(folder / STREAMS, "*.jsonl", witness.parse, [])
    return tuple((one.tool, one.status) for one in told.values())


def results_in(folder: Path, commands: Iterable[Command] = (), listed: Iterable[str] = ()) -> Results:
    """All that the streams in the folder speak of, each test once.

    :param commands: what the build's commands printed; it tells of test programs that nothing else tells of.
    :param listed: the ids of the tests that runs without a witness had chosen.
    """
    notes: list[str] = []
    subunits = _read(folder / STREAMS, "*.subunit", subunit.parse, notes)
    told = _read(folder / STREAMS, "*.jsonl", witness.parse, notes)
    own = {name for one in told.values() for name in one.streams}
    gone = own - subunits.keys()
    notes += [f"{name}: it could not be fetched" for name in sorted(gone)]
    runs = [
        witness.stream_of(one, [_named(subunits[name], name) for name in one.streams if name in subunits])
        for one in told.values()
    ]
    rest = [_named(stream, name) for name, stream in subunits.items() if name not in own]
    files = _read(folder / "junit", "*.xml", junit.parse, notes, _LARGEST_JUNIT)
    rest += [_named(stream, name) for name, stream in files.items()]
    rest.append(Stream(never_ran=never_ran(listed, (test.name for one in rest for test in one.tests))))
    witnessed = {(one.tool, one.env) for one in told.values()}
    said = [one for one in commands if (one.tool, one.env) not in witnessed]
    streams = [*runs, *rest, *(Stream(one.tests) for one in said)]
    silent = [one for one, of in zip(runs, told.values(), strict=True) if not of.status] + rest
    return Results(
        merged(streams),
        tuple(dict.fromkeys(name for stream in streams for name in stream.never_ran)),
        tuple(dict.fromkeys(name for stream in silent for name in stream.never_ran)),
        Counted(sum(one.counted.passed for one in said), sum(one.counted.skipped for one in said)),
        tuple(dict.fromkeys([*notes, *(note for stream in streams for note in stream.notes)])),
    )


def _named(stream: Stream, name: str) -> Stream:
    return replace(stream, notes=tuple(f"{name}: {note}" for note in stream.notes))


def _read(
    folder: Path, pattern: str, parse: Callable[[bytes], _Read], notes: list[str], largest: int = _LARGEST
) -> dict[str, _Read]:
    """Every plain file of that pattern, read as far as is sensible."""
    found = {}
    names = sorted(folder.glob(pattern))
    if len(names) > _MOST:
        notes.append(f"of {len(names)} files in {folder.name} the first {_MOST} are read")
    for path in names[:_MOST]:
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            found[path.name] = parse(file.read(largest))
            if file.read(1):
                notes.append(f"{path.name}: it is too large; of it, the first {largest >> 20} MB are read")
    return found
