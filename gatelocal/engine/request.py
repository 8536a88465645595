"""What somebody wants to know of a change: the values that a run starts from; it finds and starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatelocal.model.hold import Hold
from gatelocal.model.part import Part
from gatelocal.model.record import dataclass, field


@dataclass(frozen=True, slots=True)
class GateRequest:
    """One question to the gate.

    :ivar change: a commit of the work tree (``HEAD``), or a change on the server: a number, ``number,patchset``, a
        URL or a Change-Id.
    :ivar jobs: run only these; all of the pipeline when empty.
    :ivar pipeline: whose jobs; None: ``gate``, or ``check`` when the project has no gate.
    :ivar node: ``auto``, ``qemu``, ``nspawn`` or ``local``.
    :ivar directory: anywhere in the work tree; it need not be one when `change` is a URL or `gerrit` is given.
    :ivar branch: the target branch of local commits; None: what the project's ``.gitreview`` says.
    :ivar gerrit: base URL of the server's web interface; None: what the remote or the git configuration says.
    :ivar config: the file that says where configuration and repositories come from; None: what is found by itself.
    :ivar tenant: which tenant of that file is meant.
    :ivar hold: which node is kept.
    :ivar keys: lines of public keys that are let in to the node that is kept.
    :ivar ahead: changes, named as `change` is, that are merged before it, the first to land first.
    :ivar base: a commit of the target branch that counts as its tip; empty: its tip does.
    :ivar only: of a job, the ids of the only tests that are run, where its suite allows that; without any: all.
    :ivar part: what is asked is what is left of a former run: a pass of less than all of it is none of the change.
    :ivar fail_fast: the first voting job that fails ends the others; otherwise the project's configuration says so.
    :ivar parts: of a job, the builds that it is taken apart into; without any, it is one.
    :ivar cold: no build begins with what an earlier one has left, such as a stack that stands.
    :ivar width: how many builds there may be at the same time; None: what this machine carries.
    """

    change: str = "HEAD"
    jobs: tuple[str, ...] = ()
    pipeline: str | None = None
    node: str = "auto"
    directory: Path = field(default_factory=Path)
    branch: str | None = None
    gerrit: str | None = None
    hold: Hold = Hold.NEVER
    config: Path | None = None
    tenant: str | None = None
    ahead: tuple[str, ...] = ()
    width: int | None = None
    keys: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    part: bool = False
    fail_fast: bool = False
    cold: bool = False
    base: str = ""
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
