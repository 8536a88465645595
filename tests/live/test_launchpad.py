"""launchpadlib itself against a Launchpad on this machine: what is told once stands there once, whatever goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("launchpadlib", reason="the extra `launchpad` has it; tools/test installs it")

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.model.record import replace
from gatelocal.model.tracked import ABANDONED, MERGED, UPLOADED, Told, Tracked
from gatelocal.reporter.launchpad import door
from gatelocal.reporter.launchpad.carrying import Carrier
from gatelocal.reporter.launchpad.door import Door, NotLetIn
from tests.fakes.launchpad import CREDENTIALS, Launchpad, none, serving

pytestmark = pytest.mark.live
TOLD = Told(
    kind=UPLOADED,
    project="openstack/nova",
    branch="master",
    number=5,
    patchset=1,
    commit="c0ffee",
    url="https://review.example.org/c/openstack/nova/+/5",
    server="https://review.example.org/",
    message="Mend it\n\nImplements: blueprint foo\nCloses-Bug: #1\n",
    topic="bp/foo",
    who="Ann",
    account=7,
    email="ann@example.org",
)
IDENTITY = "https://login.launchpad.net/+id/abc"


class Bench:
    """A Launchpad, and who carries to it. :ivar lines: what was said."""

    def __init__(self, launchpad: Launchpad, folder: Path) -> None:
        self.launchpad = launchpad
        self.credentials = folder / "credentials"
        self.credentials.write_text(CREDENTIALS)
        self.lines: list[str] = []
        self.identities: tuple[str, ...] = ("gerrit:ann", IDENTITY)
        self.known = Tracked(("nova",))
        self.door = Door(launchpad.url, self.credentials, timeout=1.5)

    def carry(self, told: Told, *, repeated: bool = False) -> None:
        who = Carrier(
            self.door, lambda _: self.known, ("master",), lambda _: self.identities, self.lines.append, settle=0.1
        )
        who.carry(told, repeated=repeated)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving() as launchpad:
        launchpad.bug(1, "nova", "nova/victoria")
        yield Bench(launchpad, tmp_path)


def test_a_change_from_its_upload_to_its_landing(bench: Bench) -> None:
    launchpad = bench.launchpad
    launchpad.people[IDENTITY] = "ann"
    launchpad.specifications["nova", "foo"] = {"name": "foo", "whiteboard": "Before\n"}
    bench.carry(TOLD)
    assert launchpad.status(1) == ["In Progress", "New"]
    assert launchpad.bugs[1]["tasks"][0]["assignee"] == f"{launchpad.root}~ann"
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]
    board = launchpad.specifications["nova", "foo"]["whiteboard"]
    assert board == (
        f"Before\n\nGerrit topic: https://review.example.org/q/topic:bp/foo\n\nAddressed by: {TOLD.url}\n    Mend it"
    )
    writes = len(launchpad.writes())
    bench.carry(replace(TOLD, patchset=2))
    assert len(launchpad.writes()) == writes, "nothing is new"
    bench.carry(replace(TOLD, kind=MERGED, who="Zuul"))
    assert launchpad.status(1) == ["Fix Released", "New"]
    assert launchpad.said(1)[1:] == ["Fix merged to nova (master)"]
    bench.carry(replace(TOLD, kind=MERGED, branch="stable/victoria"))
    bench.carry(replace(TOLD, kind=MERGED, branch="stable/wallaby"))
    bench.carry(replace(TOLD, kind=ABANDONED, reason="No use"))
    assert launchpad.status(1) == ["Fix Released", "Fix Committed"]
    assert launchpad.bugs[1]["tags"] == ["in-stable-wallaby"]
    assert launchpad.said(1)[-1] == "Change abandoned on nova (master)"
    assert bench.lines == []


def test_whoever_is_not_known_by_an_identity_is_by_mail_or_nobody(bench: Bench) -> None:
    bench.identities = ()
    bench.launchpad.people["ann@example.org"] = "ann-by-mail"
    bench.carry(TOLD)
    assert bench.launchpad.bugs[1]["tasks"][0]["assignee"] == f"{bench.launchpad.root}~ann-by-mail"
    bench.launchpad.bug(2, "nova")
    bench.carry(replace(TOLD, email="somebody@else", message="S\n\nCloses-Bug: #2"))
    assert bench.launchpad.bugs[2]["tasks"] == [{"target": "nova", "status": "In Progress", "assignee": None}]


def test_bugs_that_are_not_there_and_bugs_of_others_are_left_alone(bench: Bench) -> None:
    bench.launchpad.bug(2, "cinder")
    bench.carry(replace(TOLD, message="S\n\nCloses-Bug: #2\nCloses-Bug: #99\nImplements: bp nowhere\n"))
    bench.known = Tracked(())
    bench.carry(TOLD)
    bench.known = Tracked(("nova",), bugs=False, blueprints=False)
    bench.carry(TOLD)
    assert bench.launchpad.writes() == []
    assert bench.lines == []


@pytest.mark.parametrize("fault", ["cut", "late"])
def test_a_comment_whose_answer_is_lost_stands_once(bench: Bench, fault: str) -> None:
    launchpad = bench.launchpad
    launchpad.fault = lambda method, path: fault if method == "POST" else None
    with pytest.raises(InfrastructureError, match="Launchpad"):
        bench.carry(TOLD)
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]
    posts = [one for one in launchpad.writes() if one[0] == "POST"]
    assert len(posts) == 1, "the client itself sends nothing again"
    launchpad.fault = none
    bench.carry(TOLD, repeated=True)
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]


def test_a_comment_that_comes_late_is_waited_for(bench: Bench) -> None:
    launchpad = bench.launchpad
    kept = launchpad.bugs[1]["messages"]

    def late() -> None:
        time.sleep(0.05)
        kept.append(("Fix proposed to nova (master)", f"Fix proposed to branch: master\nReview: {TOLD.url}"))

    began = threading.Event()

    def fault(method: str, path: str) -> None:
        if path.endswith("/messages") and not began.is_set():
            began.set()
            threading.Thread(target=late).start()

    launchpad.fault = fault
    bench.carry(TOLD, repeated=True)
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]


def test_a_comment_is_found_among_many(bench: Bench) -> None:
    launchpad = bench.launchpad
    launchpad.page = 10
    launchpad.bugs[1]["messages"] += [(f"Another {at}", "words") for at in range(400)]
    bench.carry(TOLD)
    bench.carry(TOLD, repeated=True)
    assert launchpad.said(1).count("Fix proposed to nova (master)") == 1


def test_what_others_have_changed_meanwhile_is_looked_at_again(bench: Bench) -> None:
    launchpad = bench.launchpad
    task = launchpad.bugs[1]["tasks"][0]
    met: list[str] = []

    def fault(method: str, path: str) -> None:
        if method == "PATCH" and not met:
            met.append(path)
            task["status"] = "Fix Released"

    launchpad.fault = fault
    bench.carry(TOLD)
    assert task["status"] == "Fix Released", "what another has set is not overwritten"
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]
    launchpad.bug(2, "nova")
    launchpad.fault = lambda method, path: 412 if method == "PATCH" else None
    with pytest.raises(InfrastructureError, match="changed by others"):
        bench.carry(replace(TOLD, message="S\n\nCloses-Bug: #2"))


@pytest.mark.parametrize("fault", [401, 429, 500, 502, 503, "mute", "html"])
def test_without_an_answer_it_is_tried_again_and_no_secret_is_told(bench: Bench, fault: int | str) -> None:
    launchpad = bench.launchpad
    launchpad.fault = lambda method, path: fault
    began = time.monotonic()
    with pytest.raises(InfrastructureError) as met:
        bench.carry(TOLD)
    assert time.monotonic() - began < 10, "the client does not wait for minutes"
    told = f"{met.value.brief} {met.value.details} {met.value.hint} {met.value!r} {met.value.__cause__}"
    assert "secret" not in told.lower()
    assert met.value.__suppress_context__
    launchpad.fault = none
    bench.carry(TOLD, repeated=True)
    assert launchpad.status(1) == ["In Progress", "New"]
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]


def test_nobody_there(tmp_path: Path) -> None:
    with serving() as launchpad:
        bench = Bench(launchpad, tmp_path)
    with pytest.raises(InfrastructureError, match="Launchpad gives no answer: Connection refused"):
        bench.carry(TOLD)


def test_what_may_not_be_done_is_told_and_all_else_goes_on(bench: Bench) -> None:
    launchpad = bench.launchpad
    launchpad.fault = lambda method, path: 400 if method == "PATCH" else None
    bench.carry(TOLD)
    assert bench.lines == ["bug 1: its status is left as it is: Launchpad answers 400"]
    assert launchpad.said(1) == ["Fix proposed to nova (master)"]
    launchpad.bug(2, "nova")
    launchpad.fault = lambda method, path: 401 if method == "PATCH" else None
    with pytest.raises(NotLetIn):
        bench.carry(replace(TOLD, message="S\n\nCloses-Bug: #2"))
    assert launchpad.said(2) == ["Fix proposed to nova (master)"], "what is said does not wait for that"


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[1]\naccess_secret = secret-word\n", "has no credentials for Launchpad"),
        ("secret-word", "has no credentials for Launchpad"),
        ("[1]\nsecret-word\n", "has no credentials for Launchpad"),
        (b"\xff\xfe", "has no credentials for Launchpad"),
    ],
)
def test_credentials_that_are_none_are_told_without_them(tmp_path: Path, text: str | bytes | None, brief: str) -> None:
    path = tmp_path / "credentials"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as met:
        door.check(path)
    assert met.value.brief == f"{path} {brief}"
    assert "secret-word" not in f"{met.value.brief}{met.value.details}{met.value.hint}"
