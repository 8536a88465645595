"""What is thought of the builds of a message, before it is posted; no message fails for it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.config.directories import Directories
from gatelocal.engine.understand import By, fingerprints, memory, said_lines, thought_of, words_of
from gatelocal.errors import InfrastructureError
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.result import BuildResult
from gatelocal.model.seen import Seen
from gatelocal.ports import Say
from gatelocal.results.fingerprints.event import Fields
from gatelocal.results.fingerprints.matcher import Matcher
from gatelocal.store.builds import BuildRecord
from gatelocal.store.known import KEPT

THOUGHT = "thought.json"


@dataclass(frozen=True, slots=True)
class Causes:
    """Reads what builds have left. :ivar folders: of fingerprints."""

    directories: Directories
    folders: tuple[Path, ...]
    say: Say

    def __call__(self, rows: Sequence[BuildRecord]) -> Mapping[int, Diagnosis]:
        """The number of each build that did not pass → what is thought of it; all are remembered.

        :param rows: those of an item, with those of the branch itself. They are taken in the order in which they tell
            of one another: the branch itself first, then a confirmation after what it confirms.
        """
        found: dict[int, Diagnosis] = {}
        ended = [one for one in rows if one.folder and one.state == "done"]
        ended.sort(key=lambda one: (not one.control, one.id))
        tips = {(one.item, one.project): _own(one.commits, one.project) for one in ended if one.control}
        try:
            with closing(memory(self.directories)) as known, closing(said_lines(self.directories)) as lines:
                by = By(Matcher(fingerprints(self.folders)[0]), known, lines)
                for one in ended:
                    thought = self._of(one, by, tips.get((one.item, one.project), ""))
                    if thought is not None:
                        found[one.id] = thought
                known.prune(time.time() - KEPT)
                lines.prune()
        except Exception as error:  # also a mistake in here: the message is posted all the same
            self.say(f"nothing is said of whose fault failures are: {words_of(error)}")
        return found

    def _of(self, record: BuildRecord, by: By, base: str) -> Diagnosis | None:
        final: Final = orders.take(Path(record.folder) / RESULT, Final)
        build: BuildResult = final.result
        if build.outcome.says_nothing:
            return None
        thought = thought_of(build, _seen(record, build, base), _fields(record), (), by).diagnosis
        if thought is not None:
            with suppress(OSError):
                orders.put(Path(record.folder) / THOUGHT, thought)
        return thought


def kept(record: BuildRecord) -> Diagnosis | None:
    """What was thought of a build when a message told of it; None where nothing was, or it is not there any more."""
    if not record.folder:
        return None
    with suppress(InfrastructureError):
        found: Diagnosis = orders.take(Path(record.folder) / THOUGHT, Diagnosis)
        return found
    return None


def _own(commits: Mapping[str, Mapping[str, str]] | None, project: str) -> str:
    """The commit of a project, if it is one alone."""
    found = tuple((commits or {}).get(project, {}).values())
    return found[0] if len(found) == 1 else ""


def _seen(record: BuildRecord, build: BuildResult, base: str) -> Seen:
    trees = json.dumps(record.trees or {}, sort_keys=True)
    return Seen(
        id=f"serve/{record.id}/{Path(record.folder).name}",
        at=record.ended or record.asked,
        project=record.project,
        branch=next(iter((record.trees or {}).get(record.project, {})), ""),
        job=record.job,
        outcome=build.outcome.value,
        change=f"{record.project} {record.change}",
        seconds=build.seconds,
        voting=record.voting,
        tree=hashlib.sha256(trees.encode()).hexdigest() if record.trees else "",
        base=base,
        alone=record.control,
        node=record.node,
        failed=tuple(dict.fromkeys(one.name for one in build.failures)),
        passed=tuple(dict.fromkeys(one.name for one in build.tests if not one.failed)),
    )


def _fields(record: BuildRecord) -> Fields:
    return {
        "build_queue": (record.pipeline,),
        "build_change": (record.change,),
        "build_patchset": (str(record.patchset),),
        "build_node": (record.node,),
        "project": (record.project,),
    }


def nothing(rows: Sequence[BuildRecord]) -> Mapping[int, Diagnosis]:
    """Nobody thinks."""
    return {}
