"""The way into a node that is a machine: the system's ssh with the node's own keys over one connection that is kept.

It never trusts a host key on first use, reads no ssh configuration of the user's, and passes no variable by itself.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal import process, stopping
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import knock, place, settings, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.seed import HOME, USER
from gatelocal.model.hold import Occasion
from gatelocal.model.text import LINE_LIMIT
from gatelocal.ports import Say

_NONE = Occasion()
_LOST = 255  # ssh's own status when there is no connection; a program on the node may end with it as well
_NODE = "node"
_MARK, _OURS = "GATELOCAL_BUILD", "gatelocal-"
_ASK_SECONDS = 60.0
_LOOK, _OFTEN = 0.05, 0.01
_LATE = 20.0  # seconds for ssh itself, once a server has answered
_GET_SECONDS = 300.0
_PUT_SECONDS = 3600.0

# Runs a program in a folder; leaves a note when it is the program that ended with ssh's own status.
_WRAPPER = (
    'cd -- "$1" || exit 127; shift; "$@" 2>&1 </dev/null; s=$?; [ $s != 255 ] || : >/tmp/.$GATELOCAL_BUILD; exit $s'
)
# Ends every process that carries the mark, and all of the session that it is in (a job's tools may hand on no variable
# of ours): politely, then not. A job may have given up the right to be root: then it has no processes of root's either.
_STOP = r"""
session() { line=; read -r line 2>/dev/null <"/proc/$1/stat"; set -- ${line##*) }; found=${4:-none}; }
marked() { grep -lsz -- "^$1\$" /proc/[0-9]*/environ | cut -d/ -f3; }
session $$; own=$found; wanted=
for p in $(marked "$1"); do
  session "$p"
  case $found in none | 0 | "$own") ;; *) wanted="$wanted $found " ;; esac
done
for s in TERM KILL; do
  for p in $(marked "$1"); do [ "$p" = $$ ] || kill -$s "$p" 2>/dev/null; done
  for p in /proc/[0-9]*; do
    session "${p#/proc/}"
    case "$wanted" in *" $found "*) kill -$s "${p#/proc/}" 2>/dev/null ;; esac
  done
  sleep 0.5
done
[ -z "$2" ] || rm -rf -- "$2"
"""


_OWN = """
 IdentityAgent none
 Ciphers chacha20-poly1305@openssh.com
 KexAlgorithms curve25519-sha256"""


def write_configuration(folder: Path, name: str, port: int) -> None:
    """Write `ssh_config` into the node's folder: with ``ssh -F`` and the name ``node`` it leads there.

    :param port: where the node's ssh server is reached on 127.0.0.1.
    """
    way_to(folder, name, Way("127.0.0.1", port, USER, str(folder / "key")), _OWN)


@dataclass(frozen=True, slots=True)
class Way:
    """Where an ssh server is. :ivar key: the file of a private key; empty: those that ssh tries by itself."""

    address: str
    port: int
    user: str
    key: str = ""


def way_to(folder: Path, name: str, way: Way, more: str = "") -> None:
    """The same for any server whose host key stands under `name` in the folder's ``known_hosts``."""
    quoted, key = (text.replace("%", "%%") for text in (str(folder), way.key))
    identity = f' IdentityFile "{key}"\n IdentitiesOnly yes' if key else ""
    (folder / "ssh_config").write_text(
        f"""Host {_NODE}
 HostName {way.address}
 Port {way.port}
 User {way.user}
{identity}{more}
 UserKnownHostsFile "{quoted}/known_hosts"
 GlobalKnownHostsFile /dev/null
 HostKeyAlias {name}
 StrictHostKeyChecking yes
 UpdateHostKeys no
 BatchMode yes
 ConnectTimeout 60
 ServerAliveInterval 20
 ServerAliveCountMax 6
 LogLevel ERROR
"""
    )


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_banner(port: int, seconds: float, check: Callable[[float], None], host: str = "127.0.0.1") -> None:
    """Wait until an ssh server answers on the port of that host.

    :param check: called all the while with the seconds waited; may raise to end the waiting.
    :raises TimeoutError: none did within `seconds`.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < seconds:
        stopping.check()
        check(waited)
        try:
            with socket.create_connection((host, port), timeout=5) as link:
                if link.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        time.sleep(_LOOK)
    raise TimeoutError(f"no ssh server answered within {seconds:g} s")


class SshNode:
    """A :class:`gatelocal.ports.Node` that is reached by ssh; all it has is below its folder."""

    def __init__(self, folder: Path, record: place.Record) -> None:
        self._folder = folder
        self._record = record
        self._master: process.Child | None = None

    @property
    def description(self) -> str:
        """See :class:`gatelocal.ports.Node`."""
        return self._record.description

    @property
    def notes(self) -> tuple[str, ...]:
        """See :class:`gatelocal.ports.Node`."""
        return self._record.notes

    @property
    def disposable(self) -> bool:
        """See :class:`gatelocal.ports.Node`."""
        return self._record.disposable

    @property
    def home(self) -> str:
        """See :class:`gatelocal.ports.Node`."""
        return self._record.home or HOME

    @property
    def name(self) -> str:
        """The node's name, also that of its folder."""
        return self._record.name

    def settle(self, **known: object) -> None:
        """Call the node ready, with what is known of it now: fields of its record."""
        self._record = place.move(self._folder, replace(self._record, **known), NodeState.READY)  # type: ignore[arg-type]

    def connect(self, seconds: float, port: int = 0, check: Callable[[float], None] = lambda waited: None) -> None:
        """Open the connection that all later programs share.

        :param port: of 127.0.0.1, where a server is waited for first. :param check: as for :func:`wait_for_banner`.
        :raises TimeoutError: none has answered there in time. :raises InfrastructureError: the node lets nobody in.
        """
        proxy = _proxy(port, seconds) if port else ()
        argv = ("ssh", "-F", str(self._folder / "ssh_config"), *proxy, "-S", "way", "-M", "-N", _NODE)
        # ssh has the user's shell start its proxy, with a socket for its input; then bash reads the user's .bashrc.
        own = {sweeper.MARK: self.name, "SHELL": "/bin/sh"}
        log = self._folder / "ssh.log"
        self._master = process.spawn(argv, log=log, cwd=self._folder, environment=own, outlive=True)
        self._record = place.note_process(self._folder, self._record, self._master.pid)
        began = time.monotonic()
        while not (self._folder / "way").exists():
            stopping.check()
            waited = time.monotonic() - began
            check(waited)
            if self._master.ended() is not None or waited > seconds + _LATE:
                said = self._master.last_words()
                if knock.NOBODY in said:
                    raise TimeoutError(f"{knock.NOBODY} within {seconds:g} s")
                raise InfrastructureError(
                    f"the node {self.name} answers, but lets nobody in",
                    details=said,
                    hint="try again, or choose another kind of node",
                )
            time.sleep(_OFTEN)

    def run(
        self,
        argv: Sequence[str],
        *,
        directory: str | None = None,
        environment: Mapping[str, str] | None = None,
        on_line: Say | None = None,
        timeout: float | None = None,
        longest: int = LINE_LIMIT,
    ) -> int:
        """See :class:`gatelocal.ports.Node`. The environment is visible to all on the node: put no secrets there."""
        self._require()
        mark = f"{_OURS}{secrets.token_hex(6)}"
        variables = {**self._record.variables, **(environment or {}), _MARK: mark}
        command = [
            *("env", *(f"{key}={value}" for key, value in variables.items())),
            *("sh", "-c", _WRAPPER, "sh", directory or self.home, *argv),
        ]
        try:
            hear, cwd = on_line or _hear_nothing, self._folder
            status = process.stream(self._ssh(command), hear, cwd=cwd, timeout=timeout, longest=longest)
        except BaseException:
            self._stop(mark)
            raise
        if status == _LOST and not self._ended_with_255(mark):
            raise self._lost()
        return status

    def put(self, local: Path, remote: str) -> None:
        """See :class:`gatelocal.ports.Node`."""
        self._require()
        script = 'mkdir -p -- "$(dirname -- "$1")" && mkdir -- "$1" && exec tar -C "$1" -xf -'
        consumer = self._ssh(["sh", "-c", script, "sh", remote])
        pack = (sys.executable, "-P", "-m", "gatelocal.launcher.pack")
        try:
            process.pipe(pack, consumer, cwd=local, into=self._folder, timeout=_PUT_SECONDS)
        except process.ProgramFailed as error:
            raise InfrastructureError(
                f"{local.name} could not be copied to {remote} on the node {self.name}", details=error.details
            ) from error
        except TimeoutError as error:
            raise InfrastructureError(f"copying {local.name} to the node {self.name}: {error}") from error

    def get(self, remote: str, local: Path) -> bool:
        """See :class:`gatelocal.ports.Node`."""
        self._require()
        if self.run(["test", "-e", remote], directory="/", timeout=_ASK_SECONDS) != 0:
            return False
        fetch(self._ssh(sent(remote)), self._folder, remote, local, self.name)
        return True

    def shell_argv(self, directory: str | None = None) -> tuple[str, ...]:
        """See :class:`gatelocal.ports.Node`."""
        return shell_argv(self._folder, directory or self.home)

    def hold(self, occasion: Occasion = _NONE) -> float:
        """See :class:`gatelocal.ports.Node`."""
        self._record = place.hold(self._folder, self._record, occasion, time.time(), settings.terms().seconds)
        return self._record.until

    def close(self) -> None:
        """See :class:`gatelocal.ports.Node`."""
        sweeper.remove(self._folder)
        if self._master is not None:
            self._master.stop(grace=0)

    def _require(self) -> None:
        if not self._folder.is_dir():
            raise InfrastructureError(f"the node {self.name} is gone")

    def _ssh(self, command: Sequence[str]) -> tuple[str, ...]:
        configuration = str(self._folder / "ssh_config")
        return ("ssh", "-F", configuration, "-S", "way", "-T", _NODE, "--", shlex.join(command))

    def _stop(self, mark: str) -> None:
        """End what a run left on the node; when that fails the node is as good as gone anyway.

        As root over a connection of its own: the job may have become root, and may have taken sudo away since.
        """
        stop = _stopping(self._folder, f"{_MARK}={mark}", login=self._record.host == "")
        with contextlib.suppress(OSError, TimeoutError):
            process.stream(stop, _hear_nothing, cwd=self._folder, timeout=60)

    def _ended_with_255(self, mark: str) -> bool:
        try:
            note = self._ssh(["rm", f"/tmp/.{mark}"])  # noqa: S108 - a path on the node
            return process.stream(note, _hear_nothing, cwd=self._folder, timeout=60) == 0
        except (OSError, TimeoutError):
            return False

    def _lost(self) -> InfrastructureError:
        return InfrastructureError(
            f"the connection to the node {self.name} was lost",
            details=last_words(self._folder),
            hint="this says nothing about the change: run it again",
        )


def _proxy(port: int, seconds: float) -> tuple[str, ...]:
    """The words that have ssh wait for its server."""
    program = shlex.join((sys.executable, "-I", "-S", knock.__file__, "127.0.0.1", str(port), str(seconds)))
    return ("-o", f"ProxyCommand={program.replace('%', '%%')}", "-o", "ProxyUseFdpass=yes")


def farewell_argv(folder: Path, home: str) -> tuple[str, ...]:
    """The command line that ends all that jobs have left on the host of that folder, and removes their home there."""
    return _stopping(folder, f"{_MARK}={_OURS}.*", login=False, remove=home)


def _stopping(folder: Path, mark: str, *, login: bool, remove: str = "") -> tuple[str, ...]:
    """The command line that ends what carries the mark on the node of that folder, over a connection of its own.

    :param mark: a basic regular expression. :param login: whether root may log in there; else it is sudo.
    :param remove: a folder that goes as well.
    """
    script = ["sh", "-c", _STOP, "sh", mark, remove]
    sudo = f"sudo -n true 2>/dev/null && exec sudo -n {shlex.join(script)}; exec {shlex.join(script)}"
    user = ("-l", "root") if login else ()
    command = shlex.join(script) if login else shlex.join(["sh", "-c", sudo])
    return ("ssh", "-F", str(folder / "ssh_config"), "-S", "none", *user, "-T", _NODE, "--", command)


def last_words(folder: Path) -> str:
    """The last lines on the console of the node of that folder."""
    consoles = [folder / each for each in ("console", "console.log")]
    last = [each.read_text(errors="replace").splitlines()[-10:] for each in consoles if each.exists()]
    return "\n".join(line for lines in last for line in lines)


def sent(remote: str) -> tuple[str, ...]:
    """The command line that sends a file or folder of the node to its standard output.

    Each name of a file is a file of its own, and one that changes meanwhile is sent as it is.
    """
    parent, _, name = remote.rstrip("/").rpartition("/")
    script = 'tar --hard-dereference -C "$1" -cf - -- "$2" || [ $? = 1 ]'
    return ("sh", "-c", script, "sh", parent or "/", name)


def fetch(producer: Sequence[str], cwd: Path, remote: str, local: Path, node: str) -> None:
    """Unpack what a node sends of `remote` into the folder `local`, and nothing else that it may send.

    :param producer: sends it, as :func:`sent` has it; runs in `cwd`.
    :raises InfrastructureError: it did not come whole, in time, or within the limits of size.
    """
    name = remote.rstrip("/").rpartition("/")[2]
    consumer = (sys.executable, "-P", "-m", "gatelocal.launcher.unpack", name)
    try:
        process.pipe(producer, consumer, cwd=cwd, into=local, timeout=_GET_SECONDS)
    except process.ProgramFailed as error:
        raise InfrastructureError(
            f"{remote} could not be fetched from the node {node}", details=error.details
        ) from error
    except TimeoutError as error:
        raise InfrastructureError(f"fetching {remote} from the node {node}: {error}") from error


def _hear_nothing(_: str) -> None:
    """Pass over what a program says."""


def shell_argv(folder: Path, directory: str) -> tuple[str, ...]:
    """The command line that gives a person a shell on the node of that folder."""
    command = f"cd {shlex.quote(directory)}; exec ${{SHELL:-sh}} -l"
    return ("ssh", "-F", str(folder / "ssh_config"), "-t", _NODE, "--", command)
