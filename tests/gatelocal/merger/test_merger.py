"""From changes to speculative commits, with real git throughout."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gatelocal.errors import ConflictError, InfrastructureError, InputError
from gatelocal.merger.cache import RUNS, Cache
from gatelocal.merger.merger import Merger, Remote
from gatelocal.model.change import Change
from gatelocal.model.merged import MergedProject
from git_review.git import objects
from git_review.git.runner import Runner
from tests.fakes.git_server import GitServer

APP, LIB = "demo/app", "demo/lib"


def files(merger: Merger, one: MergedProject) -> set[str]:
    git = merger.repository(one.project).git
    return set(git.query("ls-tree", "-r", "--name-only", one.commit).lines)


def parents(merger: Merger, one: MergedProject) -> list[str]:
    return merger.repository(one.project).git.query("rev-parse", f"{one.commit}^@").lines


def test_a_change_on_the_tip_keeps_its_commit(server: GitServer, merger: Merger) -> None:
    first = server.change(APP, {"a": "1\n"})
    second = server.change(APP, {"b": "1\n"}, parent=first.commit)
    (one,) = merger.merge([first, second]).merged
    assert one.commit == second.commit
    assert one.before_last == first.commit
    assert one.base == server.tip(APP)
    assert one.changes == (first, second)


def test_a_change_beside_the_tip_is_merged(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    tip = server.commit(APP, "refs/heads/main", (server.tip(APP),), {"other": "2\n"})
    (one,) = merger.merge([change]).merged
    assert parents(merger, one) == [tip, change.commit]
    assert {"new", "other", "app.py"} <= files(merger, one)
    assert (one.base, one.before_last) == (tip, tip)
    when = server.git(APP).query("log", "-1", "--format=%ct", tip).text
    dates = merger.repository(APP).git.query("log", "-1", "--format=%at %ad %ct %cd", "--date=raw", one.commit).text
    assert dates == f"{when} {when} +0000 {when} {when} +0000"
    assert one.tree == merger.repository(APP).git.query("rev-parse", f"{one.commit}^{{tree}}").text


def test_a_change_that_landed_changes_nothing(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    landed = server.commit(APP, "refs/heads/main", (server.tip(APP), change.commit), {"new": "1\n"}, "Merge\n")
    (one,) = merger.merge([change]).merged
    assert one.commit == landed


def test_what_is_empty_but_did_not_land_is_merged_all_the_same(server: GitServer, merger: Merger) -> None:
    empty = server.change(APP, {})
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"other": "2\n"})
    (one,) = merger.merge([empty]).merged
    assert parents(merger, one)[1] == empty.commit


def test_a_chain_over_two_projects_and_two_branches(server: GitServer, merger: Merger) -> None:
    lib = server.change(LIB, {"lib.py": "x = 2\n"})
    stable = server.change(APP, {"fix": "1\n"}, branch="stable/1.0")
    below = server.change(APP, {"below": "1\n"})
    beside = server.change(APP, {"beside": "1\n"})
    top = server.change(APP, {"top": "1\n"}, parent=below.commit)
    state = merger.merge([lib, stable, below, beside, top])
    assert [(one.project, one.branch) for one in state.merged] == [(LIB, "main"), (APP, "stable/1.0"), (APP, "main")]
    main = state.find(APP, "main")
    assert main is not None
    assert files(merger, main) >= {"below", "beside", "top"}
    assert "fix" not in files(merger, main)
    git = merger.repository(APP).git
    assert git.query("diff-tree", "-r", "--name-only", main.before_last, main.commit).lines == ["top"]
    others = (state.find(LIB, "main"), state.find(APP, "stable/1.0"))
    assert all(one is not None and one.before_last == one.commit for one in others)
    assert {one.project for one in state.repositories} == {LIB, APP}


def test_all_changes_of_a_cycle_are_the_items_own(server: GitServer, merger: Merger) -> None:
    changes = [server.change(APP, {name: "1\n"}) for name in ("ahead", "one", "two")]
    (one,) = merger.merge(changes, own=2).merged
    git = merger.repository(APP).git
    assert git.query("diff-tree", "-r", "--name-only", one.before_last, one.commit).lines == ["one", "two"]


def test_the_same_state_whoever_comes_later(server: GitServer, merger: Merger) -> None:
    changes = [server.change(APP, {f"file{place}": "1\n"}) for place in range(3)]
    (short,) = merger.merge(changes[:2]).merged
    (long,) = merger.merge(changes).merged
    assert long.before_last == short.commit


def test_the_same_commits_for_everybody(
    server: GitServer, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [server.change(APP, {f"file{place}": "ä\n"}, message="Grüße\n") for place in range(3)]
    changes.append(server.change(LIB, {"lib.py": None, "lab.py": "x = 1\n"}))
    changes.append(server.change(LIB, {"other.py": "x = 1\n"}))
    plain = Merger(Cache(tmp_path / "one"), server.remote).merge(changes)
    (home / ".gitconfig").write_text(
        "[user]\nname = Somebody\nemail = else@example.org\n[merge]\nrenames = false\n[commit]\ngpgSign = true\n"
        "[i18n]\ncommitEncoding = latin1\n[core]\nabbrev = 4\n[diff]\nrenames = false\n[log]\nshowSignature = true\n"
    )
    for name, value in {
        "TZ": "Pacific/Kiritimati",
        "LANG": "C",
        "GIT_AUTHOR_NAME": "X",
        "GIT_COMMITTER_DATE": "@1 +0100",
    }.items():
        monkeypatch.setenv(name, value)
    other = Merger(Cache(tmp_path / "two"), server.remote).merge(changes)
    assert other.merged == plain.merged
    assert other.run != plain.run


def test_attributes_of_the_user_do_not_hide_a_conflict(server: GitServer, merger: Merger, home: Path) -> None:
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/attributes").write_text("* merge=union\n")
    changes = [server.change(APP, {"README": f"{word}\n"}) for word in ("two", "three")]
    with pytest.raises(ConflictError):
        merger.merge(changes)


def test_attributes_of_the_servers_default_branch_do_not_count(server: GitServer, merger: Merger) -> None:
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {".gitattributes": "* merge=union\n"})
    with pytest.raises(ConflictError):
        merger.merge([server.change(APP, {"README": f"{word}\n"}) for word in ("two", "three")])


def test_a_conflict_names_both_changes_and_the_files(server: GitServer, merger: Merger, tmp_path: Path) -> None:
    version = "[metadata]\nname = app\nversion = {}\n"
    unrelated = server.change(APP, {"a": "1\n"})
    culprit = server.change(APP, {"setup.cfg": version.format(2)}, message="Version 2\n")
    later = [server.change(APP, {f"b{place}": "1\n"}) for place in range(3)]
    change = server.change(APP, {"setup.cfg": version.format(3)}, message="Version 3\x1b[31m\n")
    with pytest.raises(ConflictError) as caught:
        merger.merge([unrelated, culprit, *later, change])
    error = caught.value
    assert error.exit_code == 4
    assert change.name in error.brief
    assert culprit.name in error.brief
    assert "setup.cfg" in error.brief
    assert not any(other.name in error.brief for other in (unrelated, *later))
    assert "CONFLICT (content)" in error.details
    assert "\x1b" not in error.details
    command = shlex.split(error.hint.rpartition(": ")[2])
    shown = Runner(alone=True).query(*command[1:], ok=(1,)).stdout
    assert "CONFLICT (content): Merge conflict in setup.cfg" in shown
    assert objects.references(merger.repository(APP).git, RUNS) == {}


def test_a_conflict_with_the_branch_names_its_tip(server: GitServer, merger: Merger) -> None:
    ahead = server.change(APP, {"setup.cfg": "[metadata]\nname = app\nversion = 1\nurl = x\n"})
    change = server.change(APP, {"README": "mine\n"})
    tip = server.commit(APP, "refs/heads/main", (server.tip(APP),), {"README": "theirs\n"})
    with pytest.raises(ConflictError) as caught:
        merger.merge([ahead, change])
    assert f"main of demo/app at {tip[:10]} in README" in caught.value.brief


def test_a_change_of_another_history(server: GitServer, merger: Merger) -> None:
    stranger = server.commit(APP, "refs/changes/99/99/1", (), {"x": "1\n"})
    change = Change(APP, "main", stranger, "S\n", number=99, patchset=1, ref="refs/changes/99/99/1")
    with pytest.raises(ConflictError, match="no common history"):
        merger.merge([change])


def test_a_file_name_that_is_an_attack_on_terminals(server: GitServer, merger: Merger) -> None:
    name = "evil\033[2J name"
    changes = [server.change(APP, {name: f"{word}\n"}) for word in ("two", "three")]
    with pytest.raises(ConflictError) as caught:
        merger.merge(changes)
    assert "evil name" in caught.value.brief
    assert "\x1b" not in caught.value.brief + caught.value.details


def test_the_commits_live_until_they_are_released(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    server.commit(APP, "refs/heads/main", (server.tip(APP),), {"other": "2\n"})
    state = merger.merge([change, server.change(LIB, {"y": "1\n"})])
    git = merger.repository(APP).git
    commit = state.merged[0].commit
    git.run("gc", "--quiet", "--prune=now")
    assert git.query("cat-file", "-t", commit).text == "commit"
    merger.release(state)
    merger.release(state)
    assert not any(objects.references(merger.repository(project).git, RUNS) for project in (APP, LIB))
    git.run("gc", "--quiet", "--prune=now")
    assert git.query("cat-file", "-e", commit, ok=(0, 1, 128)).status != 0


def test_a_branch_that_is_not_there(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    nowhere = Change(APP, "mian", change.commit, "S\n", ref=change.ref, number=1, patchset=1)
    with pytest.raises(InputError, match="has no branch mian") as caught:
        merger.merge([nowhere])
    assert "main" in caught.value.hint


def test_a_ref_that_does_not_hold_the_patchset(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    wrong = Change(APP, "main", "1" * 40, "S\n", ref=change.ref, number=1, patchset=1)
    with pytest.raises(InfrastructureError, match="reading the changes of demo/app"):
        merger.merge([wrong])


def test_commits_that_only_this_machine_has(server: GitServer, cache: Cache, tmp_path: Path) -> None:
    work = tmp_path / "work"
    Runner(tmp_path, alone=True).run("clone", "-q", str(server.path(APP)), str(work))
    git = Runner(work, alone=True)
    (work / "mine").write_text("1\n")
    git.run("add", "mine")
    git.run("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Mine")
    sha = git.query("rev-parse", "HEAD").text
    merger = Merger(cache, lambda project: Remote(project, str(server.path(project)), work))
    (one,) = merger.merge([Change(APP, "main", sha, "Mine\n")]).merged
    assert one.commit == sha


def test_the_default_branch_is_asked_for_only_when_it_is_needed(server: GitServer, merger: Merger) -> None:
    assert merger.freeze(APP, ["nope", "main"]).default_branch is None
    assert merger.freeze(APP, ["nope"]).default_branch == "main"


def test_what_a_tag_names_is_tested_whichever_kind_of_tag_it_is(server: GitServer, merger: Merger) -> None:
    git = server.git(APP)
    first = git.query("rev-parse", "1.0.0").text
    git.run("-c", "user.name=a", "-c", "user.email=a@b", "tag", "-m", "words", "2.0", "main")
    git.run("tag", "page", git.query("rev-parse", "main:README").text)
    for name, commit in (("1.0.0", first), ("2.0", server.tip(APP))):
        (one,) = merger.tip(APP, f"refs/tags/{name}").merged
        assert (one.branch, one.commit, one.base) == (f"refs/tags/{name}", commit, commit)
        assert one.tree == git.query("rev-parse", f"{commit}^{{tree}}").text
    with pytest.raises(InputError, match="page of demo/app names no commit"):
        merger.tip(APP, "refs/tags/page")
    with pytest.raises(InputError, match="has no branch refs/tags/main"):
        merger.tip(APP, "refs/tags/main")
