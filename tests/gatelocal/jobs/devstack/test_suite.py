"""The command line of tempest, as its role puts it together."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.devstack.suite import suite


def test_all_that_a_job_can_say_of_its_tests() -> None:
    found = suite(
        {
            "tox_envlist": "all",
            "tox_extra_args": "-vv --x 'a b'",
            "tempest_test_regex": r"(?!.*slow)^tempest\.api",
            "tempest_test_exclude_list": "/l/new",
            "tempest_test_blacklist": "/l/old",
            "tempest_concurrency": 4,
            "tempest_exclude_regex": "test_x",
            "tempest_test_timeout": 900,
            "tempest_tox_environment": {"A": 1},
        },
        {"TEMPEST_VENV_UPPER_CONSTRAINTS": "/r/u.txt"},
        "master",
        2,
    )
    assert (found.env, found.extra) == ("all", ("-vv", "--x", "a b"))
    regex = r"(?!.*slow)^tempest\.api"
    assert found.words(frozenset()) == (regex, "--concurrency=4", "--exclude-regex=test_x")
    assert found.words({"/l/new", "/l/old"}) == (
        regex,
        "--blacklist-file=/l/old",
        "--exclude-list=/l/new",
        "--concurrency=4",
        "--exclude-regex=test_x",
    )
    assert found.environment == {
        "A": "1",
        "UPPER_CONSTRAINTS_FILE": "/r/u.txt",
        "TOX_CONSTRAINTS_FILE": "/r/u.txt",
        "OS_TEST_TIMEOUT": "900",
    }


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (3, 3), (4, 2), (8, 6)])
def test_without_a_word_two_of_many_processors_are_left_to_the_services(cores: int, workers: int) -> None:
    found = suite({}, {"TEMPEST_VENV_UPPER_CONSTRAINTS": "master"}, "master", cores)
    assert (found.env, found.words(()), found.environment) == ("smoke", (f"--concurrency={workers}",), {})


def test_old_names_and_old_branches() -> None:
    old = suite({"tempest_black_regex": "b", "tempest_concurrency": 1}, {}, "master", 2)
    assert old.excluded == ("--black-regex=b",)
    both = suite({"tempest_black_regex": "b", "tempest_exclude_regex": "e"}, {}, "master", 2)
    assert both.excluded == ()
    branch = suite({"tempest_exclude_regex": "e", "tempest_test_exclude_list": "/l"}, {}, "stable/train", 2)
    assert (branch.excluded, branch.lists) == (("--black-regex=e",), (("--blacklist-file", "/l"),))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tempest_concurrency", "many"),
        ("tempest_concurrency", 0),
        ("tempest_test_regex", ["a"]),
        ("tox_extra_args", "'"),
        ("tempest_tox_environment", "A=1"),
    ],
)
def test_what_is_no_value(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=name):
        suite({name: value}, {}, "master", 2)
