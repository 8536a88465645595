"""Where a run's hands are put together: which class does what, with which folders; it does nothing itself."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.engine import place as places
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.engine.road import Hands
from gatelocal.executor.tox import ToxExecutor
from gatelocal.launcher import pool
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.run import RunResult
from gatelocal.ports import Say, Source
from gatelocal.source.gerrit import GerritSource
from gatelocal.source.worktree import Target, WorktreeSource
from git_review import credentials
from git_review.gerrit import connect
from git_review.git.runner import Runner


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
        from gatelocal.engine import road

        place = places.find(request, self._environment)
        with self._folders() as (work, logs):
            return road.run(self._hands(request, place, work, logs), request)

    def _hands(self, request: GateRequest, place: Place, work: Path, logs: Path) -> Hands:
        cache = Cache(self._directories.repositories, say=self._say)
        tree = None if places.on_server(request.change) else request.directory

        def remote(project: str) -> Remote:
            return Remote(project, place.url(project), tree if project == place.project else None)

        return Hands(
            source=_source(request, place),
            merger=Merger(cache, remote),
            launcher=pool.launcher(request.node, self._directories.cache, self._directories.nodes),
            executor=ToxExecutor(self._output, install_packages=request.node != "local"),
            say=self._say,
            host=place.host,
            work=work,
            logs=logs,
        )

    @contextlib.contextmanager
    def _folders(self) -> Iterator[tuple[Path, Path]]:
        """A folder for source trees, removed at the end, and one for logs, which stays."""
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        work = self._directories.cache / "work" / name
        logs = self._directories.runs / name
        for folder in (work, logs):
            folder.mkdir(mode=0o700, parents=True)
        try:
            yield work, logs
        finally:
            shutil.rmtree(work, ignore_errors=True)
            with contextlib.suppress(OSError):
                logs.rmdir()  # only when nothing was written: a run that never came to a build leaves no folder


def _source(request: GateRequest, place: Place) -> Source:
    server = None
    if place.gerrit is not None:
        auth = credentials.find(place.gerrit, Runner(request.directory))
        server = GerritSource(connect(place.gerrit, auth=auth))
    if places.on_server(request.change) and server is not None:
        return server
    tracking = f"refs/remotes/{place.remote}/{place.branch}"
    return WorktreeSource(request.directory, Target(place.project, place.branch, tracking), server)
