"""A Zuul's history of builds, as its own server tells it: paged, cut, malformed, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatelocal.engine import zuul_builds
from gatelocal.engine.zuul_builds import Asked, take
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.seen import Seen
from gatelocal.store.known import Known
from tests.fakes.zuul import Reply, ZuulWeb, zuul_web

EVERYTHING = Asked("", "", 0.0)


def row(number: int, **values: Any) -> dict[str, Any]:
    """As Zuul 14 tells of a build."""
    hour, minute = divmod(number, 60)
    day, hour = divmod(hour, 24)
    when = f"2026-11-{20 + day}T{hour:02d}:{minute:02d}"
    return {
        "_id": number,
        "uuid": f"{number:032x}",
        "job_name": "unit",
        "result": "SUCCESS",
        "held": False,
        "execute_time": f"{when}:00",
        "start_time": f"{when}:01",
        "end_time": f"{when}:31",
        "duration": 30.0,
        "voting": True,
        "log_url": "https://logs.example.org/1/",
        "nodeset": "ubuntu-noble",
        "error_detail": None,
        "final": True,
        "artifacts": [],
        "provides": [],
        "ref": {
            "project": "acme/app",
            "branch": "master",
            "change": 5,
            "patchset": "2",
            "ref": "refs/changes/05/5/2",
            "oldrev": None,
            "newrev": None,
            "ref_url": "https://review.example.org/5",
        },
        "pipeline": "check",
        "event_id": "e",
        "event_timestamp": "2026-11-20T10:00:00",
        "queue_item_uuid": "q",
        "buildset": {"uuid": "s"},
        **values,
    }


class Zuul:
    """Answers as zuul-web's `builds` does. :ivar asked: the parameters of each request."""

    def __init__(self, web: ZuulWeb, rows: Sequence[dict[str, Any]], *, numbered: bool = True) -> None:
        self.rows = sorted(rows, key=lambda one: -one["_id"])
        self.numbered = numbered
        self.asked: list[dict[str, str]] = []
        web.reply = self.reply  # type: ignore[method-assign]

    def reply(self, path: str) -> Reply:
        parts = urlsplit(path)
        assert parts.path == "/api/tenant/acme/builds"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(asked)
        found = [one for one in self.rows if one["ref"]["project"] == asked.get("project", one["ref"]["project"])]
        if most := int(asked.get("idx_max", 0)):
            found = [one for one in found if one["_id"] <= most]
        skip = int(asked.get("skip", 0))
        page = found[skip : skip + int(asked["limit"])]
        if not self.numbered:
            page = [{name: value for name, value in one.items() if name != "_id"} for one in page]
        return Reply(json.dumps(page).encode())


@pytest.fixture
def web() -> Iterator[ZuulWeb]:
    with zuul_web() as found:
        yield found


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Known]:
    with closing(Known(f"sqlite:///{tmp_path / 'known.sqlite'}")) as found:
        yield found


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zuul_builds, "PAGE", 10)


def test_a_build_is_remembered_as_it_is_told(web: ZuulWeb, known: Known) -> None:
    branch = {**row(1)["ref"], "change": None, "branch": "stable"}
    Zuul(web, [row(1), row(2, result="FAILURE", voting=False, ref=branch)])
    assert take(f"{web.url}/t/acme", EVERYTHING, known).builds == 2
    first, second = known.builds()
    assert first == Seen(
        id=f"zuul/{web.url.removeprefix('http://')}/acme/{1:032x}",
        at=1795132891.0,
        project="acme/app",
        branch="master",
        job="unit",
        outcome="SUCCESS",
        change="acme/app 5",
        seconds=30.0,
        voting=True,
        node="ubuntu-noble",
    )
    assert (second.outcome, second.voting, second.alone, second.change) == ("FAILURE", False, True, "")
    assert second.branch == "stable"


@pytest.mark.parametrize("numbered", [True, False])
def test_all_pages_are_read_and_nothing_is_counted_twice(web: ZuulWeb, known: Known, numbered: bool) -> None:
    zuul = Zuul(web, [row(number) for number in range(1, 36)], numbered=numbered)
    for _ in range(2):
        assert take(f"{web.url}/t/acme", EVERYTHING, known).builds == 35
    assert len(known.builds()) == 35
    places = [one.get("idx_max") or one.get("skip", "") for one in zuul.asked[:5]]
    assert places == (["", "25", "15", "5", "0"] if numbered else ["", "10", "20", "30", "35"])


def test_builds_that_come_while_pages_are_read_move_none(web: ZuulWeb, known: Known) -> None:
    zuul = Zuul(web, [row(number) for number in range(1, 26)])
    told = zuul.reply

    def reply(path: str) -> Reply:
        found = told(path)
        zuul.rows.insert(0, row(100 + len(zuul.asked)))
        return found

    web.reply = reply  # type: ignore[method-assign]
    take(f"{web.url}/t/acme", EVERYTHING, known)
    found = {int(one.id[-32:], 16) for one in known.builds()}
    assert set(range(1, 26)) <= found


def test_no_more_is_read_than_what_is_wanted(web: ZuulWeb, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**row(1)["ref"], "project": "acme/other"}
    zuul = Zuul(web, [row(number) for number in range(1, 1000)] + [row(2000, ref=other)])
    since = 1795132800.0 + 15 * 3600
    found = take(f"{web.url}/api/tenant/acme", Asked("acme/app", "unit", since), known)
    assert zuul.asked[0] == {"project": "acme/app", "job_name": "unit", "limit": "10"}
    assert found.builds == 100
    assert all(one.at >= since for one in known.builds())
    assert len(zuul.asked) < 50, "six hours before that nothing is asked for any more"
    monkeypatch.setattr(zuul_builds, "MOST", 20)
    cut = take(f"{web.url}/t/acme", EVERYTHING, known)
    assert "only the newest 20 builds" in cut.notes[0]


def test_what_says_nothing_or_is_none_is_left_out(web: ZuulWeb, known: Known) -> None:
    odd: list[Any] = [
        row(1, result=None, end_time=None),
        row(2, result="ABORTED"),
        row(3, result="FAILURE", final=False),
        row(4, result="\x1b[31mFAILURE"),
        row(5, end_time="yesterday"),
        row(6, job_name=None),
        row(7, ref={"project": 7}),
        row(8, job_name="x" * 10_000),
        row(9, job_name="\ud800 \x1b[31mred", duration=float("inf"), nodeset=["a"]),
    ]
    Zuul(web, odd)
    found = take(f"{web.url}/t/acme", EVERYTHING, known)
    (one,) = known.builds()
    assert (one.job, one.seconds, one.node) == ("red", 0.0, "")
    assert found.notes == (f"5 of the builds of {web.url}/t/acme are told in a way that is not known, and left out",)


def test_the_shape_of_older_ones(web: ZuulWeb, known: Known) -> None:
    old = row(1)
    old |= old.pop("ref")
    del old["_id"]
    pages = [[old], []]
    web.reply = lambda path: Reply(json.dumps(pages.pop(0)).encode())  # type: ignore[method-assign]
    assert take(f"{web.url}/t/acme", EVERYTHING, known).builds == 1
    assert known.builds()[0].change == "acme/app 5"


def test_what_came_before_an_end_is_remembered(web: ZuulWeb, known: Known) -> None:
    zuul = Zuul(web, [row(number) for number in range(1, 36)])
    told = zuul.reply
    web.reply = lambda path: told(path) if len(zuul.asked) < 2 else Reply(b"no", 500)  # type: ignore[method-assign]
    with pytest.raises(InfrastructureError, match="could not say the history of builds") as met:
        take(f"{web.url}/t/acme", EVERYTHING, known)
    assert "20 builds were read before that" in met.value.details
    assert len(known.builds()) == 20


@pytest.mark.parametrize(
    ("reply", "kind", "brief"),
    [
        (Reply(b"{}"), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"[5]"), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"<html>", 200, "text/html"), InfrastructureError, "did not answer like a Zuul"),
        (Reply(b"{}", 401), InfrastructureError, "lets nobody ask"),
        (Reply(b"{}", 404), InputError, "does not know the history of builds"),
    ],
)
def test_an_answer_that_is_none_is_told(
    web: ZuulWeb, known: Known, reply: Reply, kind: type[Exception], brief: str
) -> None:
    web.reply = lambda path: reply  # type: ignore[method-assign]
    with pytest.raises(kind, match=brief):
        take(f"{web.url}/t/acme", EVERYTHING, known)


def test_an_address_without_a_tenant_is_refused(known: Known) -> None:
    with pytest.raises(InputError, match="which tenant"):
        take("http://127.0.0.1:9/", EVERYTHING, known)
