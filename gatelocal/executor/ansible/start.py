"""How the process that runs a playbook is started: its variables, and what the guard in it allows; pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gatelocal.executor.ansible.bridge import STAGE

_NO_PLUGINS = (
    "BECOME CACHE CLICONF DOC_FRAGMENT FILTER HTTPAPI INVENTORY LOOKUP NETCONF STRATEGY TERMINAL TEST VARS".split()
)
REFUSALS, TMP, FACTS, NONE, WARM = "refusals.jsonl", "tmp", "facts", "none", "warm"


@dataclass(frozen=True, slots=True)
class Start:
    """One playbook to be run.

    :ivar scratch: a folder that is Ansible's own: its temporary files, facts of hosts, what it was refused.
    :ivar bridge: the folder of :class:`gatelocal.executor.ansible.bridge.Bridge`.
    :ivar work: Zuul's work root. :ivar roles: folders of roles. :ivar read: what may be read besides.
    :ivar collections: a folder of collections that are Ansible's own as far as the guard is concerned.
    """

    scratch: Path
    bridge: Path
    work: Path
    inventory: Path
    extra: Path
    playbook: Path
    roles: Sequence[Path]
    read: Sequence[Path]
    collections: Path


def inside() -> Path:
    """The folder of what runs in Ansible's process."""
    return Path(str(resources.files("gatelocal.executor.ansible"))) / "inside"


def argv(python: Path, folder: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The command line; none of this process's own variables goes along. :param folder: where it is asked."""
    words = (f"{name}={value}" for name, value in environment.items())
    return ("env", "-i", *words, str(python), "-I", str(inside() / "main.py"), str(folder))


def settings(start: Start) -> dict[str, object]:
    """What ``inside/main.py`` reads."""
    none = start.scratch / NONE
    own = (start.inventory, start.extra, start.bridge, none, *start.read, *start.roles)
    return {
        "bridge": str(start.bridge),
        "refusals": str(start.scratch / REFUSALS),
        "code": [str(inside()), str(start.collections)],
        "read": [str(one) for one in own],
        "write": [str(one) for one in (start.work, start.scratch / TMP, start.scratch / FACTS, start.bridge / STAGE)],
        "environment": {"BUILD_STAGE": str(start.bridge / STAGE)},
        "roles": [str(one) for one in start.roles] or [str(none)],
        "words": ["-i", str(start.inventory), "-e", f"@{start.extra}", str(start.playbook)],
    }


def environment(scratch: Path, collections: Path) -> dict[str, str]:
    """Ansible's configuration, all of it: no file of the machine's or of the project's is read for it."""
    own, none = inside(), str(scratch / NONE)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch / TMP),
        "TMPDIR": str(scratch / TMP),
        "BUILD_KEPT": str(collections.parent),
        "ANSIBLE_CONFIG": str(scratch / "ansible.cfg"),
        "ANSIBLE_HOME": str(scratch / TMP),
        "ANSIBLE_LOCAL_TEMP": str(scratch / TMP / "local"),
        "ANSIBLE_LIBRARY": str(own / "library"),
        "ANSIBLE_MODULE_UTILS": none,
        "ANSIBLE_ACTION_PLUGINS": str(own / "action"),
        "ANSIBLE_CONNECTION_PLUGINS": str(own / "connection"),
        "ANSIBLE_CALLBACK_PLUGINS": str(own / "callback"),
        **{f"ANSIBLE_{kind}_PLUGINS": none for kind in _NO_PLUGINS},
        "ANSIBLE_STDOUT_CALLBACK": "gatelocal",
        "ANSIBLE_ROLES_PATH": none,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_GATHERING": "smart",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(scratch / FACTS),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_INTERNAL_POLL_INTERVAL": "0.01",
        # Else Ansible itself asks for attributes in conditions that templates may not have here.
        "_ANSIBLE_DISABLE_BACKPORTED_INSPECTIONS": "true",
    }
