"""A git server for tests: bare repositories in a folder, with commits written straight into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gatelocal.merger.merger import Remote
from gatelocal.model.change import Change, ChangeStatus
from git_review.git.runner import Runner
from tests.fakes import fast_import

PERSON = "A Person <person@example.org>"


class GitServer:
    """Real repositories, one for each project; commits cost one process each and need no work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = 0
        self._seconds = 1_700_000_000

    def path(self, project: str) -> Path:
        return self.folder / f"{project}.git"

    def remote(self, project: str) -> Remote:
        return Remote(project, str(self.path(project)))

    def git(self, project: str) -> Runner:
        return Runner(self.path(project), alone=True)

    def create(self, project: str, files: Mapping[str, str] | None = None, branch: str = "main") -> str:
        """A project with one commit on its default branch."""
        self.path(project).mkdir(parents=True)
        self.git(project).run("init", "-q", "--bare", "--template=", f"--initial-branch={branch}")
        return self.commit(project, f"refs/heads/{branch}", (), files or {"README": "one\n"})

    def commit(
        self,
        project: str,
        ref: str,
        parents: Sequence[str],
        files: Mapping[str, str | None],
        message: str = "A commit\n",
    ) -> str:
        """Write a commit; `files` are changes to the first parent's, None deletes. The ref is moved to it."""
        self._seconds += 60
        who = f"{PERSON} {self._seconds} +0000"
        return fast_import.commit(self.git(project), ref, parents, files, message, who)

    def tip(self, project: str, branch: str = "main") -> str:
        found = fast_import.tip(self.git(project), f"refs/heads/{branch}")
        assert found is not None, f"{project} has no branch {branch}"
        return found

    def change(
        self,
        project: str,
        files: Mapping[str, str | None],
        parent: str | None = None,
        branch: str = "main",
        message: str = "Subject\n",
    ) -> Change:
        """Upload a change on top of a commit (the branch's tip by default)."""
        self._numbers += 1
        number = self._numbers
        ref = f"refs/changes/{number % 100:02}/{number}/1"
        commit = self.commit(project, ref, (parent or self.tip(project, branch),), files, message)
        value = Change(project, branch, commit, message, ChangeStatus.NEW)
        return replace(value, number=number, patchset=1, ref=ref, url=f"https://review.example.org/{number}")
