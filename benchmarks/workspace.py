"""A workspace of many repositories from a warm cache: how long does it take, how much new disk does it need?

The repositories are those named on the command line (any local paths or URLs that git can fetch from); without any,
some are made for the occasion. The caches are filled first, which is not counted; then the workspace is made the way
``gatelocal workspace`` makes it, in a folder beside the caches.

Exit status: 0 when time and disk are within the limits, 1 otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# Beside this file is one with the name of a package, and Python looks beside a script first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from gatelocal.engine.changes import own_mode  # noqa: E402
from gatelocal.errors import InfrastructureError  # noqa: E402
from gatelocal.merger import repostate  # noqa: E402
from gatelocal.merger.cache import Cache, Repository  # noqa: E402
from gatelocal.merger.merger import Merger, Remote  # noqa: E402
from gatelocal.model.merged import RepoState  # noqa: E402
from gatelocal.workspace import person  # noqa: E402
from gatelocal.workspace.destinations import destinations  # noqa: E402
from gatelocal.workspace.manifest import Tree, Wanted, tree  # noqa: E402
from git_review.errors import ReviewError  # noqa: E402
from git_review.git import objects  # noqa: E402
from git_review.git.runner import Runner  # noqa: E402

MEGABYTE = 1_000_000
HOST = "review.example.org"


def disk(folder: Path, counted: set[int]) -> int:
    """Bytes of disk that the folder takes, files that are in `counted` (by inode) left out; they are added to it."""
    total = 0
    for path in folder.rglob("*"):
        facts = path.lstat()
        if facts.st_ino not in counted:
            counted.add(facts.st_ino)
            total += facts.st_blocks * 512
    return total


def made(folder: Path, count: int) -> list[str]:
    """Some repositories with a few hundred files each."""
    found = []
    for number in range(count):
        path = folder / f"made{number}"
        git = Runner(path, alone=True)
        Runner(folder, alone=True).run("init", "-q", "--initial-branch=master", path.name)
        for place in range(300):
            file = path / f"folder{place % 12}" / f"file{place}"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"{number} {place}\n" * 50)
        git.run("add", ".")
        git.run("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Start")
        found.append(str(path))
    return found


def freeze(merger: Merger, projects: Sequence[str]) -> list[RepoState]:
    """Fill the caches."""
    states = []
    for project in projects:
        started = time.perf_counter()
        repository = merger.repository(project)
        try:
            states.append(merger.freeze(project, ("master", "main")))
        except InfrastructureError:  # a partial clone: nobody can fetch from it
            copy(Path(repository.url), repository)
            references = objects.references(repository.git, "refs/heads", "refs/tags")
            states.append(repostate.freeze(project, references, "master"))
        print(f"cached {project:45} {time.perf_counter() - started:6.1f} s")
    return states


def copy(source: Path, repository: Repository) -> None:
    """Fill a cache with the objects, branches and tags of a repository on this machine as they are."""
    git = Runner(source, alone=True)
    place = Path(git.query("rev-parse", "--absolute-git-dir").text)
    shutil.rmtree(repository.path / "objects")
    shutil.copytree(place / "objects", repository.path / "objects")
    objects.update_references(repository.git, objects.references(git, "refs/heads", "refs/tags"))
    repository.git.run("pack-refs", "--all")


def trees(merger: Merger, states: Sequence[RepoState]) -> list[Tree]:
    """What the workspace consists of."""
    places = destinations([state.project for state in states], HOST)
    for state in states:
        own_mode(merger.repository(state.project).path, state)
    return [tree(Wanted(HOST, "master"), state, [], places[state.project]) for state in states]


def measure(folder: Path, urls: Sequence[str]) -> tuple[float, float, float]:
    """Seconds for the workspace, seconds for doing it again, bytes of new disk."""
    remotes = {f"org/{number:02}-{_name(url)}": url for number, url in enumerate(urls)}
    merger = Merger(Cache(folder / "cache"), lambda project: Remote(project, remotes[project]))
    states = freeze(merger, list(remotes))
    counted: set[int] = set()
    print(f"objects in the caches   {disk(folder / 'cache', counted) / MEGABYTE:.0f} MB")
    stored = {project: merger.repository(project) for project in remotes}
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        person.arrange(trees(merger, states), stored, folder / "workspace", lambda line: None)
        seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1], disk(folder / "workspace", counted)


def _name(url: str) -> str:
    parts = [part for part in url.rstrip("/").split("/") if part not in ("repo", "")]
    return parts[-1].removesuffix(".git").replace("+", "-")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repositories", nargs="*", help="paths or URLs; without any, twelve small ones are made")
    parser.add_argument("--folder", type=Path, help="where all is written and removed again (default: a temporary one)")
    parser.add_argument("--seconds", type=float, default=10.0, help="limit (default: %(default)s)")
    parser.add_argument("--megabytes", type=float, default=250.0, help="limit (default: %(default)s)")
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="bench-workspace-", dir=options.folder))
    try:
        first, again, new = measure(folder, options.repositories or made(folder, 12))
    except ReviewError as error:
        print(f"{error.brief}\n{error.details}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"workspace               {first:.2f} s (limit {options.seconds:g})")
    print(f"the same again          {again:.2f} s")
    print(f"new disk                {new / MEGABYTE:.0f} MB (limit {options.megabytes:g})")
    return 0 if first <= options.seconds and new <= options.megabytes * MEGABYTE else 1


if __name__ == "__main__":
    sys.exit(main())
