"""Every merge mode against git itself, driven as Zuul's merger drives it, in a work tree."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatelocal.engine.changes import own_mode
from gatelocal.errors import ConflictError
from gatelocal.merger.cache import Cache
from gatelocal.merger.join import Joiner
from gatelocal.merger.merger import Merger
from gatelocal.merger.trees import Clash
from gatelocal.model.merged import MergeMode
from git_review.git import objects
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

APP = "demo/app"
LINES = [f"line {number}\n" for number in range(30)]
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "zuul"), ("EMAIL", "zuul@example.org"), ("DATE", "1700000000 +0000"))
}


def edited(place: int, text: str) -> str:
    return "".join([*LINES[:place], f"{text}\n", *LINES[place + 1 :]])


@dataclass(frozen=True)
class Case:
    base: str
    commit: str


@dataclass(frozen=True)
class Cases:
    """A bare repository, and how what is put onto what in it is made."""

    path: Path
    makers: Mapping[str, Callable[[], Case]]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    server = GitServer(tmp_path_factory.mktemp("modes"))
    log = {"log": "start\n", ".gitattributes": "log merge=union\n"}
    start = server.create(APP, {"code": "".join(LINES), "other": "1\n", "dir/one": "".join(LINES), **log})

    def commit(*parents: str, **files: str | None) -> str:
        named = {name.replace("__", "/"): text for name, text in files.items()}
        return server.commit(APP, "refs/heads/scratch", parents, named)

    tip = commit(start, code=edited(2, "theirs"))
    change = commit(start, code=edited(20, "ours"))

    def merged() -> str:
        parents = (change, commit(start, side="1\n"))
        return server.commit(APP, "refs/heads/scratch", parents, {"side": "1\n", "evil": "1\n"}, "Merge\n")

    def twice() -> str:
        return commit(tip, code=edited(2, "theirs"), again="1\n")

    def crossed() -> Case:
        left, right = commit(start, code=edited(8, "left")), commit(start, side="2\n")
        both = {"code": edited(8, "left"), "side": "2\n"}
        return Case(commit(left, right, **both, more="1\n"), commit(right, left, **both, other="4\n"))

    def moved() -> str:
        return commit(start, **{"dir__one": None, "dir__two": "".join(LINES)})

    return Cases(
        server.path(APP),
        {
            "beside the tip": lambda: Case(tip, change),
            "on the tip": lambda: Case(start, change),
            "landed already": lambda: Case(change, start),
            "two commits": lambda: Case(tip, commit(change, code=edited(25, "more"), other="2\n")),
            "a conflict": lambda: Case(tip, commit(start, code=edited(2, "mine"))),
            "a conflict in the second of two": lambda: Case(tip, commit(change, code=edited(2, "mine"))),
            "edited where it was renamed": lambda: Case(moved(), commit(start, dir__one=edited(3, "ours"))),
            "a merge commit": lambda: Case(tip, merged()),
            "a merge commit on the tip": lambda: Case(start, merged()),
            "a merge below": lambda: Case(tip, commit(merged(), other="3\n")),
            "empty from the start": lambda: Case(tip, commit(start)),
            "applied already": lambda: Case(twice(), commit(start, code=edited(2, "theirs"))),
            "the first of two applied already": lambda: Case(
                twice(), commit(commit(start, code=edited(2, "theirs")), other="5\n")
            ),
            "becomes empty": lambda: Case(
                commit(start, code=edited(2, "a"), other="9\n"), commit(commit(start, other="9\n"), side="1\n")
            ),
            "united by an attribute": lambda: Case(commit(start, log="start\nb\n"), commit(start, log="start\na\n")),
            "both made one file": lambda: Case(commit(start, new="1\n"), commit(start, new="2\n")),
            "both did the same": lambda: Case(commit(start, new="1\n"), commit(start, new="1\n", more="1\n")),
            "removed and edited": lambda: Case(commit(start, other=None), commit(start, other="2\n")),
            "criss-cross": crossed,
            "another history": lambda: Case(tip, commit(stranger="1\n")),
        },
    )


@pytest.fixture(scope="module")
def work(cases: Cases, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    folder = tmp_path_factory.mktemp("work")
    Runner(folder, alone=True).run("clone", "-q", "--shared", str(cases.path), "tree")
    return Runner(folder / "tree", alone=True, environment=WHO)


def by_git(work: Runner, mode: MergeMode, case: Case) -> str | None:
    """The tree that Zuul's commands make (zuul/merger/merger.py of 14.3.0), None for a conflict."""
    work.run("checkout", "-qf", "--detach", case.base)
    merge = ("merge", "-q", "-m", "Merge it")
    parents = work.query("rev-parse", f"{case.commit}^@").lines
    match mode:
        case MergeMode.MERGE:
            steps = [(*merge, case.commit)]
        case MergeMode.MERGE_RESOLVE | MergeMode.MERGE_RECURSIVE | MergeMode.MERGE_ORT:
            steps = [(*merge, "-s", mode.value.removeprefix("merge-"), case.commit)]
        case MergeMode.SQUASH_MERGE:
            steps = [("merge", "-q", "--squash", case.commit), ("commit", "-q", "--allow-empty", "-m", "Squash")]
        case MergeMode.CHERRY_PICK if len(parents) > 1:
            steps = [(*merge, "-s", "resolve", case.commit)]
        case MergeMode.CHERRY_PICK:
            steps = [("cherry-pick", "--keep-redundant-commits", case.commit)]
        case MergeMode.REBASE_FIRST_PARENT if len(parents) > 1:
            told = work.run("merge-tree", case.base, case.commit, ok=(0, 1))
            return None if told.status else told.text
        case _:
            steps = [("checkout", "-q", case.commit), ("rebase", "-q", case.base)]
    for step in steps:
        if work.run(*step, ok=(0, 1, 2, 128)).status:
            work.run("rebase", "--quit", ok=(0, 128))
            work.run("reset", "-q", "--hard")
            return None
    return work.query("rev-parse", "HEAD^{tree}").text


FAST = ("two commits", "edited where it was renamed")
SLOW = (
    "beside the tip|on the tip|landed already|a conflict|a conflict in the second of two|a merge commit"
    "|a merge commit on the tip"
    "|a merge below|empty from the start|applied already|the first of two applied already|becomes empty"
    "|united by an attribute|both made one file|both did the same|removed and edited|another history|criss-cross"
).split("|")
SAME = (MergeMode.MERGE_ORT, MergeMode.MERGE_RECURSIVE)
"""Modes that are one with another mode here; that they are with git, too, the slow cases tell."""


@pytest.mark.live
@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.live) for name in SLOW)])
def test_each_mode_makes_the_tree_that_git_makes(name: str, cases: Cases, work: Runner) -> None:
    case = cases.makers[name]()
    for mode in MergeMode if name in SLOW else set(MergeMode).difference(SAME):
        with Joiner(objects.alone(cases.path), (case.base, case.commit)) as joiner:
            try:
                made: str | None = joiner.tree(joiner.join(case.base, case.commit, "Merge it\n", mode))
            except Clash:
                made = None
        assert made == by_git(work, mode, case), mode
    assert set(cases.makers) == {*FAST, *SLOW}


def test_each_mode_makes_the_same_commits_for_everybody(
    cases: Cases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases.makers["two commits"]()

    def made() -> dict[MergeMode, str]:
        with Joiner(objects.alone(cases.path), (case.base, case.commit)) as joiner:
            return {mode: joiner.join(case.base, case.commit, "Merge it\n", mode) for mode in MergeMode}

    plain = made()
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Somebody\nemail = else@example.org\n[commit]\ngpgSign = true\n[i18n]\ncommitEncoding = latin1\n"
        "[diff]\nrenames = false\nalgorithm = minimal\n[merge]\nconflictStyle = diff3\n[log]\nshowSignature = true\n"
    )
    for name, value in {"HOME": str(tmp_path), "TZ": "Asia/Kathmandu", "LANG": "C", "GIT_COMMITTER_DATE": "@1"}.items():
        monkeypatch.setenv(name, value)
    assert made() == plain
    git = objects.alone(cases.path)
    told = git.query("log", "-1", "--format=%an %cn %at %ct", plain[MergeMode.CHERRY_PICK]).text.split()
    original = git.query("log", "-1", "--format=%at %ct", case.commit).text.split()
    assert told == ["A", "Person", "gatelocal", *original]
    assert git.query("rev-list", "--count", f"{case.base}..{plain[MergeMode.REBASE]}").text == "2"
    assert len(git.query("rev-parse", f"{plain[MergeMode.SQUASH_MERGE]}^@").lines) == 1


def test_a_conflict_is_shown_again_in_modes_that_pick(server: GitServer, cache: Cache) -> None:
    merger = Merger(cache, server.remote, lambda _, __: MergeMode.CHERRY_PICK)
    changes = [server.change(APP, {"README": f"{word}\n"}) for word in ("two", "three")]
    with pytest.raises(ConflictError) as caught:
        merger.merge(changes)
    assert changes[0].name in caught.value.brief and changes[1].name in caught.value.brief
    command = shlex.split(caught.value.hint.rpartition(": ")[2])
    shown = Runner(alone=True).query(*command[1:], ok=(1,)).stdout
    assert "CONFLICT (content): Merge conflict in README" in shown


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("    merge-mode: cherry-pick\n", MergeMode.CHERRY_PICK),
        ("", MergeMode.MERGE_RESOLVE),
    ],
)
def test_a_project_says_how_it_is_merged(said: str, mode: MergeMode, server: GitServer, cache: Cache) -> None:
    server.create("demo/own", {"zuul.d/project.yaml": f"- project:\n{said}    gate:\n      jobs: [noop]\n"})
    merger = Merger(cache, server.remote, own_mode)
    change = server.change("demo/own", {"new": "1\n"})
    server.commit("demo/own", "refs/heads/main", (server.tip("demo/own"),), {"other": "1\n"})
    state = merger.merge([change])
    assert [step.mode for step in state.steps] == [mode]
    count = {MergeMode.CHERRY_PICK: 1, MergeMode.MERGE_RESOLVE: 2}[mode]
    assert len(merger.repository("demo/own").git.query("rev-parse", f"{state.merged[0].commit}^@").lines) == count
