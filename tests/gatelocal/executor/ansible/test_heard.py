"""What a playbook's process has said → how the playbook ended, in one sentence; what a job hands back."""

from __future__ import annotations

from gatelocal.executor.ansible.heard import Heard
from gatelocal.executor.ansible.phases import End


def heard(*events: dict[str, object], lines: tuple[str, ...] = ()) -> Heard:
    found = Heard()
    for one in events:
        found.event({"op": "event", **one})
    for line in lines:
        found.line(line)
    return found


FAILED = {"kind": "failed", "task": "Build", "host": "primary", "words": "rc=2:\n  no rule to make target"}
LOST = {"kind": "unreachable", "task": "Build", "host": "primary", "words": "the node is gone"}


def test_a_failed_task_by_its_name_and_host() -> None:
    assert heard(FAILED).end(2, "run.yaml") == (
        End.FAILED,
        "run.yaml: the task Build failed on primary: rc=2: no rule to make target",
    )


def test_a_failure_that_was_rescued_or_ignored_is_none() -> None:
    assert heard(FAILED).end(0, "run.yaml") == (End.WELL, "")
    assert heard({**FAILED, "kind": "ignored"}).end(0, "run.yaml") == (End.WELL, "")


def test_a_lost_node_comes_before_what_has_failed() -> None:
    end, why = heard(FAILED, LOST).end(4, "run.yaml")
    assert (end, why) == (End.UNREACHABLE, "run.yaml: the node primary was lost at the task Build: the node is gone")


def test_what_no_container_has_is_the_nodes_lack() -> None:
    words = "non-zero return code: rc=32: mount: /home/zuul/xfs: failed to setup loop device for /home/zuul/img."
    end, why = heard({**FAILED, "words": words}).end(2, "pre.yaml")
    assert (end, "a machine has them (--node qemu)" in why) == (End.LACKING, True)


def test_the_status_alone_is_no_verdict() -> None:
    """Ansible has 4 for lost nodes and for playbooks that cannot be read."""
    error = ("ERROR! the role 'x' was not found in /a:/b", "", "The error appears to be in '/a/run.yaml': line 1")
    assert heard(lines=error).end(4, "run.yaml") == (End.FAILED, "run.yaml: the role 'x' was not found in /a:/b")
    assert heard().end(250, "run.yaml") == (End.FAILED, "run.yaml: ansible-playbook ended with status 250")


def test_what_was_refused_is_told_apart() -> None:
    words = "refused by the gate: it would run a program on this machine (connection local)"
    assert heard({**FAILED, "words": words}).end(2, "run.yaml")[0] is End.REFUSED
    assert heard(lines=(f"ERROR! {words}",)).end(1, "run.yaml")[0] is End.REFUSED


def test_where_it_is() -> None:
    assert heard({"kind": "task", "task": "One"}, {"kind": "task", "task": "Two"}).task == "Two"


def test_what_is_handed_back_is_merged() -> None:
    found = heard()
    found.event({"op": "return", "data": {"zuul": {"log_url": "u", "warnings": ["w"]}, "version": 1}})
    found.event({"op": "return", "data": {"zuul": {"child_jobs": []}}})
    assert found.returned == {"zuul": {"log_url": "u", "warnings": ["w"], "child_jobs": []}, "version": 1}
