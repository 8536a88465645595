"""`gatelocal sandbox up|down|status|project`: a private Gerrit that outlives the command; it knows folders."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from gatelocal.cli.options import Verbs, examples
from gatelocal.config.directories import directories
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.text import plain
from gatelocal.sandbox.identity import Identity
from gatelocal.sandbox.locks import turn
from gatelocal.sandbox.seed import REVIEWER, create_project, import_project, second_user
from gatelocal.sandbox.server import Server, last_words, load
from gatelocal.sandbox.site import is_ours
from gatelocal.sandbox.start import Places, start
from gatelocal.sandbox.versions import DEFAULT, RELEASES
from gatelocal.ui.terminal import Terminal
from git_review.gerrit.errors import Conflict

WAITING = "waiting for another `gatelocal sandbox` command"


def places(environment: Mapping[str, str]) -> Places:
    """Where Gerrit's parts and Java are, as GATELOCAL_CACHE, M2_REPO (Maven's), JAVA_HOME and GERRIT_WAR say."""
    maven = environment.get("M2_REPO")
    war = environment.get("GERRIT_WAR")
    return Places(
        cache=directories(environment).cache / "sandbox",
        repositories=(Path(maven) if maven else Path.home() / ".m2" / "repository",),
        java_home=environment.get("JAVA_HOME"),
        war=Path(war).absolute() if war else None,
    )


@click.group(
    cls=Verbs,
    epilog=examples(
        "gatelocal sandbox up",
        "gatelocal sandbox project demo/app --from .",
        "gatelocal sandbox down",
    ),
)
def sandbox() -> None:
    """A private, real Gerrit for trial and tests.

    Everybody who can log in to this machine can be any account there: keep nothing secret in it.
    """


@sandbox.command(epilog=examples("gatelocal sandbox up"))
@click.option(
    "--version",
    type=click.Choice([release.version for release in RELEASES]),
    help=f"Which Gerrit.  [default: {DEFAULT}; GERRIT_WAR wins]",
)
def up(version: str | None) -> None:
    """Start it; when it runs already, say where."""
    terminal = Terminal(sys.stderr)
    directory = directories(os.environ).sandbox
    with turn(_lock(directory), terminal.say, WAITING):
        running = _usable(directory)
        if running is None:
            _clear(directory)
            running = start(version or DEFAULT, directory, places(os.environ), terminal.say, outlive=True)
        elif version not in (None, running.version):
            raise InputError(
                f"Gerrit {running.version} is running, not {version}", hint="`gatelocal sandbox down` stops it"
            )
        else:
            terminal.say("the sandbox is running already")
    second_user(running)
    _tell(running, show_password=False)


@sandbox.command(epilog=examples("gatelocal sandbox project demo/app --from ."))
@click.argument("name")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A repository whose HEAD the project begins with; by default an empty commit on master.",
)
def project(name: str, folder: Path | None) -> None:
    """Make a project NAME, such as demo/app, and say how it is cloned."""
    server = _usable(directories(os.environ).sandbox)
    if server is None:
        raise InfrastructureError("there is no sandbox that runs", hint="`gatelocal sandbox up` starts one")
    try:
        branch = "master" if folder is None else import_project(server, name, folder)
        if folder is None:
            create_project(server, name)
    except Conflict:
        raise InputError(f"there is a project {plain(name)} already", hint="choose another name") from None
    for key, value in (("project", plain(name)), ("branch", branch), ("git, ssh", server.ssh_url(name))):
        click.echo(f"{key:10} {value}")
    host, port = server.ssh_host, server.ssh_port
    click.echo(f'for git    eval "$(gatelocal sandbox status --environment)"; git clone {server.ssh_url(name)}')
    click.echo(f".gitreview [gerrit] host={host} port={port} project={plain(name)} defaultbranch={branch}")


@sandbox.command(epilog=examples("gatelocal sandbox down"))
def down() -> None:
    """Stop it and remove all that it had."""
    terminal = Terminal(sys.stderr)
    directory = directories(os.environ).sandbox
    with turn(_lock(directory), terminal.say, WAITING):
        was_there = directory.is_dir()
        _clear(directory)
    click.echo("the sandbox is stopped and removed" if was_there else "there is no sandbox")


@sandbox.command(epilog=examples("gatelocal sandbox status", "gatelocal sandbox status --environment"))
@click.option("--show-password", is_flag=True, help="Show the administrator's HTTP password, too.")
@click.option(
    "--environment", is_flag=True, help="Only what `eval` in a shell needs so that git and gatelocal reach it."
)
def status(show_password: bool, environment: bool) -> None:
    """Say whether it runs and how it is reached; exit status 6 when it does not run."""
    directory = directories(os.environ).sandbox
    server = load(directory)
    if server is None:
        raise InfrastructureError("there is no sandbox", hint="`gatelocal sandbox up` starts one")
    if not server.is_running():
        raise InfrastructureError(
            f"the sandbox (Gerrit {server.version}) has died",
            details=last_words(server),
            hint="`gatelocal sandbox up` starts a new one, without the old one's projects",
        )
    if not server.ready:
        raise InfrastructureError("the sandbox is not ready", hint="wait for the `gatelocal sandbox up` that starts it")
    if environment:
        for name, value in {**server.environment(), "GATELOCAL_GERRIT": server.url}.items():
            click.echo(f"export {name}={shlex.quote(value)}")
    else:
        _tell(server, show_password)


def _usable(directory: Path) -> Server | None:
    server = load(directory)
    return server if server is not None and server.ready and server.is_running() else None


def _clear(directory: Path) -> None:
    """Stop what runs in the folder and remove it. :raises InputError: it is not empty and not a sandbox's."""
    server = load(directory)
    if server is not None:
        server.stop(grace=1)
    if directory.is_dir() and any(directory.iterdir()) and not is_ours(directory):
        raise InputError(f"{directory} is not a sandbox's folder", hint="GATELOCAL_STATE names the folder it lies in")
    if directory.is_dir():
        shutil.rmtree(directory)


def _lock(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.lock")


def _second(server: Server) -> list[Identity]:
    return [second_user(server)] if (server.directory / "users" / REVIEWER).is_dir() else []


def _tell(server: Server, show_password: bool) -> None:
    admin = server.admin
    password = admin.password if show_password else f"in {admin.password_file} (status --show-password)"
    for name, value in (
        ("Gerrit", f"{server.version}, process {server.pid}"),
        ("address", server.url),
        ("git, ssh", server.ssh_url("PROJECT")),
        ("git, http", server.http_url("PROJECT")),
        ("user", f"{admin.username} ({admin.email})"),
        ("password", password),
        ("ssh key", str(admin.key)),
        *(("second", f"{who.username} ({who.email}), {who.gitconfig}") for who in _second(server)),
        ("for git", 'eval "$(gatelocal sandbox status --environment)"'),
        ("log", str(server.layout.log)),
    ):
        click.echo(f"{name:10} {value}")
