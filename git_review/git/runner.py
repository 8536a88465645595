"""The one place of `git_review` that starts programs (git, and ssh): `query` reads; `run` changes, shown, dry-runnable.

Nothing goes through a shell but the command line for ssh that a person gave git, as git does it; and a user's locale,
pager or editor never decides what is read back.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from git_review.git import neutral
from git_review.git.errors import GitError, GitFailed, GitSilent, complaint
from git_review.git.watch import Limits, Silent, TooMuch, watched
from git_review.git.watch import end as put_an_end_to
from git_review.records import dataclass

LARGEST = 64 << 20
"""Bytes that the answer of a program may have which waits for a server: ssh, and git where it contacts one."""

_PIECE_END = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")
# What git's own side of a transfer tells, in place of which it would be silent.
_PROGRESS = re.compile(
    r"(?:Enumerating|Counting|Compressing|Writing|Receiving|Resolving|Unpacking|Delta compression|Total |Checking conn)"
)
# A user name and a password may hold an @ themselves: the last one before the path ends them.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/:\s]*):[^/\s]*@")
# What `git rev-parse --local-env-vars` names: a caller that itself runs under git must not leak its repository.
_LOCAL_VARIABLES = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_OBJECT_DIRECTORY GIT_DIR"
    " GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE"
    " GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR".split()
)


def without_password(text: str) -> str:
    """The text with the password part of every URL in it replaced."""
    return _PASSWORD_IN_URL.sub(r"\1:***@", text)


def told(argv: Sequence[str]) -> str:
    """A command line on one line for a person: quoted as for a shell, without passwords and control characters."""
    import shlex

    words = [without_password(word) for word in argv]
    if words[:2] == ["sh", "-c"] and words[2:3] == [f'{word} "$@"' for word in words[3:4]]:
        # A person's command line for ssh, which a shell runs: it is told as it was written.
        line = f"{words[3]} {shlex.join(words[4:])}"
    else:
        line = shlex.join(words)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


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

    def sure(self) -> Output:
        """This, if it is a verdict.

        ``merge-base``, ``grep`` and ``merge-tree`` take an object that they cannot read for one that is not there: they
        end with the very status that means "no", "nothing" or "conflict", and ``merge-tree`` may end with 0.

        :raises GitFailed: git says on standard error that it could not read or do something.
        """
        if complaint(self.stderr):
            raise _failed(self)
        return self


class Runner:
    """git in one directory. A person's settings do not act on the commands (see :mod:`git_review.git.neutral`).

    :param directory: where git runs (``-C``); None is the current directory.
    :param environment: variables added to this process's own.
    :param alone: the user's and the system's git configuration and the caller's own GIT_DIR and the like are
        left out, so that the same input gives the same objects everywhere.
    :param show: called with each command line that changes something, before it runs.
    :param dry_run: commands that change something are shown and recorded, but not run.
    :param tell: called with each other command line, before it runs; perhaps from several threads.
        Without `show`, with those that change something, too.

    :ivar patience: seconds that a server may be silent in a command that waits for one; None is no limit.
    :ivar waiting: called with such a command's line when the server has been silent for a while.
    :ivar before_contact: called before each such command but a push.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        alone: bool = False,
        show: Callable[[str], None] | None = None,
        dry_run: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.directory = Path(directory) if directory is not None else None
        self.dry_run = dry_run
        self.record: list[tuple[str, ...]] = []
        self.tell = tell
        self.patience: float | None = None
        self.waiting: Callable[[str], None] | None = None
        self.before_contact: Callable[[], None] | None = None
        self._show = show
        self._environment = _environment(environment or {}, alone)

    def query(
        self,
        *args: str,
        ok: Collection[int] = (0,),
        stdin: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Output:
        """Run a git command that reads.

        :param ok: the exit statuses that are an answer and not a failure (see :meth:`Output.sure`, too).
        :param stdin: what git reads; without it, nothing (never the terminal).
        :param environment: variables for this one command.
        :param timeout: seconds.
        :raises GitFailed: any other exit status. :raises GitError: no git, or no answer in time.
        """
        return self._start(self._reading(args), ok, stdin, timeout, environment)

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
        self._announce(args)
        if self.dry_run:
            return Output(argv, 0, "", "")
        return self._start(argv, ok, stdin, timeout, environment)

    def begin(self, *args: str, ok: Collection[int] = (0,), environment: Mapping[str, str] | None = None) -> Pending:
        """Start a git command that reads, whose answer is taken later: what comes between costs no time of its own.

        To be used in a ``with`` statement, which ends the command if nobody took the answer. :raises GitError: no git.
        """
        return Pending(self._reading(args), ok, {**self._environment, **(environment or {})})

    def converse(self, *args: str) -> Dialogue:
        """Start a git command that answers each thing it is given at once, such as ``hash-object --stdin-paths``.

        To be used in a ``with`` statement. :raises GitError: no git.
        """
        return Dialogue(self._reading(args), self._environment)

    def apart(self, argv: Sequence[str], shown: Sequence[str], ends: Sequence[int]) -> subprocess.Popen[bytes]:
        """Start another program (ssh) in a session of its own, where it finds no terminal to ask anybody at.

        :param shown: what is told of it. :param ends: the file descriptors of its input, its output, and its words.
        :raises OSError: it cannot be started.
        """
        if self.tell is not None:
            self.tell(told(shown))
        stdin, stdout, stderr = ends
        return subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=stderr, env=self._environment, start_new_session=True
        )

    def relay(
        self,
        *args: str,
        heard: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
        hurried: bool = True,
    ) -> Output:
        """Run a git command that changes something and hand over its words (both streams) as they come.

        :param heard: receives each piece: a line, or a progress display's state that ends in a carriage return.
        :param hurried: False for a command that may be silent for other reasons than its server's, such as a hook.
        :returns: all that was said in `stdout`, and the status, whatever it is; in a dry run status 0 and no text.
        :raises GitSilent: the server was silent for too long.
        """
        argv = self._argv(args)
        self.record.append(argv)
        self._announce(args)
        if self.dry_run:
            return Output(argv, 0, "", "")
        merged = {**self._environment, **(environment or {})}
        said: list[str] = []
        rest = b""

        def pass_on(data: bytes) -> None:
            nonlocal rest
            *whole, rest = _PIECE_END.split(rest + data)
            for piece in whole:
                text = without_password(_text(piece))
                if not _PROGRESS.match(text):
                    said.append(text)
                    heard(text)

        with _popen(argv, merged, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            self._wait(child, argv, pass_on, hurried=hurried)
        if rest:
            pass_on(b"\n")
        return Output(argv, child.returncode, "".join(said), "")

    def _contact(
        self,
        argv: tuple[str, ...],
        ok: Collection[int],
        environment: Mapping[str, str],
        stdin: bytes = b"",
        timeout: float | None = None,
    ) -> Output:
        """Run a command that waits for a server. Errors as for :meth:`query`; also when the answer is too large."""
        if self.before_contact is not None:
            self.before_contact()
        pipe = subprocess.PIPE
        with (
            _given(stdin) as source,
            _popen(argv, environment, stdin=source, stdout=pipe, stderr=pipe) as child,
        ):
            try:
                out, err = self._wait(child, argv, timeout=timeout).values()
            except BaseException:
                put_an_end_to(child)
                raise
        words = "".join(line for line in re.split(r"(?<=[\n\r])", _text(err)) if not _PROGRESS.match(line))
        return _judged(Output(argv, child.returncode, _text(out), words), ok)

    def _wait(
        self,
        child: subprocess.Popen[bytes],
        argv: tuple[str, ...],
        heard: Callable[[bytes], None] | None = None,
        *,
        hurried: bool = True,
        timeout: float | None = None,
    ) -> dict[int, bytes]:
        """What a command that waits for a server says.

        :raises GitSilent: nothing, for too long. :raises GitError: it did not end in time, or says too much.
        """
        line = told(self._shown(argv))
        began = time.monotonic()
        waiting = self.waiting
        notice = None if waiting is None or not hurried else lambda: waiting(line)
        try:
            return watched(child, Limits(self.patience if hurried else None, timeout, LARGEST, notice), heard)
        except TooMuch:
            words = f"{line} gave an answer of more than {LARGEST >> 20} MB"
            raise GitError(words, hint="is that the right server?") from None
        except Silent as silent:
            if timeout is not None and time.monotonic() - began >= timeout:
                raise _late(argv, timeout) from None
            said = without_password(_text(b"".join(silent.said.values()))) if heard is None else ""
            raise GitSilent(argv, self.patience or 0.0, said) from None

    def _announce(self, args: Sequence[str]) -> None:
        """Tell of a command that changes something."""
        if self._show is not None:
            self._show(told(("git", *args)))
        elif self.tell is not None:
            self.tell(told(self._shown(self._argv(args))))

    def _reading(self, args: Sequence[str]) -> tuple[str, ...]:
        argv = self._argv(args)
        if self.tell is not None:
            self.tell(told(self._shown(argv)))
        return argv

    def _argv(self, args: Sequence[str]) -> tuple[str, ...]:
        place = () if self.directory is None else ("-C", str(self.directory))
        command = neutral.verb(args)
        if command in neutral.TRANSFERS and self.patience is not None:
            at = args.index(command) + 1
            args = (*args[:at], "--progress", *args[at:])
        return ("git", *place, *neutral.settings(command), *args)

    def _shown(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The command line without what only makes it independent of settings."""
        hidden = neutral.settings(neutral.verb(argv[1:]))
        at = 1 if self.directory is None else 3
        rest = argv[at + len(hidden) :] if hidden and tuple(argv[at : at + len(hidden)]) == hidden else argv[at:]
        return (*argv[:at], *rest)

    def _start(
        self,
        argv: tuple[str, ...],
        ok: Collection[int],
        stdin: str | bytes | None,
        timeout: float | None,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        merged = {**self._environment, **(environment or {})}
        fed = stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else stdin
        if neutral.verb(argv[1:]) in neutral.CONTACTS:
            return self._contact(argv, ok, merged, fed or b"", timeout)
        try:
            done = subprocess.run(
                argv,
                capture_output=True,
                check=False,
                env=merged,
                input=fed or b"",
                timeout=timeout,
            )
        except FileNotFoundError as error:
            raise GitError("git is not installed, or not on PATH", hint="install git 2.39 or newer") from error
        except subprocess.TimeoutExpired as error:
            raise _late(argv, error.timeout) from error
        return _judged(Output(argv, done.returncode, _text(done.stdout), _text(done.stderr)), ok)


class Pending:
    """A git command that runs while other things are done."""

    def __init__(self, argv: tuple[str, ...], ok: Collection[int], environment: Mapping[str, str]) -> None:
        self.argv = argv
        self._ok = ok
        pipe = subprocess.PIPE
        self._process = _popen(argv, environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        self._output: Output | None = None

    def __enter__(self) -> Pending:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        for end in (self._process.stdout, self._process.stderr):
            if end is not None:
                end.close()
        self._process.wait()

    def answer(self) -> Output:
        """Wait for its end. :raises GitFailed: a status that is none of the allowed ones."""
        if self._output is None:
            out, err = self._process.communicate()
            self._output = Output(self.argv, self._process.returncode, _text(out), _text(err))
        return _judged(self._output, self._ok)


class Dialogue:
    """One git process that answers one question after another, so that many small ones do not cost a process each."""

    def __init__(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.argv = argv
        pipe = subprocess.PIPE
        self._process = _popen(argv, environment, stdin=pipe, stdout=pipe, stderr=pipe)

    def __enter__(self) -> Dialogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, line: str) -> str:
        """The answer to one line. :raises GitFailed: git ended instead of answering."""
        self.tell(line.encode("utf-8", "surrogateescape") + b"\n")
        return self.line()

    def tell(self, data: bytes) -> None:
        """Hand over input; what is wrong with it shows when an answer is read."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def line(self) -> str:
        """The next line of the answers. :raises GitFailed: git ended instead."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        answer = self._process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise self._ended()
        return _text(answer[:-1])

    def bytes(self, count: int) -> bytes:
        """So many bytes of the answers. :raises GitFailed: git ended before."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        data = self._process.stdout.read(count)
        if len(data) < count:
            raise self._ended()
        return data

    def _ended(self) -> GitFailed:
        status, words = self.close()
        return GitFailed([without_password(word) for word in self.argv], status, without_password(words))

    def close(self) -> tuple[int, str]:
        """End the process; its status and its words on standard error. Twice is harmless."""
        process = self._process
        if process.stdin is None or process.stdin.closed:
            return process.returncode, ""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        words = process.stderr.read() if process.stderr is not None else b""
        for end in (process.stdout, process.stderr):
            if end is not None:
                end.close()
        return process.wait(), _text(words)


def program(
    argv: Sequence[str],
    *,
    timeout: float | None = None,
    tell: Callable[[str], None] | None = None,
    stdin: bytes = b"",
    waiting: Callable[[str], None] | None = None,
) -> Output:
    """Run another program that git itself would run (ssh) to its end.

    :param timeout: seconds. :param tell: called with the command line before it runs.
    :param stdin: what it reads: some KB. :param waiting: called with the command line when nothing comes for a while.
    :raises GitError: there is no such program, it gave no answer in time, or one without end.
    """
    name = Path(argv[0]).name
    if tell is not None:
        tell(told(argv))
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(list(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=_environment({}, False))
    except OSError as error:
        raise GitError(f"{name} cannot be started: {error.strerror}", hint="is it installed, and on PATH?") from error
    notice = None if waiting is None else lambda: waiting(told(argv))
    with child:
        _feed(child, stdin)
        try:
            out, err = watched(child, Limits(whole=timeout, size=LARGEST, notice=notice)).values()
        except Silent:
            raise GitError(f"no answer came within {timeout:g} s", hint="is the server reachable?") from None
        except TooMuch:
            raise GitError(f"{name} gave an answer of more than {LARGEST >> 20} MB", hint="is that a Gerrit?") from None
    return Output(tuple(argv), child.returncode, _text(out), _text(err))


def _feed(child: subprocess.Popen[bytes], stdin: bytes) -> None:
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(stdin)
            child.stdin.close()


@contextlib.contextmanager
def _given(stdin: bytes) -> Iterator[int]:
    """What a program reads as a file, so that nobody has to write to it while it is listened to."""
    if not stdin:
        yield subprocess.DEVNULL
        return
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file.fileno()


def _judged(output: Output, ok: Collection[int]) -> Output:
    if output.status not in ok:
        raise _failed(output)
    return output


def _late(argv: Sequence[str], seconds: float) -> GitError:
    line = without_password(" ".join(argv))
    return GitError(f"{line} gave no answer within {seconds:g} s", hint="is the server reachable?")


def _failed(output: Output) -> GitFailed:
    shown = [without_password(word) for word in output.argv]
    return GitFailed(shown, output.status, without_password(output.stderr or output.stdout))


def _popen(
    argv: Sequence[str], environment: Mapping[str, str], *, stdin: int, stdout: int, stderr: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=stderr, env=dict(environment))
    except FileNotFoundError as error:
        raise GitError("git is not installed, or not on PATH", hint="install git 2.39 or newer") from error


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _environment(extra: Mapping[str, str], alone: bool) -> dict[str, str]:
    base = {name: value for name, value in os.environ.items() if not (alone and name in _LOCAL_VARIABLES)}
    base |= {"LANGUAGE": "C", "LC_ALL": "C.UTF-8", "GIT_PAGER": "cat"}
    if alone:
        base |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    return base | dict(extra)
