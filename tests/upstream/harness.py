"""Upstream's functional tests against this project's command and a Gerrit that runs already: how many pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gatelocal.sandbox.server import Server
from tests.upstream import source

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the tests. :ivar failed: name → what upstream's test said."""

    passed: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]

    @property
    def line(self) -> str:
        """The numbers."""
        total = len(self.passed) + len(self.skipped) + len(self.failed)
        return f"{len(self.passed)} of {total} passed, {len(self.skipped)} skipped, {len(self.failed)} failed"


def run(server: Server, *, workers: int = 2, only: str = "", program: Path | None = None) -> Report:
    """Run those whose name contains `only`.

    :param program: the folder of the `git-review` under test; by default that of this Python's scripts.
    """
    with tempfile.TemporaryDirectory(prefix="upstream-") as scratch:
        folder = Path(scratch)
        upstream = source.unpack(source.archive(folder), folder)
        environment = _environment(server, program or Path(sys.executable).parent)
        names = [name for name in json.loads(_child(upstream, folder, environment, ["list"])) if only in name]
        shares = [names[place::workers] for place in range(workers)]
        places = [folder / f"worker-{place}" for place in range(workers)]
        for place in places:
            place.mkdir()
        with ThreadPoolExecutor(workers) as pool:
            outputs = list(
                pool.map(lambda job: _child(upstream, job[0], environment, job[1]), zip(places, shares, strict=True))
            )
    return _report([json.loads(line) for output in outputs for line in output.splitlines()])


def _environment(server: Server, program: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
    return own | {
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",
        "UPSTREAM_SSH_PORT": str(server.ssh_port),
        "UPSTREAM_HTTP_PORT": str(server.http_port),
        "UPSTREAM_KEY": str(server.admin.key),
        "UPSTREAM_PASSWORD": server.admin.password,
    }


def _child(upstream: Path, cwd: Path, environment: dict[str, str], words: Sequence[str]) -> str:
    argv = [sys.executable, str(_CHILD), str(upstream), *words]
    done = subprocess.run(argv, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _report(lines: Sequence[dict[str, object]]) -> Report:
    by = {status: [str(line["test"]) for line in lines if line["status"] == status] for status in ("success", "skip")}
    rest = [line for line in lines if line["status"] not in by]
    failed = {str(line["test"]): "\n".join(dict(line["details"]).values()) for line in rest}  # type: ignore[call-overload]
    return Report(tuple(by["success"]), tuple(by["skip"]), failed)
