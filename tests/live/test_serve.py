"""The daemon as the gate of a real Gerrit: what lands, in which order, as which trees, and what is said."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from gatelocal.sandbox import seed
from tests.live import gate_site
from tests.live.browser import tab
from tests.live.conftest import GerritProject
from tests.live.gate_site import GATELOCAL, Gate, Tenant, landed, until

pytestmark = pytest.mark.live


@contextmanager
def running(tenant: Tenant) -> Iterator[Gate]:
    gate = gate_site.start(tenant)
    try:
        yield gate
    finally:
        if gate.process.poll() is None:
            gate.stop()


def tenant(gerrit: GerritProject, folder: Path, **options: object) -> Tenant:
    return gate_site.tenant(gerrit.server, gerrit.client, folder, **options)  # type: ignore[arg-type]


def good(gate: Gate) -> set[tuple[str, str]]:
    """(project, tree) of all that the gate has found good."""
    found = gate.get("/api/builds?pipeline=gate&result=SUCCESS&limit=500")["builds"]
    return {(p, tree) for one in found for p, branches in one["trees"].items() for tree in branches.values()}


def quiet(gate: Gate) -> bool:
    return not gate.items("gate") and not gate.items("check")


@pytest.mark.parametrize("submit_type", [None, "REBASE_ALWAYS", "CHERRY_PICK"])
def test_two_projects_in_one_queue(gerrit: GerritProject, tmp_path: Path, submit_type: str | None) -> None:
    where = tenant(gerrit, tmp_path, submit_type=submit_type)
    a, b = where.names
    where.push(a, {"shared": "one\n"}, "Shared")
    before = {name: len(where.line(name)) for name in where.names}
    with running(where) as gate:
        first = where.change(a, {"shared": "first\n"}, "First")
        second = where.change(b, {"b1": "1"}, f"Second\n\nDepends-On: {where.url(first)}")
        fails = where.change(a, {"job.sh": "exit 1\n"}, "Fails")
        conflicts = where.change(a, {"shared": "fourth\n"}, "Conflicts")
        fifth = where.change(b, {"b5": "1"}, "Fifth")
        anew = where.change(a, {"a6": "1", "job.sh": "sleep 60\n"}, "Anew")
        given_up = where.change(a, {"a7": "1"}, "Given up")
        every = [first, second, fails, conflicts, fifth, anew, given_up]
        where.approve(second, first, fails, conflicts, anew, given_up, fifth)

        def queued() -> set[int]:
            return {change["number"] for item in gate.items("gate") for change in item["changes"]}

        until(lambda: {anew, given_up} <= queued(), "the last ones are queued")
        gerrit.client.changes.abandon(given_up)
        where.change(a, {"a6": "2"}, "Anew", change_id=where.change_id(anew))
        until(lambda: not {anew, given_up} & queued(), "what is not wanted any more leaves")
        where.approve(anew)
        until(lambda: quiet(gate), "all is done", 480)

        assert landed(where, every) == [first, second, fifth, anew]
        for name in where.names:
            trees = where.line(name)[before[name] :]
            assert trees, name
            assert {(name, tree) for tree in trees} <= good(gate)
        votes = {number: where.votes(number).get("Verified") for number in every}
        assert {votes[number] for number in (first, second, fifth, anew)} == {2}
        assert votes[fails] in (-1, -2), "whichever of its two pipelines came last"
        said = {number: [one.text for one in where.messages(number) if ":gate~" in one.tag] for number in every}
        page = re.escape(gate.url)
        head = rf"Build succeeded \(gate pipeline\)\.\n{page}/changes/{first}\n"
        assert re.search(rf"{head}\n- unit {page}/builds/\d+ : SUCCESS in \d+s", said[first][-1])
        head = rf"Build failed \(gate pipeline\)\.\n{page}/changes/{fails}\n"
        assert re.search(rf"{head}(Tested on .*\n)?\n- unit {page}/builds/\d+ : FAILURE in", said[fails][-1])
        assert "Merge Failed.\n" in said[conflicts][-1]
        assert "it conflicts with" in said[conflicts][-1]
        assert not [text for text in said[given_up] if "Build " in text]
        _each_once(where, every)
        why = gate.get(f"/api/why/{fails}")["why"]
        assert [(one["pipeline"], one["reason"]) for one in why] == [("gate", "failed")]


def _each_once(where: Tenant, numbers: list[int]) -> None:
    """No message twice, and no verdict of a pipeline on a patchset twice."""
    for number in numbers:
        messages = where.messages(number)
        assert len({one.tag for one in messages}) == len(messages)
        verdicts = [
            (one.patchset, one.tag.partition("~")[0], found[0])
            for one in messages
            if (found := re.search(r"^(Build|Starting) \w+", one.text, re.MULTILINE)) is not None
        ]
        assert len(set(verdicts)) == len(verdicts), verdicts


def test_what_was_uploaded_and_approved_before_the_daemon_came(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    old = where.change(a, {"x": "1"}, "Old")
    ready = where.change(a, {"y": "1"}, "Ready")
    where.approve(ready)
    there = f"copies/{a}"  # a second remote that wants a password and has no such project yet
    copier = seed.create_user(gerrit.server, a.replace("/", "-"), groups=("Administrators",))
    (tmp_path / "word").write_text(copier.password)
    remote = {"url": f"{gerrit.server.url}a/copies/{{project}}", "username": copier.username, "password-file": "word"}
    where.configure(mirror=remote)
    with running(where) as gate:
        until(lambda: landed(where, [ready]), "what is approved lands")
        until(lambda: f"{a} is not copied" in gate.log.read_text(), "which waits for no copy")
        until(lambda: "gatelocal_copies_failing 3\n" in gate.text("/metrics"), "none of the projects is there")
        where.client.projects.create(there, create_empty_commit=False)
        until(lambda: where.branches(there).get("refs/heads/master") == where.tip(a), "the copy comes when it can")
        until(lambda: "gatelocal_copies_failing 2\n" in gate.text("/metrics"), "that one is")
        assert copier.password not in gate.log.read_text()
        assert where.messages(old) == [], "an upload from before is no news"
        gate.stop()
    late = where.change(a, {"z": "1"}, "Late")
    with running(where) as gate:
        until(lambda: where.votes(late).get("Verified") == 1, "what came while nobody was there is checked")
        assert where.messages(old) == []
        gerrit.client.changes.review(old, message="recheck")
        until(lambda: where.votes(old).get("Verified") == 1, "a recheck counts")


def test_a_bare_recheck_of_what_nobody_knows_is_answered_once(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names

    def hints(number: int) -> list[str]:
        return [one.text for one in where.seen(number).messages if one.tag.startswith("autogenerated:gatelocal:hint~")]

    where.configure(policy="classic")  # without a second build, which would tell more
    with running(where) as gate:
        number = where.change(a, {"job.sh": "echo ERROR: boom; exit 1\n"}, "Fails")
        until(lambda: where.votes(number).get("Verified") == -1, "it fails")
        (build,) = gate.get(f"/api/builds?change={number}")["builds"]
        found = gate.get(f"/api/builds/{build['id']}")["diagnosis"]
        assert (found["cause"], found["recheck"]) == ("unknown", False)
        assert "please look at it before a recheck" in gate.text(f"/builds/{build['id']}").lower()
        for _ in range(2):
            gerrit.client.changes.review(number, message="recheck")
        (text,) = until(lambda: hints(number), "a word is said")
        assert f"- unit {gate.url}/builds/{build['id']}\n  look at job-output.txt:" in text
        until(lambda: quiet(gate) and len(gate.get(f"/api/builds?change={number}")["builds"]) > 1, "it is tried again")
        time.sleep(2)
        assert len(hints(number)) == 1
        newest = gate.get(f"/api/builds?change={number}")["builds"][0]
        assert gate.get(f"/api/builds/{newest['id']}")["diagnosis"]["cause"] == "new and deterministic"
        gerrit.client.changes.review(number, message="recheck")
        until(lambda: quiet(gate) and len(gate.get(f"/api/builds?change={number}")["builds"]) > 2, "and again")
        assert len(hints(number)) == 1, "what is known needs no hint"


def test_an_end_leaves_builds_running_and_the_next_start_takes_them_up(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    marks = tmp_path / "marks"
    with running(where) as gate:
        slow = where.change(a, {"job.sh": f"echo began >> {marks}; sleep 6; echo ended >> {marks}\n"}, "Slow")
        until(marks.exists, "the job runs")
        second = subprocess.run(
            [*GATELOCAL, "serve", "--config", str(where.config)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 6, second.stderr
        assert "another daemon is at" in second.stderr
        began = time.monotonic()
        assert gate.stop() == 0
        assert time.monotonic() - began < 10
    with running(where) as gate:
        until(lambda: where.votes(slow).get("Verified") == 1, "the result counts")
        assert marks.read_text().split() == ["began", "ended"], "it was not run again"


def test_what_a_change_brings_decides_and_what_it_breaks_is_told(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    more = gate_site.OWN.replace("check: {jobs: [unit]}", "check: {jobs: [unit, more]}")
    more += "- job: {name: more, parent: unit}\n"
    with running(where) as gate:
        brings = where.change(a, {".zuul.yaml": more}, "Brings")
        breaks = where.change(a, {".zuul.yaml": f"{gate_site.OWN}- jib: {{name: x}}\n"}, "Breaks")
        lacks = where.change(a, {".zuul.yaml": more.replace("parent: unit", "parent: nowhere")}, "Lacks")
        until(lambda: where.votes(brings).get("Verified") == 1, "it is checked with its own job")
        jobs = {one["job"] for one in gate.get(f"/api/builds?change={brings}")["builds"]}
        assert jobs == {"unit", "more"}
        for number in (breaks, lacks):
            until(lambda number=number: where.votes(number).get("Verified") == -1, "it is refused")
            (told,) = [one.text for one in where.messages(number)]
            assert "Build failed (check pipeline)." in told
            assert "the configuration cannot be used" in told
        assert ".zuul.yaml:2" in where.messages(breaks)[0].text
        where.approve(brings)
        until(lambda: landed(where, [brings]), "it lands")
        after = where.change(a, {"x": "1"}, "After")
        until(lambda: where.votes(after).get("Verified") == 1, "checked")
        jobs = {one["job"] for one in gate.get(f"/api/builds?change={after}")["builds"]}
        assert jobs == {"unit", "more"}, "the configuration was read again"


def test_people_and_programs_are_answered(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names

    def made(*args: str) -> str:
        done = subprocess.run(
            [*GATELOCAL, *args, "--config", str(where.config)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    operator = made("token", "new", "ops", "--may", "read,operate", "--days", "1")
    reader = made("token", "new", "wall", "--may", "read")
    hostile = f"<script>alert(1)</script> \u202e{'x' * 3000}"
    with running(where) as gate:
        number = where.change(a, {"job.sh": "echo hello; sleep 4; echo done\n"}, hostile)
        assert gate.get("/api/health") == {"ok": True}
        build = until(
            lambda: next((b for b in gate.get("/api/builds")["builds"] if b["state"] == "running"), None), "it runs"
        )
        followed = gate.text(f"/api/builds/{build['id']}/log?follow=1")
        assert "hello" in followed
        assert "unit: SUCCESS" in followed
        ended = until(lambda: gate.get(f"/api/builds/{build['id']}")["result"], "it has ended")
        assert ended == "SUCCESS"
        assert f"{number}" in gate.text(f"/api/builds/{build['id']}/files/recipe.yaml")
        assert requests.get(f"{gate.url}/api/builds/{build['id']}/files/../../../secret", timeout=30).status_code == 404
        for path in ("/", f"/changes/{number}", f"/builds/{build['id']}"):
            page = gate.text(path)
            assert "<script>alert" not in page
            assert "\u202e" not in page
        assert "&lt;script&gt;" in gate.text(f"/changes/{number}")

        body = {"change": number, "pipeline": "gate"}
        assert gate.post("/api/enqueue", body)[0] == 401
        assert gate.post("/api/enqueue", body, "gl_wrong")[0] == 401
        assert gate.post("/api/enqueue", body, reader)[0] == 403
        assert gate.post("/api/enqueue", {"change": "x", "pipeline": "gate"}, operator)[0] == 400
        assert gate.post("/api/enqueue", {"change": number, "pipeline": "no"}, operator)[0] == 409
        assert gate.post("/api/enqueue", {"change": 999999, "pipeline": "gate"}, operator)[0] == 404
        status, told = gate.post("/api/enqueue", body, operator)
        assert status == 409
        assert told["error"]["message"].startswith("a vote is missing: Code-Review and Workflow")
        assert gate.post("/api/dequeue", {"change": number}, operator)[0] == 409
        assert gate.post("/api/hold", {"project": a, "job": "unit", "change": 0}, operator)[0] == 400
        assert requests.put(f"{gate.url}/api/enqueue", timeout=30).headers["Allow"] == "POST"
        where.client.changes.review(number, labels={"Code-Review": 2})
        assert made("pause", f"{where.queue}", "--token-file", _file(tmp_path, operator)) == "recorded"
        where.approve(number)
        (item,) = until(lambda: gate.items("gate"), "it is queued")
        assert item["why"] == f"queue {where.queue} is paused"
        assert made("why", str(number)) == f"gate: queue {where.queue} is paused"
        assert made("resume", where.queue, "--token-file", _file(tmp_path, operator)) == "recorded"
        until(lambda: landed(where, [number]), "it lands")
        assert gate.get("/openapi.json")["openapi"] == "3.1.0"
        assert "gatelocal_up 1\n" in gate.text("/metrics")
        assert operator not in gate.log.read_text()
        assert where.gate.password not in gate.log.read_text()


def test_the_page_shows_a_change_that_moves_through_the_queue(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    hostile = f"<script>alert(1)</script> \u202eevil\u2066 {'x' * 10_000}"
    with running(where) as gate, tab() as seen:
        page = seen.page
        page.goto(gate.url)
        check = page.get_by_role("region", name="pipeline check")
        assert check.get_by_text("Nothing waits here.").is_visible()
        number = where.change(a, {"job.sh": "echo hello; sleep 8; echo done\n"}, hostile)
        item = check.get_by_role("listitem").filter(has=page.get_by_role("link", name=f"{number},1"))
        item.get_by_role("row").filter(has_text="running").wait_for(timeout=60_000)
        text = f"{a}: <script>alert(1)</script> \\u202eevil\\u2066 xxx"
        assert text in item.inner_text(), "it is text, and its marks are seen"
        seen.narrow()
        item.get_by_role("link", name="unit").click()
        page.get_by_role("link", name="the log").click()
        until(lambda: (page.reload(), "hello" in page.inner_text("body"))[1], "the log is opened while it grows", 60)
        page.go_back()
        seen.narrow()
        page.goto(gate.url)
        check.get_by_text("Nothing waits here.").wait_for(timeout=60_000)
        page.goto(f"{gate.url}/changes/{number}")
        assert page.get_by_role("row").filter(has_text="SUCCESS").count() == 1
        assert text in page.inner_text("main")
        assert "\u202e" not in page.content()
        assert page.locator("script").count() == 0
        seen.narrow()


def test_gerrits_own_page_shows_the_builds_of_a_change(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    if requests.get(f"{gerrit.server.url}elements/gr-app.js", timeout=30).status_code != 200:
        pytest.skip("this Gerrit has no pages")
    admin = gerrit.server.admin
    with running(where) as gate, tab("gatelocal", gate.url) as seen:
        number = where.change(a, {"job.sh": "exit 1\n"}, "Bad")
        until(lambda: where.votes(number).get("Verified") == -1, "it is checked")
        installed = requests.put(
            f"{gerrit.server.url}a/plugins/gatelocal-checks.js",
            json={"url": f"{gate.url}/gerrit-checks.js"},
            auth=(admin.username, admin.password),
            timeout=30,
        )
        assert installed.status_code == 201, installed.text
        page = seen.page
        page.goto(f"{gerrit.server.url}c/{a}/+/{number}?tab=checks")
        page.get_by_text("unit (check)").first.wait_for(timeout=60_000)
        page.get_by_text("FAILURE").filter(visible=True).first.wait_for()
        builds = gate.get(f"/api/builds?change={number}")["builds"]
        newest = next(one["id"] for one in builds if not one["control"])
        assert page.locator(f'a[href="{gate.url}/api/builds/{newest}/log"]').count() >= 1
        other = requests.get(f"{gate.url}/api/builds", headers={"Origin": "http://elsewhere"}, timeout=30)
        assert "Access-Control-Allow-Origin" not in other.headers


def test_a_guest_votes_and_lands_nothing(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    where.configure(mode="third-party")
    with running(where) as gate:
        good = where.change(a, {"x": "1"}, "Good")
        bad = where.change(a, {"job.sh": "exit 1\n"}, "Bad")
        where.approve(good, bad)
        until(lambda: [one for one in where.messages(good) if "Build succeeded (gate" in one.text], "it is tested")
        until(lambda: [one for one in where.messages(bad) if "Build failed (gate" in one.text], "and so is this")
        until(lambda: quiet(gate), "all is done")
        assert landed(where, [good, bad]) == []
        assert (where.votes(good).get("Verified"), where.votes(bad).get("Verified")) == (1, -1)
        gerrit.client.changes.review(good, message="recheck")
        until(lambda: len([m for m in where.messages(good) if "Build succeeded (check" in m.text]) == 2, "once more")


def test_webhooks_tell_what_no_stream_tells(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    told = json.loads(where.config.read_text())["gerrit"]
    del told["ssh"]
    (tmp_path / "word").write_text("abcdefgh12345678\n")
    where.configure(**{"gerrit": {**told, "webhook-file": "word"}, "read-every": 3600})
    with running(where) as gate:
        number = where.change(a, {"x": "1"}, "Told by a webhook")
        event = {"type": "patchset-created", "change": {"number": number, "project": a}}
        assert requests.post(f"{gate.url}/webhooks/abcdefgh12345679", json=event, timeout=30).status_code == 404
        assert requests.post(f"{gate.url}/webhooks/abcdefgh12345678", data=b"\xff{", timeout=30).status_code == 204
        time.sleep(3)
        assert where.messages(number) == [], "nobody has told"
        assert requests.post(f"{gate.url}/webhooks/abcdefgh12345678", json=event, timeout=30).status_code == 204
        until(lambda: where.votes(number).get("Verified") == 1, "it is checked")
        assert "abcdefgh12345678" not in gate.log.read_text()


def test_a_cycle_lands_whole_or_not_at_all(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path)
    a, b = where.names
    before = {name: len(where.line(name)) for name in where.names}
    with running(where) as gate:
        first = where.change(a, {"c1": "1"}, "First of a cycle")
        second = where.change(b, {"c2": "1"}, f"Second of a cycle\n\nDepends-On: {where.url(first)}")
        where.change(
            a,
            {"c1": "1"},
            f"First of a cycle\n\nDepends-On: {where.url(second)}",
            change_id=where.change_id(first),
        )
        where.approve(first)
        time.sleep(3)
        assert landed(where, [first, second]) == [], "the other half is not approved"
        where.approve(second)
        until(lambda: len(landed(where, [first, second])) == 2, "both land")
        third = where.change(a, {"d1": "1"}, "Good half")
        fourth = where.change(b, {"job.sh": "exit 1\n"}, f"Bad half\n\nDepends-On: {where.url(third)}")
        where.change(a, {"d1": "1"}, f"Good half\n\nDepends-On: {where.url(fourth)}", change_id=where.change_id(third))
        where.approve(third, fourth)
        until(lambda: where.votes(third).get("Verified") == -2 and where.votes(fourth).get("Verified") == -2, "refused")
        until(lambda: quiet(gate), "all is done")
        assert landed(where, [third, fourth]) == []
        for name in where.names:
            trees = where.line(name)[before[name] :]
            assert trees, name
            assert {(name, tree) for tree in trees} <= good(gate)


def test_the_node_of_the_next_failing_build_is_kept_until_it_is_released(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    token = subprocess.run(
        [*GATELOCAL, "token", "new", "ops", "--may", "read,operate", "--config", str(where.config)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with running(where) as gate:
        assert gate.post("/api/hold", {"project": "nowhere", "job": "unit"}, token)[0] == 409
        assert gate.post("/api/hold", {"project": a, "job": 5}, token)[0] == 400
        begins = where.change(a, {"job.sh": "sleep 5; exit 1\n"}, "Begins before the wish")
        until(lambda: [b for b in gate.get("/api/builds")["builds"] if b["state"] == "running"], "it runs")
        (tmp_path / "token").write_text(token)
        options = ("--config", str(where.config), "--token-file", str(tmp_path / "token"))
        asked = subprocess.run([*GATELOCAL, "hold", a, "unit", *options], capture_output=True, text=True, check=True)
        assert asked.stdout == "recorded\n"
        later = where.change(a, {"job.sh": "sleep 5; exit 1\n"}, "Begins after it")
        for number in (begins, later):
            until(lambda number=number: where.votes(number).get("Verified") == -1, "it has failed")
        (held,) = until(lambda: _settled(gate), "one of the two is kept", 60)
        build = gate.get(f"/api/builds/{held['build']}")
        assert (build["result"], build["change"] in (begins, later)) == ("FAILURE", True)
        assert datetime.fromisoformat(held["until"]) > datetime.now(UTC)
        entered = subprocess.run(held["shell"], input="exit 7\n", text=True, capture_output=True, check=False)
        assert entered.returncode == 7, entered.stderr
        assert gate.post("/api/release", {"held": "nothing"}, token)[0] == 409
        subprocess.run([*GATELOCAL, "release", held["id"], *options], check=True)
        assert gate.get("/api/held") == []
        assert not list((where.state / "nodes").glob("*/"))


def _settled(gate: Gate) -> list[dict[str, object]]:
    """The kept nodes, when the one that was not meant is returned."""
    found = gate.get("/api/held")
    return found if len(found) == 1 else []


def test_a_pipeline_is_fed_by_its_timer(gerrit: GerritProject, tmp_path: Path) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    config = where.names[0].replace("/a", "/config")
    trigger = "trigger: {timer: [{time: '* * * * * */10'}]}"
    periodic = f"- pipeline: {{name: periodic, manager: independent, {trigger}}}\n"
    where.push(config, {"zuul.yaml": gate_site.PIPELINES + periodic}, "A timer")
    where.push(a, {".zuul.yaml": "- project: {queue: shared, periodic: {jobs: [unit]}}\n"}, "Takes part")
    with running(where) as gate:
        found = until(
            lambda: gate.get("/api/builds?pipeline=periodic&result=SUCCESS")["builds"], "the branch itself is tested"
        )
        assert (found[0]["project"], list(found[0]["commits"][a])) == (a, ["master"])
        assert found[0]["commits"][a]["master"] == where.tip(a)
        log = gate.log.read_text()
        assert "timer" not in log, "it is heard"


def test_tags_and_pushes_by_hand_are_tested_once_also_those_made_while_nobody_was_there(
    gerrit: GerritProject, tmp_path: Path
) -> None:
    where = tenant(gerrit, tmp_path, count=1)
    (a,) = where.names
    where.push(a, {"job.sh": "echo on=$(git symbolic-ref -q --short HEAD) at=$(git describe --tags --always).\n"})
    git = where.clone(a)

    def tag(*words: str) -> str:
        git.run("tag", *words, "origin/master")
        git.run("push", "-q", "origin", f"refs/tags/{words[-1]}")
        return git.query("rev-parse", f"{words[-1]}^{{commit}}").text

    def tested(pipeline: str) -> dict[str, dict[str, str]]:
        """What was tested, with its commit → the build; nothing was twice."""
        found = gate.get(f"/api/builds?pipeline={pipeline}&result=SUCCESS")["builds"]
        told = {f"{name} {commit}": one for one in found for name, commit in one["commits"][a].items()}
        assert len(told) == len(found)
        return told

    tag("old")
    with running(where) as gate:
        until(lambda: gate.get("/api/health")["ok"], "it follows the server")
        trigger = "trigger: {gerrit: [{event: ref-updated, ref: ^refs/tags/.*$}]}"
        release = f"- pipeline: {{name: release, manager: independent, {trigger}}}\n"
        where.push(a.replace("/a", "/config"), {"zuul.yaml": gate_site.PIPELINES + release}, "Tags")
        where.push(a, {".zuul.yaml": "- project: {release: {jobs: [unit]}, post: {jobs: [unit]}}\n"}, "Takes part")
        tip = where.tip(a)
        until(lambda: tested("post").get(f"master {tip}"), "a push that brings a job for pushes starts it", 60)
        until((where.state / "tags").exists, "the tags from before are known", 60)
        where.push(a, {"x": "2"}, "By hand")
        later = where.tip(a)
        pushed = until(lambda: tested("post").get(f"master {later}"), "and so does a later one", 60)
        assert "on=master at=old-" in gate.text(f"/api/builds/{pushed['id']}/log")
        commit = tag("1.0")
        first = until(lambda: tested("release").get(f"refs/tags/1.0 {commit}"), "the tag is tested", 60)
        assert "on= at=1.0." in gate.text(f"/api/builds/{first['id']}/log"), "what is checked out is the tag"
        gate.stop()
    both = {f"refs/tags/1.0 {commit}", f"refs/tags/2.0 {tag('-m', 'With words', '2.0')}"}
    with running(where) as gate:
        until(lambda: set(tested("release")) == both, "made while nobody was there")
        until(lambda: quiet(gate), "all is done")
        assert len(gate.get("/api/builds?pipeline=release")["builds"]) == 2


def _file(folder: Path, token: str) -> str:
    path = folder / "token"
    path.write_text(token)
    return str(path)
