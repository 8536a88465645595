"""A fingerprint: a bug's name and the query that knows it again, with what else its file says; it reads no file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gatelocal.model.record import dataclass
from gatelocal.results.fingerprints.meaning import Query
from gatelocal.results.names import bare

_LAUNCHPAD = re.compile(r"[1-9]\d{4,9}")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One of them.

    :ivar bug: its file's name without the ending; a number of Launchpad's for those of elastic-recheck.
    :ivar nonvoting: it is looked for in builds that do not vote, too.
    :ivar test_ids: it counts only where one of these tests has failed; empty: wherever it is found.
    :ivar resolved: when the bug was put right, as it is written; empty as long as it is not known to be.
    :ivar title: what the bug is, in a few words. :ivar url: where it is told; empty where nobody says.
    :ivar unlisted: `suppress-graph`: it is left out of tables. :ivar silent: `suppress-notification`: it is not told of
        on changes.
    """

    bug: str
    query: Query
    nonvoting: bool = False
    test_ids: tuple[str, ...] = ()
    resolved: str = ""
    title: str = ""
    url: str = ""
    unlisted: bool = False
    silent: bool = False

    @property
    def link(self) -> str:
        """Where the bug is told; empty when that is not known."""
        return self.url or (f"https://bugs.launchpad.net/bugs/{self.bug}" if _LAUNCHPAD.fullmatch(self.bug) else "")

    def fits(self, failed: Iterable[str]) -> bool:
        """Whether tests that failed are among its own; one without tests of its own fits all."""
        return not self.test_ids or not {bare(one) for one in failed}.isdisjoint(map(bare, self.test_ids))
