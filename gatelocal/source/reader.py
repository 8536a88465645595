"""Changes and branches of one Gerrit, read whole over REST; what is new about them is found out elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gatelocal.errors import InfrastructureError
from gatelocal.source.mirror import with_texts
from git_review.errors import ReviewError
from git_review.gerrit import Gerrit, model
from git_review.gerrit.errors import NotFound, one_line
from git_review.gerrit.ssh import term

OPTIONS = (
    "ALL_REVISIONS",
    "ALL_COMMITS",
    "CURRENT_FILES",
    "DETAILED_LABELS",
    "DETAILED_ACCOUNTS",
    "MESSAGES",
    "SUBMIT_REQUIREMENTS",
)
_COMMENTED = " comment)", " comments)"
_AT_ONCE = 20
"""Projects in one search."""


class Reader:
    """The changes of one server. Every method raises InfrastructureError when the server gives no answer.

    :ivar projects: change → its project, of those that were shown; several readers may have it together. With it, a
        change is found though the server's index has lost it, as that of a Gerrit that was killed has for a while.
    """

    def __init__(self, gerrit: Gerrit, projects: dict[int, str] | None = None) -> None:
        self.gerrit = gerrit
        self.projects = {} if projects is None else projects

    def name(self, number: int) -> str | int:
        """A change as the server is best asked for it."""
        project = self.projects.get(number)
        return number if project is None else f"{project}~{number}"

    def me(self) -> int | None:
        """The account that the server knows us as."""
        if self.gerrit.username is None:
            return None
        with asking("who we are"):
            return self.gerrit.accounts.get("self").id

    def open_changes(self, projects: Sequence[str]) -> Iterator[model.Change]:
        """All open changes of the projects."""
        for at in range(0, len(projects), _AT_ONCE):
            wanted = " OR ".join(term("project", one) for one in projects[at : at + _AT_ONCE])
            with asking("the open changes"):
                for change in self.gerrit.changes.query(f"status:open ({wanted})", OPTIONS):
                    yield self._whole(change)

    def change(self, number: int, project: str = "") -> model.Change | None:
        """One change as it is at this moment, not as the server's index has it; None when it is not shown to us."""
        with asking(f"change {number}"):
            try:
                name = f"{project}~{number}" if project else self.name(number)
                return self._whole(self.gerrit.changes.get(name, OPTIONS))
            except NotFound:
                return None

    def with_id(self, change_id: str) -> tuple[model.Change, ...]:
        """All changes that have that Change-Id."""
        with asking(f"changes {one_line(change_id, 50)}"):
            return tuple(map(self._noted, self.gerrit.changes.query(f"change:{change_id}", OPTIONS, limit=50)))

    def has(self, project: str) -> bool:
        """Whether the server has that project, and shows it to us."""
        with asking(f"the project {project}"):
            try:
                self.gerrit.projects.get(project)
            except NotFound:
                return False
        return True

    def tips(self, project: str) -> dict[str, str]:
        """The commits of a project's branches; none when the project is not there, or not shown to us."""
        with asking(f"the branches of {project}"):
            try:
                found = self.gerrit.projects.branches(project)
            except NotFound:
                return {}
        heads = "refs/heads/"
        return {one.ref.removeprefix(heads): one.revision for one in found if one.ref.startswith(heads)}

    def tags(self, project: str) -> dict[str, str]:
        """The objects of a project's tags; none when the project is not there, or not shown to us."""
        with asking(f"the tags of {project}"):
            try:
                found = self.gerrit.projects.tags(project)
            except NotFound:
                return {}
        return {one.ref.removeprefix("refs/tags/"): one.revision for one in found}

    def _whole(self, change: model.Change) -> model.Change:
        """With what was said on whole patchsets, which is no part of the messages themselves."""
        self._noted(change)
        if not any(end in one.text for one in change.messages for end in _COMMENTED):
            return change
        with asking(f"the comments on change {change.number}"):
            return with_texts(change, self.gerrit.changes.said(change.id))

    def _noted(self, change: model.Change) -> model.Change:
        self.projects[change.number] = change.project
        return change


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Tell what the server has not answered as a failure of the machinery."""
    try:
        yield
    except InfrastructureError:
        raise
    except ReviewError as error:
        raise InfrastructureError(
            f"asking for {what}: {error.brief}", details=error.details, hint=error.hint
        ) from error
