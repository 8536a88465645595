"""A job while its definitions are applied to it; it holds what is known so far and applies nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gatelocal.jobs.zuul.definitions import Definition
from gatelocal.model.pattern import Pattern
from gatelocal.model.plan import (
    NOTHING,
    Dependency,
    FrozenJob,
    Nodeset,
    Playbook,
    RequiredProject,
    Role,
)

ATTEMPTS = 3
"""How often a job is tried when the machinery fails, unless it says otherwise (Zuul: attempts)."""


class Refused(Exception):
    """A job cannot be: its definitions contradict each other.

    :ivar definition: the one that does not fit; None when it is the job as a whole.
    :ivar unknown: the name of a job that nobody defines.
    """

    def __init__(
        self, message: str, definition: Definition | None = None, *, hint: str = "", unknown: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.definition = definition
        self.hint = hint
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far; the words are those of :class:`FrozenJob`.

    :ivar chain: the definitions that were applied.
    :ivar final: the place of the definition that says that the job is final; empty when none does.
    :ivar finals: the single attributes that are final. :ivar protected_by: the project that alone may inherit.
    :ivar allowed: short names of the only projects that may run it; None: all may.
    """

    name: str = ""
    chain: tuple[Definition, ...] = ()
    scalars: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    final: str = ""
    abstract: bool = False
    intermediate: bool = False
    finals: frozenset[str] = frozenset()
    protected_by: str = ""
    nodesets: tuple[Nodeset, ...] = (Nodeset(),)
    variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    extra: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    hosts: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    groups: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    required: Mapping[str, RequiredProject] = field(default_factory=lambda: MappingProxyType({}))
    dependencies: tuple[Dependency, ...] = ()
    semaphores: tuple[str, ...] = ()
    late_semaphores: frozenset[str] = frozenset()
    pre_run: tuple[Playbook, ...] = ()
    run: tuple[Playbook, ...] = ()
    post_run: tuple[Playbook, ...] = ()
    cleanup_run: tuple[Playbook, ...] = ()
    roles: tuple[Role, ...] = ()
    files: tuple[Pattern, ...] | None = None
    irrelevant: tuple[Pattern, ...] | None = None
    lists: Mapping[str, tuple[object, ...]] = field(default_factory=lambda: MappingProxyType({}))
    post_review: bool = False
    allowed: frozenset[str] | None = None
    any_project: bool = False


def frozen(draft: Draft, name: str) -> FrozenJob:
    """The draft as a job."""
    chain = draft.chain
    ancestors = dict.fromkeys(one.name for one in reversed(chain) if one.name != name)
    books = (*draft.pre_run, *draft.run, *draft.post_run, *draft.cleanup_run)
    return FrozenJob(
        name=name,
        parents=tuple(ancestors),
        abstract=draft.abstract,
        scalars=MappingProxyType({"attempts": ATTEMPTS, "voting": True, **draft.scalars}),
        nodesets=draft.nodesets,
        required_projects=tuple(draft.required.values()),
        dependencies=draft.dependencies,
        semaphores=draft.semaphores,
        late_semaphores=tuple(sorted(draft.late_semaphores)),
        pre_run=draft.pre_run,
        run=draft.run,
        post_run=draft.post_run,
        cleanup_run=draft.cleanup_run,
        roles=draft.roles,
        variables=draft.variables,
        extra_variables=draft.extra,
        host_variables=draft.hosts,
        group_variables=draft.groups,
        files=draft.files,
        irrelevant_files=draft.irrelevant,
        secrets=tuple(dict.fromkeys(secret for book in books for secret in book.secrets)),
        lists=draft.lists,
        defined_in=tuple(one.place for one in chain if one.name == name and not one.entry),
        chain=tuple(one.place for one in chain if not one.entry),
    )
