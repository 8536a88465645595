"""Nodes that are a scratch folder on this machine: no isolation at all, and it says so.

Programs get a small environment with the folder as home; nothing keeps them from the rest of this machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, place, settings, steps, sweeper
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.lock import held
from gatelocal.model.hold import Occasion
from gatelocal.model.text import LINE_LIMIT
from gatelocal.ports import Say

_NONE = Occasion()
DESCRIPTION = "this machine, in a scratch folder: NO ISOLATION"
_PATIENCE = 900.0  # seconds for another build that installs tox
_KEPT = (
    *("LANG", "LC_ALL", "TERM", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "LD_LIBRARY_PATH"),
)


def launch(cache: Path, folder: Path, record: place.Record, environment: Mapping[str, str], say: Say) -> LocalNode:
    """Make the scratch folder.

    :param cache: where a tox is kept when this machine has none. :param environment: this process's variables.
    """
    say(f"the node is {DESCRIPTION}; run only changes that you trust")
    home = folder / "home"
    (home / "tmp").mkdir(parents=True)
    record = place.move(folder, record, NodeState.BOOTING)
    record = place.move(folder, record, NodeState.READY)
    path = environment.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    variables = {name: environment[name] for name in _KEPT if name in environment}
    variables |= {name: value for name, value in environment.items() if name.startswith("PIP_")}
    variables |= {
        "PATH": f"{_tox(cache, path, say)}:{path}",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        sweeper.MARK: record.name,
    }
    return LocalNode(folder, record, variables)


def _tox(cache: Path, path: str, say: Say) -> Path:
    """The folder of a tox of version 4 or later: this program's own, that on PATH, or one that is installed now."""
    kept = cache / f"tox-{sys.version_info.major}.{sys.version_info.minor}"
    on_path = shutil.which("tox", path=path)
    for tox in (Path(sys.prefix) / "bin/tox", Path(on_path or "/nonexistent"), kept / "bin/tox"):
        if _is_new(tox):
            return tox.parent
    cache.mkdir(parents=True, exist_ok=True)
    with held(kept.with_name(f"{kept.name}.lock"), "the tox of this machine", _PATIENCE, say):
        if not _is_new(kept / "bin/tox"):  # another build may have installed it meanwhile
            _install(kept, cache / "tox.log", say)
    return kept / "bin"


def _is_new(tox: Path) -> bool:
    return tox.is_file() and process.run([str(tox), "--version"], timeout=60, check=False).stdout[:1] >= "4"


def _install(folder: Path, log: Path, say: Say) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    what = "installing tox"
    with steps.step(say, what, "the Python package index"):
        steps.watched([sys.executable, "-m", "venv", str(folder)], log, what)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "tox>=4"]
        steps.watched(pip, log, what)


class LocalNode:
    """A :class:`gatelocal.ports.Node` that is a folder of this machine."""

    def __init__(self, folder: Path, record: place.Record, variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._record = record
        self._variables = dict(variables)

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
        return False

    @property
    def home(self) -> str:
        """See :class:`gatelocal.ports.Node`."""
        return str(self._folder / "home")

    @property
    def name(self) -> str:
        """The node's name, also that of its folder."""
        return self._record.name

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
        """See :class:`gatelocal.ports.Node`."""
        self._require()
        variables = {**self._variables, **(environment or {})}
        command = ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *argv]
        where = Path(directory or self.home)
        if not where.is_dir():
            (on_line or (lambda line: None))(f"cd: there is no folder {where}")
            return 127
        try:
            hear, mark = on_line or (lambda line: None), {sweeper.MARK: self.name}  # for `env`, until it is the program
            return process.stream(command, hear, cwd=where, environment=mark, timeout=timeout, longest=longest)
        except BaseException:
            sweeper.stop_marked(self.name)
            raise

    def put(self, local: Path, remote: str) -> None:
        """See :class:`gatelocal.ports.Node`."""
        self._require()
        if Path(remote).exists():
            raise InfrastructureError(f"{remote} is on the node {self.name} already")
        try:
            shutil.copytree(local, remote, symlinks=True)
        except OSError as error:
            raise InfrastructureError(f"{local.name} could not be copied to the node", details=str(error)) from error

    def get(self, remote: str, local: Path) -> bool:
        """See :class:`gatelocal.ports.Node`."""
        self._require()
        if not os.path.lexists(remote):
            return False
        connection.fetch(connection.sent(remote), self._folder, remote, local, self.name)
        return True

    def shell_argv(self, directory: str | None = None) -> tuple[str, ...]:
        """See :class:`gatelocal.ports.Node`."""
        return shell_argv(self._folder, directory or self.home)

    def hold(self, occasion: Occasion = _NONE) -> float:
        """See :class:`gatelocal.ports.Node`."""
        record, seconds = replace(self._record, variables=self._variables), settings.terms().seconds
        self._record = place.hold(self._folder, record, occasion, time.time(), seconds)
        return self._record.until

    def close(self) -> None:
        """See :class:`gatelocal.ports.Node`."""
        sweeper.remove(self._folder)

    def _require(self) -> None:
        if not self._folder.is_dir():
            raise InfrastructureError(f"the node {self.name} is gone")


def shell_argv(folder: Path, directory: str) -> tuple[str, ...]:
    """The command line that gives a person a shell in the node of that folder."""
    script = 'cd -- "$1" && exec env HOME="$2" "${SHELL:-sh}"'
    return ("sh", "-c", script, "sh", directory, str(folder / "home"))
