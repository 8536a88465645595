"""The shared jobs whose definitions lie in zuul-jobs and openstack-zuul-jobs, as far as they are known by name.

It is no copy of those repositories: it says which names belong to the tox family and what they imply, so that a
project's own jobs can be made out where only that project's repository is at hand. Values: openstack-zuul-jobs of
June 2026. Those of the devstack family are in :mod:`gatelocal.jobs.devstack.shared`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gatelocal.jobs.devstack import shared
from gatelocal.model.job import Job
from gatelocal.model.plan import FrozenJob, Playbook
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import TenantProject

TOX = "tox"
STEPS = "steps"
DEVSTACK, TEMPEST = "devstack", "devstack-tempest"
"""Jobs that end when devstack stands, and those that run tempest then."""
NOOP = "noop"
"""Zuul's own job that needs no node and always succeeds."""

BUILT_IN = TenantProject("zuul/zuul-jobs", trusted=True)
"""The project that the built-in definitions claim to come from."""

STEPS_JOB, TOX_JOB = "gatelocal-steps", "gatelocal-tox"
"""The parents of what ``gatelocal.yaml`` defines: their names are nobody else's, whatever a project calls its jobs."""
STEPS_VARIABLE = "gatelocal_steps"
"""The variable of a job that has its commands."""
ONLY_VARIABLE = "gatelocal_only"
"""The variable of a job of which only some tests are to run, with their ids: set by a run, never by a project."""
COLD_VARIABLE = "gatelocal_cold"
"""The variable of a job that is stacked from the beginning, whatever is there: set by a run, never by a project."""

TIMES_VARIABLE = "gatelocal_times"
"""The variable of a job that is run so many times on its node: set by a run, never by a project."""
CLONE_VARIABLE = "gatelocal_clone"
"""The variable of a job whose node may be a clone of one that stands ready: set by a run, never by a project."""
SERIAL_VARIABLE = "gatelocal_serial"
"""The variable of a job whose tests are to run in one process of stestr: set by a run, never by a project."""
SET_BY_A_RUN = (ONLY_VARIABLE, COLD_VARIABLE, TIMES_VARIABLE, CLONE_VARIABLE, SERIAL_VARIABLE)
"""What a run adds to the variables that a job has by its definition."""

_TOX_PLAYBOOK = "playbooks/tox/run.yaml"
_STEPS_PLAYBOOK = "playbooks/gatelocal/steps.yaml"
_STEPS_TIME = 3600
_FAMILIES = {
    ("zuul-jobs", _TOX_PLAYBOOK): TOX,
    ("zuul-jobs", _STEPS_PLAYBOOK): STEPS,
    ("zuul-jobs", shared.STACK_PLAYBOOK): DEVSTACK,
    ("zuul-jobs", shared.TEMPEST_PLAYBOOK): TEMPEST,
    ("devstack", shared.STACK_PLAYBOOK): DEVSTACK,
    ("tempest", shared.TEMPEST_PLAYBOOK): TEMPEST,
}
"""The last part of a repository's name and a main playbook in it, or in what is built in, → the family."""
_REQUIREMENTS = "openstack/requirements"
_CONSTRAINTS = "{{ ansible_user_dir }}/src/opendev.org/openstack/requirements/upper-constraints.txt"
_NOT_FOR_UNIT_TESTS = (
    r"^.*\.rst$",
    r"^api-ref/.*$",
    r"^doc/.*$",
    r"^releasenotes/.*$",
    r"^deliverables/.*$",
    r"^\.pre-commit-config\.yaml$",
)
_ZUUL_TOX = re.compile(r"tox-(py\d+|pep8|linters|docs|cover|bashate|molecule|functional)$")
_OPENSTACK_TOX = re.compile(
    r"openstack-tox-(py\d+|pypy|pep8|linters|docs|cover|bashate|build|validate|pylint|lower-constraints"
    r"|functional(?:-py\d+)?)$"
)
_BASES: Mapping[str, Mapping[str, object]] = {
    "tox": {"parent": None, "run": _TOX_PLAYBOOK},
    TOX_JOB: {"parent": None, "run": _TOX_PLAYBOOK},
    STEPS_JOB: {"parent": None, "run": _STEPS_PLAYBOOK, "timeout": _STEPS_TIME},
    "tox-fips": {"parent": "tox"},
    "openstack-tox": {
        "parent": "tox-fips",
        "abstract": True,
        "vars": {"tox_constraints_file": _CONSTRAINTS},
        "required-projects": [_REQUIREMENTS],
    },
}
_NO_MATCHER = ("pep8", "linters", "docs", "bashate", "build", "validate")


def built_in(name: str) -> Stanza | None:
    """The definition of the shared job of that name; None when it is not known."""
    body = _body(name)
    return None if body is None else Stanza("job", name, {"name": name, **body}, name, 1)


def family_of(job: FrozenJob) -> str:
    """Who knows how to run the job: ``tox``, when its main playbook is the one of zuul-jobs; ``steps``, when it is a
    list of commands; ``devstack`` and ``devstack-tempest``, when it is theirs; else nobody (empty).

    ``noop`` is a family of its own, which anybody can run.
    """
    if job.name == NOOP:
        return NOOP
    found = {_family(book) for book in job.run}
    return found.pop() if len(found) == 1 else ""


def wants_devstack(job: Job | FrozenJob) -> bool:
    """Whether the job is a child of those of devstack, whoever runs it."""
    return shared.ROOT in (job.name, *job.parents)


def _family(book: Playbook) -> str:
    parts = book.project.split("/")
    return _FAMILIES.get((parts[-1], book.path), "") if len(parts) > 1 else ""


def deviations(job: FrozenJob) -> tuple[str, ...]:
    """What the built-in definitions leave out of the job, each one sentence."""
    if "openstack-tox-docs" in (job.name, *job.parents):
        return ("the PDF that the gate's own job builds as well is not built",)
    return ()


def _body(name: str) -> Mapping[str, object] | None:
    if name in _BASES:
        return _BASES[name]
    if name in shared.JOBS:
        return shared.JOBS[name]
    if found := _ZUUL_TOX.match(name):
        return {"parent": "tox", "vars": {"tox_envlist": found[1]}}
    if found := _OPENSTACK_TOX.match(name):
        return _openstack(found[1])
    return None


def _openstack(env: str) -> Mapping[str, object]:
    variables: dict[str, object] = {"tox_envlist": env}
    version = re.search(r"py\d+$", env)
    if env == "docs":
        variables["bindep_profile"] = "compile test doc"
    elif version or env in ("pypy", "linters", "pep8"):
        variables["bindep_profile"] = f"test {version[0] if version else env}"
    body: dict[str, object] = {"parent": "openstack-tox", "vars": variables}
    if env not in _NO_MATCHER:
        body["irrelevant-files"] = list(_NOT_FOR_UNIT_TESTS)
    if (env.startswith("py") and env[2:].isdigit()) or env == "lower-constraints":
        body["timeout"] = 2400
    elif env == "cover":
        body["timeout"] = 3000
    return body
