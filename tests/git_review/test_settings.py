"""Where settings come from, who wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_review.errors import ReviewError
from git_review.gitreview_file import read_gitreview
from git_review.settings import load
from tests.git_review.conftest import Clone


def test_the_file_of_the_project(clone: Clone) -> None:
    settings = load(clone.git)
    assert (settings.host, settings.port, settings.project) == ("review.example.org", 29418, "demo/project")
    assert (settings.scheme, settings.branch, settings.remote) == ("ssh", "main", "gerrit")
    assert settings.url("ann") == "ssh://ann@review.example.org:29418/demo/project.git"
    assert settings.origins["host"] == ".gitreview" and settings.origins["scheme"] == "the default"


def test_each_source_beats_the_next(clone: Clone) -> None:
    (clone.path / ".gitreview").write_text("[gerrit]\ndefaultremote=from-file\n")
    assert load(clone.git).remote == "from-file"
    clone.git.run("config", "gitreview.remote", "from-git")
    assert load(clone.git).remote == "from-git"
    clone.monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    clone.monkeypatch.setenv("GIT_CONFIG_KEY_0", "gitreview.remote")
    clone.monkeypatch.setenv("GIT_CONFIG_VALUE_0", "from-environment")
    settings = load(type(clone.git)(clone.path))
    assert (settings.remote, settings.origins["remote"]) == ("from-environment", "the environment's gitreview.remote")
    assert load(clone.git, flags={"remote": "from-flag"}).remote == "from-flag"


def test_the_push_url_is_origins_unless_the_command_line_names_another_remote(clone: Clone) -> None:
    clone.git.run("config", "gitreview.remote", "second")
    assert load(clone.git, flags={"usepushurl": "1"}).remote == "origin"
    assert load(clone.git, flags={"usepushurl": "1", "remote": "third"}).remote == "third"
    clone.git.run("config", "gitreview.usepushurl", "true")
    settings = load(clone.git)
    assert (settings.remote, settings.origins["remote"]) == ("origin", "git config gitreview.usepushurl (local)")


def test_branchauthor_is_checked_as_before_and_changes_nothing(clone: Clone) -> None:
    clone.git.run("config", "gitreview.branchauthor", "email")
    assert load(clone.git).warnings == ()
    clone.git.run("config", "gitreview.branchauthor", "nobody")
    assert "Invalid gitreview.branchauthor: 'nobody'" in load(clone.git).warnings[0]


def test_documented_key_for_the_host_works_and_hostname_wins(clone: Clone) -> None:
    clone.git.run("config", "gitreview.host", "one.example.org")
    assert load(clone.git).host == "one.example.org"
    clone.git.run("config", "gitreview.hostname", "two.example.org")
    assert load(clone.git).host == "two.example.org"


@pytest.mark.parametrize(
    ("value", "meaning"), [("yes", True), ("TRUE", True), ("on", True), ("0", False), ("Off", False)]
)
def test_truth(clone: Clone, value: str, meaning: bool) -> None:
    clone.git.run("config", "gitreview.rebase", value)
    assert load(clone.git).rebase is meaning


def test_local_mode_sees_the_repositorys_own_settings_only(clone: Clone) -> None:
    home = clone.path.parent / "nobody"
    (home / ".config/git-review").mkdir(parents=True)
    (home / ".config/git-review/git-review.conf").write_text("[gerrit]\nusername=x\ndefaultrebase=0\n")
    with (home / ".gitconfig").open("a") as file:
        file.write("[gitreview]\n username = global\n")
    settings = load(clone.git)
    assert (settings.username, settings.rebase) == ("global", False)
    assert "git-review.conf" in settings.warnings[0]
    clone.monkeypatch.setenv("GITREVIEW_LOCAL_MODE", "")
    settings = load(clone.git)
    assert (settings.username, settings.rebase, settings.warnings) == (None, True, ())


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("[gerrit]\nhost=50%.example\n", "host", "50%.example"),
        ("[gerrit]\r\nhost=a.example\r\nproject=p\r\n", "host", "a.example"),
        ("\ufeff[gerrit]\nhost: a.example\n", "host", "a.example"),
        ("[gerrit]\nhost=a\nHost=b\n", "host", "b"),
        ("# c\n[other]\nhost=x\n[gerrit]\n  host = a \n; d\n", "host", "a"),
    ],
)
def test_forgiving_reader(tmp_path: Path, text: str, key: str, value: str) -> None:
    file = tmp_path / ".gitreview"
    file.write_bytes(text.encode())
    assert (read_gitreview(file) or {})[key] == value


@pytest.mark.parametrize(("text", "line"), [("host=a\n", "line 1"), ("[gerrit]\nhost=a\nnonsense\n", "line 3")])
def test_reader_names_file_and_line(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / ".gitreview"
    file.write_text(text)
    with pytest.raises(ReviewError, match=line):
        read_gitreview(file)
    assert read_gitreview(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("host", "-oProxyCommand=touch${IFS}x"),
        ("host", "a b"),
        ("host", "a/b"),
        ("port", "0"),
        ("port", "29418x"),
        ("port", "99999999999999999999"),
        ("scheme", "s s"),
        ("project", "-p"),
        ("branch", "a..b"),
        ("branch", "main%submit"),
        ("remote", "--upload-pack=x"),
        ("track", "maybe"),
        ("timeout", "soon"),
        ("timeout", "0"),
        ("username", "a\tb"),
    ],
)
def test_nonsense_is_refused_with_its_origin(clone: Clone, key: str, value: str) -> None:
    clone.git.run("config", f"gitreview.{key}", value)
    with pytest.raises(ReviewError) as caught:
        load(clone.git)
    assert f"gitreview.{key}" in caught.value.brief
    assert clone.review("-s").code == 1


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1:29418", False),
        ("review.example.org:29418", False),
        ("[127.0.0.1:29418]", False),
        ("dead:beef", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("[2001:db8::1]", True),
        ("fe80::1%eth0", True),
    ],
)
def test_a_port_is_no_part_of_a_host(clone: Clone, host: str, good: bool) -> None:
    (clone.path / ".gitreview").write_text(f"[gerrit]\nhost={host}\nproject=p\n")
    if good:
        assert load(clone.git).host == host.strip("[]")
        return
    with pytest.raises(ReviewError, match="cannot be the host") as caught:
        load(clone.git)
    assert "port is a setting of its own" in caught.value.hint


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "huge"])
def test_a_gitreview_that_is_no_file_of_a_few_lines(clone: Clone, kind: str) -> None:
    file = clone.path / ".gitreview"
    file.unlink()
    if kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_text("[gerrit]\n" + "# much\n" * 200_000)
    result = clone.review("-s")
    assert (result.code, str(file) in result.err) == (1, True), result.text
    assert ("too large" if kind == "huge" else "no ordinary file") in result.err


def test_a_gitreview_may_be_a_link_to_a_file(clone: Clone) -> None:
    (clone.path / ".gitreview").rename(clone.path / "elsewhere")
    (clone.path / ".gitreview").symlink_to("elsewhere")
    assert load(clone.git).host == "review.example.org"


def test_ssh_in_gits_own_order_and_as_git_starts_it(clone: Clone) -> None:
    assert load(clone.git).ssh == ("ssh",)
    clone.monkeypatch.setenv("GIT_SSH", "/opt/my ssh")
    assert load(clone.git).ssh == ("/opt/my ssh",)
    clone.git.run("config", "core.sshCommand", "ssh -i ~/key")
    assert load(clone.git).ssh == ("sh", "-c", 'ssh -i ~/key "$@"', "ssh -i ~/key")
    clone.monkeypatch.setenv("GIT_SSH_COMMAND", "/opt/ssh")
    assert load(clone.git).ssh == ("/opt/ssh",)


def test_prefix_of_authenticated_http_is_no_part_of_the_project(clone: Clone) -> None:
    clone.git.run("config", "gitreview.project", "a/demo/app.git")
    assert load(clone.git).project == "a/demo/app"
    clone.git.run("config", "gitreview.scheme", "https")
    assert load(clone.git).project == "demo/app"
    assert load(clone.git).url() == "https://review.example.org:29418/a/demo/app.git"


def test_ipv6_and_strange_users(clone: Clone) -> None:
    clone.git.run("config", "gitreview.host", "2001:db8::1")
    assert load(clone.git).url("a@b") == "ssh://a%40b@[2001:db8::1]:29418/demo/project.git"
