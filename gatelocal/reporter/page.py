"""A run as one page: when each job waited and ran, its tests, and the log where it failed. It reads and writes nothing.

The page needs no script and nothing from elsewhere; its own policy forbids both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from gatelocal.model.change import Change
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.past import Excerpt, Past, PastBuild
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.model.run import RunResult
from gatelocal.model.text import plain
from gatelocal.reporter import html
from gatelocal.reporter.html import link, text
from gatelocal.reporter.summary import elapsed, grade, verdict_line

Excerpts = Mapping[str, Mapping[str, Excerpt]]
"""The name of a build's folder → a test's id (empty: the end of the log) → the place in the log."""

TESTS = 5000
"""Tests of a job that stand on the page: those that failed, then the slowest."""
FAILURES = 50
_WIDTH = 1000
_LONG = 4000  # characters of a sentence
_DETAILS = 400  # lines of what a test says
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HEAD = """<meta http-equiv="Content-Security-Policy" content="{policy}">
<style>
{style}
pre {{ overflow-x: auto; padding: .5rem; border: 1px solid #8888; font-size: .85rem; line-height: 1.35; }}
pre mark {{ background: #ffb4ab; color: #000; }}
summary {{ cursor: pointer; }}
details {{ margin: .4rem 0; }}
section > details {{ margin-left: 1rem; }}
.good {{ color: #1b6e2d; }}
.open {{ color: #8a5a00; }}
.number {{ color: #8888; user-select: none; }}
td svg {{ width: 100%; height: .9rem; min-width: 12rem; display: block; }}
.times td, .times th {{ white-space: nowrap; }}
.times td:first-child {{ white-space: normal; min-width: 9rem; }}
.times td:last-child {{ width: 55%; }}
@media (max-width: 45rem) {{
.times {{ font-size: .85rem; }}
.times td, .times th {{ white-space: normal; padding-right: .3rem; overflow-wrap: normal; }}
.times td:first-child, .times td:nth-child(2) {{ min-width: 4rem; overflow-wrap: anywhere; }}
.times td:last-child {{ width: 30%; }}
.times small {{ display: none; }}
td svg {{ min-width: 0; }}
}}
.wait {{ fill: #8886; }}
.bar.good {{ fill: #2e7d32; }} .bar.bad {{ fill: #c62828; }} .bar.open {{ fill: #b26a00; }}
@media (prefers-color-scheme: dark) {{ .good {{ color: #81c995; }} .open {{ color: #f2c063; }} }}
</style>"""


@dataclass(frozen=True, slots=True)
class _Row:
    """One build of the table: what is known of its time, and what came out, if anything did."""

    name: str
    past: PastBuild | None
    result: BuildResult | None


def page(run: Past, excerpts: Excerpts, now: float) -> str:
    """The page. :param now: seconds since the epoch; where the bars of builds that still run end."""
    rows = _rows(run)
    parts = [_top(run), _times(run, rows, now)]
    if run.result is not None:
        parts += [_job(row.result, row.past, excerpts.get(_folder(row), {})) for row in rows if row.result]
        parts.append(_left_out(run.result))
    body = f"<main>{''.join(parts)}</main>"
    return html.page(f"Run {run.name}", _HEAD.format(policy=_POLICY, style=html.STYLE), body)


def _rows(run: Past) -> list[_Row]:
    """Each build there was, several attempts apart, then those that have no folder."""
    results = {Path(one.logs).name: one for one in (run.result.builds if run.result else ()) if one.logs}
    rows = [_Row(one.title, one, results.pop(one.folder.name, None)) for one in run.builds]
    known = {id(row.result) for row in rows if row.result}
    others = [one for one in (run.result.builds if run.result else ()) if id(one) not in known]
    return rows + [_Row(one.job, None, one) for one in others]


def _folder(row: _Row) -> str:
    return row.past.folder.name if row.past else ""


def _top(run: Past) -> str:
    if run.result is None:
        return f"<h1>Run {text(run.name)}: {text(run.state)}</h1><p>{text(run.subject, _LONG)}</p>"
    result = run.result
    facts = [("Change", _change(result.change))]
    facts += [("Depends on", _change(one)) for one in result.dependencies if one != result.change]
    facts += [("Onto", f"{text(b.project)} {text(b.branch)} <code>{text(b.commit[:12])}</code>") for b in result.bases]
    facts += [("Pipeline", text(result.pipeline)), ("Grade", text(grade(result), _LONG))]
    facts += [("Node", text(result.node, _LONG))] if result.node else []
    facts += [("Node's reason", text(result.node_reason, _LONG))] if result.node_reason else []
    facts += [("Note", text(one, _LONG)) for one in result.notes]
    facts.append(("Logs", f"<code>{text(run.folder, _LONG)}</code>"))
    told = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in facts)
    kind = {"passes": "good", "fails": "bad"}.get(result.verdict.value, "open")
    return f'<h1 class="{kind}">{text(verdict_line(result), _LONG)}</h1><table>{told}</table>'


def _change(change: Change) -> str:
    return f"{text(change.name)}: {link(change.url, change.subject.partition(chr(10))[0] or 'no subject')}"


def _times(run: Past, rows: Sequence[_Row], now: float) -> str:
    """The table of builds, with a bar for each over the time of all of them."""
    known = [row.past for row in rows if row.past and row.past.ordered]
    first = min((one.ordered for one in known), default=0.0)
    last = max((one.ended or now for one in known), default=0.0)
    whole = max(last - first, 0.001)
    told = "".join(_time(row, first, whole, now) for row in rows)
    head = "".join(f'<th scope="col">{one}</th>' for one in ("Job", "Result", "Time", "Tests", "Failed"))
    long = f"from the first node asked for to the last result: {elapsed(whole)}" if known else ""
    if not rows:
        return f"<p>No job has begun in {text(run.name)}.</p>"
    head += f'<th scope="col">When <small>{long}</small></th>'
    return f'<h2>Jobs</h2><table class="times"><tr>{head}</tr>{told}</table>'


def _time(row: _Row, first: float, whole: float, now: float) -> str:
    one = row.result
    state = one.outcome.value if one else row.past.state if row.past else ""
    note = "" if one is None or one.voting else " (non-voting)"
    target = f'<a href="#{_anchor(row)}">{text(row.name)}</a>' if one else text(row.name)
    cells = (
        target,
        f'<span class="{_kind(one)}">{text(state)}</span>{note}',
        elapsed(one.seconds) if one else "",
        str(one.count) if one and one.count else "",
        str(len(one.failures)) if one and one.failures else "",
        _bar(row, first, whole, now),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _bar(row: _Row, first: float, whole: float, now: float) -> str:
    """Waiting for the node, then the job; a clock that was set back makes them short, never wrong in their place."""
    if row.past is None or not row.past.ordered:
        return ""
    ordered, ended = row.past.ordered, row.past.ended or now
    begun = min(row.past.begun or ended, ended)

    def part(kind: str, since: float, until: float) -> str:
        left = max(0.0, min(1.0, (since - first) / whole)) * _WIDTH
        width = max(0.0, min(1.0, (until - since) / whole)) * _WIDTH
        return f'<rect class="{kind}" x="{left:.1f}" y="0" width="{width:.1f}" height="10"/>'

    words = f"waited {elapsed(begun - ordered)}, ran {elapsed(ended - begun)}"
    parts = part("wait", ordered, begun) + part(f"bar {_kind(row.result)}", begun, ended)
    return (
        f'<svg viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none" role="img" aria-label="{words}">'
        f"<title>{words}</title>{parts}</svg>"
    )


def _kind(one: BuildResult | None) -> str:
    if one is None or not (one.outcome is Outcome.SUCCESS or one.outcome.against):
        return "open"
    return "good" if one.outcome is Outcome.SUCCESS else "bad"


def _anchor(row: _Row) -> str:
    return f"job-{quote(_folder(row) or row.name, safe='')}"


def _job(one: BuildResult, past: PastBuild | None, places: Mapping[str, Excerpt]) -> str:
    """All of one build."""
    row = _Row(one.job, past, one)
    notes = [*one.notes, *(f"other than in the gate: {each}" for each in one.deviations)]
    lines = "".join(f"<li>{text(note, _LONG)}</li>" for note in notes)
    parts = [
        f"<p>{text(one.reason, _LONG)}</p>" if one.reason else "",
        thought(one.diagnosis) if one.diagnosis else "",
        f"<ul>{lines}</ul>" if lines else "",
        _output(one),
        *(_failure(test, places.get(test.name)) for test in one.failures[:FAILURES]),
        f"<p>and {len(one.failures) - FAILURES} more failed</p>" if len(one.failures) > FAILURES else "",
        _never_ran(one),
        _end(one, places.get("")),
        _tests(one),
    ]
    return (
        f'<section id="{_anchor(row)}"><h2>{text(one.job)}: <span class="{_kind(one)}">{one.outcome.value}</span>'
        f" in {elapsed(one.seconds)}</h2>{''.join(parts)}</section>"
    )


def thought(found: Diagnosis) -> str:
    """Whose fault it is thought to be, what for, and whether to try again, as a part of a page."""
    seen = "".join(f"<li>{text(one, _LONG)}</li>" for one in found.evidence)
    bugs = "".join(f"<li>bug {link(one.link, one.bug)}: {text(one.title)} {text(one.told)}</li>" for one in found.bugs)
    new = "".join(f"<tr><td>{text(one.file)}:{one.line}</td><td>{text(one.text, _LONG)}</td></tr>" for one in found.new)
    again = f"<p>{text(found.advice[:1].upper() + found.advice[1:])}.</p>"
    told = f"<details><summary>what no passing build has said</summary><table>{new}</table></details>" if new else ""
    words = f"{text(found.cause.value)} ({text(found.sure.value)}): {text(found.because, _LONG)}"
    return f"<p><strong>{words}</strong></p>{f'<ul>{seen}{bugs}</ul>' if seen or bugs else ''}{again}{told}"


def _output(one: BuildResult) -> str:
    if not one.job_output.startswith("/"):
        return ""
    return f'<p><a href="{escape(Path(one.job_output).as_uri())}">all that it printed</a></p>'


def _failure(test: TestResult, place: Excerpt | None) -> str:
    said = [plain(line) for line in test.details.splitlines()]
    left = len(said) - _DETAILS
    cut = [f"({left} lines before)", *said[-_DETAILS:]] if left > 0 else said
    told = f"<pre>{escape(chr(10).join(cut))}</pre>" if cut else ""
    log = f"<details><summary>in the log, line {place.mark}</summary>{_lines(place)}</details>" if place else ""
    return f'<details open><summary class="bad">{text(test.name, _LONG)}</summary>{told}{log}</details>'


def _lines(place: Excerpt) -> str:
    told = []
    for number, line in enumerate(place.lines, place.first):
        shown = escape(plain(line))
        words = f"<mark>{shown}</mark>" if number == place.mark else shown
        told.append(f'<span class="number">{number:>6} </span>{words}')
    return f"<pre>{chr(10).join(told)}</pre>"


def _end(one: BuildResult, place: Excerpt | None) -> str:
    """The end of the log, where no test says why it failed."""
    if place is None or one.outcome is Outcome.SUCCESS:
        return ""
    state = "" if one.failures else " open"
    return f"<details{state}><summary>the end of the log</summary>{_lines(place)}</details>"


def _never_ran(one: BuildResult) -> str:
    if not one.never_ran:
        return ""
    names = "".join(f"<li>{text(name, _LONG)}</li>" for name in one.never_ran[:TESTS])
    return f'<details><summary class="bad">{len(one.never_ran)} never ran</summary><ul>{names}</ul></details>'


def _tests(one: BuildResult) -> str:
    if not one.tests:
        return ""
    order = sorted(one.tests, key=lambda test: (not test.failed, -(test.seconds or 0.0)))
    told = "".join(
        f"<tr><td>{text(test.name, _LONG)}</td><td{_mark(test)}>{test.status.value}</td><td>{_seconds(test)}</td></tr>"
        for test in order[:TESTS]
    )
    more = f"<p>and {len(order) - TESTS} more</p>" if len(order) > TESTS else ""
    head = '<tr><th scope="col">Test</th><th scope="col">Status</th><th scope="col">Seconds</th></tr>'
    words = f"{one.count} tests, {len(one.failures)} failed, {one.skipped} skipped"
    return f"<details><summary>{words}</summary><table>{head}{told}</table>{more}</details>"


def _mark(test: TestResult) -> str:
    return ' class="bad"' if test.failed else ' class="open"' if test.status is TestStatus.SKIP else ""


def _seconds(test: TestResult) -> str:
    return "" if test.seconds is None else f"{test.seconds:.3f}"


def _left_out(run: RunResult) -> str:
    if not run.not_run:
        return ""
    told = "".join(f"<li>{text(job.name)}: {text(job.reason, _LONG)}</li>" for job in run.not_run)
    return f"<h2>Not run</h2><ul>{told}</ul>"
