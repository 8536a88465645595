"""What is thought of the builds of a message, before it is posted; no message fails for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.config.directories import Directories
from gatelocal.engine.understand import By, fingerprints, memory, thought_of, words_of
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.result import BuildResult
from gatelocal.model.seen import Seen
from gatelocal.ports import Say
from gatelocal.results.fingerprints.event import Fields
from gatelocal.results.fingerprints.matcher import Matcher
from gatelocal.store.builds import BuildRecord
from gatelocal.store.known import Known


@dataclass(frozen=True, slots=True)
class Causes:
    """Reads what builds have left. :ivar folders: of fingerprints."""

    directories: Directories
    folders: tuple[Path, ...]
    say: Say

    def __call__(self, rows: Sequence[BuildRecord]) -> Mapping[int, Diagnosis]:
        """The number of each build that did not pass → what is thought of it; all are remembered."""
        found: dict[int, Diagnosis] = {}
        ended = [one for one in rows if one.folder and one.state == "done"]
        try:
            known = memory(self.directories)
            try:
                matcher = Matcher(fingerprints(self.folders)[0])
                for one in ended:
                    thought = self._of(one, matcher, known)
                    if thought is not None:
                        found[one.id] = thought
            finally:
                known.close()
        except Exception as error:  # also a mistake in here: the message is posted all the same
            self.say(f"nothing is said of whose fault failures are: {words_of(error)}")
        return found

    def _of(self, record: BuildRecord, matcher: Matcher, known: Known) -> Diagnosis | None:
        final: Final = orders.take(Path(record.folder) / RESULT, Final)
        build: BuildResult = final.result
        if build.outcome.says_nothing:
            return None
        return thought_of(build, _seen(record, build), _fields(record), (), By(matcher, known)).diagnosis


def _seen(record: BuildRecord, build: BuildResult) -> Seen:
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
