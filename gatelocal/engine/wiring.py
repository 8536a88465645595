"""Where a run's hands are put together: which class does what, with which folders; it does nothing itself."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gatelocal.builds import nursery
from gatelocal.config import history_file
from gatelocal.config.directories import Directories
from gatelocal.engine import changes, run_folder
from gatelocal.engine import place as places
from gatelocal.engine import tenancy as tenancies
from gatelocal.engine.mend import mending
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.engine.run_folder import RunFolder
from gatelocal.engine.tenancy import Asked
from gatelocal.engine.work import Tools
from gatelocal.launcher import capacity
from gatelocal.model.recipe import Recipe
from gatelocal.model.run import RunResult
from gatelocal.ports import Say, Source
from gatelocal.results import history
from git_review.errors import ReviewError


class Gate:
    """The gate as a library: a request in, a verdict out.

    :param directories: where caches and logs are kept.
    :param environment: the process's variables; GATELOCAL_GERRIT is read.
    :param say: receives a line for each slow step. :param output: receives each line that a job writes.
    """

    def __init__(self, directories: Directories, environment: Mapping[str, str], say: Say, output: Say) -> None:
        self._directories = directories
        self._environment = environment
        self._say = say
        self._output = output

    def run(self, request: GateRequest) -> RunResult:
        """Take a change to its verdict.

        :raises gatelocal.errors.GateError: there can be no verdict; its exit code says of what kind the reason is.
        """
        return self._remembered(mending(self._say, lambda: self._once(request)))

    def again(self, recipe: Recipe, folder: Path, request: GateRequest) -> RunResult:
        """Run the jobs of a recipe once more.

        :param folder: the recipe's own, which may have files beside it.
        :param request: which of the jobs, and on what; its change does not count.
        :raises gatelocal.errors.GateError: as for :meth:`run`, or what was merged cannot be had any more.
        """
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

        return self._remembered(mending(self._say, once))

    def resume(self, name: str, directory: Path) -> RunResult:
        """Go on with a run whose process was ended at any moment; the verdict again, where it had come to one.

        :param name: the run's, or how it begins; empty: the latest one that was begun in `directory`.
        :raises gatelocal.errors.GateError: as for :meth:`run`, or there is no such run, or somebody is at it.
        """
        folder = run_folder.choose(self._directories.runs, name, directory)
        self._say(f"going on with the run {folder.path.name}")
        return self._remembered(self._in(folder.path, folder.begun().request))

    def _own_place(self, request: GateRequest) -> Place | None:
        """The server of the work tree that the person is in."""
        try:
            return places.find(request, self._environment)
        except ReviewError:
            return None

    def _remembered(self, result: RunResult) -> RunResult:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        history_file.append(
            self._directories.history, [history.line_of(one) for one in history.records_of(result, now)]
        )
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
        return local.run(replace(self._tools(request, place, logs), tenancy=tenancy), source, request)

    def _tools(self, request: GateRequest, place: Place, logs: Path) -> Tools:
        return Tools(
            merger=changes.merger(place, self._directories, request.directory, self._say),
            builder=nursery.Nursery(),
            kind=request.node,
            say=self._say,
            output=self._output,
            place=place,
            logs=logs,
            width=request.width or capacity.builds(),
            directories=self._directories,
        )

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder for a run's logs; one that never came to a build leaves none."""
        logs = self._directories.runs / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        logs.mkdir(mode=0o700, parents=True)
        try:
            yield logs
        finally:
            RunFolder(logs).forget()
