"""The contract's example of `gatelocal plan` as real repositories, and the command as a function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gatelocal.cli.plan import plan
from tests.fakes.git_server import GitServer

EXAMPLE = Path(__file__).parent / "plan_example"


def example_in(root: Path) -> Path:
    """Make the example's repositories below a folder; gives its configuration file."""
    for project in sorted((EXAMPLE / "repositories").iterdir()):
        server = GitServer(root / project.name)
        first = True
        for branch in sorted(project.iterdir()):
            files = {str(path.relative_to(branch)): path.read_text() for path in branch.rglob("*") if path.is_file()}
            name = branch.name.replace("%", "/")
            if first:
                server.create("repo", files, name)
            else:
                server.commit("repo", f"refs/heads/{name}", (), files)
            first = False
        server.path("repo").rename(root / project.name / "repo")
    text = (EXAMPLE / "config.yaml").read_text().replace("@MIRROR@", str(root))
    (root / "config.yaml").write_text(text)
    return root / "config.yaml"


def ask(*args: str) -> tuple[int, dict[str, Any]]:
    """Exit status and object of ``plan --json``."""
    done = CliRunner().invoke(plan, [*args, "--json"], standalone_mode=False, catch_exceptions=False)
    return done.return_value, json.loads(done.stdout)


def shown(*args: str) -> str:
    """What a person sees."""
    return CliRunner().invoke(plan, [*args], standalone_mode=False, catch_exceptions=False).stdout
