"""Which jobs of a plan can be started here, with their sum and what the others lack."""

from __future__ import annotations

from gatelocal.jobs.startable import startable, with_memory
from gatelocal.model.label import Host, Labels, Origin, Sizing
from gatelocal.model.plan import FrozenJob, Nodeset, NodeWanted, Plan, PlannedJob
from gatelocal.reporter.startable import table


def labels(*hosts: Host) -> Labels:
    return Labels("d", {"d": Origin("d", "bookworm")}, sizings=(Sizing(("big",), memory=16384),), hosts=hosts)


def job(name: str, *labels: str, lacks: str = "", rule: str = "matches", reason: str = "") -> PlannedJob:
    nodes = Nodeset("", tuple(NodeWanted((f"n{at}",), label) for at, label in enumerate(labels)))
    return PlannedJob(name, rule, reason, FrozenJob(name, nodesets=(nodes,)), lacks=lacks)


PLAN = Plan(
    "o/app",
    "master",
    "gate",
    None,
    (
        job("unit", "small"),
        job("wide", "big", "big"),
        job("publish", "small", lacks="it needs the secret s"),
        job("upload", "small", lacks="it needs the secret s"),
        job("docs", "small", rule="files", reason="no changed file matches files"),
        PlannedJob("gone", "undefined", "it is defined elsewhere"),
    ),
)


def test_each_job_that_runs_or_that_nobody_knows() -> None:
    assert [(one.name, one.lacks) for one in startable(with_memory(PLAN, labels(), 24.0))] == [
        ("unit", ""),
        ("wide", "its nodes want 32 GiB of memory, this machine has 24"),
        ("publish", "it needs the secret s"),
        ("upload", "it needs the secret s"),
        ("gone", "it is defined elsewhere"),
    ]
    assert not startable(with_memory(PLAN, labels(), 32.0))[1].lacks


def test_of_several_nodesets_the_smallest_counts_and_machines_of_the_users_take_nothing() -> None:
    both = FrozenJob("j", nodesets=(Nodeset("", (NodeWanted(("a",), "big"),)), Nodeset("", (NodeWanted(("a",), "x"),))))
    plan = Plan("o/app", "master", "gate", None, (PlannedJob("j", "matches", "", both),))
    assert not startable(with_memory(plan, labels(), 4.0))[0].lacks
    own = labels(Host("192.0.2.1", ("big",), ""))
    assert not startable(with_memory(PLAN, own, 4.0))[1].lacks


def test_the_table_has_the_sum_and_the_reasons_by_their_number() -> None:
    lines = table(PLAN, startable(with_memory(PLAN, labels(), 24.0)))
    assert lines[0] == "o/app master, pipeline gate"
    assert lines[2].split() == ["unit", "small", "yes"]
    assert lines[-4:] == [
        "1 of 5 jobs can be started here (20 %)",
        "  2 cannot: it needs the secret s",
        "  1 cannot: its nodes want 32 GiB of memory, this machine has 24",
        "  1 cannot: it is defined elsewhere",
    ]
    assert table(PLAN, ())[-1] == "0 of 0 jobs can be started here"


def test_a_devstack_wants_what_its_services_want_unless_the_table_says_how_large_the_node_is() -> None:
    variables = {"devstack_services": {"key": True, "mysql": True, "n-cpu": True, "q-svc": True, "c-vol": True}}

    def lacks(label: str, parent: str) -> str:
        nodes = (Nodeset("", (NodeWanted(("n",), label),)),)
        stack = FrozenJob("j", (parent,), nodesets=nodes, variables=variables)
        plan = Plan("o/app", "master", "gate", None, (PlannedJob("j", "matches", "", stack),))
        return startable(with_memory(plan, labels(), 5.0))[0].lacks

    assert lacks("small", "devstack-base") == "its nodes want 6 GiB of memory, this machine has 5"
    assert lacks("big", "devstack-base") == "its nodes want 16 GiB of memory, this machine has 5"
    assert not lacks("small", "base")
