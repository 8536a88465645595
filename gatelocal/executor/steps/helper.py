"""What is looked at on the node around a step: handed to its `python3 -c` as text, with two others that it uses.

The texts of `on_node.py` and `results_on_node.py` are its first two arguments. Like them it needs nothing but the
standard library of Python 3.8, decides nothing about the change, and tells its facts in one line at its end.

before     an empty folder for the step's results, with the witness in it; what is there already is noted
after      the step's streams and the files that its patterns name, as far as they are new
keep       files and folders of the project that patterns name, copied
free       how many bytes are free
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
import types
from argparse import Namespace
from itertools import islice
from pathlib import Path
from typing import Any

_FILES, _ALL, _SECONDS = 10_000, 500 * 1024 * 1024, 60.0
_MATCHES = 2000


def main(words: list[str]) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser()
    for name in ("helper", "results"):
        parser.add_argument(name)
    parser.add_argument("command", choices=["before", "after", "keep", "free"])
    for name in ("work", "into", "witness", "mark", "config", "constraints"):
        parser.add_argument("--" + name, default="")
    for name in ("pattern", "env", "tox", "where"):
        parser.add_argument("--" + name, action="append", default=[])
    options = parser.parse_args(words)
    options.work, options.into, options.junit = Path(options.work).resolve(), Path(options.into), options.pattern
    helper, results = types.ModuleType("on_node"), types.ModuleType("results_on_node")
    exec(options.helper, helper.__dict__)  # noqa: S102 (our own text, see above)
    exec(options.results, results.__dict__)  # noqa: S102
    commands = {"before": before, "after": after, "keep": keep, "free": free}
    facts = commands[options.command](options, helper, results)
    print("\ngatelocal-facts", options.mark, json.dumps(facts), flush=True)  # noqa: T201
    return 0


def before(options: Namespace, helper: Any, results: Any) -> dict[str, Any]:
    """Before the step."""
    helper.start(options)
    streams = options.into / results.STREAMS
    streams.mkdir()
    helper.note(options.into, results.runs(helper, options.work, []))
    if options.witness:
        site = options.into / "site"
        site.mkdir()
        results.write(options, site)
    return {}


def after(options: Namespace, helper: Any, results: Any) -> dict[str, Any]:
    """After the step, however it ended."""
    results.gather(options, helper)
    _, facts = helper.collect(options)
    return dict(facts)


def keep(options: Namespace, helper: Any, results: Any) -> dict[str, Any]:
    """Copy what the patterns name, under its path in the project; links, and what lies elsewhere, are left out."""
    left = helper.Room(_FILES, _ALL, time.monotonic() + _SECONDS)
    shutil.rmtree(str(options.into), ignore_errors=True)
    nothing = []
    for pattern in options.pattern:
        found = [path for path in matching(options.work, pattern) if inside(helper, options.work, path)]
        nothing += [] if found else [pattern]
        for path in found:
            target = options.into / path.relative_to(options.work)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                if path.is_dir() and not path.is_symlink():
                    helper.copied(path, target, left)
                elif path.is_file() and not path.is_symlink() and left.take(path.stat().st_size):
                    helper.plain_copy(path, target)
                elif not path.is_file() or path.is_symlink():
                    left.out += 1
            except (OSError, RecursionError):
                left.out += 1
    return {"kept": options.into.is_dir(), "out": left.out, "nothing": nothing}


def free(options: Namespace, helper: Any, results: Any) -> dict[str, Any]:
    """How much room there is where a build writes."""
    return {"free": helper.free(options.work)}


def matching(work: Path, pattern: str) -> list[Path]:
    """What a pattern means; nothing for one that is none."""
    try:
        return sorted(islice(work.glob(pattern.rstrip("/")), _MATCHES))
    except (OSError, ValueError, NotImplementedError, RuntimeError):
        return []


def inside(helper: Any, work: Path, path: Path) -> bool:
    """Whether the folder that it lies in is the project's own."""
    parent = helper.leads(path.parent)
    return bool(parent == str(work) or parent.startswith(str(work) + "/")) and path != work


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
