"""A tox job's variables, and the steps that they come to."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError
from gatelocal.executor.extra import placing
from gatelocal.executor.heard import Heard
from gatelocal.executor.outcome import Failed, judged
from gatelocal.executor.stages import INSIST, Helpers, Stage, Step, collect, preparation, steps
from gatelocal.executor.wanted import Places, Wanted, located, wanted
from gatelocal.executor.watching import watch
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
    assert (build.envs, build.extra, build.bindep.profile) == (("py3", "lint"), ("-vv", "--", "a b"), ("test", "py3"))
    assert (build.directory, build.output) == ("/h/t/app/sub", "/h/zuul-output/a_b_c~0af99a6091695385")
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


MARKS = Helpers("on node", "prepare", lambda: "mark")


def stages(chain: tuple[Step, ...]) -> list[Stage]:
    return [step.stage for step in chain]


def test_the_steps_are_those_of_the_tox_role() -> None:
    build = build_of(tox_extra_args="-- x")
    chain = steps(build, MARKS, ("python3", "-m", "tox"))
    assert stages(chain) == [Stage.ENVIRONMENT, Stage.SIBLINGS, Stage.TESTS]
    assert chain[0].argv == ("python3", "-m", "tox", "-e", "py3", *INSIST, "--notest", "--", "x")
    assert chain[2].argv == ("python3", "-m", "tox", "-e", "py3", *INSIST, "--", "x")
    assert [step.mark for step in chain] == ["", "mark", ""]


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ("-r -- -r x", "-- -r x"),
        ("--recreate -vv", "-vv"),
        ("-vr -x testenv.a=b", "-v -x testenv.a=b"),
        ("-e r -- --recreate", "-e r -- --recreate"),
        ("--recreate", ""),
    ],
)
def test_environments_are_made_anew_before_the_tests_and_not_with_them(extra: str, kept: str) -> None:
    chain = steps(build_of(tox_extra_args=extra, tox_environment={"TOX_RECREATE": 1, "A": "b"}), MARKS, ("tox",))
    assert chain[0].argv == ("tox", "-e", "py3", *INSIST, "--notest", *extra.split())
    assert chain[-1].argv == ("tox", "-e", "py3", *INSIST, *kept.split())
    assert (chain[0].environment["TOX_RECREATE"], chain[-1].environment.get("TOX_RECREATE")) == ("1", None)
    assert chain[-1].environment["A"] == "b"


def test_whoever_looks_for_the_environments_knows_what_the_job_says_of_them() -> None:
    build = build_of(
        tox_extra_args="-r --workdir w -x tox.a=b -cx.ini --root=.. -vv -epy4,lint -- -c y -e z",
        tox_environment={"TOX_WORK_DIR": "/w", "A": "b"},
        tox_config_file="ci/tox.ini",
    )
    words = "--workdir w -x tox.a=b -cx.ini --root=..".split()
    assert placing(build.extra) == tuple(words)
    told = [*(f"--where={word}" for word in words), "--config=ci/tox.ini", "--env=py3", "--env=py4", "--env=lint"]
    for step in (steps(build, MARKS, ("tox",))[1], collect(build, MARKS, ("tox",)), watch(build, ("tox",))):
        assert set(told) < set(step.argv)
        assert step.environment == {"TOX_WORK_DIR": "/w"}


def test_what_the_gate_does_before_tox() -> None:
    chain = preparation(build_of(), MARKS, setup=True, install=True)
    assert stages(chain) == [Stage.PACKAGES, Stage.SETUP, Stage.SUDO]
    assert (chain[1].argv, chain[1].directory) == (("tools/test-setup.sh",), "/h/t/app")
    assert all("--install" in step.argv for step in (chain[0], chain[2]))
    chain = preparation(build_of(), MARKS, setup=True, install=False)
    assert stages(chain) == [Stage.PACKAGES]
    assert "--install" not in chain[0].argv
    skipping = build_of(tox_install_bindep="no", test_setup_skip="yes")
    assert stages(preparation(skipping, MARKS, setup=True, install=True)) == [Stage.SUDO]


def test_everything_that_a_job_can_say_of_tools() -> None:
    build = build_of(
        python_version=3.12,
        ensure_tox_version=" < 4 ",
        tox_executable="/opt/tox",
        tox_config_file="ci/tox.ini",
        tox_package_name="Own_Name",
        bindep_profile="test py3",
        bindep_file=["~/src/h/acme/lib/bindep.txt", "ci/bindep.txt"],
        bindep_fallback="src/h/acme/lib/fallback.txt",
        bindep_command="/opt/bindep",
        test_setup_args="-a 'b c'",
        test_setup_environment={"A": 1},
    )
    words = [step.argv[3:] for step in preparation(build, MARKS, setup=True, install=False)]
    assert words[0][:-4] == (
        *("packages", "--profile=test", "--profile=py3", "--file=/h/t/lib/bindep.txt", "--file=ci/bindep.txt"),
        *("--fallback=/h/t/lib/fallback.txt", "--bindep=/opt/bindep"),
    )
    assert words[1][:2] == ("python", "--version=3.12")
    assert words[2][:3] == ("tox", "--version=<4", "--executable=/opt/tox")
    setup = preparation(build, MARKS, setup=True, install=True)[1]
    assert (setup.argv, setup.environment) == (("tools/test-setup.sh", "-a", "b c"), {"A": "1"})
    chain = steps(build, MARKS, ("/opt/tox",))
    assert chain[0].argv == ("/opt/tox", "-c", "ci/tox.ini", "-e", "py3", *INSIST, "--notest")
    assert {"--config=ci/tox.ini", "--package=Own_Name"} < set(chain[1].argv)
    assert build_of(tox_executable="tox").tox == ""
    with pytest.raises(ConfigurationError, match="python_version is no version"):
        build_of(python_version="3")


RETRY = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by 'NewConnectionError(...)'"
STARTED = "py3: commands[0]> stestr run"
NOT_FOUND = "ROOT: HandledError| provided environments not found in configuration file:"
MISSING = "ERROR: No matching distribution found for nothing"
GCC = "error: command 'gcc' failed: No such file or directory"


@pytest.mark.parametrize(
    ("stage", "lines", "free", "outcome", "reason"),
    [
        (Stage.ENVIRONMENT, [NOT_FOUND, "py3"], None, Outcome.CONFIG_ERROR, "no tox environment py3 in /h/t/app"),
        (Stage.ENVIRONMENT, ["ERROR: unknown environment 'py3'"], None, Outcome.CONFIG_ERROR, "no tox environment"),
        (Stage.ENVIRONMENT, [RETRY.format(0), MISSING], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (
            Stage.ENVIRONMENT,
            [RETRY.format(4), MISSING],
            None,
            Outcome.CONFIG_ERROR,
            f"py3 could not be built: {MISSING}",
        ),
        (Stage.ENVIRONMENT, [GCC, "ERROR: Failed to build x"], None, Outcome.NODE_FAILURE, f"no compiler: {GCC}"),
        (
            Stage.ENVIRONMENT,
            ["SyntaxError: invalid"],
            None,
            Outcome.CONFIG_ERROR,
            "could not be built: SyntaxError: inv",
        ),
        (Stage.ENVIRONMENT, ["what is this"], None, Outcome.CONFIG_ERROR, "could not be built: what is this"),
        (
            Stage.ENVIRONMENT,
            ["ERROR: Package 'x' requires a different Python: 3.11.7 not in '>=3.12'"],
            None,
            Outcome.CONFIG_ERROR,
            "not in '>=3.12' (the node is bookworm; it stands in for noble)",
        ),
        (Stage.ENVIRONMENT, ["OSError: [Errno 28] No space left on device"], None, Outcome.DISK_FULL, "disk is full"),
        (
            Stage.ENVIRONMENT,
            ["py3: failed with could not find python interpreter matching any of the specs python3.6"],
            None,
            Outcome.NODE_FAILURE,
            "python3.6 (the node is bookworm; it stands in for noble)",
        ),
        (Stage.SIBLINGS, [RETRY.format(0)], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (Stage.SIBLINGS, [], None, Outcome.CONFIG_ERROR, "could not be built with the trees of required projects"),
        (Stage.PACKAGES, ["E: Unable to lock"], None, Outcome.NODE_FAILURE, "E: Unable to lock"),
        (
            Stage.SETUP,
            ["mysqladmin: gone"],
            None,
            Outcome.CONFIG_ERROR,
            "tools/test-setup.sh ended with status 1: mysql",
        ),
        (Stage.TOX, [MISSING], None, Outcome.CONFIG_ERROR, "could not be built"),
        (Stage.TOX, [], None, Outcome.NODE_FAILURE, "the tox that the job wants"),
        (Stage.SUDO, [], None, Outcome.NODE_FAILURE, "the right to become root"),
        (Stage.TESTS, [RETRY.format(0)], None, Outcome.NODE_FAILURE, "could not be downloaded"),
        (Stage.TESTS, ["py3: commands_pre[0]> sh x"], None, Outcome.FAILURE, "ended with status 1"),
        (Stage.TESTS, ["py3: commands_pre[0]> sh x", GCC], None, Outcome.NODE_FAILURE, "no compiler"),
        (Stage.TESTS, ["1 failed"], None, Outcome.FAILURE, "ended with status 1"),
        (Stage.TESTS, [MISSING], None, Outcome.CONFIG_ERROR, "py3 could not be built"),
        (Stage.TESTS, [STARTED, RETRY.format(0), NOT_FOUND, GCC], None, Outcome.FAILURE, "tox -e py3 ended with"),
        (Stage.TESTS, [STARTED, "No space left on device"], 10**12, Outcome.FAILURE, "ended with status 1"),
        (Stage.TESTS, [STARTED, "No space left on device"], 1000, Outcome.DISK_FULL, "disk is full"),
        (Stage.TESTS, [STARTED, "No space left on device"], None, Outcome.DISK_FULL, "disk is full"),
    ],
)
def test_whose_fault_a_failure_is(
    stage: Stage, lines: list[str], free: int | None, outcome: Outcome, reason: str
) -> None:
    heard = Heard()
    for line in lines:
        heard.line(line)
    node = "bookworm; it stands in for noble"
    found = judged(Failed(build_of(), stage, 1, heard.seen, heard.last_words, free, node))
    assert found[0] is outcome
    assert reason in found[1]
