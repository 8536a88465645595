"""What is thought of a run's builds at its end, and what is remembered of them; it changes no outcome and no verdict.

Whatever goes wrong here costs no more than the opinion.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config.directories import Directories, ensure_state
from gatelocal.config.files import changed_files
from gatelocal.config.fingerprint_files import of_folder
from gatelocal.engine.reading import Read, read
from gatelocal.engine.work import Preparation, Tools
from gatelocal.model.change import Change
from gatelocal.model.diagnosis import Diagnosis, KnownBug
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.seen import PARTIAL, Seen
from gatelocal.model.text import plain
from gatelocal.results.blame import Before, Facts, judged
from gatelocal.results.fingerprints.event import Fields
from gatelocal.results.fingerprints.fingerprint import Fingerprint
from gatelocal.results.fingerprints.matcher import Hit, Matcher
from gatelocal.store.known import KEPT, Known
from gatelocal.store.said_lines import SaidLines
from git_review.errors import ReviewError

_BROAD = 0.1
"""Share of passing builds among those in which a fingerprint is true, from which on it explains nothing."""
_TOUCHED = 3


@dataclass(frozen=True, slots=True)
class By:
    """What builds are judged by. :ivar lines: where the new lines of failed builds are kept; None: nowhere."""

    matcher: Matcher
    known: Known
    lines: SaidLines | None = None


def fingerprints(places: Sequence[Path]) -> tuple[list[Fingerprint], list[str]]:
    """All that can be read, and one sentence for each file that cannot."""
    known: dict[str, Fingerprint] = {}
    notes = []
    for place in places:
        found = of_folder(place)
        known |= {one.bug: one for one in found.fingerprints}
        notes += [f"fingerprint {file.name}:{fault.line}: {fault.message}" for file, fault in found.faults]
    return list(known.values()), notes


def memory(directories: Directories) -> Known:
    """What is known of builds that were. :raises gatelocal.errors.InfrastructureError: it cannot be opened."""
    ensure_state(directories.state)
    return Known(f"sqlite:///{directories.state / 'known.sqlite'}")


def said_lines(directories: Directories) -> SaidLines:
    """What failed builds have said. :raises gatelocal.errors.InfrastructureError: it cannot be opened."""
    directories.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SaidLines(f"sqlite:///{directories.state / 'said.sqlite'}")


def understood(tools: Tools, prepared: Preparation, results: tuple[BuildResult, ...]) -> tuple[BuildResult, ...]:
    """The results with what is thought of those that did not pass; all of them are remembered."""
    try:
        known = memory(tools.directories)
        try:
            lines = said_lines(tools.directories)
            try:
                return _understood(tools, prepared, results, (known, lines))
            finally:
                lines.close()
        finally:
            known.close()
    except Exception as error:  # also a mistake in here: the verdict stands, whatever is thought of it
        tools.say(f"nothing is said of whose fault it is: {words_of(error)}")
        return results


def words_of(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, ReviewError):
        return error.brief
    return f"{type(error).__name__}: {plain(str(error).partition(chr(10))[0])[:200]}"


def _understood(
    tools: Tools, prepared: Preparation, results: tuple[BuildResult, ...], kept: tuple[Known, SaidLines]
) -> tuple[BuildResult, ...]:
    prints, notes = fingerprints(tools.fingerprints)
    for note in notes:
        tools.say(note)
    known, lines = kept
    matcher = Matcher(prints)
    for one in matcher.refused:
        tools.say(f"fingerprint {one.bug} needs no word of a message, and would be true of any line: it is left out")
    works = {work.title: work for work in prepared.works.values()}
    told = []
    for build in results:
        work = works.get(build.job)
        if work is None or not build.logs or build.outcome.says_nothing:
            told.append(build)
            continue
        change = prepared.recipe.change
        trees = "\n".join(sorted(f"{one.project} {one.commit}" for one in work.trees))
        own = prepared.merged.state.find(change.project, change.branch)
        seen = Seen(
            id=f"{tools.logs.name}/{Path(build.logs).name}",
            at=time.time(),
            project=change.project,
            branch=change.branch,
            job=work.job.name,
            outcome=PARTIAL if build.partial and build.outcome is Outcome.SUCCESS else build.outcome.value,
            change=_name(change),
            seconds=build.seconds,
            voting=build.voting,
            tree=hashlib.sha256(trees.encode()).hexdigest() if trees else "",
            base=own.base if own is not None else "",
            alone=change.landed and not prepared.merged.changes,
            failed=tuple(dict.fromkeys(one.name for one in build.failures)),
            passed=tuple(dict.fromkeys(one.name for one in build.tests if not one.failed)),
        )
        touched = () if build.outcome is Outcome.SUCCESS else _touched(tools, prepared, build)
        told.append(thought_of(build, seen, _fields(prepared, seen), touched, By(matcher, known, lines)))
    known.prune(time.time() - KEPT)
    lines.prune()
    return tuple(told)


def thought_of(build: BuildResult, seen: Seen, fields: Fields, touched: Sequence[str], by: By) -> BuildResult:
    """One build with what is thought of it, which is remembered.

    :param fields: what fingerprints are told of the build. :param touched: lines of its failure that name a file of the
        change. :raises InfrastructureError: nothing can be remembered.
    """
    known = by.known
    said = known.said(seen.project, seen.job)
    found = read(build, Path(build.logs), fields, by.matcher, said.__contains__)
    hits = tuple((one.fingerprint.bug, one.count) for one in found.hits)
    if build.outcome is Outcome.SUCCESS:
        known.add(replace(seen, hits=hits), found.said)
        return build
    bugs = [(one, known.hit_rate(one.fingerprint.bug)) for one in found.hits]
    explaining = [_bug(*one) for one in bugs if not too_broad(one[1])]
    thought = judged(replace(facts_of(build, found, explaining, known.before(seen)), touched=tuple(touched)))
    cause, sure = thought.cause.value, thought.sure.value
    known.add(replace(seen, hits=hits, cause=cause, sure=sure, because=thought.because))
    if by.lines is not None:
        by.lines.add(seen.id, found.events)
    broad = (one.fingerprint.bug for one, rate in bugs if too_broad(rate))
    notes = (*found.notes, *(f"fingerprint {bug} is true of passing builds too: it explains nothing" for bug in broad))
    return replace(build, diagnosis=thought, notes=(*build.notes, *notes))


def facts_of(build: BuildResult, found: Read, bugs: Sequence[KnownBug], before: Mapping[str, Before]) -> Facts:
    """What the judgement is made from."""
    return Facts(
        outcome=build.outcome,
        failed=tuple(dict.fromkeys(one.name for one in build.failures)),
        reason=build.reason,
        whole=tuple(dict.fromkeys(found.whole)),
        around=found.around,
        bugs=tuple(bugs),
        named=frozenset(found.named),
        new=tuple(found.new),
        before=before,
    )


def judgement(build: BuildResult, folder: Path, fields: Fields, prints: Sequence[Fingerprint]) -> Diagnosis:
    """What is thought of a build of which nothing is known but its folder."""
    found = read(build, folder, fields, Matcher(prints), lambda _: False)
    return judged(facts_of(build, found, [_bug(one, (0, 0)) for one in found.hits], {}))


def _fields(prepared: Preparation, seen: Seen) -> Fields:
    change = prepared.recipe.change
    return {
        "build_queue": (prepared.pipeline,),
        "build_branch": (seen.branch,),
        "build_change": (seen.change,),
        "build_patchset": (str(change.patchset or ""),),
        "project": (seen.project,),
    }


def _bug(hit: Hit, rate: tuple[int, int]) -> KnownBug:
    one = hit.fingerprint
    failed, passed = rate
    told = (
        f"bug {one.bug} was met in {failed} failed builds and {passed} that passed before" if failed or passed else ""
    )
    title = f"{one.title} (resolved {one.resolved})" if one.resolved else one.title
    return KnownBug(one.bug, plain(title), one.link, hit.file, hit.line, hit.text, hit.count, told)


def too_broad(rate: tuple[int, int]) -> bool:
    """Whether a fingerprint is true of so many passing builds that it explains nothing.

    :param rate: in how many builds it was true that failed, and that passed.
    """
    failed, passed = rate
    return passed >= 3 and passed > _BROAD * (failed + passed)


def _touched(tools: Tools, prepared: Preparation, build: BuildResult) -> tuple[str, ...]:
    """Lines of the failure that name a file of the change."""
    state = prepared.merged.state
    own = state.find(prepared.recipe.change.project, prepared.recipe.change.branch)
    if own is None or not own.changes:
        return ()
    files = changed_files(tools.merger.repository(own.project).path, own.before_last, own.commit)
    return naming(build, files)


_READ_BEFORE = frozenset(("bindep.txt", "other-requirements.txt", "tools/test-setup.sh"))


def naming(build: BuildResult, files: Sequence[str]) -> tuple[str, ...]:
    """Lines of a failure that name one of the files; those of documentation and configuration do not count.

    What fails before the tests is named by its configuration, or reads what is named nowhere.
    """
    before = build.outcome is Outcome.RETRY_LIMIT
    quiet = (".rst", ".md") if before else (".rst", ".md", ".txt", ".yaml", ".yml", ".cfg", ".toml")
    names = [one for one in files if not one.endswith(quiet)]
    lines = [line for one in build.failures for line in one.details.splitlines()] + list(build.output)
    lines += [build.reason, *(f"the change touches {one}" for one in files if one in _READ_BEFORE)] if before else []
    found = [line for line in lines if any(name in line for name in names)]
    return tuple(plain(line.strip())[:300] for line in dict.fromkeys(found))[:_TOUCHED]


def _name(change: Change) -> str:
    return f"{change.project} {change.number or change.change_id or change.commit}"
