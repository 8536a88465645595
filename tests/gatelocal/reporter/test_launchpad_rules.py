"""Which bugs and blueprints a message names, and what becomes of them."""

from __future__ import annotations

import itertools

import pytest

from gatelocal.model.record import replace
from gatelocal.model.tracked import ABANDONED, MERGED, UPLOADED, Told, Tracked
from gatelocal.reporter.launchpad.references import MOST, Reference, blueprints, bugs
from gatelocal.reporter.launchpad.rules import Comment, SetStatus, Step, Tag, Task, steps, whiteboard

NOVA = Tracked(("nova",))
TOLD = Told(
    kind=UPLOADED,
    project="openstack/nova",
    branch="master",
    number=5,
    patchset=1,
    commit="c0ffee",
    url="https://review.example.org/c/openstack/nova/+/5",
    server="https://review.example.org/",
    message="Mend it\n\nCloses-Bug: #1\n",
    who="Ann",
)
CLOSES, PARTIAL, RELATED, OTHER = (Reference(1, word) for word in ("closes", "partial", "related", "see"))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Closes-Bug: #123", (123, "closes")),
        ("Partial-Bug: 123", (123, "partial")),
        ("Related-Bug: #123", (123, "related")),
        ("Fixes: bug # 123", (123, "fixes")),
        ("Resolves: bug 123", (123, "resolves")),
        ("  bug 123  ", (123, "")),
        ("LP: #123", (123, "")),
        ("lp bug 123", (123, "")),
        ("Partial-Bug: lp bug # 123", (123, "partial")),
        ("CLOSES-BUG:123", (123, "closes")),
        ("Closes bug: 123", (123, "closes")),
        ("Bug-fix: bug 7", (7, "bug")),
        ("See-Also-Bug: #7", (7, "see")),
        ("Closes-Bug: #123 and more", None),
        ("this mends bug 123", None),
        ("Closes-Bug: #123, #124", None),
        ("bug123", None),
        ("Debug: 123", None),
        ("Closes-Bug:", None),
        ("Closes-Bug: #" + "1" * 13, None),
        ("x" * 300 + " bug 1", None),
        ("bug " * 100000 + "x", None),
        ("Closes-Bug: #١٢٣", None),
    ],
)
def test_a_line_names_a_bug_as_a_whole_or_not_at_all(line: str, found: tuple[int, str] | None) -> None:
    assert bugs(f"Subject\n\nText\n{line}\n") == (() if found is None else (Reference(*found),))


def test_the_first_line_about_a_bug_decides_and_there_is_an_end() -> None:
    assert bugs("S\n\nRelated-Bug: #1\nCloses-Bug: #1\nCloses-Bug: #2\r\n") == (
        Reference(1, "related"),
        Reference(2, "closes"),
    )
    assert len(bugs("\n".join(f"bug {at}" for at in range(MOST + 5)))) == MOST
    assert bugs("Fix\n\nbug 1") == (Reference(1, ""),), "a line above is no prefix"


def test_blueprints_are_named_anywhere_and_by_the_topic() -> None:
    message = "S\n\nImplements: blueprint foo-bar.\nPartially-Implements: bp one\nblueprint: Two\nbp#three\nabp four\n"
    assert blueprints(message, "bp/five") == ("foo-bar", "one", "three", "five")
    assert blueprints("S", "") == ()


def statuses(found: tuple[Step, ...]) -> list[tuple[int, str]]:
    return [(one.task, one.status) for one in found if isinstance(one, SetStatus)]


def test_what_becomes_of_the_status_on_the_main_branch() -> None:
    table = {
        (UPLOADED, "closes"): ["In Progress", "In Progress", None, None],
        (UPLOADED, "partial"): ["In Progress", "In Progress", None, None],
        (MERGED, "closes"): ["Fix Released", "Fix Released", "Fix Released", None],
        (MERGED, "partial"): [None] * 4,
    }
    before = ("New", "In Progress", "Fix Committed", "Fix Released")
    for (kind, prefix), wanted in table.items():
        for status, expected in zip(before, wanted, strict=True):
            found = steps(replace(TOLD, kind=kind), Reference(1, prefix), NOVA, ("master",), [Task("nova", status)])
            assert statuses(found) == ([] if expected is None else [(0, expected)]), (kind, prefix, status)
            assert all(one.assign == (kind == UPLOADED) for one in found if isinstance(one, SetStatus))
    late = replace(NOVA, delay_release=True)
    for status, expected in zip(before, ["Fix Committed", "Fix Committed", None, None], strict=True):
        found = steps(replace(TOLD, kind=MERGED), CLOSES, late, ("master",), [Task("nova", status)])
        assert statuses(found) == ([] if expected is None else [(0, expected)])
    for kind, reference in itertools.product((UPLOADED, MERGED, ABANDONED), (RELATED, OTHER)):
        assert not statuses(steps(replace(TOLD, kind=kind), reference, NOVA, ("master",), [Task("nova", "New")]))


def test_which_of_the_things_that_a_bug_is_filed_against_count() -> None:
    tasks = [Task("cinder", "New"), Task("nova", "New"), Task("nova/victoria", "New"), Task("cinder/victoria", "New")]
    assert steps(TOLD, CLOSES, Tracked(("glance",)), ("master",), tasks) == (), "a bug of others"
    assert statuses(steps(TOLD, CLOSES, NOVA, ("master",), tasks)) == [(1, "In Progress")]
    assert statuses(steps(TOLD, CLOSES, Tracked(("nova", "cinder")), ("master",), tasks)) == [
        (0, "In Progress"),
        (1, "In Progress"),
    ]
    stable = replace(TOLD, branch="stable/victoria")
    assert statuses(steps(stable, CLOSES, NOVA, ("master",), tasks)) == [(2, "In Progress")]
    landed = replace(stable, kind=MERGED)
    found = steps(landed, CLOSES, NOVA, ("master",), tasks)
    assert statuses(found) == [(2, "Fix Committed")]
    assert not any(isinstance(one, Tag) for one in found)


def test_a_branch_without_a_task_is_a_tag_whatever_the_prefix() -> None:
    landed = replace(TOLD, kind=MERGED, branch="stable/Victoria")
    for reference in (CLOSES, PARTIAL, RELATED, OTHER):
        assert Tag("in-stable-victoria") in steps(landed, reference, NOVA, ("master",), [Task("nova", "New")])
    done = [Task("nova", "New"), Task("nova/victoria", "Fix Released")]
    assert Tag("in-stable-victoria") in steps(
        replace(landed, branch="stable/victoria"), CLOSES, NOVA, ("master",), done
    )
    odd = replace(landed, branch="stable/2024.1")
    assert not any(isinstance(one, Tag) for one in steps(odd, CLOSES, NOVA, ("master",), [Task("nova", "New")]))
    uploaded = replace(landed, kind=UPLOADED)
    assert not any(isinstance(one, Tag) for one in steps(uploaded, CLOSES, NOVA, ("master",), [Task("nova", "New")]))


def test_what_is_proposed_is_released_when_it_was_committed() -> None:
    landed = replace(TOLD, kind=MERGED, branch="proposed/1.0")
    for reference, before, after in (
        (CLOSES, "Fix Committed", [(0, "Fix Released")]),
        (CLOSES, "In Progress", []),
        (RELATED, "Fix Committed", []),
    ):
        assert statuses(steps(landed, reference, NOVA, ("master",), [Task("nova", before)])) == after


def comment(told: Told, reference: Reference) -> Comment | None:
    found = steps(told, reference, NOVA, ("master",), [Task("nova", "New")])
    return next((one for one in found if isinstance(one, Comment)), None)


def test_what_is_said() -> None:
    assert comment(TOLD, CLOSES) == Comment(
        "Fix proposed to nova (master)", f"Fix proposed to branch: master\nReview: {TOLD.url}"
    )
    related = comment(TOLD, RELATED)
    assert related is not None
    assert related.subject == "Related fix proposed to nova (master)"
    assert comment(replace(TOLD, patchset=2), CLOSES) is None
    assert comment(replace(TOLD, kind=MERGED), OTHER) == Comment(
        "Fix merged to nova (master)",
        f"Reviewed:  {TOLD.url}\nCommitted: c0ffee\nSubmitter: Ann\nBranch:    master\n\nMend it\n\nCloses-Bug: #1",
    )
    assert comment(replace(TOLD, kind=ABANDONED, who="Bob\x1b", reason="No use"), RELATED) == Comment(
        "Change abandoned on nova (master)",
        f"Change abandoned by Bob on branch: master\nReview: {TOLD.url}\nReason: No use",
    )


def test_a_whiteboard_has_a_change_once() -> None:
    told = replace(TOLD, topic="bp/a b")
    first = whiteboard("", told)
    assert first == (
        "Gerrit topic: https://review.example.org/q/topic:bp/a%20b\n\n"
        "Addressed by: https://review.example.org/c/openstack/nova/+/5\n    Mend it"
    )
    assert whiteboard(first, told) == first
    other = replace(told, url=f"{TOLD.url}0", message="Also")
    assert whiteboard(f"{first}\n", other) == f"{first}\n\nAddressed by: {other.url}\n    Also"
    assert whiteboard(whiteboard("", other), told).count("Addressed by") == 2, "+/5 is not +/50"
