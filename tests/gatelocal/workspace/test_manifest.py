"""Which tree goes where, on which branch, and which names are refused."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.model.change import Change
from gatelocal.model.merged import MergedProject, RepoState
from gatelocal.workspace.manifest import Wanted, branch_of, manifest, place

BASE, AHEAD, TOP, OTHER = (digit * 40 for digit in "1234")


def test_places_branches_and_refs() -> None:
    change = Change("demo/app", "main", TOP, "S\n")
    merged = MergedProject("demo/app", "main", BASE, TOP, OTHER, AHEAD, (change,))
    states = [
        RepoState("demo/app", {"main": BASE, "stable/1": OTHER}),
        RepoState("lib", {"master": OTHER}, default_branch="master"),
    ]
    app, lib = manifest(Wanted("review.example.org", "main"), states, [merged])
    assert app.path == "src/review.example.org/demo/app"
    assert app.heads == {"main": TOP, "stable/1": OTHER}
    assert app.origin == {"main": AHEAD, "stable/1": OTHER}
    assert (lib.path, lib.branch, lib.heads) == ("src/review.example.org/lib", "master", {"master": OTHER})


@pytest.mark.parametrize(
    ("override", "target", "default", "expected"),
    [
        (["2024"], "main", "master", "2024"),
        (["gone", "2024"], "main", "master", "2024"),
        (["gone"], "main", "master", "main"),
        ([], "main", "master", "main"),
        ([], "gone", "master", "master"),
    ],
)
def test_zuuls_order_of_branches(override: list[str], target: str, default: str, expected: str) -> None:
    state = RepoState("lib", {"main": BASE, "master": BASE, "2024": BASE}, default)
    assert branch_of(Wanted("h", target, {"lib": override}), state) == (expected, False)


def test_only_an_override_may_be_a_tag() -> None:
    state = RepoState("lib", {"main": BASE}, tags={"1.0": OTHER, "stable": OTHER})
    assert branch_of(Wanted("h", "main", {"lib": ["nope", "1.0", "main"]}), state) == ("1.0", True)
    assert branch_of(
        Wanted("h", "main", {"lib": ["main"]}), RepoState("lib", {"main": BASE}, tags={"main": OTHER})
    ) == (
        "main",
        False,
    )
    with pytest.raises(ConfigurationError):
        branch_of(Wanted("h", "stable"), state)


def test_a_tag_that_is_tested_is_checked_out_in_its_own_project_alone() -> None:
    merged = MergedProject("app", "refs/tags/1.0", BASE, BASE, OTHER, BASE, ())
    states = [
        RepoState("app", {"main": TOP, "1.0": TOP}, "main", {"1.0": AHEAD}),
        RepoState("lib", {"main": OTHER}, "main", {"1.0": BASE}),
    ]
    app, lib = manifest(Wanted("h", "refs/tags/1.0", project="app"), states, [merged])
    assert (app.branch, app.detached, app.commit, app.checkout) == ("1.0", True, AHEAD, "refs/tags/1.0")
    assert app.heads == app.origin == {"main": TOP, "1.0": TOP}
    assert (lib.branch, lib.detached) == ("main", False)


def test_a_repository_without_a_branch_to_check_out() -> None:
    with pytest.raises(ConfigurationError, match=r"demo/app has none of the branches .*: main, trunk"):
        branch_of(Wanted("h", "main"), RepoState("demo/app", {}, "trunk"))


@pytest.mark.parametrize(
    "name",
    ["", "..", ".", "a/../b", "/etc", "a//b", "a/", "a\nb", "a\x1b[2Jb", "a/.git", ".GIT", "a\x00", "x" * 300, "a\tb"],
)
def test_hostile_project_names(name: str) -> None:
    with pytest.raises(InputError, match="no safe path") as caught:
        place("review.example.org", name)
    assert "\x1b" not in caught.value.brief


@pytest.mark.parametrize("host", ["", "..", "a/b", "a:80", ".", "-x", "a..b", "a\n"])
def test_hostile_hosts(host: str) -> None:
    with pytest.raises(InputError, match="no host name"):
        place(host, "demo/app")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a", "a-b", "a/b"), ("a/b/c", "a"), ("a", "a")])
def test_trees_never_lie_in_one_another(names: tuple[str, ...]) -> None:
    states = [RepoState(name, {"main": BASE}) for name in names]
    with pytest.raises(ConfigurationError, match="in one another"):
        manifest(Wanted("h", "main"), states, [])


def test_neighbours_are_no_nesting() -> None:
    states = [RepoState(name, {"main": BASE}) for name in ("a/b", "a/bc", "a/b-c", "ab")]
    assert len(manifest(Wanted("h", "main"), states, [])) == 4
