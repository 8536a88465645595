"""Tells on the node which tests fail while others still run: handed to `python3 -c` as text, with words of its own.

It reads what the witness writes (see `gatelocal.executor.witness`) and prints one line of JSON for each test that has
failed. It ends when a file says that the tests have, or when that one's folder is gone. It changes nothing, and needs
nothing but the standard library of Python 3.8.

Words: the folder of the witness's files, the file that ends it, the seconds after which it ends by itself.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

STEP = 0.1
MOST_FILES = 200
LONGEST = 1 << 22
BAD = ("fail", "uxsuccess")


def main(folder: str, end: str, seconds: str) -> None:
    """See the module."""
    over = Path(end)
    deadline = time.monotonic() + float(seconds)
    known: dict[Path, tuple[int, str]] = {}
    while True:
        last = over.exists() or not over.parent.exists() or time.monotonic() > deadline
        for path in sorted(Path(folder).glob("*.jsonl"))[:MOST_FILES]:
            known[path] = read(path, *known.get(path, (0, "")))
        sys.stdout.flush()
        if last:
            return
        time.sleep(STEP)


def read(path: Path, at: int, tool: str) -> tuple[int, str]:
    """Tell of the lines that have come, and how far the file was read, by which tool it was written."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            data = file.read(LONGEST)
    except OSError:
        return at, tool
    whole, newline, _ = data.rpartition(b"\n")
    for line in whole.split(b"\n") if newline else ():
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(one, dict):
            tool = str(one.get("tool", tool))
            name = one.get("test") or one.get("done")
            if one.get("status") in BAD and isinstance(name, str):
                told = {"failed": name, "tool": tool}
                sys.stdout.write(json.dumps(told) + "\n")
    # A line longer than that is nobody's: it is passed over.
    return at + (len(whole) + 1 if newline else len(data) if len(data) == LONGEST else 0), tool


if __name__ == "__main__":
    main(*sys.argv[1:4])
