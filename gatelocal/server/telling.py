"""Report → a message with votes on the change, once: one that may be there already is looked for first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gatelocal.errors import InfrastructureError
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.pipeline.actions import Report
from gatelocal.reporter import gerrit
from gatelocal.reporter.gerrit import Known
from gatelocal.server.causes import nothing
from gatelocal.server.remarks import Comments, comments, remarks
from gatelocal.server.site import Site
from gatelocal.source.reader import asking
from gatelocal.store.builds import BuildRecord, Builds, Wanted
from git_review.errors import ReviewError
from git_review.gerrit.errors import BadRequest, Forbidden, NotFound, Outdated

SETTLE = 3.0
"""Seconds that a server which answers again has for what it was asked before, when nobody waited any longer."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Speaks to people on the server.

    :ivar gate: this gate's own name, so that no other gate's messages are taken for its own.
    :ivar url: where its page is, with a slash at the end. :ivar settle: see :data:`SETTLE`.
    :ivar causes: what is thought of builds, each by its number.
    """

    site: Site
    builds: Builds
    gate: str
    url: str
    settle: float = SETTLE
    causes: Callable[[Sequence[BuildRecord]], Mapping[int, Diagnosis]] = nothing

    def tell(self, action: Report, *, speaks: bool, repeated: bool) -> None:
        """Post it.

        :param speaks: False: only votes are cast. :param repeated: it may have been posted before.
        :raises InfrastructureError: it is not known whether it was posted.
        """
        tag = gerrit.tag(action.pipeline, f"{self.gate}-{action.id}")
        number = int(action.ref.change)
        if repeated and self._is_there(number, tag):
            return
        every = self._rows(action)
        rows = [one for one in every if not one.control]
        text = self._text(action, rows, every) if speaks else ""
        said = self._comments(action, rows) if speaks else {}
        try:
            with asking(f"a message on {action.ref}"):
                self._post(action, text, tag, said)
        except InfrastructureError as error:
            if isinstance(error.__cause__, NotFound):
                self.site.say(f"change {action.ref} is not there any more: nothing is said on it")
                return
            raise

    def _is_there(self, number: int, tag: str) -> bool:
        """Whether the message has been posted, or comes to be while one waits."""
        for wait in (0.0, self.settle):
            time.sleep(wait)
            change = self.site.reader().change(number)
            if change is not None and any(one.tag == tag for one in change.messages):
                return True
        return False

    def _post(self, action: Report, text: str, tag: str, said: Comments) -> None:
        reader, patchset = self.site.reader(), action.ref.patchset
        changes, number = reader.gerrit.changes, reader.name(int(action.ref.change))
        votes = dict(action.votes)
        try:
            given = changes.review(number, patchset, message=text, labels=votes, tag=tag, comments=said)
        except BadRequest as error:
            if not said:
                raise
            self.site.say(
                f"the comments on lines of change {action.ref} are refused: {error.body or error.brief}"[:500]
            )
            self._post(action, text, tag, {})
            return
        except Outdated:
            self.site.say(f"change {action.ref} has a newer patchset: the votes on it do not count")
            return
        except Forbidden as error:
            if not votes:
                raise
            self.site.say(f"the votes {votes} on change {action.ref} are refused: {error.brief}")
            note = f"\n\n(The vote was refused: {error.body or error.brief})"[:500]
            changes.review(number, patchset, message=f"{text}{note}", tag=tag, comments=said)
            return
        except ReviewError:
            raise
        if lacking := [label for label, value in votes.items() if value and label not in given]:
            self.site.say(f"change {action.ref}: the server has dropped the votes on {', '.join(lacking)}")

    def _rows(self, action: Report) -> Sequence[BuildRecord]:
        """The builds of the item, the newest first."""
        return self.builds.find(Wanted(item=action.item, limit=1000)) if action.item else ()

    def _comments(self, action: Report, rows: Sequence[BuildRecord]) -> Comments:
        found = list(remarks(action, rows))
        change = self.site.reader().change(int(action.ref.change)) if found else None
        current = change.current if change is not None else None
        if current is None or current.number != action.ref.patchset:
            return {}
        return comments(found, current.files)

    def _text(self, action: Report, rows: Sequence[BuildRecord], every: Sequence[BuildRecord]) -> str:
        """:param rows: without those of the branch itself."""
        thought = self.causes(every) if action.kind in ("success", "failure") else {}
        known: dict[str, Known] = {}
        for one in (*(row for row in rows if row.change == action.ref.change), *rows):  # the newest of each job first
            ran = one.ended - one.started if one.ended is not None and one.started is not None else None
            about = Known(f"{self.url}builds/{one.id}", ran, tuple(one.notes), thought.get(one.id))
            known.setdefault(one.job, about)
        page = f"{self.url}changes/{action.ref.change}"
        return gerrit.message(action.pipeline, action.kind, action.text, lambda job: known.get(job, Known()), page)
