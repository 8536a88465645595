"""Which one of a row makes a job fail, for people and for programs; it decides nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.record import dataclass
from gatelocal.model.text import visible

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the row. :ivar name: and `subject`: for people. :ivar commit: empty where it is none."""

    name: str
    subject: str
    commit: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What one place has said.

    :ivar word: good, bad or that it says nothing. :ivar recorded: by which run; empty: by a probe.
    """

    name: str
    word: str
    why: str
    seconds: float
    cloned: bool
    recorded: str
    logs: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    :ivar kind: what a place of the row is. :ivar what: the job, or its test. :ivar culprits: one of them is the first
        bad one. :ivar probes: in their order. :ivar why: what fails with it. :ivar logs: of that run.
    """

    kind: str
    what: str
    culprits: tuple[Place, ...]
    probes: tuple[Probe, ...]
    good: str
    bad: str
    why: str
    logs: str


def lines(found: Report) -> list[str]:
    """The whole of it, the verdict in the last line."""
    told = [""]
    for one in found.probes:
        how = f"as the run {one.recorded} has seen" if one.recorded else _how(one)
        told.append(visible(f"- {one.name} : {one.word} ({how})"))
        if one.why and one.word != "good":
            told.append(visible(f"    {one.why}"[:300]))
    told.append(visible(f"logs: {found.logs}"))
    made = [one for one in found.probes if not one.recorded]
    cloned = sum(1 for one in made if one.cloned)
    of = f", {cloned} of them from clones" if cloned else ""
    told.append(f"{len(made)} {'probe' if len(made) == 1 else 'probes'}{of}")
    return [*told, *verdict(found)]


def verdict(found: Report) -> list[str]:
    """The last lines."""
    if len(found.culprits) == 1:
        one = found.culprits[0]
        return [visible(f"FIRST BAD: {found.what} fails since the {found.kind} {one.name} {one.subject}".rstrip())]
    some = [visible(f"  {one.name} {one.subject}".rstrip()) for one in found.culprits[:_SHOWN]]
    more = len(found.culprits) - len(some)
    return [
        *some,
        *([f"  and {more} more"] if more else []),
        visible(f"NARROWED: {found.what} fails since one of these {len(found.culprits)}; all but the last say nothing"),
    ]


def as_json(found: Report) -> dict[str, object]:
    """The same as plain values for ``json.dumps``."""
    return {
        "verdict": "found" if len(found.culprits) == 1 else "narrowed",
        "kind": found.kind,
        "what": found.what,
        "culprits": [{"name": one.name, "subject": one.subject, "commit": one.commit} for one in found.culprits],
        "good": found.good,
        "bad": found.bad,
        "why": found.why,
        "probes": [_probe(one) for one in found.probes],
        "logs": found.logs,
    }


def _probe(one: Probe) -> dict[str, object]:
    return {
        "name": one.name,
        "answer": one.word,
        "why": one.why,
        "seconds": round(one.seconds, 1),
        "clone": one.cloned,
        "recorded": one.recorded,
        "logs": one.logs,
    }


def _how(one: Probe) -> str:
    parts: Sequence[str] = (f"{one.seconds:.0f} s", *(["a clone"] if one.cloned else []))
    return ", ".join(parts)
