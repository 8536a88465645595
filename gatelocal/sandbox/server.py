"""A running sandbox: started on free loopback ports, ready when it answers, stopped by its process id.

It does not decide who keeps it alive: it ends with the process that started it unless it is asked to outlive that.
"""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.ports import Say
from gatelocal.sandbox import site
from gatelocal.sandbox.identity import Identity, write_secret
from gatelocal.sandbox.java import Java
from gatelocal.sandbox.parts import Distribution
from gatelocal.sandbox.site import LOOPBACK, STATE, Layout, command, configure
from git_review.gerrit import Auth, Gerrit, GerritError, connect

_ATTEMPTS = 5
_PATIENCE = 300.0
_BANNER = b"SSH-2.0-GerritCodeReview"
_IN_USE = ("Address already in use", "BindException", "Cannot bind to")


class PortTaken(InfrastructureError):
    """Somebody else took one of the ports between their choice and the server's start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Gerrit that runs, or ran, in one folder.

    :ivar version: the sandbox's name for it; what it says of itself may be ``(dev)``.
    :ivar pid: its process id and process group.
    :ivar ready: it has been told all that it has to know; false while it starts, and for ever if that was cut off.
    """

    directory: Path
    version: str
    http_port: int
    ssh_port: int
    pid: int
    ready: bool = False
    ssh_host: str = LOOPBACK

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.directory)

    @property
    def admin(self) -> Identity:
        """The account that may do everything; its key, password and git configuration are files."""
        return self.layout.admin

    @property
    def url(self) -> str:
        """Its address for people and REST, with a slash at the end."""
        return f"http://{LOOPBACK}:{self.http_port}/"

    def client(self, who: Identity | None = None) -> Gerrit:
        """A REST client that is logged in, by default as the administrator."""
        who = who or self.admin
        return connect(self.url, auth=Auth(who.username, who.password))

    def environment(self, who: Identity | None = None) -> dict[str, str]:
        """Variables with which git and ssh are that account (the administrator) and read nothing of the user's."""
        who = who or self.admin
        return {
            "GIT_SSH_COMMAND": shlex.join(self.ssh(who)),
            "GIT_SSH_VARIANT": "ssh",
            "GIT_CONFIG_GLOBAL": str(who.gitconfig),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def ssh(self, who: Identity | None = None) -> tuple[str, ...]:
        """The beginning of an ssh command line that is that account (the administrator), without port and host."""
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=yes",
            f'UserKnownHostsFile="{self.layout.known_hosts}"',
        )
        words = [word for option in options for word in ("-o", option)]
        return ("ssh", "-F", "none", "-i", str((who or self.admin).key), *words)

    def ssh_url(self, project: str, who: Identity | None = None) -> str:
        """Where git finds a project by ssh."""
        return f"ssh://{(who or self.admin).username}@{self.ssh_host}:{self.ssh_port}/{project}"

    def http_url(self, project: str, who: Identity | None = None) -> str:
        """Where git finds a project by HTTP, with the user's name and without the password."""
        return f"http://{(who or self.admin).username}@{LOOPBACK}:{self.http_port}/a/{project}"

    def is_running(self) -> bool:
        """Whether its process is there, and is not another one that got the same id."""
        return str(self.layout.site) in process.arguments(self.pid)

    def stop(self, grace: float = 30.0) -> None:
        """End it: SIGTERM, `grace` seconds, SIGKILL. Twice is harmless."""
        if self.is_running():
            process.stop_by_pid(self.pid, grace)
            _until(lambda: not self.is_running(), 5)

    def remove(self) -> None:
        """Stop it and remove all that it had; it need not end well for that."""
        self.stop(grace=1)
        shutil.rmtree(self.directory, ignore_errors=True)


def launch(distribution: Distribution, java: Java, layout: Layout, say: Say, *, outlive: bool = False) -> Server:
    """Start Gerrit on that site and wait until it answers by HTTP and ssh.

    :param outlive: it goes on when this process ends; otherwise it ends with the thread that calls this.
    :raises InfrastructureError: it does not come up; the details are its last words.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _attempt(distribution, java, layout, say, outlive)
        except PortTaken:
            if attempt == _ATTEMPTS:
                raise
            say("a port was taken in the meantime: trying others")
    raise AssertionError("unreachable")


def save(server: Server) -> None:
    """Write down what another process needs to find it."""
    state = {**asdict(server), "directory": str(server.directory)}
    write_secret(server.directory / STATE, json.dumps(state, indent=1) + "\n")


def load(directory: Path) -> Server | None:
    """The server that was started in that folder, running or not; None when there is nothing readable."""
    try:
        state = json.loads((directory / STATE).read_text())
        return Server(**{**state, "directory": Path(state["directory"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def last_words(server: Server, lines: int = 20) -> str:
    """The end of its log."""
    try:
        return "\n".join(server.layout.log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def free_ports(count: int) -> tuple[int, ...]:
    """Ports on the loopback address that nobody listens on just now, all different."""
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind((LOOPBACK, 0))
        return tuple(one.getsockname()[1] for one in taken)
    finally:
        for one in taken:
            one.close()


def _attempt(distribution: Distribution, java: Java, layout: Layout, say: Say, outlive: bool) -> Server:
    http_port, ssh_port = free_ports(2)
    configure(layout, http_port, ssh_port)
    layout.log.unlink(missing_ok=True)
    argv = command(distribution, java, layout, "daemon", "--console-log")
    say(f"starting Gerrit {distribution.name} on {java.name}: waiting for it to answer (some 6 s)")
    child = process.spawn(
        argv, log=layout.log, cwd=layout.directory, environment=site.environment(layout), outlive=outlive
    )
    try:
        server = Server(layout.directory, distribution.name, http_port, ssh_port, child.pid)
        save(server)
        _wait(child, server)
    except BaseException:
        child.stop(grace=0)
        raise
    return server


def _wait(child: process.Child, server: Server) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not (_answers_http(server) and _answers_ssh(server)):
        log = child.last_words(40)
        if any(words in log for words in _IN_USE):
            raise PortTaken(f"port {server.http_port} or {server.ssh_port} is in use", details=child.last_words())
        status = child.ended()
        if status is not None:
            raise InfrastructureError(f"Gerrit ended with status {status} while starting", details=child.last_words())
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"Gerrit did not answer within {_PATIENCE:.0f} s",
                details=child.last_words(),
                hint="is the machine overloaded, or short of memory (it wants 512 MB)?",
            )
        time.sleep(0.1)


def _answers_http(server: Server) -> bool:
    """Whether it tells its version; a port that is open before the server is ready gives an error page."""
    try:
        with connect(server.url, timeout=(2, 5), retries=0) as gerrit:
            gerrit.server.version()
    except GerritError:
        return False
    return True


def _answers_ssh(server: Server) -> bool:
    try:
        with socket.create_connection((server.ssh_host, server.ssh_port), timeout=5) as connection:
            return connection.recv(len(_BANNER)) == _BANNER
    except OSError:
        return False


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
