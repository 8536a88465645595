"""Stacks that a person asks for by a word, for a project of which no job has them: stanzas of jobs, as data.

Each is a job of the family, a child of `devstack-base`, so that all that is true of those is true of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gatelocal.jobs.devstack.shared import TEMPEST_JOB
from gatelocal.model.stanza import Stanza

PIPELINE = "gatelocal-profile"
"""The pipeline that such a job is in."""

_IDENTITY = ("key", "mysql", "openstack-cli-server")
_OBJECT = ("s-proxy", "s-account", "s-container", "s-object")
_COMPUTE = ("rabbit", "g-api", "placement-api", "n-api", "n-cond", "n-sch", "n-cpu")
_PLAIN: Mapping[str, object] = MappingProxyType({})
_SWIFT = {"SWIFT_REPLICAS": 1, "SWIFT_START_ALL_SERVICES": False, "SWIFT_HASH": "1234123412341234"}
_FAKE = {"VIRT_DRIVER": "fake", "NUMBER_FAKE_NOVA_COMPUTE": 2}

PROFILES: Mapping[str, str] = {
    "identity": "keystone, with tempest's identity tests",
    "object": "keystone and swift, with tempest's tests of object storage",
    "compute-fake": "keystone, glance, placement and nova on a driver that starts no server, with tests of nova's API",
    "integrated": "what devstack-tempest has, with tempest's smoke tests",
}
"""Name → what it is, for people."""


def stanzas(project: str, jobs: Sequence[str] = ()) -> tuple[Stanza, ...]:
    """The jobs of profiles, and the project that runs them in :data:`PIPELINE`.

    :param project: as the change's project is named. :param jobs: the names of those that are meant; none: all.
    """
    names = {job_name(one): one for one in PROFILES if not jobs or job_name(one) in jobs}
    found = [Stanza("job", name, {"name": name, **_body(one)}, f"profile {one}", 1) for name, one in names.items()]
    body = {"name": project, PIPELINE: {"jobs": list(names)}}
    return (*found, Stanza("project", project, body, "profiles", 1))


def job_name(profile: str) -> str:
    """What the job of a profile is called."""
    return f"devstack-{profile}"


def _body(profile: str) -> dict[str, object]:
    match profile:
        case "identity":
            return _job(_IDENTITY, ("keystone",), r"tempest\.api\.identity")
        case "object":
            return _job((*_IDENTITY, *_OBJECT), ("keystone", "swift"), r"tempest\.api\.object_storage", _SWIFT)
        case "compute-fake":
            services, repositories = (*_IDENTITY, *_COMPUTE), ("keystone", "glance", "placement", "nova")
            return _job(services, repositories, r"tempest\.api\.compute\.(flavors|keypairs|admin\.test_flavors)", _FAKE)
        case _:
            return {"parent": "devstack-tempest", "vars": {"tox_envlist": "smoke"}}


def _job(
    services: Sequence[str], repositories: Sequence[str], regex: str, localrc: Mapping[str, object] = _PLAIN
) -> dict[str, object]:
    return {
        "parent": TEMPEST_JOB,
        "required-projects": [f"openstack/{name}" for name in repositories],
        "vars": {
            "devstack_services": dict.fromkeys(services, True),
            "devstack_localrc": dict(localrc),
            "tempest_test_regex": regex,
        },
    }
