"""Bare caches of projects' repositories, one for each (project, server); it reads from servers and work trees only."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

from gatelocal.disk import is_full
from gatelocal.errors import (
    DamagedCache,
    InfrastructureError,
    InputError,
    NoSpace,
    as_machinery,
    is_damage,
    not_written,
)
from gatelocal.lock import held
from gatelocal.merger import repair
from gatelocal.merger.borrow import borrow
from gatelocal.model.text import plain
from gatelocal.ports import Say
from git_review.git import leftovers, objects
from git_review.git.errors import GitError
from git_review.git.runner import Runner, without_password

RUNS = "refs/gatelocal/"
"""Under it each run protects its commits; the name begins with the day, so that leftovers of a crash can go."""
_LEFTOVERS = timedelta(days=7)
_MANY = 2000  # refs
_STAMP = "gatelocal-fetched"
"""A file as old as the branches and tags are; in it the default branch, when that is known."""
_NO_HEAD = "refs/gatelocal-none"  # a HEAD that names a branch would lend that branch's .gitattributes to merges
_QUIET = (
    "--quiet --no-tags --no-write-fetch-head --no-auto-maintenance --no-recurse-submodules --no-show-forced-updates"
    " --update-head-ok"
).split()
# A person's own configuration counts in a fetch (credentials, proxies, insteadOf), except where it would act on us.
_OURS = ("-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0", "-c", "fetch.prune=false")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds: for another process, for a server."""

    lock: float = 600.0
    fetch: float = 1800.0


DEFAULT_LIMITS = Limits()


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The bare cache of one project.

    :ivar path: the repository; nothing but this room writes to it.
    :ivar login: variables that let git in at the server, beside what the user's configuration says.
    """

    project: str
    url: str
    path: Path
    limits: Limits = DEFAULT_LIMITS
    say: Say = _silent
    login: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def git(self) -> Runner:
        """git in the repository, without anybody's configuration."""
        return objects.alone(self.path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from fetching into the repository and from repacking it."""
        lock = self.path.with_suffix(".lock")
        with held(lock, f"the cache of {plain(self.project)}", self.limits.lock, self.say):
            yield

    def fetch(
        self,
        refs: Sequence[str] = (),
        *,
        clone: Path | None = None,
        fresh: float = 0.0,
        beside: Sequence[str] = (),
    ) -> bool:
        """Bring branches, tags and the given refs (of changes) up to date.

        Whoever waits here for another fetch, which begins only then, need not ask for branches and tags again.

        :param clone: a clone of the project on this machine, whose objects need not be fetched; it is only read.
        :param fresh: branches and tags that were asked for so many seconds ago, or later, are as good as new.
        :param beside: refs that are taken along if the server is asked anyway, as far as it has them.
        :returns: whether branches and tags were asked for.
        :raises InputError: the server has no such ref. :raises InfrastructureError: no answer, or no access.
        """
        since = time.time() - fresh
        if self._is_known(since) and not refs:
            return False
        self.say(f"fetching {plain(self.project)} from {plain(without_password(self.url))}")
        with self.locked():
            known = self._is_known(since)
            if known and not refs:
                return False
            began = time.time()
            specs = [] if known else ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
            new = not (self.path / "packed-refs").exists()
            if new:
                self._borrow(clone)
                self._take_many()
            options = [] if known else ["--prune"]
            try:
                self._fetch(self.url, options, [*specs, *_same((*refs, *beside))])
            except InputError:
                if not beside:
                    raise
                self._fetch(self.url, options, [*specs, *_same(refs)])
            self._tidy(new)
            if not known:
                (self.path / _STAMP).write_text("")
                os.utime(self.path / _STAMP, (began, began))
        return not known

    def fetch_changes(self, url: str, refs: Sequence[str]) -> None:
        """Bring refs of changes up to date from another address than that of the branches. Errors as for `fetch`."""
        self.say(f"fetching changes of {plain(self.project)} from {plain(without_password(url))}")
        with self.locked():
            self._fetch(url, [], _same(refs))

    def take(self, work_tree: Path, commits: Sequence[str]) -> None:
        """Copy commits with their history out of a repository on this machine, which is only read."""
        missing = self.missing(commits)
        if missing:
            with self.locked():
                self._fetch(str(work_tree.absolute()), [], [f"+{sha}:{_taken(sha)}" for sha in missing])

    def missing(self, commits: Iterable[str]) -> list[str]:
        """Those of the objects that are not here."""
        asked = list(dict.fromkeys(commits))
        told = self.git.query("cat-file", "--batch-check", stdin="".join(f"{sha}\n" for sha in asked)).lines
        return [sha for sha, line in zip(asked, told, strict=True) if line.endswith(" missing")]

    def fetch_commit(self, sha: str) -> None:
        """Ask the server for a commit that no ref of it may lead to any more. Errors as for :meth:`fetch`."""
        with self.locked():
            self._fetch(self.url, [], [f"+{sha}:{_taken(sha)}"])

    def pack(self, commits: Sequence[str], without: Sequence[str], bundle: Path) -> None:
        """Write commits, with all that the commits `without` do not have, into a file for :meth:`unpack`."""
        refs = {_taken(sha): sha for sha in commits}
        with self.locked(), as_machinery(f"packing commits of {plain(self.project)}", self.path, bundle.parent):
            self._mended(partial(objects.update_references, self.git, refs))
            self.git.run("bundle", "create", "--quiet", str(bundle), *refs, "--not", *without)

    def point(self, wanted: Mapping[str, str], gone: Collection[str] = ()) -> None:
        """Point refs at objects and delete others; see :func:`git_review.git.objects.update_references`."""
        try:
            objects.update_references(self.git, wanted, gone)
        except GitError as error:
            if not repair.is_locked(error):
                raise
            with self.locked():
                self._mended(partial(objects.update_references, self.git, wanted, gone))

    def unpack(self, bundle: Path) -> None:
        """Take in the commits of such a file. :raises InfrastructureError: it is broken, or its base is not here."""
        with self.locked():
            self._fetch(str(bundle.absolute()), [], [f"+{RUNS}*:{RUNS}{_today()}-taken/*"])

    def default_branch(self, *, fresh: float = 0.0) -> str | None:
        """The branch that the server's HEAD names; None when it names none. Asks the server.

        :param fresh: as for :meth:`fetch`.
        """
        stamp = self.path / _STAMP
        if self._is_known(time.time() - fresh) and (told := stamp.read_text()):
            return told
        found = self._default_branch()
        if stamp.exists():
            when = stamp.stat().st_mtime
            stamp.write_text(found or "")
            os.utime(stamp, (when, when))
        return found

    def _default_branch(self) -> str | None:
        with as_machinery(f"asking for the default branch of {plain(self.project)}"):
            told = self._person().query("ls-remote", "--symref", "--", self.url, "HEAD", timeout=self.limits.fetch)
        found = re.search(r"^ref: refs/heads/(.+)\tHEAD$", told.stdout, re.MULTILINE)
        return found[1] if found else None

    def _person(self) -> Runner:
        """git in this repository with the user's configuration, whatever repository the caller's variables name."""
        place = str(self.path)
        variables = {
            "GIT_DIR": place,
            "GIT_COMMON_DIR": place,
            "GIT_OBJECT_DIRECTORY": f"{place}/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_NO_LAZY_FETCH": "1",
        }
        return Runner(self.path, environment={**self.login, **variables})

    def _fetch(self, url: str, options: Sequence[str], specs: Sequence[str], stdin: str | None = None) -> None:
        args = (*_OURS, "fetch", *_QUIET, *options, "--", url, *specs)
        fetch = partial(self._person().run, *args, stdin=stdin, timeout=self.limits.fetch)
        with self._telling(url), leftovers.swept(self.path / "objects"):
            self._mended(fetch)

    def _mended(self, action: Callable[[], object]) -> None:
        """Do it, and once more without git's own locks when those that a crash has left are in the way."""
        try:
            action()
        except GitError as error:
            if not repair.is_locked(error):
                raise
            locks = ", ".join(repair.unlock(self.path))
            self.say(f"removed what a crash has left in the cache of {plain(self.project)}: {plain(locks)}")
            action()

    @contextmanager
    def _telling(self, url: str) -> Iterator[None]:
        """Say of a failure to fetch which project it was and from where, without a password."""
        try:
            yield
        except GitError as error:
            shown = plain(without_password(url))
            unknown = re.search(r"couldn't find remote ref (\S+)|not our ref (\S+)", error.details)
            if unknown:
                raise InputError(
                    f"{plain(self.project)} at {shown} has no {unknown[1] or unknown[2]}", details=error.details
                ) from error
            if is_full(error.details, self.path.parent):
                raise NoSpace(f"fetching {plain(self.project)}", error.details, self.path.parent) from error
            if is_damage(error.details):
                raise DamagedCache(
                    f"fetching {plain(self.project)}: the cache is damaged", self.path, error.details
                ) from error
            if repair.is_locked(error):
                hint = f"is there another git at work in {self.path}? If not, remove that folder: it is made anew"
                raise InfrastructureError(
                    f"cannot fetch {plain(self.project)}", details=error.details, hint=hint
                ) from error
            hint = error.hint or "does `git ls-remote` with this address work? Are the name and the access right?"
            raise InfrastructureError(
                f"cannot fetch {plain(self.project)} from {shown}", details=error.details or error.brief, hint=hint
            ) from error

    def _is_known(self, since: float) -> bool:
        """Whether branches and tags were asked for at that time or later; never, where the clock was set back."""
        try:
            asked = (self.path / _STAMP).stat().st_mtime
        except OSError:
            return False
        return since <= asked <= time.time()

    def _borrow(self, clone: Path | None) -> None:
        """Take what a clone has, so that the server is told of it, and sends the rest."""
        if clone is None:
            return
        tips = borrow(clone, self.path)
        if tips:
            self.say(f"taking what {plain(str(clone.absolute()))} has of {plain(self.project)}")
            with as_machinery(f"keeping the objects of {plain(self.project)}", into=self.path):
                objects.update_references(self.git, {_taken(sha): sha for sha in tips})

    def _take_many(self) -> None:
        """Prepare the first fetch from a repository with very many branches or tags: all of them go into one file.

        Git itself would write a file, and perhaps folders, for each: minutes, and gigabytes of disk.
        """
        ours = ("refs/heads/*", "refs/tags/*")
        with self._telling(self.url):
            listed = self._person().query("ls-remote", "--refs", "--", self.url, *ours, timeout=self.limits.fetch)
        refs = {name: sha for sha, _, name in (line.partition("\t") for line in listed.lines)}
        if len(refs) < _MANY:
            return
        self._fetch(self.url, ["--stdin"], [], stdin="".join(f"{sha}\n" for sha in dict.fromkeys(refs.values())))
        missing = set(self.missing(refs.values()))
        names = sorted((name for name, sha in refs.items() if sha not in missing), key=os.fsencode)
        text = "".join(["# pack-refs with: sorted \n", *(f"{refs[name]} {name}\n" for name in names)])
        (self.path / "packed-refs").write_bytes(os.fsencode(text))

    def _tidy(self, new: bool) -> None:
        """Forget the runs that crashed long ago, and let git pack when it finds that it has to."""
        oldest = (datetime.now(UTC) - _LEFTOVERS).strftime("%Y%m%d")
        with as_machinery(f"tidying the cache of {plain(self.project)}", self.path):
            left = [ref for ref in objects.references(self.git, RUNS) if ref.removeprefix(RUNS)[:8] < oldest]
            self._mended(partial(objects.update_references, self.git, {}, left))
            self._mended(partial(self.git.run, "gc", "--auto", "--quiet"))
            if new:
                self._mended(partial(self.git.run, "pack-refs", "--all"))


class Cache:
    """All bare caches of one user.

    :param root: their folder, readable by nobody else; made when it is not there.
    :param say: receives what a slow step waits for. :param login: see :class:`Repository`.
    """

    def __init__(
        self,
        root: Path,
        *,
        limits: Limits = DEFAULT_LIMITS,
        say: Say = _silent,
        login: Mapping[str, str] | None = None,
    ) -> None:
        self._root = root.absolute()
        self._limits = limits
        self._say = say
        self._login = login or {}

    def repository(self, project: str, url: str) -> Repository:
        """The cache of that project at that address, empty when it is new.

        Two addresses never share one, and no project name leads out of the root.
        """
        if not url or url.startswith("-") or url != plain(url) or "\t" in url:
            raise InputError(f"no address to fetch {plain(project)} from: {plain(without_password(url))!r}")
        repository = Repository(
            project, url, self._root / f"{_name(project, url)}.git", self._limits, self._say, self._login
        )
        if not repository.path.exists():
            self._make(repository)
        return repository

    def _make(self, repository: Repository) -> None:
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise not_written(f"cannot make the cache folder {self._root}", error, self._root) from error
        doing = f"making the cache of {plain(repository.project)}"
        with repository.locked(), as_machinery(doing, into=self._root):
            if repository.path.exists():
                return
            draft = repository.path.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed
            git = objects.alone(self._root)
            git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", draft.name)
            objects.alone(draft).run("symbolic-ref", "HEAD", _NO_HEAD)
            draft.chmod(0o700)
            draft.rename(repository.path)


def _name(project: str, url: str) -> str:
    """A file name of its own for each project and server; its readable part only helps a person who looks."""
    key = hashlib.sha256(f"{project}\0{without_password(url)}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{quote(plain(project), safe='')[:100]}-{key}"


def _same(refs: Iterable[str]) -> list[str]:
    """What fetches refs under their own names."""
    return [f"+{ref}:{ref}" for ref in refs]


def _taken(sha: str) -> str:
    """The ref that keeps a commit that is on no branch, for some days."""
    return f"{RUNS}{_today()}-taken/{sha}"


def _today() -> str:
    return datetime.now(UTC).strftime("%Y%m%d")
