"""The file of `gatelocal serve`: which server, which tenant, where all is kept; it opens none of them.

Every mistake is told with file and line. No secret stands in it: passwords are in files or variables that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from gatelocal.config import launchpad, mirror
from gatelocal.config.launchpad import Launchpad
from gatelocal.config.mirror import Copy
from gatelocal.config.values import Values
from gatelocal.errors import InputError
from gatelocal.model.terms import Terms
from gatelocal.pipeline.policies import Policy, policy_of

NODES = ("auto", "qemu", "nspawn", "static", "openstack", "local")
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
    :ivar copy: where what has landed is pushed to; None: nowhere.
    :ivar launchpad: the bug tracker that is told what happens; None: none is.
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
    copy: Copy | None = None
    keep_runs: Terms = RUNS
    keep_builds: float = BUILDS
    launchpad: Launchpad | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def at(self, key: str) -> str:
        """File and line of a key, for what is found out about its value later."""
        line = self.lines.get(key)
        return f"{self.path}: {key}" if line is None else f"{self.path}:{line}: {key}"


def load(path: Path) -> GateFile:
    """Read the file.

    :raises InputError: there is none. :raises ConfigurationError: with file and line; further mistakes are its details.
    """
    return _whole(Values(path), path)


def http_url(url: str) -> SplitResult:
    """The parts of an http or https URL. :raises ValueError: it is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(url)
    return parts


def _whole(values: Values, path: Path) -> GateFile:
    body = values.section(values.body, "", _TOP)
    found = GateFile(
        path=path.absolute(),
        gerrit=_server(values, body),
        tenant=values.file(body, "tenant", "tenant.yaml"),
        state=values.file(body, "state", ""),
        database=_database(values, body),
        listen=values.address(body.get("listen", "127.0.0.1:0"), "listen"),
        node=values.choice(body, "node", NODES, "auto"),
        builds=values.number(body, "builds", 4),
        policy=_policy(values, body.get("policy", "default")),
        third_party=values.choice(body, "mode", MODES, "gate") == "third-party",
        every=float(values.number(body, "read-every", 120)),
        tokens=values.file(body, "tokens", "") if "tokens" in body else None,
        copy=mirror.read(values, body["mirror"]) if "mirror" in body else None,
        keep_runs=values.terms(body, "keep-runs", RUNS),
        keep_builds=values.seconds(body, "keep-builds", BUILDS),
        launchpad=launchpad.read(values, body["launchpad"]) if "launchpad" in body else None,
        lines=values.lines,
    )
    values.end()
    return found


def _server(values: Values, top: Mapping[str, object]) -> Server:
    if "gerrit" not in top:
        values.wrong("", "there is no `gerrit`: it says which server")
        return Server("", "")
    body = values.section(top["gerrit"], "gerrit", _SERVER)
    url = values.text(body, "gerrit.url")
    try:
        parts = http_url(url)
        if parts.username or parts.password:
            values.wrong("gerrit.url", "the user's name and password do not belong here")
    except ValueError:
        if url:
            values.wrong("gerrit.url", "no http or https URL")
    file, variable = mirror.password(values, body, "gerrit")
    return Server(
        url=f"{url.rstrip('/')}/",
        username=values.text(body, "gerrit.username"),
        password_file=file,
        password_env=variable,
        ssh=values.address(body["ssh"], "gerrit.ssh", 29418) if "ssh" in body else None,
        ssh_options=mirror.ssh_words(values, body, "gerrit"),
        webhook_file=values.file(body, "gerrit.webhook-file", "") if "webhook-file" in body else None,
    )


def _database(values: Values, body: Mapping[str, object]) -> str:
    value = values.text(body, "database", "sqlite")
    if value and value != "sqlite" and not value.startswith(_DATABASES):
        hint = f"sqlite, or a URL that begins with {' or '.join(_DATABASES)}"
        values.wrong("database", "a gate cannot be kept there", hint)
    return "" if value == "sqlite" else value


def _policy(values: Values, value: object) -> Policy:
    try:
        return policy_of(value)
    except InputError as error:
        keys = [str(key) for key in value] if isinstance(value, Mapping) else []
        bad = next((f"policy.{key}" for key in keys if key in error.brief), "policy")
        values.wrong(bad, error.brief, error.hint)
        return policy_of("default")


_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_TOP = frozenset(
    "gerrit tenant state database listen node builds policy mode read-every tokens mirror keep-runs keep-builds"
    " launchpad".split()
)
_SERVER = frozenset("url username password-file password-env ssh ssh-options webhook-file".split())
