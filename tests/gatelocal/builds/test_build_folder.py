"""What a build's folder holds: orders, refusals and results as files, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal.builds import folder as files
from gatelocal.builds import order as orders
from gatelocal.builds import refusal
from gatelocal.builds.folder import Final, Progress
from gatelocal.builds.order import Order
from gatelocal.errors import ConfigurationError, DamagedCache, GateError, InfrastructureError, InputError
from gatelocal.model.change import Change
from gatelocal.model.deviation import Deviation
from gatelocal.model.job import Job, one_node
from gatelocal.model.plan import Group, Nodeset, NodeWanted, Playbook, Role
from gatelocal.model.playbooks import Item, Playbooks
from gatelocal.model.result import BuildResult, Counted, Outcome, TestResult, TestStatus
from gatelocal.model.returned import Artifact, Returned
from gatelocal.model.stanza import Tagged
from gatelocal.workspace.checkouts import Checkout
from gatelocal.workspace.manifest import Tree

VARIABLES: dict[str, object] = {
    "text": "ä\udcff\n",
    "list": [1, 2.5, None, True, {"deep": [Tagged("!unsafe", "{{ x }}")]}],
    "endless": float("inf"),
    "$": "a key of our own format",
    "numbers": {1: "one", "two": 2},
}


def order(**other: object) -> Order:
    tree = Tree("p", "src/h/p", "main", {"main": "1" * 40}, {"main": "2" * 40}, {"v1": "3" * 40}, detached=True)
    job = Job("unit", variables=VARIABLES, timeout=60, nodesets=(one_node("debian"),), required_projects=("q",))
    values: dict[str, object] = {
        "id": 7,
        "change": "p 1,2",
        "project": "p",
        "title": "unit",
        "job": job,
        "trees": (tree,),
        "stored": {"p": "/cache/p.git"},
        "kind": "local",
        "cache": "/c",
        "nodes": "/n",
        "work": "/w",
        "gate": "/g",
        **other,
    }
    return Order(**values)  # type: ignore[arg-type]


def test_so_is_one_with_playbooks(tmp_path: Path) -> None:
    tree = Tree("p", "ansible/0", "main", {"main": "1" * 40}, {"main": "2" * 40})
    books = Playbooks(
        pre=(Playbook("h/p", "pre.yaml", ("word",), (), "main", 2),),
        roles=(Role("h/p", "p", "p", False),),
        host_variables=VARIABLES,
        extra_variables={"a": Tagged("!unsafe", "{{ x }}")},
    )
    two = Nodeset("two", (NodeWanted(("a", "b"), "x"), NodeWanted(("c",), "")), (Group("g", ("a",)),))
    change = Change("p", "main", "3" * 40, "Subject\n", number=1, patchset=2)
    made = order(
        job=Job(
            "own",
            family="ansible",
            nodesets=(two,),
            playbooks=books,
            deviations=(Deviation("base-job", "it is not here"),),
        ),
        checkouts=(Checkout("h/p", "main", tree),),
        item=Item("h", "gate", "main", change, (change,), "t"),
        attempt=2,
    )
    orders.write(tmp_path, made)
    assert orders.read(tmp_path) == made


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    orders.write(tmp_path, order())
    found = orders.read(tmp_path)
    assert found == order()
    assert dict(found.job.variables) == VARIABLES
    assert (tmp_path / orders.NAME).stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == [orders.NAME]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-5], "is damaged"),
        (lambda text: "[]", "cannot be understood"),
        (lambda text: text.replace('"format": 3', '"format": 0'), "cannot be understood"),
        (lambda text: text.replace('"title"', '"tilte"'), "cannot be understood"),
        (lambda text: text.replace('"id": 7', '"id": "7"'), "cannot be understood"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    orders.write(tmp_path, order())
    path = tmp_path / orders.NAME
    path.write_text(change(path.read_text()))
    with pytest.raises(InfrastructureError, match=said):
        orders.read(tmp_path)
    path.unlink()
    with pytest.raises(InfrastructureError, match="cannot read"):
        orders.read(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        InputError("in"),
        ConfigurationError("conf", details="d", hint="h"),
        InfrastructureError("infra", details="No space left on device"),
        DamagedCache("broken", Path("/cache/p.git"), "bad object"),
    ],
)
def test_a_refusal_is_the_error_that_it_was(error: GateError) -> None:
    again = refusal.of(error).error
    assert type(again) is type(error) and again.exit_code == error.exit_code
    assert (again.brief, again.details, again.hint) == (error.brief, error.details, error.hint)
    assert getattr(again, "folder", None) == getattr(error, "folder", None)
    assert getattr(again, "no_space", None) == getattr(error, "no_space", None)


def result() -> BuildResult:
    tests = (TestResult("a.B.test", TestStatus.FAILURE, 1.5, "trace\x00back", "a.B"), TestResult("c", TestStatus.SKIP))
    return BuildResult(
        "unit",
        Outcome.FAILURE,
        2.5,
        False,
        tests,
        "why",
        "/logs",
        Counted(3, 1),
        ("n",),
        ("o",),
        ("l",),
        returned=Returned(("a",), (Artifact({"name": "n", "metadata": {"x": [1]}}, "/f"),), {"data": VARIABLES}),
    )


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    final = Final(result(), refusal.of(InfrastructureError("lost")), "Traceback ...", begun=True)
    with Progress(tmp_path) as progress:
        progress.end(final)
    assert orders.take(tmp_path / files.RESULT, Final) == final


def test_a_full_disk_costs_the_details_and_not_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = orders.put

    def full(path: Path, value: object) -> None:
        if isinstance(value, Final) and value.result.tests:
            raise OSError(28, "No space left on device")
        put(path, value)

    monkeypatch.setattr(files, "put", full)
    with Progress(tmp_path) as progress:
        assert (tmp_path / ".reserve").stat().st_size > 10_000  # what is given up for the result
        progress.end(Final(result()))
    found: Final = orders.take(tmp_path / files.RESULT, Final)
    assert (found.result.outcome, found.result.tests) == (Outcome.FAILURE, ())
    assert "the disk is full" in found.result.notes[0]
    assert not (tmp_path / ".reserve").exists()


def test_a_full_disk_does_not_hide_what_a_job_gives_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = orders.put

    def full(path: Path, value: object) -> None:
        if isinstance(value, Final) and value.result.returned != Returned():
            raise OSError(28, "No space left on device")
        put(path, value)

    monkeypatch.setattr(files, "put", full)
    with Progress(tmp_path) as progress:
        progress.end(Final(BuildResult("unit", Outcome.SUCCESS, 1.0, returned=Returned(children=("a",)))))
    found: Final = orders.take(tmp_path / files.RESULT, Final)
    assert (found.result.outcome, found.result.returned) == (Outcome.DISK_FULL, Returned())


def test_progress_is_lines_of_json(tmp_path: Path) -> None:
    with Progress(tmp_path) as progress:
        progress.say("one\ntwo \udcff")
        progress.node("a folder")
        progress.begun()
    lines = [json.loads(line) for line in (tmp_path / files.PROGRESS).read_text().splitlines()]
    assert lines == [{"say": "one\ntwo \udcff"}, {"node": "a folder"}, {"begun": True}]
    assert (tmp_path / files.PROGRESS).stat().st_mode & 0o077 == 0
