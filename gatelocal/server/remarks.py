"""What jobs say of lines of a change, as comments on these lines; nothing is posted here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.errors import InfrastructureError
from gatelocal.model.returned import Remark
from gatelocal.pipeline.actions import Report
from gatelocal.store.builds import BuildRecord

Comments = Mapping[str, Sequence[Mapping[str, object]]]
"""Path → comments, in the form that Gerrit takes."""
COMMIT_MESSAGE = "/COMMIT_MSG"
_MOST, _WORDS = 100, 2000  # comments in all, and characters of each


def remarks(action: Report, rows: Sequence[BuildRecord]) -> Iterator[tuple[str, Remark]]:
    """Job and remark, of the newest build of each job that ran for the patchset; what cannot be read any more is none.

    :param rows: builds, the newest first.
    """
    told = action.kind in ("success", "failure")
    mine = [one for one in rows if (one.change, one.patchset) == (action.ref.change, action.ref.patchset)]
    for job in dict.fromkeys(one.job for one in mine) if told else ():
        newest = next(one for one in mine if one.job == job)
        try:
            final: Final = orders.take(Path(newest.folder) / RESULT, Final)
        except InfrastructureError:
            continue
        for one in final.result.returned.remarks:
            yield job, one


def comments(found: Sequence[tuple[str, Remark]], files: Collection[str]) -> Comments:
    """Those on files that the patchset touches: a server refuses the others, and all that comes with them."""
    told: dict[str, list[Mapping[str, object]]] = {}
    known = [(job, one) for job, one in found if one.path in files or one.path == COMMIT_MESSAGE]
    for job, one in known[:_MOST]:
        words = "".join(char for char in f"{job}: {one.message}" if char == "\n" or char >= " ")[:_WORDS]
        line = {"line": one.line} if one.line else {}
        told.setdefault(one.path, []).append({**line, "message": words, "unresolved": False})
    return told
