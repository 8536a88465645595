"""The Change-Id hook: its text run by git, and where and how it is installed."""

from __future__ import annotations

import stat

import pytest

from git_review.git.trailers import change_id, trailers
from git_review.hooks import COMMIT_MSG, Kind, install, look
from tests.git_review.conftest import Clone, run_program


@pytest.fixture
def hooked(clone: Clone) -> Clone:
    install(look(clone.path / ".git/hooks"))
    return clone


def made(clone: Clone, message: str, *options: str) -> str:
    clone.git.run("commit", "-q", "--allow-empty", "--cleanup=strip", "-F", "-", *options, stdin=message)
    return clone.message().rstrip("\n")


def test_a_change_id_ends_the_message(hooked: Clone) -> None:
    text = made(hooked, "subject\n\nbody\n")
    assert text.startswith("subject\n\nbody\n\nChange-Id: I")
    assert len(change_id(text) or "") == 41


def test_subject_alone_gets_a_paragraph_of_its_own(hooked: Clone) -> None:
    assert made(hooked, "fix: a thing: really").count("\n") == 2


@pytest.mark.parametrize("given", ["Change-Id: I0123456789012345678901234567890123456789", "change-id: Iabcd"])
def test_an_id_that_is_there_stays(hooked: Clone, given: str) -> None:
    assert made(hooked, f"subject\n\nbody\n\n{given}\nSigned-off-by: A <a@b>") == (
        f"subject\n\nbody\n\n{given}\nSigned-off-by: A <a@b>"
    )


def test_an_amended_commit_keeps_its_id(hooked: Clone) -> None:
    first = change_id(made(hooked, "subject"))
    hooked.git.run("commit", "-q", "--amend", "--no-edit", "--allow-empty")
    assert change_id(hooked.message()) == first


def test_sign_offs_stay_last(hooked: Clone) -> None:
    keys = [key for key, _ in trailers(made(hooked, "s\n\nb\n\nCloses-Bug: #1\nSigned-off-by: A <a@b>\nAcked-by: C"))]
    assert keys == ["Closes-Bug", "Change-Id", "Signed-off-by", "Acked-by"]


@pytest.mark.parametrize("subject", ["fixup! other", "squash! other", "amend! other"])
def test_commits_that_will_be_melted_get_none(hooked: Clone, subject: str) -> None:
    assert made(hooked, subject) == subject
    hooked.git.run("config", "gerrit.createChangeId", "always")
    assert "Change-Id: I" in made(hooked, subject)


def test_turned_off(hooked: Clone) -> None:
    hooked.git.run("config", "gerrit.createChangeId", "False")
    assert made(hooked, "subject") == "subject"


def test_link_instead_of_change_id(hooked: Clone) -> None:
    hooked.git.run("config", "gerrit.reviewUrl", "https://review.example.org/")
    text = made(hooked, "subject")
    assert "Link: https://review.example.org/id/I" in text and "Change-Id" not in text
    assert change_id(text) is not None
    assert made(hooked, text) == text


def test_comments_and_scissors_are_not_the_message(hooked: Clone) -> None:
    file = hooked.path / "message"
    cut = "# ------------------------ >8 ------------------------"
    file.write_text(f"subject\n\nbody\n# a comment\n{cut}\n# below\ndiff --git a/x b/x\nChange-Id: Inot\n")
    done = run_program(["sh", str(hooked.hook()), str(file)], hooked.path)
    assert done.code == 0, done.text
    above, below = file.read_text().split(cut)
    assert "Change-Id: I" in above and above.index("body") < above.index("Change-Id")
    assert below.endswith("Change-Id: Inot\n")
    assert sorted(entry.name for entry in hooked.path.iterdir() if "message" in entry.name) == ["message"]


def test_empty_message_stops_the_commit(hooked: Clone) -> None:
    file = hooked.path / "message"
    file.write_text("\n# only a comment\n")
    assert run_program(["sh", str(hooked.hook()), str(file)], hooked.path).code == 1
    assert run_program(["sh", str(hooked.hook())], hooked.path).code == 1


def test_setup_uses_core_hooks_path_from_a_subdirectory(clone: Clone) -> None:
    (clone.path / "deep").mkdir()
    clone.git.run("config", "core.hooksPath", "our-hooks")
    clone.monkeypatch.chdir(clone.path)
    clone.path = clone.path / "deep"
    assert clone.review("-s").code == 0
    assert (clone.path.parent / "our-hooks/commit-msg").read_text() == COMMIT_MSG


def test_setup_in_a_linked_worktree_serves_git_there(clone: Clone) -> None:
    linked = clone.path.parent / "linked"
    clone.git.run("worktree", "add", "-q", str(linked), "-b", "other")
    main, clone.path = clone.path, linked
    assert clone.review("-s").code == 0
    assert (main / ".git/hooks/commit-msg").exists()
    clone.git.run("-C", str(linked), "commit", "-q", "--allow-empty", "-m", "in the worktree")
    assert change_id(clone.message("other")) is not None


@pytest.mark.parametrize("place", ["", "deep"])
def test_setup_serves_submodules_too(clone: Clone, place: str) -> None:
    (clone.path / "deep").mkdir()
    clone.git.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(clone.server.directory), "sub")
    clone.path = clone.path / place
    assert clone.review("-s").code == 0
    clone.git.run("-C", "sub", "commit", "-q", "--allow-empty", "-m", "in the submodule")
    assert "Change-Id: I" in clone.git.query("-C", "sub", "log", "-1", "--format=%B").text


def test_a_hook_that_only_lacks_the_permission_gets_it(clone: Clone) -> None:
    clone.hook().write_text("#!/bin/sh\nexit 0\n")
    clone.hook().chmod(0o644)
    assert clone.review("-s").code == 0
    assert stat.S_IMODE(clone.hook().stat().st_mode) == 0o755
    assert clone.hook().read_text() == "#!/bin/sh\nexit 0\n"


@pytest.mark.parametrize("flags", [(), ("-u",)])
def test_what_was_done_to_a_hook_that_did_not_run_is_said(clone: Clone, flags: tuple[str, ...]) -> None:
    foreign = "#!/bin/sh\n# husky\n"
    clone.hook().write_text(foreign)
    clone.hook().chmod(0o644)
    assert "making the hook" in clone.review("-s", "-n", *flags).out
    result = clone.review("-s", *flags)
    assert "executable" in result.out and "another tool" in result.out and "Installed" not in result.out
    assert clone.hook().read_text() == foreign and stat.S_IMODE(clone.hook().stat().st_mode) == 0o755
    clone.hook().write_text("#!/bin/sh\n# makes a Change-Id\n")
    clone.hook().chmod(0o644)
    result = clone.review("-s", *flags)
    assert ("Installed" if flags else "Made the Change-Id hook") in result.out and "another tool" not in result.out


def test_update_replaces_an_old_gerrit_hook_and_no_other(clone: Clone) -> None:
    clone.hook().write_text("#!/bin/sh\n# makes a Change-Id\n")
    clone.hook().chmod(0o755)
    assert clone.review("-s").code == 0
    assert look(clone.path / ".git/hooks").kind is Kind.OTHER
    assert clone.review("-s", "-u").code == 0
    assert look(clone.path / ".git/hooks").kind is Kind.CURRENT
    clone.hook().write_text("#!/bin/sh\n# husky\n")
    result = clone.review("-s", "-u")
    assert "another tool" in result.out
    assert clone.hook().read_text() == "#!/bin/sh\n# husky\n"


def test_unwritable_hooks_directory(clone: Clone) -> None:
    clone.git.run("config", "core.hooksPath", "/dev/null")
    result = clone.review("-s")
    assert result.code == 2
    assert "/dev/null" in result.err
