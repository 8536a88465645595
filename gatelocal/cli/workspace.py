"""`gatelocal workspace`: source trees for a person, with changes merged as the gate would test them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gatelocal.cli.options import GERRIT, examples, of_configuration
from gatelocal.config.directories import directories
from gatelocal.errors import InputError
from gatelocal.model.text import plain
from gatelocal.ui.terminal import Terminal
from gatelocal.workspace.destinations import Layout


@click.command(
    epilog=examples(
        "gatelocal workspace ~/trees HEAD 1234",
        "gatelocal workspace /opt/stack HEAD -p openstack/nova --layout devstack",
    )
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.argument("changes", nargs=-1, metavar="[CHANGE]...")
@click.option("-p", "--project", "projects", multiple=True, metavar="NAME", help="A further project; may be repeated.")
@click.option("--branch", metavar="NAME", help="What is checked out; by default the branch of the last change.")
@click.option(
    "--project-branch",
    "project_branches",
    multiple=True,
    metavar="NAME=BRANCH",
    help="What one project checks out, a branch or a tag; may be repeated.",
)
@click.option(
    "--map",
    "clone_map",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A clone map: which project goes where.",
)
@click.option(
    "--layout",
    type=click.Choice([layout.value for layout in Layout]),
    default=Layout.PLAIN.value,
    help="Where projects go that no clone map names: ORG/NAME, src/HOST/ORG/NAME, or NAME.",
)
@of_configuration
@GERRIT
def workspace(  # noqa: PLR0913 - one for each option
    *,
    directory: Path,
    changes: tuple[str, ...],
    projects: tuple[str, ...],
    branch: str | None,
    project_branches: tuple[str, ...],
    clone_map: Path | None,
    layout: str,
    config: Path | None,
    tenant: str | None,
    gerrit: str | None,
) -> int:
    """Make source trees in DIRECTORY: each CHANGE with everything it depends on, merged as the gate merges.

    A CHANGE is a commit of the work tree (HEAD), or a change on the server: a number, NUMBER,PATCHSET, a URL or a
    Change-Id. In each tree, `git log origin/BRANCH..BRANCH` shows the last change alone. Doing it again brings the
    trees up to date; where you have edited or committed something, nothing is touched.

    Exit codes: 0 done, 2 bad input or something of yours in the way, 4 conflict, 5 configuration, 6 machinery.
    """
    from gatelocal.engine.desk import WorkspaceRequest, arrange
    from gatelocal.engine.mend import mending

    request = WorkspaceRequest(
        target=directory,
        changes=changes,
        projects=projects,
        branch=branch,
        project_branches=dict(_pair(one) for one in project_branches),
        clone_map=clone_map,
        layout=Layout(layout),
        directory=Path.cwd(),
        gerrit=gerrit,
        config=config,
        tenant=tenant,
    )
    terminal = Terminal(sys.stderr)
    desk = mending(terminal.say, lambda: arrange(request, directories(os.environ), os.environ, terminal.say))
    for tree, path in desk.trees:
        click.echo(plain(f"{tree.project} {tree.branch} {tree.commit[:12]} {path}"))
    if branch is not None and not any(branch in tree.heads for tree, _ in desk.trees):
        terminal.say(f"no project here has a branch {branch}: what each has checked out instead stands beside its name")
    return 0


def _pair(text: str) -> tuple[str, str]:
    project, equals, branch = text.partition("=")
    if not (project and equals and branch):
        raise InputError(f"--project-branch {plain(text)}: not of the form NAME=BRANCH")
    return project, branch
