"""The end of a run for programs: one JSON object, or one JUnit XML document; it writes no file."""

from __future__ import annotations

import math
from xml.etree import ElementTree as Xml

from gatelocal.model.change import Change
from gatelocal.model.diagnosis import Diagnosis, NewLine
from gatelocal.model.happening import ChangeKnown, Happening, JobEnded, RunEnded, simple_fields
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.model.run import RunResult
from gatelocal.model.text import NOT_XML

_BUG = ("bug", "title", "link", "file", "line", "text", "times")
NEVER_RAN_SHOWN = 1000
"""How many tests that never ran are named in a JUnit file."""


def as_json(run: RunResult) -> dict[str, object]:
    """The run as plain values for ``json.dumps``; names are those of the model, durations are seconds."""
    return {
        "verdict": run.verdict.value,
        "exit_code": run.verdict.exit_code,
        "change": _change(run.change),
        "dependencies": [_change(change) for change in run.dependencies],
        "bases": [{"project": b.project, "branch": b.branch, "commit": b.commit} for b in run.bases],
        "pipeline": run.pipeline,
        "asked": len(run.counting) + len(run.lacking),
        "passed": len(run.passed),
        "grade": run.grade.value if run.grade else None,
        "node": run.node,
        "node_reason": run.node_reason,
        "builds": [_build(build) for build in run.builds],
        "not_run": [{"name": job.name, "rule": job.rule, "reason": job.reason} for job in run.not_run],
        "notes": list(run.notes),
        "logs": run.logs,
        "seconds": round(run.seconds, 3),
    }


def happening(one: Happening) -> dict[str, object]:
    """Something that happens while a run goes on; ``event`` says what, the other names are those of its kind."""
    found: dict[str, object] = {"event": one.event, **simple_fields(one)}
    match one:
        case ChangeKnown():
            found["change"] = _change(one.change)
        case JobEnded():
            found["build"] = _build(one.build)
        case RunEnded():
            found["result"] = as_json(one.result)
        case _:
            pass
    return found


def as_junit(run: RunResult) -> bytes:
    """The run as JUnit XML, a suite for each build; a build that no test explains has one case of its own."""
    root = Xml.Element("testsuites", name=_clean(run.change.name))
    for build in run.builds:
        _suite(root, build)
    data: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def _change(change: Change) -> dict[str, object]:
    return {
        "project": change.project,
        "branch": change.branch,
        "commit": change.commit,
        "number": change.number,
        "patchset": change.patchset,
        "subject": change.subject,
        "url": change.url,
    }


def _build(build: BuildResult) -> dict[str, object]:
    return {
        "job": build.job,
        "outcome": build.outcome.value,
        "voting": build.voting,
        "grade": build.grade.value,
        "seconds": round(build.seconds, 3),
        "reason": build.reason,
        "logs": build.logs,
        "job_output": build.job_output,
        "tests": build.count,
        "skipped": build.skipped,
        "never_ran": list(build.never_ran),
        "failures": [_failure(test) for test in build.failures],
        "notes": list(build.notes),
        "output": list(build.output),
        "deviations": [{"id": one.id, "text": one.text} for one in build.deviations],
        "diagnosis": None if build.diagnosis is None else diagnosis(build.diagnosis),
    }


def diagnosis(found: Diagnosis) -> dict[str, object]:
    """What is thought of a build, as plain values."""
    first = found.first
    return {
        "cause": found.cause.value,
        "confidence": found.sure.value,
        "because": found.because,
        "evidence": list(found.evidence),
        "recheck": found.recheck,
        "bugs": [{name: getattr(one, name) for name in _BUG} for one in found.bugs],
        "new_lines": [_new_line(one) for one in found.new],
        "first": None if first is None else _new_line(first),
    }


def _new_line(one: NewLine) -> dict[str, object]:
    return {"file": one.file, "line": one.line, "text": one.text}


def _failure(test: TestResult) -> dict[str, object]:
    return {
        "name": test.name,
        "classname": test.classname,
        "status": test.status.value,
        "details": test.details,
    }


def _suite(root: Xml.Element, build: BuildResult) -> None:
    cases = list(build.tests)
    if build.outcome.says_nothing:
        cases.append(TestResult(build.job, TestStatus.SKIP, None, build.reason or build.outcome.value))
    elif build.outcome is not Outcome.SUCCESS and not build.failures:
        words = "\n".join([*build.output, build.reason or build.outcome.value])
        cases.append(TestResult(build.job, TestStatus.FAILURE, build.seconds, words))
    cases += [TestResult(name, TestStatus.SKIP, None, "it never ran") for name in build.never_ran[:NEVER_RAN_SHOWN]]
    count = {status: sum(1 for test in cases if test.status is status) for status in TestStatus}
    suite = Xml.SubElement(
        root,
        "testsuite",
        name=_clean(build.job),
        tests=str(len(cases)),
        failures=str(sum(1 for test in cases if test.failed)),
        skipped=str(count[TestStatus.SKIP] + count[TestStatus.EXPECTED_FAILURE]),
        errors="0",
        time=f"{build.seconds:.3f}",
    )
    for test in cases:
        _case(suite, test)


def _case(suite: Xml.Element, test: TestResult) -> None:
    case = Xml.SubElement(suite, "testcase", classname=_clean(test.classname), name=_clean(test.own_name))
    if test.seconds is not None and 0 <= test.seconds < math.inf:
        case.set("time", f"{test.seconds:.3f}")
    details = _clean(test.details)
    if test.failed:
        last = next((line for line in reversed(details.splitlines()) if line.strip()), test.status.value)
        Xml.SubElement(case, "failure", message=last.strip()[:500]).text = details
    elif test.status is TestStatus.SKIP:
        Xml.SubElement(case, "skipped", message=details[:500])
    elif test.status is TestStatus.EXPECTED_FAILURE:
        Xml.SubElement(case, "skipped", message=details[:500], type="xfail")


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return NOT_XML.sub("", text)
