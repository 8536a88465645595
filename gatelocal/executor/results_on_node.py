"""Sees on the node itself that a build's own results, and only those, are found: handed to `python3 -c` as text.

Like `on_node.py`, whose text it gets as its first argument and of which it uses functions, it needs nothing but the
standard library of Python 3.8 and decides nothing about the change.

watch      before the tests: note which results are there already, put the witness into the environments
gather     after the tests: copy what is new to the folder for results
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import types
from argparse import Namespace
from pathlib import Path
from typing import Any

STREAMS = "streams"
_BEFORE = ".before.json"
_REPOSITORIES = (".stestr", ".testrepository")
_LARGEST = 200 * 1024 * 1024
_MOST = 2000
_NAME = "gatelocal_witness"
_ENTRY_POINTS = "[pytest11]\n{0} = {0}\n[stestr.cm.run]\n{0} = {0}:StestrRun\n"
_WHERE = (
    "import sys, sysconfig, importlib.util as u\n"
    "if sys.version_info >= (3, 7) and any(map(u.find_spec, ('pytest', 'stestr'))):\n"
    "    print(sysconfig.get_paths()['purelib'])"
)


def main(words: list[str]) -> int:
    """Run one of the commands; what cannot be done is said and harms nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("helper")
    parser.add_argument("command", choices=["watch", "gather"])
    for name in ("work", "into", "witness", "config"):
        parser.add_argument("--" + name, default="")
    for name in ("env", "junit", "tox"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    options.work, options.into = Path(options.work).resolve(), Path(options.into)
    helper = types.ModuleType("on_node")
    exec(options.helper, helper.__dict__)  # noqa: S102 (our own text, see above)
    {"watch": watch, "gather": gather}[options.command](options, helper)
    return 0


def watch(options: Namespace, helper: Any) -> None:
    """Before the tests."""
    found = environments(options, helper)
    (options.into / STREAMS).mkdir(parents=True, exist_ok=True)
    there = [*runs(helper, options.work, []), *helper.reports(options, found)]
    (options.into / _BEFORE).write_text(json.dumps({str(path): identity(path) for path in there}))
    for env, folder in found:
        try:
            put(options, folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            helper.say(f"{env}: nobody watches its tests: {error}")


def environments(options: Namespace, helper: Any) -> list[tuple[str, Path]]:
    """Each environment of the build with its folder, as far as they can be found."""
    try:
        return list(helper.environments(options))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        helper.say(f"the environments could not be found: {error}")
        return []


def put(options: Namespace, folder: Path) -> None:
    """Make the witness a package of that environment."""
    python = folder / "bin" / "python"
    if not python.exists():
        return
    asked = subprocess.run([str(python), "-c", _WHERE], stdout=subprocess.PIPE, timeout=60, check=False)
    where = Path(asked.stdout.decode("utf-8", "replace").strip())
    if not where.is_dir() or folder.resolve() not in where.resolve().parents:
        return
    text = options.witness.replace('FOLDER = ""', f"FOLDER = {str(options.into / STREAMS)!r}", 1)
    (where / (_NAME + ".py")).write_text(text, encoding="utf-8")
    info = where / (_NAME + "-0.dist-info")
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gatelocal-witness\nVersion: 0\n")
    (info / "entry_points.txt").write_text(_ENTRY_POINTS.format(_NAME))
    (info / "RECORD").write_text(
        "".join(f"{name},,\n" for name in (_NAME + ".py", *(f"{info.name}/{f.name}" for f in info.iterdir())))
    )


def gather(options: Namespace, helper: Any) -> None:
    """After the tests."""
    try:
        before: dict[str, Any] = json.loads((options.into / _BEFORE).read_text())
    except (OSError, ValueError):
        return  # no test was begun
    told = records(options.into / STREAMS)
    since = (options.into / _BEFORE).stat().st_mtime
    repositories = [str(one.get("repository", "")) for one in told]
    kept = {str(one.get("origin", "")) for one in told}
    new = [p for p in runs(helper, options.work, repositories) if str(p) not in kept]
    copied(helper, fresh(new, before, since, options.work), options.into / STREAMS, ".subunit")
    ended = {str(one["xml"]) for one in told if one.get("xml") and "end" in one}
    xml = [p for p in helper.reports(options, environments(options, helper)) if str(p) not in ended]
    copied(helper, fresh(xml, before, since, options.work), options.into / "junit", "")


def records(folder: Path) -> list[dict[str, Any]]:
    """What the witness told, each run as one: its facts, without the tests; its streams as runs of their own."""
    found = []
    for path in sorted(folder.glob("*.jsonl"))[:_MOST]:
        facts: dict[str, Any] = {}
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    one = json.loads(line) if line.startswith(('{"tool"', '{"stream"', '{"end"')) else {}
                except ValueError:
                    continue
                if "origin" in one:
                    found.append(one)
                facts.update(one)
        found.append({key: value for key, value in facts.items() if key != "origin"})
    return found


def runs(helper: Any, work: Path, others: list[str]) -> list[Path]:
    """Streams in the repositories of stestr and testrepository: whole ones, and what a run that was stopped left."""
    places = [work / name for name in _REPOSITORIES]
    places += [path for name in _REPOSITORIES for path in sorted(work.glob("[!.]*/" + name))]
    places += [Path(name) for name in others if name]
    found = []
    for place in dict.fromkeys(places):
        if not helper.leads(place).startswith(str(work) + os.sep):
            continue  # a witness keeps what lies elsewhere itself
        names = sorted(path.name for path in place.iterdir()) if place.is_dir() and not place.is_symlink() else []
        found += [place / name for name in names if name.isdigit() or name.startswith("tmp")]
    return found


def identity(path: Path) -> list[int] | None:
    """What changes when a file is written anew."""
    try:
        state = path.stat()
    except OSError:
        return None
    return [state.st_ino, state.st_size, state.st_mtime_ns]


def fresh(paths: list[Path], before: dict[str, Any], since: float, work: Path) -> list[Path]:
    """Those that were not there before the tests; elsewhere, where nobody looked before, those that are newer."""
    found = []
    for path in paths:
        now = identity(path)
        if now is None or before.get(str(path)) == now:
            continue
        if str(path) in before or work in path.parents or path.stat().st_mtime >= since:
            found.append(path)
    return found


def copied(helper: Any, paths: list[Path], into: Path, suffix: str) -> None:
    """Copy plain files under names that say their order."""
    for number, path in enumerate(paths[:_MOST]):
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                helper.say(f"{path.name!a} is left out: it is no plain file, or too large")
                continue
            into.mkdir(exist_ok=True)
            target = into / f"{number:03d}-{path.name[-100:]}{suffix}"
            handle = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)  # of a pipe: without waiting
            with os.fdopen(handle, "rb") as source, target.open("wb") as out:
                out.write(source.read(_LARGEST))
        except OSError as error:
            helper.say(f"{path.name!a} could not be gathered: {error.strerror}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
