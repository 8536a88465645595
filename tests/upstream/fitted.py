"""What upstream's helper gets from the shared server in place of one that each test starts; upstream's process only."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
SSH_PORT, HTTP_PORT = os.environ["UPSTREAM_SSH_PORT"], os.environ["UPSTREAM_HTTP_PORT"]
KEY, PASSWORD = os.environ["UPSTREAM_KEY"], os.environ["UPSTREAM_PASSWORD"]


def own(test: Any, text: str) -> str:
    """The text with the test's own project and the administrator's password in it."""
    return text.replace("test/test_project", f"{test.prefix}test/test_project").replace(
        "admin:secret", f"admin:{PASSWORD}"
    )


def fit(helpers: Any, case: Any) -> None:
    """Replace what starts a server in upstream's two helper classes; all else stays."""
    helpers.init_dirs = _init_dirs
    helpers._run_gerrit_cli = _with_own_projects(helpers._run_gerrit_cli)
    case._pick_gerrit_port_and_dir = _places
    case._run_gerrit = _site_folder


def keys(folder: Path) -> None:
    """Put the administrator's ssh key where upstream's helper looks for it."""
    place = folder / ".gerrit" / "golden_site"
    place.mkdir(parents=True)
    for ending in ("", ".pub"):
        shutil.copy(KEY + ending, place / f"test_ssh_key{ending}")


def _init_dirs(test: Any) -> None:
    test.primary_dir = str(Path.cwd())
    test.gerrit_dir = test._dir("primary", ".gerrit")
    test.gsite_dir = test._dir("gerrit", "golden_site")
    test.prefix = f"upstream/{secrets.token_hex(6)}/"


def _places(test: Any) -> tuple[str, str, str, str, str]:
    return HOST, SSH_PORT, HOST, HTTP_PORT, test._dir("gerrit", f"site-{secrets.token_hex(6)}")


def _site_folder(test: Any, *_: str) -> None:
    Path(test.site_dir, "tmp").mkdir(parents=True)
    test.addCleanup(shutil.rmtree, test.site_dir, True)


def _with_own_projects(real: Any) -> Any:
    def run(test: Any, command: str, *args: str) -> str:
        words = [test.prefix + word if word.startswith("test/test_project") else word for word in args]
        try:
            return str(real(test, command, *words))
        except Exception as error:
            # Accounts are the server's, not a project's: another test may have made this one.
            if command == "create-account" and "already exists" in str(error):
                return ""
            raise

    return run
