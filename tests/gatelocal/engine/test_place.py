"""Which server, project and branch a run is about: remotes as people have them, with and without a Gerrit."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.engine.place import Place, find, of_recipe, on_server
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError
from git_review.git.runner import Runner

OPENDEV = "https://opendev.org/openstack/nova"
REVIEW = "[gerrit]\nhost=review.opendev.org\nport=29418\nproject=openstack/nova.git\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git = Runner(folder, alone=True)
    git.run("init", "-q", "--initial-branch=main")
    git.run("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "One")
    return folder


def place(work: Path, change: str = "HEAD", gerrit: str | None = None, **environment: str) -> Place:
    return find(GateRequest(change, directory=work, gerrit=gerrit), environment)


def add(work: Path, name: str, url: str) -> None:
    Runner(work).run("remote", "add", name, url)


def test_a_fresh_clone_of_a_mirror_has_its_changes_on_the_gerrit(work: Path) -> None:
    add(work, "origin", OPENDEV)
    (work / ".gitreview").write_text(REVIEW)
    found = place(work)
    assert (found.project, found.remote, found.gerrit) == ("openstack/nova", "origin", "https://review.opendev.org")
    assert found.url("openstack/neutron") == "https://opendev.org/openstack/neutron"
    assert found.changes_url("openstack/nova") == "https://review.opendev.org/openstack/nova"
    asked = place(work, "1234")
    assert asked.url("openstack/nova") == "https://review.opendev.org/openstack/nova"


def test_the_remote_that_leads_to_gerrit_comes_first(work: Path) -> None:
    add(work, "origin", OPENDEV)
    add(work, "gerrit", "ssh://me@review.opendev.org:29418/openstack/nova.git")
    (work / ".gitreview").write_text(REVIEW)
    found = place(work)
    assert found.remote == "gerrit"
    assert found.url("x/y") == found.changes_url("x/y") == "ssh://me@review.opendev.org:29418/x/y.git"


@pytest.mark.parametrize(
    ("url", "project", "other"),
    [
        ("/srv/git/app.git", "app", "/srv/git/lib.git"),
        ("https://git.example.org:8443/demo/app", "demo/app", "https://git.example.org:8443/demo/lib"),
        ("git@git.example.org:demo/app.git", "demo/app", "git@git.example.org:demo/lib.git"),
    ],
)
def test_a_clone_without_a_gerrit(work: Path, url: str, project: str, other: str) -> None:
    add(work, "origin", url)
    found = place(work)
    assert (found.project, found.url(project)) == (project, url)
    assert found.url("lib" if project == "app" else "demo/lib") == other


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("/srv/mirror/openstack+nova/repo", "/srv/mirror/openstack+neutron/repo"),
        ("file:///srv/openstack%2Fnova.git", "file:///srv/openstack%2Fneutron.git"),
        ("/home/me/nova-fork", "/home/me/neutron"),
        ("https://github.com/me/nova-fork", "https://review.opendev.org/openstack/neutron"),
    ],
)
def test_a_remote_of_another_name(work: Path, url: str, other: str) -> None:
    add(work, "origin", url)
    (work / ".gitreview").write_text(REVIEW)
    found = place(work)
    assert (found.url("openstack/nova"), found.url("openstack/neutron")) == (url, other)


def test_a_changes_url_says_which_server_it_is(work: Path) -> None:
    add(work, "origin", "/srv/git/app.git")
    url = "http://127.0.0.1:8081/c/demo/app/+/7"
    found = place(work, url, GATELOCAL_GERRIT="http://127.0.0.1:9999")
    assert (found.gerrit, found.url("demo/app")) == ("http://127.0.0.1:8081", "http://127.0.0.1:8081/demo/app")
    assert place(work, url).gerrit == "http://127.0.0.1:8081"
    assert place(work, url, gerrit="http://proxy.example.org").gerrit == "http://proxy.example.org"
    assert place(work, "7", GATELOCAL_GERRIT="http://127.0.0.1:9999").gerrit == "http://127.0.0.1:9999"


def test_no_remote_at_all_and_the_branches_are_the_work_trees_own(work: Path) -> None:
    git = Runner(work)
    git.run("branch", "-m", "trunk")
    found = place(work)
    assert (found.project, found.branch, found.tracking, found.gerrit) == ("work", "trunk", "refs/heads/trunk", None)
    assert (found.url("work"), found.url("other")) == (str(work), str(work.parent / "other"))
    git.run("branch", "main")
    assert place(work).branch == "main"
    git.run("checkout", "-q", "--detach")
    assert place(work).tracking == "refs/heads/main"


def test_of_several_remotes_nobody_knows_which_is_meant(work: Path) -> None:
    for name in ("me", "you"):
        add(work, name, f"/srv/{name}/app.git")
    with pytest.raises(InputError, match="no remote gerrit or origin"):
        place(work)


def test_the_target_branch_is_the_one_that_is_followed_or_the_remotes_main_one(work: Path) -> None:
    add(work, "origin", "/srv/git/app.git")
    git = Runner(work)
    assert place(work).branch == "master"
    git.run("update-ref", "refs/remotes/origin/stable/1", "HEAD")
    git.run("update-ref", "refs/remotes/origin/trunk", "HEAD")
    git.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert place(work).branch == "trunk"
    git.run("branch", "-q", "--set-upstream-to=origin/stable/1")
    assert place(work).branch == "stable/1"


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("HEAD~1", False),
        ("main~1", False),
        ("HEAD~", False),
        ("nowhere~1", True),
        ("openstack/nova~1234", True),
        ("demo/app~main~I0123", True),
        ("1234", True),
        ("1234,5", True),
        ("HEAD", False),
    ],
)
def test_whose_name_it_is(work: Path, name: str, server: bool) -> None:
    assert on_server(name, work) is server


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://opendev.org/openstack/nova", "https://opendev.org/openstack/glance"),
        ("/mirror/openstack+nova/repo", "/mirror/openstack+glance/repo"),
        ("/srv/openstack/nova.git", "/srv/openstack/glance.git"),
        ("https://example.org/my/fork", "https://opendev.org/openstack/glance"),
    ],
)
def test_what_a_recipe_tells_of_one_project_is_where_the_others_are(url: str, other: str) -> None:
    place = of_recipe("opendev.org", "openstack/nova", {"openstack/nova": url})
    assert (place.url("openstack/glance"), place.url("openstack/nova"), place.host) == (other, url, "opendev.org")
