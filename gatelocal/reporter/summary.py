"""The end of a run as lines for a person; it prints nothing and decides nothing.

Job lines are those that Zuul writes and Gerrit's results tab reads. Every text from elsewhere is stripped of what a
terminal would obey.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gatelocal.model.change import Change
from gatelocal.model.deviation import Grade
from gatelocal.model.diagnosis import Diagnosis
from gatelocal.model.result import BuildResult, Outcome, TestResult
from gatelocal.model.run import RunResult, Verdict
from gatelocal.model.text import plain

TESTS_SHOWN = 10
LINES_SHOWN = 12
NOTES_SHOWN = 5
FIRST_SHOWN = 160


def summary(run: RunResult) -> list[str]:
    """The whole run: what was tested, where, each job, failing tests, logs and the verdict in the last line."""
    lines = [*_tested(run), *_node(run), "", *_jobs(run), *_failures(run)]
    for note in run.notes:
        lines.append(f"note: {plain(note)}")
    if run.grade is not None:
        lines += ["", f"grade: {grade(run)}"]
    if run.logs:
        lines += [*([""] if run.grade is None else []), f"logs: {plain(run.logs)}"]
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
    name, time = plain(run.change.name), elapsed(run.seconds)
    match run.verdict:
        case Verdict.PASSES:
            count = len(run.passed)
            return (
                f"PASS: {name} passes {_count(count, 'job') if count else 'without a voting job'} in {time}{_part(run)}"
            )
        case Verdict.FAILS:
            rest = _open_ends(run)
            more = f"; besides, {rest}" if rest else ""
            return f"FAIL: {name} fails {_names(run.failed)} in {time}{more}{_part(run)}"
        case Verdict.INCOMPLETE:
            return f"INCOMPLETE: {name}: {_sum(run)}{_part(run)}"
        case Verdict.CONFIGURATION:
            bad = [build for build in run.broken if build.outcome is Outcome.CONFIG_ERROR]
            jobs = _names(bad) or ", ".join(plain(job.name) for job in run.lacking)
            return f"NO VERDICT: {name}: the configuration has to be put right: {jobs}"
        case Verdict.MACHINERY:
            return (
                f"NO VERDICT: {name}: the machinery failed, which says nothing about the change: {_names(run.broken)}"
            )


def grade(run: RunResult) -> str:
    """How near what ran is to the gate's own, in words."""
    ran = [one for one in run.builds if one.outcome is Outcome.SUCCESS or one.outcome.against]
    if run.grade is None:
        return "nothing ran"
    if run.grade is Grade.EXACT:
        return f"{run.grade.value}: nothing is known to differ from the gate"
    others = sum(1 for one in ran if one.grade is not Grade.EXACT)
    return f"{run.grade.value}: {others} of {_count(len(ran), 'job')} ran otherwise than in the gate"


def _names(builds: Iterable[BuildResult]) -> str:
    return ", ".join(plain(build.job) for build in builds)


def _part(run: RunResult) -> str:
    """What somebody has to be told who chose the jobs."""
    if not run.chosen or not run.unasked:
        return ""
    return f"; a part: {_count(run.unasked, 'other job')} of the {plain(run.pipeline)} pipeline not asked for"


def _sum(run: RunResult) -> str:
    whole = len(run.counting) + len(run.lacking)
    if not whole:
        some = "that was asked for" if run.chosen else f"of the {plain(run.pipeline)} pipeline"
        return f"no job {some} runs for it, so nothing was tested{_filtered(run)}"
    jobs = "job" if whole == 1 else "jobs"
    skipped = sum(1 for build in run.counting if build.outcome.says_nothing)
    partial = sum(1 for build in run.passed if build.partial)
    told = (
        _open_ends(run),
        f"{_count(skipped, 'job')} skipped" if skipped else "",
        f"of {_count(partial, 'job')} not all tests were asked for" if partial else "",
    )
    rest = ", ".join(filter(None, told))
    return f"{len(run.passed)} of {whole} {jobs} ran and passed in {elapsed(run.seconds)}{f'; {rest}' if rest else ''}"


def _filtered(run: RunResult) -> str:
    if not run.not_run:
        return ""
    reasons = Counter(job.rule for job in run.not_run)
    told = ", ".join(f"{count} by {plain(rule)}" for rule, count in reasons.items())
    zuul = "" if run.unasked else "; Zuul would neither vote nor merge"
    return f" ({_count(len(run.not_run), 'job')} left out: {told}){zuul}"


_WHY = {
    "undefined": "defined elsewhere",
    "unsupported": "of a kind that cannot be run here",
    "error": "in error",
}


def _open_ends(run: RunResult) -> str:
    """How many jobs did not come to an end that says something, and why; empty when all did."""
    why = Counter([_WHY[job.rule] for job in run.lacking] + sorted(build.outcome.value for build in run.broken))
    total = sum(why.values())
    if not total:
        return ""
    told = ", ".join(f"{count} {reason}" for reason, count in why.items())
    return f"{_count(total, 'job')} could not be run here ({told})"


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
    lines += [f"note: {plain(note)}" for note in build.notes[:NOTES_SHOWN]]
    if len(build.notes) > NOTES_SHOWN:
        lines.append(f"note: and {_count(len(build.notes) - NOTES_SHOWN, 'more note')}")
    lines += [f"other than in the gate: {plain(str(one))}" for one in build.deviations]
    lines += [*diagnosed(build.diagnosis)] if build.diagnosis else []
    if build.outcome is not Outcome.SUCCESS and build.job_output:
        lines.append(f"all of it: {plain(build.job_output)}")
    return lines


def diagnosed(found: Diagnosis) -> list[str]:
    """Whose fault it is thought to be, what that is seen by, the bugs that are known, and where to look first."""
    lines = [f"{found.cause.value} ({found.sure.value}): {plain(found.because)}"]
    lines += [f"  seen: {plain(one)}" for one in found.evidence]
    lines += [f"  bug {plain(one.bug)} {plain(one.link)}".rstrip() for one in found.bugs]
    if found.first is not None:
        first = found.first
        lines.append(f"look at {plain(first.file)}:{first.line} first: {plain(first.text)[:FIRST_SHOWN]}")
    return [*lines, found.advice]


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
