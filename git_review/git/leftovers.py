"""What a fetch leaves in a repository when it fails or is killed: packs that were never finished."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNFINISHED = ("pack/tmp_*", "pack/.tmp-*", "tmp_objdir-*", "incoming-*")


@contextmanager
def swept(objects: Path) -> Iterator[None]:
    """Remove what earlier fetches left, and, if the block fails or is interrupted, what it left itself.

    For a block during which nobody else fetches into the repository, or repacks it.

    :param objects: the repository's folder of objects.
    """
    _sweep(objects)
    try:
        yield
    except BaseException:
        _sweep(objects)
        raise


def _sweep(objects: Path) -> None:
    for pattern in _UNFINISHED:
        for left in objects.glob(pattern):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    left.unlink()
