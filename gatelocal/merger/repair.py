"""What a crash leaves in a cache: locks of git's that nobody holds any more, and repositories that are broken.

Both are touched under our own lock alone, which keeps every other run from writing to the repository.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gatelocal.disk import is_full
from gatelocal.errors import InfrastructureError
from gatelocal.lock import held
from gatelocal.ports import Say
from git_review.errors import ReviewError

_LOCKED = re.compile(
    r"Unable to create '[^']+\.lock'|could not lock config file|unable to (?:write|create) [^:]*\.lock"
)
_PATIENCE = 30.0  # seconds for a git whose run was killed, and that goes on by itself


def is_locked(error: ReviewError) -> bool:
    """Whether a lock of git's own is why it failed."""
    return bool(_LOCKED.search(error.details)) and not is_full(error.details)


def unlock(repository: Path) -> list[str]:
    """Remove git's locks that no git holds, and give their names. Our own lock has to be held.

    :raises InfrastructureError: a git has been working in the repository all the time.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        # Whoever made one of these, is among those that are looked for next.
        found = {path: path.stat().st_ino for path in _locks(repository)}
        if not _in_use(repository):
            break
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"another git has been working in {repository} for more than {_PATIENCE:g} s",
                hint=f"wait for it or end it; the folder {repository} may also be removed, it is made anew",
            )
        time.sleep(0.1)
    for path, inode in found.items():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == inode:
                path.unlink()
    return [str(path.relative_to(repository)) for path in found]


def discard(repository: Path, say: Say, limit: float = 600.0) -> None:
    """Remove a broken cache, so that the next who wants it makes it anew.

    :param limit: seconds to wait for others that use it.
    :raises InfrastructureError: somebody uses it for longer. :raises OSError: it cannot be removed.
    """
    with held(repository.with_suffix(".lock"), f"the cache {repository}", limit, say):
        grave = repository.with_suffix(".broken")
        shutil.rmtree(grave, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            repository.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            grave.unlink()


def _locks(repository: Path) -> Iterator[Path]:
    yield from repository.glob("*.lock")
    for folder in ("refs", "logs", "info", "objects/info", "objects/pack"):
        yield from (repository / folder).rglob("*.lock")


def _in_use(repository: Path) -> bool:
    """Whether a git works in the repository: git goes there first of all, and so do the programs that it starts."""
    inside = str(repository.resolve())
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            place = str((folder / "cwd").readlink())
            if (place == inside or place.startswith(f"{inside}/")) and _is_git(folder):
                return True
    return False


def _is_git(folder: Path) -> bool:
    return (folder / "comm").read_text().startswith("git")
