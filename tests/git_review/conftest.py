"""A person's clone and a bare repository that plays the server: real git, real files, no network."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from git_review.cli import status
from git_review.git.runner import Runner
from git_review.hooks import COMMIT_MSG
from tests.fakes import fast_import

GITREVIEW = "[gerrit]\nhost=review.example.org\nport=29418\nproject=demo/project.git\ndefaultbranch=main\n"

# git does not start another one of itself after each commit to see whether it should tidy up.
QUIET = "[maintenance]\n auto = false\n[gc]\n auto = 0\n"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Clone:
    """A clone with the remote `gerrit`, on branch `topic`, one base commit on `main`."""

    path: Path
    server: Runner
    git: Runner
    capfd: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def commit(self, subject: str, files: dict[str, str] | None = None) -> str:
        written = files or {"file-" + subject.replace(" ", "-"): subject}
        for name, text in written.items():
            (self.path / name).write_text(text)
        self.git.run("add", *written)
        if self._hook_is_plain() and "\n" not in subject and "! " not in subject:
            # What the hook would do, without a shell: test_commit_msg is about the hook itself.
            identity = f"Change-Id: I{secrets.token_hex(20)}"
            self.git.run("commit", "-q", "-n", "--allow-empty", "-m", subject, "-m", identity)
        else:
            self.git.run("commit", "-q", "--allow-empty", "-m", subject)
        return self.head()

    def _hook_is_plain(self) -> bool:
        """Whether our hook is the only one, and git would run it."""
        if not self.hook().is_file() or "hooksPath" in (self.path / ".git/config").read_text():
            return False
        return [file.name for file in self.hook().parent.iterdir()] == [
            "commit-msg"
        ] and self.hook().read_text() == COMMIT_MSG

    def head(self) -> str:
        """The commit of HEAD; a loose ref of an ordinary clone is read without a process."""
        head = self.path / ".git/HEAD"
        name = head.read_text().strip().removeprefix("ref: ") if head.is_file() else "HEAD"
        loose = self.path / ".git" / name
        if name.startswith("refs/") and loose.is_file():
            return loose.read_text().strip()
        return self.git.query("rev-parse", "HEAD").text

    def message(self, name: str = "HEAD") -> str:
        return self.git.query("log", "-1", "--format=%B", name).stdout

    def made(
        self, ref: str, files: Mapping[str, str], message: str, branch: str = "main", who: str = "Ann <a@b>"
    ) -> str:
        """A commit on the server's branch with other files in it, as the tip of `ref`."""
        parent = fast_import.tip(self.server, f"refs/heads/{branch}") or ""
        return fast_import.commit(self.server, ref, (parent,), files, f"{message}\n", f"{who} {int(time.time())} +0000")

    def upstream(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Somebody else's commit lands on the server."""
        return self.made(f"refs/heads/{branch}", files, "upstream", branch)

    def pushed(self, branch: str = "main") -> str | None:
        return fast_import.tip(self.server, f"refs/for/{branch}")

    def hook(self) -> Path:
        return self.path / ".git/hooks/commit-msg"

    def snapshot(self) -> tuple[str, ...]:
        """All that an innocent command must leave alone: refs, HEAD, index, work tree, configuration, hooks."""
        place = self.path / ".git"
        return (
            _texts(place / "refs") + _texts(place, "packed-refs"),
            _texts(place, "HEAD") + self.head(),
            # The index, where it is not HEAD's tree; the work tree, where it is not the index.
            self.git.query("status", "--porcelain=v2", "-uall").stdout,
            _texts(place, "config"),
            str(sorted(file.name for file in (place / "hooks").iterdir())),
            _texts(place / "logs"),
        )

    def review(self, *args: str, stdin: str | None = "") -> Result:
        """Run the command in this process, in the clone; `stdin` None is a closed one."""
        self.monkeypatch.chdir(self.path)
        reader, writer = os.pipe()
        os.write(writer, (stdin or "").encode())
        os.close(writer)
        with os.fdopen(reader) as pipe:
            self.monkeypatch.setattr(sys, "stdin", None if stdin is None else pipe)
            self.capfd.readouterr()
            code = status(args)
        captured = self.capfd.readouterr()
        return Result(code, captured.out, captured.err)


@pytest.fixture
def nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the person who runs the tests."""
    home = tmp_path / "nobody"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GITREVIEW_LOCAL_MODE", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (home / ".gitconfig").write_text(
        "[user]\n name = Ann\n email = ann@example.org\n[init]\n defaultBranch = main\n" + QUIET
    )


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clone and its server, made once; each test gets a copy."""
    root = tmp_path_factory.mktemp("template")
    server, path = root / "server.git", root / "clone"
    who = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Ann"}
    who |= {"GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "ann@example.org"}
    Runner(alone=True).run("init", "-q", "--bare", "-b", "main", str(server))
    Runner(server, alone=True).run("config", "receive.advertisePushOptions", "true")
    Runner(alone=True).run("init", "-q", "-b", "main", str(path))
    git = Runner(path, alone=True, environment=who)
    (path / ".gitreview").write_text(GITREVIEW)
    (path / "base.txt").write_text("one\ntwo\nthree\n")
    git.run("add", ".")
    git.run("commit", "-q", "-m", "base")
    git.run("remote", "add", "gerrit", f"file://{server}")
    git.run("push", "-q", "gerrit", "main")
    git.run("checkout", "-q", "-b", "topic")
    (path / ".git/hooks").mkdir(exist_ok=True)
    return root


@pytest.fixture
def clone(
    nobody_home: None,
    template: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Clone:
    server, path = tmp_path / "server.git", tmp_path / "clone"
    shutil.copytree(template / "server.git", server)
    shutil.copytree(template / "clone", path)
    config = path / ".git/config"
    config.write_text(config.read_text().replace(str(template), str(tmp_path)))
    return Clone(path, Runner(server), Runner(path), capfd, monkeypatch)


def run_program(argv: Sequence[str], cwd: Path, stdin: str = "") -> Result:
    """The installed command as a process of its own."""
    done = subprocess.run(list(argv), cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def _texts(place: Path, names: str = "**/*") -> str:
    """Every file's name and text."""
    return "".join(f"{file}:\n{file.read_text()}\n" for file in sorted(place.glob(names)) if file.is_file())


CHANGE_ID = "I" + "c" * 40
SSH = """#!/bin/sh
printf '%s\\n' "$@" >> {log}
for command; do case "$command" in LocalCommand=*) sh -c "${{command#LocalCommand=}}" ;; esac; done
case "$command" in
    "gerrit query"*)
        for own in {answer}.*; do
            [ -e "$own" ] || continue
            case " $command " in *" ${{own##*/answer.}} "*) cat "$own"; exit 0 ;; esac
        done
        cat {answer}; exit $(cat {status}) ;;
    git-upload-pack*) exec git-upload-pack {server} ;;
    "scp -f "*) exec scp -f {hook} ;;
    git-receive-pack*) exec git-receive-pack {server} ;;
esac
exit 9
"""


@dataclass
class Asked:
    """A clone whose remote is reached by an ssh that answers queries with a file, and git with the bare repository."""

    clone: Clone
    root: Path

    def answers(self, *rows: dict[str, Any], more: bool = False, status: int = 0) -> None:
        self.says(_rows(rows, more), status)

    def answers_for(self, term: str, *rows: dict[str, Any]) -> None:
        """The answer to queries with that term."""
        (self.root / f"answer.{term}").write_text(_rows(rows, False))

    def answers_strangely_for(self, term: str, text: str) -> None:
        (self.root / f"answer.{term}").write_text(text)

    def says(self, text: str, status: int = 0) -> None:
        (self.root / "answer").write_text(text)
        (self.root / "status").write_text(f"{status}\n")

    def words(self) -> list[str]:
        return (self.root / "log").read_text().splitlines()

    def patchset(self, number: int, patchset: int, subject: str, files: dict[str, str] | None = None) -> dict[str, Any]:
        """A patchset that the server has, made of main."""
        ref = f"refs/changes/{number % 100:02d}/{number}/{patchset}"
        commit = self.clone.made(ref, files or {}, subject, who="x@y <x@y>")
        return {"number": patchset, "revision": commit, "ref": ref}


@pytest.fixture
def asked(clone: Clone, tmp_path: Path) -> Asked:
    places = {"log": tmp_path / "log", "answer": tmp_path / "answer", "status": tmp_path / "status"}
    script = tmp_path / "fake-ssh"
    script.write_text(SSH.format(server=clone.server.directory, hook=tmp_path / "commit-msg", **places))
    script.chmod(0o755)
    clone.monkeypatch.setenv("GIT_SSH", str(script))
    clone.monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    clone.git.run("remote", "set-url", "gerrit", "ssh://ann@review.example.org:29418/demo/project")
    made = Asked(clone, tmp_path)
    made.answers_for("has:unresolved")
    return made


def row(number: int, *patchsets: dict[str, Any], **others: Any) -> dict[str, Any]:
    current = {"currentPatchSet": patchsets[-1], "patchSets": list(patchsets)} if patchsets else {}
    return (
        {"project": "demo/project", "branch": "main", "number": number, "subject": f"change {number}"}
        | current
        | others
    )


def _rows(rows: Sequence[dict[str, Any]], more: bool) -> str:
    last = {"type": "stats", "rowCount": len(rows), "moreChanges": more}
    return "".join(json.dumps(one) + "\n" for one in (*rows, last))
