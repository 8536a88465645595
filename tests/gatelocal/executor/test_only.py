"""A build that is asked for some of its tests: which run, and that it never counts as all of it."""

from __future__ import annotations

import types
from types import SimpleNamespace
from typing import Any

import pytest

from gatelocal.executor.only import deviations, only, witness
from gatelocal.model.job import Job
from gatelocal.results.names import of_pytest


def loaded(*names: str) -> Any:
    module = types.ModuleType("witness")
    exec(witness(Job("j", variables={"gatelocal_only": list(names)})), module.__dict__)  # noqa: S102
    return module


@pytest.mark.parametrize(
    "node",
    ["tests/test_a.py::T::test_x", "test_a.py::test_x[1.5-a::b]", "a/b/test.py::test[x/y.py]", "/test_a.py::test_x"],
)
def test_ids_are_those_that_results_have(node: str) -> None:
    assert loaded(of_pytest(node)[0]).is_wanted(node)
    assert not loaded("other").is_wanted(node)


def test_a_module_or_a_class_that_failed_as_a_whole_stands_for_its_tests() -> None:
    module = loaded("tests.test_a", "test_b.T")
    assert module.is_wanted("tests/test_a.py::test_x") and module.is_wanted("test_b.py::T::test_x")
    assert not module.is_wanted("tests/test_ab.py::test_x") and not module.is_wanted("test_b.py::Tx::test_x")


def test_names_are_text_to_the_witness_whatever_stands_in_them() -> None:
    strange = ['a"; raise SystemExit("x"', "b\n]\nimport nothing_at_all", "c\\", "\u202e\ud800é"]
    known = loaded(*strange).ONLY
    assert known == strange
    assert not loaded().ONLY


def test_stestr_is_given_a_list_unless_it_has_one_or_a_test_has_no_id_of_its_own(tmp_path: Any) -> None:
    def asked(*names: str, given: str | None = None) -> str | None:
        module = loaded(*names)
        module.FOLDER = str(tmp_path)
        arguments = SimpleNamespace(load_list=given)
        module.listed(arguments)
        return arguments.load_list

    assert asked("a.T.test", "a.T.b(x)") == str(tmp_path / "only.list")
    assert (tmp_path / "only.list").read_text() == "a.T.test\na.T.b(x)\n"
    assert asked("a.T.test", given="own") == "own"
    assert asked("setUpClass (a.T)") is None
    assert asked("unittest.loader._FailedTest.a") is None
    assert asked() is None


@pytest.mark.parametrize(("serial", "workers"), [(True, 1), (False, None), ("yes", None)])
def test_stestr_has_one_process_where_that_is_wanted(tmp_path: Any, serial: object, workers: int | None) -> None:
    module = types.ModuleType("witness")
    job = Job("j", variables={"gatelocal_only": ["a.T.test"], "gatelocal_serial": serial})
    exec(witness(job), module.__dict__)  # noqa: S102
    module.FOLDER = str(tmp_path)  # type: ignore[attr-defined]
    arguments = SimpleNamespace(load_list=None, concurrency=None)
    module.listed(arguments)
    assert arguments.concurrency == workers


def test_too_many_names_mean_all_tests() -> None:
    assert only(Job("a", variables={"gatelocal_only": ["x.y", 3]})) == ("x.y",)
    assert only(Job("a", variables={"gatelocal_only": ["x" * 100] * 1000})) == ()
    assert only(Job("a", variables={"gatelocal_only": 7})) == ()
    assert only(Job("a")) == ()


def test_what_ran_less_says_so() -> None:
    assert deviations(()) == ()
    assert [one.id for one in deviations(("a",))] == ["partial"]
