"""Tells what pytest and stestr do while they do it: which tests they chose, which began, how each ended.

It is written into the environments of a build as a package of its own and is loaded there through the entry points that
these programs have for that (`pytest11`, and cliff's hooks of `stestr run` and `tempest run`); it never runs inside the
gate. It changes neither what is tested nor how that ends, and no mistake of its own reaches the test program. One file
of JSON lines for each run: a program that dies leaves what it had told until then.

Because it runs in the tests' own process, it keeps to `os`, and to what Python 3.8 knows.

Needed, because both end with status 0 in cases in which tests never ran: stestr when a worker dies between two tests,
pytest when a test ends its process. Only the outermost run tells: tests of test programs run some of their own.
"""

# ruff: noqa: PTH100, PTH108, PTH109, PTH111, PTH112, PTH116, PTH118, PTH123, PTH208

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import time
from collections.abc import Callable
from typing import Any

FOLDER = ""
ONLY: list[str] = []
"""The ids of the only tests that are to run, or what such ids begin with; without any, all do."""
SERIAL = False
"""Whether stestr runs them in one process."""
_MARK = "GATELOCAL_WITNESS"
_LONGEST = 65536
_MOST = 30_000_000
_NO_RUN = "collectonly setuponly setupplan help version showfixtures show_fixtures_per_test markers cacheshow".split()


class Record:
    """The file of one run; what is written is there at once, and nobody but the process that began it writes."""

    def __init__(self, tool: str, **facts: object) -> None:
        self.name = f"{int(time.time() * 1e6)}-{tool}-{os.getpid()}"
        self._path = os.path.join(FOLDER, self.name + ".jsonl")
        self._owner = os.getpid()
        self._left = _MOST
        # Kept: a test may replace what the modules' names mean while it runs (fake file systems do).
        self._open, self._write, self._pid = os.open, os.write, os.getpid
        self._handle = self._opened()
        self.tell(tool=tool, env=os.environ.get("TOX_ENV_NAME", ""), **facts)

    def _opened(self) -> int:
        return self._open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def tell(self, **facts: object) -> None:
        """One line."""
        if self._pid() != self._owner:
            return
        if "details" in facts and self._left < 0:
            facts["details"] = ""
        line = (json.dumps(facts) + "\n").encode("ascii")
        self._left -= len(line)
        try:
            self._write(self._handle, line)
        except OSError:  # closed by a test that closes whatever is open
            with contextlib.suppress(OSError):
                self._handle = self._opened()
                self._write(self._handle, line)

    def drop(self) -> None:
        """Leave no record: it would seem that somebody watches."""
        os.unlink(self._path)


def begin() -> bool:
    """Whether this run is the outermost; it is marked as such."""
    if not FOLDER or os.environ.get(_MARK):
        return False
    os.environ[_MARK] = str(os.getpid())
    return True


def finish() -> None:
    """Take the mark away again."""
    if os.environ.get(_MARK) == str(os.getpid()):
        del os.environ[_MARK]


def pytest_configure(config: Any) -> None:
    """pytest's hook: begin a record, unless this is a worker of xdist or nothing is to be run."""
    if hasattr(config, "workerinput") and os.environ.get(_MARK) == str(os.getppid()):
        _select(config)
    if hasattr(config, "workerinput") or any(getattr(config.option, name, False) for name in _NO_RUN):
        return
    try:
        if begin():
            config.pluginmanager.register(_pytest(config), "gatelocal-witness")
            _select(config)
    except Exception:
        finish()


def _pytest(config: Any) -> object:
    """The plugin proper; it is made where pytest is known to be there."""
    import pytest

    class Session:
        def __init__(self) -> None:
            path = getattr(config.option, "xmlpath", None)
            self.record = Record("pytest", xml=os.path.realpath(os.path.expanduser(path)) if path else "")
            self.listed = False
            self.reports: dict[str, list[Any]] = {}

        def chosen(self, ids: list[str]) -> None:
            if ids and not self.listed:
                self.listed = True
                self.record.tell(listed=ids)

        def pytest_collection_finish(self, session: Any) -> None:
            self.chosen([item.nodeid for item in session.items])

        @pytest.hookimpl(optionalhook=True)  # type: ignore[untyped-decorator, unused-ignore]
        def pytest_xdist_node_collection_finished(self, node: Any, ids: Any) -> None:
            self.chosen(list(ids))

        def pytest_collectreport(self, report: Any) -> None:
            if report.nodeid and report.outcome in ("failed", "skipped"):
                self.end(report.nodeid, [report])

        def pytest_runtest_logstart(self, nodeid: str) -> None:
            self.record.tell(began=nodeid)

        def pytest_runtest_logreport(self, report: Any) -> None:
            self.reports.setdefault(report.nodeid, []).append(report)

        def pytest_runtest_logfinish(self, nodeid: str) -> None:
            self.end(nodeid, self.reports.pop(nodeid, []))

        @pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator, unused-ignore]
        def pytest_sessionfinish(self, exitstatus: Any) -> None:
            for nodeid, reports in self.reports.items():
                self.end(nodeid, reports)
            self.reports = {}
            self.record.tell(end=int(exitstatus))

        def pytest_unconfigure(self) -> None:
            finish()

        def end(self, nodeid: str, reports: list[Any]) -> None:
            with contextlib.suppress(Exception):
                status = _status(reports)
                if status is None:
                    return
                took = sum(float(getattr(one, "duration", 0) or 0) for one in reports)
                details = "\n".join(filter(None, (_details(one, status) for one in reports)))
                self.record.tell(test=nodeid, status=status, seconds=took, details=details[-_LONGEST:])

    return Session()


def _select(config: Any) -> None:
    """Leave out the tests that are not wanted, if only some are."""
    if ONLY:
        config.pluginmanager.register(_Selection(), "gatelocal-selection")


class _Selection:
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        others = [item for item in items if not is_wanted(item.nodeid)]
        if others:
            items[:] = [item for item in items if is_wanted(item.nodeid)]
            config.hook.pytest_deselected(items=others)


def is_wanted(nodeid: str) -> bool:
    """Whether a test of pytest is one of those that are to run; ids are as in `gatelocal.results.names`."""
    start, bracket, parameters = nodeid.partition("[")
    first, *rest = start.split("::")
    first = first.strip("/")
    name = ".".join([(first[:-3] if first.endswith(".py") else first).replace("/", "."), *rest]) + bracket + parameters
    return name in ONLY or name.startswith(tuple(one + "." for one in ONLY))


def listed(parsed_args: Any) -> None:
    """Have stestr run only the tests that are wanted, unless they have no ids of their own, or others are named."""
    if not ONLY or any(" " in one or "_FailedTest" in one for one in ONLY):
        return
    if not getattr(parsed_args, "load_list", None) and hasattr(parsed_args, "load_list"):
        path = os.path.join(FOLDER, "only.list")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(ONLY) + "\n")
        parsed_args.load_list = path
    if SERIAL and hasattr(parsed_args, "concurrency"):
        parsed_args.concurrency = 1


def _status(reports: list[Any]) -> str | None:
    """One test's outcome, in subunit's words; None as long as none of its parts says any."""
    if any(one.outcome == "failed" for one in reports):
        return "fail"
    parts = [one for one in reports if not hasattr(one, "context")]  # subtests speak for themselves when they fail
    for one in parts:
        if one.outcome == "skipped":
            return "xfail" if hasattr(one, "wasxfail") else "skip"
    return "success" if any(one.outcome == "passed" and one.when == "call" for one in parts) else None


def _details(report: Any, status: str) -> str:
    """The traceback, or the reason for a skip."""
    if report.outcome == "failed" and status == "fail":
        return str(report.longreprtext)
    if report.outcome == "skipped" and status == "xfail":
        return str(report.wasxfail)
    if report.outcome == "skipped" and status == "skip":
        place = report.longrepr
        words = place[2] if isinstance(place, tuple) and len(place) == 3 else report.longreprtext
        return str(words).replace("Skipped: ", "", 1)
    return ""


class StestrRun:
    """A hook of cliff around `stestr run`, and around `tempest run`, which is one."""

    def __init__(self, command: Any) -> None:
        self._command = command
        self._record: Record | None = None
        self._known: dict[str, Any] = {}
        self._base = ""
        self._list: Callable[[], list[str]] | None = None
        self._named: set[str] = set()

    def get_parser(self, parser: Any) -> Any:
        """It has no options."""
        return parser

    def get_epilog(self) -> str:
        """It says nothing."""
        return ""

    def before(self, parsed_args: Any) -> Any:
        """Begin a record, and watch which tests are chosen."""
        try:
            if not getattr(parsed_args, "list_tests", False) and begin():
                where = getattr(getattr(self._command, "app_args", None), "repo_url", None) or os.getcwd()
                self._base = os.path.abspath(os.path.join(os.path.expanduser(where), ".stestr"))
                self._known = self._runs()
                self._record = Record("stestr", repository=self._base)
                listed(parsed_args)
                by_name = any(getattr(parsed_args, name, None) for name in ("load_list", "failing"))
                self._watch(self._record, by_name)
        except Exception:
            with contextlib.suppress(Exception):
                self._record.drop() if self._record is not None else None
            self._record = None
        return parsed_args

    def after(self, parsed_args: Any, return_code: Any) -> Any:
        """Keep the streams of this run before another one writes its own; the status stays what it is."""
        try:
            if self._record is not None:
                self._keep(self._record)
                if not return_code and self._list is not None:
                    with contextlib.redirect_stdout(io.StringIO()):
                        there = set(self._list())
                    self._record.tell(listed=sorted(there & self._named if self._named else there))
                self._record.tell(end=int(return_code or 0))
        except (Exception, SystemExit):  # stestr ends the program when it cannot list
            return return_code
        finally:
            finish()
        return return_code

    def _runs(self) -> dict[str, Any]:
        names = os.listdir(self._base) if os.path.isdir(self._base) else []
        found = {}
        for name in filter(str.isdigit, names):
            state = os.stat(os.path.join(self._base, name))
            found[name] = (state.st_ino, state.st_size, state.st_mtime_ns)
        return found

    def _keep(self, record: Record) -> None:
        runs = self._runs()
        for name in sorted(runs, key=int):
            if self._known.get(name) != runs[name]:
                source = os.path.join(self._base, name)
                target = f"{record.name}-{name}.subunit"
                shutil.copyfile(source, os.path.join(FOLDER, target))
                record.tell(stream=target, origin=source)

    def _watch(self, record: Record, by_name: bool) -> None:
        """See which tests are chosen. By name, some may not be there any more; a lone worker chooses for itself."""
        from stestr import test_processor  # type: ignore[import-untyped, unused-ignore]
        from stestr.repository import file  # type: ignore[import-untyped, unused-ignore]

        hook = self
        processor, inserter = test_processor.TestProcessorFixture, file._SafeInserter
        run, status = processor.run_tests, inserter.status

        def run_tests(self: Any) -> Any:
            if by_name or self.test_ids is None:
                hook._list = self.list_tests
                hook._named.update(self.test_ids or ())
            else:
                record.tell(listed=sorted(self.test_ids))
            return run(self)

        def written(self: Any, *values: Any, **named: Any) -> None:
            if named.get("test_status") == "inprogress":
                record.tell(began=named.get("test_id"))
            elif named.get("test_id") and named.get("test_status") not in (None, "exists"):
                record.tell(done=named["test_id"], status=str(named["test_status"]))
            status(self, *values, **named)
            self._stream.flush()  # what is in memory is lost when the run is killed

        processor.run_tests, inserter.status = run_tests, written
