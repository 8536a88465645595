"""A frozen job: what runs, on which kind of node, with which variables; the result of reading a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NO_VARIABLES: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the gate would run it, after inheritance.

    :ivar parents: the names of its ancestors, nearest first.
    :ivar variables: Zuul's ``vars``, deep-merged from the root to the leaf, Jinja unresolved.
    :ivar required_projects: other projects' names whose trees the job needs beside the change's own.
    :ivar label: the kind of node it wants (``debian-bookworm``); None when the job does not say.
    :ivar timeout: seconds; None without a limit.
    :ivar defined_in: file and line of each definition, root first, for errors and reports.
    """

    name: str
    parents: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default=NO_VARIABLES)
    required_projects: tuple[str, ...] = ()
    label: str | None = None
    timeout: int | None = None
    voting: bool = True
    defined_in: tuple[str, ...] = ()
