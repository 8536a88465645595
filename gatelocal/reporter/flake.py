"""How often a test fails, for people and for programs; it counts nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.text import visible
from gatelocal.results.rates import Rate
from gatelocal.results.tries import Flake, Said, Verdict

_SHOWN = 5
_WORDS = {
    Verdict.STEADY: "STEADY",
    Verdict.FLAKY: "FLAKY",
    Verdict.FAILS: "FAILS",
    Verdict.SKIPPED: "NO VERDICT",
    Verdict.ABSENT: "NO VERDICT",
    Verdict.NOTHING: "NO VERDICT",
}


def lines(found: Flake, logs: str) -> list[str]:
    """The whole of it, the verdict in the last line. :param logs: the run's folder."""
    told = [""]
    if len(found.names) > 1:
        told += [visible(f"{name}: {share(rate)}") for name, rate in found.each.items()]
    told += [visible(f"failure, {times(count)}: {why}"[:300]) for why, count in _first(found.failures)]
    first = next((one for one in found.tries if one.told.said is Said.FAILED and one.one.logs), None)
    if first is not None:
        told.append(visible(f"the first failure: try {first.number} of {first.node}, {first.one.logs}"))
    if found.count(Said.SKIPPED):
        told.append(f"skipped in {times(found.count(Said.SKIPPED), 'try', 'tries')}")
    if found.lost:
        told.append(f"{times(found.lost, 'try', 'tries')} came to nothing, which counts as no failure:")
        told += [visible(f"    {times(count)}: {why}"[:300]) for why, count in _first(found.reasons)]
    if found.stuck:
        told.append(
            "once it has failed on a node it goes on failing there: what a try leaves behind may be why, and no chance;"
            " with --fresh each try has a node of its own"
        )
    told.append(visible(f"logs: {logs}"))
    return [*told, visible(f"{_WORDS[found.verdict]}: {sentence(found)}")]


def sentence(found: Flake) -> str:
    """The verdict in words."""
    what = _what(found)
    rate = found.rate
    match found.verdict:
        case Verdict.STEADY:
            return _steady(found, what)
        case Verdict.FLAKY:
            return f"{what} fails in {share(rate)}"
        case Verdict.FAILS:
            low = rate.interval[0]
            return f"{what} failed {times(rate.of)} of {rate.of}: in more than {percent(low)} of all cases (95 % sure)"
        case Verdict.SKIPPED:
            return f"{what} was skipped each time"
        case Verdict.ABSENT:
            return f"job {found.job} has no test {', '.join(found.names)}"
        case Verdict.NOTHING:
            return f"no try came to {what}, so nothing is said of it"


def _steady(found: Flake, what: str) -> str:
    rate = found.rate
    if not found.seen:
        tries = times(rate.of, "try", "tries")
        return f"{what} was none of those that failed in {tries}; what passes has no name there, so it may not have run"
    return f"{what} passed {times(rate.of)}: it fails in less than {percent(rate.interval[1])} of all cases (95 % sure)"


def share(rate: Rate) -> str:
    """Counts, the share, and between which the true one lies."""
    if rate.share is None:
        return "none of 0 tries"
    low, high = rate.interval
    return (
        f"{rate.count} of {times(rate.of, 'try', 'tries')}: {percent(rate.share)}"
        f" ({percent(low)} to {percent(high)}, 95 % sure)"
    )


def as_json(found: Flake, logs: str) -> dict[str, object]:
    """The same as plain values for ``json.dumps``."""
    return {
        "verdict": found.verdict.value,
        "job": found.job,
        "tests": list(found.names),
        **_rate(found.rate),
        "tries": found.wanted,
        "skipped": found.count(Said.SKIPPED),
        "lost": found.lost,
        "stuck": found.stuck,
        "seen": found.seen,
        "each": {name: _rate(rate) for name, rate in found.each.items()},
        "reasons": [{"text": why, "times": count} for why, count in found.failures.items()],
        "lost_reasons": [{"text": why, "times": count} for why, count in found.reasons.items()],
        "logs": logs,
    }


def percent(value: float) -> str:
    """A share for people."""
    return f"{100 * value:.1f} %"


def times(count: int, one: str = "time", more: str = "times") -> str:
    """A number with its word."""
    return f"{count} {one if count == 1 else more}"


def _rate(rate: Rate) -> dict[str, object]:
    return {"failed": rate.count, "of": rate.of, "share": rate.share, "interval": list(rate.interval)}


def _what(found: Flake) -> str:
    if not found.names:
        return f"job {found.job}"
    return found.names[0] if len(found.names) == 1 else f"one of {len(found.names)} tests of {found.job}"


def _first(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    return list(counted.items())[:_SHOWN]
