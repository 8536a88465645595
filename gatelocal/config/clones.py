"""Copies of repositories that a plan needs and that lie on a server; nothing but branches is asked for."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from gatelocal.errors import InfrastructureError
from gatelocal.model.text import plain
from gatelocal.ports import Say
from git_review.git.errors import GitError
from git_review.git.runner import Runner, without_password

FRESH = 600.0
"""A copy is used as it is for so many seconds; then the server is asked again."""

_TIMEOUT = 900.0
_STAMP = "gatelocal-fetched"
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "fetch.fsckObjects=true")
_QUIET = "--quiet --no-tags --prune --no-write-fetch-head --no-recurse-submodules --update-head-ok --depth=1".split()


class Clones:
    """The folder of these copies.

    :param folder: readable by nobody else; made when it is needed. :param say: receives what is waited for.
    """

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder
        self._say = say

    def get(self, project: str, url: str) -> Path:
        """A bare copy of the repository's branches, not older than :data:`FRESH`.

        A server that does not answer is forgiven when there is a copy: it is used, and that is said.

        :raises InfrastructureError: there is no copy and none to be had.
        """
        if url.startswith("-") or url != plain(url):
            raise InfrastructureError(f"{plain(url)!r} is no address")
        key = hashlib.sha256(f"{project}\0{without_password(url)}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        path = self._folder / f"{quote(project, safe='')[:100]}-{key}.git"
        try:
            if not path.exists():
                self._make(project, url, path)
            elif _age(path) > FRESH:
                self._refresh(project, url, path)
        except OSError as error:
            raise InfrastructureError(f"cannot keep a copy of {project}: {error.strerror}") from error
        return path

    def _make(self, project: str, url: str, path: Path) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            Runner(draft, alone=True).run("init", "--quiet", "--bare", "--template=", "--initial-branch=master")
            self._fetch(project, url, draft)
            try:
                draft.rename(path)
            except OSError:
                if not path.exists():  # another process was quicker, and its copy is as good
                    raise
        except GitError as error:
            shown = plain(without_password(url))
            raise InfrastructureError(
                f"cannot fetch {project} from {shown}", details=error.details or error.brief, hint=error.hint
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _refresh(self, project: str, url: str, path: Path) -> None:
        try:
            self._fetch(project, url, path)
        except GitError as error:
            self._say(f"{project}: the server does not answer, an older copy is used ({plain(error.brief)})")

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
