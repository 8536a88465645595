"""Whether a stack that stands can take another change in, and what is then to be done; it looks at names alone.

What devstack itself does with a tree beside installing it (configuration files, databases, packages of the
distribution, plugins) is done by stack.sh alone: a change that touches any of it is stacked from the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gatelocal.jobs.devstack import needs

FIXED = ("devstack", "requirements", "os-test-images")
"""Repositories whose every change is one to the stack as a whole."""

_ONCE = (
    (re.compile(r"(?:^|[/_])migrat\w*/"), "a database migration"),
    (re.compile(r"^devstack/"), "its devstack plugin"),
    (re.compile(r"^etc/"), "configuration that is installed once"),
    (re.compile(r"^(?:bindep|other-requirements)\.txt$"), "packages of the distribution"),
    (re.compile(r"^(?:httpd|tools)/|wsgi"), "how its service is started"),
)
_PACKAGE = re.compile(r"^(?:setup\.cfg|setup\.py|pyproject\.toml|requirements\.txt)$")
# Services that keep the name of their host, which a clone does not share.
_AT_HOME = ("nova", "neutron", "cinder")
_HOST_SERVICES = ("etcd3", "ovn", "ovs", "rabbit")
_UNITS = {"keystone": ("keystone*",), "glance": ("g-*",), "placement": ("placement*",), "swift": ("s-*",)}


@dataclass(frozen=True, slots=True)
class Renewal:
    """What makes a stack that stands one of other trees.

    :ivar cold: why it cannot be done; empty when it can. :ivar trees: names of the trees that are replaced.
    :ivar reinstall: those of them whose package is installed anew. :ivar units: patterns of units that are restarted.
    """

    cold: str = ""
    trees: tuple[str, ...] = ()
    reinstall: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


def renewal(changed: Mapping[str, Sequence[str]]) -> Renewal:
    """What is to be done. :param changed: name of a tree → the files that differ in it; those that do not are left out.

    Every library may be in every service.
    """
    for name, paths in sorted(changed.items()):
        if name in FIXED:
            return Renewal(f"{name} is another one")
        for path in paths:
            why = next((words for pattern, words in _ONCE if pattern.search(path)), "")
            if why and name != "tempest":
                return Renewal(f"the change of {name} touches {why} ({path})")
    units: dict[str, None] = {}
    for name in changed:
        if name != "tempest" and not name.endswith("-tempest-plugin"):
            units.update(dict.fromkeys(_UNITS.get(name, ("*",))))
    return Renewal(
        trees=tuple(sorted(changed)),
        reinstall=tuple(sorted(name for name, paths in changed.items() if any(map(_PACKAGE.match, paths)))),
        units=("*",) if "*" in units else tuple(units),
    )


def may_be_cloned(services: Collection[str]) -> str:
    """Why a stack with these services is no use on a node of another name; empty when it is."""
    for service in sorted(services):
        if needs.repository(service) in _AT_HOME or service.startswith(_HOST_SERVICES):
            return f"the service {service} knows its host by name"
    return ""
