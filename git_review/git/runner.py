"""The one place of `git_review` that starts git: `query` reads, `run` changes and is shown, recorded, dry-runnable.

Nothing goes through a shell, and a user's locale, pager or editor never decides what is read back.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_review.git.errors import GitError, GitFailed

_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")
# What `git rev-parse --local-env-vars` names: a caller that itself runs under git must not leak its repository.
_LOCAL_VARIABLES = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_OBJECT_DIRECTORY GIT_DIR"
    " GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE"
    " GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR".split()
)


def without_password(text: str) -> str:
    """The text with the password part of every URL in it replaced."""
    return _PASSWORD_IN_URL.sub(r"\1:***@", text)


@dataclass(frozen=True, slots=True)
class Output:
    """What one git process gave back; texts are decoded as UTF-8 and keep undecodable bytes as surrogates."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Standard output without the white space around it."""
        return self.stdout.strip()

    @property
    def lines(self) -> list[str]:
        """Standard output's lines, without the empty ones."""
        return [line for line in self.stdout.splitlines() if line]


class Runner:
    """git in one directory.

    :param directory: where git runs (``-C``); None is the current directory.
    :param environment: variables added to this process's own.
    :param alone: the user's and the system's git configuration and the caller's own GIT_DIR and the like are
        left out, so that the same input gives the same objects everywhere.
    :param show: called with each command line that changes something, before it runs.
    :param dry_run: commands that change something are shown and recorded, but not run.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        alone: bool = False,
        show: Callable[[str], None] | None = None,
        dry_run: bool = False,
    ) -> None:
        self.directory = Path(directory) if directory is not None else None
        self.dry_run = dry_run
        self.record: list[tuple[str, ...]] = []
        self._show = show
        self._environment = _environment(environment or {}, alone)

    def query(
        self, *args: str, ok: Collection[int] = (0,), stdin: str | bytes | None = None, timeout: float | None = None
    ) -> Output:
        """Run a git command that reads.

        :param ok: the exit statuses that are an answer and not a failure.
        :param stdin: what git reads; without it, nothing (never the terminal).
        :param timeout: seconds.
        :raises GitFailed: any other exit status. :raises GitError: no git, or no answer in time.
        """
        return self._start(self._argv(args), ok, stdin, timeout)

    def run(
        self,
        *args: str,
        ok: Collection[int] = (0,),
        stdin: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Output:
        """Run a git command that changes something: shown, recorded, and left out in a dry run (status 0, no text).

        Parameters and errors as for :meth:`query`.
        """
        argv = self._argv(args)
        self.record.append(argv)
        if self._show is not None:
            self._show(without_password(" ".join(("git", *args))))
        if self.dry_run:
            return Output(argv, 0, "", "")
        return self._start(argv, ok, stdin, timeout, environment)

    def _argv(self, args: Sequence[str]) -> tuple[str, ...]:
        place = () if self.directory is None else ("-C", str(self.directory))
        return ("git", *place, *args)

    def _start(
        self,
        argv: tuple[str, ...],
        ok: Collection[int],
        stdin: str | bytes | None,
        timeout: float | None,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        fed = stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else stdin
        try:
            done = subprocess.run(
                argv,
                capture_output=True,
                check=False,
                env={**self._environment, **(environment or {})},
                input=fed or b"",
                timeout=timeout,
            )
        except FileNotFoundError as error:
            raise GitError("git is not installed, or not on PATH", hint="install git 2.39 or newer") from error
        except subprocess.TimeoutExpired as error:
            raise GitError(
                f"{without_password(' '.join(argv))} gave no answer within {timeout:g} s",
                hint="is the server reachable?",
            ) from error
        output = Output(argv, done.returncode, _text(done.stdout), _text(done.stderr))
        if output.status not in ok:
            shown = [without_password(word) for word in argv]
            raise GitFailed(shown, output.status, without_password(output.stderr or output.stdout))
        return output


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _environment(extra: Mapping[str, str], alone: bool) -> dict[str, str]:
    base = {name: value for name, value in os.environ.items() if not (alone and name in _LOCAL_VARIABLES)}
    base |= {"LANGUAGE": "C", "LC_ALL": "C.UTF-8", "GIT_PAGER": "cat"}
    if alone:
        base |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return base | dict(extra)
