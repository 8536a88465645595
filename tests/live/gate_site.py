"""A tenant on the shared Gerrit, and the daemon that is its gate: what tests of `gatelocal serve` need and no more."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from gatelocal.sandbox import seed
from gatelocal.sandbox.identity import Identity
from gatelocal.sandbox.server import Server
from git_review.gerrit import Gerrit, model
from git_review.git.runner import Runner

GATELOCAL = (sys.executable, "-c", "from gatelocal.cli import main; main()")
PIPELINES = """\
- pipeline:
    name: check
    manager: independent
    trigger:
      gerrit:
        - event: patchset-created
        - {event: comment-added, comment: '(?i)^(Patch Set [0-9]+:)?( [\\w\\\\+-]*)*(\\n\\n)?\\s*recheck\\s*$'}
    success: {gerrit: {Verified: 1}}
    failure: {gerrit: {Verified: -1}}
- pipeline:
    name: gate
    manager: dependent
    trigger:
      gerrit: [{event: comment-added, approval: [{Workflow: 1}]}]
    require: {gerrit: {open: true, current-patchset: true, approval: [{Code-Review: 2}, {Workflow: 1}]}}
    start: {gerrit: {Verified: 0}}
    success: {gerrit: {Verified: 2, submit: true}}
    failure: {gerrit: {Verified: -2}}
- pipeline:
    name: post
    manager: supercedent
    trigger: {gerrit: [{event: ref-updated, ref: ^refs/heads/.*$}]}
- job: {name: base, parent: null}
- queue: {name: shared, allow-circular-dependencies: true}
"""
TOX_JOB = """\
- job: {name: tox, run: playbooks/tox/run.yaml}
- job: {name: unit, parent: tox, vars: {tox_envlist: unit}}
"""
OWN = """\
- project: {queue: shared, check: {jobs: [unit]}, gate: {jobs: [unit]}}
"""
TOX = """\
[tox]
skipsdist = true
[testenv:unit]
skip_install = true
allowlist_externals = *
commands = sh job.sh
"""


@dataclass(slots=True)
class Tenant:
    """Projects with a shared queue. :ivar names: theirs. :ivar gate: the account that the daemon is."""

    server: Server
    folder: Path
    names: tuple[str, ...]
    gate: Identity
    client: Gerrit
    queue: str = "shared"
    clones: dict[str, Runner] = field(default_factory=dict)
    projects: dict[int, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)

    def stop(self) -> None:
        """End whatever daemons of its still run."""
        for gate in self.gates:
            if gate.process.poll() is None:
                gate.stop()

    def _named(self, number: int) -> int | str:
        """A change by a name that does not hang on the server's index: a server that was killed may have lost that."""
        project = self.projects.get(number)
        return number if project is None else f"{project}~{number}"

    @property
    def config(self) -> Path:
        """The daemon's file."""
        return self.folder / "gate.yaml"

    @property
    def state(self) -> Path:
        """Its state."""
        return self.folder / "state"

    def configure(self, **values: object) -> None:
        """Set keys of the daemon's file; None takes one away."""
        told = {**json.loads(self.config.read_text()), **values}
        self.config.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))

    def clone(self, project: str) -> Runner:
        """A clone of it, as the administrator."""
        if project not in self.clones:
            path = self.folder / "clones" / project.replace("/", "-")
            Runner(environment=self.server.environment(), alone=True).run(
                "clone", "-q", self.server.ssh_url(project), str(path)
            )
            self.clones[project] = Runner(path, environment=self.server.environment(), alone=True)
        return self.clones[project]

    def push(self, project: str, files: dict[str, str], message: str = "Base") -> None:
        """Straight onto the branch."""
        git = self.clone(project)
        git.run("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
        git.run("checkout", "-q", "--detach", "origin/master")
        self._write(git, files)
        git.run("commit", "-q", "-m", message)
        git.run("push", "-q", "origin", "HEAD:refs/heads/master")

    def change(
        self, project: str, files: dict[str, str], message: str, *, on: str = "origin/master", change_id: str = ""
    ) -> int:
        """A change, or a patchset of one that is there; its number."""
        git = self.clone(project)
        git.run("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
        git.run("checkout", "-q", "--detach", on)
        self._write(git, files)
        change_id = change_id or f"I{secrets.token_hex(20)}"
        foot = "" if message.rstrip().splitlines()[-1].startswith("Depends-On") else "\n"
        git.run("commit", "-q", "--allow-empty", "-m", f"{message.rstrip()}\n{foot}Change-Id: {change_id}")
        git.run("push", "-q", "origin", "HEAD:refs/for/master")
        (found,) = self.client.changes.query(f"project:{project} change:{change_id}", limit=2)
        self.projects[found.number] = project
        return found.number

    def commit(self, number: int) -> str:
        """The commit of a change's newest patchset."""
        return self.client.changes.get(self._named(number), ("CURRENT_REVISION",)).current_commit

    def change_id(self, number: int) -> str:
        """Its Change-Id."""
        return self.client.changes.get(self._named(number)).change_id

    def url(self, number: int) -> str:
        """As Depends-On footers have it."""
        found = self.client.changes.get(self._named(number))
        return f"{self.server.url}c/{found.project}/+/{number}"

    def approve(self, *numbers: int) -> None:
        """Code-Review +2 and Workflow +1."""
        for number in numbers:
            self.client.changes.review(number, labels={"Code-Review": 2, "Workflow": 1})

    def seen(self, number: int) -> model.Change:
        """A change with all that is said on it."""
        return self.client.changes.get(
            self._named(number), ("ALL_REVISIONS", "ALL_COMMITS", "MESSAGES", "DETAILED_LABELS", "DETAILED_ACCOUNTS")
        )

    def messages(self, number: int) -> list[model.Message]:
        """What the gate has said on a change."""
        return [one for one in self.seen(number).messages if one.tag.startswith("autogenerated:zuul:")]

    def votes(self, number: int) -> dict[str, int]:
        """The gate's own."""
        found = self.seen(number)
        mine = ((one.name, vote) for one in found.labels for vote in one.votes)
        return {name: vote.value for name, vote in mine if vote.account.username == self.gate.username}

    def branches(self, project: str) -> dict[str, str]:
        """Where its branches are, by their full names."""
        return {one.ref: one.revision for one in self.client.projects.branches(project)}

    def tip(self, project: str) -> str:
        """Where its branch is."""
        return self.branches(project)["refs/heads/master"]

    def line(self, project: str) -> list[str]:
        """The trees of its branch's own line, the oldest first."""
        git = self.clone(project)
        git.run("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
        return list(git.query("log", "--first-parent", "--reverse", "--format=%T", "origin/master").lines)

    def _write(self, git: Runner, files: dict[str, str]) -> None:
        path = Path(git.query("rev-parse", "--show-toplevel").text)
        for name, text in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        git.run("add", "--all")


def tenant(server: Server, client: Gerrit, folder: Path, *, count: int = 2, submit_type: str | None = None) -> Tenant:
    """Make the projects and the daemon's file."""
    mark = secrets.token_hex(3)
    config, jobs = f"t{mark}/config", f"t{mark}/zuul-jobs"
    names = tuple(f"t{mark}/{letter}" for letter in "abcdef"[:count])
    for name in (config, jobs):
        seed.create_project(server, name)
    for name in names:
        seed.create_project(server, name, gated=True, submit_type=submit_type)
    gate = seed.create_user(server, f"gate-{mark}", groups=("Service Users",))
    found = Tenant(server, folder, names, gate, client)
    found.push(config, {"zuul.yaml": PIPELINES})
    found.push(jobs, {"zuul.yaml": TOX_JOB, "playbooks/tox/run.yaml": "- hosts: all\n"})
    for name in names:
        found.push(name, {".zuul.yaml": OWN, "tox.ini": TOX, "job.sh": "exit 0\n"})
    source = {"config-projects": [config], "untrusted-projects": [jobs, *names]}
    (folder / "tenant.yaml").write_text(json.dumps([{"tenant": {"name": "t", "source": {"gerrit": source}}}]))
    (folder / "secret").write_text(gate.password)
    options = list(server.ssh(gate)[1:])
    told = {
        "gerrit": {
            "url": server.url,
            "username": gate.username,
            "password-file": "secret",
            "ssh": f"127.0.0.1:{server.ssh_port}",
            "ssh-options": options,
        },
        "tenant": "tenant.yaml",
        "state": "state",
        "node": "local",
        "tokens": "tokens",
        "read-every": 20,
    }
    found.config.write_text(json.dumps(told))
    return found


@dataclass(slots=True)
class Gate:
    """A daemon that runs."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def get(self, path: str, token: str = "") -> Any:
        """What a request gives, as JSON."""
        answer = requests.get(f"{self.url}{path}", headers=_bearer(token), timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def text(self, path: str) -> str:
        """What a request gives, as text."""
        return requests.get(f"{self.url}{path}", timeout=60).text

    def post(self, path: str, body: object, token: str = "") -> tuple[int, Any]:
        """Status and answer of a command."""
        answer = requests.post(f"{self.url}{path}", json=body, headers=_bearer(token), timeout=60)
        return answer.status_code, answer.json()

    def kill(self) -> None:
        """As the kernel would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        """As an operator would; the status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def items(self, pipeline: str) -> list[Any]:
        """Its live items, in their order."""
        found = self.get("/api/status")["pipelines"]
        return [one for line in found if line["name"] == pipeline for q in line["queues"] for one in q["items"]]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def start(where: Tenant) -> Gate:
    """Start the daemon and wait until it listens."""
    log = where.folder / "gate.log"
    environment = {**os.environ, "GATELOCAL_CACHE": str(where.folder / "cache")}
    with log.open("a") as opened:
        process = subprocess.Popen(
            [*GATELOCAL, "serve", "--config", str(where.config)],
            stdout=subprocess.PIPE,
            stderr=opened,
            stdin=subprocess.DEVNULL,
            env=environment,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://"), log.read_text()
    where.gates.append(Gate(process, line.split()[-1], log))
    return where.gates[-1]


def until(condition: Callable[[], object], what: str, seconds: float = 240.0) -> Any:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def landed(where: Tenant, numbers: Sequence[int]) -> list[int]:
    """Those that have landed, in the order in which they did."""
    found = [where.seen(number) for number in numbers]
    merged = [one for one in found if one.status == "MERGED"]
    return [one.number for one in sorted(merged, key=lambda one: [m.date for m in one.messages if "merged" in m.tag])]


def lines(log: Path) -> Iterator[str]:
    """What the daemon has said."""
    yield from log.read_text().splitlines()
