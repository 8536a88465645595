"""`-l` and `-d`: through an ssh that answers with a file and serves the bare repository; real git does the rest."""

from __future__ import annotations

import pytest

from git_review.git.runner import told
from tests.fakes.gerrit import FakeGerrit
from tests.git_review.conftest import CHANGE_ID, Asked, Clone, row


def test_list(asked: Asked) -> None:
    asked.answers(row(7, topic="t"), row(1234, branch="stable/x", subject="evil \x1b]0;x\x07\u202e\nsubject"))
    result = asked.clone.review("-l")
    assert result.code == 0, result.text
    assert result.out.splitlines() == [
        "   7      main  change 7",
        "1234  stable/x  evil ]0;x subject",
        "Found 2 items for review",
    ]
    assert asked.words()[:4] == ["-x", "-p", "29418", "ann@review.example.org"]
    assert asked.words()[4] == "gerrit query --format=JSON --current-patch-set project:demo/project status:open"


def test_list_with_topics_of_one_branch_in_color(asked: Asked) -> None:
    asked.answers(row(7, topic="t"), row(8))
    result = asked.clone.review("-ll", "--color=always", "main")
    assert result.out.splitlines()[1] == "\x1b[33m8\x1b[m  \x1b[1;32mmain\x1b[m  \x1b[36m-\x1b[m  change 8"
    assert asked.words()[4].endswith("branch:main")


def test_empty_list(asked: Asked) -> None:
    asked.answers()
    result = asked.clone.review("-l")
    assert (result.code, result.out) == (0, "No pending reviews\n")


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 255, 32),
        ('{"type":"error","message":"no \\u001b[2Jway"}\n', 1, 32),
        ("<html>login</html>\n", 0, 33),
        ('{"number": 1}\n', 0, 33),
        ("[1]\n", 0, 33),
        ("[" * 100_000 + "\n", 0, 33),
        ("", 0, 33),
    ],
)
def test_list_without_a_good_answer(asked: Asked, text: str, status: int, code: int) -> None:
    asked.says(text, status)
    result = asked.clone.review("-l")
    assert result.code == code
    assert result.err and "\x1b" not in result.text


def test_missing_ssh(asked: Asked) -> None:
    asked.clone.monkeypatch.setenv("GIT_SSH", "/no/such/ssh")
    assert asked.clone.review("-l").code == 32


def test_remote_that_is_no_gerrit(clone: Clone) -> None:
    for flags in (("-l",), ("-d", "1")):
        result = clone.review(*flags)
        assert result.code == 1
        assert "leads to no Gerrit" in result.err


@pytest.mark.parametrize("name", ["1234", CHANGE_ID, "https://review.example.org/c/demo/project/+/1234"])
def test_download(asked: Asked, name: str) -> None:
    patchset = asked.patchset(1234, 2, "theirs")
    asked.answers(row(1234, patchset))
    result = asked.clone.review("-d", name)
    assert result.code == 0, result.text
    git = asked.clone.git
    assert git.query("rev-parse", "HEAD", "--abbrev-ref", "HEAD", "@{upstream}").lines == [
        patchset["revision"],
        "review/1234",
        "gerrit/main",
    ]
    assert result.out.endswith('Switched to branch "review/1234"\n')
    assert "Downloading refs/changes/34/1234/2 from gerrit" in result.out


@pytest.mark.parametrize("name", ["1234,1", "1234/1", f"{CHANGE_ID},1", f"{CHANGE_ID}/1"])
def test_download_of_a_patchset(asked: Asked, name: str) -> None:
    one, two = asked.patchset(1234, 1, "one"), asked.patchset(1234, 2, "two")
    asked.answers(row(1234, one, two))
    assert asked.clone.review("-d", name).code == 0
    assert asked.clone.git.query("rev-parse", "HEAD", "--abbrev-ref", "HEAD").lines == [
        one["revision"],
        "review/1234-patch1",
    ]
    assert asked.clone.review("-d", f"{CHANGE_ID},3").code == 38


def test_second_download_moves_the_branch(asked: Asked) -> None:
    one = asked.patchset(1234, 1, "one")
    asked.answers(row(1234, one))
    assert asked.clone.review("-d", "1234").code == 0
    two = asked.patchset(1234, 2, "two")
    asked.answers(row(1234, one, two))
    result = asked.clone.review("-d", "1234")
    assert (result.code, asked.clone.head()) == (0, two["revision"])
    assert one["revision"][:10] in result.out
    asked.clone.git.run("checkout", "-q", "topic")
    assert asked.clone.review("-d", "1234").code == 0


def test_download_of_a_commit(asked: Asked) -> None:
    patchset = asked.patchset(5, 1, "x")
    asked.answers(row(5, patchset))
    assert asked.clone.review("-d", "cafe1234").code == 0
    assert "commit:cafe1234" in asked.words()[4]


def test_of_several_changes_the_one_for_the_target_branch(asked: Asked) -> None:
    rows = [row(1, asked.patchset(1, 1, "a"), branch="stable"), row(2, asked.patchset(2, 1, "b"))]
    asked.answers(*rows)
    asked.clone.server.run("branch", "stable", "main")
    assert asked.clone.review("-d", CHANGE_ID).code == 0
    assert asked.clone.git.query("rev-parse", "--abbrev-ref", "HEAD").text == "review/2"
    assert asked.clone.review("-d", CHANGE_ID, "stable").code == 0
    assert asked.clone.git.query("rev-parse", "--abbrev-ref", "HEAD").text == "review/1"


def test_local_edits_survive_a_download(asked: Asked) -> None:
    asked.clone.upstream({"base.txt": "new\n"})
    asked.answers(row(9, asked.patchset(9, 1, "x")))
    (asked.clone.path / "base.txt").write_text("precious")
    for code in (64, 64):
        result = asked.clone.review("-d", "9")
        assert result.code == code
        assert (asked.clone.path / "base.txt").read_text() == "precious"
    asked.clone.git.run("branch", "review/9", "main")
    assert asked.clone.review("-d", "9").code == 65
    asked.clone.git.run("symbolic-ref", "HEAD", "refs/heads/review/9")
    assert asked.clone.review("-d", "9").code == 66
    assert (asked.clone.path / "base.txt").read_text() == "precious"


def test_branch_that_follows_something_else(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "x")))
    asked.clone.git.run("branch", "review/9", "main")
    asked.clone.git.run("config", "branch.review/9.remote", "gerrit")
    asked.clone.git.run("config", "branch.review/9.merge", "refs/heads/other")
    result = asked.clone.review("-d", "9")
    assert result.code == 75
    assert "gerrit/other" in result.err


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-x", "a b", "1\x1b[2J", "", "project:x OR y"])
def test_names_that_name_no_change(asked: Asked, name: str) -> None:
    asked.answers()
    result = asked.clone.review(f"--download={name}")
    assert result.code == 35
    assert "\x1b" not in result.text
    assert not (asked.root / "log").exists()


def test_unknown_change_and_lost_patchset(asked: Asked) -> None:
    asked.answers()
    assert asked.clone.review("-d", "99").code == 35
    asked.answers(row(99, {"number": 1, "revision": "0" * 40}))
    assert asked.clone.review("-d", "99").code == 37
    asked.answers(row(99))
    assert asked.clone.review("-d", "99").code == 36
    asked.says("<html>")
    assert asked.clone.review("-d", "99").code == 35
    asked.says("", 255)
    assert asked.clone.review("-d", "99").code == 34


def test_dry_download_changes_nothing(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "x")))
    before = asked.clone.snapshot()
    result = asked.clone.review("-n", "-d", "9")
    assert result.code == 0
    assert "git checkout -b review/9" in result.out
    assert asked.clone.snapshot() == before


@pytest.mark.parametrize(
    ("trouble", "code"), [("html", 33), ("401", 32), ("403", 32), ("409", 32), ("half", 32), ("cut", 33), ("500", 32)]
)
def test_http_trouble_is_told_without_the_password(clone: Clone, trouble: str, code: int) -> None:
    with FakeGerrit() as server:
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin:s3cret@") + "/a/demo/project")
        server.misbehave(*[trouble] * 4)
        result = clone.review("-l")
    assert result.code == code, result.text
    assert result.err and "s3cret" not in result.text and "Traceback" not in result.text


def test_http_list(clone: Clone) -> None:
    with FakeGerrit() as server:
        server.upload("demo/project", "over \x1b[1mhttp")
        server.upload("other/project", "not ours")
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin:s3cret@") + "/a/demo/project")
        result = clone.review("-l")
    assert result.code == 0, result.text
    assert "over [1mhttp" in result.out and "not ours" not in result.out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("http://other.example/c/p2/+/8", "http://other.example is not the server"),
        ("https://review.example.com/8", "is not the server of the remote gerrit, which is review.example.org"),
        ("https://review.example.org/c/p3/+/8", "change 8 belongs to demo/project, not to p3"),
        ("p3~8", "change 8 belongs to demo/project, not to p3"),
    ],
)
@pytest.mark.parametrize("flag", ["-d", "-x", "-m"])
def test_a_change_of_another_server_or_project_is_refused(asked: Asked, flag: str, name: str, told: str) -> None:
    asked.answers(row(8, asked.patchset(8, 1, "ours")))
    result = asked.clone.review(flag, f"{name}/1-1" if flag == "-m" else name)
    assert result.code == 35 and told in result.err, result.text
    assert asked.clone.git.query("branch", "--list", "review/*").text == ""
    assert "is not the server" in asked.clone.review("-d", "http://other.example/q/topic:t").err


def test_a_change_of_another_project_is_said_to_be_one(asked: Asked) -> None:
    asked.answers(row(17, {"number": 1, "revision": "0" * 40}, project="p3"))
    for name in ("17", CHANGE_ID, "https://review.example.org/c/p3/+/17"):
        result = asked.clone.review("-d", name)
        assert result.code == 35, result.text
        assert "belongs to p3, and this repository to demo/project" in result.err


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("ssh://ann@review.example.org:29418/demo/project", "http://REVIEW.example.org:8080/gerrit/c/demo/project/+/8"),
        ("ann@gerrit:demo/project.git", "https://review.example.org/8"),
        ("ssh://short/demo/project", "https://web.example.org/c/demo/project/+/8"),
        ("alias:demo/project", "https://behind-alias.example/8"),
    ],
)
def test_a_server_may_go_by_several_names(asked: Asked, remote: str, name: str) -> None:
    """The remote's host, what stands behind an alias, .gitreview's, and what the server calls itself."""
    asked.clone.git.run("remote", "set-url", "gerrit", remote)
    asked.clone.git.run("config", "url.ssh://ann@behind-alias.example/.insteadOf", "alias:")
    asked.answers(row(8, asked.patchset(8, 1, "ours"), url="https://web.example.org/c/demo/project/+/8"))
    result = asked.clone.review("-d", name)
    assert result.code == 0, result.text


def test_by_http_another_port_is_another_server(clone: Clone) -> None:
    with FakeGerrit() as server:
        server.upload("demo/project", "ours")
        clone.git.run("remote", "set-url", "gerrit", f"{server.url}/prefix/demo/project")
        clone.git.run("config", "gitreview.project", "demo/project")
        assert clone.review("-d", "http://127.0.0.1:1/c/demo/project/+/1").code == 35
        assert server.requests == []


def test_verbose_tells_each_program_once_and_what_is_set(asked: Asked) -> None:
    url = "ssh://ann:s3cret@review.example.org:29418/demo/project"
    asked.clone.git.run("remote", "set-url", "gerrit", url)
    asked.answers(row(9, asked.patchset(9, 1, "theirs")))
    lines = asked.clone.review("-l", "-v").out.splitlines()
    query = "'gerrit query --format=JSON --current-patch-set project:demo/project status:open'"
    ssh = f"Running: {asked.root}/fake-ssh -x -p 29418 ann@review.example.org {query}"
    assert lines.count(ssh) == 1 and "Running: git rev-parse" in "\n".join(lines)
    assert "Setting: host is 'review.example.org' from .gitreview" in lines
    asked.clone.commit(f"a change\n\nChange-Id: {CHANGE_ID}")
    result = asked.clone.review("-n", "-v")
    assert result.code == 0 and "s3cret" not in result.text, result.text
    running = [line for line in result.out.splitlines() if line.startswith("Running: ")]
    assert sum("gerrit query" in line for line in running) == 1
    assert sum("ls-remote" in line or " fetch " in line for line in running) == 1
    down = asked.clone.review("-v", "-d", "9")
    assert "s3cret" not in down.text and "ssh://ann:***@review.example.org" in down.out
    assert down.out.count("Running: git fetch ") == 1


def test_without_verbose_nothing_is_told_of_programs(asked: Asked) -> None:
    asked.answers()
    assert "Running" not in asked.clone.review("-l").text
    asked.clone.commit("a change")
    assert "Running" not in asked.clone.review("-n").text


def test_what_is_told_of_a_command_line() -> None:
    assert told(("git", "a b", "it's")) == "git 'a b' 'it'\"'\"'s'"
    assert told(("git", "x\n\x1b[2J\u202e")) == "git 'x\\n\\x1b[2J\\u202e'"
    assert told(("sh", "-c", 'exec ssh "$@"', "exec ssh", "-x", "a b")) == "exec ssh -x 'a b'"
    for url in ("https://ann:p@ss@host/p", "https://ann@corp:pass@host/p", "https://ann:pass@host/p"):
        assert "pass" not in told(("git", url)) and "@ss" not in told(("git", url)) and "host/p" in told(("git", url))
    assert told(("git", "https://ann@host:8080/p")) == "git https://ann@host:8080/p"
