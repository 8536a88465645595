"""Sees on the node itself that a build's own results, and only those, are found: handed to `python3 -c` as text.

Like `on_node.py`, whose text it gets as its first argument and of which it uses functions, it needs nothing but the
standard library of Python 3.8 and decides nothing about the change.

watch      before the tests: note which results are there already, put the witness into the environments
gather     after the tests: copy the streams that are new to the folder for results; the JUnit files that it has settled
           are noted, and `collect` of `on_node.py` brings the others
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
_REPOSITORIES = (".stestr", ".testrepository")
_MOST = 2000
_NAME = "gatelocal_witness"
_ENTRY_POINTS = "[pytest11]\n{0} = {0}\n[stestr.cm.run]\n{0} = {0}:StestrRun\n[tempest.cm.run]\n{0} = {0}:StestrRun\n"
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
    for name in ("env", "junit", "tox", "where"):
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
    helper.note(options.into, [*runs(helper, options.work, []), *helper.reports(options, found)])
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
    if where.is_dir() and folder.resolve() in where.resolve().parents:
        write(options, where)


def write(options: Namespace, where: Path) -> None:
    """Make the witness a package in a folder that modules are looked for in."""
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
    if not (options.into / STREAMS).is_dir():
        return  # no test was begun
    before, since = helper.noted(options.into)
    told = records(options.into / STREAMS)
    repositories = [str(one.get("repository", "")) for one in told]
    kept = {str(one.get("origin", "")) for one in told}
    new = [p for p in runs(helper, options.work, repositories) if str(p) not in kept]
    helper.keep(helper.fresh(new, before, since, options.work), options.into / STREAMS, ".subunit")
    try:
        helper.note(options.into, [Path(str(one["xml"])) for one in told if one.get("xml") and "end" in one])
    except OSError as error:
        helper.say(f"JUnit files may be told twice: {error.strerror}")


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
        if not helper.leads(place).startswith(str(work) + os.sep):  # a witness keeps what lies elsewhere itself
            continue
        names = sorted(path.name for path in place.iterdir()) if place.is_dir() and not place.is_symlink() else []
        found += [place / name for name in names if name.isdigit() or name.startswith("tmp")]
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
