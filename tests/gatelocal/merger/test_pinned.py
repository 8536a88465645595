"""A branch at a commit of before, in the place of its tip; with real git."""

from __future__ import annotations

import pytest

from gatelocal.errors import InputError
from gatelocal.merger.merger import Merger
from tests.fakes.git_server import GitServer

APP = "demo/app"


def test_a_branch_counts_as_it_was_for_itself_and_for_what_is_merged_onto_it(server: GitServer, merger: Merger) -> None:
    old = server.tip(APP)
    change = server.change(APP, {"new": "1\n"})
    server.commit(APP, "refs/heads/main", (old,), {"other": "2\n"})
    pinned = merger.pinned({(APP, "main"): old})
    tip = pinned.tip(APP, "main")
    assert (tip.merged[0].base, tip.merged[0].commit, tip.repositories[0].branches["main"]) == (old, old, old)
    (one,) = pinned.merge([change]).merged
    assert (one.base, one.commit) == (old, change.commit)
    assert merger.merge([change]).merged[0].base != old, "the merger itself is as it was"


def test_what_a_branch_never_was_is_refused(server: GitServer, merger: Merger) -> None:
    change = server.change(APP, {"new": "1\n"})
    merger.merge([change])
    for commit in (change.commit, "0123456789" * 4):
        with pytest.raises(InputError, match=f"demo/app main does not have the commit {commit[:12]}"):
            merger.pinned({(APP, "main"): commit}).tip(APP, "main")
