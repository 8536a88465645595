"""Results that others have made, remembered like our own builds: JUnit files and subunit streams in folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.errors import InputError
from gatelocal.model.result import Outcome
from gatelocal.model.seen import Seen
from gatelocal.results import report
from gatelocal.results.stream import merged
from gatelocal.store.known import Known

_ENDINGS = (".xml", ".subunit", ".tap")
_LARGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it. :ivar builds: how many. :ivar notes: what could not be read."""

    builds: int
    notes: tuple[str, ...] = ()


def take(path: Path, like: Seen, known: Known) -> Imported:
    """Remember each folder with results as a build, a file as one alone; what is there already is not counted twice.

    :param like: what is known of all of them: project, branch, job, tree.
    :raises InputError: there are no results.
    """
    notes: list[str] = []
    count = 0
    for files in _groups(path):
        data = [(file, _bytes(file)) for file in files]
        streams = [(file, report.parse(text)) for file, text in data]
        notes += [f"{file}: {note}" for file, one in streams for note in one.notes]
        tests = merged(one for _, one in streams)
        if not tests:
            continue
        failed = tuple(dict.fromkeys(one.name for one in tests if one.failed))
        digest = hashlib.sha256(b"\0".join(text for _, text in data)).hexdigest()[:32]
        seen = replace(
            like,
            id=f"import/{like.job}/{digest}",
            at=max(file.stat().st_mtime for file in files),
            outcome=(Outcome.FAILURE if failed else Outcome.SUCCESS).value,
            seconds=sum(one.seconds or 0.0 for one in tests),
            failed=failed,
            passed=tuple(dict.fromkeys(one.name for one in tests if not one.failed)),
        )
        known.add(seen)
        count += 1
    if not count:
        raise InputError(f"there are no test results in {path}", details="\n".join(notes), hint="JUnit, subunit or TAP")
    return Imported(count, tuple(notes))


def _groups(path: Path) -> Iterator[list[Path]]:
    if path.is_file():
        yield [path]
        return
    for place, folders, files in os.walk(path, followlinks=False):
        folders.sort()
        found = [Path(place) / name for name in sorted(files) if Path(name).suffix in _ENDINGS]
        if kept := [one for one in found if one.is_file() and not one.is_symlink()]:
            yield kept


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST)
