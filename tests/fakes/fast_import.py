"""Commits written straight into a repository, one process each and without a work tree; it decides no history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from git_review.git.runner import Runner


def commit(
    git: Runner, ref: str, parents: Sequence[str], files: Mapping[str, str | None], message: str, who: str
) -> str:
    """Write a commit; `files` are changes to the first parent's, None deletes. The ref is moved to it.

    :param who: author and committer, with the time: ``Name <address> seconds +0000``.
    """
    lines = [f"commit {ref}", "mark :1", f"author {who}", f"committer {who}", _data(message)]
    lines += [f"{word} {sha}" for word, sha in zip(("from", *["merge"] * 9), parents, strict=False)]
    if not parents:
        lines.append("deleteall")
    for path, text in files.items():
        name = _quoted(path)
        lines.append(f"D {name}" if text is None else f"M 100644 inline {name}\n{_data(text)}")
    words = ("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--force")
    return git.run(*words, stdin="\n".join((*lines, "", "get-mark :1", ""))).text


def tip(git: Runner, ref: str) -> str | None:
    """The commit that a ref is at; a loose one is read without a process."""
    file = Path(git.directory or "") / ref
    text = file.read_text().strip() if file.is_file() else ""
    if text and not text.startswith("ref:"):
        return text
    return git.query("rev-parse", "-q", "--verify", ref, ok=(0, 1)).text or None


def _quoted(path: str) -> str:
    if "\n" not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"
