"""Copies of repositories that a plan needs and that lie on a server; nothing but branches is asked for."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path
from urllib.parse import quote

from gatelocal.config.repositories import is_repository
from gatelocal.disk import is_full
from gatelocal.errors import InfrastructureError, NoSpace, is_damage, not_written
from gatelocal.lock import held
from gatelocal.model.text import plain
from gatelocal.ports import Say
from git_review.git.errors import GitError
from git_review.git.runner import Runner, without_password

FRESH = 600.0
"""A copy is used as it is for so many seconds; then the server is asked again."""

_TIMEOUT = 900.0
_ANSWER = 60.0
_STAMP = "gatelocal-fetched"
_NO_ANSWER = ("resolve host", "onnect to", "refused", "timed out", "no answer", "unreachable")
"""How git says that there is nobody at an address, rather than no such repository."""
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "fetch.fsckObjects=true")
_QUIET = "--quiet --no-tags --prune --no-write-fetch-head --no-recurse-submodules --update-head-ok --depth=1".split()


class Clones:
    """The folder of these copies.

    :param folder: readable by nobody else; made when it is needed. :param say: receives what is waited for.
    """

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._say = say
        self._instead: tuple[tuple[str, str], ...] | None = None
        self._silent: dict[str, str] = {}
        self._asked: set[str] = set()

    def get(self, project: str, url: str) -> Path:
        """A bare copy of the repository's branches, not older than :data:`FRESH`.

        What git's own ``insteadOf`` turns into a folder of this machine is no copy, but that folder. A server that does
        not answer is asked once.

        A server that does not answer is forgiven when there is a copy: it is used, and that is said.

        :raises InfrastructureError: there is no copy and none to be had.
        """
        if url.startswith("-") or url != plain(url):
            raise InfrastructureError(f"{plain(url)!r} is no address")
        if (local := self._local(url)) is not None:
            return local
        key = hashlib.sha256(f"{project}\0{without_password(url)}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        path = self._folder / f"{quote(project, safe='')[:100]}-{key}.git"
        try:
            if _age(path) > FRESH:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with held(path.with_suffix(".lock"), f"the copy of {plain(project)}", _TIMEOUT, self._say):
                    self._renew(project, url, path)
        except OSError as error:
            raise not_written(f"cannot keep a copy of {plain(project)}", error, self._folder) from error
        return path

    def _renew(self, project: str, url: str, path: Path) -> None:
        """Make the copy, or bring it up to date, unless another process has just done so. Its lock has to be held."""
        if not path.exists():
            self._make(project, url, path)
        elif _age(path) > FRESH:
            self._refresh(project, url, path)

    def _local(self, url: str) -> Path | None:
        """The repository on this machine that the person's git takes for that address."""
        if self._instead is None:
            told = Runner(Path("/")).query("config", "-z", "--get-regexp", r"^url\..*\.insteadof$", ok=(0, 1)).stdout
            pairs = (record.partition("\n")[::2] for record in told.split("\0") if record)
            self._instead = tuple((old, key[len("url.") : -len(".insteadof")]) for key, old in pairs)
        fitting = [pair for pair in self._instead if url.startswith(pair[0])]
        if not fitting:
            return None
        old, new = max(fitting, key=lambda pair: len(pair[0]))
        place = f"{new}{url.removeprefix(old)}".removeprefix("file://")
        if not place.startswith("/"):
            return None
        for path in (Path(place), Path(f"{place}.git")):
            if is_repository(path):
                return path
        raise InfrastructureError(f"there is no repository {plain(place)}, where git's insteadOf leads")

    def _make(self, project: str, url: str, path: Path) -> None:
        server = "/".join(url.split("/")[:3])
        if server in self._silent:
            raise InfrastructureError(
                f"cannot fetch {project}: {plain(server)} did not answer", details=self._silent[server]
            )
        draft = path.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        try:
            Runner(self._folder, alone=True).run(
                "init", "--quiet", "--bare", "--template=", "--initial-branch=master", "--", draft.name
            )
            if server not in self._asked:  # a fetch may wait long, and for a whole tenant once for each project
                self._asked.add(server)
                Runner(draft).query("ls-remote", "--", url, "HEAD", timeout=_ANSWER)
            self._fetch(project, url, draft)
            draft.rename(path)
        except GitError as error:
            if is_full(error.details, self._folder):
                raise NoSpace(f"fetching {plain(project)}", error.details, self._folder) from error
            shown = plain(without_password(url))
            if any(word in f"{error.brief} {error.details}" for word in _NO_ANSWER):
                self._silent[server] = error.details or error.brief
            raise InfrastructureError(
                f"cannot fetch {project} from {shown}", details=error.details or error.brief, hint=error.hint
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _refresh(self, project: str, url: str, path: Path) -> None:
        for lock in path.glob("**/*.lock"):  # of a git that was killed
            lock.unlink(missing_ok=True)
        try:
            self._fetch(project, url, path)
        except GitError as error:
            if is_damage(error.details):
                self._say(f"{plain(project)}: {path} is damaged and made anew")
                shutil.rmtree(path)
                return self._make(project, url, path)
            full = is_full(error.details, self._folder)
            why = (
                f"the disk of {self._folder} is full" if full else f"the server does not answer ({plain(error.brief)})"
            )
            self._say(f"{project}: {why}, an older copy is used")

    def _fetch(self, project: str, url: str, path: Path) -> None:
        self._say(f"fetching {project} from {plain(without_password(url))}")
        git = Runner(path)
        git.run(*_SAFE, "fetch", *_QUIET, "--", url, "+refs/heads/*:refs/heads/*", timeout=_TIMEOUT)
        head = git.query("ls-remote", "--symref", "--", url, "HEAD", timeout=_TIMEOUT).stdout
        first = head.partition("\n")[0]
        if first.startswith("ref: refs/heads/"):
            git.run("symbolic-ref", "HEAD", first[len("ref: ") :].partition("\t")[0])
        (path / _STAMP).write_text("")


def _age(path: Path) -> float:
    stamp = path / _STAMP
    return time.time() - stamp.stat().st_mtime if stamp.exists() else float("inf")
