"""What a command is going to do, as steps of data, and the one place that carries steps out; it decides nothing.

A dry run carries out the same steps: it tells them and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from git_review import hooks, messages
from git_review.errors import ReviewError
from git_review.git.errors import GitFailed, GitSilent
from git_review.git.repo import Commit
from git_review.git.runner import Runner
from git_review.records import dataclass, field

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Talk(Protocol):
    """The way to the person, and back."""

    def say(self, text: str) -> None:
        """Tell something on standard output; a line end is added."""

    def warn(self, text: str) -> None:
        """Tell something on standard error; a line end is added."""

    def show(self, text: str) -> None:
        """The same for text that is clean already and may hold colors."""

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""

    def relay(self, piece: str) -> None:
        """Pass on a piece of another program's output as it comes."""

    def read(self, prompt: str) -> str | None:
        """The line that the person answers with; None when nobody is there to answer."""

    @property
    def width(self) -> int | None:
        """How many columns a line may have; None where nobody looks."""

    def result(self, value: object) -> None:
        """What came of the run, for a program, where that was asked for."""


Failure = Callable[[str], ReviewError]


@dataclass(frozen=True, slots=True)
class Git:
    """A git command that changes something.

    :ivar failure: makes the error of git's words; by default git's own failure goes up.
    :ivar conflict: makes the error where paths are unmerged after it, which is looked for before `undo`.
    :ivar undo: a git command to run when it failed, before the error goes up. :ivar stdin: what it reads.
    :ivar first: what the person is told before it runs. :ivar last: what, when it has run well.
    :ivar told: git's own words are passed on.
    :ivar prepare: makes more of the environment, once all that comes before has been done.
    :ivar hooks: the folder of a hook that this needs: where none runs by then, :ivar instead: is done.
    """

    words: tuple[str, ...]
    failure: Failure | None = None
    conflict: Failure | None = None
    undo: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    told: bool = False
    stdin: str | None = None
    prepare: Callable[[Runner], Mapping[str, str]] | None = None
    hooks: Path | None = None
    instead: Reword | None = None


@dataclass(frozen=True, slots=True)
class InstallHook:
    """The commit-msg hook goes to where git looks for it.

    :ivar text: the hook; None is the one of this package. :ivar replace: what is there, runnable or not, gives way.
    :ivar needed: that it cannot be written is a failure; otherwise it is told, and the run goes on without.
    """

    hook: hooks.Hook
    text: str | None = None
    replace: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Reword:
    """Commits get (new) Change-Ids, the commits above them are made anew.

    :ivar commits: HEAD first. :ivar which: the ids of those that get one.
    :ivar review_url: of a server whose ``Link:`` trailers stand in place of Change-Ids; "" for none.
    :ivar first: what the person is told before. :ivar notes: notes go along, as git's configuration says.
    """

    commits: tuple[Commit, ...]
    which: tuple[str, ...]
    review_url: str
    first: str
    notes: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """A question that only ``yes`` answers well. :ivar option: what to use where nobody can be asked."""

    question: str
    option: str


@dataclass(frozen=True, slots=True)
class Push:
    """The upload, its output passed on live.

    :ivar wanted: what the person wants the server to be told with it.
    :ivar hurried: it is silent only as long as the server is: no hook of the person's runs meanwhile.
    :ivar environment: gives the variables with which git uses a connection that is open already, if that is still so.
    """

    words: tuple[str, ...]
    wanted: tuple[str, ...] = ()
    hurried: bool = True
    environment: Callable[[], Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """A word to the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The plan ends here, with an error."""

    error: ReviewError


@dataclass(frozen=True, slots=True)
class Named:
    """HEAD's message has a Change-Id by now; otherwise the plan ends here, with an error."""

    error: ReviewError


Step = Git | InstallHook | Reword | Confirm | Push | Say | Stop | Named


def carry_out(steps: Sequence[Step], runner: Runner, talk: Talk) -> str:
    """Do the steps in their order; gives what was said to the push.

    :raises ReviewError: one of them failed; those after it are not done.
    """
    said = ""
    for step in steps:
        match step:
            case Git():
                _git(step, runner, talk)
            case InstallHook():
                _install(step, runner, talk)
            case Reword():
                _reword(step, runner, talk)
            case Confirm(question, option):
                confirm(question, option, talk)
            case Push():
                said = _push(step, runner, talk)
            case Say(text):
                talk.say(text)
            case Stop(error):
                raise error
            case Named(error):
                _look(error, runner)
    return said


def confirm(question: str, option: str, talk: Talk) -> None:
    """Go on if the answer is ``yes``; Ctrl-C is a no. :raises ReviewError: it is not, or nobody answers."""
    try:
        answer = talk.read(f"{question}\n{messages.CONFIRM}")
    except KeyboardInterrupt:
        raise messages.cancelled() from None
    if answer is None:
        raise messages.no_answer(option)
    if answer.strip().lower() != "yes":
        raise messages.cancelled()


def _git(step: Git, runner: Runner, talk: Talk) -> None:
    if step.hooks is not None and step.instead is not None and not (runner.dry_run or hooks.look(step.hooks).runs):
        return _reword(step.instead, runner, talk)
    if step.first and not runner.dry_run:
        talk.say(step.first)
    environment = step.environment
    if step.prepare is not None and not runner.dry_run:
        environment = {**environment, **step.prepare(runner)}
    try:
        done = runner.run(*step.words, environment=environment, stdin=step.stdin)
    except GitFailed as error:
        failure = step.failure
        if step.conflict is not None and runner.query("ls-files", "--unmerged", "-z").stdout:
            failure = step.conflict
        if step.undo:
            runner.run(*step.undo, ok=range(256))
        if failure is None:
            raise
        raise failure(error.details) from error
    if step.told and done.text:
        talk.say(done.text)
    if step.last and not runner.dry_run:
        talk.say(step.last)


def _install(step: InstallHook, runner: Runner, talk: Talk) -> None:
    path = step.hook.path
    only_mode = step.hook.kind is hooks.Kind.NOT_EXECUTABLE and not step.replace
    if runner.dry_run:
        talk.say((messages.HOOK_MODE_LEFT_OUT if only_mode else messages.HOOK_LEFT_OUT).format(path))
        return
    try:
        hooks.install(step.hook, step.text or hooks.COMMIT_MSG, replace=step.replace)
    except OSError as error:
        reason = error.strerror or str(error)
        if step.needed:
            raise messages.hook_not_written(path, reason) from error
        return talk.warn(messages.without_hook(path, reason))
    talk.say(
        messages.hook_made_executable(path, step.hook.makes_ids) if only_mode else messages.HOOK_INSTALLED.format(path)
    )


def _reword(step: Reword, runner: Runner, talk: Talk) -> None:
    if runner.dry_run:
        talk.say(messages.LEFT_OUT.format(step.first))
        return
    from git_review.git.reword import copy_notes, give_change_ids

    talk.say(step.first)
    done = give_change_ids(runner, step.commits, step.which, step.review_url)
    if step.notes:
        copy_notes(runner, done.made)
    if done.unsigned:
        talk.warn(messages.SIGNATURES_LOST)


def _look(error: ReviewError, runner: Runner) -> None:
    from git_review.git.trailers import Place, naming

    if runner.dry_run:
        return
    message = runner.query("log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%B", "HEAD", "--").stdout
    if naming(message).place is not Place.IN_PLACE:
        raise error


def _push(step: Push, runner: Runner, talk: Talk) -> str:
    if runner.dry_run:
        import shlex

        talk.say(f"{messages.DRY_RUN_PUSH}\n\n    {shlex.join(('git', *step.words))}")
        return ""
    try:
        environment = {} if step.environment is None else step.environment()
        done = runner.relay(*step.words, heard=talk.relay, environment=environment, hurried=step.hurried)
    except GitSilent as error:
        raise messages.push_fell_silent(error.details) from error
    if done.status == 0:
        return done.stdout
    if messages.NOTHING_NEW_FOR_SERVER in done.stdout:
        if step.wanted:
            raise messages.not_applied(step.wanted, done.status)
        talk.say(messages.NO_NEW_CHANGES)
        return done.stdout
    raise messages.push_failed(done.status, done.stdout)
