"""Names that people and remotes use for servers and changes."""

from __future__ import annotations

import pytest

from git_review.gerrit.address import (
    ChangeName,
    Remote,
    TopicName,
    change_ref,
    may_be_same,
    parse_change,
    parse_remote,
    parse_search,
    same_server,
    server_url,
)
from git_review.gerrit.errors import AddressError

ID = "I" + "0123456789" * 4


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        (
            "ssh://alice@review.example.org:29418/demo/app.git",
            ("ssh", "review.example.org", 29418, "alice", "demo/app.git"),
        ),
        ("ssh://Review.Example.Org/demo/app", ("ssh", "review.example.org", None, None, "demo/app")),
        ("ssh://a.b@example.com@host:29418/p", ("ssh", "host", 29418, "a.b@example.com", "p")),
        ("ssh://u%40v@host/p", ("ssh", "host", None, "u@v", "p")),
        ("ssh://[fd00::1]:29418/p", ("ssh", "fd00::1", 29418, None, "p")),
        ("ssh://host/~alice/p", ("ssh", "host", None, None, "~alice/p")),
        ("alice@host:demo/app.git", ("ssh", "host", None, "alice", "demo/app.git")),
        ("host:/srv/p", ("ssh", "host", None, None, "srv/p")),
        ("a.b@example.com@host:p", ("ssh", "host", None, "a.b@example.com", "p")),
        ("alice@[fd00::1]:p", ("ssh", "fd00::1", None, "alice", "p")),
        ("[fd00::1]:p", ("ssh", "fd00::1", None, None, "p")),
        ("[host:2222]:p", ("ssh", "host", 2222, None, "p")),
        ("https://alice:pw@host:8443/x/a/demo/app", ("https", "host", 8443, "alice", "x/a/demo/app")),
        ("http://[::1]:8080/p", ("http", "::1", 8080, None, "p")),
        ("https://host/demo/my%20app", ("https", "host", None, None, "demo/my app")),
        ("/srv/git/p.git", ("file", "", None, None, "/srv/git/p.git")),
        ("../p:q", ("file", "", None, None, "../p:q")),
        ("file:///srv/p.git", ("file", "", None, None, "/srv/p.git")),
        ("git://host/p", ("file", "", None, None, "git://host/p")),
    ],
)
def test_remote(url: str, remote: tuple[str, str, int | None, str | None, str]) -> None:
    assert parse_remote(url) == Remote(*remote)


@pytest.mark.parametrize(
    "url",
    [
        "-oProxyCommand=touch x:p",
        "ssh://-oProxyCommand=touch%20x/p",
        "ssh://-x@host/p",
        "-x@host:p",
        "ssh://%2Dx@host/p",
        "host:-p",
        "ssh://host/-p",
        "ssh://host/p\nq",
        "ssh://host/%1b[31m",
        "https://host\x9b/p",
        "https:///p",
        "ssh://host:port/p",
        "ssh://host:99999/p",
        "http://[::1/p",
        "[host:0]:p",
    ],
)
def test_remote_refused(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_remote(url)
    assert not any(ord(char) < 32 for char in caught.value.brief + caught.value.details)


@pytest.mark.parametrize(
    ("url", "project", "base"),
    [
        ("https://host/demo/app", "demo/app", "https://host"),
        ("https://u:p@host/a/demo/app.git", "demo/app", "https://host"),
        ("http://host:8080/gerrit/a/demo/app", "demo/app", "http://host:8080/gerrit"),
        ("http://host:80/gerrit/demo/app", "demo/app.git", "http://host/gerrit"),
        ("https://host/a/my.git.app", "my.git.app", "https://host"),
        ("https://host/elsewhere/app", "demo/app", "https://host"),
        ("https://[::1]:8443/demo/app", None, "https://[::1]:8443"),
        ("ssh://alice@host:29418/demo/app", "demo/app", "https://host"),
    ],
)
def test_server_url(url: str, project: str | None, base: str) -> None:
    assert server_url(parse_remote(url), project) == base


def test_a_path_is_no_server() -> None:
    with pytest.raises(AddressError):
        server_url(parse_remote("/srv/git/p"))


def test_project_of_a_remote() -> None:
    assert parse_remote("https://host/a/demo/app.git").project == "demo/app"
    assert parse_remote("ssh://host/a/demo/app").project == "a/demo/app"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1234", ChangeName(1234)),
        (" 1234,2\n", ChangeName(1234, patchset=2)),
        ("1234/2", ChangeName(1234, patchset=2)),
        ("refs/changes/34/1234/5", ChangeName(1234, patchset=5)),
        (ID, ChangeName(change_id=ID)),
        ("iABCD", ChangeName(change_id="Iabcd")),
        ("demo/app~1234", ChangeName(1234, project="demo/app")),
        ("demo/app~1234,2", ChangeName(1234, patchset=2, project="demo/app")),
        (f"demo/app~stable/1~{ID}", ChangeName(change_id=ID, project="demo/app", branch="stable/1")),
        ("https://host/1234", ChangeName(1234, server="https://host")),
        ("https://host/1234/", ChangeName(1234, server="https://host")),
        ("https://host/1234/2", ChangeName(1234, patchset=2, server="https://host")),
        ("http://host:8080/x/y/1234", ChangeName(1234, server="http://host:8080/x/y")),
        ("https://host/c/1234/2", ChangeName(1234, patchset=2, server="https://host")),
        ("https://host/c/demo/app/+/1234", ChangeName(1234, project="demo/app", server="https://host")),
        ("https://host/c/demo%2Fapp/+/1234/2", ChangeName(1234, None, 2, "demo/app", server="https://host")),
        (
            "https://host/g/c/demo/app/+/1234/1..3/src/a.py",
            ChangeName(1234, None, 3, "demo/app", server="https://host/g"),
        ),
        (
            "https://host/c/demo/app/+/1234/comment/ab_1/",
            ChangeName(1234, None, None, "demo/app", server="https://host"),
        ),
        (
            "https://host/c/demo/app/+/1234?tab=checks#message-1",
            ChangeName(1234, project="demo/app", server="https://host"),
        ),
        ("https://host/#/c/1234/", ChangeName(1234, server="https://host")),
        ("https://host/g/#/c/1234/2/a.py", ChangeName(1234, patchset=2, server="https://host/g")),
        ("https://host/#/c/demo/app/+/1234", ChangeName(1234, project="demo/app", server="https://host")),
        (f"https://host/id/{ID}", ChangeName(change_id=ID, server="https://host")),
        ("https://u:p@host:443/1234", ChangeName(1234, server="https://host")),
    ],
)
def test_change_name(text: str, name: ChangeName) -> None:
    assert parse_change(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "master",
        "-1234",
        "--help",
        "1234,",
        "1234,x",
        "\u0661\u0662",
        "I12",
        "12\x0034",
        "https://host/",
        "https://host/q/topic:x",
        "https://host/c/demo/app/+/",
        "https://host/c/-x/+/12",
        "https://host/c/a%0Ab/+/12",
        "ssh://host/1234",
        "https://host:x/12",
        "12; rm -rf x",
    ],
)
def test_no_change_name(text: str) -> None:
    with pytest.raises(AddressError):
        parse_change(text)


def test_ids_for_requests() -> None:
    assert ChangeName(12).id == "12"
    assert ChangeName(12, project="a/b").id == "a/b~12"
    assert ChangeName(change_id=ID, project="a/b", branch="m").id == f"a/b~m~{ID}"
    assert ChangeName(change_id=ID).id == ID


def test_refs() -> None:
    assert change_ref(1234, 5) == "refs/changes/34/1234/5"
    assert change_ref(7, 1) == "refs/changes/07/7/1"
    with pytest.raises(AddressError):
        change_ref(0, 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://host", "https://HOST/", True),
        ("https://host:443", "http://host:80", True),
        ("https://host/x", "https://host/x/", True),
        ("https://host/x", "https://host/y", False),
        ("https://host:8443", "https://host", False),
        ("https://host", "https://host.example.org", False),
    ],
)
def test_same_server(one: str, other: str, same: bool) -> None:
    assert same_server(one, other) is same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("topic:a b", TopicName("a b")),
        ("https://host/q/topic:x", TopicName("x", "https://host")),
        ("https://host/r/q/topic:%22a+b%22+(status:open%20OR%20status:merged)", TopicName("a b", "https://host/r")),
        ("https://host/#/q/topic:x+status:open", TopicName("x", "https://host")),
        (f"https://host/q/{ID}", ChangeName(change_id=ID, server="https://host")),
        ("https://host:8443/q/change:12/", ChangeName(12, server="https://host:8443")),
        ("https://host/q/owner:self", None),
        ("https://host/q/topic:x+owner:self", None),
        ("https://host/12", None),
        ("12", None),
        ("ssh://host/q/12", None),
    ],
)
def test_searches_that_name_something(text: str, found: object) -> None:
    assert parse_search(text) == found


@pytest.mark.parametrize("text", ["topic:a\x1b", "https://host/q/topic:a%0Ab", "https://host:x/q/12"])
def test_searches_that_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_search(text)


@pytest.mark.parametrize(
    ("remote", "url", "same"),
    [
        ("ssh://me@host:29418/p", "https://HOST/x", True),
        ("me@host:p", "http://host:8080", True),
        ("https://host/a/p", "http://host", True),
        ("http://host:8080/a/p", "https://host", True),
        ("http://host:8080/a/p", "http://host:8081", False),
        ("https://host/a/p", "https://other", False),
        ("/srv/p", "https://host", False),
    ],
)
def test_a_remote_and_a_page_of_one_server(remote: str, url: str, same: bool) -> None:
    assert may_be_same(parse_remote(remote), url) is same
