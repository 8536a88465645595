"""The sandbox's site: made once per (Gerrit, Java, set-up revision) as a golden site, then copied for each server.

It starts no server of its own: what has to be said to a running Gerrit, the caller's `seed` says.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say
from gatelocal.sandbox.identity import Identity, keep_password, make_key
from gatelocal.sandbox.java import Java
from gatelocal.sandbox.locks import turn
from gatelocal.sandbox.parts import Distribution
from git_review.git.runner import Runner

REVISION = 2
"""Of the set-up in this file and in seed.py: a new one makes new golden sites."""

INIT_PASSWORD = "secret"  # noqa: S105 - what `init --dev` gives to the first account; the seed replaces it
LOOPBACK = "127.0.0.1"

MARK = ".gatelocal-sandbox"
"""A file in each sandbox's folder from its beginning on."""

STATE = "state.json"
"""A file that says how the server that runs in a sandbox's folder is reached."""

_INIT_PATIENCE = 300.0
_JVM = (
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Djava.security.egd=file:/dev/./urandom",
    "-Djava.awt.headless=true",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
)

_SETTINGS = (
    ("gerrit.basePath", "git"),
    ("auth.type", "DEVELOPMENT_BECOME_ANY_ACCOUNT"),
    ("auth.gitBasicAuthPolicy", "HTTP"),
    ("httpd.requestLog", "false"),
    ("sshd.threads", "2"),
    ("sshd.requestLog", "false"),
    ("sshd.testUseInsecureRandom", "true"),
    ("index.type", "LUCENE"),
    ("index.threads", "1"),
    ("index.onlineUpgrade", "false"),
    ("sendemail.enable", "false"),
    ("plugins.allowRemoteAdmin", "true"),
    ("plugins.checkFrequency", "0"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is inside one sandbox's folder (mode 0700)."""

    directory: Path

    @property
    def site(self) -> Path:
        """Gerrit's own site."""
        return self.directory / "site"

    @property
    def home(self) -> Path:
        """The ``user.home`` of its Java: init reads a key there, the WAR unpacks itself there."""
        return self.directory / "home"

    @property
    def log(self) -> Path:
        """What Gerrit says."""
        return self.directory / "gerrit.log"

    @property
    def known_hosts(self) -> Path:
        """The server's ssh host keys, for ssh."""
        return self.directory / "known_hosts"

    @property
    def admin(self) -> Identity:
        """The administrator, which ``init --dev`` makes under these names."""
        return Identity(self.directory / "admin", "admin", "Administrator", "admin@example.com")


def command(distribution: Distribution, java: Java, layout: Layout, program: str, *args: str) -> tuple[str, ...]:
    """The command line of one of Gerrit's programs (``init``, ``daemon``) on that site."""
    start = (str(java.path), *_JVM, f"-Duser.home={layout.home}", *distribution.launch)
    return (*start, program, *args, "-d", str(layout.site))


def environment(layout: Layout) -> dict[str, str]:
    """Variables for Gerrit's programs, so that they keep their own things in their own home and not in the user's."""
    return {"HOME": str(layout.home), "XDG_CONFIG_HOME": str(layout.home / ".config")}


def golden(distribution: Distribution, java: Java, cache: Path, seed: Callable[[Layout], None], say: Say) -> Layout:
    """The golden site of that Gerrit and Java, made now when there is none yet.

    :param cache: the folder that golden sites are kept in.
    :param seed: starts a server on a new site, tells it what it has to know and stops it.
    :raises InfrastructureError: it cannot be made; nothing half-made is left.
    """
    ready = cache / f"{distribution.name}-java{java.version[0]}-r{REVISION}"
    if ready.is_dir():
        return Layout(ready)
    with turn(cache / f"{ready.name}.lock", say, "waiting for another process that prepares the same site"):
        if not ready.is_dir():
            _make(distribution, java, ready, seed, say)
    return Layout(ready)


def instantiate(source: Layout, directory: Path) -> Layout:
    """A copy of a golden site in `directory`, which is made (mode 0700).

    :raises InfrastructureError: the copy fails, as on a full disk.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / MARK).touch()
    try:
        shutil.copytree(source.directory, directory, symlinks=True, dirs_exist_ok=True)
    except shutil.Error as error:
        raise InfrastructureError(f"the sandbox's site cannot be copied to {directory}", details=str(error)) from error
    directory.chmod(0o700)
    return Layout(directory)


def is_ours(directory: Path) -> bool:
    """Whether a folder is a sandbox's, whole or half-made, which may be removed as a whole."""
    return (directory / MARK).is_file()


def configure(layout: Layout, http_port: int, ssh_port: int) -> None:
    """Write the ports into the site's configuration, and the host keys for clients of the ssh port."""
    address = f"http://{LOOPBACK}:{http_port}/"
    _set(layout, (("gerrit.canonicalWebUrl", address), ("httpd.listenUrl", address)))
    _set(layout, (("sshd.listenAddress", f"{LOOPBACK}:{ssh_port}"),))
    keys = sorted((layout.site / "etc").glob("ssh_host_*_key.pub"))
    hosts = [f"[{LOOPBACK}]:{ssh_port} {' '.join(key.read_text().split()[:2])}\n" for key in keys]
    layout.known_hosts.write_text("".join(hosts))


def _make(distribution: Distribution, java: Java, ready: Path, seed: Callable[[Layout], None], say: Say) -> None:
    """Make the site beside its place and move it there when it is whole."""
    prefix = f".{ready.name}-"
    for left in ready.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=ready.parent))
    try:
        layout = Layout(scratch)
        say(f"preparing a site for Gerrit {distribution.name}: waiting for its init (some 10 s, this once)")
        _initialise(distribution, java, layout)
        seed(layout)
        _strip(layout)
        scratch.rename(ready)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _initialise(distribution: Distribution, java: Java, layout: Layout) -> None:
    make_key(layout.admin)
    ssh = layout.home / ".ssh"
    ssh.mkdir(mode=0o700, parents=True)
    # Gerrit's init reads a file of this name only; the key in it may be of any type.
    (ssh / "id_rsa.pub").write_text(layout.admin.public_key + "\n")
    (layout.site / "etc").mkdir(parents=True)
    _set(layout, _SETTINGS)
    if distribution.war is not None:
        _set(layout, (("container.war", str(distribution.war)),))
    plugins = [word for name in distribution.plugins for word in ("--install-plugin", name)] or ["--skip-plugins"]
    argv = command(distribution, java, layout, "init", "--batch", "--dev", "--no-auto-start", *plugins)
    try:
        process.run(argv, timeout=_INIT_PATIENCE, environment=environment(layout))
    except TimeoutError as error:
        raise InfrastructureError(str(error), hint="is the machine overloaded, or short of memory?") from error
    # init asks for caches on disk: without them nothing is lost when a server is killed.
    config = str(layout.site / "etc" / "gerrit.config")
    Runner(alone=True).run("config", "--file", config, "--unset-all", "cache.directory", ok=(0, 5))
    _set(layout, _SETTINGS)
    keep_password(layout.admin, INIT_PASSWORD, LOOPBACK)


def _set(layout: Layout, settings: Iterable[tuple[str, str]]) -> None:
    git = Runner(alone=True)
    for key, value in settings:
        git.run("config", "--file", str(layout.site / "etc" / "gerrit.config"), key, value)


def _strip(layout: Layout) -> None:
    """Leave out what belongs to one server and not to its copies."""
    # Its .config stays: there JGit keeps what it has measured of the file system, which takes 2 s of each first start.
    unpacked = (layout.home / ".ssh", layout.home / ".gerritcodereview")
    for path in (*unpacked, layout.site / "logs", layout.site / "tmp", layout.site / "cache"):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("logs", "tmp"):
        (layout.site / name).mkdir()
    for path in (layout.log, layout.known_hosts, layout.directory / STATE):
        path.unlink(missing_ok=True)
