"""What has to be looked at on the node itself: handed to its `python3 -c` as text, it prints one JSON line at its end.

It never runs inside the gate, needs nothing but the standard library of Python 3.8, and decides nothing about the
change. Because it runs on the node, `gatelocal.process` is not there for it.

start      make the folder for results, note which are there already, find tox, look for the constraints file
siblings   install the trees of required projects over the released packages in the environments
index      whether the package index gives anything at all
collect    gather JUnit files that are new, and the environments' logs
"""

from __future__ import annotations

import argparse
import configparser
import importlib.util
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from itertools import islice
from pathlib import Path
from typing import Any, Dict, Tuple  # noqa: UP035

Answer = Tuple[int, Dict[str, Any]]  # noqa: UP006 (evaluated at run time, on the node's older Python)

CANNOT = 70
_LARGEST = 200 * 1024 * 1024
# Of logs in all: files, bytes, seconds.
_FILES = 10_000
_ALL = 500 * 1024 * 1024
_SECONDS = 60.0
_ASKED_SECONDS = 90.0
_FEW_FILES = 100
_REPORTS = 2000
_BEFORE = ".before.json"


def main(words: list[str]) -> int:
    """Run one of the commands and return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["start", "siblings", "index", "collect"])
    parser.add_argument("--work", required=True)
    parser.add_argument("--into", default="")
    parser.add_argument("--constraints", default="")
    for name in ("mark", "package", "config"):
        parser.add_argument("--" + name, default="")
    for name in ("env", "tree", "junit", "tox", "where"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    options.work = Path(options.work)
    commands = {"start": start, "siblings": siblings, "index": index, "collect": collect}
    status, facts = commands[options.command](options)
    # On a line of its own, wherever the programs that were started have stopped.
    say(" ".join(filter(None, ["\ngatelocal-facts", options.mark, json.dumps(facts)])))
    return status


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def start(options: Namespace) -> Answer:
    """An empty folder for results, and what is to be known before anything runs."""
    into = Path(options.into)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    note(into, reports(options, []))
    constraints = not options.constraints or Path(options.constraints).is_file()
    setup = options.work / "tools/test-setup.sh"
    return 0, {
        "tox": command("tox"),
        "work": options.work.is_dir(),
        "constraints": constraints,
        "setup": setup.is_file() and os.access(str(setup), os.X_OK),
    }


def command(name: str) -> list[str] | None:
    """How to start a Python program that is on PATH, or a module of this Python; None when it is neither."""
    found = shutil.which(name)
    if found:
        return [found]
    return [sys.executable or "python3", "-m", name] if importlib.util.find_spec(name) else None


def siblings(options: Namespace) -> Answer:
    """Install the trees whose packages an environment has, in the place of the released ones."""
    own = normal(options.package) or package_name(options.work)
    trees: dict[str, str] = {}
    for tree in options.tree:
        name = package_name(Path(tree))
        if name and name != own:
            trees[name] = tree
    done: dict[str, list[str]] = {}
    for env, folder in environments(options):
        python = folder / "bin" / "python"
        found = sorted(set(installed(python)) & set(trees)) if python.exists() and trees else []
        if not found:
            continue
        say(f"{env}: from source: " + ", ".join(f"{name} ({trees[name]})" for name in found))
        if install(python, [trees[name] for name in found], without(options.constraints, found)) != 0:
            return CANNOT, {"installed": done}
        done[env] = found
    if not done:
        say("no required project is a package of the environment: nothing to install from source")
    return 0, {"installed": done}


def index(options: Namespace) -> Answer:
    """Whether pip gets a package that every index has; None when there is no pip to ask.

    Of an index that does not answer, pip says no more than that it offers no version.
    """
    pythons = [str(folder / "bin" / "python") for _, folder in environments(options)]
    for python in [*(one for one in pythons if Path(one).exists()), sys.executable]:
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
        known = subprocess.run([*pip, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if known.returncode != 0:
            continue
        with tempfile.TemporaryDirectory(prefix="index-") as folder:
            asked = [*pip, "download", "--no-deps", "--no-cache-dir", "-d", folder, "pip"]
            try:
                done = subprocess.run(asked, stderr=subprocess.STDOUT, timeout=_ASKED_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                return 0, {"index": False}
        return 0, {"index": done.returncode == 0}
    return 0, {"index": None}


def installed(python: Path) -> list[str]:
    """The names of the distributions in the environment of that interpreter."""
    listing = "import importlib.metadata as m; print(*{d.metadata['Name'] or '' for d in m.distributions()}, sep='\\n')"
    asked = subprocess.run([str(python), "-c", listing], stdout=subprocess.PIPE, check=False)
    return [normal(name) for name in asked.stdout.decode("utf-8", "replace").split()]


def install(python: Path, trees: list[str], constraints: str) -> int:
    """The trees with what they require; the released packages of the same names give way."""
    limits = ["-c", constraints] if constraints else []
    try:
        return subprocess.run(
            [str(python), "-m", "pip", "install", *limits, *trees], stderr=subprocess.STDOUT, check=False
        ).returncode
    finally:
        if constraints:
            Path(constraints).unlink()


def without(constraints: str, names: list[str]) -> str:
    """A copy of the constraints that leaves the named packages free; empty when there are none."""
    if not constraints:
        return ""
    kept = []
    for line in Path(constraints).read_text(encoding="utf-8", errors="replace").splitlines():
        word = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", line)
        if not (word and normal(word.group(1)) in names):
            kept.append(line)
    handle, path = tempfile.mkstemp(prefix="constraints-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(kept) + "\n")
    return path


def package_name(tree: Path) -> str:
    """The name of the Python package that a tree makes, from setup.cfg or pyproject.toml; empty when there is none."""
    setup = configparser.RawConfigParser(strict=False)
    try:
        setup.read(str(tree / "setup.cfg"), encoding="utf-8")
        name = setup.get("metadata", "name", fallback="")
    except (configparser.Error, UnicodeDecodeError):
        name = ""
    if not name and (tree / "pyproject.toml").is_file():
        project = (tree / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
        section = re.search(r"^\[project\]\s*$(.*?)(?=^\[|\Z)", project, re.M | re.S)
        found = re.search(r"""^name\s*=\s*["']([^"']+)["']""", section.group(1), re.M) if section else None
        name = found.group(1) if found else ""
    return normal(name)


def normal(name: str) -> str:
    """A distribution's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def environments(options: Namespace) -> list[tuple[str, Path]]:
    """Each environment of the build that exists, with its folder."""
    usual = usual_folder(options)
    if "ALL" in options.env:
        return [(folder.name, folder) for folder in sorted(usual.glob("*")) if (folder / "bin" / "python").exists()]
    found = []
    for env in options.env:
        folder = usual / env
        # An environment with a folder elsewhere has its logs there all the same.
        there = (folder / "bin" / "python").exists()
        if options.tox and (options.where or options.config or not there):
            folder = asked_of_tox(options, env) or folder
        if folder.is_dir():
            found.append((env, folder))
    return found


def usual_folder(options: Namespace) -> Path:
    """Where environments are when nothing is said of one alone."""
    named = os.environ.get("TOX_WORK_DIR", ".tox")
    words = [*options.where, ""]
    for at, word in enumerate(words):
        if word.startswith("--workdir"):
            named = word.partition("=")[2] or words[at + 1]
    return Path(options.work) / named


def asked_of_tox(options: Namespace, env: str) -> Path | None:
    """The folder of an environment that may not be in the usual place; tox 3 has another word for the question."""
    settings = [*(["-c", options.config] if options.config else []), *options.where]
    for words in (["config", *settings, "-e", env, "-k", "env_dir"], [*settings, "--showconfig", "-e", env]):
        asked = subprocess.run(
            [*options.tox, *words],
            cwd=str(options.work),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ASKED_SECONDS,
            check=False,
        )
        found = re.search(r"^env_?dir\s*=\s*(.+)$", asked.stdout.decode("utf-8", "replace"), re.M)
        if found:
            return Path(found.group(1).strip())
    return None


def collect(options: Namespace) -> Answer:
    """Copy JUnit files and the environments' logs to the folder for results; what cannot be had is told."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = min(value for value in (_LARGEST, soft, hard) if value != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))  # counts for the programs that are asked, too
    try:
        found = environments(options)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"the environments could not be found: {error}")
        found = []
    items = []
    before, since = noted(Path(options.into))
    if keep(fresh(reports(options, found), before, since, options.work), Path(options.into) / "junit", ""):
        items.append("junit")
    try:
        usual = usual_folder(options)  # where tox 4 has the logs of an environment that lies elsewhere
        found = [(env, usual / env if any((usual / env).glob("log/*")) else folder) for env, folder in found]
        if logs(found, Path(options.into) / "tox"):
            items.append("tox")
    except (OSError, ValueError, RuntimeError) as error:
        say(f"logs: could not be gathered: {error}")
    return 0, {"items": items, "free": free(options.work)}


def free(work: Path) -> int:
    """Bytes free where a build writes: in its folder, its home, for what is temporary. None at all without inodes."""
    found = []
    for path in (str(work), str(Path.home()), tempfile.gettempdir()):
        try:
            state = os.statvfs(path)
        except OSError:
            continue
        found.append(0 if state.f_files and state.f_favail < _FEW_FILES else state.f_bavail * state.f_frsize)
    return min(found, default=0)


def logs(found: list[tuple[str, Path]], into: Path) -> bool:
    """The log folders of the environments, as far as they are plain files, folders and links within."""
    left = Room(_FILES, _ALL, time.monotonic() + _SECONDS)
    for env, folder in found:
        log = folder / "log"
        if log.is_dir() and not log.is_symlink():
            copied(log, into / env.replace(os.sep, "_"), left)
    if left.out:
        say(f"logs: {left.out} left out: no plain files, too large or too many")
    return into.is_dir()


class Room:
    """How much may still be copied: files, bytes, and until when; `out` counts what was left out."""

    def __init__(self, files: int, size: int, until: float) -> None:
        self.files, self.size, self.until, self.out = files, size, until, 0

    def take(self, size: int) -> bool:
        """Whether there is room for one more file of that size."""
        if self.files < 1 or size > min(self.size, _LARGEST) or time.monotonic() > self.until:
            self.out += 1
            return False
        self.files, self.size = self.files - 1, self.size - size
        return True


def copied(source: Path, target: Path, left: Room) -> None:
    """Copy a folder as far as there is room: links as links, and nothing that is read without end."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(islice(os.scandir(str(source)), _FILES), key=lambda one: one.name):
        here, there = Path(entry.path), target / entry.name
        try:
            if entry.is_symlink():
                goal = str(os.readlink(entry.path))  # noqa: PTH115 - Path.readlink came with Python 3.9
                if goal.startswith("/") or ".." in Path(goal).parts:
                    left.out += 1
                elif left.take(0):
                    there.symlink_to(goal)
            elif entry.is_dir():
                if left.take(0):
                    copied(here, there, left)
            elif entry.is_file() and left.take(entry.stat().st_size):
                plain_copy(here, there)
            elif not entry.is_file():
                left.out += 1
        except (OSError, RecursionError):
            left.out += 1


def plain_copy(source: Path, target: Path) -> None:
    """Copy a plain file's content as far as it goes now: it is opened without waiting for a writer at its other end."""
    handle = os.open(str(source), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file, target.open("wb") as out:
        size = os.fstat(handle).st_size
        while size > 0:
            chunk = file.read(min(size, 1 << 20))
            if not chunk:
                return
            out.write(chunk)
            size -= len(chunk)


def note(into: Path, paths: list[Path]) -> None:
    """Results that are none of this build's, or need not be gathered, as they are now; earlier notes stay."""
    known, since = noted(into)
    known.update({str(path): identity(path) for path in paths})
    new = into / (_BEFORE + ".new")
    new.write_text(json.dumps({"known": known, "since": since or time.time()}))
    new.replace(into / _BEFORE)


def noted(into: Path) -> tuple[dict[str, Any], float]:
    """What was noted, and when first."""
    try:
        told = json.loads((into / _BEFORE).read_text())
        return dict(told["known"]), float(told["since"])
    except (OSError, ValueError, TypeError, KeyError):
        return {}, 0.0


def reports(options: Namespace, found: Any) -> list[Path]:
    """JUnit files in the work folder or in an environment's own folders; links and patterns must stay within."""
    work = options.work.resolve()
    own = (folder / part for _, folder in found for part in ("log", "tmp"))
    places = [work, *(place for place in own if not place.is_symlink())]
    inside = tuple(str(place.resolve()) + os.sep for place in places)
    names = {leads(name) for place in places for pattern in options.junit for name in matching(place, pattern)}
    return [Path(name) for name in sorted(names) if name.startswith(inside)]


def matching(place: Path, pattern: str) -> list[Path]:
    """What a job's pattern matches there; nothing for one that is none."""
    try:
        return list(islice(place.glob(pattern), _REPORTS))
    except (OSError, ValueError, NotImplementedError, RuntimeError):
        return []


def leads(path: Path) -> str:
    """Where a path leads; empty for links that lead round in a circle."""
    try:
        return str(path.resolve())
    except (OSError, RuntimeError):
        return ""


def identity(path: Path) -> list[int] | None:
    """What changes when a file is written anew."""
    try:
        state = path.stat()
    except OSError:
        return None
    return [state.st_ino, state.st_size, state.st_mtime_ns]


def fresh(
    paths: list[Path],
    before: dict[str, Any],
    since: float,
    work: Path,
) -> list[Path]:
    """Those that were not there before the tests; elsewhere, where nobody looked before, those that are newer."""
    found = []
    for path in paths:
        now = identity(path)
        if now is None or before.get(str(path)) == now:
            continue
        if str(path) in before or work in path.parents or path.stat().st_mtime >= since:
            found.append(path)
    return found


def keep(paths: list[Path], into: Path, suffix: str) -> bool:
    """Copy plain files under names that say their order; whether there are any."""
    for number, path in enumerate(paths[:_REPORTS]):
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                say(f"{path.name!a} is left out: it is no plain file, or too large")
                continue
            into.mkdir(exist_ok=True)
            target = into / f"{number:03d}-{path.name[-100:]}{suffix}"
            plain_copy(path, target)
        except OSError as error:
            say(f"{path.name!a} could not be gathered: {error.strerror}")
    return into.is_dir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
