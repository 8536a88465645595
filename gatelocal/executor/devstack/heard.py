"""What ``stack.sh`` prints, line by line → where it is, and what it says when it gives up; pure, it judges nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatelocal.executor.heard import Heard
from gatelocal.executor.signs import Sign
from gatelocal.model.text import plain

BEGIN = "the beginning"
"""Where it is before it says so."""
PACKAGES, SOURCES = "Installing package prerequisites", "Installing OpenStack project source"
"""The first two of its own headings: distribution packages; from the second on it is about the trees."""
LAST = 60
"""Lines that are kept of what it prints beside its own commands."""

# ``+ lib/keystone:start_keystone:515    :   command``: bash's trace, as devstack has it.
_TRACE = re.compile(r"^\++ (?:\[[^\]]*\] )?(?P<place>[\w./-]+:[\w-]+):\d+\s*:\s+(?P<command>.*)$")
_HEADING = re.compile(r"^echo_summary '?(?P<text>.*?)'?$")
_PLAIN_HEADING = re.compile(
    r"^(?:[\d-]{10} [\d:.]+ \| )?((?:Installing|Starting|Configuring|Creating|Uploading) [\w -]{3,60})$"
)
_DIED = re.compile(r"\[ERROR\] (?P<place>\S+):\d+ (?P<why>.+)$")
_NOT_FOUND = re.compile(r"^The (?P<path>/\S+) project was not found; if this is a gate job")
_ENDING = re.compile(r":(?:err_trap|exit_trap|kill_spinner|die|err|backtrace|trueorfalse)$")
# Functions that fetch what is not on the node: a network that fails there is no fault of the trees.
_FETCHING = re.compile(
    r"(?:pip_install|install|apt_get|package|setup_|download|upload_image|git_|fetch|get_extra_file|venv|configure_tempest)"
)
_NO_SYSTEM = re.compile(r"^WARNING: this script has not been tested on (?P<name>.+)$")


@dataclass(frozen=True, slots=True)
class Died:
    """What devstack itself says of its end. :ivar place: the file that gave up. :ivar why: its words."""

    place: str
    why: str


class Listener:
    """Hears ``stack.sh``.

    :ivar phase: its last heading. :ivar place: ``file:function`` of the command that ran last.
    :ivar died: its own words, if any. :ivar missing: the path of a repository that it would have to clone.
    :ivar strange: the system that it does not know. :ivar last: the last lines that are no trace, up to its end.

    :param own: addresses and names of the node: what is said of those is said of the services there.
    """

    def __init__(self, own: Sequence[str] = ()) -> None:
        self._own = (*own, "localhost", "127.0.0.1")
        self.phase = BEGIN
        self.headings: list[str] = []
        self.place = ""
        self.died: Died | None = None
        self.missing = ""
        self.strange = ""
        self.last: deque[str] = deque(maxlen=LAST)
        self._over = False

    @property
    def seen(self) -> Mapping[Sign, str]:
        """The signs in its last lines, as far as they are not about the node's own services.

        What is said of a network counts only where something was to be fetched: a service that does not come up is
        not reached either.
        """
        seen = self._heard(line for line in self.last if not any(one in line for one in self._own)).seen
        if not self.fetching:
            seen = {sign: line for sign, line in seen.items() if sign not in (Sign.NO_HOST, Sign.NO_NETWORK)}
        return seen

    @property
    def words(self) -> str:
        """Its last words about an error; without any, its last words."""
        return self.died.why if self.died is not None else self._heard(self.last).last_words

    @property
    def fetching(self) -> bool:
        """Whether what it did last was to fetch something."""
        name = self.place.rpartition(":")[2]
        early = name == "main" and not any(one.startswith("Starting ") for one in self.headings)
        return early or _FETCHING.search(name) is not None

    @staticmethod
    def _heard(lines: Iterable[str]) -> Heard:
        heard = Heard()
        for line in lines:
            heard.line(line)
        return heard

    @property
    def of_trees(self) -> bool:
        """Whether it had come to the trees."""
        return SOURCES in self.headings

    def line(self, text: str) -> str:
        """One line; gives the heading that it begins, or nothing."""
        clean = plain(text)
        if trace := _TRACE.match(clean):
            if not self._over and not _ENDING.search(trace["place"]):
                self.place = trace["place"]
            found = _HEADING.match(trace["command"])
            return self._begin(found["text"]) if found else ""
        if heading := _PLAIN_HEADING.match(clean):
            return self._begin(heading[1])
        self._over = self._over or clean == "Error on exit"
        if self._over or not clean.strip():
            return ""
        self.last.append(clean)
        if died := _DIED.search(clean):
            self.died = Died(died["place"], died["why"])
        elif found := _NOT_FOUND.match(clean):
            self.missing = found["path"]
        elif found := _NO_SYSTEM.match(clean):
            self.strange = found["name"]
        return ""

    def _begin(self, text: str) -> str:
        if text == self.phase or text.startswith("stack.sh "):
            return ""
        self.phase = text
        self.headings.append(text)
        return text
