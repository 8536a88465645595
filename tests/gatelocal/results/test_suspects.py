"""Who ran before a test and beside it, by what a witness has told."""

from __future__ import annotations

import json

from gatelocal.results.order import Company, company


def told(*lines: dict[str, object]) -> bytes:
    return "".join(f"{json.dumps(one)}\n" for one in lines).encode()


def test_tests_that_had_ended_and_those_that_ran_at_the_same_time() -> None:
    data = told(
        {"tool": "stestr", "env": "py3"},
        {"began": "a"},
        {"began": "b"},
        {"done": "a", "status": "success"},
        {"began": "x"},
        {"began": "c"},
        {"done": "x", "status": "fail"},
        {"began": "d"},
    )
    assert company([data], "x") == Company(("a",), ("b", "c"))
    assert company([data], "a") == Company((), ("b",))
    assert company([data], "nobody") is None


def test_ids_of_pytest_are_those_of_results_and_the_latest_run_counts() -> None:
    first = told({"tool": "pytest", "env": ""}, {"began": "t/test_a.py::test_z"}, {"test": "t/test_a.py::test_z"})
    second = told(
        {"tool": "pytest", "env": ""},
        {"began": "t/test_a.py::T::test_x"},
        {"test": "t/test_a.py::T::test_x"},
        {"began": "t/test_a.py::test_z"},
    )
    assert company([first, second], "t.test_a.test_z") == Company(("t.test_a.T.test_x",))
    assert company([second, first], "t.test_a.test_z") == Company()


def test_lines_that_make_no_sense_are_passed_over() -> None:
    assert company([b'\xff\n{"began"\n[1]\n{"began": 7}\n' + told({"began": "x"})], "x") == Company()
