"""A month of a busy project in the memory of builds: how long do a search, an opinion and numbers take?

100,000 builds of 20 jobs in 4 projects, 5 % of them failed, with 100 tests each; of 5,000 failed ones 100 lines each
that no passing one has said, some of them the same in many, each with a number that no other has. Searches are what
people ask: a phrase that few or many builds have, several, some that are not there, stars, a tag beside a message; each
is timed as the best of three.

Exit status: 0 when each search is within its limit, 1 otherwise.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

# Beside this file are some with the names of packages, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.model.seen import Seen  # noqa: E402
from gatelocal.results.fingerprints.event import Event  # noqa: E402
from gatelocal.results.fingerprints.meaning import meant  # noqa: E402
from gatelocal.results.stats import stats  # noqa: E402
from gatelocal.store.known import WEEK, Known  # noqa: E402
from gatelocal.store.said_lines import SaidLines  # noqa: E402

LIMIT = 0.2
"""Seconds of a search."""
NOW = 1_796_000_000.0
_MONTH = 30 * 86400.0
_WORDS = (
    "instance lock acquired released network port allocation request response token volume attach detach server"
    " created deleted timeout waiting for state active error failed connection refused retry host compute node image"
    " cached querying scheduler filter weight updated inventory periodic task running"
).split()
_SEARCHES = {
    "in no build": 'message:"nobody ever said this"',
    "in few builds": 'message:"the volume 17 hangs again"',
    "in a tenth of them": 'message:"Timed out waiting for the server" AND tags:"console"',
    "in nearly all": 'message:"connection refused"',
    "two, apart": 'message:"connection refused" AND message:"volume attach"',
    "one or another": 'message:"volume 17 hangs" OR message:"volume 18 hangs" OR message:"volume 19 hangs"',
    "one without another": 'message:"connection refused" AND NOT message:"volume"',
    "not there": 'NOT message:"connection refused"',
    "a tag alone": 'tags:"syslog.txt"',
    "a star at the end": "message:volum*",
    "a star at the beginning": "message:*umes",
    "signs alone": 'message:"=>"',
    "a job and a message": 'build_name:"job-3" AND message:"server created"',
    "an inner star and a phrase": 'message:time*out AND message:"connection refused"',
}


def events(rng: random.Random, number: int, count: int) -> Iterator[Event]:
    """What one failed build has said that no passing one has."""
    build = {
        "build_name": (f"job-{number % 20}",),
        "build_queue": ("gate",),
        "build_status": ("FAILURE",),
        "project": (f"acme/p{number % 4}",),
        "voting": ("1",),
    }
    for at in range(count):
        name = rng.choice(("console", "syslog.txt", "screen-n-cpu.txt"))
        words = rng.choices(_WORDS, k=13)
        if at == 0 and number % 10 == 0:
            words[3:3] = "Timed out waiting for the server".split()
        if at == 1 and number % 250 == 0:
            words[3:3] = f"the volume {number // 250 % 20} hangs again".split()
        text = f"{' '.join(words)} {rng.getrandbits(32):08x}"
        yield Event(text, {**build, "tags": (name,), "filename": (f"logs/{name}",), "loglevel": ("ERROR",)})


def builds(rng: random.Random, count: int) -> Iterator[Seen]:
    """A month of them, the oldest first."""
    names = [[f"acme.tests.test_{job}.Test.test_{at}" for at in range(100)] for job in range(20)]
    for number in range(count):
        job = number % 20
        bad = rng.random() < 0.05
        failed = tuple(rng.sample(names[job], rng.randint(1, 3))) if bad else ()
        yield Seen(
            id=f"serve/{number}/unit",
            at=NOW - _MONTH + number * _MONTH / count,
            project=f"acme/p{number % 4}",
            branch="master",
            job=f"job-{job}",
            outcome="FAILURE" if bad else "SUCCESS",
            change=f"acme/p{number % 4} {number // 60}",
            seconds=rng.uniform(100, 4000),
            tree=f"{number // 3:064x}",
            base=f"{number // 200:040x}",
            alone=number % 50 == 0,
            cause="unknown" if bad else "",
            failed=failed,
            passed=tuple(name for name in names[job] if name not in failed),
            hits=((f"bug-{number % 86}", 1),) if bad and number % 3 == 0 else (),
        )


def best(do: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the quickest."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--builds", type=int, default=100_000)
    parser.add_argument("--failed", type=int, default=5000)
    parser.add_argument("--lines", type=int, default=100, help="new ones, of each failed build")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        return max(said(Path(made), given.failed, given.lines), remembered(Path(made), given.builds))


def said(folder: Path, failed: int, lines: int) -> int:
    """Search what failed builds have said."""
    rng = random.Random(11)  # noqa: S311
    with closing(SaidLines(f"sqlite:///{folder / 'said.sqlite'}")) as kept:
        began = time.perf_counter()
        for number in range(failed):
            kept.add(f"serve/{number}/unit", list(events(rng, number, lines)))
        took, size = time.perf_counter() - began, (folder / "said.sqlite").stat().st_size / 1e6
        print(f"{failed} failed builds with {lines} lines each: kept in {took:.0f} s, {size:.0f} MB")
        worst = 0.0
        for name, query in _SEARCHES.items():
            asks = meant(query).asks
            seconds = best(lambda asks=asks: kept.search(asks, 20))  # type: ignore[misc]
            worst = max(worst, seconds)
            print(f"  {name:28} {seconds * 1000:7.1f} ms, {len(kept.search(asks, 10_000))} builds: {query}")
        print(f"  forgetting the oldest {best(kept.prune, 1) * 1000:.1f} ms")
    print(f"the slowest search: {worst * 1000:.0f} ms (limit {LIMIT * 1000:.0f})")
    return 0 if worst <= LIMIT else 1


def remembered(folder: Path, count: int) -> int:
    """Ask what is known of builds."""
    rng = random.Random(13)  # noqa: S311
    with closing(Known(f"sqlite:///{folder / 'known.sqlite'}")) as known:
        began = time.perf_counter()
        for one in builds(rng, count):
            known.add(one)
        took, size = time.perf_counter() - began, (folder / "known.sqlite").stat().st_size / 1e6
        print(f"{count} builds: kept in {took:.0f} s, {took / count * 1000:.1f} ms each, {size:.0f} MB")
        last = next(one for one in reversed(known.builds(NOW - 86400.0)) if one.failed)
        week = known.builds(NOW - WEEK)
        for name, do in {
            "what is known of one failure": lambda: known.before(last),
            "how often a fingerprint is true": lambda: known.hit_rate("bug-3"),
            "what passing builds have said": lambda: known.said(last.project, last.job),
            "the builds of a week": lambda: known.builds(NOW - WEEK),
            "the numbers of a week": lambda: stats(week, NOW - WEEK / 2, NOW - WEEK),
            "forgetting the oldest": lambda: known.prune(NOW - _MONTH + 60),
        }.items():
            print(f"  {name:32} {best(do) * 1000:8.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
