"""What a person and a project have set: flags > environment > git config > .gitreview > default, each with its origin.

It asks git for its configuration once and starts nothing else; it neither asks a server nor changes a setting.
The environment's part is git's own (``GIT_CONFIG_COUNT`` and the like), and ``GITREVIEW_LOCAL_MODE``, whose presence
restricts git's configuration to the repository's own file and leaves the two global files out.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from git_review.errors import ReviewError
from git_review.git.refs import is_branch, is_remote
from git_review.git.repo import Places, locate
from git_review.git.runner import Output, Pending, Runner
from git_review.gitreview_file import read_gitreview
from git_review.records import dataclass, field, replace
from git_review.topic import Mode

# setting: keys of git's configuration (the first that is set wins), key of .gitreview, default
_KEYS: Mapping[str, tuple[tuple[str, ...], str | None, str | None]] = {
    "scheme": (("gitreview.scheme",), "scheme", "ssh"),
    "host": (("gitreview.hostname", "gitreview.host"), "host", None),
    "port": (("gitreview.port",), "port", None),
    "project": (("gitreview.project",), "project", None),
    "branch": (("gitreview.branch",), "defaultbranch", "master"),
    "remote": (("gitreview.remote",), "defaultremote", None),
    "rebase": (("gitreview.rebase",), "defaultrebase", "1"),
    "track": (("gitreview.track",), "track", "0"),
    "usepushurl": (("gitreview.usepushurl",), "usepushurl", "0"),
    "username": (("gitreview.username",), None, None),
    "branchauthor": (("gitreview.branchauthor",), "branchauthor", "name"),
    "topic": (("gitreview.topic",), "topic", "message"),
    "notopic": (("gitreview.notopic",), "notopic", "0"),
    "timeout": (("gitreview.timeout",), None, None),
}
_Configuration = tuple[Mapping[str, str], Mapping[str, str], frozenset[str]]
"""Values, scopes, and the keys with several values."""
_LISTED = ("config", "--show-scope", "-z", "--list")
_FLAG = "the command line"
DEFAULT = "the default"
"""The origin of what nobody has set."""
_BRANCH_AUTHORS = ("name", "email", "username")
"""Checked as 2.5.0 does; its downloads, and ours, are named by number and not by author."""
_GLOBAL, _FILE = ".config/git-review", "git-review.conf"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|\[?[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\]?")
_FOR_A_SHELL = re.compile(r"""[|&;<>()$`\\"' \t\n*?\[#~=%]""")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_USUAL_PORTS = {"ssh": 29418}


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set.

    :ivar project: without ``.git``, and without the ``a/`` of authenticated HTTP.
    :ivar project_path: as it was written, for the remote's URL.
    :ivar port: 29418 for ssh when nobody names one; None is the scheme's usual one.
    :ivar branch: the branch that changes are for. :ivar remote: the name of the remote that leads to Gerrit.
    :ivar rebase: whether it is tried before an upload that the commits still apply.
    :ivar track: the upstream of the branch that is checked out decides `branch` and `remote`.
    :ivar topic: from where a topic is taken that nobody gave; ``gitreview.notopic`` turns it off.
    :ivar timeout: seconds that a question to the server may take; None leaves it to the kind of question.
    :ivar username: for the server; None when nobody set one.
    :ivar ssh: the words that git starts ssh with, perhaps through a shell.
    :ivar openssh: it takes OpenSSH's options, as git is told, or would tell by its name.
    :ivar git: git's configuration, the last value of each key. :ivar scopes: how far each of these reaches, in git's
        words: ``system``, ``global``, ``local``, ``worktree``, ``command``.
    :ivar repeated: the keys with several values.
    :ivar origins: where each setting comes from, in words for people. :ivar values: what was written there.
    :ivar warnings: what a person should hear about.
    :ivar script_places: where the person's own scripts for every repository may be.
    """

    scheme: str
    host: str | None
    port: int | None
    project: str | None
    project_path: str | None
    branch: str
    remote: str
    rebase: bool
    track: bool
    use_pushurl: bool
    topic: Mode
    timeout: float | None
    username: str | None
    ssh: tuple[str, ...]
    openssh: bool
    git: Mapping[str, str] = field(repr=False)
    scopes: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str]
    origins: Mapping[str, str]
    values: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    script_places: tuple[Path, ...] = ()

    @property
    def login(self) -> str:
        """The name of the operating system's account, "" when it has none."""
        return _login()

    def url(self, username: str | None = None) -> str | None:
        """The URL of the remote that the settings describe, for that user; None when host or project is missing."""
        if self.host is None or self.project_path is None:
            return None
        from urllib.parse import quote

        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{quote(username, safe=':!$*+,;=')}@" if username else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{host}{port}/{quote(self.project_path, safe='/~+:@,=')}"


@dataclass(frozen=True, slots=True)
class _Found:
    """The settings as they were written, before they are judged."""

    values: dict[str, str]
    origins: dict[str, str]

    def offer(self, name: str, value: str | None, origin: str) -> None:
        if value is not None and name not in self.values:
            self.values[name] = value
            self.origins[name] = origin


def begin(runner: Runner) -> contextlib.AbstractContextManager[Pending | None]:
    """Start asking git for its configuration, for :func:`load`; None where the repository has to be found first."""
    return contextlib.nullcontext() if is_local() else runner.begin(*_LISTED)


def load(
    runner: Runner,
    *,
    flags: Mapping[str, str | None] | None = None,
    places: Places | None = None,
    begun: Pending | None = None,
) -> Settings:
    """The settings of the repository that `runner` stands in.

    :param flags: what the command line says, by setting name (``remote``, ``branch``, ``usepushurl`` ...).
    :param places: the repository, if the caller has located it already. :param begun: what :func:`begin` gave.
    :raises git_review.git.repo.NoWorkTree: there is no repository.
    :raises ReviewError: a setting makes no sense; the text names its origin.
    """
    local = is_local()
    places = places or locate(runner)
    if local:
        listed = runner.query(*_LISTED[:1], "-f", str(places.common / "config"), *_LISTED[2:])
    else:
        listed = begun.answer() if begun is not None else runner.query(*_LISTED)
    git, scopes, repeated = _git_configuration(listed)
    found = _Found({}, {})
    for name, value in (flags or {}).items():
        found.offer(name, value, _FLAG)
    for name, (keys, _, _) in _KEYS.items():
        for key in keys:
            found.offer(name, git.get(key), _origin(scopes.get(key, ""), key))
    warnings = _from_files(found, places.top, local)
    for name, (_, _, default) in _KEYS.items():
        found.offer(name, default, DEFAULT)
    found.offer("remote", "gerrit", DEFAULT)
    if _truth(found, "usepushurl") and found.origins["remote"] != _FLAG:
        # As in 2.5.0: the push URL is origin's, whatever a second remote would be called.
        found.values["remote"], found.origins["remote"] = "origin", found.origins["usepushurl"]
    if found.values["branchauthor"] not in _BRANCH_AUTHORS:
        warnings.append(
            f"WARNING: Invalid gitreview.branchauthor: {found.values['branchauthor']!r} from"
            f" {found.origins['branchauthor']}; it has no effect any more"
        )
    settings = _judged(found, (git, scopes, repeated), tuple(warnings))
    return replace(settings, script_places=(Path.home() / _GLOBAL / "hooks",))


def is_local() -> bool:
    """Whether only the repository's own file counts of git's configuration (``GITREVIEW_LOCAL_MODE``)."""
    return "GITREVIEW_LOCAL_MODE" in os.environ


def _git_configuration(listed: Output) -> _Configuration:
    scoped = "--show-scope" in listed.argv
    fields = iter(listed.stdout.split("\0"))
    values, scopes, repeated = {}, {}, set()
    for first in fields:
        scope, record = (first, next(fields, "")) if scoped else ("local", first)
        key, equals, value = record.partition("\n")
        if key:
            if key in values:
                repeated.add(key)
            values[key] = value if equals else "true"
            scopes[key] = scope
    return values, scopes, frozenset(repeated)


def _origin(scope: str, key: str) -> str:
    return f"the environment's {key}" if scope == "command" else f"git config {key} ({scope})"


def _from_files(found: _Found, top: Path, local: bool) -> list[str]:
    globals_ = () if local else (Path.home() / _GLOBAL / _FILE, Path("/etc/git-review") / _FILE)
    warnings = []
    for file in (top / ".gitreview", *globals_):
        values = read_gitreview(file)
        if values is None:
            continue
        if file in globals_:
            warnings.append(
                f"WARNING: Using global/system git-review config files ({file}) is deprecated;"
                " use `git config --global gitreview.KEY VALUE`"
            )
        for name, (_, key, _) in _KEYS.items():
            found.offer(name, values.get(key or name), ".gitreview" if file.name == ".gitreview" else str(file))
    return warnings


def _judged(found: _Found, configuration: _Configuration, warnings: tuple[str, ...]) -> Settings:
    values = found.values
    git, scopes, repeated = configuration
    ssh = _ssh(git)
    scheme = values["scheme"].lower()
    host, project = values.get("host") or None, (values.get("project") or "").strip("/") or None
    _require(found, "scheme", _SCHEME.fullmatch(scheme), "ssh, http or https")
    _require(found, "host", host is None or _is_host(host), "a host name or an address; a port is a setting of its own")
    _require(found, "project", project is None or _is_project(project), "a project's name on the server")
    _require(found, "branch", is_branch(values["branch"]), "the name of a branch")
    _require(found, "remote", is_remote(values["remote"]), "the name of a remote")
    username = values.get("username") or None
    _require(found, "username", username is None or _is_username(username), "your user name on the server")
    return Settings(
        scheme=scheme,
        host=host.strip("[]") if host else None,
        port=_port(found, scheme),
        project=_name(project, scheme) if project else None,
        project_path=project,
        branch=values["branch"],
        remote=values["remote"],
        rebase=_truth(found, "rebase"),
        track=_truth(found, "track"),
        use_pushurl=_truth(found, "usepushurl"),
        topic=_topic(found),
        timeout=_seconds(found),
        username=username,
        ssh=ssh,
        openssh=_is_openssh(git, ssh),
        git=git,
        scopes=scopes,
        repeated=repeated,
        origins=dict(found.origins),
        values=dict(values),
        warnings=warnings,
    )


def _require(found: _Found, name: str, good: object, wanted: str) -> None:
    if not good:
        raise ReviewError(
            f"{found.values.get(name)!r} from {found.origins.get(name)} cannot be the {name}", hint=f"it is {wanted}"
        )


def _truth(found: _Found, name: str) -> bool:
    value = found.values[name].strip().lower()
    _require(found, name, value in _TRUE + _FALSE, "yes or no")
    return value in _TRUE


def _topic(found: _Found) -> Mode:
    if _truth(found, "notopic"):
        return Mode.NONE
    word = found.values["topic"].strip().lower()
    _require(found, "topic", word in [mode.value for mode in Mode], "message, branch or none")
    return Mode(word)


def _seconds(found: _Found) -> float | None:
    text = (found.values.get("timeout") or "").strip()
    if not text:
        return None
    _require(
        found, "timeout", re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,3})?", text) and float(text), "a number of seconds"
    )
    return float(text)


def _port(found: _Found, scheme: str) -> int | None:
    text = (found.values.get("port") or "").strip()
    if not text:
        return _USUAL_PORTS.get(scheme)
    _require(found, "port", text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536, "from 1 to 65535")
    return int(text)


def _name(path: str, scheme: str) -> str:
    return (path.removeprefix("a/") if scheme in ("http", "https") else path).removesuffix(".git")


def _is_host(name: str) -> bool:
    if not _HOST.fullmatch(name):
        return False
    if ":" not in name:
        return True
    from ipaddress import IPv6Address

    try:
        IPv6Address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _is_project(name: str) -> bool:
    return not name.startswith("-") and name.isprintable()


def _is_username(name: str) -> bool:
    return not name.startswith("-") and name.isprintable() and not any(char.isspace() or char == "/" for char in name)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _ssh(git: Mapping[str, str]) -> tuple[str, ...]:
    """The program in git's own order. The first two are command lines of the person's own, and a shell runs them where
    git has it done: then what follows is handed over as the shell's arguments, never as text for it.

    Source: git's ``run-command.c``, ``prepare_shell_cmd``.
    """
    line = os.environ.get("GIT_SSH_COMMAND") or git.get("core.sshcommand")
    if not line or not line.strip():
        return (os.environ.get("GIT_SSH") or "ssh",)
    return ("sh", "-c", f'{line} "$@"', line) if _FOR_A_SHELL.search(line) else (line,)


def _is_openssh(git: Mapping[str, str], ssh: tuple[str, ...]) -> bool:
    """What is neither named for its kind nor called ssh may be: git asks it, and nobody else does.

    Source: git's ``connect.c``, ``determine_ssh_variant``.
    """
    kind = os.environ.get("GIT_SSH_VARIANT") or git.get("ssh.variant") or "auto"
    if kind != "auto":
        return kind == "ssh"
    line = ssh[3] if len(ssh) > 1 else ssh[0]
    return Path(next(iter(line.split()), "")).name == "ssh"
