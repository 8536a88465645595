"""What every verb is given: the options, the repository, the settings, the way to git and the way to the person."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from git_review import messages
from git_review.git.refs import is_branch
from git_review.git.repo import Places, branch_name, locate
from git_review.git.runner import Runner
from git_review.plan import Talk
from git_review.pushspec import PushOptions
from git_review.records import dataclass, field
from git_review.settings import DEFAULT, Settings, begin, load

PATIENCE = 45.0
"""Seconds that a server may be silent, where nobody says otherwise."""


class Rebase(Enum):
    """What is done about the target branch's progress before an upload."""

    TEST = "test"
    NONE = "none"
    FORCE = "force"
    KEEP = "keep"


class Verb(Enum):
    """What a run is for."""

    PUSH = "push"
    SETUP = "setup"
    DOWNLOAD = "download"
    PICK = "cherry-pick"
    PICK_INDICATE = "cherry-pick, naming the original"
    PICK_ONLY = "cherry-pick, without committing"
    COMPARE = "compare"
    LIST = "list"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. None means that nothing was said, so that the settings decide.

    :ivar change: what -d, -x, -X, -N or -m name, as it was written.
    :ivar columns: how often -l was given: 2 adds the topic, 3 votes. :ivar query: a free search, in Gerrit's language.
    :ivar force: newer patchsets and closed changes on the server are no reason to stop.
    """

    verb: Verb = Verb.PUSH
    change: str = ""
    branch: str | None = None
    remote: str | None = None
    push: PushOptions = field(default_factory=PushOptions)
    no_topic: bool = False
    rebase: Rebase | None = None
    track: bool | None = None
    use_pushurl: bool | None = None
    columns: int = 0
    query: str | None = None
    view: str | None = None
    limit: int | None = None
    start: int = 0
    chain: bool = False
    worktree: str | None = None
    finish: bool = False
    update: bool = False
    dry_run: bool = False
    yes: bool = False
    force: bool = False
    new_change_id: bool = False
    remote_hook: bool = False
    verbose: bool = False
    thin: bool = True
    custom_scripts: bool = True
    color: str = "auto"
    json: bool = False

    @property
    def setup(self) -> bool:
        """Whether setting up is all that is wanted."""
        return self.verb is Verb.SETUP


@dataclass(frozen=True, slots=True)
class Context:
    """One run of the command.

    :ivar remote: the remote to use. :ivar branch: the branch that changes are for; both with tracking considered.
    """

    options: Options
    talk: Talk
    runner: Runner
    places: Places
    settings: Settings
    remote: str
    branch: str

    @property
    def has_remote(self) -> bool:
        """Whether the remote is configured."""
        git = self.settings.git
        return f"remote.{self.remote}.url" in git or f"remote.{self.remote}.pushurl" in git

    @property
    def push_place(self) -> str:
        """Where Gerrit is, as git wants it: the remote's name, or the URL while there is no such remote."""
        return self.remote if self.has_remote else (self.settings.url(self.username) or self.remote)

    @property
    def leads_to_files(self) -> bool:
        """Whether the remote is a folder for certain, so that no server can be asked."""
        git = self.settings.git
        url = git.get(f"remote.{self.remote}.pushurl") or git.get(f"remote.{self.remote}.url") or ""
        return url.startswith(("file:", "/", ".")) and not any(key.startswith("url.") for key in git)

    @property
    def username(self) -> str:
        """The name on the server, as far as anybody told it; any remote's URL may, where it leads there as well."""
        if self.settings.username:
            return self.settings.username
        git = self.settings.git
        keys = [key for key in git if key.startswith("remote.") and key.endswith((".url", ".pushurl"))]
        keys.sort(key=lambda key: not key.startswith("remote.origin."))
        return next((name for key in keys if (name := self._username_in(git[key]))), self.settings.login)

    def _username_in(self, url: str) -> str | None:
        """The name in a remote's URL, if that is the project that the settings name, on the same server."""
        from git_review.gerrit.address import parse_remote
        from git_review.gerrit.errors import AddressError

        settings = self.settings
        try:
            there = parse_remote(url)
        except AddressError:
            return None
        here = ((settings.host or "").lower(), settings.scheme, settings.project)
        same = (there.host, there.scheme, there.project) == here
        return there.user if same and there.port in (None, settings.port) else None

    def progress(self, text: str) -> None:
        """Tell something to a person who asked for -v."""
        if self.options.verbose:
            self.talk.say(text)


def prepare(options: Options, talk: Talk) -> Context:
    """Look where we are and what is set. :raises ReviewError: we are in no repository, or a setting makes no sense."""
    runner = Runner(show=_shower(options, talk), dry_run=options.dry_run, tell=_teller(options, talk))
    if options.branch is not None and not is_branch(options.branch):
        raise messages.bad_branch(options.branch)
    with begin(runner) as begun:
        places = locate(runner)
        settings = load(runner, flags=_flags(options), places=places, begun=begun)
    runner.patience = settings.timeout or PATIENCE
    runner.waiting = lambda line: talk.warn(messages.waiting(line, runner.patience))
    for warning in settings.warnings:
        talk.warn(warning)
    if options.verbose:
        _tell_settings(options, settings, talk)
    remote, branch = settings.remote, settings.branch
    if _tracks(options, settings):
        tracked = _tracked(runner, settings)
        if tracked is not None:
            if options.verbose:
                talk.say(messages.following(tracked, (remote, branch)))
            remote, branch = tracked
    return Context(options, talk, runner, places, settings, remote, branch)


def _shower(options: Options, talk: Talk) -> Callable[[str], None] | None:
    """A dry run tells what it leaves out."""
    return (lambda line: talk.say(messages.LEFT_OUT.format(line))) if options.dry_run else None


def _teller(options: Options, talk: Talk) -> Callable[[str], None] | None:
    """-v tells each program that runs."""
    return (lambda line: talk.say(messages.RUNNING.format(line))) if options.verbose else None


def _tell_settings(options: Options, settings: Settings, talk: Talk) -> None:
    """-v tells what is set, and where; not what an option of this run overrules."""
    for name, origin in settings.origins.items():
        overruled = name == "rebase" and options.rebase is not None
        if origin != DEFAULT and not overruled:
            talk.say(messages.setting(name, settings.values[name], origin))


def _flags(options: Options) -> dict[str, str | None]:
    return {
        "branch": options.branch,
        "remote": options.remote,
        "usepushurl": None if options.use_pushurl is None else "1",
    }


def _tracks(options: Options, settings: Settings) -> bool:
    if options.branch is not None:
        return False
    return settings.track if options.track is None else options.track


def _tracked(runner: Runner, settings: Settings) -> tuple[str, str] | None:
    """Remote and branch that the checked-out branch follows; None when it follows none, or a local one."""
    branch = branch_name(runner)
    if branch is None:
        raise messages.no_upstream()
    return upstream(settings, branch)


def upstream(settings: Settings, branch: str) -> tuple[str, str] | None:
    """Remote and branch that a local branch is set to follow; None when it follows none, or a local one."""
    remote = settings.git.get(f"branch.{branch}.remote")
    merge = settings.git.get(f"branch.{branch}.merge", "")
    if remote in (None, "."):
        return None
    name = merge.removeprefix("refs/heads/")
    return (remote, name) if is_branch(name) else None
