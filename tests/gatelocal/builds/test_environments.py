"""Which node that stands ready a build goes on from, and who makes the first one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.builds import environments
from gatelocal.builds.environments import Turn
from gatelocal.builds.order import Order
from gatelocal.launcher import checkpoints
from gatelocal.launcher.recipe import BUILT_IN
from gatelocal.model.job import Job, one_node
from gatelocal.stopping import Stop, Stopped, stoppable
from gatelocal.workspace.manifest import Tree
from git_review.git.runner import Runner
from tests.fakes.node import Answer, FolderNode, ScriptedNode
from tests.gatelocal.launcher.test_checkpoints import made


def order(tmp_path: Path, commit: str = "c1", **more: object) -> Order:
    variables = {"tox_envlist": "py3", "gatelocal_clone": True, **more}
    tree = Tree("acme/app", "src/h/acme/app", "main", {"main": commit}, {})
    places = (str(tmp_path / name) for name in ("cache", "nodes", "work", "gate"))
    job = Job("unit (1 of 2)", variables=variables, family="tox")
    stored = {"acme/app": str(tmp_path / "app")}
    return Order(1, "c", "acme/app", "unit (1 of 2)", job, (tree,), stored, "nspawn", *places)


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    """Four commits: the second and the third change code, the fourth what is installed."""
    tree = tmp_path / "app"
    tree.mkdir()
    git = Runner(tree, alone=True)
    git.run("init", "-q", ".")
    found = []
    for path, text in (("a.py", "1"), ("a.py", "2"), ("a.py", "3"), ("requirements.txt", "x")):
        (tree / path).write_text(text)
        git.run("add", ".")
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", path)
        found.append(git.query("rev-parse", "HEAD").text)
    return found


def kept(tmp_path: Path, of: Order, name: str, ago: float = 0.0) -> None:
    made(tmp_path / "cache/images", name, environments.key(of, BUILT_IN), time.time() - ago, **environments.commits(of))


def test_the_very_trees_count_more_than_the_latest_and_another_job_has_others(
    tmp_path: Path, commits: list[str]
) -> None:
    first, second, third, installing = commits
    assert environments.choose(order(tmp_path, first), BUILT_IN) is None
    kept(tmp_path, order(tmp_path, first), "old", 100)
    kept(tmp_path, order(tmp_path, second), "new")
    for commit, name in ((first, "old"), (second, "new"), (third, "new")):
        found = environments.choose(order(tmp_path, commit), BUILT_IN)
        assert found is not None and found.snapshot.name == name
    assert environments.choose(order(tmp_path, first, tox_envlist="pep8"), BUILT_IN) is None
    again = order(tmp_path, first, gatelocal_only=["x"], gatelocal_times=3)
    assert environments.choose(again, BUILT_IN) is not None
    assert environments.choose(order(tmp_path, installing), BUILT_IN) is None, "what is installed may be another thing"
    assert environments.choose(order(tmp_path, "f" * 40), BUILT_IN) is None, "what differs is not known"


def test_a_clone_with_other_trees_is_given_the_new_ones_and_their_environments_of_tox(
    tmp_path: Path, commits: list[str]
) -> None:
    home, tree = tmp_path / "home", "h/acme/app"
    (home / "src" / tree / ".tox").mkdir(parents=True)
    (home / "src" / tree / "left").touch()
    node = FolderNode(home)
    for script, words in ((environments._ASIDE, []), (environments._BACK, [tree, "h/none"])):
        if words:
            (home / "src" / tree).mkdir(parents=True)
        assert node.run(["sh", "-euc", script, "sh", node.home, *words]) == 0
    assert [one.name for one in (home / "src" / tree).iterdir()] == [".tox"]
    assert [one.name for one in home.iterdir()] == ["src"]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "local"},
        {"kind": "qemu"},
        {"job": Job("u", variables={}, family="tox")},
        {"job": Job("u", variables={"gatelocal_clone": True}, family="ansible")},
        {
            "job": Job(
                "u",
                variables={"gatelocal_clone": True},
                family="steps",
                nodesets=(replace(one_node(), nodes=one_node().nodes * 2),),
            )
        },
    ],
)
def test_what_is_never_cloned(tmp_path: Path, other: dict[str, object]) -> None:
    assert environments.wanted(order(tmp_path))
    assert not environments.wanted(replace(order(tmp_path), **other))  # type: ignore[arg-type]


def test_one_makes_it_while_the_others_wait(tmp_path: Path) -> None:
    first, second = Turn(), Turn()
    path = tmp_path / "turns" / "key"
    first.take(path, print)
    said: list[str] = []
    waiting = threading.Thread(target=second.take, args=(path, said.append))
    waiting.start()
    time.sleep(0.2)
    assert waiting.is_alive() and len(said) == 1
    first.leave()
    first.leave()
    waiting.join(5)
    assert not waiting.is_alive()
    second.leave()


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    first, stop = Turn(), Stop()
    first.take(tmp_path / "key", print)
    stop.ask()
    with stoppable(stop), pytest.raises(Stopped):
        Turn().take(tmp_path / "key", lambda line: None)
    first.leave()


@pytest.mark.parametrize(
    ("left", "clones"),
    [
        ((), True),
        (("process systemd-journal", "process sshd"), True),
        (("/tmp/socket",), False),
        (("process mysqld",), False),
    ],
)
def test_a_node_is_kept_only_where_a_clone_lacks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...], clones: bool
) -> None:
    keeping: list[object] = []
    monkeypatch.setattr(checkpoints, "keep", lambda *words: keeping.append(words))
    lines: list[tuple[str, ...]] = [("process systemd", "process rsyslogd"), ("process rsyslogd", *left)]

    def answer(argv: Sequence[str]) -> Answer:
        return Answer(0, lines.pop(0))

    node, turn = ScriptedNode(answer), Turn()
    turn.before = environments.in_memory(node)
    turn.take(tmp_path / "key", print)
    environments.reached(order(tmp_path), BUILT_IN, node, turn)
    assert bool(keeping) is clones and turn.stands
    Turn().take(tmp_path / "key", print)
