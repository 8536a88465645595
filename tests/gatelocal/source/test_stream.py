"""Lines of the event stream as hints: what they say is not believed, only where to look."""

from __future__ import annotations

import json

import pytest

from gatelocal.source.stream import Hint, hint_of

CHANGE = {"number": 12, "project": "ex/p", "id": "I1"}


@pytest.mark.parametrize(
    ("event", "hint"),
    [
        ({"type": "comment-added", "change": CHANGE}, Hint(12, "ex/p")),
        ({"type": "vote-deleted", "change": {**CHANGE, "number": "12"}}, Hint(12, "ex/p")),
        ({"type": "ref-updated", "refUpdate": {"refName": "master", "project": "ex/p"}}, Hint(project="ex/p")),
        ({"type": "ref-updated", "refUpdate": {"refName": "refs/heads/x", "project": "ex/p"}}, Hint(project="ex/p")),
        ({"type": "ref-updated", "refUpdate": {"refName": "refs/changes/12/12/meta", "project": "ex/p"}}, None),
        (
            {"type": "ref-updated", "refUpdate": {"refName": "refs/tags/1", "project": "ex/p"}},
            Hint(project="ex/p", tag=True),
        ),
        ({"type": "dropped-output"}, Hint(gap=True)),
        ({"type": "project-created", "projectName": "ex/q"}, None),
        ({"type": "comment-added", "change": {"number": "12; rm", "project": "ex/p"}}, None),
        ({"type": "comment-added", "change": None}, None),
        (["no", "object"], None),
    ],
)
def test_what_a_line_hints_at(event: object, hint: Hint | None) -> None:
    assert hint_of(json.dumps(event)) == hint


def test_a_line_that_is_cut_hints_at_nothing() -> None:
    assert hint_of('{"type":"comment-added","change":{"number":1') is None
    assert hint_of("[" * 100_000) is None
