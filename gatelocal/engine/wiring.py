"""Where a run's hands are put together: which class does what, with which folders; it does nothing itself."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gatelocal.builds import nursery
from gatelocal.config import fingerprint_files, history_file
from gatelocal.config.directories import Directories, ensure_state
from gatelocal.config.labels import labels
from gatelocal.engine import changes, pruning, run_folder
from gatelocal.engine import place as places
from gatelocal.engine import tenancy as tenancies
from gatelocal.engine.mend import mending
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.tenancy import Asked
from gatelocal.engine.work import Tools
from gatelocal.jobs.devstack.wanted import sized
from gatelocal.launcher import capacity
from gatelocal.model import terms
from gatelocal.model.happening import Progress, RunEnded, Watch
from gatelocal.model.job import Job
from gatelocal.model.recipe import Recipe
from gatelocal.model.run import RunResult
from gatelocal.ports import Source
from gatelocal.results import history
from git_review.errors import ReviewError


class Wired:
    """A gate on this machine; see :class:`gatelocal.engine.gate.Gate`, which imports none of this before a run."""

    def __init__(self, directories: Directories, environment: Mapping[str, str], watch: Watch) -> None:
        self._environment = environment
        self._directories = directories
        self._watch = watch

    def run(self, request: GateRequest) -> RunResult:
        """See :meth:`gatelocal.engine.gate.Gate.run`."""
        return self._ended(mending(self._say, lambda: self._once(request)))

    def again(self, recipe: Recipe, folder: Path, request: GateRequest) -> RunResult:
        """See :meth:`gatelocal.engine.gate.Gate.again`."""
        from gatelocal.engine.rebuild import Kitchen
        from gatelocal.engine.rerun import rerun

        kitchen = Kitchen(self._directories, folder, folder, self._say, self._own_place(request))
        urls = {one.project: kitchen.url(one.project, one.url) for one in recipe.repositories}
        place = places.of_recipe(recipe.host, recipe.change.project, urls)
        asked = Asked(request.config, request.tenant, request.directory, recipe.change.project)
        tenancy = tenancies.find(asked, place, self._directories)

        def once() -> RunResult:
            with self._folder() as logs:
                tools = replace(self._tools(request, place, logs), tenancy=tenancy)
                return rerun(recipe, kitchen, tools, request)

        return self._ended(mending(self._say, once))

    def resume(self, name: str, directory: Path) -> RunResult:
        """See :meth:`gatelocal.engine.gate.Gate.resume`."""
        folder = run_folder.choose(self._directories.runs, name, directory)
        self._say(f"going on with the run {folder.path.name}")
        return self._ended(self._in(folder.path, folder.begun().request))

    def _own_place(self, request: GateRequest) -> Place | None:
        """The server of the work tree that the person is in."""
        try:
            return places.find(request, self._environment)
        except ReviewError:
            return None

    def _say(self, text: str) -> None:
        self._watch(Progress(text=text))

    def _ended(self, result: RunResult) -> RunResult:
        """Tell of the end; the history is told once, however often a run is gone on with."""
        self._watch(RunEnded(result=result))
        folder = RunFolder(Path(result.logs))
        with contextlib.suppress(OSError):
            folder.keep_result(result)
        if not folder.first_end():
            return result
        now = datetime.now(UTC).isoformat(timespec="seconds")
        history_file.append(
            self._directories.history, [history.line_of(one) for one in history.records_of(result, now)]
        )
        with contextlib.suppress(OSError):
            gone = pruning.prune(self._directories, pruning.keep(self._environment), time.time())
            if gone:
                self._say(f"old runs are removed ({pruning.VARIABLE}): {', '.join(gone)}")
        return result

    def _once(self, request: GateRequest) -> RunResult:
        with self._folder() as logs:
            return self._in(logs, request)

    def _in(self, logs: Path, request: GateRequest) -> RunResult:
        from gatelocal.engine import local

        place = places.find(request, self._environment)
        asked = Asked(request.config, request.tenant, request.directory)
        tenancy = tenancies.find(asked, place, self._directories)
        place = tenancies.located(place, tenancy)
        if request.ahead:
            source: Source = changes.Sources(place, request.directory)
        else:
            source = changes.source(place, request.directory, request.change)
        with RunFolder(logs).interruptible():
            return local.run(replace(self._tools(request, place, logs), tenancy=tenancy), source, request)

    def _tools(self, request: GateRequest, place: Place, logs: Path) -> Tools:
        terms.of(self._environment)  # to be told of a mistake in it now, and not when a node is held
        pruning.keep(self._environment)
        prints = fingerprint_files.folders(self._directories, self._environment)
        return Tools(
            merger=changes.merger(place, self._directories, request.directory, self._say).pinned(
                {(place.project, place.branch): request.base} if request.base else {}
            ),
            builder=nursery.Nursery(),
            kind=request.node,
            watch=self._live(prints),
            place=place,
            logs=logs,
            width=request.width or capacity.builds(),
            weigh=self._weigher(request),
            directories=self._directories,
            fingerprints=prints,
        )

    def _live(self, prints: tuple[Path, ...]) -> Watch:
        """Who is told what happens; with fingerprints, of known bugs too."""
        if not prints:
            return self._watch
        from gatelocal.engine import understand
        from gatelocal.engine.live import Live
        from gatelocal.results.fingerprints.matcher import Matcher

        return Live(self._watch, Matcher(understand.fingerprints(prints)[0]))

    def _weigher(self, request: GateRequest) -> Callable[[Job], int]:
        """For how many builds a job counts: whoever says how many there may be, or has them run here, counts jobs."""
        if request.width or request.node == "local":
            return lambda job: 1
        table = labels(self._directories.configuration)
        return lambda job: capacity.seats(sized(table, job), job.nodesets)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for a run's logs; one that never came to a build leaves none."""
        logs = self._directories.runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        ensure_state(logs)
        try:
            yield logs
        finally:
            RunFolder(logs).forget()
