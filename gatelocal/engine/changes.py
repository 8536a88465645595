"""Where a run's changes come from and how they are merged: which source and which merger go with a place."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gatelocal.config import zuul_files
from gatelocal.config.directories import Directories
from gatelocal.config.files import files_of_commit
from gatelocal.engine import place as places
from gatelocal.engine.place import Place
from gatelocal.errors import ConfigurationError
from gatelocal.merger.cache import Cache
from gatelocal.merger.merger import Merger, Mode, Remote
from gatelocal.model.change import Change
from gatelocal.model.merged import DEFAULT_MODE, MergeMode, RepoState
from gatelocal.ports import Say, Source
from gatelocal.source.gerrit import GerritSource, refuse_elsewhere
from gatelocal.source.worktree import Target, WorktreeSource
from git_review import credentials
from git_review.gerrit import connect
from git_review.git import objects
from git_review.git.runner import Runner


def source(place: Place, directory: Path, change: str) -> Source:
    """Who answers for a change of that name, and for what it depends on.

    :param directory: anywhere in the work tree that local commits are in.
    """
    server = _server(place, directory)
    named = places.on_server(change, directory) and server is not None
    return server if named and server is not None else _local(place, directory, server)


def _server(place: Place, directory: Path) -> Source | None:
    return None if place.gerrit is None else _WhenAsked(place, place.gerrit, directory)


class _WhenAsked:
    """A Gerrit that is not even asked for a login before somebody wants to know something of it."""

    def __init__(self, place: Place, server: str, directory: Path) -> None:
        self._place = place
        self._server = server
        self._directory = directory
        self._source: GerritSource | None = None

    def change(self, name: str) -> Change:
        """See :class:`gatelocal.ports.Source`."""
        return self._asked().change(name)

    def parents(self, change: Change) -> tuple[Change, ...]:
        """See :class:`gatelocal.ports.Source`."""
        return self._asked().parents(change)

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        """See :class:`gatelocal.ports.Source`. Where the text leads elsewhere, nothing is asked."""
        refuse_elsewhere(reference, (self._server, *self._place.aliases))
        return self._asked().dependencies(reference)

    def _asked(self) -> GerritSource:
        if self._source is None:
            auth = credentials.find(self._server, Runner(self._directory))
            self._source = GerritSource(connect(self._server, auth=auth), self._place.aliases)
        return self._source


def _local(place: Place, directory: Path, server: Source | None) -> Source:
    return WorktreeSource(directory, Target(place.project, place.branch, place.tracking), server)


class Sources:
    """A :class:`gatelocal.ports.Source` for changes of a server and of a work tree side by side."""

    def __init__(self, place: Place, directory: Path) -> None:
        server = _server(place, directory)
        local = _local(place, directory, server)
        self._server = server or local
        self._local = local if place.project else self._server
        self._directory = directory

    def change(self, name: str) -> Change:
        """See :class:`gatelocal.ports.Source`."""
        return (self._server if places.on_server(name, self._directory) else self._local).change(name)

    def parents(self, change: Change) -> tuple[Change, ...]:
        """See :class:`gatelocal.ports.Source`."""
        return self._local.parents(change)

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        """See :class:`gatelocal.ports.Source`."""
        return self._local.dependencies(reference)


def merger(
    place: Place, directories: Directories, work_tree: Path, say: Say, mode: Mode | None = None, *, fresh: float = 0.0
) -> Merger:
    """A merger over this user's caches.

    :param work_tree: anywhere in a clone of the place's project, if it has one.
    :param fresh: what a server told so many seconds ago, or later, is not asked for again.
    :param mode: how projects' changes are merged; by default as a project's own configuration says.
    """

    @cache
    def top() -> Path:
        """Git fetches from the top of a work tree alone."""
        told = Runner(work_tree).query("rev-parse", "--show-toplevel", ok=(0, 128)).text
        return Path(told) if told else work_tree

    def remote(project: str) -> Remote:
        changes = place.changes_url(project)
        return Remote(project, place.url(project), top() if project == place.project else None, changes)

    return Merger(Cache(directories.repositories, say=say), remote, mode or own_mode, fresh=fresh)


def own_mode(repository: Path, state: RepoState) -> MergeMode:
    """The ``merge-mode`` of the project's own configuration, Zuul's default where it says nothing.

    As with Zuul, branches are asked one after another, the usual default branches first, and the first word counts.
    The change that is merged has no say in it.
    """
    first = [name for name in (state.default_branch, "master", "main") if name in state.branches]
    git = objects.alone(repository)
    for branch in [*dict.fromkeys([*first, *sorted(state.branches)])][:_ASKED]:
        commit = state.branches[branch or ""]
        if git.query("grep", "-qF", "merge-mode", commit, "--", *_PLACES, ok=(0, 1)).sure().status == 0:
            found = _said(repository, commit, state.project)
            if found is not None:
                return found
    return DEFAULT_MODE


_PLACES = ("zuul.yaml", ".zuul.yaml", "zuul.d", ".zuul.d")
_ASKED = 3
"""How many branches are asked: a project that says it says it on one of the first."""


def _said(repository: Path, commit: str, project: str) -> MergeMode | None:
    known = {mode.value: mode for mode in MergeMode}
    try:
        stanzas = zuul_files.load(files_of_commit(repository, commit))
    except ConfigurationError:
        return None
    for stanza in stanzas:
        said = stanza.body.get("merge-mode")
        if stanza.kind == "project" and stanza.name in ("", project) and isinstance(said, str) and said in known:
            return known[said]
    return None
