"""Which repositories and how much memory devstack's services need, by their names; a table, and sums of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

ALWAYS = ("devstack", "requirements")
"""Repositories without which there is no devstack."""

_PREFIXES = (
    (("key", "keystone"), "keystone"),
    (("g-", "glance"), "glance"),
    (("n-", "nova"), "nova"),
    (("placement",), "placement"),
    (("q-", "neutron"), "neutron"),
    (("s-", "swift"), "swift"),
    (("c-", "cinder"), "cinder"),
    (("horizon",), "horizon"),
    (("tempest",), "tempest"),
)
_WHOLE_NAMES = {"key": "keystone"}

_OF_A_KERNEL = ("ovn", "ovs", "q-", "neutron", "s-", "swift", "c-vol", "c-bak", "ceph")
"""Beginnings of the names of services that load modules, make networks or mount disks of their own."""

SYSTEM = 700
"""Mebibytes that the system and devstack itself take, with room for what is built."""
_MEMORY: Mapping[str, int] = {
    "mysql": 600,
    "postgresql": 300,
    "rabbit": 200,
    "keystone": 400,
    "glance": 400,
    "nova": 1200,
    "placement": 200,
    "neutron": 800,
    "swift": 600,
    "cinder": 900,
    "horizon": 300,
    "tempest": 300,
}
"""Mebibytes that what belongs to a repository, or a service of that name, takes with two processors."""
_GUESTS = 1500
"""Mebibytes for the servers that a nova-compute with a real hypervisor starts in tests."""


def repository(service: str) -> str:
    """The short name of the repository that a service comes from; empty for one that comes from none, or is unknown."""
    if service in _WHOLE_NAMES:
        return _WHOLE_NAMES[service]
    for prefixes, name in _PREFIXES:
        if any(service == one or (one != "key" and service.startswith(one)) for one in prefixes):
            return name
    return ""


def repositories(services: Collection[str]) -> dict[str, str]:
    """The short name of each repository that is needed → the service that needs it (empty: devstack itself)."""
    found = dict.fromkeys(ALWAYS, "")
    for service in sorted(services):
        if name := repository(service):
            found.setdefault(name, service)
    return found


def kernel(services: Collection[str], *, fake_guests: bool) -> tuple[str, ...]:
    """The services that need a machine with a kernel of its own, which a container is not."""
    guests = ("n-cpu",) if not fake_guests else ()
    return tuple(one for one in sorted(services) if one.startswith(_OF_A_KERNEL) or one in guests)


def memory(services: Collection[str], *, fake_guests: bool) -> int:
    """Mebibytes that a node with these services should have. :param fake_guests: no server is really started."""
    parts = {repository(one) or one for one in services}
    guests = _GUESTS if "n-cpu" in services and not fake_guests else 0
    return SYSTEM + guests + sum(_MEMORY.get(part, 0) for part in parts)
