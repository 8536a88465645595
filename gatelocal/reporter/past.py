"""Past runs as lines for a person, and as plain values for a program; every text is cleaned, nothing is printed."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.past import Past
from gatelocal.model.result import BuildResult
from gatelocal.model.text import plain, visible
from gatelocal.reporter import machine
from gatelocal.reporter.summary import diagnosed, elapsed, job_line, summary

_HEAD = ("RUN", "AGE", "VERDICT", "JOBS", "TIME", "SIZE", "CHANGE")
_SUBJECT = 60


def table(runs: Sequence[Past], now: float) -> list[str]:
    """One line for each run, under a heading."""
    rows = [_HEAD, *(_row(one, now) for one in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(run: Past, now: float) -> tuple[str, ...]:
    result = run.result
    jobs = f"{len(result.passed)}/{len(result.counting)}" if result else str(len(run.builds))
    time = elapsed(result.seconds) if result else "-"
    told = (run.name, age(now - run.began), run.state, jobs, time, size(run.size), run.subject[:_SUBJECT] or "-")
    return tuple(visible(word) for word in told)


def age(seconds: float) -> str:
    """How long ago, in the largest unit of which there is one at least."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(max(seconds, 0))}s"


def size(count: int) -> str:
    """Bytes for people."""
    for unit, length in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count} B"


def whole(run: Past) -> list[str]:
    """A run in full: its summary, or, without a verdict, how far each build is."""
    if run.result is not None:
        return summary(run.result)
    lines = [f"run: {visible(run.name)}: {run.state}"]
    lines += [f"change: {plain(run.subject)}"] if run.subject else []
    lines += [f"- {plain(one.title)} : {plain(one.state)}" for one in run.builds]
    return [*lines, "", f"logs: {plain(str(run.folder))}"]


def one_job(build: BuildResult) -> list[str]:
    """A job with all its tests that failed, each with all that it says."""
    lines = [job_line(build), *([f"    {plain(build.reason)}"] if build.reason else [])]
    if build.diagnosis is not None:
        lines += [f"    {line}" for line in diagnosed(build.diagnosis)]
        lines += [f"    new: {plain(one.file)}:{one.line}: {plain(one.text)}" for one in build.diagnosis.new]
    for test in build.failures:
        lines += ["", plain(test.name), *(f"    {plain(line)}" for line in test.details.splitlines())]
    lines += [f"never ran: {plain(name)}" for name in build.never_ran]
    lines += ["", *(f"    {plain(line)}" for line in build.output)] if build.output else []
    return lines


def as_json(run: Past) -> dict[str, object]:
    """A run as plain values for ``json.dumps``; times are seconds, sizes bytes."""
    return {
        "run": run.name,
        "folder": str(run.folder),
        "began": run.began,
        "state": run.state,
        "size": run.size,
        "subject": run.subject,
        "builds": [{"job": one.title, "state": one.state, "folder": str(one.folder)} for one in run.builds],
        "result": None if run.result is None else machine.as_json(run.result),
    }
