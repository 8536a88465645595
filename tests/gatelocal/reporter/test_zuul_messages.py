"""Messages in the form that the Zuul-summary tab reads: what stands on which line, and what goes for want of room."""

from __future__ import annotations

import re

from gatelocal.model.diagnosis import Cause, Diagnosis, KnownBug, Sure
from gatelocal.reporter.gerrit import MOST, Known, elapsed, message, tag

URL = "http://gate.example.org/changes/5"
BUILDS = {
    "unit": Known("http://gate.example.org/builds/1", 125.4),
    "lint": Known("http://gate.example.org/builds/2", 7.0),
    "docs": Known("http://gate.example.org/builds/3", 3723.0),
}
# What the tab matches: the status line, then one line for each job.
STATUS = re.compile(r"^Build (?P<status>\w+) \((?P<pipeline>\w+) pipeline\)\.", re.MULTILINE)
RESULT = re.compile(r"^- (?P<job>[^ ]+) (?P<link>[^ ]+) : (?P<result>[^ ]+)(?: (?P<rest>.*))?$", re.MULTILINE)


def known(job: str) -> Known:
    return BUILDS.get(job, Known())


def test_a_success() -> None:
    text = "gate succeeded.\n\n- unit SUCCESS\n- docs FAILURE (non-voting)\n- later SKIPPED"
    assert message("gate", "success", text, known, URL) == (
        "Build succeeded (gate pipeline).\n"
        "http://gate.example.org/changes/5\n"
        "\n"
        "- unit http://gate.example.org/builds/1 : SUCCESS in 2m 05s\n"
        "- docs http://gate.example.org/builds/3 : FAILURE in 1h 02m 03s (non-voting)\n"
        "- later later : SKIPPED"
    )


def test_a_failure_says_what_it_was_tested_on() -> None:
    text = "gate failed on top of 3,1 and 4,2.\n\n- lint FAILURE\n- unit RETRY_LIMIT (3 attempts)"
    told = message("gate", "failure", text, known, URL)
    assert told.splitlines() == [
        "Build failed (gate pipeline).",
        "http://gate.example.org/changes/5",
        "Tested on top of 3,1 and 4,2.",
        "",
        "- lint http://gate.example.org/builds/2 : FAILURE in 7s",
        "- unit http://gate.example.org/builds/1 : RETRY_LIMIT 3 attempts in 2m 05s",
    ]
    status = STATUS.search(told)
    assert status is not None
    assert status.groupdict() == {"status": "failed", "pipeline": "gate"}
    assert [(one["job"], one["result"], one["rest"]) for one in RESULT.finditer(told)] == [
        ("lint", "FAILURE", "in 7s"),
        ("unit", "RETRY_LIMIT", "3 attempts in 2m 05s"),
    ]


def thought(cause: Cause, sure: Sure, *bugs: KnownBug) -> Diagnosis:
    return Diagnosis(cause, sure, "it has\nits reason", bugs=bugs)


def test_it_is_told_whose_fault_failures_are_thought_to_be() -> None:
    bug = KnownBug("1234567", "", "https://bugs.example/1234567", "a", 1, "x")
    builds = {
        "unit": Known("http://gate/1", 1.0, ("a note",), thought(Cause.KNOWN, Sure.LIKELY, bug)),
        "lint": Known("http://gate/2", 1.0, (), thought(Cause.ENVIRONMENT, Sure.CERTAIN)),
        "docs": Known("http://gate/3", 1.0),
    }
    text = "gate failed.\n\n- unit FAILURE\n- lint NODE_FAILURE\n- docs SUCCESS"
    told = message("gate", "failure", text, builds.__getitem__, URL)
    assert told.partition("SUCCESS in 1s\n")[2].splitlines() == [
        "",
        "Whose fault it is thought to be:",
        "  unit: known bug (likely): it has its reason",
        "    bug 1234567 https://bugs.example/1234567",
        "  lint: environment (certain): it has its reason",
        "  A recheck makes sense.",
        "",
        "Warning:",
        "  unit: a note",
    ]
    assert len(RESULT.findall(told)) == 3
    builds["lint"] = Known("http://gate/2", 1.0, (), thought(Cause.UNKNOWN, Sure.GUESS))
    told = message("gate", "failure", text, builds.__getitem__, URL)
    assert "    a recheck makes sense\n  lint: unknown" in told, "each has its own where they differ"
    assert told.endswith(
        "    please look at it before a recheck: nobody has named its cause yet\n\nWarning:\n  unit: a note"
    )
    builds["lint"] = Known("http://gate/2", 1.0, (), thought(Cause.DETERMINISTIC, Sure.CERTAIN))
    told = message("gate", "failure", text, builds.__getitem__, URL)
    assert "    a recheck would most likely fail again\n" in told
    assert "A recheck makes sense" not in told


def test_a_pipeline_with_a_hyphen_is_read_all_the_same() -> None:
    told = message("third-party", "success", "third-party succeeded.\n\n- unit SUCCESS", known, URL)
    assert told.startswith("Build succeeded (third_party pipeline).\n")


def test_what_is_no_result() -> None:
    assert message("gate", "start", "Starting gate jobs.", known, URL) == f"Starting gate jobs.\n{URL}"
    assert message("gate", "conflict", "gate: it conflicts with x.", known, URL) == (
        f"Merge Failed.\n{URL}\n\ngate: it conflicts with x."
    )
    assert message("gate", "config", "gate: the configuration cannot be used: x.", known, URL).startswith(
        f"Build failed (gate pipeline).\n{URL}\n\n"
    )
    assert message("gate", "info", "gate: patchset 2 has to be approved.", known, URL) == (
        "gate: patchset 2 has to be approved."
    )


def test_what_a_job_is_not_as_it_is_written_stands_below() -> None:
    noted = {"unit": Known("http://x/1", 1.0, ("the site's playbook pre.yaml is not run",))}
    told = message("check", "success", "check succeeded.\n\n- unit SUCCESS", lambda job: noted[job], URL)
    assert told.endswith("SUCCESS in 1s\n\nWarning:\n  unit: the site's playbook pre.yaml is not run")


def test_a_message_that_is_too_long_keeps_what_somebody_has_to_look_at() -> None:
    good = [f"- good-{at} SUCCESS" for at in range(1000)]
    told = message("gate", "failure", "\n".join(["gate failed.", "", *good, "- bad FAILURE"]), known, URL)
    assert told.splitlines()[3:] == ["- bad bad : FAILURE", "Successful jobs omitted due to length restrictions"]
    bad = [f"- bäd-{at} FAILURE" for at in range(2000)]
    told = message("gate", "failure", "\n".join(["gate failed.", "", *bad]), known, URL)
    assert len(told.encode()) <= MOST
    assert told.endswith("... (truncated)")
    assert told.startswith("Build failed (gate pipeline).\n")


def test_what_gerrit_would_not_take_is_left_out() -> None:
    assert message("gate", "info", "a\x00b\x1b[31mc", known, URL) == "ab[31mc"


def test_times() -> None:
    assert [elapsed(one) for one in (0.4, 59.9, 60, 3600, 3661)] == ["0s", "59s", "1m 00s", "1h 00m 00s", "1h 01m 01s"]


def test_each_message_has_a_tag_of_its_own_and_all_of_a_pipeline_hide_one_another() -> None:
    assert tag("gate", "ab12-7") == "autogenerated:zuul:gate~ab12-7"
