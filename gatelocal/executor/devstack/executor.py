"""Runs a job of the devstack family on a ready node: stack.sh on the trees of the change, then tempest.

It makes neither the node nor the trees, and it has no playbooks: what those would do is done from the job's variables.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.executor import tox
from gatelocal.executor.devstack import judged
from gatelocal.executor.devstack.heard import Listener
from gatelocal.executor.devstack.judged import Ended, Verdict
from gatelocal.executor.record import Record
from gatelocal.executor.tox import Room
from gatelocal.executor.wanted import Places
from gatelocal.jobs.devstack.expressions import Facts
from gatelocal.jobs.devstack.renewal import Renewal
from gatelocal.jobs.devstack.wanted import Stack, stood, wanted
from gatelocal.jobs.families import DEVSTACK, ONLY_VARIABLE, TEMPEST, TOX
from gatelocal.model.deviation import WARM, Deviation
from gatelocal.model.hold import Invocation
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.ports import Node, Say

OUTPUT = "stack.txt"
"""The file in a build's folder with all that stack.sh printed, its trace too."""
CLOUD = "devstack-admin"
"""The cloud of devstack's ``clouds.yaml`` that whoever enters the node is the administrator of."""

_FACTS = "gatelocal-facts"
_HELPER_TIME = 900.0
_INDEX_TIME = 120.0
_TAIL = 40
_LARGEST = 256 << 20
_CONF = "local.conf"
_ROOT = ("sudo", "-n")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a build is told besides its job.

    :ivar branch: the target of the change. :ivar todo: what makes the stack that its node began with that of the
        change; None: the node began with none. :ivar of: what that stack is, for people.
    :ivar keep: keeps the node as it is, for others to begin with, with the commits of its trees; gives how that is
        called, or nothing. None: nobody wants it.
    :ivar stood: is called once the stack is that of the change, right before its tests.
    """

    branch: str
    todo: Renewal | None = None
    of: str = ""
    keep: Callable[[Mapping[str, str]], str] | None = None
    stood: Callable[[], None] = lambda: None


class DevstackExecutor:
    """See :class:`gatelocal.ports.Executor`. :param say: receives each line of the output as it comes."""

    def __init__(self, say: Say, setting: Setting) -> None:
        self._say = say
        self._setting = setting

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node. It raises nothing for a failing build.

        What it leaves in `logs`: ``job-output.txt``, ``stack.txt``, ``devstack/`` with its configuration and its logs,
        and what :class:`gatelocal.executor.tox.ToxExecutor` leaves of the tests.
        """
        logs.mkdir(parents=True, exist_ok=True)
        with Record(logs, self._say) as record:
            room = Room(node, record, logs, time.monotonic())
            build = _Build(job, project, room, self._setting)
            verdict = build.stacked(sources)
            if verdict is None:
                self._setting.stood()
            result = build.tested() if verdict is None else build.ended(*verdict)
            build.fetch()
            result = replace(
                result,
                deviations=tuple(dict.fromkeys((*result.deviations, *build.deviations))),
                notes=tuple(dict.fromkeys((*result.notes, *((record.lost,) if record.lost else ())))),
                seconds=time.monotonic() - room.began,
            )
            why = f": {result.reason}" if result.reason else ""
            record.note(f"{job.name}: {result.outcome.value}{why} ({result.seconds:.1f} s)")
        return result


class _Build:
    """One build while it runs. :ivar deviations: what differs from the gate's own run."""

    def __init__(self, job: Job, project: str, room: Room, setting: Setting) -> None:
        self._job, self._project, self._room, self._setting = job, project, room, setting
        self._node, self._record = room.node, room.record
        self._stack: Stack | None = None
        self._listener = Listener()
        self._invocation: Invocation | None = None
        self._there: frozenset[str] = frozenset()
        self.deviations: tuple[Deviation, ...] = ()

    def stacked(self, sources: Mapping[str, str]) -> Verdict | None:
        """All up to the tests; how the build ended, if it did."""
        try:
            if self._job.family not in (DEVSTACK, TEMPEST):
                raise ConfigurationError(f"job {self._job.name} is none of the devstack family")
            if not self._node.disposable:
                raise ConfigurationError(
                    f"job {self._job.name} changes its node for good, and this is none of its own",
                    hint="take --node nspawn or qemu",
                )
            if self._setting.todo is not None:
                new = {name: path for name, path in sources.items() if _short(name) in self._setting.todo.trees}
                sources = {**stood(self._job, self._project), **new}
            stack = self._wanted(sources)
            if self._setting.todo is not None:
                return self._renewed(stack, sources, self._setting.todo)
            before = self._prepare(stack, sources)
            return self._stacked(stack, before)
        except ConfigurationError as error:
            return Outcome.CONFIG_ERROR, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"
        except TimeoutError:
            return judged.out_of_time(self._listener, self._job.timeout or 0)
        except InfrastructureError as error:
            return Outcome.NODE_FAILURE, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"

    def tested(self) -> BuildResult:
        """Tempest, and what came of it; a job without it is over."""
        stack = self._stack
        if stack is None or stack.suite is None:
            return self.ended(Outcome.SUCCESS, "")
        suite = stack.suite
        tempest = f"{stack.base}/tempest"
        variables: dict[str, object] = {
            "tox_envlist": suite.env,
            "tox_extra_args": [*suite.extra, "--", *suite.words(self._there)],
            "tox_environment": dict(suite.environment),
            "zuul_work_dir": tempest,
            "tox_install_siblings": False,
            "tox_install_bindep": False,
            "test_setup_skip": True,
        }
        if ONLY_VARIABLE in self._job.variables:
            variables[ONLY_VARIABLE] = self._job.variables[ONLY_VARIABLE]
        tests = replace(self._job, family=TOX, variables=variables, required_projects=())
        places = Places(self._node.home, self._project, {self._project: tempest})
        result = tox.built(tests, places, self._room, install=False)
        invocation = result.invocation
        if invocation is not None:
            result = replace(result, invocation=replace(invocation, environment=self._credentials(invocation)))
        nothing = judged.without_tests(result, suite.regex)
        return result if nothing is None else replace(result, outcome=nothing[0], reason=nothing[1])

    def ended(self, outcome: Outcome, reason: str) -> BuildResult:
        """A build without tests."""
        bad = outcome is not Outcome.SUCCESS
        return BuildResult(
            self._job.name,
            outcome,
            0.0,
            self._job.voting,
            reason=reason,
            logs=str(self._room.logs),
            output=tuple(self._listener.last)[-_TAIL:] if bad else (),
            invocation=self._invocation,
        )

    def fetch(self) -> None:
        """Configuration and logs, as far as they can be had."""
        if self._stack is None:
            return
        into = self._room.logs / "devstack"
        base = self._stack.base
        names = (f"{base}/devstack/{_CONF}", f"{base}/logs", "/etc/keystone", f"{base}/tempest/etc/tempest.conf")
        with contextlib.suppress(OSError):
            into.mkdir(exist_ok=True)
        journal = f"journalctl --unit 'devstack@*' --no-pager --output short-iso >{shlex.quote(base)}/logs/services.txt"
        with contextlib.suppress(InfrastructureError, TimeoutError):
            self._node.run((*_ROOT, "sh", "-c", journal), timeout=_HELPER_TIME)
        for name in names:
            try:
                self._node.get(name, into)
            except (InfrastructureError, TimeoutError) as error:
                self._record.note(f"logs: {name}: {getattr(error, 'brief', error)}")

    def _wanted(self, sources: Mapping[str, str]) -> Stack:
        """What the job wants on this node. :raises ConfigurationError: it cannot be had here."""
        missing = [name for name in self._job.required_projects if name not in sources]
        if missing:
            raise ConfigurationError(f"required projects have no tree on the node: {', '.join(missing)}")
        told = self._helper("look", *(f"--tree={path}" for path in sources.values()))
        address, mtu, cores, memory = (told.get(name) for name in ("address", "mtu", "cores", "memory"))
        settings = told.get("settings")
        facts = Facts(
            address if isinstance(address, str) else "127.0.0.1",
            mtu if isinstance(mtu, int) else 1500,
            cores if isinstance(cores, int) else 1,
        )
        self._listener = Listener((facts.address,))
        texts = [one for one in settings if isinstance(one, str)] if isinstance(settings, list) else []
        stack = wanted(self._job, self._project, self._setting.branch, facts, texts)
        self.deviations = stack.deviations
        if isinstance(memory, int) and memory < stack.memory:
            raise InfrastructureError(
                f"the node's memory is too small: its services want {stack.memory} MiB, it has {memory}",
                hint="say in labels.yaml that the label's nodes are larger",
            )
        if told.get("container") is True and stack.kernel:
            raise InfrastructureError(
                f"these services need a kernel of their own, which a container has not: {', '.join(stack.kernel)}",
                hint="take --node qemu, or a host of yours",
            )
        self._stack = stack
        return stack

    def _prepare(self, stack: Stack, sources: Mapping[str, str]) -> dict[str, str]:
        """Users, trees and ``local.conf``; the commits of the trees."""
        given = f"{self._node.home.rstrip('/')}/devstack-{secrets.token_hex(4)}"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / _CONF).write_text(stack.local_conf, encoding="utf-8")
            self._node.put(Path(folder), given)
        trees = [f"--tree={name}={sources[project]}" for project, name in stack.trees.items()]
        told = self._helper("prepare", f"--base={stack.base}", f"--given={given}", *trees, root=True)
        commits = told.get("commits")
        if not isinstance(commits, dict) or not all(commits.values()):
            raise InfrastructureError("the trees could not be put where devstack expects them")
        for name, commit in commits.items():
            self._record.note(f"{stack.base}/{name}: {commit}")
        return commits

    def _stacked(self, stack: Stack, before: dict[str, str]) -> Verdict | None:
        """Run ``stack.sh`` and see that what stands is what was delivered."""
        directory = f"{stack.base}/devstack"
        argv = ("sudo", "-n", "-u", "stack", "-H", "sh", "-c", f"cd {shlex.quote(directory)} && exec ./stack.sh 2>&1")
        self._invocation = Invocation(argv, directory, {"OS_CLOUD": CLOUD}, "run stack.sh")
        self._record.note(f"[stack] {directory}/stack.sh (its whole output: {OUTPUT})")
        began = time.monotonic()
        status = self._told(argv, began)
        self._record.note(f"[stack] {time.monotonic() - began:.1f} s, status {status}")
        if status != 0:
            return self._judged(status)
        bad = self._ready(stack, before)
        if bad is None and self._setting.keep is not None:
            self._kept(self._setting.keep, before)
        return bad

    def _ready(self, stack: Stack, wanted: Mapping[str, str]) -> Verdict | None:
        """See that what stands is what was delivered, and hand tempest over to the tests."""
        trees = [f"--tree={name}" for name in wanted]
        files = [f"--file={path}" for _, path in stack.suite.lists] if stack.suite else []
        user = [f"--user={self._node.home.rpartition('/')[2]}"] if stack.suite else []
        told = self._helper("ready", f"--base={stack.base}", *trees, *files, *user, root=True)
        after, there, failed = (told.get(name) for name in ("commits", "files", "failed"))
        self._there = frozenset(str(one) for one in there) if isinstance(there, list) else frozenset()
        if isinstance(failed, list) and failed:
            return Outcome.FAILURE, f"these services do not run: {_names(failed)}"
        return judged.other_commits(wanted, after if isinstance(after, dict) else {})

    def _kept(self, keep: Callable[[Mapping[str, str]], str], commits: Mapping[str, str]) -> None:
        """Keep the stack for others; that it cannot be done costs nothing."""
        began = time.monotonic()
        try:
            name = keep(commits)
        except (InfrastructureError, OSError) as error:
            self._record.note(f"[stack] cannot be kept: {getattr(error, 'brief', error)}")
            return
        if name:
            self._record.note(f"[stack] kept for the next run: {name} ({time.monotonic() - began:.1f} s)")

    def _renewed(self, stack: Stack, sources: Mapping[str, str], todo: Renewal) -> Verdict | None:
        """Make the stack that the node began with that of the change."""
        what = f"{', '.join(todo.trees)} put in its place" if todo.trees else "nothing had to be put in its place"
        restarted = f", services restarted: {', '.join(todo.units)}" if todo.units else ""
        text = f"accelerated: begun warm, with {self._setting.of}; {what}{restarted}; --cold begins anew"
        self.deviations = (*self.deviations, Deviation(WARM, text))
        self._record.note(f"[stack] {text}")
        up = self._helper("stands", root=True).get("failed")
        if up != []:
            raise InfrastructureError(f"the stack that the node began with does not stand: {_names(up)}")
        paths = {name: sources[project] for project, name in stack.trees.items()}
        words = [
            *(f"--tree={name}={paths[name]}" for name in todo.trees),
            *(f"--reinstall={name}" for name in todo.reinstall),
            *(f"--unit={pattern}" for pattern in todo.units),
        ]
        wanted = self._commits(paths)
        told = self._helper("renew", f"--base={stack.base}", *words, root=True)
        if uninstalled := told.get("uninstalled"):
            return Outcome.CONFIG_ERROR, f"a tree could not be installed: {_names(uninstalled)}"
        if failed := told.get("failed"):
            return Outcome.FAILURE, f"with the change, these services do not come up: {_names(failed)}"
        return self._ready(stack, wanted)

    def _commits(self, paths: Mapping[str, str]) -> dict[str, str]:
        """The commits of the trees that were delivered."""
        found: dict[str, str] = {}
        for name, path in paths.items():
            lines: list[str] = []
            argv = ("git", "-C", path, "rev-parse", "HEAD")
            if self._node.run(argv, on_line=lines.append, timeout=_HELPER_TIME) != 0 or not lines:
                raise InfrastructureError(f"the tree {name} did not arrive")
            found[name] = lines[-1].strip()
        return found

    def _told(self, argv: tuple[str, ...], began: float) -> int:
        """Run it while its output is kept; the headings are told as they come."""
        with (self._room.logs / OUTPUT).open("w", encoding="utf-8", errors="replace") as file:
            left = _LARGEST

            def line(text: str) -> None:
                nonlocal left
                heading = self._listener.line(text)
                if heading:
                    self._record.note(f"[stack] {heading} ({time.monotonic() - began:.0f} s)")
                elif not text.startswith("+"):
                    self._record.line(text)
                left -= len(text) + 1
                if left > 0:
                    with contextlib.suppress(OSError):
                        file.write(f"{text}\n")

            return self._node.run(argv, directory="/", on_line=line, timeout=self._left())

    def _judged(self, status: int) -> Verdict:
        free: int | None = None
        lines: list[str] = []
        with contextlib.suppress(InfrastructureError, TimeoutError):
            self._node.run(("df", "--output=avail", "-B1", "/"), on_line=lines.append, timeout=_HELPER_TIME)
            free = int(lines[-1]) if lines and lines[-1].strip().isdigit() else None
        own = self._project.rpartition("/")[2] == "devstack"
        return judged.judged(Ended(status, self._listener, own, free, self._node.description, self._index_answers()))

    def _index_answers(self) -> bool:
        """Whether the package index gives anything; asked only where pip says that it has found nothing."""
        if not set(self._listener.seen) & set(judged.OF_INDEX):
            return True
        into = f"{self._node.home.rstrip('/')}/index-{secrets.token_hex(4)}"
        asked = ("python3", "-m", "pip", "-q", "download", "--no-deps", "--no-cache-dir", "-d", into, "pip")
        with contextlib.suppress(InfrastructureError, TimeoutError):
            return self._node.run(asked, directory="/", on_line=self._record.line, timeout=_INDEX_TIME) == 0
        return False

    def _credentials(self, invocation: Invocation) -> dict[str, str]:
        return {**invocation.environment, "OS_CLOUD": CLOUD}

    def _helper(self, command: str, *words: str, root: bool = False) -> Mapping[str, object]:
        """What our own program on the node tells. :raises InfrastructureError: it could not be run there."""
        mark = secrets.token_hex(16)
        own = f"{_FACTS} {mark} "
        facts: list[str] = []

        def line(text: str) -> None:
            if text.startswith(own):
                facts.append(text.removeprefix(own))
            elif text:
                self._record.line(text)

        program = resources.files("gatelocal.executor").joinpath("devstack/on_node.py").read_text(encoding="utf-8")
        argv = (*(_ROOT if root else ()), "python3", "-c", program, command, f"--mark={mark}", *words)
        self._record.note(f"[{command}]")
        left = self._left()
        limit = _HELPER_TIME if left is None else min(left, _HELPER_TIME)
        status = self._node.run(argv, directory="/", on_line=line, timeout=limit)
        found: object = None
        with contextlib.suppress(ValueError, RecursionError, IndexError):
            found = json.loads(facts[-1])
        if status != 0 or not isinstance(found, dict):
            raise InfrastructureError(f"the node could not be prepared: {command} ended with status {status}")
        return found

    def _left(self) -> float | None:
        """Seconds until the job's timeout. :raises TimeoutError: there is none left."""
        if self._job.timeout is None:
            return None
        left = self._job.timeout - (time.monotonic() - self._room.began)
        if left <= 0:
            raise TimeoutError
        return left


def _short(project: str) -> str:
    return project.rstrip("/").rpartition("/")[2]


def _names(told: object) -> str:
    return ", ".join(str(one) for one in told) if isinstance(told, list) else str(told)
