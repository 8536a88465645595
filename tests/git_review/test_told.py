"""What is read of a server, and told to it beside a push: numbers, chains, options; and how command lines are read."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_review import records
from git_review.cli.arguments import expanded
from git_review.cli.command import by_click, plain
from git_review.cli.table import OPTIONS
from git_review.commands.answer import outcomes, uploaded
from git_review.commands.chain import Chain, linked
from git_review.commands.known import Known, State
from git_review.commands.retell import review_input
from git_review.errors import ReviewError
from git_review.gerrit.model import RelatedChange
from git_review.git.repo import Commit, rest_on
from git_review.git.trailers import change_id
from git_review.messages import cannot_fetch, no_way_to, push_failed
from git_review.pushspec import PushOptions
from tests.git_review.conftest import Asked, Clone, row
from tests.git_review.test_hostile import QUICK
from tests.git_review.test_push import with_hook

pytestmark = pytest.mark.live  # more seconds than the fast suite has


def said(*lines: str) -> str:
    return "".join(f"remote:   http://h/c/p/+/{number} {text}        \n" for number, text in enumerate(lines, 1))


@pytest.mark.parametrize(
    ("message", "shown", "state"),
    [
        ("Fix the parser [API]", "Fix the parser [API] [NEW]", State.NEW),
        ("Fix it [DO NOT MERGE]", "Fix it [DO NOT MERGE]", State.UPDATED),
        ("[NEW] comes first", "[NEW] comes first [WIP] [NEW]", State.NEW),
        ("It is [NEW]", "It is [NEW]", State.UPDATED),
        ("x http://example.org/12 y", "x http://example.org/12 y [PRIVATE]", State.UPDATED),
        ("A subject of\ntwo lines\n\nA body", "A subject of two lines [NEW]", State.NEW),
        ("two  blanks\tand a tab", "two  blanks and a tab [NEW]", State.NEW),
        ("wait...", "wait... [NEW]", State.NEW),
        ("long " * 30 + "[END]", "long long long long long... [NEW]", State.NEW),
        ("shown in a way of the server's own", "?", State.UPDATED),
    ],
)
def test_a_subject_is_found_whatever_it_looks_like(message: str, shown: str, state: State) -> None:
    (found,) = outcomes([Known(Commit("a" * 40, (), message), State.UNKNOWN)], uploaded(said(shown)))
    assert (found.number, found.known.state) == (1, state)


def test_subjects_that_begin_alike_are_kept_apart() -> None:
    commits = [Commit("c" * 40, (), "Fix [API]"), Commit("b" * 40, (), "Fix"), Commit("a" * 40, (), "Fix")]
    lines = uploaded(said("Fix [NEW]", "Fix [API] [NEW]", "Fix [WIP] [NEW]"))
    assert [one.number for one in outcomes([Known(one, State.UNKNOWN) for one in commits], lines)] == [2, 3, 1]


def test_nothing_is_guessed_where_several_are_left() -> None:
    commits = [Known(Commit(letter * 40, (), f"subject {letter}"), State.UNKNOWN) for letter in "ab"]
    assert [one.number for one in outcomes(commits, uploaded(said("?", "??")))] == [0, 0]


def related(number: int, patchset: int, newest: int, commit: str, parent: str, status: str = "NEW") -> RelatedChange:
    return RelatedChange(number, patchset, newest, commit, (parent,), status=status)


A, B, C = related(2, 1, 1, "a", "base"), related(3, 1, 1, "b", "a"), related(4, 1, 1, "c", "b")


@pytest.mark.parametrize(
    ("number", "links", "chain"),
    [
        (3, (C, B, A), Chain((4, 3, 2))),
        (2, (), Chain((2,))),
        # A is amended: B and C stand on its older patchset, and are no part of the new one's chain.
        (2, (C, B, related(2, 2, 2, "a2", "base")), Chain((2,))),
        (4, (C, B, related(2, 1, 2, "a", "base")), Chain((4, 3, 2), frozenset({2}))),
        # B is amended and moved away: what stands on A is its older patchset.
        (2, (related(3, 1, 2, "b", "a"), A), Chain((2,))),
        (3, (B, related(2, 1, 1, "a", "base", "MERGED")), Chain((3,))),
        (2, (related(3, 1, 1, "b", "a", "ABANDONED"), A), Chain((2,))),
        (2, (related(2, 1, 1, "a", "b"), related(3, 1, 1, "b", "a")), Chain((3, 2))),
    ],
)
def test_the_chain_is_that_of_the_newest_patchset(number: int, links: tuple[RelatedChange, ...], chain: Chain) -> None:
    assert linked(number, links) == chain


def test_a_chain_that_forks_is_refused() -> None:
    with pytest.raises(ReviewError, match="forks at change 2"):
        linked(2, (related(3, 1, 1, "b", "a"), related(4, 1, 1, "c", "a"), A))


def test_an_amended_neighbour_by_ssh(asked: Asked) -> None:
    ten, nine = asked.patchset(10, 1, "ten"), asked.patchset(9, 2, "nine, better")
    outdated = {"number": 9, "revision": "f" * 40, "isCurrentPatchSet": False}
    asked.answers_for("change:10", row(10, ten, dependsOn=[outdated]))
    asked.answers_for("change:9", row(9, nine, neededBy=[{"number": 10, "revision": "e" * 40}]))
    assert "The chain: 10 on 9 (an older patchset of it)" in asked.clone.review("-d", "10", "--chain").out
    assert "The chain: 9\n" in asked.clone.review("-d", "9", "--chain").out


def test_what_a_review_carries() -> None:
    told = PushOptions(
        reviewers=("ann",),
        cc=("bob",),
        visibility=("ready", "private"),
        notify="NONE",
        more=("l=Code-Review-1", "edit"),
    )
    assert review_input(told) == {
        "reviewers": [{"reviewer": "ann"}, {"reviewer": "bob", "state": "CC"}],
        "labels": {"Code-Review": -1},
        "ready": True,
        "notify": "NONE",
    }
    assert review_input(PushOptions(topic="t", notify="ALL")) == {}


@pytest.fixture
def uploaded_already(asked: Asked) -> Asked:
    """HEAD is the newest patchset of change 7."""
    with_hook(asked.clone).commit("a change")
    patchset = {"number": 1, "revision": asked.clone.head()}
    asked.answers(row(7, patchset, id=change_id(asked.clone.message()), status="NEW"))
    status = f"$(cat {asked.root}/refused 2>/dev/null || echo 0)"
    orders = f'"gerrit review"*|"gerrit set-"*) cat >> {asked.root}/orders; exit {status} ;;'
    text = (asked.root / "fake-ssh").read_text().replace('"gerrit query"*)', f'{orders}\n    "gerrit query"*)')
    (asked.root / "fake-ssh").write_text(text)
    return asked


def test_options_for_an_unchanged_change_by_ssh(uploaded_already: Asked) -> None:
    asked = uploaded_already
    asked.answers_for("--all-reviewers", {"allReviewers": [{"username": "bob"}], "owner": {"email": "cat@x"}})
    result = asked.clone.review("--reviewers", "ann", "--cc", "bob", "cat@x", "-t", "it's", "-W")
    assert result.code == 0, result.text
    assert "Set on 7: r=ann, cc=bob, cc=cat@x, ready, topic=it's" in result.out and asked.clone.pushed() is None
    orders = [line for line in asked.words() if line.startswith(("gerrit set-", "gerrit review"))]
    assert orders == [
        "gerrit set-reviewers --add ann 7",
        "gerrit review --json 7,1",
        "gerrit set-topic 7 --topic 'it'\"'\"'s'",
    ]
    assert json.loads((asked.root / "orders").read_text())["ready"] is True


def test_what_ssh_cannot_do_is_named(uploaded_already: Asked) -> None:
    result = uploaded_already.clone.review("-t", "t", "--hashtags", "x", "-p")
    assert result.code == 1 and "Set on 7: topic=t" in result.out
    assert "not applied: t=x, private" in result.err


def test_somebody_unknown_in_copy_is_told(uploaded_already: Asked) -> None:
    uploaded_already.answers_for("--all-reviewers", {"allReviewers": []})
    result = uploaded_already.clone.review("--cc", "nobody")
    assert result.code == 1 and "nobody is known by that name: nobody" in result.err


def test_a_refusal_by_ssh(uploaded_already: Asked) -> None:
    (uploaded_already.root / "refused").write_text("1")
    result = uploaded_already.clone.review("--reviewers", "nobody")
    assert result.code == 1 and "the server refused the options" in result.err


def test_a_dry_run_tells_the_push_in_place_of_it(uploaded_already: Asked) -> None:
    assert uploaded_already.clone.review("-n", "-t", "t").out.rstrip().endswith("HEAD:refs/for/main%topic=t")


def test_lists_have_headings_marks_and_urls(asked: Asked) -> None:
    asked.answers(row(7, topic="t", wip=True, private=True, url="http://h/7"), row(12345, url="http://h/12345"))
    lines = asked.clone.review("-lll").out.splitlines()
    assert lines == [
        "CHANGE  BRANCH  TOPIC  VOTES  CI  AGE             URL  SUBJECT",
        "     7    main      t      -   -    -      http://h/7  [WIP] [private] change 7",
        " 12345    main      -      -   -    -  http://h/12345  change 12345",
        "Found 2 items for review",
    ]
    assert asked.clone.review("-l").out.splitlines()[0] == "    7  main  change 7", "as programs know it"


def test_what_a_cherry_pick_without_a_commit_did(asked: Asked) -> None:
    asked.answers(row(9, asked.patchset(9, 1, "theirs"), subject="what\x1b it does"))
    said = "Applied change 9,1 to the work tree and the index, and committed nothing: what it does"
    assert said in asked.clone.review("-N", "9").out


def test_nothing_committed_is_told_as_such(clone: Clone) -> None:
    result = clone.review()
    assert result.code == 0 and "nothing is committed that gerrit/main does not have" in result.out


def test_a_conflict_that_was_tried_in_memory_is_no_failed_rebase(clone: Clone) -> None:
    clone.commit("mine", {"base.txt": "mine\n"})
    clone.upstream({"base.txt": "theirs\n"})
    assert clone.review().err.startswith("the commits do not apply on gerrit/main any more\n")


def test_a_refused_key_is_a_question_of_the_name() -> None:
    assert not no_way_to("ann@h: Permission denied (publickey).\nConnection closed by h port 29418")
    assert no_way_to("Connection closed by h port 29418")


def test_commits_tell_whether_they_rest_on_the_target() -> None:
    line = [Commit("c", ("b",), ""), Commit("b", ("a",), "")]
    assert rest_on(line, "a") and not rest_on(line, "b") and not rest_on(line, "x") and not rest_on([], "a")


NAMES = [name for option in OPTIONS for name in option.names]
WORDS = st.lists(
    st.sampled_from([*NAMES, "x", "a=b", "--", "-", "", "-vy", "--topic=", "-tfoo", "ALL", "3", "--yes=1", "-lll"]),
    max_size=5,
)


@QUICK
@given(WORDS)
def test_plain_words_are_what_click_makes_of_them(argv: list[str]) -> None:
    try:
        words = expanded(argv, OPTIONS)
    except ReviewError:
        return
    found = plain(words, OPTIONS)
    assert found is None or found == by_click(words, OPTIONS)


def test_usual_command_lines_are_plain() -> None:
    for argv in (
        [],
        ["-n"],
        ["-y", "-R", "main"],
        ["-d", "12,3"],
        ["--topic=x", "--reviewers", "a", "b"],
        ["-t", "x", "-v"],
    ):
        assert plain(expanded(argv, OPTIONS), OPTIONS) is not None, argv


def _twins() -> list[type]:
    made = []
    for kind in (records.dataclass, dataclasses.dataclass):

        class Point:
            """A point."""

            x: int
            y: list[int] = (
                dataclasses.field(default_factory=list)
                if kind is dataclasses.dataclass
                else records.field(default_factory=list)
            )
            z: str = "z"

            @property
            def sum(self) -> int:
                return self.x + len(self.y)

        made.append(kind(frozen=True, slots=True)(Point))
    return made


def test_records_are_what_dataclasses_are() -> None:
    ours, theirs = _twins()
    for kind in (ours, theirs):
        one = kind(1, y=[2])
        assert (one.x, one.y, one.z, one.sum) == (1, [2], "z", 2) and one == kind(1, [2], "z") and one != kind(2, [2])
        assert kind(1).y is not kind(1).y and kind.__match_args__ == ("x", "y", "z") and kind.__doc__ == "A point."
        assert not hasattr(one, "__dict__")
        with pytest.raises(AttributeError):
            one.x = 3
        for wrong in ((), (1, [], "z", 4)):
            with pytest.raises(TypeError):
                kind(*wrong)
        for named in ({"x": 1, "w": 2}, {}):
            with pytest.raises(TypeError):
                kind(**named)
    assert repr(ours(1)) == repr(theirs(1)) and hash(ours(1, ())) == hash(ours(1, ()))
    assert records.replace(ours(1), z="w") == ours(1, [], "w")
    assert ours(1).__eq__(theirs(1)) is NotImplemented


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("fatal: unable to access 'http://h:1/p/': Failed to connect to h port 1", "nothing answers there"),
        ("ssh: Could not resolve hostname h: Name or service not known", "there is no such host"),
        ("fatal: bad object", "-R uploads without asking first"),
    ],
)
def test_the_hint_of_a_fetch_that_failed_helps(words: str, hint: str) -> None:
    assert cannot_fetch("gerrit", words).hint.startswith(hint)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("(commit 3105e1c: invalid Change-Id line format in message footer)", "40 hexadecimal digits"),
        ("(commit 3105e1c: missing Change-Id in message footer)", "gives HEAD its Change-Id"),
    ],
)
def test_the_hint_of_a_push_that_was_refused_helps(words: str, hint: str) -> None:
    assert hint in push_failed(1, words).hint
