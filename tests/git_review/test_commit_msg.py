"""The Change-Id hook: its text run by git, and where and how it is installed.

It differs from Gerrit's own newest (3.13) on purpose: a line that is meant to be a Change-Id, wherever and however it
stands, gets no second one beside it; either of ``Change-Id:`` and ``Link:`` will do; lines that begin with ``#`` are
text where git takes them for text; what ``trailer.*`` is set to has no say; and no line but the new one is touched.
"""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from git_review.git.trailers import Place, change_id, naming, trailers, with_change_id
from git_review.hooks import COMMIT_MSG, Kind, install, look
from tests.git_review.conftest import Clone, run_program
from tests.git_review.git import test_trailers as table

pytestmark = pytest.mark.live  # more seconds than the fast suite has


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


@pytest.mark.parametrize(
    ("subject", "passed_over"),
    [("wip! other", True), ("feat! other", True), ("Wip! other", False), ("fixup!other", False), ("a b! other", False)],
)
def test_words_with_a_mark_are_passed_over_as_by_gerrits_own(hooked: Clone, subject: str, passed_over: bool) -> None:
    assert (change_id(made(hooked, subject)) is None) == passed_over


def run_over(hook: str, folder: Path, messages: list[str], editor: str | None = ":") -> list[str]:
    """What the hook makes of each message. :param editor: what git lets it know; None where a person edits."""
    for number, message in enumerate(messages):
        (folder / f"{number:03}").write_bytes(message.encode())
    given = "unset GIT_EDITOR" if editor is None else f"export GIT_EDITOR={editor}"
    script = f'{given}; cd "$1"; for file in ???; do sh "$2" "$file" 2>/dev/null; done'
    subprocess.run(["sh", "-c", script, "sh", str(folder), hook], check=False)
    return [(folder / f"{number:03}").read_bytes().decode() for number in range(len(messages))]


@pytest.mark.live
def test_the_hook_and_what_reads_messages_have_one_notion_of_a_change_id(hooked: Clone, tmp_path: Path) -> None:
    """As git has left white space at line ends out by then, there is no message with that."""
    rows = [*table.IN_PLACE.values(), *(text for text, _ in table.MISPLACED.values())]
    rows += [*table.SEVERAL.values(), *table.NOWHERE.values(), *table.PLACES]
    texts = [row.replace("@", table.ID) for row in rows if "\r" not in row and "\n \n" not in row and row]
    (tmp_path / "texts").mkdir()
    for text, after in zip(texts, run_over(str(hooked.hook()), tmp_path / "texts", texts), strict=True):
        if naming(text).place is Place.NOWHERE:
            assert after == with_change_id(text, change_id(after) or ""), text
        else:
            assert after == text


def test_a_message_without_a_line_end(hooked: Clone) -> None:
    """What a plain git merge gives its hooks."""
    hooked.git.run("checkout", "-q", "-b", "side")
    hooked.git.run("commit", "-q", "--allow-empty", "-m", "aside")
    hooked.git.run("checkout", "-q", "topic")
    hooked.git.run("merge", "-q", "--no-ff", "--no-edit", "side")
    subject, empty, identity, *rest = hooked.message().split("\n")
    assert (subject, empty, rest) == ("Merge branch 'side' into topic", "", ["", ""])
    assert identity.startswith("Change-Id: I")


@pytest.mark.parametrize(
    ("settings", "edited", "message", "wanted"),
    [
        ((), False, "#12 fix it\n", "#12 fix it\n\n+\n"),
        ((), False, "S\n\nA: b\n\n# x\n", "S\n\nA: b\n\n# x\n\n+\n"),
        ((), True, "S\n\nA: b\n\n# x\n", "S\n\nA: b\n+\n\n# x\n"),
        (("commit.cleanup=strip",), False, "S\n# x\n", "S\n\n+\n# x\n"),
        (("commit.cleanup=whitespace",), True, "S\n\n# x\n", "S\n\n# x\n\n+\n"),
        (("commit.cleanup=verbatim",), True, "S\n\n# x\n", "S\n\n# x\n\n+\n"),
        (
            ("commit.cleanup=scissors",),
            True,
            "S\n\n# x\n# ---------- >8 ----------\nd\n",
            "S\n\n# x\n\n+\n# ---------- >8 ----------\nd\n",
        ),
        (("core.commentChar=;",), True, "S\n#1\n; x\n", "S\n#1\n\n+\n; x\n"),
        (("core.commentChar=auto",), True, "#1\n\nA: b\n\n; x\n", "#1\n\nA: b\n+\n\n; x\n"),
        (("core.commentString=//",), True, "S\n#1\n// x\n", "S\n#1\n\n+\n// x\n"),
        (("trailer.x.key=X: ", "trailer.x.command=echo y"), False, "S\n", "S\n\n+\n"),
        ((), False, "S\r\n\r\nSigned-off-by: A\r\n", "S\r\n\r\n+\r\nSigned-off-by: A\r\n"),
        ((), False, "Merge x\n\nConflicts:\n\tfile\n", "Merge x\n\nConflicts:\n\tfile\n+\n"),
        ((), False, "S\n\nhttps://example.org/\n", "S\n\nhttps://example.org/\n+\n"),
        ((), False, "S\n\nA: \\n\\t%s\n", "S\n\nA: \\n\\t%s\n+\n"),
        ((), True, "\n# nothing but what git offers\n", "\n# nothing but what git offers\n"),
        ((), False, "\n# nothing but what git offers\n", "\n# nothing but what git offers\n"),
    ],
)
def test_what_git_will_take_out_is_no_text(
    hooked: Clone, settings: tuple[str, ...], edited: bool, message: str, wanted: str
) -> None:
    for setting in settings:
        hooked.git.run("config", *setting.split("=", 1))
    hooked.monkeypatch.chdir(hooked.path)
    folder = hooked.path.parent / "messages"
    folder.mkdir()
    hooked.monkeypatch.setenv("GIT_DIR", str(hooked.path / ".git"))
    (after,) = run_over(str(hooked.hook()), folder, [message], None if edited else ":")
    made_up = next((line for line in after.splitlines() if line.startswith("Change-Id: ")), "")
    assert after == wanted.replace("+", made_up)


def test_a_misplaced_line_is_shown_and_the_commit_goes_on(hooked: Clone) -> None:
    file = hooked.path / "message"
    file.write_text(f"S\n\n> Change-Id: {table.ID}\n\nmore\n")
    done = run_program(["sh", str(hooked.hook()), str(file)], hooked.path)
    assert done.code == 0 and f"> Change-Id: {table.ID}" in done.err


def test_a_conflicts_comments_below_the_change_id_are_none_of_it(hooked: Clone) -> None:
    """Whoever has ``:`` for an editor is told nothing wrong."""
    file = hooked.path / "message"
    file.write_text(f"S\n\nChange-Id: {table.ID}\n\n# Conflicts:\n#\tfile\n")
    hooked.monkeypatch.setenv("GIT_EDITOR", ":")
    assert run_program(["sh", str(hooked.hook()), str(file)], hooked.path).text == ""


def test_what_git_has_put_below_the_scissors_is_none_of_it(hooked: Clone) -> None:
    """With ``commit.verbose``, for who has ``:`` for an editor."""
    file = hooked.path / "message"
    cut = "# ------------------------ >8 ------------------------\n# Do not touch the line above.\ndiff --git a/x b/x\n"
    file.write_text(f"S\n\n{cut}")
    hooked.monkeypatch.setenv("GIT_EDITOR", ":")
    assert run_program(["sh", str(hooked.hook()), str(file)], hooked.path).code == 0
    above, _, below = file.read_text().partition("# ---")
    assert change_id(above) is not None and "Change-Id" not in below


def test_capital_digits_are_shown(hooked: Clone) -> None:
    file = hooked.path / "message"
    file.write_text("S\n\nChange-Id: IABCDEF0123\n")
    assert "IABCDEF0123" in run_program(["sh", str(hooked.hook()), str(file)], hooked.path).err


def test_either_kind_of_id_will_do(hooked: Clone) -> None:
    linked = f"subject\n\nLink: https://review.example.org/id/{table.ID}"
    assert made(hooked, linked) == linked
    hooked.git.run("config", "gerrit.reviewUrl", "https://review.example.org/")
    named = f"subject\n\nChange-Id: {table.ID}"
    assert made(hooked, named) == named


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
