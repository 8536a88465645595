"""The shared jobs whose definitions lie in zuul-jobs and openstack-zuul-jobs, as far as they are known by name.

It is no copy of those repositories: it says which names belong to the tox family and what they imply, so that a
project's own jobs can be resolved inside one repository. Values: openstack-zuul-jobs of June 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

TOX = "tox"

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
_NO_MATCHER = ("pep8", "linters", "docs", "bashate", "build", "validate")


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared job as a parent: what its whole chain of definitions comes to.

    :ivar parents: its own ancestors, nearest first.
    """

    family: str
    parents: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    required_projects: tuple[str, ...] = ()
    irrelevant_files: tuple[str, ...] = ()
    timeout: int | None = None
    abstract: bool = False
    deviations: tuple[str, ...] = ()


def shared(name: str) -> Shared | None:
    """What is known of the shared job of that name; None when nothing is."""
    if name in ("tox", "tox-fips"):
        return Shared(TOX, parents=("tox",) if name == "tox-fips" else ())
    if name == "openstack-tox":
        return Shared(
            TOX,
            parents=("tox-fips", "tox"),
            variables={"tox_constraints_file": _CONSTRAINTS},
            required_projects=(_REQUIREMENTS,),
            abstract=True,
        )
    if found := _ZUUL_TOX.match(name):
        return Shared(TOX, parents=("tox",), variables={"tox_envlist": found[1]})
    if found := _OPENSTACK_TOX.match(name):
        return _openstack(found[1])
    return None


def _openstack(env: str) -> Shared:
    variables: dict[str, object] = {"tox_envlist": env, "tox_constraints_file": _CONSTRAINTS}
    version = re.search(r"py\d+$", env)
    if env == "docs":
        variables["bindep_profile"] = "compile test doc"
    elif version or env in ("pypy", "linters", "pep8"):
        variables["bindep_profile"] = f"test {version[0] if version else env}"
    unit = env.startswith("py") and env[2:].isdigit()
    return Shared(
        TOX,
        parents=("openstack-tox", "tox-fips", "tox"),
        variables=variables,
        required_projects=(_REQUIREMENTS,),
        irrelevant_files=() if env in _NO_MATCHER else _NOT_FOR_UNIT_TESTS,
        timeout=2400 if unit or env == "lower-constraints" else 3000 if env == "cover" else None,
        deviations=("the PDF that the gate's own job builds as well is not built",) if env == "docs" else (),
    )
