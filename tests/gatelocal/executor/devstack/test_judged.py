"""Whose fault it is when stack.sh does not end well, by what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gatelocal.executor.devstack import judged
from gatelocal.executor.devstack.heard import PACKAGES, SOURCES, Listener
from gatelocal.executor.devstack.judged import Ended
from gatelocal.model.result import BuildResult, Outcome, TestResult, TestStatus

ADDRESS = "10.0.2.100"


def trace(place: str, command: str, plus: str = "+") -> str:
    return f"{plus} {place}:12                 :   {command}"


def heading(text: str) -> str:
    return trace("./stack.sh:main", f"echo_summary '{text}'")


def heard(lines: Sequence[str]) -> Listener:
    listener = Listener((ADDRESS,))
    for line in lines:
        listener.line(line)
    return listener


IN_SOURCES = (heading(PACKAGES), heading(SOURCES))
STARTING = (*IN_SOURCES, heading("Starting Keystone"))


def verdict(*lines: str, status: int = 1, own: bool = False, free: int | None = None, index: bool = True):
    return judged.judged(Ended(status, heard(lines), own, free, "a container", index))


def test_headings_come_from_the_trace_or_stand_alone_and_lead_the_way() -> None:
    listener = Listener()
    told = [listener.line(line) for line in (*STARTING, trace("./stack.sh:echo_summary", "echo -e Starting Keystone"))]
    assert told == [PACKAGES, SOURCES, "Starting Keystone", ""]
    assert (listener.phase, listener.of_trees) == ("Starting Keystone", True)
    plain = Listener()
    assert plain.line("2026-11-30 12:49:19.123 | Configuring Glance") == "Configuring Glance"
    assert plain.line("Starting up the long and winding thing: 3 of 4") == ""
    assert plain.line(trace("./stack.sh:main", "echo_summary 'stack.sh log /opt/stack/logs/x'")) == ""


@pytest.mark.parametrize(
    ("lines", "outcome", "words"),
    [
        (("apt: something went wrong",), Outcome.NODE_FAILURE, "the node could not be made ready for devstack"),
        ((heading(PACKAGES), "E: broken"), Outcome.NODE_FAILURE, f"at {PACKAGES}"),
        (
            (*IN_SOURCES, trace("inc/python:pip_install", "pip"), "ERROR: Max retries exceeded with url: /simple/x"),
            Outcome.NODE_FAILURE,
            "what the job needs could not be downloaded",
        ),
        (
            (
                *IN_SOURCES,
                trace("lib/x:y", "z"),
                "The /opt/stack/glance project was not found; if this is a gate job, add",
            ),
            Outcome.CONFIG_ERROR,
            "devstack needs the repository glance, which is none of the job",
        ),
        (("WARNING: this script has not been tested on sid",), Outcome.CONFIG_ERROR, "the node's system (sid)"),
        (
            (*IN_SOURCES, trace("inc/python:pip_install", "pip"), "ERROR: No matching distribution found for x==9"),
            Outcome.CONFIG_ERROR,
            "a tree could not be installed",
        ),
        (
            (
                *STARTING,
                trace("lib/keystone:start_keystone", "die 515 'keystone did not start'"),
                "[ERROR] /opt/stack/devstack/lib/keystone:515 keystone did not start",
            ),
            Outcome.FAILURE,
            "at Starting Keystone, /opt/stack/devstack/lib/keystone: keystone did not start",
        ),
    ],
)
def test_where_and_how_it_ends_says_whose_fault_it_is(lines: tuple[str, ...], outcome: Outcome, words: str) -> None:
    found = verdict(*lines)
    assert (found[0], words in found[1]) == (outcome, True), found


def test_a_service_that_is_not_reached_is_no_network_that_fails() -> None:
    """A change that keeps keystone from starting is not the machinery's fault."""
    lines = (
        *STARTING,
        trace("functions-common:get_or_create_user", "openstack user create x", "+++"),
        "Unable to establish connection: Max retries exceeded with url: /identity",
        f"curl: (7) Failed to connect to {ADDRESS} port 80",
    )
    assert verdict(*lines)[0] is Outcome.FAILURE
    fetching = (*lines[:3], trace("inc/python:pip_install", "pip"), f"Failed to connect to {ADDRESS} port 80")
    assert verdict(*fetching)[0] is Outcome.FAILURE
    other = (*lines[:3], trace("inc/python:pip_install", "pip"), "Failed to connect to 192.0.2.1 port 443")
    assert verdict(*other)[0] is Outcome.NODE_FAILURE


def test_what_was_overcome_long_before_the_end_says_nothing() -> None:
    early = (trace("inc/python:pip_install", "pip"), "Max retries exceeded with url: /simple/x")
    rest = tuple(f"line {number}" for number in range(60))
    lines = (*IN_SOURCES, *early, *rest, trace("inc/python:pip_install", "pip"), "ValueError: what")
    assert verdict(*lines)[0] is Outcome.FAILURE


def test_what_it_says_while_it_clears_up_is_not_its_end() -> None:
    lines = (
        *STARTING,
        trace("lib/keystone:bootstrap_keystone", "keystone-manage bootstrap"),
        "KeyError: 'admin'",
        trace("./stack.sh:err_trap", "local r=1", "++"),
        "Error on exit",
        trace("tools/x:y", "echo"),
        "fatal: something else",
    )
    found = verdict(*lines)
    assert found == (
        Outcome.FAILURE,
        "stack.sh ended with status 1 at Starting Keystone, lib/keystone:bootstrap_keystone: KeyError: 'admin'",
    )


def test_a_change_to_devstack_itself_may_break_what_comes_before_the_trees() -> None:
    assert verdict("bash: syntax error", own=True)[0] is Outcome.FAILURE


def test_disk_memory_and_index() -> None:
    full = (*IN_SOURCES, "No space left on device")
    assert verdict(*full)[0] is Outcome.DISK_FULL
    assert verdict(*full, free=1 << 40)[0] is Outcome.FAILURE
    assert verdict(*STARTING, status=137) == (
        Outcome.NODE_FAILURE,
        "stack.sh was killed at Starting Keystone, ./stack.sh:main: the node's memory may be too small",
    )
    nothing = (*IN_SOURCES, trace("inc/python:pip_install", "pip"), "ERROR: No matching distribution found for x==9")
    assert verdict(*nothing, index=False)[0] is Outcome.NODE_FAILURE


def test_time_commits_and_tests() -> None:
    assert judged.out_of_time(heard(STARTING), 60) == (
        Outcome.TIMED_OUT,
        "the job took longer than its 60 s; stack.sh was at Starting Keystone",
    )
    assert judged.out_of_time(heard([heading(PACKAGES)]), 60)[0] is Outcome.NODE_FAILURE
    assert judged.other_commits({"a": "1"}, {"a": "1"}) is None
    moved = judged.other_commits({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    assert moved is not None
    assert (moved[0], "commit of b" in moved[1]) == (Outcome.CONFIG_ERROR, True)


def test_a_run_of_tempest_without_a_test_is_no_pass_and_no_fault() -> None:
    def of(outcome: Outcome, reason: str = "", **more: Any) -> judged.Verdict | None:
        return judged.without_tests(BuildResult("j", outcome, 1.0, reason=reason, **more), "keystone")

    nothing = (Outcome.CONFIG_ERROR, "tempest found no test that keystone names: nothing was tested")
    assert of(Outcome.SUCCESS) == nothing
    assert of(Outcome.FAILURE, "the regex matches no test (tempest run ended with status 1)") == nothing
    assert of(Outcome.FAILURE, "tempest run ended with status 100") is None
    assert of(Outcome.SUCCESS, tests=(TestResult("a.b", TestStatus.SUCCESS),)) is None
    assert of(Outcome.SUCCESS, never_ran=("a.b",)) is None
