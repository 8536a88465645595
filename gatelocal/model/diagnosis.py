"""What is thought of a build that failed: whose fault it is, how sure that is, and what it is thought for."""

from __future__ import annotations

from enum import Enum

from gatelocal.model.record import dataclass


class Cause(Enum):
    """Whose fault a failure is."""

    DETERMINISTIC = "new and deterministic"
    """The change's: it fails whenever it is tried."""
    FLAKY = "new and flaky"
    """It has passed and failed on the same trees, and no known bug explains it."""
    KNOWN = "known bug"
    TRUNK = "fails on trunk too"
    ENVIRONMENT = "environment"
    """Download, disk, memory, node, or time."""
    UNKNOWN = "unknown"


class Sure(Enum):
    """How sure that is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "a guess"


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line that no passing build has said. :ivar line: counted from 1. :ivar score: the higher, the more it tells."""

    file: str
    line: int
    text: str
    score: int = 1


@dataclass(frozen=True, slots=True)
class KnownBug:
    """A fingerprint that was true.

    :ivar bug: its name. :ivar link: where it is told; empty where nobody says. :ivar file: and `line` and `text`: the
        first event. :ivar times: events. :ivar told: how often it is met, as a sentence; empty where that is not known.
    """

    bug: str
    title: str
    link: str
    file: str
    line: int
    text: str
    times: int = 1
    told: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is thought of one build.

    :ivar because: one sentence. :ivar evidence: each one line of what it was seen by.
    :ivar bugs: fingerprints that were true, also where another cause was found.
    :ivar new: lines that no passing build has said, the most telling first.
    :ivar tried: whether it was tried several times already, each time on a fresh node.
    """

    cause: Cause
    sure: Sure
    because: str
    evidence: tuple[str, ...] = ()
    bugs: tuple[KnownBug, ...] = ()
    new: tuple[NewLine, ...] = ()
    tried: bool = False

    @property
    def recheck(self) -> bool:
        """Whether it makes sense to try the same change again."""
        again = self.cause in (Cause.FLAKY, Cause.KNOWN, Cause.ENVIRONMENT)
        return again and not self.tried and (self.sure is not Sure.GUESS or self.cause is Cause.ENVIRONMENT)

    @property
    def advice(self) -> str:
        """Whether to try the same change again, in words."""
        if self.recheck:
            return "a recheck makes sense"
        if self.tried:
            return "it was tried several times already: a recheck alone would hardly help"
        if self.cause is Cause.UNKNOWN:
            return "please look at it before a recheck: nobody has named its cause yet"
        if self.cause is Cause.TRUNK:
            return "a recheck makes no sense before the branch is mended"
        return "a recheck would most likely fail again"

    @property
    def first(self) -> NewLine | None:
        """Where to look first: the earliest of the lines that tell most."""
        if not self.new:
            return None
        best = self.new[0]
        same = [one for one in self.new if one.file == best.file and one.score >= best.score - 2]
        return min(same, key=lambda one: one.line)
