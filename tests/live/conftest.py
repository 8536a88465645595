"""The real servers that live tests use: one private Gerrit per test run, a fresh project per test."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.cli.sandbox import places
from gatelocal.sandbox import seed
from gatelocal.sandbox.identity import Identity
from gatelocal.sandbox.server import Server
from gatelocal.sandbox.share import shared
from gatelocal.sandbox.versions import DEFAULT
from git_review.gerrit import Gerrit
from git_review.git.runner import Runner


@dataclass(frozen=True, slots=True)
class GerritProject:
    """A project of the test's own on the Gerrit that all tests share.

    :ivar project: its name, new for each test; it has one empty commit on master.
    :ivar client: a REST client that is the administrator.
    """

    server: Server
    project: str
    client: Gerrit

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which git and ssh are the administrator and read no configuration of the user's."""
        return self.server.environment()

    def ssh_url(self, project: str | None = None) -> str:
        """Where git finds a project (the test's own) by ssh."""
        return self.server.ssh_url(project or self.project)

    def http_url(self, project: str | None = None) -> str:
        """Where git finds a project by HTTP; the password is in the environment's git configuration."""
        return self.server.http_url(project or self.project)

    def clone(self, path: Path, project: str | None = None) -> Runner:
        """Clone a project by ssh to `path`; gives git in that clone, as the administrator."""
        Runner(environment=self.environment, alone=True).run("clone", "-q", self.ssh_url(project), str(path))
        return Runner(path, environment=self.environment, alone=True)

    def new_project(self, **options: object) -> str:
        """Make one more project and give its name. :param options: those of `seed.create_project`."""
        name = f"{self.project}-{secrets.token_hex(2)}"
        seed.create_project(self.server, name, **options)  # type: ignore[arg-type]
        return name

    def new_user(self, *groups: str) -> Identity:
        """Make an account in those groups."""
        return seed.create_user(self.server, f"user-{secrets.token_hex(4)}", groups=groups)


@pytest.fixture(scope="session")
def gerrit_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The one private Gerrit of this test run, also when several workers run it; GATELOCAL_GERRIT_VERSION chooses."""
    root = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        root = root.parent
    version = os.environ.get("GATELOCAL_GERRIT_VERSION", DEFAULT)
    with shared(version, root / f"gerrit-{version}", places(os.environ)) as server:
        yield server


@pytest.fixture
def gerrit(gerrit_server: Server) -> Iterator[GerritProject]:
    """A fresh project on the shared Gerrit."""
    name = f"test/p-{secrets.token_hex(6)}"
    seed.create_project(gerrit_server, name)
    with gerrit_server.client() as client:
        yield GerritProject(gerrit_server, name, client)
