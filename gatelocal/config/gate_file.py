"""The file of `gatelocal serve`: which server, which tenant, where all is kept; it opens none of them.

Every mistake is told with file and line. No secret stands in it: passwords are in files or variables that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import yaml

from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model import terms
from gatelocal.model.terms import Terms
from gatelocal.pipeline.policies import Policy, policy_of

NODES = ("auto", "qemu", "nspawn", "local")
MODES = ("gate", "third-party")
RUNS = Terms(30 * 86400.0, 50 << 30)
BUILDS = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class Server:
    """The Gerrit.

    :ivar url: base URL, with a slash at its end. :ivar ssh: host and port of the event stream; None without it.
    :ivar ssh_options: words for ssh, before the host. :ivar webhook_file: has the word that Gerrit's webhooks are known
        by; None: none are listened to.
    """

    url: str
    username: str
    password_file: Path | None = None
    password_env: str = ""
    ssh: tuple[str, int] | None = None
    ssh_options: tuple[str, ...] = ()
    webhook_file: Path | None = None


@dataclass(frozen=True, slots=True)
class GateFile:
    """What the file says; relative paths in it start at its folder.

    :ivar database: a SQLAlchemy URL; empty: SQLite in the state's folder. :ivar builds: at the same time.
    :ivar every: seconds between two whole readings of the server. :ivar keep_runs: how long the folders of builds are
        kept, and how much disk all of them may take. :ivar keep_builds: for how many seconds the history tells of one.
    """

    path: Path
    gerrit: Server
    tenant: Path
    state: Path
    database: str = field(default="", repr=False)
    listen: tuple[str, int] = ("127.0.0.1", 0)
    node: str = "auto"
    builds: int = 4
    policy: Policy = policy_of("default")  # noqa: RUF009 - a frozen value
    third_party: bool = False
    every: float = 120.0
    tokens: Path | None = None
    keep_runs: Terms = RUNS
    keep_builds: float = BUILDS
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def at(self, key: str) -> str:
        """File and line of a key, for what is found out about its value later."""
        line = self.lines.get(key)
        return f"{self.path}: {key}" if line is None else f"{self.path}:{line}: {key}"


def load(path: Path) -> GateFile:
    """Read the file.

    :raises InputError: there is none. :raises ConfigurationError: with file and line; further mistakes are its details.
    """
    return _File(path).whole()


def http_url(url: str) -> SplitResult:
    """The parts of an http or https URL. :raises ValueError: it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(url)
    return parts


class _File:
    """What is wrong is noted and read on with the usual value, so that all of it is told at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.absolute().parent
        try:
            root = root_of(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path}:1: not UTF-8 text") from None
        except NotYaml as error:
            raise ConfigurationError(f"{error.at(path)}: {error.problem}", hint=error.hint) from None
        self._lines: dict[str, int] = {}
        self._mistakes: list[tuple[int, str, str]] = []
        if not isinstance(root, yaml.MappingNode):
            raise ConfigurationError(f"{path}:1: not a mapping of names")
        self._note(root, "")
        try:
            value = value_of(root, Reading())
        except NotYaml as error:
            raise ConfigurationError(f"{error.at(path)}: {error.problem}", hint=error.hint) from None
        self._body: Mapping[object, object] = value if isinstance(value, Mapping) else {}

    def whole(self) -> GateFile:
        body = self._section(self._body, "", _TOP)
        found = GateFile(
            path=self._path.absolute(),
            gerrit=self._server(body),
            tenant=self._file(body, "tenant", "tenant.yaml"),
            state=self._file(body, "state", ""),
            database=self._database(body),
            listen=self._address(body.get("listen", "127.0.0.1:0"), "listen"),
            node=self._choice(body, "node", NODES, "auto"),
            builds=self._number(body, "builds", 4),
            policy=self._policy(body.get("policy", "default")),
            third_party=self._choice(body, "mode", MODES, "gate") == "third-party",
            every=float(self._number(body, "read-every", 120)),
            tokens=self._file(body, "tokens", "") if "tokens" in body else None,
            keep_runs=self._terms(body, "keep-runs", RUNS),
            keep_builds=self._seconds(body, "keep-builds", BUILDS),
            lines=self._lines,
        )
        if self._mistakes:
            raise self._told()
        return found

    def _told(self) -> ConfigurationError:
        """All mistakes, in the order of the file."""
        (line, first, hint), *rest = sorted(self._mistakes, key=lambda one: one[0])
        details = "".join(f"{self._path}:{at}: {text}{f' ({more})' if more else ''}\n" for at, text, more in rest)
        return ConfigurationError(f"{self._path}:{line}: {first}", details=details.rstrip(), hint=hint)

    def _server(self, top: Mapping[str, object]) -> Server:
        if "gerrit" not in top:
            self._wrong("", "there is no `gerrit`: it says which server")
            return Server("", "")
        body = self._section(top["gerrit"], "gerrit", _SERVER)
        url = self._text(body, "gerrit.url")
        try:
            parts = http_url(url)
            if parts.username or parts.password:
                self._wrong("gerrit.url", "the user's name and password do not belong here")
        except ValueError:
            if url:
                self._wrong("gerrit.url", "no http or https URL")
        if "password-file" in body and "password-env" in body:
            self._wrong("gerrit.password-env", "there is a password-file already")
        options = body.get("ssh-options", [])
        if not isinstance(options, list) or any(isinstance(one, list | dict) for one in options):
            self._wrong("gerrit.ssh-options", "not a list of words")
            options = []
        return Server(
            url=f"{url.rstrip('/')}/",
            username=self._text(body, "gerrit.username"),
            password_file=self._file(body, "gerrit.password-file", "") if "password-file" in body else None,
            password_env=self._text(body, "gerrit.password-env") if "password-env" in body else "",
            ssh=self._address(body["ssh"], "gerrit.ssh", 29418) if "ssh" in body else None,
            ssh_options=self._words(options),
            webhook_file=self._file(body, "gerrit.webhook-file", "") if "webhook-file" in body else None,
        )

    def _words(self, options: list[object]) -> tuple[str, ...]:
        """The words; one that is the path of a file beside this one is made whole (a key after ``-i``)."""
        words = [str(one) for one in options]
        return tuple(
            str(self._folder / word) if at and words[at - 1] == "-i" else word for at, word in enumerate(words)
        )

    # ---- pieces

    def _note(self, node: yaml.MappingNode, above: str) -> None:
        for key, value in node.value:
            name = f"{above}{key.value}"
            self._lines.setdefault(name, key.start_mark.line + 1)
            if isinstance(value, yaml.MappingNode):
                self._note(value, f"{name}.")

    def _wrong(self, key: str, problem: str, hint: str = "") -> None:
        line = self._lines.get(key) or self._lines.get(key.rpartition(".")[0], 1)
        self._mistakes.append((line, f"{f'{key}: ' if key else ''}{problem}", hint))

    def _section(self, value: object, name: str, known: frozenset[str]) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self._wrong(name, "not a mapping of names")
            return {}
        for key in value:
            if key not in known:
                full = f"{name}.{key}" if name else str(key)
                self._wrong(full, "no key of this file", hint=f"known: {', '.join(sorted(known))}")
        return value

    def _text(self, body: Mapping[str, object], key: str, default: str = "") -> str:
        value = body.get(key.rpartition(".")[2], default)
        if not isinstance(value, str) or not value:
            self._wrong(key, "there is none" if value in ("", None) else "no text")
            return ""
        return value

    def _file(self, body: Mapping[str, object], key: str, default: str) -> Path:
        return self._folder / Path(self._text(body, key, default)).expanduser()

    def _choice(self, body: Mapping[str, object], key: str, known: tuple[str, ...], default: str) -> str:
        value = body.get(key, default)
        if value not in known:
            self._wrong(key, f"not {value!r}"[:200], hint=f"one of: {', '.join(known)}")
        return str(value)

    def _number(self, body: Mapping[str, object], key: str, default: int) -> int:
        value = body.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self._wrong(key, "no whole number above 0")
            return default
        return value

    def _terms(self, body: Mapping[str, object], key: str, usual: Terms) -> Terms:
        try:
            return terms.of({key: str(body.get(key, ""))}, key, usual)
        except InputError as error:
            self._wrong(key, error.brief.removeprefix(f"{key} "), error.hint)
            return usual

    def _seconds(self, body: Mapping[str, object], key: str, usual: float) -> float:
        try:
            return terms.duration(str(body[key])) if key in body else usual
        except InputError as error:
            self._wrong(key, error.brief, error.hint)
            return usual

    def _address(self, value: object, key: str, port: int | None = None) -> tuple[str, int]:
        host, colon, number = str(value).rpartition(":")
        if port is not None and not colon:
            host, number = str(value), str(port)
        if not isinstance(value, str) or not host or not number.isdecimal() or int(number) > 65535:
            self._wrong(key, "not HOST:PORT")
            return "", 0
        return host.strip("[]"), int(number)

    def _database(self, body: Mapping[str, object]) -> str:
        value = self._text(body, "database", "sqlite")
        if value and value != "sqlite" and not value.startswith(_DATABASES):
            hint = f"sqlite, or a URL that begins with {' or '.join(_DATABASES)}"
            self._wrong("database", "a gate cannot be kept there", hint)
        return "" if value == "sqlite" else value

    def _policy(self, value: object) -> Policy:
        try:
            return policy_of(value)
        except InputError as error:
            keys = [str(key) for key in value] if isinstance(value, Mapping) else []
            bad = next((f"policy.{key}" for key in keys if key in error.brief), "policy")
            self._wrong(bad, error.brief, error.hint)
            return policy_of("default")


_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_TOP = frozenset(
    "gerrit tenant state database listen node builds policy mode read-every tokens keep-runs keep-builds".split()
)
_SERVER = frozenset("url username password-file password-env ssh ssh-options webhook-file".split())
