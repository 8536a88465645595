"""The configuration that a git repository holds on each of its branches; it reads objects and never a work tree.

A folder that somebody named may hold anything: no hook, filter or transport of the repository is ever started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.yaml_values import MAX_CHARACTERS
from gatelocal.config.zuul_files import PLACES, is_ignored
from gatelocal.config.zuul_yaml import parse_all
from gatelocal.errors import ConfigurationError
from gatelocal.jobs.zuul.schema import sifted
from gatelocal.model.pattern import matches_whole
from gatelocal.model.tenant import ConfigFile, TenantProject
from git_review.git.errors import GitError
from git_review.git.runner import Runner
from git_review.git.trees import FOLDER, LINK_TO_COMMIT, Entry, TreeStore

MAX_BRANCHES = 500
"""A repository with more branches that count is refused: each is read."""

MAX_FILES = 1000
"""How many files one branch may have its configuration in."""

_LARGE = 4 * MAX_CHARACTERS
_ALL = 128 * 2**20
_BARE = ("HEAD", "objects")
# The ids of the file with nothing in it, in git's two kinds of repository: to Zuul it is not there.
_EMPTY = frozenset(
    (
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    )
)
_READ_ONLY = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}


@dataclass(frozen=True, slots=True)
class Heads:
    """A repository's branches.

    :ivar commits: branch → commit id, the default branch first, the others by name.
    :ivar default: the branch that HEAD names; None when it names none that is there.
    """

    commits: Mapping[str, str]
    default: str | None


def is_repository(path: Path) -> bool:
    """Whether there is a git repository in that very folder."""
    return (path / ".git").exists() or all((path / name).exists() for name in _BARE)


def heads(path: Path, remote: str = "origin") -> Heads:
    """The branches of a repository: its own if it is bare, those of its remote otherwise.

    A repository with a work tree and without any branch of that remote is taken for the place where the work is done,
    and has its own branches.

    :raises ConfigurationError: git cannot read it.
    """
    git = _git(path)
    bare = not (path / ".git").exists() and path.name != ".git"
    try:
        found = Heads({}, None) if bare else _listed(git, f"refs/remotes/{remote}/")
        return found if found.commits else _listed(git, "refs/heads/")
    except GitError as error:
        raise ConfigurationError(f"{path}: {error.brief}", details=error.details, hint=error.hint) from error


def counting(project: TenantProject, found: Heads, only: Sequence[str] | None) -> dict[str, str]:
    """The branches that count for a tenant.

    :param only: names or patterns of the only ones that the person wants to count; None: all do.
    :raises ConfigurationError: there are too many.
    """
    counted = {}
    for branch, commit in found.commits.items():
        if only is not None and not any(branch == one or matches_whole(one, branch) for one in only):
            continue
        if project.include_branches is not None:
            if not any(matches_whole(one, branch) for one in project.include_branches):
                continue
        elif any(matches_whole(one, branch) for one in project.exclude_branches):
            continue
        counted[branch] = commit
    if len(counted) > MAX_BRANCHES:
        raise ConfigurationError(
            f"{project.name} has {len(counted)} branches that count, more than {MAX_BRANCHES}",
            hint="say which ones matter: `branches` in the repository's entry, or include-branches in the tenant",
        )
    return counted


def read(
    path: Path, commits: Sequence[str], extra: Sequence[str], cache: StanzaCache
) -> dict[str, tuple[ConfigFile, ...]]:
    """The configuration files of commits, from the cache as far as they are there.

    :param extra: further files, and folders with a slash at their end (Zuul: extra-config-paths).
    :raises ConfigurationError: git cannot read them.
    """
    done: dict[str, tuple[ConfigFile, ...]] = {}
    for commit in dict.fromkeys(commits):
        if (known := cache.get(commit, extra)) is not None:
            done[commit] = known
    waiting = [commit for commit in dict.fromkeys(commits) if commit not in done]
    if waiting:
        try:
            texts = _texts(_git(path), waiting, extra)
        except GitError as error:
            raise ConfigurationError(f"{path}: {error.brief}", details=error.details, hint=error.hint) from error
        for commit, found in texts.items():
            done[commit] = tuple(checked(file, text) for file, text in found.items())
            cache.put(commit, extra, done[commit])
    return done


def checked(file: str, text: str) -> ConfigFile:
    """What one file says, without the stanzas that Zuul would not take, which are told as faults."""
    stanzas, faults = parse_all(text, file)
    good, bad = sifted(stanzas)
    return ConfigFile(file, good, (*faults, *bad))


def _git(path: Path) -> Runner:
    return Runner(path, alone=True, environment=_READ_ONLY)


def _listed(git: Runner, prefix: str) -> Heads:
    rows = git.query("for-each-ref", "--format=%(refname)%00%(objectname)%00%(HEAD)%00%(symref)", prefix).lines
    commits: dict[str, str] = {}
    default: str | None = None
    for row in rows:
        name, commit, head, symbolic = row.split("\0")
        branch = name.removeprefix(prefix)
        if symbolic:
            default = symbolic.removeprefix(prefix) if branch == "HEAD" else default
            continue
        commits[branch] = commit
        if head == "*" and prefix == "refs/heads/":
            default = branch
    if default not in commits:
        default = next((name for name in ("master", "main") if name in commits), None)
    first = {} if default is None else {default: commits[default]}
    return Heads({**first, **dict(sorted(commits.items()))}, default)


def _texts(git: Runner, commits: Sequence[str], extra: Sequence[str]) -> dict[str, dict[str, str]]:
    """The texts of each commit's configuration files, in Zuul's order of reading."""
    places = (*PLACES, *(path.rstrip("/") for path in extra))
    asked = [(commit, place) for commit in commits for place in places]
    kinds = _kinds(git, [f"{commit}:{place}" for commit, place in asked])
    wanted: dict[str, dict[str, str]] = {commit: {} for commit in commits}
    trees = {commit: dict(_in_folders(git, commit, kinds, places)) for commit in commits}
    for commit in commits:
        wanted[commit] = _chosen(commit, kinds, trees[commit], extra)
    blobs = _blobs(git, [blob for files in wanted.values() for blob in files.values()])
    return {
        commit: {file: blobs[blob] for file, blob in files.items() if blobs.get(blob)}
        for commit, files in wanted.items()
    }


def _kinds(git: Runner, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """For each name, ``COMMIT:PATH``, that is there, its object's kind and id.

    :raises GitError: a folder on the way cannot be read; to ``cat-file --batch-check`` it would not be there.
    """
    found = {}
    with TreeStore(git) as store:
        for name in names:
            entry: Entry | None
            commit, _, path = name.partition(":")
            entry = (FOLDER, f"{commit}^{{tree}}")
            for part in path.split("/"):
                entry = store.read(entry[1])[0].entries.get(os.fsencode(part)) if entry and entry[0] == FOLDER else None
            if entry and entry[0] != LINK_TO_COMMIT:
                found[name] = ("tree" if entry[0] == FOLDER else "blob", entry[1])
    return found


def _in_folders(
    git: Runner, commit: str, kinds: Mapping[str, tuple[str, str]], places: Sequence[str]
) -> list[tuple[str, str]]:
    """Path and blob of all files below the folders among the places."""
    folders = [f"{place}/" for place in places if kinds.get(f"{commit}:{place}", ("", ""))[0] == "tree"]
    if not folders:
        return []
    rows = git.query("ls-tree", "-r", "-z", commit, "--", *folders).stdout.split("\0")
    entries = [row.partition("\t") for row in rows if row]
    return [(path, head.split(" ")[2]) for head, _, path in entries if head.split(" ")[1] == "blob"]


def _chosen(
    commit: str, kinds: Mapping[str, tuple[str, str]], tree: Mapping[str, str], extra: Sequence[str]
) -> dict[str, str]:
    """Path and blob of the files that count: the first of Zuul's own places that has any, and the extra ones."""
    files: dict[str, str] = {}
    for place in PLACES:
        if place.endswith(".yaml"):
            kind, sha = kinds.get(f"{commit}:{place}", ("", ""))
            found = {place: sha} if kind == "blob" and sha not in _EMPTY else {}
        else:
            found = _below(f"{place}/", tree)
        if found:
            files.update(found)
            break
    for path in sorted(extra, key=lambda one: one.endswith("/")):  # files before folders, as Zuul does
        kind, sha = kinds.get(f"{commit}:{path.rstrip('/')}", ("", ""))
        if path.endswith("/"):
            files.update(_below(path, tree))
        elif kind == "blob":
            files[path] = sha
    return files


def _below(folder: str, tree: Mapping[str, str]) -> dict[str, str]:
    inside = [path for path in tree if path.startswith(folder)]
    ignored = is_ignored(inside)
    chosen = sorted(
        path for path in inside if path.endswith(".yaml") and not ignored(path) and tree[path] not in _EMPTY
    )
    if len(chosen) > MAX_FILES:
        raise ConfigurationError(f"{folder} has {len(chosen)} files, more than {MAX_FILES}")
    return {path: tree[path] for path in chosen}


def _blobs(git: Runner, shas: Sequence[str]) -> dict[str, str]:
    """The texts of blobs; one that is too large to be configuration is not read, and told of by who parses it."""
    wanted = list(dict.fromkeys(shas))
    if not wanted:
        return {}
    asked = "".join(f"{sha}\n" for sha in wanted)
    sizes = {
        sha: int(size) if size.isdigit() else -1
        for sha, _, size in (
            line.partition(" ")
            for line in git.query("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked).lines
        )
    }
    if absent := [sha for sha in wanted if sizes.get(sha, -1) < 0]:
        raise ConfigurationError(f"the repository lacks object {absent[0]}", hint="is it a partial clone?")
    small = [sha for sha in wanted if sizes[sha] <= _LARGE]
    if sum(sizes[sha] for sha in small) > _ALL:
        raise ConfigurationError(f"its configuration is larger than {_ALL // 2**20} MiB")
    texts = dict.fromkeys(wanted, "x" * (MAX_CHARACTERS + 1))
    data = git.query("cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in small)).stdout
    rest = data.encode("utf-8", "surrogateescape")
    place = 0
    for sha in small:
        begin = rest.index(b"\n", place) + 1
        place = begin + sizes[sha] + 1
        texts[sha] = rest[begin : place - 1].decode("utf-8", "replace")
    return texts
