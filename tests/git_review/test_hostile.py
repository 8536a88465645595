"""Hostile and odd input: random command lines and files, servers that misbehave, repositories out of the ordinary."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from git_review.cli import completion
from git_review.cli.command import read
from git_review.cli.options import options_of
from git_review.cli.table import OPTIONS, help_text
from git_review.errors import ReviewError
from git_review.git.runner import Runner
from git_review.git.trailers import change_id, with_change_id, without_change_id
from git_review.gitreview_file import read_gitreview
from git_review.messages import __doc__ as codes
from git_review.pushspec import push_words
from tests.fakes.gerrit import FakeGerrit
from tests.git_review.conftest import Asked, Clone, row
from tests.git_review.test_push import script, with_hook

ROOT = Path(__file__).parents[2]
NASTY = st.sampled_from(
    [
        "--",
        "-",
        "",
        "a b",
        "a,b",
        "a%submit",
        "--upload-pack=touch x",
        "-oProxyCommand=x",
        "$(touch x)",
        "a\x1b[2J",
        "\u202e",
        "a\nb",
        "x" * 300,
        "é",
        "\udcff",
        "1,2",
        "..",
        "@{-1}",
        "refs/heads/x",
        "HEAD:x",
        "'",
        '"',
        "--exec",
        "1",
        "main",
    ]
)
WORDS = st.lists(st.one_of(st.sampled_from([name for option in OPTIONS for name in option.names]), NASTY), max_size=6)
QUICK = settings(
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUICK
@given(WORDS)
def test_random_command_lines_are_options_or_usage_errors(words: list[str]) -> None:
    try:
        options = options_of(read(words))
    except ReviewError as error:
        assert error.exit_code in (2, 3) and error.brief
        return
    except click.ClickException:
        return
    pushed = push_words("gerrit", "main", options.push, thin=options.thin)
    target = pushed[-1].partition("%")[0]
    assert pushed[:2] == ("push", "--no-follow-tags") and target == "HEAD:refs/for/main"
    assert all(before == "-o" for before, word in itertools.pairwise(pushed[:-2]) if not word.startswith("-"))


@settings(QUICK, max_examples=15)
@given(WORDS)
def test_random_command_lines_run_without_a_traceback_and_change_nothing(clone: Clone, words: list[str]) -> None:
    if clone.head() == clone.git.query("rev-parse", "main").text:
        clone.commit("a change")
    before = clone.snapshot()
    result = clone.review("-n", *words)
    assert result.code in (0, 1, 2, 3, 32, 34, 35, 39, 68, 73), (words, result.text)
    assert "Traceback" not in result.text and "made a mistake" not in result.text, (words, result.text)
    assert "\x1b" not in result.text and "\u202e" not in result.text
    assert clone.snapshot() == before and not (clone.path / "x").exists()


LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["[gerrit]", "[other]", "host=-oProxyCommand=x", "host=a\x1bb", "port=99999999999", "port=-1"]),
        st.sampled_from(["project=100%", "project=--x", "host=h\r", "host = a", "host = b", "defaultbranch=a%submit"]),
        st.sampled_from(["defaultremote=--x", "scheme=ext::sh", "defaultrebase=perhaps", "[gerrit", "  indented=1"]),
    ),
    max_size=8,
)


@QUICK
@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_random_gitreview_files_are_read_or_refused_with_their_line(tmp_path: Path, lines: list[str], end: str) -> None:
    file = tmp_path / ".gitreview"
    file.write_bytes(end.join(lines).encode("utf-8", "surrogateescape"))
    with contextlib.suppress(ReviewError):
        values = read_gitreview(file)
        assert values is not None and all(key == key.lower() for key in values)


@settings(QUICK, max_examples=10)
@given(LINES)
def test_random_gitreview_files_execute_nothing(clone: Clone, lines: list[str]) -> None:
    clone.git.run("remote", "remove", "gerrit", ok=(0, 2))
    clone.monkeypatch.setenv("GIT_SSH", "false")
    (clone.path / ".gitreview").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    result = clone.review("-s", "-n", "-y")
    assert result.code in (1, 40), result.text
    assert "Traceback" not in result.text and "made a mistake" not in result.text and "\x1b" not in result.text


@QUICK
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n"), min_size=1, max_size=200)
)
@example(" ")
def test_a_change_id_can_be_added_to_any_message_once(message: str) -> None:
    new = "I" + "a" * 40
    once = with_change_id("subject\n\n" + message, new)
    assert change_id(once) == new
    assert with_change_id(once, new) == once
    assert change_id(without_change_id(once)) in (None, change_id(without_change_id("subject\n\n" + message)))


@pytest.mark.live
@pytest.mark.parametrize("trouble", ["html", "401", "403", "409", "500", "half", "cut", "drop", "bare"])
def test_an_upload_by_http_survives_any_answer_to_its_question(clone: Clone, trouble: str) -> None:
    with_hook(clone).commit("Fix bug 3")
    with FakeGerrit() as server:
        url = server.url.replace("://", "://admin:s3cret@") + "/a/demo/project"
        # What is asked goes to the fake Gerrit; what is fetched comes from the bare repository.
        clone.git.run("remote", "set-url", "gerrit", f"file://{clone.server.directory}")
        clone.git.run("remote", "set-url", "--push", "gerrit", url)
        server.always = trouble
        result = clone.review("-n", "-v")
    assert result.code == 0, result.text
    assert "Left out: asking the server" in result.out
    assert "s3cret" not in result.text and "Traceback" not in result.text and "topic=" not in result.out


@pytest.mark.live
@pytest.mark.parametrize(
    "trouble", ["html", "401", "403", "409", "500", "cut", "bare", "deep", "drip", "echo", "silence"]
)
def test_every_question_by_http_ends_with_a_clear_error(clone: Clone, trouble: str) -> None:
    clone.commit("a change\n\nChange-Id: I" + "a" * 40)
    if trouble in ("drip", "silence"):
        clone.git.run("config", "gitreview.timeout", "0.05")
    codes = {("-l",): (32, 33), ("-d", "1"): (34, 35), ("-N", "1"): (34, 35), ("-m", "1,1-2"): (34, 35)}
    with FakeGerrit() as server:
        clone.git.run("remote", "set-url", "gerrit", server.url.replace("://", "://admin:s3cret@") + "/a/demo/project")
        for words, wanted in (codes | {("--status",): (32, 33), ("-s", "--remote-hook"): (2,)}).items():
            server.always = trouble
            result = clone.review(*words)
            assert result.code in wanted and result.err, (words, result.text)
            told = [text for text in ("s3cret", "Traceback", "made a mistake", "\x1b") if text in result.text]
            assert not told, (words, result.text)


@pytest.mark.live
def test_an_upload_goes_on_without_an_answer_that_does_not_come(asked: Asked) -> None:
    head = with_hook(asked.clone).commit("Fix bug 3")
    real = asked.root / "fake-ssh"
    slow = f'case "$*" in *"gerrit query"*) exec sleep 30 ;; esac\nexec {real} "$@"'
    script(asked.root, "slow-ssh", slow)
    asked.clone.monkeypatch.setenv("GIT_SSH", str(asked.root / "slow-ssh"))
    asked.clone.git.run("config", "gitreview.timeout", "0.2")
    result = asked.clone.review("-v")
    assert (result.code, asked.clone.pushed()) == (0, head), result.text
    assert "Left out: asking the server" in result.out and "0.2 s" in result.out
    assert [asked.clone.review(*words).code for words in (("-l",), ("-d", "1"))] == [32, 34]


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("[gerrit]\nhost=50%(x)s.example\nproject=p\n", 1, "50%(x)s.example"),
        ("[gerrit]\nhost=localhost\nproject=100%\n", 40, "localhost"),
        ("[gerrit]\nhost=one.invalid\nproject=p\nhost=localhost\n", 40, "localhost"),
        ("[gerrit]\r\nhost=localhost\r\nproject=p\r\n", 40, "localhost:29418/p"),
        ("host=localhost\nproject=p\n", 1, "line 1"),
        ("[gerrit]\nhost=-oProxyCommand=touch x\nproject=p\n", 1, "cannot be the host"),
        ("[gerrit]\nhost=localhost\nproject=--upload-pack=touch x\n", 1, "cannot be the project"),
        ("[gerrit]\nhost=a\x1b[2J\x07\nproject=p\n", 1, "cannot be the host"),
        ("[gerrit]\nhost=localhost\nproject=p\nport=-1\n", 1, "cannot be the port"),
        ("\x00\xff", 1, "line 1"),
    ],
)
def test_hostile_gitreview_files(clone: Clone, text: str, code: int, told: str) -> None:
    clone.git.run("remote", "remove", "gerrit")
    (clone.path / ".gitreview").write_bytes(text.encode("latin-1"))
    script(clone.path.parent, "ssh", "exit 255")
    clone.monkeypatch.setenv("GIT_SSH", str(clone.path.parent / "ssh"))
    result = clone.review("-s")
    assert result.code == code and told in result.text, result.text
    assert not any(text in result.text for text in ("Traceback", "made a mistake", "\x1b", "\x07"))
    assert clone.git.query("remote").text == "" and not (clone.path / "x").exists()


def test_control_characters_of_the_repository_reach_no_terminal(clone: Clone) -> None:
    evil = "e\x1b]0;owned\x07\u202e"
    clone.git.run("config", "core.quotePath", "false")
    with_hook(clone).commit(f"first {evil}", {evil: "mine\n"})
    clone.upstream({evil: "theirs\n"})
    script(clone.path / ".git/hooks", "pre-review", "printf 'a\\033[2Jb'")
    script(clone.path / ".git/hooks", "post-review", "printf 'a\\033[2Jb'; exit 1")
    for words in (("-v",), ("-R", "-v"), ("-K",), (f"b{evil}",), ("-t", f"t{evil}"), ("-r", f"r{evil}"), ("-d", evil)):
        result = clone.review(*words)
        assert not any(char in result.text for char in "\x1b\x07\u202e"), (words, result.text)
        clone.git.run("rebase", "--abort", ok=(0, 128))


@pytest.mark.parametrize("flag", ["-d", "-x", "-X", "-N", "-m"])
def test_option_like_names_of_changes_are_never_options(asked: Asked, flag: str) -> None:
    asked.answers()
    for name in ("--upload-pack=touch x", "-oProxyCommand=touch x", "1;touch x", "$(touch x)", "1 OR owner:self"):
        result = asked.clone.review(f"{flag}{name}" + (",1-2" if flag == "-m" else ""))
        assert result.code in (35, 39), (name, result.text)
    assert not (asked.root / "log").exists() and not (asked.clone.path / "x").exists()


def test_control_characters_of_the_server_reach_no_terminal(asked: Asked) -> None:
    evil = "\x1b]0;owned\x07\u202e"
    patchset = asked.patchset(9, 1, "x")
    asked.answers(row(9, patchset, subject=f"a{evil}b", topic=f"t{evil}", branch=f"b{evil}", id=f"I{evil}"))
    for words in (("-lll",), ("-d", "9"), ("--status",), ("-x", "9")):
        result = asked.clone.review(*words)
        assert "\x1b" not in result.text and "\x07" not in result.text and "\u202e" not in result.text


@pytest.mark.parametrize("kind", ["shallow", "sha256", "worktree"])
def test_repositories_out_of_the_ordinary(clone: Clone, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "odd"
    if kind == "worktree":
        clone.git.run("worktree", "add", "-q", "-b", "odd", str(place))
    elif kind == "shallow":
        clone.upstream({"a": "1"})
        Runner().run("clone", "-q", "--depth=1", "-o", "gerrit", f"file://{clone.server.directory}", str(place))
    else:
        Runner().run("init", "-q", "--bare", "--object-format=sha256", "-b", "main", str(tmp_path / "s256"))
        Runner().run("init", "-q", "--object-format=sha256", "-b", "main", str(place))
        Runner(place).run("remote", "add", "gerrit", f"file://{tmp_path / 's256'}")
        Runner(place).run("commit", "-q", "--allow-empty", "-m", "base")
        Runner(place).run("push", "-q", "gerrit", "main")
    clone.path, clone.git = place, Runner(place)
    clone.commit("a change")
    clone.commit("another")
    result = clone.review("-y", "main")
    assert result.code == 0, result.text
    assert None not in {change_id(clone.message(name)) for name in ("HEAD", "HEAD^")}


def test_help_has_every_option_and_a_screen_for_each_group(clone: Clone) -> None:
    text = help_text()
    assert all(name in text for option in OPTIONS for name in option.names)
    assert max(len(line) for line in text.splitlines()) <= 100
    groups = text.split("\n\n")[2:]
    assert len(groups) == 6 and all(len(group.splitlines()) <= 24 for group in groups)
    assert clone.review("--help").out.strip() == text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_option(clone: Clone, shell: str) -> None:
    text = clone.review("--completion", shell).out
    assert text.strip() == completion.script(shell).strip()
    for option in OPTIONS:
        assert option.long[2:] in text


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", "bash-completion/completions/git-review"),
        ("zsh", "zsh/site-functions/_git-review"),
        ("fish", "fish/vendor_completions.d/git-review.fish"),
    ],
)
def test_what_is_installed_for_a_shell_is_what_the_command_prints(shell: str, place: str) -> None:
    """To be renewed with: git review --completion SHELL > share/..."""
    assert (ROOT / "share" / place).read_text().strip() == completion.script(shell).strip()
    assert f"    share/{place.rpartition('/')[0]} = share/{place}\n" in (ROOT / "setup.cfg").read_text()


def test_the_manual_page_that_is_installed_is_made_of_the_one_in_the_documentation() -> None:
    """Word for word; the source's first line says how to renew it."""

    def words(text: str) -> Counter[str]:
        return Counter(re.findall(r"[A-Za-z]{3,}", text))

    page = (ROOT / "share/man/man1/git-review.1").read_text().partition(".SH Synopsis")[2]
    plain = re.sub(r"\\f[A-Z]|\\f\([A-Z]{2}", "", page.replace("\\-", "-").replace("\\(aq", " "))
    told = words(re.sub(r"^\.(?:\\\".*|[A-Z]{1,8}|[a-z]{2})", "", plain, flags=re.MULTILINE))
    written = words((ROOT / "doc/source/git-review.rst").read_text().partition("Synopsis")[2])
    assert (written - told, told - written) == (Counter(), Counter({"box": 2, "center": 2}))
    assert "    share/man/man1 = share/man/man1/git-review.1\n" in (ROOT / "setup.cfg").read_text()


def test_completion_completes_in_bash(clone: Clone, tmp_path: Path) -> None:
    from tests.git_review.conftest import run_program

    (tmp_path / "completion").write_text(completion.script("bash"))
    for words, wanted in (("--new-c", "--new-changeid"), ("--notify OW", "OWNER"), ("-r ge", "gerrit"), ("ma", "main")):
        line = ["git-review", *words.split()]
        code = f"source {tmp_path}/completion; COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1};"
        told = run_program(["bash", "-c", f'{code} _git_review; echo "${{COMPREPLY[@]}}"'], clone.path)
        assert wanted in told.out.split(), told.text
    for option in ("-d", "--topic", "--reviewers"):
        code = f"source {tmp_path}/completion; COMP_WORDS=(git-review {option} ''); COMP_CWORD=2;"
        told = run_program(["bash", "-c", f'{code} _git_review; echo "${{COMPREPLY[@]}}"'], clone.path)
        assert told.out == "\n", "what a change or a person is called is no branch"


def test_the_manual_page_has_every_option_and_exit_code() -> None:
    page = (ROOT / "doc/source/git-review.rst").read_text()
    for option in OPTIONS:
        assert all(f"``{name}``" in page for name in option.names), option.long
    assert codes is not None and codes[codes.index("=====") :].strip() in page
