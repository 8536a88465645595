"""What git can answer instead of doing what it was asked: failed command, conflict, rejected push."""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_review.errors import ReviewError
from git_review.git.neutral import verb

# That an alternate is gone is said with every command; what is lacking because of that is said besides.
_COMPLAINT = re.compile(r"^(?:error|fatal): (?!.*alternate)", re.MULTILINE)
_UNRELATED = "fatal: refusing to merge unrelated histories"


def complaint(words: str) -> bool:
    """Whether git says on standard error that it could not read or do something."""
    return _COMPLAINT.search(words) is not None


class GitError(ReviewError):
    """git could not be used at all: it is missing, too old, or there is no repository."""


class GitFailed(GitError):
    """A git command ended with a status that its caller did not allow.

    :ivar argv: the command line, without secrets.
    :ivar status: git's exit status.
    """

    def __init__(self, argv: Sequence[str], status: int, output: str, *, hint: str = "") -> None:
        super().__init__(f"git {verb(argv[1:])} failed with status {status}", details=output.strip(), hint=hint)
        self.argv = tuple(argv)
        self.status = status

    @property
    def unrelated(self) -> bool:
        """Whether a merge was refused because the two have no common history, all of which could be read."""
        return _UNRELATED in self.details and not complaint(self.details.replace(_UNRELATED, ""))


class GitSilent(GitFailed):
    """A server said nothing for too long, and git was ended. :param said: what git had said before."""

    def __init__(self, argv: Sequence[str], seconds: float, said: str) -> None:
        words = f"{said.strip()}\nno word came from the server for {seconds:g} s (gitreview.timeout)"
        super().__init__(argv, 124, words, hint="is the server reachable? git config gitreview.timeout N waits longer")


class MergeConflict(GitError):
    """Two commits cannot be merged without a person.

    :ivar commit: the one that does not merge (`theirs`). :ivar files: the paths in conflict, in git's order.
    """

    def __init__(self, ours: str, theirs: str, files: Sequence[str], output: str = "") -> None:
        super().__init__(f"{theirs} does not merge into {ours}: conflict in {', '.join(files)}", details=output)
        self.commit = theirs
        self.files = tuple(files)
