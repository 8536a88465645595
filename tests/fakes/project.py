"""A small project with a change, and a server that is a folder: what `gatelocal run` needs and no more."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_MAKE = """
git init -q --bare --initial-branch=master "$1/srv/ex/p"; git init -q --initial-branch=master "$1/tree"; cd "$1/tree"
printf '[gerrit]\\nhost=localhost\\nproject=ex/p\\n' > .gitreview
echo '- job: {name: unit, parent: tox, vars: {tox_envlist: py3}}' > .zuul.yaml
echo '- project: {gate: {jobs: [unit]}}' >> .zuul.yaml
printf '[tox]\\nskipsdist = true\\n[testenv]\\nskip_install = true\\n' > tox.ini
printf 'allowlist_externals = *\\ncommands = sh job.sh\\n' >> tox.ini
printf '%s\\n' "$2" > job.sh
git add -A; git commit -qm base; git remote add gerrit "$1/srv/ex/p"; git push -q gerrit master
git commit -q --allow-empty -m 'change

Change-Id: I0123456789012345678901234567890123456789'
"""


def small_project(folder: Path, job: str) -> dict[str, str]:
    """Make it, with its work tree in `folder`/tree, and give the variables for `gatelocal`.

    :param job: the shell script that the job `unit` runs in its tox environment.
    """
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GATELOCAL_CACHE": str(folder / "cache"),
        "GATELOCAL_STATE": str(folder / "state"),
    }
    subprocess.run(["sh", "-ec", _MAKE, "sh", str(folder), job], check=True, env=environment, capture_output=True)
    return environment
