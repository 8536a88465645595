"""A build's logs and what its failed tests say, read once: fingerprints, new lines, and trouble around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gatelocal.executor.log_files import Logs
from gatelocal.executor.surroundings import Around, around
from gatelocal.model.diagnosis import NewLine
from gatelocal.model.result import BuildResult, Outcome, TestResult
from gatelocal.model.text import plain
from gatelocal.results.fingerprints.event import Event, Fields
from gatelocal.results.fingerprints.matcher import Hit, Matcher, Matching
from gatelocal.results.logs import named
from gatelocal.results.logs.folded import digest
from gatelocal.results.logs.joined import form_of
from gatelocal.results.logs.news import new_in, ranked, spoken

LOOKED = 16 << 20
"""Bytes of one log, and four times as many of a build, in which new lines are looked for: the first ones."""

_COMPARED = re.compile(r"(?:E\s+)?\s*[-+?>] |\s{4}")
_TOLD = 300
_TESTS = 200
EVENTS = 300
"""New events of a build that are kept to be searched."""
BAD = ("WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "TRACE")
_MESSAGE = 4000
_NOT_SAID = frozenset(("recipe.yaml",))


@dataclass(slots=True)
class Read:
    """What was found.

    :ivar hits: fingerprints. :ivar new: lines that no passing build has said. :ivar said: digests of all that was said.
    :ivar whole: lines that tell of a disk, memory or a node. :ivar around: test → a line that tells of a download; the
        empty name: of the build. :ivar named: bugs that were true of what a failed test says, or name one.
    :ivar events: new ones that are bad or have no level, whole, for searches. :ivar notes: what was not read.
    """

    hits: Sequence[Hit] = ()
    new: list[NewLine] = field(default_factory=list)
    said: set[int] = field(default_factory=set)
    whole: list[str] = field(default_factory=list)
    around: dict[str, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(build: BuildResult, folder: Path, fields: Fields, matcher: Matcher, known: Callable[[int], bool]) -> Read:
    """Read all that a build has left.

    :param fields: of the build. :param known: whether a passing build of the job has said what has that digest.
    """
    of_build = _of_build(build, fields)
    found, matching, logs = Read(), Matching(matcher, of_build), Logs(folder)
    left = 4 * LOOKED
    for name in logs.names():
        if name.name in _NOT_SAID:
            continue
        scanner = matching.file(str(name), named.of_file(name))
        kept = bytearray()
        for piece in logs.pieces(name):
            scanner.feed(piece)
            kept += piece[: max(0, min(left, LOOKED) - len(kept))]
        scanner.finish()
        left -= len(kept)
        _look(found, str(name), bytes(kept), known, build, of_build)
    if build.outcome is not Outcome.SUCCESS:
        _tests(found, build.failures[:_TESTS], matching)
        _last_words(found, build)
    found.hits = tuple(one for one in matching.hits if one.fingerprint.fits(test.name for test in build.failures))
    tests = [one.name for one in build.failures]
    found.named |= {
        one.fingerprint.bug for one in found.hits if one.fingerprint.test_ids and one.fingerprint.fits(tests)
    }
    found.new = ranked(found.new)
    found.notes += logs.notes
    return found


def _of_build(build: BuildResult, fields: Fields) -> Fields:
    return {
        **fields,
        "build_name": (build.job,),
        "build_status": (build.outcome.value,),
        "voting": ("1" if build.voting else "0",),
    }


def _look(
    found: Read, name: str, data: bytes, known: Callable[[int], bool], build: BuildResult, of_build: Fields
) -> None:
    """New lines, and trouble around: what a failed test says counts as its own, wherever else it stands."""
    if build.outcome is Outcome.SUCCESS:
        found.said |= {digest(told) for _, _, _, told, _ in spoken(data, form_of(data))}
        return
    words = tuple({re.split(r"[\[(]", one.own_name, maxsplit=1)[0] for one in build.failures} - {""})
    of_tests = {line.strip() for one in build.failures for line in one.details.splitlines()}

    def hear(line: int, level: str, text: str, message: str) -> None:
        if len(found.events) < EVENTS and (level in BAD or not level):
            fields = {**of_build, **named.of_file(PurePosixPath(name)), **({"loglevel": (level,)} if level else {})}
            found.events.append(Event(message[:_MESSAGE], fields))
        if text.strip() not in of_tests and (what := around(text)) is not None:
            _note(found, "", what, f"{name}:{line}: {plain(text)[:_TOLD]}")

    found.new += new_in(name, data, known, words, hear)


def _tests(found: Read, failures: Iterable[TestResult], matching: Matching) -> None:
    """What failed tests say themselves: attachments that may be in no log."""
    for test in failures:
        before = {one.fingerprint.bug: one.count for one in matching.hits}
        scanner = matching.file(
            test.name, {"tags": ("testr_results.html", "subunit", "console"), "filename": ("subunit",)}
        )
        scanner.feed(test.details.encode("utf-8", "replace"))
        scanner.finish()
        found.named |= {one.fingerprint.bug for one in matching.hits if one.count > before.get(one.fingerprint.bug, 0)}
        for line in _lines(test.details):
            if (what := around(line)) is not None:
                _note(found, test.name, what, f"{test.name}: {plain(line.strip())[:_TOLD]}")


def _last_words(found: Read, build: BuildResult) -> None:
    for line in (*build.output, build.reason):
        if (what := around(line)) is not None:
            _note(found, "", what, plain(line.strip())[:_TOLD])


def _note(found: Read, name: str, what: Around, line: str) -> None:
    """A test that speaks of a full disk speaks for itself alone: another may have wanted it so."""
    if what.whole and not name:
        found.whole.append(line)
    else:
        found.around.setdefault(name, line)


def _lines(details: str) -> Iterator[str]:
    """Those that say something themselves: not those of a comparison, nor the code."""
    return (line for line in details.splitlines() if line.strip() and not _COMPARED.match(line))
