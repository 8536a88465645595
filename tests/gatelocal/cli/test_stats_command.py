"""`gatelocal stats` over what others have left; nothing is run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatelocal.cli.main import gatelocal
from gatelocal.errors import InputError
from tests.fakes.zuul import zuul_web

GOOD = '<testsuite><testcase classname="a.T" name="x" time="2"/><testcase classname="a.T" name="y"/></testsuite>'
BAD = GOOD.replace('name="y"/>', 'name="y"><failure>no \x9b31m</failure></testcase>')


def said(*words: str) -> str:
    return CliRunner().invoke(gatelocal, ["stats", *words], catch_exceptions=False, standalone_mode=False).stdout


def test_results_of_elsewhere_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))
    assert said().splitlines()[0] == "0 builds in 7 days: none"
    for name, text in (("1", GOOD), ("2", BAD), ("2/deeper", GOOD.replace("2", "3"))):
        (tmp_path / "junit" / name).mkdir(parents=True)
        (tmp_path / "junit" / name / "junit.xml").write_text(text)
    asked = ("--import", str(tmp_path / "junit"), "--job", "unit", "--tree", "t")
    for _ in range(2):
        found = json.loads(said(*asked, "--json"))
    (job,) = found["jobs"]
    assert (job["job"], job["passes"]["count"], job["passes"]["of"], job["seconds"]) == ("unit", 2, 3, 2.5)
    assert job["passes"]["low"] < 2 / 3 < job["passes"]["high"]
    assert [(one["name"], one["count"], one["of"]) for one in found["races"]] == [("unit: a.T.y", 1, 3)]
    lines = said().splitlines()
    assert lines[0] == "3 builds in 7 days: 2 SUCCESS, 1 FAILURE"
    assert lines[3].split() == "unit 66.7% (20.8-93.9% of 3) - (of 0) 33.3% (6.1-79.2% of 3) 2s".split()
    assert said("--job", "other").startswith("0 builds")
    said("--html", str(tmp_path / "page.html"))
    shown = (tmp_path / "page.html").read_text()
    assert "<h1>3 builds in 7 days: 2 SUCCESS, 1 FAILURE</h1>" in shown
    assert "<td>unit</td><td>66.7% (20.8-93.9% of 3)</td>" in shown
    assert "33.3% (6.1-79.2% of 3) unit: a.T.y" in shown


def test_a_zuul_is_read_and_no_password_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))
    with zuul_web() as web:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        ref = {"project": "acme/app", "branch": "master", "change": 5}
        one = {"uuid": "u", "job_name": "unit", "result": "SUCCESS", "start_time": now, "end_time": now, "ref": ref}
        web.says("builds?limit=200", [one])
        web.says("builds?skip=1&limit=200", [])
        url = f"http://somebody:secret-word@{web.url.removeprefix('http://')}/t/acme"
        found = CliRunner().invoke(gatelocal, ["stats", "--import", url], catch_exceptions=False, standalone_mode=False)
    assert "1 build of " in found.stderr
    assert "secret-word" not in found.output
    assert found.stdout.startswith("1 builds in 7 days: 1 SUCCESS")


@pytest.mark.parametrize(("days", "words"), [("nan", "no number"), ("0", "range"), ("181", "range"), ("x", "valid")])
def test_days_that_are_none_are_told(days: str, words: str) -> None:
    found = CliRunner().invoke(gatelocal, ["stats", "--days", days])
    assert found.exit_code == 2
    assert words in found.output


def test_a_folder_without_results_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATELOCAL_STATE", str(tmp_path / "state"))
    (tmp_path / "junit.xml").write_text("<html/>")
    with pytest.raises(InputError, match="no test results"):
        said("--import", str(tmp_path / "junit.xml"))
