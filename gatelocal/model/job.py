"""A frozen job: what runs, on which kind of node, with which variables; the result of reading a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.deviation import Deviation
from gatelocal.model.plan import Nodeset, NodeWanted
from gatelocal.model.playbooks import Playbooks
from gatelocal.model.record import dataclass, field

NO_VARIABLES: Mapping[str, object] = MappingProxyType({})
NODE = "node"
"""The name of a node that a job's definitions do not name."""


def one_node(label: str | None = None) -> Nodeset:
    """A nodeset of one node, which nobody has named. :param label: None: the default one."""
    return Nodeset(nodes=(NodeWanted((NODE,), label or ""),))


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the gate would run it, after inheritance.

    :ivar parents: the names of its ancestors, nearest first.
    :ivar variables: Zuul's ``vars``, deep-merged from the root to the leaf, Jinja unresolved.
    :ivar required_projects: other projects' names whose trees the job needs beside the change's own.
    :ivar nodesets: what it can run on, the most wanted first, each with a node at least; a label that is empty is the
        default one.
    :ivar timeout: seconds; None without a limit.
    :ivar defined_in: file and line of each definition, root first, for errors and reports.
    :ivar dependencies: names of jobs that come before it.
    :ivar family: who knows how to run it (``tox``, ``ansible``, ``steps``, ``noop``); empty when nobody here does.
    :ivar run: whether it is to be run; if not, `rule` and `reason` say why.
    :ivar rule: one of ``matches branch no-variant files irrelevant-files config-changed undefined error``, the
        words of ``gatelocal plan``, and ``unsupported`` for what Zuul runs and we cannot yet.
    :ivar reason: the rule in a person's words.
    :ivar deviations: what differs from the gate's own run of it.
    :ivar playbooks: of a job of the family ``ansible``: what it is made of.
    """

    name: str
    parents: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=lambda: NO_VARIABLES)
    required_projects: tuple[str, ...] = ()
    nodesets: tuple[Nodeset, ...] = (one_node(),)
    timeout: int | None = None
    voting: bool = True
    defined_in: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    family: str = ""
    run: bool = True
    rule: str = "matches"
    reason: str = ""
    deviations: tuple[Deviation, ...] = ()
    playbooks: Playbooks | None = None


@dataclass(frozen=True, slots=True)
class JobGraph:
    """All jobs that a project names for one pipeline.

    :ivar pipeline: the pipeline that they were found under.
    :ivar notes: what could not be resolved, each one sentence (a template that another repository defines).
    """

    pipeline: str
    jobs: tuple[Job, ...]
    notes: tuple[str, ...] = ()

    @property
    def runnable(self) -> tuple[Job, ...]:
        """The jobs that are to be run."""
        return tuple(job for job in self.jobs if job.run)

    @property
    def left_out(self) -> tuple[Job, ...]:
        """The jobs that are not to be run, each with its reason."""
        return tuple(job for job in self.jobs if not job.run)
