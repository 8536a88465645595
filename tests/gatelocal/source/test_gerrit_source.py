"""The gate's view of a Gerrit: names, chains, Depends-On, and what a person is told when they lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatelocal.errors import CONFIGURATION, MACHINERY, USAGE, InfrastructureError, InputError, NotOfThisGate
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.ports import Source
from gatelocal.source.gerrit import GerritSource
from git_review.gerrit import Auth, connect
from tests.fakes.gerrit import FakeGerrit

ID = "I" + "0123456789" * 4


@pytest.fixture
def fake() -> Iterator[FakeGerrit]:
    with FakeGerrit() as server:
        yield server


@pytest.fixture
def source(fake: FakeGerrit) -> GerritSource:
    return GerritSource(connect(fake.url, retries=0), aliases=["https://review.example.org/r"])


def numbers(changes: tuple[Change, ...]) -> list[tuple[int | None, int | None]]:
    return [(change.number, change.patchset) for change in changes]


def test_a_change_has_all_that_the_gate_needs(fake: FakeGerrit, source: Source) -> None:
    uploaded = fake.upload("demo/app", f"Subject\n\nBody\n\nChange-Id: {ID}\n", branch="stable/1")
    assert source.change("1") == Change(
        project="demo/app",
        branch="stable/1",
        commit=uploaded.current.commit,
        message=f"Subject\n\nBody\n\nChange-Id: {ID}\n",
        status=ChangeStatus.NEW,
        change_id=ID,
        number=1,
        patchset=1,
        ref="refs/changes/01/1/1",
        url=f"{fake.url}/c/demo/app/+/1",
    )


def test_all_the_names_of_a_change(fake: FakeGerrit, source: Source) -> None:
    change = fake.upload("demo/app", f"Old\n\nChange-Id: {ID}\n")
    fake.upload("demo/app", f"New\n\nChange-Id: {ID}\n", change=change)
    current = ["1", f"{fake.url}/1", f"{fake.url}/c/demo/app/+/1", f"{fake.url}/#/c/1", ID, ID[:8]]
    current += ["demo/app~1", f"demo/app~main~{ID}", "https://review.example.org/r/c/demo/app/+/1"]
    assert {source.change(name).subject for name in current} == {"New"}
    old = ["1,1", "1/1", f"{fake.url}/c/demo/app/+/1/1", "refs/changes/01/1/1"]
    assert {(source.change(name).subject, source.change(name).ref) for name in old} == {("Old", "refs/changes/01/1/1")}


def test_one_run_sees_one_state(fake: FakeGerrit, source: Source) -> None:
    change = fake.upload("demo/app", "Subject\n")
    before = source.change("1")
    fake.upload("demo/app", "Subject\n\nmore\n", change=change)
    fake.requests.clear()
    assert source.change(f"{fake.url}/c/demo/app/+/1") == before
    assert fake.requests == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("99", "there is no such change"),
        ("1,9", "has no patchset 9"),
        ("demo/other~1", "there is no such change"),
        (ID, "there is no such change"),
        ("main", "names no change"),
        ("-1", "-1 looks like an option"),
        ("https://review.opendev.org/c/demo/app/+/1", "is on another server: https://review.opendev.org"),
    ],
)
def test_a_name_that_leads_nowhere(fake: FakeGerrit, source: Source, name: str, said: str) -> None:
    fake.upload("demo/app", "Subject\n")
    with pytest.raises(InputError) as caught:
        source.change(name)
    assert said in caught.value.brief and caught.value.exit_code == USAGE


def test_a_change_id_that_several_changes_have(fake: FakeGerrit, source: Source) -> None:
    fake.upload("demo/app", f"One\n\nChange-Id: {ID}\n")
    fake.upload("demo/lib", f"Two\n\nChange-Id: {ID}\n", branch="stable/1")
    with pytest.raises(InputError) as caught:
        source.change(ID)
    assert caught.value.details == "2: demo/lib, branch stable/1\n1: demo/app, branch main"


def test_parents_oldest_first(fake: FakeGerrit, source: Source) -> None:
    one = fake.upload("demo/app", "One\n")
    two = fake.upload("demo/app", "Two\n", onto=one)
    three = fake.upload("demo/app", "Three\n", onto=two)
    fake.upload("demo/app", "Four\n", onto=three)
    assert numbers(source.parents(source.change("3"))) == [(1, 1), (2, 1)]
    assert source.parents(source.change("1")) == ()
    one.status = "MERGED"
    assert [change.message for change in source.parents(source.change("4"))] == ["Two\n", "Three\n"]


def test_parents_of_an_older_patchset(fake: FakeGerrit, source: Source) -> None:
    one = fake.upload("demo/app", "One\n")
    two = fake.upload("demo/app", "Two\n", onto=one)
    fake.upload("demo/app", "Two alone\n", change=two)
    assert numbers(source.parents(source.change("2,1"))) == [(1, 1)]
    assert source.parents(source.change("2")) == ()


def test_a_parent_that_has_moved_on(fake: FakeGerrit, source: Source) -> None:
    one = fake.upload("demo/app", "One\n")
    fake.upload("demo/app", "Two\n", onto=one)
    fake.upload("demo/app", "One, better\n", change=one)
    with pytest.raises(InputError) as caught:
        source.parents(source.change("2"))
    assert "demo/app 2,1 stands on change 1,1 (One), whose current patchset is 2" in caught.value.brief
    assert "1,2" in caught.value.hint


def test_a_parent_that_is_abandoned(fake: FakeGerrit, source: Source) -> None:
    one = fake.upload("demo/app", "One\n")
    fake.upload("demo/app", "Two\n", onto=one)
    one.status = "ABANDONED"
    with pytest.raises(InputError, match=r"demo/app 2,1 stands on change 1,1 \(One\), which is abandoned"):
        source.parents(source.change("2"))


def test_a_local_commit_has_no_parents_here(source: Source) -> None:
    with pytest.raises(InputError):
        source.parents(Change("demo/app", "main", "0" * 40, "Subject\n"))


def test_depends_on_by_url(fake: FakeGerrit, source: Source) -> None:
    change = fake.upload("demo/lib", "One\n")
    fake.upload("demo/lib", "One, better\n", change=change)
    references = [f"{fake.url}/1", f"{fake.url}/c/demo/lib/+/1/1", f"{fake.url}/#/c/1  # see there", f"{fake.url}/1,1"]
    references += [
        "https://review.example.org/r/1",
        f"{fake.url}/1.",
        f"{fake.url}/c/demo/lib/+/1), too",
        f"{fake.url}/1abc",
    ]
    assert {numbers(source.dependencies(reference))[0] for reference in references} == {(1, 2)}


def test_depends_on_a_merged_change(fake: FakeGerrit, source: Source) -> None:
    fake.upload("demo/lib", "One\n").status = "MERGED"
    assert source.dependencies(f"{fake.url}/1")[0].status is ChangeStatus.MERGED


def test_depends_on_by_change_id_means_every_open_change(fake: FakeGerrit, source: Source) -> None:
    for project in ("demo/lib", "demo/more", "demo/old"):
        fake.upload(project, f"One\n\nChange-Id: {ID}\n")
    fake.changes[3].status = "ABANDONED"
    assert [change.project for change in source.dependencies(ID)] == ["demo/lib", "demo/more"]
    fake.changes[1].status = fake.changes[2].status = "MERGED"
    assert GerritSource(connect(fake.url)).dependencies(ID) == ()


def test_depends_on_an_abandoned_change(fake: FakeGerrit, source: Source) -> None:
    fake.upload("demo/lib", "One\n").status = "ABANDONED"
    with pytest.raises(InputError, match=r"names demo/lib 1,1, which is abandoned") as caught:
        source.dependencies(f"{fake.url}/1")
    assert not isinstance(caught.value, NotOfThisGate)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{url}/99", "{url} shows this account no change 99"),
        ("{url}/99999999999999999999999", "shows this account no change"),
        ("{url}/q/topic:one", "it names no change of {url}"),
        ("{url}/c/1", "it names no change of {url}"),
        ("{url}", "it names no change of {url}"),
        (ID, "shows this account no change with that Change-Id"),
        (f"{ID} # and more", "it leads nowhere"),
        ("I0123", "it leads nowhere"),
        ("1", "it leads nowhere"),
        ("N/A", "it leads nowhere"),
        ("#1", "it leads nowhere"),
        ("<{url}/1>", "it leads nowhere"),
        ("see {url}/1", "it leads nowhere"),
        ("https://[::1/1", "it leads nowhere"),
        ("https://review.opendev.org/1", "review.opendev.org is no server of this gate"),
        ("https://review.opendev.org/1\x1b[31m", "review.opendev.org is no server of this gate"),
        ("https://review.opendev.org:port/1", "review.opendev.org is no server of this gate"),
        ("https://github.com/o/p/pull/1", "github.com is no server of this gate"),
        ("https://review.example.org/1", "it names no change of https://review.example.org/r"),
        ("{url}0/1", "is no server of this gate"),
    ],
)
def test_what_zuul_passes_over(fake: FakeGerrit, source: Source, reference: str, said: str) -> None:
    fake.upload("demo/lib", "One\n")
    with pytest.raises(NotOfThisGate) as caught:
        source.dependencies(reference.format(url=fake.url))
    assert said.format(url=fake.url) in caught.value.brief


@pytest.mark.parametrize("trouble", ["401", "403", "429", "500", "html", "drop", "half"])
def test_trouble_with_the_server_says_nothing_about_the_change(fake: FakeGerrit, source: Source, trouble: str) -> None:
    fake.upload("demo/app", "Subject\n")
    fake.misbehave(trouble)
    with pytest.raises(InfrastructureError) as caught:
        source.change("1")
    assert caught.value.exit_code == MACHINERY and caught.value.hint


def test_a_wrong_password(fake: FakeGerrit) -> None:
    fake.upload("demo/app", "Subject\n")
    source = GerritSource(connect(fake.url, auth=Auth("admin", "wr0ng")))
    with pytest.raises(InfrastructureError, match="did not accept the user name and password") as caught:
        source.change("1")
    assert "wr0ng" not in caught.value.brief + caught.value.details
    assert caught.value.exit_code != CONFIGURATION
