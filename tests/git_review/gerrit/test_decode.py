"""What a gate reads of a change: dates of votes, files of patchsets, failing parts of requirements, ids of messages."""

from __future__ import annotations

from datetime import UTC, datetime

from git_review.gerrit import decode
from git_review.gerrit.model import Account, Message, SubmitRequirement, Vote

WHEN = "2026-11-20 10:00:00.000000000"
DATE = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_what_a_gate_reads() -> None:
    found = decode.change(
        {
            "project": "ex/p",
            "_number": 5,
            "current_revision": "c1",
            "revisions": {"c1": {"_number": 1, "files": {"/COMMIT_MSG": {}, "a/b": {}, "/MERGE_LIST": {}}}},
            "labels": {
                "Verified": {"all": [{"_account_id": 3, "value": -2, "date": WHEN}, {"_account_id": 4, "value": 0}]}
            },
            "submit_requirements": [
                {
                    "name": "Verified",
                    "status": "UNSATISFIED",
                    "submittability_expression_result": {
                        "expression": "label:Verified=MAX AND -label:Verified=MIN",
                        "failing_atoms": ["label:Verified=MAX", 7],
                    },
                }
            ],
            "messages": [{"id": "m1", "message": "hello", "date": WHEN, "_revision_number": 1}],
        }
    )
    assert found.current is not None
    assert found.current.files == ("a/b",)
    assert found.labels[0].votes == (Vote(Account(3), -2, DATE),)
    expression = "label:Verified=MAX AND -label:Verified=MIN"
    assert found.requirements == (
        SubmitRequirement("Verified", "UNSATISFIED", False, expression, ("label:Verified=MAX",)),
    )
    assert found.messages == (Message("hello", None, "", 1, DATE, "m1"),)
