"""The end of a run for programs: one JSON object, or one JUnit XML document; it writes no file."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from gatelocal.model.change import Change
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus
from gatelocal.model.run import RunResult

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
        "node": run.node,
        "node_reason": run.node_reason,
        "builds": [_build(build) for build in run.builds],
        "not_run": [{"name": job.name, "rule": job.rule, "reason": job.reason} for job in run.not_run],
        "notes": list(run.notes),
        "logs": run.logs,
        "seconds": round(run.seconds, 3),
    }


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
        "seconds": round(build.seconds, 3),
        "reason": build.reason,
        "logs": build.logs,
        "tests": len(build.tests),
        "failures": [
            {"name": test.name, "status": test.status.value, "details": test.details} for test in build.failures
        ],
    }


def _suite(root: Xml.Element, build: BuildResult) -> None:
    cases = list(build.tests)
    if build.outcome is not Outcome.SUCCESS and not build.failures:
        cases.append(TestResult(build.job, TestStatus.FAILURE, build.seconds, build.reason or build.outcome.value))
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
    classname, _, name = test.name.rpartition(".") if "(" not in test.name else ("", "", test.name)
    case = Xml.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name))
    if test.seconds is not None:
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
    return _NOT_XML.sub("", text)
