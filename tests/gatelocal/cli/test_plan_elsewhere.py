"""`gatelocal plan` beside a running Zuul and a queue: answers of zuul-web 14.3 for the contract's example.

zuul_answers.json holds what that version's own functions make of the example's repositories.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatelocal.cli.plan import plan
from gatelocal.errors import GateError
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer
from tests.fakes.zuul import Reply, ZuulWeb, zuul_web
from tests.gatelocal.cli.plan_world import ask, example_in, shown

pytestmark = pytest.mark.live  # more seconds than the fast suite has

ANSWERS = json.loads((Path(__file__).parent / "zuul_answers.json").read_text())
WHERE = "pipeline/gate/project/acme/app/branch/master"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that ask for acme/app."""
    return ["--config", str(example_in(tmp_path_factory.mktemp("example"))), "--project", "acme/app"]


@pytest.fixture
def web() -> Iterator[ZuulWeb]:
    with zuul_web() as server:
        yield server


def answers() -> dict[str, Any]:
    return copy.deepcopy(ANSWERS)


def test_a_zuul_that_reads_the_same_configuration_agrees(example: list[str], web: ZuulWeb) -> None:
    web.freezes(WHERE, ANSWERS["listed"], ANSWERS["frozen"])
    _, found = ask(*example, "--files", "doc/x", "--from-zuul", web.url)
    assert found["second_opinion"] == {"url": f"{web.url}/api/tenant/acme", "agreed": 8, "differences": []}
    assert "agrees on all 8 jobs" in shown(*example, "--from-zuul", f"{web.url}/t/acme")


def test_differences_are_told_job_by_job_and_attribute_by_attribute(example: list[str], web: ZuulWeb) -> None:
    said = answers()
    unit, cluster, package = (said["frozen"][name] for name in ("unit-py311", "app-cluster", "package"))
    unit["timeout"] = 7
    unit["vars"]["environment"]["LANG"] = "C"
    unit["nodeset"]["nodes"][0]["label"] = "debian-13"
    cluster["post_playbooks"].pop(0)
    cluster["projects"][0]["override_checkout"] = "v1"
    cluster["zuul"]["voting"] = False
    package["playbooks"][0]["secrets"]["token"] = "REDACTED"
    said["listed"] = [one for one in said["listed"] if one["name"] != "whitespace"]
    said["listed"][1]["dependencies"] = [{"name": "unit-py311", "soft": True}]
    said["listed"].append({"name": "new", "dependencies": []})
    web.freezes(WHERE, said["listed"], said["frozen"])
    _, found = ask(*example, "--from-zuul", web.url)
    told = {
        (one["job"], one["attribute"]): (one["here"], one["zuul"]) for one in found["second_opinion"]["differences"]
    }
    assert set(told) == {
        ("unit-py311", "timeout"),
        ("unit-py311", "vars.environment"),
        ("unit-py311", "nodeset.nodes"),
        ("unit-py313", "dependencies"),
        ("app-cluster", "post_run"),
        ("app-cluster", "required_projects.opendev.org/acme/constraints"),
        ("app-cluster", "voting"),
        ("package", "secrets"),
        ("whitespace", None),
        ("new", None),
    }
    assert told["unit-py311", "timeout"] == (1800, 7)
    assert told["unit-py313", "dependencies"] == ([], [["unit-py311", True]])
    assert told["new", None] == ("(not there)", "runs")
    assert found["second_opinion"]["agreed"] == 3
    assert "unit-py311: timeout: here 1800, there 7" in shown(*example, "--from-zuul", web.url)
    assert not any("new" in asked for asked in web.asked), "a job that we do not have is not asked for"


@pytest.mark.parametrize(
    ("reply", "status"),
    [(Reply(b"<html>", kind="text/html"), 6), (Reply(b"gone", 404), 2), (Reply(b"{}", 500), 6), (Reply(b"[3]"), 6)],
)
def test_no_second_opinion_is_an_error_with_a_status_of_its_own(
    example: list[str], web: ZuulWeb, reply: Reply, status: int
) -> None:
    web.gives(f"{WHERE}/freeze-jobs", reply)
    done = CliRunner().invoke(plan, [*example, "--from-zuul", web.url], standalone_mode=False)
    assert isinstance(done.exception, GateError)
    assert done.exception.exit_code == status


def item(name: str, ahead: str | None, *refs: tuple[str, str], failing: bool = False) -> dict[str, object]:
    """One item of a status, as QueueItem.formatJSON writes it."""
    told = [
        {"id": one, "project": project, "url": f"https://r/{one}", "ref": "", "owner": None} for one, project in refs
    ]
    reasons = ["at least one job failed"] if failing else []
    return {"id": name, "item_ahead": ahead, "refs": told, "failing_reasons": reasons, "live": True, "active": True}


STATUS = {
    "pipelines": [
        {
            "name": "check",
            "manager": "independent",
            "change_queues": [{"name": "product", "branch": None, "heads": []}],
        },
        {
            "name": "gate",
            "manager": "dependent",
            "change_queues": [
                {"name": "other", "branch": None, "heads": [[item("x", None, ("9,1", "acme/other"))]]},
                {
                    "name": "product",
                    "branch": None,
                    "window": 20,
                    "heads": [
                        [
                            item("a", None, ("1,2", "acme/jobs")),
                            item("b", "a", ("2,1", "acme/app"), ("3,1", "acme/lib")),
                            item("d", "b", ("5,1", "acme/app")),
                        ],
                        [item("c", "a", ("4,1", "acme/app"), failing=True)],
                    ],
                },
            ],
        },
    ]
}


def test_what_is_queued_ahead(example: list[str], web: ZuulWeb, tmp_path: Path) -> None:
    web.says("status", STATUS)
    _, found = ask(*example, "--queue", web.url)
    wanted = [("1,2", "acme/jobs"), ("2,1", "acme/app"), ("3,1", "acme/lib"), ("5,1", "acme/app")]
    assert [(one["change"], one["project"]) for one in found["ahead"]] == wanted
    file = tmp_path / "status.json"
    file.write_text(json.dumps(STATUS))
    lines = shown(*example, "--queue", str(file)).splitlines()
    start = lines.index("queued ahead:")
    assert lines[start + 1] == "  1,2 acme/jobs https://r/1,2  (not merged here)"
    assert ask(*example, "--pipeline", "check", "--queue", str(file))[1]["ahead"] == []


def gate_of(queue: str) -> str:
    """A status with this one queue."""
    return f'{{"pipelines": [{{"name": "gate", "manager": "dependent", "change_queues": [{queue}]}}]}}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no status"),
        ("{}", "no list of pipelines"),
        ('{"pipelines": [{"name": "check"}]}', "no pipeline gate"),
        ('{"pipelines": [null]}', "pipelines of it: no list of objects"),
        ('{"pipelines": [{"name": "gate"}]}', "pipeline gate has no list of change queues"),
        (gate_of('{"name": "x"}'), "a queue has no list of heads"),
        (gate_of('{"name": "x", "heads": [3]}'), "a queue's head: no list of objects"),
        (gate_of('{"name": "x", "heads": [["garbage"]]}'), "a queue's head: no list of objects"),
        (gate_of('{"name": "x", "heads": [[{"id": "2,1", "item_ahead": null}]]}'), "item 2,1 has no list of refs"),
        (gate_of('{"name": "x", "heads": [[{"id": "a", "refs": []}]]}'), "item a has no id or no changes"),
        (gate_of('{"name": "x", "heads": [[{"refs": [{"id": "2,1"}]}]]}'), "has no id or no changes"),
    ],
)
def test_a_queue_that_is_none(example: list[str], tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "status.json"
    if text is not None:
        file.write_text(text)
    done = CliRunner().invoke(plan, [*example, "--queue", str(file)], standalone_mode=False)
    assert message in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 2


def test_both_need_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = GitServer(tmp_path)
    server.create("app", {".zuul.yaml": "- project: {gate: {jobs: [noop]}}\n"})
    Runner(tmp_path).run("clone", "-q", str(server.path("app")), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    for option in ("--queue", "--from-zuul"):
        done = CliRunner().invoke(plan, [option, "http://127.0.0.1:1/t/x"], standalone_mode=False)
        assert "need --config" in str(done.exception)


def test_minutes_are_learned_from_our_own_builds(example: list[str], tmp_path: Path) -> None:
    def line(job: str, seconds: float, outcome: str = "SUCCESS", project: str = "acme/app") -> str:
        return json.dumps({"job": job, "project": project, "branch": "master", "outcome": outcome, "seconds": seconds})

    before = {one["name"]: one.get("predicted") for one in ask(*example)[1]["jobs"]}
    history = tmp_path / "state" / "history.jsonl"
    history.parent.mkdir()
    lines = [line("app-cluster", 60), "no json", line("app-cluster", 125), line("unit-py311", 7200), line("package", 5)]
    lines += [line("app-cluster", 130), line("app-cluster", 3, "FAILURE"), line("unit-py313", 61, project="x/y")]
    history.write_text("\n".join(lines) + "\n")
    _, found = ask(*example)
    after = {one["name"]: one.get("predicted") for one in found["jobs"]}
    assert (after["app-cluster"]["minutes"], after["app-cluster"]["from_builds"]) == (3, 3)
    assert after["app-cluster"]["vm_hours"] == 0.1, "two machines"
    assert after["unit-py311"]["minutes"] == 30, "never more than its time limit"
    assert after["unit-py313"]["minutes"] == 2, "another project's builds are better than a guess"
    assert after["whitespace"] == before["whitespace"]
    order = found["proposed_order"]
    assert order.index("package") < order.index("app-cluster") < order.index("app-cluster-minimal")
    assert "minutes of 4 of them are what they took here, the others (~) a guess by their kind" in shown(*example)
    one = shown(*example, "--job", "app-cluster")
    assert "minutes of 1 of them are what they took here\n" in f"{one}\n" and "the others" not in one
