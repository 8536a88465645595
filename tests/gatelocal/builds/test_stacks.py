"""Which stack a devstack build begins with, by real commits."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.builds import stacks
from gatelocal.builds.order import Order
from gatelocal.jobs.families import COLD_VARIABLE
from gatelocal.launcher import layers, place
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.job import Job, one_node
from gatelocal.workspace.manifest import Tree
from git_review.git.runner import Runner
from tests.gatelocal.launcher.test_checkpoints import made


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    """Four commits: the second changes code, the third a migration, the fourth has no code of the second."""
    tree = tmp_path / "keystone"
    tree.mkdir()
    git = Runner(tree, alone=True)
    git.run("init", "-q", ".")
    found = []
    for path, text in (("a.py", "1"), ("a.py", "2"), ("k/migrations/x.py", "3"), ("setup.cfg", "4")):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        git.run("add", ".")
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", path)
        found.append(git.query("rev-parse", "HEAD").text)
    return found


def order(tmp_path: Path, commit: str, **more: object) -> Order:
    trees = tuple(
        Tree(f"openstack/{name}", f"src/h/openstack/{name}", "master", {"master": sha}, {})
        for name, sha in (("keystone", commit), ("devstack", "d0"), ("requirements", "r0"))
    )
    variables = {"devstack_services": {"key": True}, "tempest_test_regex": "x", **more}
    return Order(
        1,
        "c",
        "openstack/keystone",
        "j",
        Job("j", ("devstack-base",), variables, family="devstack-tempest"),
        trees,
        {"openstack/keystone": str(tmp_path / "keystone")},
        "nspawn",
        *(str(tmp_path / name) for name in ("cache", "nodes", "work", "gate")),
    )


def kept(tmp_path: Path, of: Order, name: str = "a", ago: float = 0.0) -> None:
    folder = made(tmp_path / "cache/images", name, stacks.key(of, BUILT_IN), time.time() - ago, **stacks.commits(of))
    assert folder.exists()


def chosen(of: Order) -> tuple[stacks.Warm | None, list[str]]:
    said: list[str] = []
    return stacks.choose(of, BUILT_IN, said.append), said


def test_a_stack_that_differs_in_code_alone_is_renewed(tmp_path: Path, commits: list[str]) -> None:
    kept(tmp_path, order(tmp_path, commits[0]))
    warm, said = chosen(order(tmp_path, commits[1]))
    assert warm is not None
    assert (warm.todo.trees, warm.todo.reinstall, warm.todo.units, said) == (("keystone",), (), ("keystone*",), [])
    kept(tmp_path, order(tmp_path, commits[1]), "b", ago=60.0)
    same, _ = chosen(order(tmp_path, commits[1]))
    assert same is not None
    assert (same.checkpoint.snapshot.name, same.todo.trees) == ("b", ())


def test_a_migration_is_stacked_from_the_beginning_and_that_is_said(tmp_path: Path, commits: list[str]) -> None:
    kept(tmp_path, order(tmp_path, commits[1]))
    why = "the change of keystone touches a database migration (k/migrations/x.py)"
    assert chosen(order(tmp_path, commits[2])) == (None, [f"stacked from the beginning: {why}"])
    warm, _ = chosen(order(tmp_path, commits[0]))
    assert warm is not None
    assert chosen(order(tmp_path, "0" * 40))[1] == [
        "stacked from the beginning: what it has of keystone is not known any more"
    ]


def test_what_else_a_stack_is_made_of_makes_another_one(tmp_path: Path, commits: list[str]) -> None:
    first = order(tmp_path, commits[0])
    key = stacks.key(first, BUILT_IN)
    assert stacks.key(order(tmp_path, commits[1], tempest_test_regex="y"), BUILT_IN) == key
    others = [
        order(tmp_path, commits[0], devstack_services={"key": True, "g-api": True}),
        order(tmp_path, commits[0], tempest_plugins=["p"]),
        replace(first, trees=(*first.trees[:1], replace(first.trees[1], heads={"master": "d1"}), first.trees[2])),
        replace(first, trees=first.trees[:2]),
        replace(first, job=replace(first.job, nodesets=(one_node("debian-trixie"),))),
    ]
    assert len({key, *(stacks.key(one, BUILT_IN) for one in others)}) == len(others) + 1


def test_when_there_is_no_question_of_it(tmp_path: Path, commits: list[str]) -> None:
    first = order(tmp_path, commits[0])
    assert stacks.why_not(first) == ""
    assert stacks.why_not(replace(first, job=replace(first.job, family="ansible")))
    assert stacks.why_not(replace(first, kind="qemu")) == "only containers can be cloned"
    assert "n-cpu" in stacks.why_not(order(tmp_path, commits[0], devstack_services={"n-cpu": True}))


def test_the_build_is_told_what_its_node_began_with(tmp_path: Path, commits: list[str]) -> None:
    first = order(tmp_path, commits[0])
    fresh = stacks.setting(first, BUILT_IN, "fresh")
    assert (fresh.branch, fresh.todo, fresh.keep is not None) == ("master", None, True)
    assert stacks.setting(order(tmp_path, commits[0], devstack_services={"c-vol": True}), BUILT_IN, "x").keep is None


class Pool:
    """It says how a node was asked for."""

    def clone(self, name: str, say: object) -> object:
        return f"clone of {name}"

    def gather(self, nodesets: object, say: object) -> object:
        return "fresh"


def test_cold_means_fresh(tmp_path: Path, commits: list[str]) -> None:
    first = order(tmp_path, commits[0])
    kept(tmp_path, first)
    for one, expected in ((first, "clone of a"), (order(tmp_path, commits[0], **{COLD_VARIABLE: True}), "fresh")):
        found = stacks.Stacks(Pool(), one, BUILT_IN).gather(one.job.nodesets, lambda text: None)  # type: ignore[arg-type]
        assert (found if expected == "fresh" else found.each[0]) == expected


def test_a_node_is_given_what_it_did_not_begin_with(tmp_path: Path, commits: list[str]) -> None:
    kept(tmp_path, order(tmp_path, commits[0]))
    (folder,) = (tmp_path / "cache/images").iterdir()
    (tmp_path / "nodes/warm").mkdir(parents=True)
    record = place.Record("warm", "nspawn", "l", place.this_process(), trees=(str(folder / layers.DISK),))
    place.write(tmp_path / "nodes/warm", record)
    other, same = order(tmp_path, commits[1]), order(tmp_path, commits[0])
    assert [one.project for one in stacks.needed(other, "warm")] == ["openstack/keystone"]
    assert stacks.needed(same, "warm") == ()
    assert stacks.needed(same, "fresh") == same.trees
    begun = stacks.setting(other, BUILT_IN, "warm")
    assert begun.todo is not None
    assert (begun.todo.trees, begun.keep, "stack of" in begun.of) == (("keystone",), None, True)
