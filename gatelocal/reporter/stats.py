"""Rates as lines for a person, and as plain values for a program: no rate without its interval and count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gatelocal.model.text import visible
from gatelocal.reporter import html
from gatelocal.reporter.summary import elapsed
from gatelocal.results.rates import Rate
from gatelocal.results.stats import Named, Stats

_LONG = 1000
_HEAD = ("PROJECT", "JOB", "PASSES", "BEFORE", "FLAKES", "TIME")


def table(found: Stats, days: float) -> list[str]:
    """The numbers of that many days."""
    lines = [f"{found.builds} builds in {days:g} days: {_counted(found.outcomes) or 'none'}", ""]
    if found.jobs:
        lines += _rows(found)
        lines.append("")
        for project, (seen, low, high) in found.unlucky.items():
            of = visible(f" of {project}") if len(found.unlucky) > 1 else ""
            known = f"{seen:.1%} of the time seen, {low:.1%} to {high:.1%}" if high - low < 1 else "not known yet"
            lines.append(f"a good change{of} fails a voting job: {known}")
    lines.append(f"failures with a cause: {told(found.classified)}: {_counted(found.causes) or 'none judged'}")
    lines += _named("top races: failures on trees that passed too", found.races)
    lines += _named("known bugs: builds that failed, of those that the fingerprint is true of", found.bugs)
    if found.unexplained:
        lines += ["", "without a cause, the newest first:"]
        for build in found.unexplained:
            when = datetime.fromtimestamp(build.at, UTC).strftime("%Y-%m-%d %H:%M")
            tests = ", ".join(build.failed[:3]) or build.outcome
            of = f"{build.project} " if len(found.unlucky) > 1 else ""
            lines.append(visible(f"  {when} {build.id} {of}{build.job}: {tests}"))
    return lines


def _rows(found: Stats) -> list[str]:
    rows: list[tuple[str, ...]] = [_HEAD]
    for one in found.jobs:
        time = elapsed(one.seconds) if one.seconds is not None else "-"
        name = one.job if one.voting else f"{one.job} (non-voting)"
        rows.append((visible(one.project), visible(name), told(one.passes), told(one.before), told(one.flakes), time))
    if len(found.unlucky) == 1:
        rows = [row[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def page(found: Stats, days: float) -> str:
    """The same as a page for a browser, which needs no script."""
    rows = "".join(
        f"<tr><td>{html.text(one.project)}</td><td>{html.text(one.job)}</td><td>{told(one.passes)}</td><td>{told(one.before)}</td>"
        f"<td>{told(one.flakes)}</td><td>{elapsed(one.seconds) if one.seconds is not None else '-'}</td></tr>"
        for one in found.jobs
    )
    head = "".join(f'<th scope="col">{word.capitalize()}</th>' for word in _HEAD)
    left = [line.strip() for line in table(found, days)[1:] if line and line not in _rows(found)]
    rest = "".join(f"<li>{html.text(line, _LONG)}</li>" for line in left)
    body = f"<h1>{html.text(table(found, days)[0])}</h1><table><tr>{head}</tr>{rows}</table><ul>{rest}</ul>"
    return html.page("How often jobs pass", f"<style>{html.STYLE}</style>", body)


def told(rate: Rate) -> str:
    """``90.0% (82.0-95.0% of 80)``."""
    if rate.share is None:
        return "- (of 0)"
    low, high = rate.interval
    return f"{rate.share:.1%} ({low * 100:.1f}-{high:.1%} of {rate.of})"


def as_json(found: Stats) -> dict[str, object]:
    """The same for ``json.dumps``; rates are shares of 1, times seconds."""
    return {
        "builds": found.builds,
        "outcomes": dict(found.outcomes),
        "causes": dict(found.causes),
        "classified": _rate(found.classified),
        "jobs": [
            {
                "project": one.project,
                "job": one.job,
                "voting": one.voting,
                "passes": _rate(one.passes),
                "before": _rate(one.before),
                "flakes": _rate(one.flakes),
                "seconds": one.seconds,
            }
            for one in found.jobs
        ],
        "good_change_fails": [
            {"project": project, **dict(zip(("seen", "low", "high"), chance, strict=True))}
            for project, chance in found.unlucky.items()
        ],
        "races": [{"name": one.name, **_rate(one.rate)} for one in found.races],
        "bugs": [{"name": one.name, **_rate(one.rate)} for one in found.bugs],
        "unexplained": [
            {"build": one.id, "project": one.project, "job": one.job, "at": one.at, "failed": list(one.failed)}
            for one in found.unexplained
        ],
    }


def _rate(rate: Rate) -> dict[str, object]:
    low, high = rate.interval
    return {"count": rate.count, "of": rate.of, "share": rate.share, "low": low, "high": high}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _named(head: str, of: Sequence[Named]) -> list[str]:
    return ["", f"{head}:", *(visible(f"  {told(one.rate)} {one.name}") for one in of)] if of else []
