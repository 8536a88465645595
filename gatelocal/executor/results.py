"""The result streams that lie in a build's folder, read; how they got there is not its business."""

from __future__ import annotations

from pathlib import Path

from gatelocal.model.result import TestResult
from gatelocal.results import junit, subunit
from gatelocal.results.stream import Stream, merged


def tests_in(folder: Path) -> tuple[tuple[TestResult, ...], tuple[str, ...]]:
    """All tests that the streams in the folder speak of, each once, and notes on what could not be read."""
    streams: list[Stream] = []
    stream = folder / "testrepository.subunit"
    if stream.is_file():
        streams.append(subunit.parse(stream.read_bytes()))
    streams += [junit.parse(file.read_bytes()) for file in sorted((folder / "junit").glob("*.xml"))]
    return merged(streams), tuple(note for stream in streams for note in stream.notes)
