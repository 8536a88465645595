"""What was begun on a cache that turns out to be broken is done once more, on one that is made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gatelocal.errors import DamagedCache, InfrastructureError
from gatelocal.merger import repair
from gatelocal.ports import Say

T = TypeVar("T")


def mending(say: Say, action: Callable[[], T]) -> T:
    """The action's answer; each cache that it finds broken is made anew, once.

    :raises InfrastructureError: one is broken again, so that what it is made from must be.
    """
    mended: set[Path] = set()
    while True:
        try:
            return action()
        except DamagedCache as error:
            if error.folder in mended:
                raise InfrastructureError(
                    f"{error.brief}, again after it was made anew",
                    details=error.details,
                    hint=f"is what it is fetched from sound? Is the disk of {error.folder}?",
                ) from error
            mended.add(error.folder)
            say(f"{error.brief}: {error.folder} is made anew")
            repair.discard(error.folder, say)
