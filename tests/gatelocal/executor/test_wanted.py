"""A tox job's variables, and the steps that they come to."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.executor.outcome import Sign, judged, signs
from gatelocal.executor.stages import INSIST, Stage, steps
from gatelocal.executor.wanted import Places, Wanted, located, wanted
from gatelocal.model.job import Job
from gatelocal.model.result import Outcome
from gatelocal.model.stanza import Tagged

PLACES = Places(
    "/h", "acme/app", {"acme/app": "/h/t/app", "acme/lib": "/h/t/lib", "openstack/requirements": "/h/t/req"}
)


def build_of(**variables: object) -> Wanted:
    job = Job("a/b c", variables={"tox_envlist": "py3", **variables}, required_projects=("acme/lib", "acme/app", "x/y"))
    return wanted(job, PLACES)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/h/src/opendev.org/acme/lib/a/b", "/h/t/lib/a/b"),
        ("src/opendev.org/acme/lib", "/h/t/lib"),
        ("src/acme/lib/", "/h/t/lib"),
        ("~/src/example.org/acme/library/x", "/h/src/example.org/acme/library/x"),
        ("/etc/x", "/etc/x"),
        ("work", "/h/work"),
    ],
)
def test_paths_as_zuul_writes_them_lead_to_the_trees(path: str, expected: str) -> None:
    assert located(path, PLACES) == expected


def test_everything_that_a_job_can_say() -> None:
    build = build_of(
        tox_envlist="py3,lint",
        tox_extra_args="-vv -- 'a b'",
        tox_environment={"A": True, "B": Tagged("!unsafe", "{{ x }}")},
        tox_constraints_file="{{ ansible_user_dir }}/{{ zuul.projects['h/openstack/requirements'].src_dir }}/u",
        bindep_profile="test py3",
        zuul_work_dir="{{ zuul.project.src_dir }}/sub",
    )
    assert (build.envs, build.extra, build.profile) == (("py3", "lint"), ("-vv", "--", "a b"), ("test", "py3"))
    assert (build.directory, build.output) == ("/h/t/app/sub", "/h/zuul-output/a_b_c")
    assert dict(build.environment) == {
        "A": "True",
        "B": "{{ x }}",
        "TOX_CONSTRAINTS_FILE": "/h/t/req/u",
        "UPPER_CONSTRAINTS_FILE": "/h/t/req/u",
    }
    assert (build.siblings, build.missing) == (("/h/t/lib",), ("x/y",))
    assert build_of(tox_install_siblings=False).siblings == ()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"tox_envlist": None}, "sets no tox_envlist"),
        ({"tox_envlist": "{{ env }}"}, "variable tox_envlist needs Jinja"),
        ({"tox_environment": {"A": "{{ b }}"}}, r"variable tox_environment\.A needs Jinja"),
        ({"tox_environment": ["A"]}, "tox_environment is not a mapping"),
        ({"tox_extra_args": "'"}, "tox_extra_args: No closing quotation"),
        ({"tox_extra_args": {"a": 1}}, "tox_extra_args is no text"),
        ({"tox_envlist": Tagged("!encrypted/x")}, "tox_envlist is encrypted"),
        ({"tox_constraints_file": "src/h/x/y/u.txt"}, "points into x/y, whose tree is not there"),
    ],
)
def test_what_cannot_be_read_is_named(variables: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build_of(**variables)


def test_the_steps_are_those_of_the_tox_role() -> None:
    chain = steps(build_of(tox_extra_args="-- x"), "helper", ("python3", "-m", "tox"), install=False)
    assert [step.stage for step in chain] == [Stage.PACKAGES, Stage.ENVIRONMENT, Stage.SIBLINGS, Stage.TESTS]
    assert chain[1].argv == ("python3", "-m", "tox", "-e", "py3", *INSIST, "--notest", "--", "x")
    assert chain[3].argv == ("python3", "-m", "tox", "-e", "py3", *INSIST, "--", "x")
    assert "--install" not in chain[0].argv
    assert "--install" in steps(build_of(), "helper", ("tox",), install=True)[0].argv


RETRY = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by 'NewConnectionError(...)'"
STARTED = "py3: commands[0]> stestr run"
NOT_FOUND = "ROOT: HandledError| provided environments not found in configuration file:"
MISSING = "ERROR: No matching distribution found for nothing"


@pytest.mark.parametrize(
    ("stage", "lines", "free", "outcome", "reason"),
    [
        (Stage.ENVIRONMENT, [NOT_FOUND, "py3"], None, Outcome.CONFIG_ERROR, "no tox environment py3 in /h/t/app"),
        (Stage.ENVIRONMENT, ["ERROR: unknown environment 'py3'"], None, Outcome.CONFIG_ERROR, "no tox environment"),
        (Stage.ENVIRONMENT, [RETRY.format(0), MISSING], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (Stage.ENVIRONMENT, [RETRY.format(4), MISSING], None, Outcome.FAILURE, MISSING),
        (Stage.ENVIRONMENT, ["OSError: [Errno 28] No space left on device"], None, Outcome.DISK_FULL, "disk is full"),
        (
            Stage.ENVIRONMENT,
            ["py3: failed with could not find python interpreter matching any of the specs python3.6"],
            None,
            Outcome.NODE_FAILURE,
            "python3.6",
        ),
        (Stage.SIBLINGS, [RETRY.format(0)], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (Stage.SIBLINGS, [], None, Outcome.FAILURE, "required projects could not be installed"),
        (Stage.PACKAGES, ["E: Unable to lock"], None, Outcome.NODE_FAILURE, "E: Unable to lock"),
        (Stage.TESTS, [RETRY.format(0)], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (Stage.TESTS, [STARTED, RETRY.format(0), NOT_FOUND], None, Outcome.FAILURE, "tox -e py3 ended with status 1"),
        (Stage.TESTS, [STARTED, "No space left on device"], 10**12, Outcome.FAILURE, "ended with status 1"),
        (Stage.TESTS, [STARTED, "No space left on device"], 1000, Outcome.DISK_FULL, "disk is full"),
    ],
)
def test_whose_fault_a_failure_is(
    stage: Stage, lines: list[str], free: int | None, outcome: Outcome, reason: str
) -> None:
    seen: dict[Sign, str] = {sign: line for line in lines for sign in signs(line)}
    found = judged(build_of(), stage, 1, seen, free)
    assert found[0] is outcome
    assert reason in found[1]
