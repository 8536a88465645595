"""The end of a run as lines for a person; it prints nothing and decides nothing.

Job lines are those that Zuul writes and Gerrit's results tab reads. Every text from elsewhere is stripped of what a
terminal would obey.
"""

from __future__ import annotations

from gatelocal.model.change import Change
from gatelocal.model.result import BuildResult, Outcome, TestResult
from gatelocal.model.run import RunResult, Verdict
from gatelocal.model.text import plain

TESTS_SHOWN = 10
LINES_SHOWN = 12
NOTES_SHOWN = 5


def summary(run: RunResult) -> list[str]:
    """The whole run: what was tested, where, each job, failing tests, logs and the verdict in the last line."""
    lines = [*_tested(run), *_node(run), "", *_jobs(run), *_failures(run)]
    for note in run.notes:
        lines.append(f"note: {plain(note)}")
    if run.logs:
        lines += ["", f"logs: {plain(run.logs)}"]
    return [*lines, verdict_line(run)]


def job_line(build: BuildResult, link: str = "") -> str:
    """``- JOB LINK : RESULT in TIME``, the link left out when there is none."""
    place = f" {plain(link)}" if link else ""
    mark = "" if build.voting else " (non-voting)"
    return f"- {plain(build.job)}{place} : {build.outcome.value} in {elapsed(build.seconds)}{mark}"


def elapsed(seconds: float) -> str:
    """A duration as Zuul writes it: ``1h 02m 03s``, ``2m 05s``, ``7s``."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m {rest:02d}s"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def verdict_line(run: RunResult) -> str:
    """The verdict in one sentence."""
    name, builds = plain(run.change.name), run.builds
    bad = [build.job for build in builds if build.voting and build.outcome is not Outcome.SUCCESS]
    jobs = ", ".join(plain(job) for job in bad)
    match run.verdict:
        case Verdict.PASSES if not builds:
            return f"PASS: {name}: no job had to run"
        case Verdict.PASSES:
            left = sum(1 for job in run.not_run if job.rule in ("undefined", "unsupported", "error"))
            rest = (
                f"; {_count(left, 'job')} of the {plain(run.pipeline)} pipeline could not be run here" if left else ""
            )
            return f"PASS: {name} passes {_count(len(builds), 'job')} in {elapsed(run.seconds)}{rest}"
        case Verdict.FAILS:
            return f"FAIL: {name} fails {jobs} in {elapsed(run.seconds)}"
        case Verdict.CONFIGURATION:
            return f"NO VERDICT: {name}: the configuration has to be put right: {jobs or 'no job can be run here'}"
        case Verdict.MACHINERY:
            return f"NO VERDICT: {name}: the machinery failed, which says nothing about the change: {jobs}"


def _tested(run: RunResult) -> list[str]:
    lines = [f"change: {_change(run.change)}"]
    lines += [f"  depends on: {_change(change)}" for change in run.dependencies]
    lines += [f"  onto: {plain(base.project)} {plain(base.branch)} {plain(base.commit)[:12]}" for base in run.bases]
    return lines


def _change(change: Change) -> str:
    url = f" <{plain(change.url)}>" if change.url else ""
    return f"{plain(change.name)} {plain(change.subject)}{url}"


def _node(run: RunResult) -> list[str]:
    if not run.node:
        return []
    why = f" ({plain(run.node_reason)})" if run.node_reason else ""
    return [f"node: {plain(run.node)}{why}"]


def _jobs(run: RunResult) -> list[str]:
    lines = [f"{plain(run.pipeline)} pipeline:"]
    for build in run.builds:
        lines.append(job_line(build))
        lines += [f"    {line}" for line in _about(build)]
    for job in run.not_run:
        lines.append(f"- {plain(job.name)} : not run: {plain(job.reason)}")
    return lines


def _about(build: BuildResult) -> list[str]:
    """The lines under a build's own: counts, the reason, what of the results is lost, where all of it can be read."""
    lines = [_tests(build)] if build.count or build.never_ran else []
    if build.reason:
        lines.append(plain(build.reason))
    lines += [f"results: {plain(note)}" for note in build.notes[:NOTES_SHOWN]]
    if len(build.notes) > NOTES_SHOWN:
        lines.append(f"results: and {_count(len(build.notes) - NOTES_SHOWN, 'more note')}")
    if build.outcome is not Outcome.SUCCESS and build.job_output:
        lines.append(f"all of it: {plain(build.job_output)}")
    return lines


def _tests(build: BuildResult) -> str:
    words = [_count(build.count, "test"), f"{len(build.failures)} failed"]
    words += [f"{build.skipped} skipped"] if build.skipped else []
    words += [f"{len(build.never_ran)} never ran"] if build.never_ran else []
    return ", ".join(words)


def _failures(run: RunResult) -> list[str]:
    lines: list[str] = []
    for build in run.builds:
        for test in build.failures[:TESTS_SHOWN]:
            lines += ["", f"{plain(build.job)}: {plain(test.name)}", *_last_lines(test)]
        more = len(build.failures) - TESTS_SHOWN
        if more > 0:
            lines += ["", f"{plain(build.job)}: and {_count(more, 'more test')} failed"]
        if build.output:
            lines += ["", f"{plain(build.job)}: the end of its output"]
            lines += [f"    {plain(line)}" for line in build.output[-LINES_SHOWN:]]
    return lines


def _last_lines(test: TestResult) -> list[str]:
    lines = [plain(line) for line in test.details.splitlines() if line.strip()]
    return [f"    {line}" for line in lines[-LINES_SHOWN:]]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
