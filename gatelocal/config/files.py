"""Where a repository's files are read from: a work tree, or a commit of a bare repository; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from git_review.git.runner import Runner


@dataclass(frozen=True, slots=True)
class Files:
    """Two questions to a tree of files; paths are relative to its root and use ``/``.

    :ivar read: a file's text; None when there is no such file.
    :ivar listing: the paths of all files below a folder; nothing when there is no such folder.
    :ivar origin: what the tree is, for errors.
    """

    read: Callable[[str], str | None]
    listing: Callable[[str], Sequence[str]]
    origin: str


def files_of_tree(root: Path) -> Files:
    """The files of a checked-out tree; symbolic links that lead out of it count as absent."""
    top = root.resolve()

    def read(path: str) -> str | None:
        target = (top / path).resolve()
        if not target.is_relative_to(top) or not target.is_file():
            return None
        return target.read_bytes().decode("utf-8", "replace")

    def listing(folder: str) -> Sequence[str]:
        return [str(path.relative_to(top)) for path in (top / folder).rglob("*") if path.is_file()]

    return Files(read, listing, str(root))


def files_of_commit(repository: Path, commit: str) -> Files:
    """The files of a commit, read from a repository's objects; its work tree, if any, is left alone."""
    git = Runner(repository, alone=True)

    def read(path: str) -> str | None:
        # To `cat-file`, a file below a folder that cannot be read is a file that is not there.
        listed = git.query("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path).stdout
        kind, _, sha = listed.partition("\t")[0].partition(" ")[2].partition(" ")
        if kind != "blob":
            return None
        text = git.query("cat-file", "blob", sha).stdout
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def listing(folder: str) -> Sequence[str]:
        names = git.query("ls-tree", "-r", "-z", "--name-only", commit, f"{folder}/").stdout
        return [name for name in names.split("\0") if name]

    return Files(read, listing, f"commit {commit[:12]}")


def changed_files(repository: Path, before: str, after: str) -> tuple[str, ...]:
    """The paths that differ between two commits, as file matchers see them; a rename counts with both its names."""
    told = Runner(repository, alone=True).query("diff", "--name-only", "--no-renames", "-z", before, after, "--")
    return tuple(name for name in told.stdout.split("\0") if name)
