"""Objects written as loose files, in the form that ``gitformat-loose``(5) describes; nothing is read back.

A process for each object, or a question to one, costs more than the object.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import zlib
from pathlib import Path

from git_review.git.errors import GitError
from git_review.git.runner import Runner

_BLOCK = 4000
"""What is no larger takes no less of a disk when it is compressed."""


class LooseWriter:
    """Writes into one repository.

    :param objects: its folder of objects. :param algorithm: ``sha1`` or ``sha256``.
    """

    def __init__(self, objects: Path, algorithm: str) -> None:
        self._objects = objects
        self._algorithm = algorithm
        self._draft = f"tmp_obj_{secrets.token_hex(8)}"

    def write(self, kind: str, content: bytes) -> str:
        """The id of an object, which is there afterwards.

        :param kind: ``blob``, ``tree`` or ``commit``. :param content: of that form; it is not looked at.
        :raises GitError: it cannot be written.
        """
        data = b"%b %d\0%b" % (kind.encode(), len(content), content)
        name = hashlib.new(self._algorithm, data, usedforsecurity=False).hexdigest()
        place = f"{self._objects}/{name[:2]}/{name[2:]}"
        if not os.access(place, os.F_OK):
            try:
                self._store(place, zlib.compress(data, 0 if len(data) <= _BLOCK else 1))
            except OSError as error:
                raise GitError("cannot write an object", details=f"{place}: {error.strerror}") from error
        return name

    def _store(self, place: str, data: bytes) -> None:
        """Whole or not at all; a leftover has a name that git's own clean-up knows."""
        draft = self._objects / self._draft
        try:
            with open(  # noqa: PTH123 - its mode is set from the start
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444), "wb"
            ) as file:
                file.write(data)
            try:
                draft.replace(place)
            except FileNotFoundError:
                Path(place).parent.mkdir(exist_ok=True)
                draft.replace(place)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def writer(git: Runner) -> LooseWriter:
    """For the repository that a runner stands in. :raises GitError: it is in none."""
    place, form = git.query(
        "rev-parse", "--path-format=absolute", "--git-path", "objects", "--show-object-format"
    ).lines
    return LooseWriter(Path(place), form)
