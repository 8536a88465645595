"""A bare Debian 12 root with a clean clone of this project, in which a command runs as on a machine just set up.

What it has of this machine is what reaches the package archives. The root's first packages and what is downloaded are
kept in gatelocal's cache. By hand: ``python -m tests.live.bare FOLDER [COMMAND ...]``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gatelocal.config.directories import directories
from gatelocal.launcher import host, trials

ROOT = Path(__file__).parents[2]
CLONE = "/root/gatelocal"

# In namespaces of its own: FOLDER with the root, the folder with what is kept, then the command.
_INSIDE = """
set -eu
root=$1 kept=$2
shift 2
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
for each in archives pip; do mkdir -p "$kept/$each"; done
mkdir -p "$root/root/.cache/pip"
mount --bind "$kept/archives" "$root/var/cache/apt/archives"
mount --bind "$kept/pip" "$root/root/.cache/pip"
exec env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    chroot "$root" sh -c 'set -a; . /etc/environment; set +a; cd "$0" && exec "$@"' "$CLONE" "$@"
"""


def make(folder: Path) -> Path:
    """Unpack a bare root below `folder` and clone this project into it."""
    settings = host.read(os.environ, "bookworm")
    kept = kept_in()
    kept.mkdir(parents=True, exist_ok=True)
    archive = kept / "minbase.tar"
    if not archive.exists():
        fresh = kept / "fresh.tar"
        sources = [kept / file.path.rpartition("/")[2] for file in settings.sources]
        for path, file in zip(sources, settings.sources, strict=True):
            path.write_bytes(file.content)
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(fresh), *map(str, sources)], check=True
        )
        fresh.rename(archive)
    root = folder / "root"
    root.mkdir()
    subprocess.run(["tar", "-x", "-C", str(root), "-f", str(archive)], check=True)
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for file in (root / "etc/apt/sources.list.d").iterdir():
        file.unlink()
    for carried in settings.files:
        path = root / carried.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(carried.content)
    for name in ("resolv.conf", "hosts"):
        (root / "etc" / name).write_bytes(Path("/etc", name).read_bytes())
    clone(root / CLONE.lstrip("/"))
    return root


def clone(path: Path) -> None:
    """A clone of this checkout, with what is not committed yet in the files that git knows."""
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(path)], check=True)
    difference = subprocess.run(["git", "diff", "--binary", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    if difference:
        subprocess.run(["git", "apply"], cwd=path, input=difference, check=True)


def argv(root: Path, command: Sequence[str]) -> tuple[str, ...]:
    """The command line that runs a command in the clone, with mounts and processes of its own."""
    script = _INSIDE.replace("$CLONE", CLONE)
    return (*trials.PRIVATE, "sh", "-c", script, "sh", str(root), str(kept_in()), *command)


def kept_in() -> Path:
    """Where downloads are kept."""
    return directories(os.environ).cache / "bare-root"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if not (place / "root").exists():
        place.mkdir(parents=True, exist_ok=True)
        make(place)
    words = argv(place / "root", sys.argv[2:] or ["bash"])
    sys.stderr.write(f"{shlex.join(words[-8:])}\n")
    sys.exit(subprocess.run(words, check=False).returncode)
