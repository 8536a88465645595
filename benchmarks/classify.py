"""86 fingerprints over 1,000,000 lines: how long against one `grep -F` of their words, and how much memory?

Lines are made up in the style of services' logs, fingerprints with the shapes that elastic-recheck's had in their last
year: two thirds one phrase, the others of two to four with AND, OR and NOT, kept to tags and builds. Each is true once,
of a line put in among the others. Both sides read the same file, in turns; the matcher in a process of its own, so that
its memory can be told. Then the same as a build's live output, a few lines at a time: how many a second. Last, searches
in a month of builds (``history.py``).

Exit status: 0 when the ratio, the memory and the searches are within their limits and all were found, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Beside this file are some with the names of packages, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.config.fingerprint_files import of_text  # noqa: E402
from gatelocal.results.fingerprints.matcher import Matcher, Matching  # noqa: E402

LIMIT, MEMORY = 3.0, 150
COUNT = 86
PIECE = 1 << 20
_MODULES = (
    "compute.manager virt.driver agent.linux.utils rpc.amqpdriver middleware.auth lockutils client.report".split()
)
_LEVELS = ["DEBUG"] * 6 + ["INFO"] * 3 + ["WARNING"]
_WORDS = (
    "instance lock acquired released network port allocation request response token volume attach detach server"
    " created deleted timeout waiting for state active error failed connection refused retry host compute node image"
    " cached querying scheduler filter weight updated inventory periodic task running"
).split()
_ENDS = ("E", "Exception", "rc")
BUILD = {"build_name": ("tempest-full",), "build_queue": ("gate",), "voting": ("1",)}
FILE = {"tags": ("console",), "filename": ("job-output.txt",)}


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", nargs=3, metavar=("LOG", "QUERIES", "PIECE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(Path(given.inside[0]), Path(given.inside[1]), int(given.inside[2]))
    with tempfile.TemporaryDirectory() as made:
        log, queries, words = (Path(made) / name for name in ("log", "queries", "words"))
        known = list(made_up(random.Random(11)))  # noqa: S311
        queries.write_text(json.dumps([query for query, _, _ in known]))
        words.write_text("".join(f"{phrase}\n" for _, phrases, _ in known for phrase in phrases))
        write(log, given.lines, [line for _, _, line in known])
        ratios, memory, found = [], 0, 0
        for _ in range(given.rounds):
            began = time.perf_counter()
            subprocess.run(
                ["grep", "-cF", "-f", words, log], check=True, stdout=subprocess.PIPE
            )  # into nowhere, grep ends early
            theirs = time.perf_counter() - began
            told = json.loads(ours(log, queries, PIECE))
            ratios.append(told["seconds"] / theirs)
            memory, found = max(memory, told["memory"]), told["found"]
            print(f"grep {theirs:.2f} s, {COUNT} fingerprints {told['seconds']:.2f} s, {memory} MB, found {found}")
        rate = given.lines / json.loads(ours(log, queries, 4096))["seconds"]
        size = log.stat().st_size / 1e6
    ratio = statistics.median(ratios)
    print(f"{given.lines} lines, {size:.0f} MB: {ratio:.2f} of one grep (limit {LIMIT}), {memory} MB (limit {MEMORY})")
    print(f"live, in pieces of 4 KiB: {rate:.0f} lines a second")
    searches = subprocess.run([sys.executable, Path(__file__).with_name("history.py")], check=False, env=_environment())
    return 0 if ratio <= LIMIT and memory <= MEMORY and found == COUNT and not searches.returncode else 1


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def ours(log: Path, queries: Path, piece: int) -> bytes:
    """What the matcher says of itself, in a process of its own."""
    command = [sys.executable, __file__, "--inside", str(log), str(queries), str(piece)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_environment()).stdout


def inside(log: Path, queries: Path, piece: int) -> int:
    """Match, and say how long it took; the fingerprints' making counts too."""
    began = time.perf_counter()
    texts = [json.dumps({"query": query}) for query in json.loads(queries.read_text())]
    known = [found for number, text in enumerate(texts) if (found := of_text(text, str(number))[0]) is not None]
    matching = Matching(Matcher(known), BUILD)
    scanner = matching.file("job-output.txt", FILE)
    with log.open("rb") as opened:
        while data := opened.read(piece):
            scanner.feed(data)
    scanner.finish()
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "found": sum(one.count for one in matching.hits)}))
    return 0


def made_up(rng: random.Random) -> Iterator[tuple[str, list[str], str]]:
    """Queries, each with its phrases and a line of which it is true."""
    for number in range(COUNT):
        count = rng.choices((1, 2, 3, 4), (64, 24, 9, 3))[0]
        phrases = [
            f"{' '.join(rng.sample(_WORDS, 3))}: {rng.choice(('E', 'Exception', 'rc'))}{number}x{one}"
            for one in range(count)
        ]
        asked = [f'message:"{phrase}"' for phrase in phrases]
        query = " AND ".join(asked) if rng.random() < 0.8 else f"({' OR '.join(asked)})"
        if rng.random() < 0.9:
            query += ' AND tags:"console"'
        if rng.random() < 0.1:
            query += ' AND NOT build_name:"silent"'
        yield query, phrases, " ".join(phrases)


def write(log: Path, lines: int, among: list[str]) -> None:
    """A log of that many lines, with those in it at even distances."""
    rng = random.Random(7)  # noqa: S311
    every = lines // (len(among) + 1)
    with log.open("w") as opened:
        for number in range(lines):
            place, rest = divmod(number, every)
            said = among[place - 1] if not rest and 0 < place <= len(among) else " ".join(rng.choices(_WORDS, k=13))
            hours, minutes, seconds = number // 36000 % 24, number // 600 % 60, number // 10 % 60
            stamp = f"2026-11-30 {hours:02d}:{minutes:02d}:{seconds:02d}.{number % 10}00000"
            request = f"[None req-{rng.getrandbits(32):08x}-{rng.getrandbits(48):012x} admin admin]"
            opened.write(
                f"{stamp} | node-{number % 3} service[{number % 9999}]: {rng.choice(_LEVELS)} {rng.choice(_MODULES)}"
                f" {request} [instance: {rng.getrandbits(64):016x}] {said} {rng.getrandbits(24):06x}\n"
            )


if __name__ == "__main__":
    sys.exit(main())
