"""One change from `git review` to a verdict, on a real Gerrit and a real node; run by tools/try.

Two projects are made: a library and a service whose change depends on a change of the library. The service's change
is taken to a passing verdict, broken, uploaded again and taken to a failing one. Everything a person would type is a
real command here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatelocal.errors import FAILED, INTERRUPTED, PASSED
from gatelocal.sandbox import seed
from gatelocal.sandbox.server import Server, load

LIBRARY = {
    "greeting.py": 'def hello(name):\n    return f"Hello, {name}"\n',
    "README": "What the service says.\n",
}
SERVICE = {
    "service.py": "import greeting\n\n\ndef answer(name):\n    return greeting.hello(name)\n",
    "tests/__init__.py": "",
    "tests/test_service.py": (
        "import unittest\n\nimport service\n\n\nclass Answer(unittest.TestCase):\n"
        "    def test_greets_by_name(self):\n"
        '        self.assertEqual("Hello, Ada", service.answer("Ada"))\n'
    ),
    ".stestr.conf": "[DEFAULT]\ntest_path=./tests\ntop_dir=./\n",
    "tox.ini": (
        "[tox]\nenvlist = unit\nminversion = 4\n\n[testenv:unit]\npackage = skip\ndeps = stestr\n"
        "setenv = PYTHONPATH = {toxinidir}:{toxinidir}/../library\ncommands = stestr run {posargs}\n"
    ),
    ".zuul.yaml": (
        "- job:\n    name: service-unit\n    parent: tox\n    description: The service with the library beside it.\n"
        "    required-projects:\n      - demo/library\n    vars:\n      tox_envlist: unit\n\n"
        "- project:\n    check:\n      jobs: &jobs\n        - service-unit\n    gate:\n      jobs: *jobs\n"
    ),
    ".gitignore": ".tox/\n.stestr/\n__pycache__/\n",
}
FAREWELL = '\n\ndef goodbye(name):\n    return f"Goodbye, {name}"\n'
PARTING = "\n\ndef part(name):\n    return greeting.goodbye(name)\n"
PARTING_TEST = '\n    def test_parts_by_name(self):\n        self.assertEqual("Goodbye, Ada", service.part("Ada"))\n'


@dataclass(slots=True)
class Clock:
    """What the time went into: a name and seconds for each step."""

    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block under that name."""
        print(f"\n=== {name}", flush=True)
        began = time.monotonic()
        try:
            yield
        finally:
            self.steps.append((name, time.monotonic() - began))

    def table(self) -> str:
        """One line a step, and their sum."""
        rows = [*self.steps, ("altogether", sum(seconds for _, seconds in self.steps))]
        return "\n".join(f"  {seconds:6.1f} s  {name}" for name, seconds in rows)


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs a person's commands, shown as they would be typed."""

    environment: Mapping[str, str]

    def __call__(self, folder: Path, *argv: str, ok: int = 0) -> str:
        """Run a command to its end and return what it printed; any other status ends the demonstration."""
        status, said = self.run(folder, *argv)
        if status != ok:
            raise SystemExit(f"tools/try: {argv[0]} ended with {status}, expected {ok}")
        return said

    def run(self, folder: Path, *argv: str) -> tuple[int, str]:
        """Run a command to its end; its status and what it printed."""
        print(f"$ {' '.join(argv)}", flush=True)
        with subprocess.Popen(
            argv, cwd=folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            lines = []
            for line in child.stdout or ():
                print(f"  {line}", end="", flush=True)
                lines.append(line)
        return child.returncode, "".join(lines)


@dataclass(slots=True)
class Nodes:
    """The kind of node that the story runs on.

    :ivar kind: as for ``gatelocal run --node``. When it is ``auto`` and no such node can be had, the story goes on on
        this machine: its two projects are its own and harmless.
    """

    kind: str

    def gate(self, person: Shell, folder: Path, *words: str, ok: int) -> str:
        """``gatelocal run`` with these words; what it printed."""
        status, said = person.run(folder, "gatelocal", "run", "--node", self.kind, *words)
        if status not in (PASSED, FAILED, INTERRUPTED) and self.kind == "auto":
            self.fall_back("no node could be had for that run")
            status, said = person.run(folder, "gatelocal", "run", "--node", self.kind, *words)
        if status != ok:
            raise SystemExit(f"tools/try: gatelocal ended with {status}, expected {ok}")
        return said

    def fall_back(self, why: str) -> None:
        """Go on without isolation, and say so."""
        if self.kind != "auto":
            raise SystemExit(f"tools/try: {why}; the reason and the way out are above")
        self.kind = "local"
        print(
            f"\n!!! {why}: the reason and the way out are above.\n"
            "!!! The story goes on ON THIS MACHINE ITSELF, WITHOUT ANY ISOLATION (--node local). Its two little\n"
            "!!! projects are its own and harmless; to the changes of others give a node that is isolated.",
            flush=True,
        )


def main() -> int:
    """Run the demonstration; 0 when both verdicts were as expected."""
    parser = argparse.ArgumentParser(prog="tools/try", description=__doc__)
    parser.add_argument("--node", choices=("auto", "qemu", "nspawn", "local"), default="auto")
    parser.add_argument("--keep", action="store_true", help="leave Gerrit and the failing run's node running")
    parser.add_argument("--prepared", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    clock = Clock([("system packages and virtual environment", options.prepared)])
    folder = Path(tempfile.mkdtemp(prefix="gatelocal-try-"))
    shell = Shell({**os.environ, "GATELOCAL_STATE": str(folder / "state")})
    done = False
    try:
        demonstrate(folder, shell, clock, options)
        done = True
    except KeyboardInterrupt:
        print("\ntools/try: interrupted", file=sys.stderr)
        return 130
    finally:
        if options.keep and done:
            how_to_reach(folder)
        else:
            clean_up(folder, shell)
    print(f"\nWhat the time went into:\n{clock.table()}")
    print("\nBoth verdicts were as expected: the good patchset passes, the broken one fails.")
    return 0


def _interrupt(*_: object) -> None:
    """Whoever asks us to end means what Ctrl-C means: with everything put away."""
    raise KeyboardInterrupt


def demonstrate(folder: Path, shell: Shell, clock: Clock, options: argparse.Namespace) -> None:
    """The story itself."""
    nodes = Nodes(options.node)
    with image_on_the_way(shell, clock, nodes):
        with clock.step("Gerrit: a private server"):
            shell(folder, "gatelocal", "sandbox", "up")
        server = load(folder / "state" / "sandbox")
        if server is None:
            raise SystemExit("tools/try: the sandbox is not there")
        person = Shell({**shell.environment, **server.environment(), "GATELOCAL_GERRIT": server.url})
        with clock.step("two projects"):
            library = project(server, person, folder, "library", LIBRARY)
            service = project(server, person, folder, "service", SERVICE)
        with clock.step("git review: the library's change, then the service's, which depends on it"):
            append(library / "greeting.py", FAREWELL)
            commit(person, library, "Say goodbye")
            url = upload(person, library)
            append(service / "service.py", PARTING)
            append(service / "tests" / "test_service.py", PARTING_TEST)
            commit(person, service, f"Part politely\n\nDepends-On: {url}")
            change = upload(person, service).rpartition("/")[2]
    with clock.step("gatelocal run: the good patchset"):
        nodes.gate(person, service, ok=0)
    with clock.step("git review: a broken patchset"):
        broken = service / "service.py"
        broken.write_text(broken.read_text().replace("greeting.goodbye(name)", "greeting.goodbye(name).upper()"))
        person(service, "git", "commit", "--quiet", "--all", "--amend", "--no-edit")
        upload(person, service)
    with clock.step("gatelocal run: the broken patchset, by its number on the server"):
        said = nodes.gate(person, service, *(("--hold",) if options.keep else ()), change, ok=1)
        if "test_service.Answer.test_parts_by_name" not in said:
            raise SystemExit("tools/try: the verdict does not name the test that fails")


@contextlib.contextmanager
def image_on_the_way(shell: Shell, clock: Clock, nodes: Nodes) -> Iterator[None]:
    """Make the nodes' image beside whatever the block does, because the first time it is what takes longest."""
    if nodes.kind == "local":
        yield
        return
    with subprocess.Popen(
        ("gatelocal", "image", "build", "--node", nodes.kind),
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as builder:
        telling = threading.Thread(target=_tell, args=(builder,), daemon=True)
        telling.start()
        try:
            yield
        except BaseException:
            builder.send_signal(signal.SIGINT)
            raise
        with clock.step("the nodes' image: the rest of its making"):
            status = builder.wait()
            telling.join()
        if status != 0:
            nodes.fall_back("the nodes' image could not be made")


def _tell(builder: subprocess.Popen[str]) -> None:
    """Show what is said of the image while it is made, marked, among the lines of the story."""
    for line in builder.stdout or ():
        print(f"  image | {line}", end="", flush=True)


def project(server: Server, person: Shell, folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """A project on the server with its first commit, and a person's clone of it, set up for `git review`."""
    seed.create_project(server, f"demo/{name}", branches=("main",))
    clone = folder / name
    person(folder, "git", "clone", "--quiet", server.ssh_url(f"demo/{name}"))
    review = f"[gerrit]\nhost={server.ssh_host}\nport={server.ssh_port}\nproject=demo/{name}\ndefaultbranch=main\n"
    for path, text in {**files, ".gitreview": review}.items():
        (clone / path).parent.mkdir(exist_ok=True)
        (clone / path).write_text(text)
    commit(person, clone, f"A first {name}")
    person(clone, "git", "push", "--quiet", "origin", "HEAD:refs/heads/main")
    person(clone, "git", "config", "gitreview.username", server.admin.username)
    person(clone, "git", "review", "-s")
    return clone


def commit(person: Shell, clone: Path, message: str) -> None:
    """Commit all that there is."""
    person(clone, "git", "add", "--all")
    person(clone, "git", "commit", "--quiet", "--message", message)


def upload(person: Shell, clone: Path) -> str:
    """Send HEAD for review and return the address of its change."""
    found = re.search(r"remote:\s+(http\S+/[0-9]+)", person(clone, "git", "review"))
    if found is None:
        raise SystemExit("tools/try: the server did not say where the change is")
    return found[1]


def append(path: Path, text: str) -> None:
    """Add text at the end of a file."""
    path.write_text(path.read_text() + text)


def how_to_reach(folder: Path) -> None:
    """Tell what was left running, and how to stop it."""
    prefix = f"GATELOCAL_STATE={folder / 'state'} gatelocal"
    print("\nLeft running:")
    print(f"  Gerrit:          {prefix} sandbox status")
    print(f"  the kept node:   {prefix} node list")
    print(f"  enter it:        {prefix} node shell NAME")
    print(f"  work trees:      {folder}")
    print(f"Stop all of it:    {prefix} node return --all; {prefix} sandbox down; rm -r {folder}")


def clean_up(folder: Path, shell: Shell) -> None:
    """Stop the server and remove everything that the demonstration made."""
    with contextlib.suppress(SystemExit):
        shell(folder, "gatelocal", "sandbox", "down")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
