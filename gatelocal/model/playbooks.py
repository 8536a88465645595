"""What of a job is for Ansible: its playbooks in the order of their run, roles, hosts and variables; all frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatelocal.model.change import Change
from gatelocal.model.plan import NOTHING, Playbook, Role
from gatelocal.model.record import dataclass, field


@dataclass(frozen=True, slots=True)
class Playbooks:
    """Of one job.

    :ivar pre: from the root to the leaf. :ivar run: the leaf's, or the nearest ancestor's. :ivar post: from the leaf to
        the root, as `cleanup` is.
    :ivar roles: repositories of roles, the first that has a role wins.
    :ivar post_timeout: seconds for each playbook of `post`; None: no limit.
    :ivar attempts: how often the job is tried at most. :ivar split_streams: standard error is kept apart.
    :ivar checkout: ``override-checkout``; empty without one.
    """

    pre: tuple[Playbook, ...] = ()
    run: tuple[Playbook, ...] = ()
    post: tuple[Playbook, ...] = ()
    cleanup: tuple[Playbook, ...] = ()
    roles: tuple[Role, ...] = ()
    extra_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    host_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    group_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    post_timeout: int | None = None
    attempts: int = 1
    split_streams: bool = False
    checkout: str = ""

    def all(self) -> Iterator[Playbook]:
        """Every playbook."""
        yield from (*self.pre, *self.run, *self.post, *self.cleanup)


@dataclass(frozen=True, slots=True)
class Item:
    """What a build is about, as its playbooks are told it.

    :ivar host: the server's canonical host name. :ivar branch: or the full name of a tag.
    :ivar change: None where a branch or a tag is tested as it is.
    :ivar changes: all that was merged, in that order. :ivar tenant: empty where there is none.
    :ivar commit: what is tested.
    """

    host: str
    pipeline: str
    branch: str
    change: Change | None = None
    changes: tuple[Change, ...] = ()
    tenant: str = ""
    commit: str = ""
