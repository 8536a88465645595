"""What commands print: recorded from tox, unittest, pytest and stestr, and cut short."""

from __future__ import annotations

import pytest

from gatelocal.model.result import Counted
from gatelocal.results.console import Console

RULE, LINE = "=" * 70, "-" * 70

UNITTEST = f"""
py3: commands[0]> python -m unittest test_u
EF.sx
{RULE}
ERROR: setUpClass (test_u.Broken)
{LINE}
Traceback (most recent call last):
  File "test_u.py", line 9, in setUpClass
RuntimeError: no database

{RULE}
FAIL: test_bad (test_u.U.test_bad)
The first line of its docstring
{LINE}
Traceback (most recent call last):
  File "test_u.py", line 4, in test_bad
AssertionError: 1 != 2

{RULE}
FAIL: test_sub (test_u.U.test_sub) (i=1)
{LINE}
AssertionError: 1

{RULE}
FAIL: test_sub (test_u.U.test_sub) (i=2)
{LINE}
AssertionError: 2

{RULE}
ERROR: test_old (test_u.U)
{LINE}
KeyError: 'x'

{LINE}
Ran 7 tests in 0.001s

FAILED (failures=3, errors=2, skipped=1, expected failures=1)
py3: exit 1 (0.05 seconds) /w> python -m unittest test_u pid=7
  py3: FAIL code 1 (0.10=setup[0.05]+cmd[0.05] seconds)
  evaluation failed :( (0.13 seconds)
"""


def console(text: str) -> Console:
    read = Console()
    for line in text.splitlines():
        read.line(line)
    read.finish()
    return read


def test_unittest_names_what_failed_and_counts_the_rest() -> None:
    (command,) = console(UNITTEST).commands
    assert {test.name: test.classname for test in command.tests} == {
        "setUpClass (test_u.Broken)": "",
        "test_u.U.test_bad": "test_u.U",
        "test_u.U.test_sub": "test_u.U",
        "test_u.U.test_old": "test_u.U",
    }
    assert command.tests[1].details.endswith("AssertionError: 1 != 2")
    assert command.counted == Counted(passed=1, skipped=1)
    assert (command.env, command.status, command.tool) == ("py3", 1, "unittest")


PYTEST = """
unit: commands[0]> pytest -q test_p.py
F.s                                                                   [100%]
=================================== ERRORS =====================================
___________________ ERROR at setup of TestC.test_z ____________________
E       KeyError: 'fixture'
=================================== FAILURES ===================================
______________________________ test_v[a - b] _______________________________

E       AssertionError: assert 'a' == 'b'
test_p.py:4: AssertionError
=========================== short test summary info ============================
FAILED test_p.py::test_v[a - b] - AssertionError: assert 'a' == 'b'
ERROR tests/test_q.py::TestC::test_z
1 failed, 5 passed, 2 skipped, 1 xfailed, 1 error in 0.02s
unit: exit 1 (0.35 seconds) /w> pytest -q test_p.py pid=9
"""


def test_pytest_names_what_failed_and_counts_the_rest() -> None:
    (command,) = console(PYTEST).commands
    assert [(test.classname, test.own_name, test.details) for test in command.tests] == [
        ("test_p", "test_v[a - b]", "E       AssertionError: assert 'a' == 'b'\ntest_p.py:4: AssertionError"),
        ("tests.test_q.TestC", "test_z", "E       KeyError: 'fixture'"),
    ]
    assert command.counted == Counted(passed=6, skipped=2)


VERBOSE = """
py3: commands[0]> pytest -v
============ test session starts ============
collected 4 items

tests/test_a.py::test_good PASSED                      [ 25%]
tests/test_a.py::C::test_v[1 x] FAILED                 [ 50%]
tests/test_a.py::test_later SKIPPED (no moon)          [ 75%]
tests/test_a.py::test_hangs """
WORKERS = """
py3: commands[0]> pytest -v -n2
tests/test_a.py::C::test_v[1 x]
tests/test_a.py::test_hangs
[gw1] [ 33%] FAILED tests/test_a.py::C::test_v[1 x]
tests/test_a.py::test_good
[gw1] [ 66%] PASSED tests/test_a.py::test_good
"""


@pytest.mark.parametrize(("text", "skipped"), [(VERBOSE, 1), (WORKERS, 0)])
def test_a_pytest_that_is_cut_off_names_what_failed_and_what_ran(text: str, skipped: int) -> None:
    (command,) = console(text).commands
    assert [(test.classname, test.own_name, test.details) for test in command.tests] == [
        ("tests.test_a.C", "test_v[1 x]", ""),
        ("tests.test_a", "test_hangs", "the test run ends while this test runs"),
    ]
    assert command.counted == Counted(passed=1, skipped=skipped)


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ("tests/test_a.py ..F\ntests/test_b.py .s", " in tests/test_b.py"),
        ("..F     [ 30%]\n.E", ""),
    ],
)
def test_a_quiet_pytest_that_is_cut_off_says_how_far_it_came(lines: str, where: str) -> None:
    (command,) = console(f"py3: commands[0]> pytest\n{lines}").commands
    assert command.sentence == f"pytest had told of 5 tests, {2 - bool(where)} of them failed, the last{where}"
    assert command.tests == ()


def test_progress_is_no_result_once_there_is_a_report() -> None:
    (command,) = console(f"{VERBOSE}PASSED\n==== 3 passed, 1 failed in 1.2s ====").commands
    assert (command.tests, command.counted, command.sentence) == ((), Counted(passed=3), "")


DISCOVERY = """
=========================
Failures during discovery
=========================
--- import errors ---
Failed to import test module: pkg.test_a
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ModuleNotFoundError: No module named 'nowhere'

================================================================================
The above traceback was encountered during test discovery.
"""


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (DISCOVERY, "import errors: pkg.test_a: ModuleNotFoundError: No module named 'nowhere'"),
        ("No tests were successful during the run", "no test was successful"),
        ("ERROR: file or directory not found: x.py\n\nno tests ran in 0.00s", "file or directory not found: x.py"),
        ("============ no tests ran in 0.01s ============", "pytest ran no test"),
        ("9 deselected in 0.02s", "pytest ran no test: all are deselected"),
        ("ERROR: Coverage failure: total of 4 is less", "Coverage failure: total of 4 is less"),
        ("FAIL Required test coverage of 90% not reached.", "Required test coverage of 90% not reached."),
        ("usage: pytest\npytest: error: unrecognized arguments: x", "pytest: error: unrecognized arguments: x"),
        ("Ran 0 tests in 0.000s\n\nNO TESTS RAN", "unittest ran no test"),
        ("all is well", ""),
    ],
)  # fmt: skip
def test_one_sentence(output: str, sentence: str) -> None:
    read = console(f"py3: commands[0]> x\n{output}\npy3: exit 1 (0.05 seconds) /w> x pid=7")
    assert read.failed is not None
    assert read.failed.sentence == sentence


def test_words_without_a_newline_stand_before_toxs_own() -> None:
    text = "The specified regex doesn't match with anythingpy3: exit 1 (0.70 seconds) /w> stestr run x pid=7"
    read = console(f"py3: commands[0]> stestr run x\n{text}")
    assert read.failed is not None
    assert read.failed.sentence == "the regex matches no test"
    assert list(read.failed.tail) == ["The specified regex doesn't match with anything"]


def test_a_run_of_tempest_is_one_of_stestr() -> None:
    read = console("all: commands[0]> tempest run --regex x\nall: commands[1]> tempest run --list-tests\n")
    assert [one.tool for one in read.commands] == ["stestr", ""]


def test_the_tail_is_that_of_the_command_that_failed() -> None:
    read = console(
        "a: commands[0]> one\nfine\na: commands[1] /w/x> flake8 .\nx.py:1: E1\n"
        "a: exit 1 (0.05 seconds) /w/x> flake8 . pid=7\na: FAIL ✖ in 2.41 seconds\n"
        "b: commands[0]> two\nalso fine\n  a: FAIL code 1 (2.41 seconds)\n  b: OK (0.1 seconds)\n"
    )
    assert read.failed is not None
    assert (read.failed.line, read.failed.status, list(read.failed.tail)) == ("flake8 .", 1, ["x.py:1: E1"])


def test_what_tox_forgives_has_not_failed() -> None:
    one = "a: commands[0]> x\na: exit 3 (0.01 seconds) /w> x pid=1\n"
    assert console(f"{one}a: command failed but is marked ignore outcome so handling it as success").failed is None
    assert console(f"{one}  a: IGNORED FAIL code 3 (0.44 seconds)").failed is None
    assert console(one).failed is not None


def test_the_wordings_of_tox_3_and_of_much_talk() -> None:
    old = console(
        "unit run-test: commands[0] | pytest -q\nboom\n"
        "ERROR: InvocationError for command /w/.tox/unit/bin/pytest -q (exited with code 2)\n"
        "________________ summary _________________\nERROR:   unit: commands failed\n"
        "SKIPPED:  py39: InterpreterNotFound: python3.9\n"
    )
    assert old.failed is not None
    assert (old.failed.env, old.failed.line, old.failed.status, old.skipped) == ("unit", "pytest -q", 2, ["py39"])
    loud = console(
        "b: 956 W commands[0] /w/x> python y.py [tox/tox_env/api.py:506]\n"
        "b: 1006 C exit 3 (0.05 seconds) /w/x> python y.py pid=2 [tox/execute/api.py:409]\n"
    )
    assert loud.failed is not None
    assert (loud.failed.line, loud.failed.status) == ("python y.py", 3)


def test_unittest_that_ends_without_its_last_words_is_unfinished() -> None:
    assert [
        one.line for one in console("a: commands[0]> python -m unittest\n..\n  a: OK (0.1 seconds)").unfinished
    ] == ["python -m unittest"]
    assert console("a: commands[0]> python -m unittest\n.\nRan 1 test in 0.001s\n\nOK").unfinished == ()
    assert console("a: commands[0]> python -m unittest --help\nusage").unfinished == ()


def test_environments_that_tox_left_out() -> None:
    assert console("  py39: SKIP (1.59 seconds)\n  py3: OK (2 seconds)").skipped == ["py39"]
