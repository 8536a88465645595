"""A devstack job on a node that answers from a script: what is run, what is not, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gatelocal.builds import stacks
from gatelocal.errors import InfrastructureError
from gatelocal.executor.devstack.executor import DevstackExecutor, Setting
from gatelocal.jobs.devstack.renewal import Renewal
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome
from tests.fakes.node import Answer, ScriptedNode

SOURCES = {
    f"openstack/{name}": f"/home/node/src/h/openstack/{name}" for name in ("keystone", "devstack", "requirements")
}
LOOK = {"address": "10.0.2.100", "mtu": 1500, "cores": 2, "memory": 4096, "settings": []}
MASTER = Setting("master")
COMMITS = {"keystone": "a1", "devstack": "b2", "requirements": "c3"}


@dataclass
class Node(ScriptedNode):
    """It keeps what is put there."""

    conf: list[str] = field(default_factory=list)

    def put(self, local: Path, remote: str) -> None:
        self.conf.append((local / "local.conf").read_text())


@dataclass
class Script:
    """What the programs on the node answer."""

    look: dict[str, object] = field(default_factory=lambda: dict(LOOK))
    ready: dict[str, object] = field(default_factory=lambda: {"commits": COMMITS, "files": [], "failed": []})
    stack: Answer = field(default_factory=Answer)
    stands: dict[str, object] = field(default_factory=lambda: {"failed": []})
    renew: dict[str, object] = field(default_factory=lambda: {"uninstalled": [], "failed": []})

    def answer(self, argv: Sequence[str]) -> Answer:
        facts = {"look": self.look, "prepare": {"commits": COMMITS}, "ready": self.ready}
        facts |= {"stands": self.stands, "renew": self.renew}
        if "rev-parse" in argv:
            return Answer(lines=(COMMITS[argv[2].rpartition("/")[2]],))
        for name, told in facts.items():
            if name in argv:
                mark = next(word.partition("=")[2] for word in argv if word.startswith("--mark="))
                return Answer(lines=(f"gatelocal-facts {mark} {json.dumps(told)}",))
        return self.stack if "./stack.sh" in argv[-1] else Answer()


def job(**more: object) -> Job:
    variables = {"devstack_services": {"key": True, "mysql": True}, **more}
    required = ("openstack/devstack", "openstack/requirements")
    return Job("j", variables=variables, required_projects=required, family="devstack", timeout=600)


def run(
    tmp_path: Path,
    script: Script,
    wanted: Job | None = None,
    *,
    own: bool = True,
    setting: Setting = MASTER,
    given: Sequence[str] = tuple(SOURCES),
) -> tuple[BuildResult, Node]:
    node = Node(script.answer, disposable=own)
    executor = DevstackExecutor(lambda line: None, setting)
    sources = {name: SOURCES[name] for name in given}
    return executor.run(wanted or job(), "openstack/keystone", node, sources, tmp_path / "logs"), node


def programs(node: Node) -> list[str]:
    words = ("look", "prepare", "stands", "renew", "ready", "rev-parse")
    return [next((one for one in words if one in argv), argv[-1]) for argv, *_ in node.ran]


def test_a_job_without_tests_ends_when_everything_stands(tmp_path: Path) -> None:
    lines = ("+ ./stack.sh:main:1   :   echo_summary 'Starting Keystone'", "hello", "+ trace:x:1  :  true")
    result, node = run(tmp_path, Script(stack=Answer(lines=lines)))
    assert (result.outcome, result.reason, result.output) == (Outcome.SUCCESS, "", ())
    assert [one.id for one in result.deviations] == ["devstack-native"]
    assert 'HOST_IP="10.0.2.100"' in node.conf[0]
    stack = next(argv for argv, *_ in node.ran if "./stack.sh" in argv[-1])
    assert stack[:5] == ("sudo", "-n", "-u", "stack", "-H")
    assert (tmp_path / "logs/stack.txt").read_text().splitlines() == list(lines)
    told = (tmp_path / "logs/job-output.txt").read_text()
    assert "> [stack] Starting Keystone (" in told
    assert ("| hello" in told, "trace:x" in told) == (True, False)


def test_trees_go_where_devstack_expects_them(tmp_path: Path) -> None:
    _, node = run(tmp_path, Script())
    prepared = next(argv for argv, *_ in node.ran if "prepare" in argv)
    assert prepared[0] == "sudo"
    assert [word for word in prepared if word.startswith("--tree=")] == [
        f"--tree={name}=/home/node/src/h/openstack/{name}" for name in ("keystone", "devstack", "requirements")
    ]


def test_a_stack_that_fails_is_told_with_its_step_and_its_last_lines(tmp_path: Path) -> None:
    lines = (
        "+ ./stack.sh:main:1   :   echo_summary 'Installing OpenStack project source'",
        "+ lib/keystone:bootstrap_keystone:9   :   keystone-manage bootstrap",
        "KeyError: 'admin'",
        "Error on exit",
    )
    result, node = run(tmp_path, Script(stack=Answer(1, lines)))
    assert result.outcome is Outcome.FAILURE
    assert "lib/keystone:bootstrap_keystone: KeyError: 'admin'" in result.reason
    assert result.output == ("KeyError: 'admin'",)
    assert "ready" not in programs(node)
    assert result.invocation is not None
    assert (result.invocation.directory, result.invocation.environment) == (
        "/opt/stack/devstack",
        {"OS_CLOUD": "devstack-admin"},
    )


@pytest.mark.parametrize(
    ("script", "outcome", "reason"),
    [
        (Script(look={**LOOK, "memory": 1024}), Outcome.NODE_FAILURE, "want 1700 MiB, it has 1024"),
        (Script(stack=Answer(error=TimeoutError())), Outcome.NODE_FAILURE, "longer than its 600 s"),
        (
            Script(ready={"commits": {**COMMITS, "keystone": "x"}, "files": [], "failed": []}),
            Outcome.CONFIG_ERROR,
            "take another commit of keystone",
        ),
        (
            Script(ready={"commits": COMMITS, "files": [], "failed": ["devstack@keystone.service"]}),
            Outcome.FAILURE,
            "these services do not run: devstack@keystone.service",
        ),
        (Script(ready={}), Outcome.CONFIG_ERROR, "another commit"),
    ],
)
def test_what_else_can_be_wrong(tmp_path: Path, script: Script, outcome: Outcome, reason: str) -> None:
    result, node = run(tmp_path, script)
    assert (result.outcome, reason in result.reason) == (outcome, True), result.reason
    assert any("./stack.sh" in argv[-1] for argv, *_ in node.ran) == (script.look == LOOK)


def test_what_no_container_can_run_is_not_tried_there_and_blames_nobody(tmp_path: Path) -> None:
    wanted = job(devstack_services={"key": True, "s-proxy": True, "ovn-northd": True})
    wanted = replace(wanted, required_projects=(*wanted.required_projects, "openstack/swift"))
    sources = {**SOURCES, "openstack/swift": "/home/node/src/h/openstack/swift"}
    for container, outcome in ((True, Outcome.NODE_FAILURE), (False, Outcome.SUCCESS)):
        node = Node(Script(look={**LOOK, "container": container}).answer)
        result = DevstackExecutor(print, MASTER).run(
            wanted, "openstack/keystone", node, sources, tmp_path / outcome.value
        )
        assert result.outcome is outcome, result.reason
        assert ("which a container has not: ovn-northd, s-proxy" in result.reason) == container


def test_nothing_is_touched_on_a_machine_that_is_not_the_jobs_own_or_without_its_repositories(tmp_path: Path) -> None:
    result, node = run(tmp_path, Script(), own=False)
    assert (result.outcome, node.ran) == (Outcome.CONFIG_ERROR, [])
    wanted = job(devstack_services={"g-api": True})
    lacking, node = run(tmp_path / "b", Script(), wanted)
    assert (lacking.outcome, "the repository glance" in lacking.reason) == (Outcome.CONFIG_ERROR, True)
    assert programs(node) == ["look"]


def test_a_stack_that_stands_is_kept_once_it_is_known_to_be_good(tmp_path: Path) -> None:
    kept: list[dict[str, str]] = []

    def keep(commits: Mapping[str, str]) -> str:
        kept.append(dict(commits))
        return "stack-x"

    good, _ = run(tmp_path, Script(), setting=Setting("master", keep=keep))
    assert (good.outcome, kept) == (Outcome.SUCCESS, [COMMITS])
    assert "kept for the next run: stack-x" in (tmp_path / "logs/job-output.txt").read_text()
    bad, _ = run(tmp_path / "b", Script(stack=Answer(1)), setting=Setting("master", keep=keep))
    assert (bad.outcome is Outcome.SUCCESS, len(kept)) == (False, 1)

    def cannot(commits: Mapping[str, str]) -> str:
        raise InfrastructureError("no room")

    without, _ = run(tmp_path / "c", Script(), setting=Setting("master", keep=cannot))
    assert without.outcome is Outcome.SUCCESS


TODO = Renewal(trees=("keystone",), reinstall=("keystone",), units=("keystone*",))
WARM = Setting("master", TODO, "the stack of yesterday")


def test_a_warm_build_renews_what_differs_and_says_so(tmp_path: Path) -> None:
    result, node = run(tmp_path, Script(), setting=WARM, given=("openstack/keystone",))
    assert (result.outcome, [one.id for one in result.deviations]) == (
        Outcome.SUCCESS,
        ["devstack-native", "warm"],
    )
    assert "accelerated: begun warm, with the stack of yesterday; keystone put in its place" in str(
        result.deviations[1]
    )
    assert not any("./stack.sh" in argv[-1] or "prepare" in argv for argv, *_ in node.ran)
    looked = next(argv for argv, *_ in node.ran if "look" in argv)
    assert looked[-2:] == ("--tree=/opt/stack/devstack", "--tree=/opt/stack/requirements")
    renew = next(argv for argv, *_ in node.ran if "renew" in argv)
    assert renew[-4:] == (
        "--base=/opt/stack",
        "--tree=keystone=/home/node/src/h/openstack/keystone",
        "--reinstall=keystone",
        "--unit=keystone*",
    )


@pytest.mark.parametrize(
    ("script", "outcome", "reason"),
    [
        (Script(stands={"failed": ["devstack@keystone.service"]}), Outcome.NODE_FAILURE, "began with does not stand"),
        (Script(renew={"failed": ["devstack@keystone.service"]}), Outcome.FAILURE, "these services do not come up"),
        (Script(renew={"uninstalled": ["keystone"]}), Outcome.CONFIG_ERROR, "could not be installed: keystone"),
        (
            Script(ready={"commits": {**COMMITS, "keystone": "old"}, "files": [], "failed": []}),
            Outcome.CONFIG_ERROR,
            "another commit of keystone",
        ),
    ],
)
def test_what_can_be_wrong_with_a_warm_build(tmp_path: Path, script: Script, outcome: Outcome, reason: str) -> None:
    result, _ = run(tmp_path, script, setting=WARM)
    assert (result.outcome, reason in result.reason) == (outcome, True), result.reason


def test_that_the_stack_stands_is_told_once_it_does_and_the_next_try_takes_it_as_it_is(tmp_path: Path) -> None:
    told: list[str] = []

    def keep(commits: Mapping[str, str]) -> str:
        told.append("kept")
        return "stack-x"

    fresh = Setting("master", keep=keep, stood=lambda: told.append("stood"))
    run(tmp_path, Script(stack=Answer(1)), setting=fresh)
    assert told == []
    run(tmp_path / "b", Script(), setting=fresh)
    assert told == ["kept", "stood"]
    again = stacks.again(fresh)
    result, node = run(tmp_path / "c", Script(), setting=again)
    assert result.outcome is Outcome.SUCCESS and told[2:] == ["stood"]
    looked = next(argv for argv, *_ in node.ran if "look" in argv)
    assert all("=/opt/stack/" in word for word in looked[-3:]), "what was delivered has gone there"
    assert not any("./stack.sh" in argv[-1] for argv, *_ in node.ran)
