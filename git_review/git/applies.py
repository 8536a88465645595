"""Do HEAD's commits still apply on another commit? Tried in memory: no file, index or ref of the person's changes."""

from __future__ import annotations

from collections.abc import Sequence

from git_review.git.errors import GitError, GitFailed, MergeConflict
from git_review.git.repo import Places
from git_review.git.runner import Runner

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from git_review.git.scratch import Trial

_SOMEBODY = "git review <git-review@localhost> 0 +0000"
_MANY_BYTES = 50_000
"""Of file names: so many fit into a command line everywhere."""


class Unrelated(GitError):
    """A commit to upload shares no history with the branch it is for."""


class CannotTry(GitError):
    """There is no way to try a merge here: git is too old, or a shallow clone lacks the common history."""


def check_applies(runner: Runner, places: Places, target: str) -> int:
    """Whether HEAD's commits still apply on `target`, tried in memory and one by one, as a rebase would.

    A merge commit is tried as the server would merge it, and stands for the commits below it, so that conflicts
    somebody resolved in it stay resolved.
    Objects made on the way go to a scratch directory, so that nothing remains. A git before 2.38 cannot merge in
    memory: then it is done in the work tree of a scratch repository.

    :returns: how many commits were tried; 0 when HEAD already contains `target`.
    :raises MergeConflict: `theirs` in its text is the commit, its `files` are in conflict.
    :raises Unrelated: a commit has no parent. :raises CannotTry: this git can do neither.
    """
    bases = runner.query("merge-base", "--all", target, "HEAD", ok=(0, 1)).sure().lines
    if target in bases:
        return 0
    if len(bases) == 1 and (count := _apart(runner, bases[0], target)):
        return count
    rows = runner.query("rev-list", "--parents", "--topo-order", "--reverse", "HEAD", f"^{target}").lines
    try:
        _try(runner, places, target, [row.split(" ") for row in rows])
    except Unrelated as error:
        if (places.common / "shallow").exists():
            raise CannotTry("the clone is shallow", details=f"this clone is shallow: {error.brief} here") from error
        raise
    return len(rows)


def _try(runner: Runner, places: Places, target: str, rows: list[list[str]]) -> None:
    from git_review.git import scratch

    try:
        with scratch.in_memory(runner, places) as trial:
            _replay(trial, target, rows)
    except scratch.GitTooOld as too_old:
        try:
            with scratch.in_work_tree(places, target, runner.tell) as trial:
                _replay(trial, target, rows)
        except GitFailed as error:
            raise CannotTry("neither in memory nor in a scratch work tree", details=error.details) from too_old


def _apart(runner: Runner, base: str, target: str) -> int | None:
    """How many commits apply for certain, as they and the target branch touch different files; None: it takes a merge.

    Where a file of ours is gone, or a folder that we add to, something may have been renamed, and where a commit is a
    merge git lists no files: then only a merge tells. Only our own files are looked up in the target branch, so that
    its size, and how far it is ahead, do not matter.
    """
    shape = ("--no-renames", "--name-status", "--ignore-submodules=none", "--no-ext-diff", "-z")
    log = runner.query("log", *shape, "--no-show-signature", "--format=%x01%P", "HEAD", f"^{target}", "--").stdout
    heads = [record for record in log.split("\0") if record.lstrip("\n").startswith("\x01")]
    if any(len(record.strip("\n\x01").split()) != 1 for record in heads):
        return None
    ours = _touched("\0".join(record for record in log.split("\0") if record not in heads))
    if ours is None or sum(map(len, ours)) > _MANY_BYTES:
        return None
    folders = _folders(ours)
    if not ours or "\n" in "".join(folders):
        return None if ours else len(heads)
    asked = "".join(f"{side}:{folder}\n" for folder in folders for side in (base, target))
    only = ("--literal-pathspecs", "diff-tree", "-r", *shape, base, target, "--", *ours)
    with runner.begin(*only) as touched_by_them:
        there = runner.query("cat-file", "--batch-check=%(objecttype)", stdin=asked).stdout.splitlines()
        if touched_by_them.answer().stdout:
            return None
    return len(heads) if _stay(there) else None


def _stay(kinds: Sequence[str]) -> bool:
    """Whether each folder, by what stands in its place before and now, is still one, or was none and still is not.

    A folder that is gone may have been renamed, which takes what is added to it along.
    """
    pairs = zip(kinds[::2], kinds[1::2], strict=True)
    return all(now == "tree" or (now.endswith(" missing") and before != "tree") for before, now in pairs)


def _touched(listed: str) -> set[str] | None:
    """The files of a ``--name-status -z`` list; None when one is gone."""
    fields = [field.strip("\n") for field in listed.split("\0") if field.strip("\n")]
    states, names = fields[::2], fields[1::2]
    return None if any(state not in ("A", "M", "T") for state in states) or len(states) != len(names) else set(names)


def _folders(files: set[str]) -> set[str]:
    """All folders that the files are in."""
    folders = set()
    for file in files:
        while "/" in file:
            file = file.rpartition("/")[0]  # noqa: PLW2901 - from the file up to the top
            folders.add(file)
    return folders


def _replay(trial: Trial, target: str, rows: list[list[str]]) -> None:
    from git_review.git.objects import CommitWriter

    trees: dict[str, str] = {}
    onto = trial.git.query("rev-parse", f"{target}^{{tree}}").text
    covered = _below_merges(rows)
    with CommitWriter(trial.git) as writer:
        for commit, *parents in rows:
            if commit in covered:
                continue
            if not parents:
                raise Unrelated(f"{commit} has no parent")
            ours = target
            if len(parents) == 1:
                ours = writer.write(trees.get(parents[0], onto), parents, _SOMEBODY, "what the commit is applied to")
            trees[commit] = _merged(trial, target, ours, commit)


def _merged(trial: Trial, target: str, ours: str, commit: str) -> str:
    try:
        return trial.merge(ours, commit)
    except MergeConflict as conflict:
        if not conflict.files:
            raise Unrelated(f"{commit} shares no history with the target", details=conflict.details) from conflict
        raise MergeConflict(target, commit, conflict.files, conflict.details) from conflict


def _below_merges(rows: list[list[str]]) -> set[str]:
    """The commits that a merge commit among the rows (parents before children) has below it."""
    covered: set[str] = set()
    for commit, *parents in reversed(rows):
        if len(parents) > 1 or commit in covered:
            covered.update(parents)
    return covered
