"""A real PostgreSQL from the system's package, private to one run of tests: on a free loopback port, nobody's root."""

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
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
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
        return _run([str(PROGRAMS[-1] / "psql"), *where, "-X", "-q", "-t", "-A", "-c", statement])


@contextmanager
def running(folder: Path) -> Iterator[PostgreSql]:
    """Make a server and start it. :param folder: a new one, with a short path: its socket's may have 107 characters."""
    data, word = folder / "data", folder / "password"
    folder.mkdir(mode=0o700)
    word.write_text(secrets.token_hex(12))
    if os.getuid() == 0:
        for one in (folder, word):
            shutil.chown(one, *_somebody())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = ("-D", str(data), "-U", USER, "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", str(word))
    _run([str(PROGRAMS[-1] / "initdb"), *made, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [str(PROGRAMS[-1] / "pg_ctl"), "-D", str(data), "-w"]
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
    """User and group: those that the package makes, or nobody's."""
    names = {one.pw_name: (one.pw_uid, one.pw_gid) for one in pwd.getpwall()}
    return names.get("postgres", names["nobody"])
