"""Which other tests make a test fail, for people and for programs; it decides nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.record import dataclass
from gatelocal.model.text import visible

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe. :ivar asked: the tests that were run with it. :ivar word: what it says. :ivar logs: its folder."""

    asked: tuple[str, ...]
    word: str
    why: str
    cloned: bool
    logs: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    :ivar finding: others, alone, not seen or nothing. :ivar before: how many candidates had ended when the test began.
    :ivar beside: how many ran at the same time. :ivar others: those with which it fails.
    """

    test: str
    finding: str
    before: int
    beside: int
    others: tuple[str, ...]
    probes: tuple[Probe, ...]
    run: str


def lines(found: Report) -> list[str]:
    """The whole of it, the verdict in the last line."""
    told = [""]
    for one in found.probes:
        how = ", a clone" if one.cloned else ""
        told.append(visible(f"- {_with(one.asked)} : {one.word}{how}"))
        if one.why and one.word != "good":
            told.append(visible(f"    {one.why}"[:300]))
    told += [visible(f"  {name}") for name in found.others[:_SHOWN]]
    if len(found.others) > _SHOWN:
        told.append(f"  and {len(found.others) - _SHOWN} more")
    return [*told, visible(verdict(found))]


def verdict(found: Report) -> str:
    """The verdict in words."""
    many = f"{len(found.probes)} probes"
    match found.finding:
        case "others" if len(found.others) == 1:
            return f"CULPRIT: {found.test} passes alone and fails after {found.others[0]} ({many})"
        case "others":
            return f"CULPRITS: {found.test} passes alone and fails with these {len(found.others)} together ({many})"
        case "alone":
            return f"ALONE: {found.test} fails without any other test"
        case "not seen":
            count = found.before + found.beside
            return (
                f"NOT REPRODUCED: {found.test} passes alone and with all {count} tests that ran before or beside it:"
                " `gatelocal flake` says how often it fails"
            )
        case _:
            return f"NO VERDICT: {found.test} alone, or with all others, said nothing"


def as_json(found: Report) -> dict[str, object]:
    """The same as plain values for ``json.dumps``."""
    return {
        "verdict": found.finding,
        "test": found.test,
        "others": list(found.others),
        "before": found.before,
        "beside": found.beside,
        "run": found.run,
        "probes": [
            {"with": list(one.asked), "answer": one.word, "why": one.why, "clone": one.cloned, "logs": one.logs}
            for one in found.probes
        ],
    }


def _with(asked: Sequence[str]) -> str:
    if not asked:
        return "alone"
    return f"with {asked[0]}" if len(asked) == 1 else f"with {len(asked)} others, {asked[0]} to {asked[-1]}"
