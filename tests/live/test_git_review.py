"""`git review` against a real Gerrit, by ssh and by HTTP, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from git_review.git.runner import Runner
from git_review.git.trailers import change_id
from tests.live.conftest import GerritProject

pytestmark = [pytest.mark.live, pytest.mark.gerrit]


@dataclass(frozen=True)
class Contributor:
    """A clone with a committed `.gitreview`, not set up yet."""

    gerrit: GerritProject
    path: Path
    git: Runner

    def commit(self, subject: str, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        self.git.run("add", name)
        self.git.run("commit", "-q", "-m", subject)

    def amend(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        self.git.run("add", name)
        self.git.run("commit", "-q", "--amend", "--no-edit")

    @property
    def url(self) -> str:
        return self.git.query("remote", "get-url", "gerrit").text

    def review(self, *args: str, code: int = 0, stdin: str = "", only_stdout: bool = False) -> str:
        """Run the command; its output, errors included."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            [sys.executable, "-c", "from git_review.cli import main; main()", *args],
            cwd=self.path,
            env={**environment, **self.gerrit.environment, "HOME": str(self.path.parent)},
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if only_stdout else subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        text = done.stdout.decode()
        assert done.returncode == code, text
        return text

    def change(self) -> int:
        """The number of the change that HEAD belongs to."""
        found = self.gerrit.client.changes.query(f"change:{change_id(self.head())} project:{self.gerrit.project}")
        (change,) = found
        return change.number

    def head(self) -> str:
        return self.git.query("log", "-1", "--format=%B").stdout


@pytest.fixture(params=["ssh", "http"])
def contributor(gerrit: GerritProject, tmp_path: Path, request: pytest.FixtureRequest) -> Contributor:
    git = gerrit.clone(tmp_path / "clone")
    made = Contributor(gerrit, tmp_path / "clone", git)
    server = gerrit.server
    port = server.ssh_port if request.param == "ssh" else server.http_port
    project = gerrit.project if request.param == "ssh" else f"a/{gerrit.project}"
    git.run("config", "gitreview.username", server.admin.username)
    (made.path / ".gitreview").write_text(
        f"[gerrit]\nscheme={request.param}\nhost={server.ssh_host}\nport={port}\nproject={project}\n"
    )
    git.run("checkout", "-q", "-b", "work")
    git.run("add", ".gitreview")
    git.run("commit", "-q", "-m", "where reviews are")
    git.run("push", "-q", "origin", "HEAD:refs/heads/master")
    return made


def test_setup_upload_list_and_download(contributor: Contributor) -> None:
    assert "maps to:" in contributor.review("-s")
    contributor.commit("the first change", "one.txt", "one\n")
    assert change_id(contributor.head()) is not None, "the hook runs"
    dry = contributor.review("-n", "-t", "a topic")
    assert dry.rstrip().endswith("HEAD:refs/for/master")
    assert list(contributor.gerrit.client.changes.query(f"project:{contributor.gerrit.project}")) == []

    said = contributor.review("-v", "-t", "a topic, with a comma", "--hashtags", "red", "blue", "-w")
    assert "Running: git push" in said
    assert re.search(r"remote: .*the first change.*\[NEW\]", said)
    number = contributor.change()
    change = contributor.gerrit.client.changes.get(number)
    assert (change.topic, set(change.hashtags), change.wip) == ("a topic, with a comma", {"red", "blue"}, True)

    (contributor.path / "one.txt").write_text("two\n")
    contributor.git.run("commit", "-qa", "--amend", "--no-edit")
    second = contributor.git.query("rev-parse", "HEAD").text
    contributor.review("-R", "--ready")
    assert "the first change" in contributor.review("-l")
    assert f"{number}  master  a topic, with a comma  the first change" in contributor.review("-ll")

    contributor.git.run("checkout", "-q", "master")
    contributor.review("-d", f"{number},1")
    assert (contributor.path / "one.txt").read_text() == "one\n"
    contributor.review("-d", str(number))
    shown = contributor.git.query("rev-parse", "HEAD", "--abbrev-ref", "HEAD", "@{upstream}").lines
    assert shown == [second, f"review/{number}", "gerrit/master"]
    contributor.review("-d", "999999", code=35)
    contributor.review("-d", f"{number},9", code=38)


def test_missing_hook_and_several_commits(contributor: Contributor) -> None:
    contributor.commit("alone", "one.txt", "one\n")
    said = contributor.review()
    assert "Amending the commit to add a Change-Id" in said and "[NEW]" in said
    contributor.commit("a second one", "two.txt", "two\n")
    assert "--yes" in contributor.review(code=1)
    assert "a second one" in contributor.review(stdin="yes")
    assert "No new changes" in contributor.review("-y")
    number = contributor.change()
    who = contributor.gerrit.new_user().username
    assert "Set on" in contributor.review("-y", "-w", "-t", "late", "--reviewers", who, "--label", "Code-Review+1")
    change = contributor.gerrit.client.changes.get(number, ["DETAILED_LABELS"])
    votes = change.label("Code-Review")
    assert (change.topic, change.wip) == ("late", True) and votes is not None and votes.votes[0].value == 1
    assert "nobody-at-all" in contributor.review("-y", "--reviewers", "nobody-at-all", code=1)
    assert "nobody-at-all" in contributor.review("-y", "--cc", "nobody-at-all", code=1)
    by_http = "http" in contributor.url
    said = contributor.review("-y", "--hashtags", "red", "-W", code=0 if by_http else 1)
    assert by_http or "not applied: t=red" in said
    change = contributor.gerrit.client.changes.get(number)
    assert (change.wip, set(change.hashtags)) == (False, {"red"} if by_http else set())
    contributor.amend("two.txt", "more\n")
    said = contributor.review("-y", "--ignore-attention-set", "--label", "Code-Review+1", "--base", "HEAD^")
    assert "[NEW]" not in said


def test_conflict_is_found_before_the_upload(contributor: Contributor) -> None:
    contributor.commit("theirs", "one.txt", "theirs\n")
    contributor.git.run("push", "-q", "origin", "HEAD:refs/heads/master")
    contributor.git.run("reset", "-q", "--hard", "HEAD^")
    contributor.commit("mine", "one.txt", "mine\n")
    said = contributor.review(code=1)
    assert "It is likely that your change has a merge conflict" in said and "one.txt" in said
    assert contributor.git.query("status", "--porcelain").text == ""
    contributor.review("-R")


def test_unknown_user_and_project(contributor: Contributor) -> None:
    contributor.git.run("config", "gitreview.project", "no/such")
    assert contributor.git.query("remote").lines == ["origin"]
    contributor.review("-s", code=40)
    assert contributor.git.query("remote").lines == ["origin"]


def test_topics_of_messages_and_topics_of_the_server(contributor: Contributor) -> None:
    contributor.commit("Fix it\n\nCloses-Bug: #12", "one.txt", "one\n")
    contributor.review()
    number = contributor.change()
    changes = contributor.gerrit.client.changes
    assert changes.get(number).topic == "bug/12"
    changes.set_topic(number, "chosen by hand")
    contributor.amend("one.txt", "two\n")
    said = json.loads(contributor.review("--json", only_stdout=True))
    assert (said["topic"], said["changes"][0]["state"], said["changes"][0]["number"]) == (None, "updated", number)
    assert said["changes"][0]["url"].endswith(f"/{number}")
    assert changes.get(number).topic == "chosen by hand"
    contributor.amend("one.txt", "three\n")
    contributor.review("-t", "mine")
    assert changes.get(number).topic == "mine"


def test_what_the_server_has_is_known_before_the_push(contributor: Contributor) -> None:
    contributor.commit("the first change", "one.txt", "one\n")
    assert re.search(r"is change [0-9]+: http", contributor.review())
    number = contributor.change()
    contributor.git.run("checkout", "-q", "--detach")
    contributor.amend("one.txt", "somebody else's\n")
    contributor.git.run("push", "-q", "gerrit", "HEAD:refs/for/master")
    contributor.git.run("checkout", "-q", "work")
    assert f"change {number}: patchset 2 is newer" in contributor.review(code=1)
    contributor.review("-m", f"{number},1-2")
    contributor.amend("one.txt", "mine\n")
    assert f"change {number}: patchset 2 is newer" in contributor.review("-y", code=1), "looking is not taking it in"
    contributor.review("-d", str(number))
    contributor.amend("one.txt", "both\n")
    contributor.review()
    contributor.gerrit.client.changes.abandon(number)
    contributor.amend("one.txt", "too late\n")
    assert "abandoned" in contributor.review(code=1)
    contributor.git.run("reset", "-q", "--hard", "HEAD@{1}")
    assert "abandoned" in contributor.review(code=1), "the same commit, which is not: no new changes"
    contributor.review("-i")
    assert contributor.change() != number


def test_status_lists_and_comparison(contributor: Contributor) -> None:
    contributor.commit("the first change", "one.txt", "one\n")
    contributor.review()
    number = contributor.change()
    assert f"  {number}  the first change" in contributor.review("--status")
    contributor.gerrit.client.changes.review(number, labels={"Code-Review": -1, "Verified": 1})
    (entry,) = json.loads(contributor.review("--status", "--json", code=4, only_stdout=True))
    assert entry["attention"] == ["Code-Review -1"] and entry["change"]["votes"]["Verified"] == [1]
    assert "CR-1  +1" in contributor.review("-lll")
    assert "the first change" in contributor.review("--query", f"-is:wip change:{number}")
    if "ssh" in contributor.url:
        assert "the first change" in contributor.review("--view", "mine")
    body = {"comments": {"one.txt": [{"line": 1, "message": "why?", "unresolved": True}]}}
    transport = contributor.gerrit.client._transport
    transport.post(f"changes/{number}/revisions/current/review", body)
    (entry,) = json.loads(contributor.review("--status", "--json", code=4, only_stdout=True))
    counted = None if "ssh" in contributor.url else 1
    assert (entry["change"]["has_unresolved_comments"], entry["change"]["unresolved_comments"]) == (True, counted)
    assert "unresolved comments" in contributor.review("--status", code=4)
    contributor.amend("one.txt", "two\n")
    contributor.review("-R")
    said = contributor.review("-m", f"{number},1-2")
    assert "-one" in said and "+two" in said


def test_chain_and_cherry_pick(contributor: Contributor) -> None:
    contributor.review("-s", "--remote-hook")
    assert "From Gerrit Code Review" in (contributor.path / ".git/hooks/commit-msg").read_text()
    contributor.commit("below", "one.txt", "one\n")
    contributor.commit("above", "two.txt", "two\n")
    contributor.review("-y")
    above = contributor.change()
    contributor.git.run("reset", "-q", "--hard", "HEAD^")
    below = contributor.change()
    assert f"{above} on {below}" in contributor.review("-d", str(below), "--chain")
    contributor.git.run("checkout", "-q", "work")
    contributor.amend("one.txt", "better\n")
    contributor.review("-y")
    assert f"The chain: {below}\n" in contributor.review("-d", str(below), "--chain"), (
        "nothing is made on that patchset"
    )
    outdated = f"The chain: {above} on {below} (an older patchset of it)\n"
    assert outdated in contributor.review("-d", str(above), "--chain")
    contributor.git.run("checkout", "-q", "-b", "other", "gerrit/master")
    contributor.review("-x", str(above))
    assert (contributor.path / "two.txt").exists() and not (contributor.path / "one.txt").exists()
    folder = contributor.path.parent / "beside"
    contributor.review("-d", str(below), "--worktree", str(folder))
    assert (folder / "one.txt").exists()


def landed(contributor: Contributor, folder: Path, subjects: list[str]) -> Runner:
    """Somebody else's clone, with changes that the server has merged meanwhile, by merge commits of its own."""
    git = contributor.gerrit.clone(folder)
    git.run("config", "user.name", "Somebody")
    for number, subject in enumerate(subjects):
        git.run("checkout", "-q", "-B", "work", "origin/master")
        (folder / f"other-{number}.txt").write_text(subject)
        git.run("add", ".")
        git.run("commit", "-q", "-m", f"{subject}\n\nChange-Id: I{secrets.token_hex(20)}")
        git.run("push", "-q", "origin", "HEAD:refs/for/master")
    changes = contributor.gerrit.client.changes
    for change in list(changes.query(f"project:{contributor.gerrit.project} status:open")):
        changes.review(change.number, labels={"Code-Review": 2})
        changes.submit(change.number, 1)
    git.run("fetch", "-q", "origin")
    return git


def test_only_what_is_the_persons_own_goes_up(contributor: Contributor, tmp_path: Path) -> None:
    """Master is merged into a feature branch, as a mirror has it; then an upstream's release."""
    contributor.review("-s")
    git, changes = contributor.git, contributor.gerrit.client.changes
    git.run("push", "-q", "origin", "HEAD:refs/heads/feature/x")
    other = landed(contributor, tmp_path / "other", ["on master 1", "on master 2"])
    assert other.query("log", "--merges", "--format=%s", "origin/master").text.startswith('Merge "')
    git.run("fetch", "-q", "--no-tags", str(tmp_path / "other"), "refs/remotes/origin/master:refs/heads/mirror")
    contributor.commit("own", "own.txt", "own\n")
    git.run("merge", "-q", "--no-edit", "mirror")
    listed = contributor.review("-n", "feature/x")
    assert "own" in listed and "on master" not in listed and 'Merge "' not in listed
    said = contributor.review("-y", "feature/x")
    assert len(re.findall(r"\[NEW\]", said)) == 2
    git.run("merge-base", "--is-ancestor", "mirror", "HEAD")

    (tmp_path / "other/release.txt").write_text("1.2\n")
    other.run("checkout", "-q", "-B", "work", "origin/master")
    other.run("add", ".")
    other.run("commit", "-q", "-m", "Release 1.2")
    other.run("tag", "v1.2")
    git.run("fetch", "-q", str(tmp_path / "other"), "tag", "v1.2")
    git.run("merge", "-q", "--no-edit", "v1.2")
    before = git.query("rev-parse", "HEAD").text
    assert "published as tag v1.2" in contributor.review("-y", "feature/x", code=1)
    assert git.query("rev-parse", "HEAD").text == before
    assert len(list(changes.query(f"project:{contributor.gerrit.project} status:open"))) == 2


def test_a_change_id_above_the_last_paragraph_makes_no_second_change(contributor: Contributor) -> None:
    contributor.commit("the first change", "one.txt", "one\n")
    contributor.review()
    identity = f"Change-Id: {change_id(contributor.head())}"
    contributor.git.run("commit", "-q", "--amend", "-m", f"the first change\n\n{identity}\n\nAdded below.")
    assert f"line 3 of its message: {identity}" in contributor.review("-y", code=1)
    contributor.git.run("commit", "-q", "--amend", "-m", f"the first change\n\nAdded below.\n\n{identity}")
    contributor.review("-y")
    found = list(contributor.gerrit.client.changes.query(f"project:{contributor.gerrit.project}"))
    assert len(found) == 1
