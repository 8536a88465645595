"""What a real Gerrit does where good guesses are wrong, and what the daemon's parts make of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.builds import order as orders
from gatelocal.builds.folder import RESULT, Final
from gatelocal.config import gate_file
from gatelocal.engine.work import Merged, Preparation
from gatelocal.model.change import Change
from gatelocal.model.facts import Ref
from gatelocal.model.merged import DEFAULT_MODE, MergedChange, SpeculativeState
from gatelocal.model.result import BuildResult, Outcome
from gatelocal.model.returned import Remark, Returned
from gatelocal.pipeline.actions import Report, Submit
from gatelocal.pipeline.events import ChangeEvent, Event, RefUpdated, ServerRead, Submitted
from gatelocal.server.landing import OTHER, Landing, Order
from gatelocal.server.site import Site, site
from gatelocal.server.telling import Teller
from gatelocal.server.watcher import Following, Watcher
from gatelocal.source.mirror import Account, Mirror
from gatelocal.source.stream import Hint, Stream
from gatelocal.store.builds import BuildRecord, Builds
from git_review.gerrit.address import Remote
from git_review.gerrit.errors import Conflict
from tests.live import gate_site
from tests.live.conftest import GerritProject
from tests.live.gate_site import Tenant, until

pytestmark = pytest.mark.live


@dataclass
class Desk:
    """The daemon's parts without a gate. :ivar said: what an operator would read."""

    where: Tenant
    site: Site
    said: list[str]

    def land(self, number: int, patchset: int = 1, *, late: bool = False, tip: str = "", tested: str = "") -> Submitted:
        """Submit a patchset. :param tip: where the gate believes the branch to be. :param tested: a commit."""
        ref = Ref(str(number), patchset)
        known = {(self.where.names[0], "master"): tip} if tip else {}
        return Landing(self.site).answer(
            Order(Submit(1, 1, ref, (ref,), "gate"), known, _prepared(number, tested), late)
        )


def _prepared(number: int, commit: str) -> Preparation | None:
    if not commit:
        return None
    change = Change("p", "master", commit, "x", number=number)
    step = MergedChange(change, DEFAULT_MODE, True, "x", "", commit)
    merged = Merged(SpeculativeState("run", (), (), (step,)))
    return Preparation(merged, "gate", (), {}, {}, None)  # type: ignore[arg-type]


@pytest.fixture
def desk(gerrit: GerritProject, tmp_path: Path) -> Desk:
    where = gate_site.tenant(gerrit.server, gerrit.client, tmp_path, count=1)
    said: list[str] = []
    return Desk(
        where, site(gate_file.load(where.config), {"GATELOCAL_CACHE": str(tmp_path / "cache")}, said.append), said
    )


def ready(desk: Desk, *numbers: int) -> None:
    """All votes that a submit needs, without a gate."""
    for number in numbers:
        desk.where.client.changes.review(number, labels={"Code-Review": 2, "Workflow": 1, "Verified": 2})


def test_what_lands_is_the_patchset_that_was_tested_and_nothing_else(desk: Desk) -> None:
    (a,) = desk.where.names
    number = desk.where.change(a, {"x": "1"}, "First")
    desk.where.change(a, {"x": "2"}, "First", change_id=desk.where.change_id(number))
    ready(desk, number)
    before = desk.where.tip(a)
    refused = desk.land(number)
    assert (refused.answer, refused.reason) == ("refused", "patchset 1 is not the current one")
    assert desk.where.tip(a) == before
    late = desk.land(number, 2, tip="0" * 40)
    assert (late.answer, desk.where.tip(a)) == ("late", before), "the branch is not where the gate believes it to be"
    assert desk.land(number, 2, late=True).answer == "late"
    assert desk.where.tip(a) == before
    landed = desk.land(number, 2, tip=before, tested=desk.where.commit(number))
    assert (landed.answer, landed.before, landed.tip) == ("ok", before, desk.where.tip(a))
    again = desk.land(number, 2, late=True)
    assert (again.answer, again.before, again.tip) == ("ok", before, landed.tip), "once more gives the first answer"
    assert desk.land(number, 2).answer == "merged", "nobody has asked for it before: somebody else has landed it"


@pytest.mark.parametrize("submit_type", ["REBASE_ALWAYS", "CHERRY_PICK", "MERGE_ALWAYS"])
def test_a_chain_lands_one_by_one_as_whatever_commits(desk: Desk, submit_type: str) -> None:
    (a,) = desk.where.names
    desk.where.client.projects.set_config(a, submit_type=submit_type)
    first = desk.where.change(a, {"x": "1"}, "First")
    second = desk.where.change(a, {"y": "1"}, "Second", on=desk.where.commit(first))
    desk.where.push(a, {"z": "1"}, "Meanwhile")
    ready(desk, first, second)
    before = desk.where.tip(a)
    one = desk.land(first)
    assert (one.answer, one.before, one.tip) == ("ok", before, desk.where.tip(a))
    two = desk.land(second)
    assert (two.answer, two.before, two.tip) == ("ok", one.tip, desk.where.tip(a))
    assert desk.land(first, late=True).tip == one.tip, "its own step, although the branch has gone on"


def test_another_tree_than_the_tested_one_is_seen(desk: Desk) -> None:
    (a,) = desk.where.names
    number = desk.where.change(a, {"x": "1"}, "First")
    ready(desk, number)
    landed = desk.land(number, tested=desk.where.tip(a))
    assert (landed.answer, landed.before) == ("ok", OTHER)
    assert any(line.startswith("ALARM: ") for line in desk.said)


def test_that_a_change_may_be_submitted_says_nothing_of_its_parents(desk: Desk) -> None:
    (a,) = desk.where.names
    first = desk.where.change(a, {"x": "1"}, "First")
    second = desk.where.change(a, {"y": "1"}, "Second", on=desk.where.commit(first))
    ready(desk, first, second)
    desk.where.client.changes.abandon(first)
    assert desk.where.client.changes.get(second, ("SUBMITTABLE",)).submittable is True
    assert desk.land(second).answer == "refused"
    with pytest.raises(Conflict):
        desk.where.client.changes.submit(second, desk.where.commit(second))


def test_votes_that_count_for_nothing_are_told_and_messages_are_posted_once(desk: Desk, tmp_path: Path) -> None:
    (a,) = desk.where.names
    number = desk.where.change(a, {"x": "1"}, "First")
    builds = Builds(f"sqlite:///{tmp_path / 'history.sqlite'}")
    teller = Teller(desk.site, builds, "ab12", "http://gate/")

    def tell(id: int, patchset: int = 1, *, repeated: bool = False, **votes: int) -> None:
        ref = Ref(str(number), patchset)
        report = Report(id, 0, ref, "gate", "start", "Starting gate jobs.", tuple(votes.items()))
        teller.tell(report, speaks=True, repeated=repeated)

    tell(1, Verified=1)
    assert desk.where.votes(number) == {"Verified": 1}
    tell(1, repeated=True, Verified=1)
    assert [one.tag for one in desk.where.messages(number)] == ["autogenerated:zuul:gate~ab12-1"]
    tell(2, Nowhere=1)
    assert "the server has dropped the votes on Nowhere" in desk.said[-1]
    tell(3, **{"Code-Review": 2})
    assert "are refused" in desk.said[-1]
    assert "(The vote was refused: " in desk.where.messages(number)[-1].text
    desk.where.change(a, {"x": "2"}, "First", change_id=desk.where.change_id(number))
    tell(4, Verified=2)
    assert "has a newer patchset: the votes on it do not count" in desk.said[-1]
    assert desk.where.votes(number) == {}
    assert len(desk.where.messages(number)) == 4
    builds.close()


def test_comments_on_lines_are_posted_and_one_that_is_refused_costs_no_verdict(desk: Desk, tmp_path: Path) -> None:
    (a,) = desk.where.names
    number = desk.where.change(a, {"x": "1\n2\n", "job.sh": "exit 0 # x\n"}, "First")
    builds = Builds(f"sqlite:///{tmp_path / 'history.sqlite'}")
    teller = Teller(desk.site, builds, "ab12", "http://gate/")

    def tell(id: int, *said: Remark) -> None:
        folder = tmp_path / str(id)
        folder.mkdir()
        result = BuildResult("unit", Outcome.FAILURE, 1.0, returned=Returned(remarks=said))
        orders.put(folder / RESULT, Final(result))
        words = ("unit", "unit", "check", a, str(number), 1, True, False, 1.0)
        builds.add(BuildRecord(id, id, 1, *words, folder=str(folder)))
        report = Report(id, id, Ref(str(number), 1), "check", "failure", "It failed:\n- unit FAILURE", ())
        teller.tell(report, speaks=True, repeated=False)

    tell(1, Remark("x", 2, "too \x1blong"), Remark("job.sh", 0, "all of it"), Remark("y", 1, "not of this change"))
    found = desk.where.client._transport.get(f"changes/{number}/comments")
    said = {
        path: [(one.get("line"), one["message"], one["unresolved"]) for one in all_] for path, all_ in found.items()
    }
    assert said == {"x": [(2, "unit: too long", False)], "job.sh": [(None, "unit: all of it", False)]}
    tell(2, Remark("x", -1, "where no line is"))
    texts = [one.text for one in desk.where.messages(number)]
    assert len(texts) == 2
    assert all("- unit http://gate/builds/" in text for text in texts)
    assert desk.said[-1].startswith(f"the comments on lines of change {number} are refused: ")
    builds.close()


@dataclass
class Watched:
    """A watcher that reads on hints of the real stream. :ivar told: what it tells."""

    where: Tenant
    watcher: Watcher
    stream: Stream
    told: queue.Queue[Event]

    def events(self, change: int, seconds: float = 6.0) -> list[ChangeEvent]:
        """What it tells of a change, until nothing more comes for so long."""
        found: list[ChangeEvent] = []
        while True:
            try:
                event = self.told.get(timeout=seconds)
            except queue.Empty:
                return found
            if isinstance(event, ChangeEvent) and event.facts.change == str(change):
                found.append(event)
                seconds = min(seconds, 3.0)


@pytest.fixture
def watched(desk: Desk) -> Iterator[Watched]:
    told: queue.Queue[Event] = queue.Queue()
    mirror = Mirror((desk.where.server.url,), Account(desk.site.reader().me()))
    following = Following(lambda: desk.where.names, 3600.0, None, lambda _: None)
    watcher = Watcher(desk.site.reader, mirror, following, told.put, desk.said.append)
    server = desk.site.file.gerrit
    assert server.ssh is not None
    remote = Remote("ssh", *server.ssh, server.username, "")
    stream = Stream(remote, server.ssh_options, watcher.wishes.hint, desk.said.append)
    for run in (watcher.run, stream.follow):
        threading.Thread(target=run, daemon=True).start()
    first = told.get(timeout=30)
    assert isinstance(first, ServerRead)
    until(lambda: watcher.read, "it has read")
    threading.Event().wait(3)  # the stream has no word for being open
    yield Watched(desk.where, watcher, stream, told)
    stream.close()
    watcher.close()


def test_each_thing_that_happens_to_a_change_is_told_once(watched: Watched) -> None:
    where, changes = watched.where, watched.where.client.changes
    (a,) = where.names
    number = where.change(a, {"x": "1"}, "First")
    assert [(one.kind, one.ref.patchset) for one in watched.events(number)] == [("patchset-created", 1)]
    changes.review(number, labels={"Code-Review": 2})
    changes.review(number, labels={"Code-Review": 2})
    (voted,) = watched.events(number)
    assert (voted.kind, voted.approvals) == ("comment-added", (("Code-Review", 2),)), "the same vote again is none"
    changes.tell(number, {"comments": {"/PATCHSET_LEVEL": [{"message": "recheck"}]}})
    (said,) = watched.events(number)
    assert (said.comment, said.approvals) == ("Patch Set 1:\n\nrecheck", ())
    changes.tell(number, {"labels": {"Code-Review": 0}})
    removed = watched.events(number)
    assert all(one.approvals == () for one in removed)
    facts = watched.watcher.mirror.facts(number)
    assert facts is not None
    assert (facts.votes, facts.missing) == ((), ("Code-Review", "Verified", "Workflow"))
    changes.tell(number, {"work_in_progress": True})
    changes.abandon(number)
    changes.restore(number)
    where.change(a, {"x": "2"}, "First", change_id=where.change_id(number))
    kinds = [(one.kind, one.ref.patchset) for one in watched.events(number)]
    assert kinds == [
        ("wip-state-changed", 1),
        ("change-abandoned", 1),
        ("change-restored", 1),
        ("patchset-created", 2),
    ]


def test_a_stream_that_is_cut_costs_time_alone(watched: Watched) -> None:
    (a,) = watched.where.names
    watched.stream.renew()
    number = watched.where.change(a, {"x": "1"}, "First")
    assert [one.kind for one in watched.events(number, 20.0)] == ["patchset-created"]
    watched.where.push(a, {"y": "1"})
    moved = None
    while not isinstance(moved, RefUpdated):
        moved = watched.told.get(timeout=20)
    assert (moved.tip, moved.ours, moved.facts.patchset) == (watched.where.tip(a), False, 2)
    watched.watcher.wishes.hint(Hint(gap=True))
    assert watched.events(number, 3.0) == []
