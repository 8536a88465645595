"""Replay the merges of any repository's history through the merger: the same trees? And what does a queue cost?

Without ``--queue``: reads the last merge commits (two parents) that can be reached from a revision, joins each pair
of parents with :class:`gatelocal.merger.join.Joiner`, and compares tree ids with what landed. In the same run, in
turns with it, the same merges are done by bare ``git merge-tree`` processes for comparison.

With ``--queue N``: the changes that the last N merges landed are put one after another onto the state before all of
them, as a gate run does for a speculative queue, in rounds that alternate with bare ``git merge-tree`` processes for
the very same pairs of commits.

The repository is only read: everything is written to a scratch repository that borrows its objects.

Exit status: 0 when every tree that git can make alone is identical and the cost is within the limit, 1 otherwise.
A merge that is a conflict to git needed a person when it landed; a merge whose tree differs from what git makes
from its parents was edited by a person ("evil"): with --edited-by-hand N, so many are tolerated.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Beside this file is one with the name of a package, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.merger.join import Joiner  # noqa: E402
from gatelocal.model.merged import DEFAULT_MODE, MergeMode  # noqa: E402
from git_review.errors import ReviewError  # noqa: E402
from git_review.git import objects  # noqa: E402
from git_review.git.errors import MergeConflict  # noqa: E402
from git_review.git.runner import Runner  # noqa: E402

TURN = 20
"""How many merges one side does before it is the other's turn: both see the same state of the machine."""


@dataclass(frozen=True, slots=True)
class Landed:
    """One merge commit of the history."""

    commit: str
    tree: str
    ours: str
    theirs: str


@dataclass(slots=True)
class Tally:
    """What came out."""

    identical: int = 0
    conflicts: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    bare: float = 0.0
    merger: float = 0.0


def history(git: Runner, revision: str, last: int) -> tuple[Landed, ...]:
    """The last merges with two parents, newest first."""
    args = ("--merges", "--max-parents=2", f"--max-count={last}", "--no-commit-header", "--format=%H %T %P")
    rows = git.query("rev-list", *args, "--end-of-options", revision).lines
    return tuple(Landed(*row.split(" ")) for row in rows)


def scratch(repository: Path, folder: Path) -> Runner:
    """An empty bare repository that reads the other one's objects."""
    objects.alone(folder).run("init", "--quiet", "--bare", "--template=", "bench.git")
    where = Runner(repository).query("rev-parse", "--git-path", "objects").text
    (folder / "bench.git/objects/info/alternates").write_text(f"{(repository / where).resolve()}\n")
    return objects.alone(folder / "bench.git")


def turns(merges: Sequence[Landed]) -> Iterator[Sequence[Landed]]:
    """The merges in portions."""
    return (merges[start : start + TURN] for start in range(0, len(merges), TURN))


def bare(git: Runner, merges: Sequence[Landed]) -> None:
    """The yardstick: one process each, its answer not looked at."""
    for one in merges:
        git.run("merge-tree", "--write-tree", one.ours, one.theirs, ok=(0, 1))


def replay(joiner: Joiner, merges: Sequence[Landed], tally: Tally, mode: MergeMode) -> None:
    """The merger's own road, with the comparison."""
    for one in merges:
        try:
            made = joiner.join(one.ours, one.theirs, f"Merge {one.theirs}", mode)
        except MergeConflict:
            tally.conflicts.append(one.commit)
            continue
        if joiner.tree(made) == one.tree:
            tally.identical += 1
        else:
            tally.different.append(one.commit)


def measure(git: Runner, merges: Sequence[Landed], mode: MergeMode) -> Tally:
    """Both sides, in turns that change their order."""
    tally = Tally()
    bare(git, merges[:TURN])  # warm the file cache for both
    started = time.perf_counter()
    wanted = dict.fromkeys(sha for one in merges for sha in (one.ours, one.theirs))
    with Joiner(git, wanted) as joiner:
        tally.merger += time.perf_counter() - started
        for place, portion in enumerate(turns(merges)):
            for side in ("bare", "merger") if place % 2 else ("merger", "bare"):
                started = time.perf_counter()
                if side == "bare":
                    bare(git, portion)
                    tally.bare += time.perf_counter() - started
                else:
                    replay(joiner, portion, tally, mode)
                    tally.merger += time.perf_counter() - started
    return tally


def queue(git: Runner, merges: Sequence[Landed], rounds: int) -> Tally:
    """What a speculative queue costs; the fastest round of each side counts."""
    tip, changes = merges[-1].ours, [one.theirs for one in reversed(merges)]
    spent: dict[str, list[float]] = {"merger": [], "bare": []}
    tally = Tally()
    for _ in range(rounds):
        pairs, state = [], tip
        started = time.perf_counter()
        with Joiner(git, dict.fromkeys((tip, *changes)), tip) as joiner:
            for change in changes:
                pairs.append((state, change))
                state = joiner.join(state, change, f"Merge {change}")
        spent["merger"].append(time.perf_counter() - started)
        started = time.perf_counter()
        bare(git, [Landed("", "", *pair) for pair in pairs])
        spent["bare"].append(time.perf_counter() - started)
    tally.identical = len(changes)
    tally.merger, tally.bare = min(spent["merger"]), min(spent["bare"])
    for name, seconds in spent.items():
        print(f"{name:8} {', '.join(f'{1000 * one:.0f}' for one in seconds)} ms a round", end="")
        print(f", median {1000 * statistics.median(seconds):.0f}")
    return tally


def report(tally: Tally, count: int, limit: float) -> float:
    """Print the figures; return the ratio of the two costs."""
    ratio = tally.merger / tally.bare if tally.bare else 1.0
    print(f"merges                  {count}")
    print(f"identical trees         {tally.identical}")
    print(f"conflicts (by a person) {len(tally.conflicts)}")
    print(f"different trees         {len(tally.different)}")
    print(f"bare git merge-tree     {1000 * tally.bare / count:.2f} ms each")
    print(f"the merger              {1000 * tally.merger / count:.2f} ms each, reading and writing commits included")
    print(f"ratio                   {ratio:.3f} (limit {limit:g})")
    for commit in tally.conflicts:
        print(f"conflict  {commit}")
    for commit in tally.different:
        print(f"different {commit}")
    return ratio


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repo", type=Path, required=True, help="any repository, bare or not")
    parser.add_argument("--last", type=int, default=1000, metavar="N", help="how many merges (default: %(default)s)")
    parser.add_argument("--revision", default="HEAD", help="where the history starts (default: %(default)s)")
    parser.add_argument("--queue", type=int, metavar="N", help="merge the last N changes as a speculative queue")
    parser.add_argument("--rounds", type=int, default=5, help="of the queue (default: %(default)s)")
    parser.add_argument("--mode", choices=[mode.value for mode in MergeMode], default=DEFAULT_MODE.value)
    parser.add_argument("--limit", type=float, help="how much dearer the merger may be (default: 1.3; history: 0.8)")
    parser.add_argument("--edited-by-hand", type=int, default=0, metavar="N", help="so many trees may differ")
    options = parser.parse_args(argv)
    try:
        merges = history(Runner(options.repo), options.revision, options.queue or options.last)
        if not merges:
            print("no merges in that history", file=sys.stderr)
            return 2
        with tempfile.TemporaryDirectory(prefix="bench-merge-") as folder:
            git = scratch(options.repo, Path(folder))
            if options.queue:
                tally = queue(git, merges, options.rounds)
            else:
                tally = measure(git, merges, MergeMode(options.mode))
    except ReviewError as error:
        print(f"{error.brief}\n{error.details}", file=sys.stderr)
        return 2
    limit = options.limit or (1.3 if options.queue else 0.8)
    ratio = report(tally, len(merges), limit)
    return 0 if len(tally.different) <= options.edited_by_hand and ratio <= limit else 1


if __name__ == "__main__":
    sys.exit(main())
