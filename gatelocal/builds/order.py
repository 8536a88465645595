"""What a build is to do, as a file in its folder that needs nobody's memory; it is done elsewhere."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatelocal.errors import InfrastructureError
from gatelocal.model.hold import Keep
from gatelocal.model.job import Job
from gatelocal.model.playbooks import Item
from gatelocal.store.codec import FormatError, Layouts, decode, encode
from gatelocal.workspace.checkouts import Checkout
from gatelocal.workspace.manifest import Tree

NAME = "build.json"
FORMAT = 3
"""The version of what is written; it goes up when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class Order:
    """One build, from its node to its result.

    :ivar id: the gate's name for its node's request, by which it is found again.
    :ivar change: the gate's name for the change. :ivar project: that change's, whose tree the job starts in.
    :ivar title: what the build is called.
    :ivar stored: project → the bare repository on this machine that has its commits.
    :ivar kind: ``auto``, ``qemu``, ``nspawn``, ``static``, ``openstack`` or ``local``: which nodes.
    :ivar cache: folder of images. :ivar nodes: folder of running nodes. :ivar work: folder of trees on their way.
    :ivar gate: a file that is locked for as long as whoever gave the order lives.
    :ivar claim: the file by which the builds of the run agree on a node: :mod:`gatelocal.builds.claim`.
    :ivar keep: whether there is to be one.
    :ivar checkouts: what playbooks and roles are taken from. :ivar item: what playbooks are told of the change.
    :ivar attempt: which one of the job it is, from 1.
    """

    id: int
    change: str
    project: str
    title: str
    job: Job
    trees: tuple[Tree, ...]
    stored: Mapping[str, str]
    kind: str
    cache: str
    nodes: str
    work: str
    gate: str
    claim: str = ""
    keep: Keep = field(default_factory=Keep)
    checkouts: tuple[Checkout, ...] = ()
    item: Item | None = None
    attempt: int = 1


def write(folder: Path, order: Order) -> None:
    """Put the order into a build's folder. :raises OSError: no disk."""
    put(folder / NAME, order)


def read(folder: Path) -> Order:
    """The order in a build's folder. :raises InfrastructureError: there is none, or of another version."""
    found: Order = take(folder / NAME, Order)
    return found


def put(path: Path, value: object) -> None:
    """Write a record as JSON in one step, readable by its owner alone. :raises OSError: no disk."""
    data = {"format": FORMAT, "value": encode(value, Layouts())}
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(3)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as opened:
            json.dump(data, opened)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def take(path: Path, kind: Any) -> Any:
    """Read such a record. :raises InfrastructureError: there is none, it is damaged, or of another version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise FormatError("it was written by another version of this program")
        return decode(kind, data.get("value"), Layouts())
    except OSError as error:
        raise InfrastructureError(f"cannot read {path}", details=error.strerror or str(error)) from None
    except FormatError as error:
        raise InfrastructureError(f"{path} cannot be understood", details=error.brief) from None
    except ValueError as error:
        raise InfrastructureError(f"{path} is damaged", details=str(error)) from None
