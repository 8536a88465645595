"""Known bugs told while a job still runs, as soon as its output has them; what it is taken for is said at the end."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatelocal.model.happening import Happening, JobEnded, JobStarted, Output, Progress, Watch
from gatelocal.model.result import JOB_OUTPUT
from gatelocal.results.fingerprints.matcher import Matcher, Matching, Scanner
from gatelocal.results.logs.named import of_file


class Live:
    """Passes on all that happens, and says which fingerprints a job's output is the first time true of.

    What is known of a build at its end alone (its outcome, its tests) is not known yet: fingerprints that ask for it
    wait. So do the last few kilobytes.
    """

    def __init__(self, watch: Watch, matcher: Matcher) -> None:
        self._watch, self._matcher = watch, matcher
        self._jobs: dict[str, tuple[Matching, Scanner]] = {}

    def __call__(self, one: Happening) -> None:
        """Something happens."""
        self._watch(one)
        match one:
            case JobStarted(job=job):
                matching = Matching(self._matcher, {"build_name": (job,), "voting": ("1",)})
                self._jobs[job] = (matching, matching.file(JOB_OUTPUT, of_file(PurePosixPath(JOB_OUTPUT))))
            case Output(job=job, line=line) if job in self._jobs:
                self._hear(job, f"{line}\n".encode("utf-8", "replace"))
            case JobEnded(job=job):
                self._jobs.pop(job, None)
            case _:
                pass

    def _hear(self, job: str, data: bytes) -> None:
        matching, scanner = self._jobs[job]
        before = len(matching.hits)
        scanner.feed(data)
        for hit in matching.hits[before:]:
            found = hit.fingerprint
            if not found.silent:
                name = " ".join(filter(None, (found.bug, found.title, found.link)))
                self._watch(Progress(text=f"this looks like a known bug: {name}: {hit.text}", job=job))
