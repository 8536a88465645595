"""Runs a job's playbooks on a ready node and says how it ended; it neither makes the node nor its trees."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal import stopping
from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.executor.ansible import collections, environment, files, start, variables
from gatelocal.executor.ansible.bridge import Bridge
from gatelocal.executor.ansible.checkouts import Checkouts, playbook, roles
from gatelocal.executor.ansible.heard import Heard, merge
from gatelocal.executor.ansible.phases import CLEANUP, POST, PRE, RUN, End, Played, after, is_lost, judged
from gatelocal.executor.ansible.returned import Words
from gatelocal.executor.ansible.warm import Warm
from gatelocal.executor.record import Record
from gatelocal.executor.results import results_in
from gatelocal.model.deviation import Deviation
from gatelocal.model.job import Job
from gatelocal.model.plan import Playbook
from gatelocal.model.playbooks import Item, Playbooks
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Given, Returned
from gatelocal.ports import Node, Nodes, Say
from gatelocal.stopping import Stopped

_CLEANUP = 300.0  # seconds for a cleanup playbook
_STOPPED = 20.0  # the same for one of a build that was stopped


@dataclass(frozen=True, slots=True)
class Setting:
    """What a build is told besides its job.

    :ivar cache: where Ansible is kept. :ivar root: a folder on this machine with the trees, in ``src``.
    :ivar scratch: a folder of the build's own, which need not be there yet. :ivar nodes: all of the job's.
    :ivar pause: waits until the jobs after a build that wants so have ended; is told what it gives to them.
    :ivar given: what it is given of the jobs before it.
    """

    item: Item
    attempt: int
    cache: Path
    root: Path
    scratch: Path
    checkouts: Checkouts
    paths: Mapping[str, str]
    checked_out: Mapping[str, tuple[str, str]]
    nodes: Nodes
    pause: Callable[[Returned], None]
    given: Given = field(default_factory=Given)


class AnsibleExecutor:
    """See :class:`gatelocal.ports.Executor`. :param say: receives each line of the output as it comes."""

    def __init__(self, say: Say, setting: Setting) -> None:
        self._say = say
        self._setting = setting

    def run(self, job: Job, project: str, node: Node, sources: Mapping[str, str], logs: Path) -> BuildResult:
        """Run the job on the node. It raises nothing for a failing build.

        What it leaves in `logs`: ``job-output.txt``, ``inventory.yaml``, and ``work``: Zuul's work root, with ``logs``.
        """
        logs.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with Record(logs, self._say) as record:
            build = _Build(job, project, node, record, logs, self._setting)
            outcome, reason = build.whole()
            found = results_in(logs)
            result = BuildResult(
                job.name,
                outcome,
                0.0,
                job.voting,
                tests=found.tests,
                reason=reason,
                logs=str(logs),
                counted=found.counted,
                never_ran=found.never_ran,
                notes=(*build.words.notes(), *found.notes, *((record.lost,) if record.lost else ())),
                deviations=tuple(dict.fromkeys(build.deviations)),
                returned=build.returned(),
            )
            result = replace(result, seconds=time.monotonic() - began)
            for line in build.words.lines():
                record.note(line)
            for one in (*job.deviations, *result.deviations):
                record.note(f"other than in the gate: {one}")
            why = f": {result.reason}" if result.reason else ""
            record.note(f"{job.name}: {result.outcome.value}{why} ({result.seconds:.1f} s)")
        return result


class _Build:
    """One build while it runs."""

    def __init__(
        self, job: Job, project: str, node: Node, record: Record, logs: Path, setting: Setting
    ) -> None:  # what the port has, and what was found out before
        self._job = job
        self._books = job.playbooks or Playbooks()
        self._project = project
        self._node = node
        self._record = record
        self._logs = logs
        self._setting = setting
        self._work = logs / "work"
        self._lock = threading.Lock()
        self._count = 0
        self._began = 0.0
        self._played: list[Played] = []
        self._python = Path()
        self._collections = Path()
        self._given = setting.given
        self._told: dict[str, object] = {}
        self.deviations: list[Deviation] = []

    @property
    def words(self) -> Words:
        """What its playbooks have handed back so far."""
        return Words(self._told)

    def returned(self) -> Returned:
        """The same, for other jobs."""
        return files.with_files(self.words.returned, self._work / "logs")

    def whole(self) -> tuple[Outcome, str]:
        """All phases; the outcome and one sentence about it."""
        try:
            self._python = environment.python(self._setting.cache, self._record.note)
            scratch = self._setting.scratch
            for folder in (
                self._work / "logs",
                *(scratch / name for name in (start.TMP, start.FACTS, start.NONE, start.WARM)),
            ):
                folder.mkdir(parents=True)
            for name in ("ansible.cfg", start.REFUSALS):
                (scratch / name).touch()
            ready = [self._ready(book) for book in self._books.all()]
            self._collections = self._provided([one.path for one in ready])
        except ConfigurationError as error:
            return Outcome.CONFIG_ERROR, error.brief
        except InfrastructureError as error:
            return Outcome.ERROR, f"{error.brief}{f' ({error.hint})' if error.hint else ''}"
        variables = start.environment(scratch, self._collections)
        with Warm(self._python, scratch / start.WARM, self._work, variables) as self._warm:
            return self._phases(iter(ready))

    def _phases(self, ready: Iterator[_Ready]) -> tuple[Outcome, str]:
        found = {phase: [next(ready) for _ in books] for phase, books in self._phase_books()}
        self._began = time.monotonic()
        try:
            for node in self._setting.nodes.each:
                files.prepare(node)
            self._given = files.give(self._setting.nodes.each, self._given, self._setting.scratch)
            if self._first(found) and self.words.pause:
                self._pause()
            pre = [one for one in self._played if one.phase == PRE]
            books = after(pre, self._books.post)
            for one in found[POST]:
                if one.book in books:
                    self._play(POST, one, self._books.post_timeout)
            outcome, reason = judged(self._played, once=self.words.once)
            outcome, reason = self._fetched(outcome, reason)
        except InfrastructureError as error:
            outcome, reason = Outcome.NODE_FAILURE, error.brief
        except Stopped:
            with stopping.shielded():
                self._clean(found[CLEANUP], _STOPPED)
            raise
        self._clean(found[CLEANUP], _CLEANUP)
        self._refusals()
        return outcome, reason

    def _phase_books(self) -> Iterator[tuple[str, Sequence[Playbook]]]:
        books = self._books
        yield from ((PRE, books.pre), (RUN, books.run), (POST, books.post), (CLEANUP, books.cleanup))

    def _first(self, found: Mapping[str, Sequence[_Ready]]) -> bool:
        """The playbooks that the timeout is for, up to the first that does not end well; whether all did."""
        each = ((phase, one) for phase in (PRE, RUN) for one in found[phase])
        return all(self._play(phase, one, self._left()).end is End.WELL for phase, one in each)

    def _pause(self) -> None:
        """Stay up for the jobs after this one."""
        self._record.note("paused, until the jobs after this one have ended")
        self._setting.pause(self.returned())
        self._record.note("goes on")

    def _clean(self, found: Sequence[_Ready], limit: float) -> None:
        for one in found:
            self._play(CLEANUP, one, limit)

    def _left(self) -> float | None:
        """Seconds until the job's timeout."""
        limit = self._job.timeout
        return None if limit is None else max(limit - (time.monotonic() - self._began), 0.0)

    def _ready(self, book: Playbook) -> _Ready:
        """All that can be said of a playbook before it runs. :raises ConfigurationError: it cannot be run."""
        self._count += 1
        checkouts = self._setting.checkouts
        path = playbook(checkouts, book)
        into = self._setting.scratch / "roles" / str(self._count)
        return _Ready(book, path, roles(checkouts, book, self._books.roles, into))

    def _provided(self, books: Sequence[Path]) -> Path:
        """The folder of collections. :raises InfrastructureError: those that are used cannot be had."""
        checkouts = {*self._setting.checkouts.books.values(), *self._setting.checkouts.roles.values()}
        names = collections.asked(checkouts, books, environment.package(self._python))
        return collections.provide(self._setting.cache, names, self._python, self._record.note)

    def _play(self, phase: str, ready: _Ready, limit: float | None) -> Played:
        """Run one playbook and say how it ended."""
        book, heard = ready.book, Heard()
        self._record.note(f"[{phase}] {book.path} of {book.project}, branch {book.branch}")
        began = time.monotonic()
        if limit == 0.0:
            end, why = End.TIMED_OUT, f"the job took longer than its {self._job.timeout} s; {book.path} was not begun"
        else:
            try:
                before = len(self._refused())
                status = self._run(phase, ready, heard, limit)
                end, why = heard.end(status, book.path)
                if end is End.FAILED and (refused := self._refused()[before:]):
                    end, why = End.REFUSED, f"{why}; refused by the gate: {refused[-1]}"
            except TimeoutError:
                span = f"its {self._job.timeout} s" if phase in (PRE, RUN) else f"the {limit:g} s that it has"
                end = End.TIMED_OUT
                why = f"the {'job' if phase in (PRE, RUN) else phase} took longer than {span}"
                why += f"; it was at the task {heard.task or 'before the first'} of {book.path}"
        merge(self._told, heard.returned)
        self.deviations += heard.deviations
        self._record.note(f"[{phase}] {book.path}: {end.value} ({time.monotonic() - began:.1f} s)")
        played = Played(phase, book, end, why)
        self._played.append(played)
        return played

    def _run(self, phase: str, ready: _Ready, heard: Heard, limit: float | None) -> int:
        """The status of Ansible's process. :raises TimeoutError: it was stopped."""
        beginning = self._written(phase, ready)

        def event(one: Mapping[str, object]) -> None:
            heard.event(one)
            for text in str(one.get("line", "")).splitlines():
                self._line(text)

        def line(text: str) -> None:
            heard.line(text)
            self._line(text)

        settings = beginning.bridge / "settings.json"
        settings.write_text(json.dumps(start.settings(beginning)))
        with Bridge(beginning.bridge, self._called(), self._line, event):
            return self._warm.play(settings, line, limit)

    def _called(self) -> Mapping[str, Node]:
        """The nodes, by their names and addresses."""
        hosts, nodes = self._hosts(), self._setting.nodes.each
        return {
            name: node for host, node in zip(hosts, nodes, strict=True) for name in (*host.names, host.address) if name
        }

    def _hosts(self) -> tuple[variables.Host, ...]:
        nodes = self._setting.nodes
        addresses = nodes.addresses or [""] * len(nodes.each)
        return tuple(
            variables.Host(one.names, one.label, address)
            for one, address in zip(nodes.nodeset.nodes, addresses, strict=True)
        )

    def _line(self, text: str) -> None:
        with self._lock:
            self._record.line(text)

    def _written(self, phase: str, ready: _Ready) -> start.Start:
        """The playbook's inventory and variables, on disk."""
        setting, book = self._setting, ready.book
        self._count += 1
        folder = setting.scratch / "bridges" / str(self._count)
        folder.mkdir(mode=0o700, parents=True)
        places = variables.Places(
            run=self._logs.parent.name,
            build=self._logs.name,
            attempt=setting.attempt,
            work=str(self._work),
            source=str(setting.root / "src"),
            home=self._node.home,
            paths=setting.paths,
            checkouts=setting.checked_out,
            hosts=self._hosts(),
            groups=setting.nodes.nodeset.groups,
        )
        told = variables.zuul(self._job, setting.item, self._project, places, self._given)
        success = all(one.end is End.WELL for one in self._played)
        again = setting.attempt < self._books.attempts and is_lost(self._played, once=self.words.once)
        moment = variables.Moment(phase, book.project, book.branch, book.path, success, again)
        inventory, extra = self._logs / "inventory.yaml", folder / "extra.yaml"
        inventory.write_text(variables.inventory(self._job, told, places, self._given.data))
        extra.write_text(variables.last_word(self._job, moment, places))
        checkouts = (*setting.checkouts.books.values(), *setting.checkouts.roles.values())
        read = (*checkouts, setting.root / "src")
        return start.Start(
            setting.scratch, folder, self._work, inventory, extra, ready.path, ready.roles, read, self._collections
        )

    def _fetched(self, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
        """Logs and results, as far as they can be had."""
        try:
            if outcome is not Outcome.NODE_FAILURE or not any(one.end is End.UNREACHABLE for one in self._played):
                self._fetch()
            files.gather(self._work, self._logs)
        except (InfrastructureError, OSError) as error:
            words = error.brief if isinstance(error, InfrastructureError) else str(error)
            self._record.note(f"logs could not be fetched: {words}")
            if outcome is Outcome.SUCCESS:
                return Outcome.POST_FAILURE, f"the job ran to its end, its logs could not be fetched: {words}"
        return outcome, reason

    def _fetch(self) -> None:
        """The output of one node; of several, each into a folder of its name (as zuul-jobs' role `fetch-output`)."""
        nodes = self._setting.nodes
        for wanted, node in zip(nodes.nodeset.nodes, nodes.each, strict=True):
            files.fetch(node, self._work, wanted.names[0] if len(nodes.each) > 1 else "")

    def _refused(self) -> list[str]:
        told = (self._setting.scratch / start.REFUSALS).read_text(errors="replace").splitlines()
        return [str(json.loads(line).get("why")) for line in told]

    def _refusals(self) -> None:
        """What was refused, whether or not anything came of it."""
        for why in dict.fromkeys(self._refused()):
            self.deviations.append(Deviation("refused", f"a playbook was refused something: {why}"))
        shutil.rmtree(self._setting.scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A playbook with its files."""

    book: Playbook
    path: Path
    roles: tuple[Path, ...]
