"""How quick is `git review` beside git-review 2.5.0? Both installed, in one run, in turns, medians; ratios judged.

Both are installed by pip, each into a virtual environment of its own (kept with --keep FOLDER; this checkout is copied
and installed anew each time). The server is a bare repository: what is measured is the command. Measured are
`--version`, `-n` with one commit, and the check whether commits still apply, on a tree of 20,000 files with 5 local
commits, 200 commits behind; and whole uploads of one commit by ssh to a real Gerrit, its own time included.

What the check costs is what `-R` saves, of which the limit is judged: the whole `-n -y` less the whole `-n -y -R`, for
each command its own. Taken away are thereby Python's start, the imports, the reading of settings and the listing of
commits; what is left is the question for the target branch, the look for local edits, and the check itself. The whole
commands are shown as well; the part of this one's that no check can make shorter is about that of `--help`.

Exit status: 0 when all ratios and counts are within their limits, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# This file has the package's name, and Python looks beside it first.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

from git_review.git.runner import Runner  # noqa: E402

UPSTREAM = "git-review==2.5.0"
GITREVIEW = "[gerrit]\nhost=127.0.0.1\nproject=demo\ndefaultbranch=master\n"
FILES, BEHIND, TOUCHED = 20_000, 200, 10


LIMITS = {"--version": 0.35, "-n": 0.28, "does it apply": 0.06, "upload by ssh": 0.6}
"""Of the ratios: this command's time to that of 2.5.0."""


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison, in seconds."""

    name: str
    ours: float
    theirs: float

    @property
    def good(self) -> bool:
        """Whether it is within its limit, if there is one."""
        return self.ours / self.theirs <= LIMITS.get(self.name, 1.0)

    @property
    def line(self) -> str:
        """The numbers, for people."""
        limit = f" of at most {LIMITS[self.name]:.2f}" if self.name in LIMITS else ""
        times = f"{self.ours * 1000:8.0f} ms {self.theirs * 1000:8.0f} ms"
        return f"{self.name:24}{times}  {self.ours / self.theirs:.2f}{limit}  {'ok' if self.good else 'TOO SLOW'}"


def main() -> int:
    """Set the scene, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="a folder for git-review 2.5.0, to be used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="git-review-benchmark-") as scratch:
        folder = Path(scratch)
        kept = asked.keep or folder / "environments"
        programs = [install(kept / "this", copied(folder / "source")), install(kept / "upstream", UPSTREAM)]
        environment = alone(folder)
        small = clone(folder / "small", environment)
        results = [
            compare("--version", [(one, "--version") for one in programs], [small, small], environment, asked.rounds),
            compare("-n", [(one, "-n") for one in programs], [small, small], environment, asked.rounds),
        ]
        # A clone for each: 2.5.0 rewrites files, which the other's `git status` would have to read again.
        large = [clone(folder / name, environment, FILES) for name in ("ours", "theirs")]
        before = written(large[0])
        whole = compare("-n -y", [(one, "-n", "-y") for one in programs], large, environment, asked.rounds)
        rewritten = sum(1 for name, when in written(large[0]).items() if before.get(name) != when)
        without = compare("-n -y -R", [(one, "-n", "-y", "-R") for one in programs], large, environment, asked.rounds)
        check = Result("does it apply", whole.ours - without.ours, whole.theirs - without.theirs)
        results += [whole, without, check]
        children = git_children(programs[0], small, environment)
        results.append(upload(programs, folder / "upload", asked.rounds))
    print(f"{'':24}{'this':>11} {'2.5.0':>11}")
    for result in results:
        print(result.line)
    print(f"files of the work tree rewritten by the check: {rewritten} (2.5.0: some 2,000)")
    print(f"git processes of -n: {children} of at most 5 (2.5.0: 30)")
    good = all(result.good for result in results)
    return 0 if good and rewritten == 0 and children <= 5 else 1


def copied(place: Path) -> str:
    """This checkout's files in a folder of their own, where a build leaves what it makes."""
    root = Path(__file__).resolve().parents[1]
    for name in Runner(root).query("ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0"):
        if name and (root / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, place / name)
    return str(place)


def install(folder: Path, what: str) -> str:
    """A `git-review` in a virtual environment of its own; its program."""
    program = folder / "bin" / "git-review"
    if not program.exists() or what != UPSTREAM:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        # pbr asks git for the version, and the copy has no history.
        own = os.environ | ({"PBR_VERSION": "0.0.1"} if what != UPSTREAM else {})
        subprocess.run([str(folder / "bin/pip"), "install", "-q", what], check=True, env=own)
    return str(program)


def alone(folder: Path) -> dict[str, str]:
    """No configuration of the person's acts, and modules are compiled once, as installed ones are."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITREVIEW", "PYTHON"))}
    config = folder / "gitconfig"
    config.write_text("[user]\n name = Ann\n email = ann@example.org\n[gc]\n auto = 0\n")
    home = {"HOME": str(folder), "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}
    return own | home


def clone(place: Path, environment: dict[str, str], files: int = 20) -> Path:
    """A clone with the hook, behind its server; one local commit in the small one, five in the large one."""
    server, path = place / "server.git", place / "clone"
    place.mkdir()
    runner = Runner(environment=environment, alone=True)
    runner.run("init", "-q", "--bare", "-b", "master", str(server))
    git = Runner(server, environment=environment, alone=True)
    git.run("fast-import", "--quiet", stdin=history(files, 0))
    runner.run("clone", "-q", "-o", "gerrit", str(server), str(path))
    if files > 1000:
        git.run("fast-import", "--quiet", stdin=history(files, BEHIND))
    here = Runner(path, environment=environment, alone=True)
    here.run("config", "remote.gerrit.url", f"file://{server}")
    hook = path / ".git/hooks/commit-msg"
    hook.parent.mkdir(exist_ok=True)
    from git_review.hooks import COMMIT_MSG

    hook.write_text(COMMIT_MSG)
    hook.chmod(0o755)
    for number in range(5 if files > 1000 else 1):
        (path / f"mine-{number}").write_text("mine\n")
        here.run("add", f"mine-{number}")
        here.run("commit", "-q", "-m", f"local {number}")
    return path


def history(files: int, commits: int) -> str:
    """For fast-import: the first commit with so many files, or `commits` more that touch some each."""
    who = "Ann <ann@example.org> 1700000000 +0000"

    def data(text: str) -> str:
        return f"data {len(text)}\n{text}"

    if not commits:
        lines = ["commit refs/heads/master", f"author {who}", f"committer {who}", data("base")]
        lines += [f"M 100644 inline .gitreview\n{data(GITREVIEW)}"]
        lines += [f"M 100644 inline d{number % 100}/f{number}\n{data(f'{number}{chr(10)}')}" for number in range(files)]
        return "\n".join((*lines, ""))
    lines = []
    for commit in range(commits):
        lines += ["commit refs/heads/master", f"author {who}", f"committer {who}", data(f"upstream {commit}")]
        if commit == 0:
            lines.append("from refs/heads/master^0")
        for place in range(TOUCHED):
            number = commit * TOUCHED + place
            lines.append(f"M 100644 inline d{number % 100}/f{number}\n{data(f'{number} {commit}{chr(10)}')}")
    return "\n".join((*lines, ""))


def once(argv: Sequence[str], cwd: Path, environment: dict[str, str]) -> float:
    """Seconds for one run, which has to succeed."""
    began = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    spent = time.perf_counter() - began
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return spent


def compare(
    name: str, both: Sequence[Sequence[str]], places: Sequence[Path], environment: dict[str, str], rounds: int
) -> Result:
    """Ours and theirs in turns, after one run each to warm up; medians."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for times, argv, place in zip(spent, both, places, strict=True):
            seconds = once(argv, place, environment)
            if turn:
                times.append(seconds)
    return Result(name, statistics.median(spent[0]), statistics.median(spent[1]))


def upload(programs: Sequence[str], place: Path, rounds: int) -> Result:
    """A commit on the tip of the branch goes up to a sandbox by ssh, ours and theirs in turns; medians."""
    from gatelocal.cli.sandbox import places
    from gatelocal.sandbox import seed
    from gatelocal.sandbox.share import shared
    from gatelocal.sandbox.versions import DEFAULT

    spent: tuple[list[float], list[float]] = ([], [])
    with shared(DEFAULT, place / "gerrit", places(os.environ)) as server:
        seed.create_project(server, "speed")
        environment = os.environ | server.environment()
        Runner(environment=environment).run(
            "clone", "-q", "-o", "gerrit", server.ssh_url("speed"), str(place / "clone")
        )
        git = Runner(place / "clone", environment=environment)
        settings = f"host={server.ssh_host}\nport={server.ssh_port}\nproject=speed\ndefaultbranch=master\n"
        (place / "clone/.gitreview").write_text(f"[gerrit]\n{settings}")
        for turn in range(rounds + 2):
            for times, program in zip(spent, programs, strict=True):
                git.run("checkout", "-q", "--detach", "gerrit/master")
                identity = f"Change-Id: I{secrets.token_hex(20)}"
                git.run("commit", "-q", "--allow-empty", "-m", f"Upload {turn}", "-m", identity)
                seconds = once((program, "-y"), place / "clone", environment)
                if turn > 1:
                    times.append(seconds)
    return Result("upload by ssh", statistics.median(spent[0]), statistics.median(spent[1]))


def written(tree: Path) -> dict[str, int]:
    """When each tracked file was last written."""
    names = Runner(tree).query("ls-files", "-z").stdout.split("\0")
    return {name: (tree / name).stat().st_mtime_ns for name in names if name}


def git_children(program: str, cwd: Path, environment: dict[str, str]) -> int:
    """How many git processes `-n` starts itself."""
    real = shutil.which("git", path=environment["PATH"])
    with tempfile.TemporaryDirectory() as folder:
        log, shim = Path(folder) / "log", Path(folder) / "git"
        shim.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {real} "$@"\n')
        shim.chmod(0o755)
        once([program, "-n"], cwd, environment | {"PATH": f"{folder}{os.pathsep}{environment['PATH']}"})
        return len(log.read_text().splitlines())


if __name__ == "__main__":
    sys.exit(main())
