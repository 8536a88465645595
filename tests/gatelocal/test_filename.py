"""Names of jobs as names of folders."""

from __future__ import annotations

from itertools import combinations

import pytest

from gatelocal.model.filename import folder_of

ODD = [
    *("a b", "a_b", "a/b", "a\\b", "a\tb", "a\nb", "A b", "a  b", "a?b", "a~b"),
    *(".", "..", "...", ".hidden", "hidden", "-x", "x", "", " ", "job", "trailing.", "trailing"),
    *("recipe.yaml", "Recipe.YAML", "local-commits.bundle", "workspace", "con", "CON", "nul.txt", "com1", "console"),
    *("j" * 80, "j" * 81, "j" * 300, "j" * 299 + "k", "jöb", "job\u0301", "\ud800", "日本"),
]


def test_no_two_jobs_share_a_folder() -> None:
    folders = {name: folder_of(name) for name in (*ODD, *map(folder_of, ODD))}
    assert not [pair for pair in combinations(folders, 2) if folders[pair[0]] == folders[pair[1]]]


@pytest.mark.parametrize("name", ODD)
def test_every_job_has_a_folder_that_can_be_made(name: str) -> None:
    folder = folder_of(name)
    assert folder.isascii()
    assert folder.isprintable()
    assert not set(folder) & set(" /\\:*?\"<>|'`$&;()")
    assert 0 < len(folder) <= 80
    assert folder[0] not in ".-"
    assert folder.lower().partition(".")[0] not in ("con", "nul", "com1")
    assert folder.lower() not in ("recipe.yaml", "local-commits.bundle", "workspace")


@pytest.mark.parametrize("name", ["openstack-tox-py311", "unit", "build_1.2", "_x"])
def test_usual_names_are_kept(name: str) -> None:
    assert folder_of(name) == name
