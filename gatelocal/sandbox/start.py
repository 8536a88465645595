"""From a version to a server that answers and is set up: parts, Java, golden site, copy, start.

It reads no environment and chooses no folder: the face that asks says where everything is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.ports import Say
from gatelocal.sandbox import java as javas
from gatelocal.sandbox import parts, seed
from gatelocal.sandbox.identity import keep_password, new_password
from gatelocal.sandbox.java import Java
from gatelocal.sandbox.parts import Distribution
from gatelocal.sandbox.server import Server, launch, save
from gatelocal.sandbox.site import LOOPBACK, Layout, golden, instantiate
from git_review.gerrit import GerritError


@dataclass(frozen=True, slots=True)
class Places:
    """What this machine has to offer.

    :ivar cache: where parts and golden sites are kept.
    :ivar repositories: local Maven repositories, which are only read.
    :ivar java_home: JAVA_HOME.
    :ivar war: GERRIT_WAR, which wins over every version.
    """

    cache: Path
    repositories: tuple[Path, ...] = ()
    java_home: str | None = None
    war: Path | None = None


def start(version: str, directory: Path, places: Places, say: Say, *, outlive: bool = False) -> Server:
    """A Gerrit of that version, set up and answering, with its site in `directory`.

    :param directory: does not exist yet, or is empty.
    :param outlive: it goes on when this process ends; otherwise it ends with the thread that calls this.
    :raises gatelocal.errors.InputError: no such version, or the folder is in use.
    :raises InfrastructureError: it cannot be had or started; `directory` is gone then.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise InputError(f"{directory} is not empty", hint="name a new folder for the sandbox")
    distribution, java = _prepare(version, places, say)
    source = golden(distribution, java, places.cache / "sites", lambda new: _set_up(distribution, java, new, say), say)
    try:
        layout = instantiate(source, directory)
        server = launch(distribution, java, layout, say, outlive=outlive)
        try:
            _tell(server)
        except BaseException:
            server.stop(grace=0)
            raise
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    server = replace(server, ready=True)
    save(server)
    return server


def _prepare(version: str, places: Places, say: Say) -> tuple[Distribution, Java]:
    if places.war is not None:
        distribution = parts.own_war(places.war)
        return distribution, javas.find(distribution.java, places.java_home)
    known = parts.release(version)
    java = javas.find(known.java, places.java_home)
    return parts.obtain(known, places.cache / "parts", places.repositories, say), java


def _set_up(distribution: Distribution, java: Java, layout: Layout, say: Say) -> None:
    server = launch(distribution, java, layout, say)
    try:
        _tell(server, seed.set_up)
        seed.forget_first_password(server)
    finally:
        server.stop()


def _renew_password(server: Server) -> None:
    fresh = new_password()
    server.client().accounts.set_http_password("self", fresh)
    keep_password(server.admin, fresh, f"{LOOPBACK}:{server.http_port}")


def _tell(server: Server, *tell: Callable[[Server], None]) -> None:
    """Tell a new server something, then give its administrator a password that only this server knows."""
    try:
        for one in (*tell, _renew_password):
            one(server)
    except GerritError as error:
        raise InfrastructureError(
            f"the new Gerrit does not take its set-up: {error.brief}", details=error.details, hint=error.hint
        ) from error
