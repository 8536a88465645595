"""What would run for a change, and why: frozen jobs with all that the gate would give them; nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.model.pattern import Pattern
from gatelocal.model.record import dataclass, field

NOTHING: Mapping[str, object] = MappingProxyType({})
RUNNING = frozenset(("matches", "config-changed", "needed-by"))
"""The rules by which a job runs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    :ivar project: the short name. :ivar path: empty when it is about no single file.
    :ivar line: counted from 1; 0 when it is about no single line.
    """

    project: str
    branch: str
    path: str
    line: int

    @property
    def where(self) -> str:
        """Path and line for people, as far as they are known."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the configuration, for a person who is going to mend it."""

    place: Place
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook of a job.

    :ivar project: the canonical name of the project that has it.
    :ivar secrets: the names of the secrets that it is given.
    :ivar branch: the branch of the project whose definition names it.
    :ivar level: of the definition in the job's ancestry, counted from 1 at the root (Zuul: nesting level).
    :ivar trusted: it counts as it has landed, whatever the change brings.
    """

    project: str
    path: str
    secrets: tuple[str, ...] = ()
    semaphores: tuple[str, ...] = ()
    branch: str = ""
    level: int = 1
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class RequiredProject:
    """Another project whose tree the job needs.

    :ivar name: canonical. :ivar checkout: the branch or tag to check out in place of the change's branch.
    """

    name: str
    checkout: str | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class NodeWanted:
    """One machine. :ivar names: usually one; a machine may go by several. :ivar label: its kind."""

    names: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that variables and playbooks speak of together."""

    name: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nodeset:
    """The machines of a job.

    :ivar name: empty for a nodeset that stands in the job itself.
    :ivar known: False when it is only named, or stands in an ancestor: in a repository that is not here.
    """

    name: str = ""
    nodes: tuple[NodeWanted, ...] = ()
    groups: tuple[Group, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that comes before. :ivar soft: only if it runs at all."""

    name: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A repository of Ansible roles.

    :ivar project: canonical. :ivar short: the project's name on its server. :ivar name: what the roles go by.
    :ivar explicit: a definition names it; else it is the repository of a definition. :ivar trusted: as of a playbook.
    """

    project: str
    short: str
    name: str
    explicit: bool
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class FrozenJob:
    """One job after inheritance and variants.

    :ivar parents: names of its ancestors, nearest first.
    :ivar nodesets: what it can run on, the most wanted first; at least one.
    :ivar scalars: the attributes that are one value each, by their names in Zuul's language.
    :ivar secrets: names only. :ivar late_semaphores: those that are taken when the nodes are there (resources-first).
    :ivar defined_in: the job's own definitions that hold here, in order.
    :ivar chain: all definitions that were applied, ancestors first.
    :ivar files: None when no definition sets it, which is not the same as an empty list.
    """

    name: str
    parents: tuple[str, ...] = ()
    abstract: bool = False
    scalars: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    nodesets: tuple[Nodeset, ...] = (Nodeset(),)
    required_projects: tuple[RequiredProject, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    semaphores: tuple[str, ...] = ()
    late_semaphores: tuple[str, ...] = ()
    pre_run: tuple[Playbook, ...] = ()
    run: tuple[Playbook, ...] = ()
    post_run: tuple[Playbook, ...] = ()
    cleanup_run: tuple[Playbook, ...] = ()
    roles: tuple[Role, ...] = ()
    variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    extra_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    host_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    group_variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    files: tuple[Pattern, ...] | None = None
    irrelevant_files: tuple[Pattern, ...] | None = None
    secrets: tuple[str, ...] = ()
    lists: Mapping[str, tuple[object, ...]] = field(default_factory=lambda: MappingProxyType({}))
    defined_in: tuple[Place, ...] = ()
    chain: tuple[Place, ...] = ()

    @property
    def voting(self) -> bool:
        """Whether its failure speaks against the change."""
        return self.scalars.get("voting") is not False

    @property
    def kind(self) -> str:
        """``regular``, ``initializer`` (before all others) or ``reporter`` (after the report); Zuul: type."""
        return str(self.scalars.get("type", "regular"))

    @property
    def timeout(self) -> int | None:
        """Seconds; None without a limit."""
        value = self.scalars.get("timeout")
        return value if isinstance(value, int) else None

    @property
    def nodeset(self) -> Nodeset:
        """What it would rather run on."""
        return self.nodesets[0]


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job that the project names for the pipeline.

    :ivar rule: one of ``matches branch no-variant files irrelevant-files config-changed needed-by undefined error``.
    :ivar reason: the rule in a person's words.
    :ivar job: None when it could not be made out.
    :ivar unknown: for ``undefined`` and ``error``: the name of a job that no repository defines.
    :ivar said_voting: False where the project's own stanza makes it non-voting; of use without `job`.
    :ivar lacks: why it cannot be run here; empty when it can, and for one that does not run anyway.
    """

    name: str
    rule: str
    reason: str
    job: FrozenJob | None = None
    unknown: str = ""
    said_voting: bool = True
    lacks: str = ""

    @property
    def run(self) -> bool:
        """Whether it runs."""
        return self.rule in RUNNING


@dataclass(frozen=True, slots=True)
class Missing:
    """A repository that was not found.

    :ivar repository: empty when it is not known which. :ivar needed_for: jobs and templates. :ivar why: for people.
    :ivar required_by: those of these jobs that need its source tree alone: what is planned for them is right.
    """

    repository: str
    needed_for: tuple[str, ...]
    why: str = ""
    required_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usual:
    """What a job usually takes, by its last builds. :ivar builds: how many these were."""

    seconds: float
    gigabytes: float | None
    builds: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a running Zuul sees otherwise.

    :ivar attribute: in the words of ``plan --json``; empty when the job itself is on one side alone.
    :ivar here: our value. :ivar zuul: Zuul's. Both as JSON has them.
    """

    job: str
    attribute: str
    here: object
    zuul: object


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a running Zuul says to the same question.

    :ivar agreed: how many jobs are the same in all that was compared.
    """

    url: str
    agreed: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class QueuedChange:
    """A change that is in a queue of a running gate.

    :ivar name: as that gate names it: ``1234,5`` for a Gerrit. :ivar url: where a person reads it; may be empty.
    :ivar taken: it was merged before the planned change; False when it is only told.
    """

    name: str
    project: str
    url: str = ""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to one question.

    :ivar queue: the change queue that the project shares with others; None when it has its own.
    :ivar jobs: all that the project's stanzas name for the pipeline on this branch, in Zuul's order.
    :ivar errors: those that touch the project. :ivar other_errors: how many there are besides.
    :ivar notes: what else a person should know.
    :ivar ahead: the changes that are queued before this one, the first to land first.
    :ivar opinion: of a running Zuul, when one was asked.
    :ivar fail_fast: whether one failed job ends the others; None: nothing is said.
    """

    project: str
    branch: str
    pipeline: str
    queue: str | None
    jobs: tuple[PlannedJob, ...]
    errors: tuple[Problem, ...] = ()
    missing: tuple[Missing, ...] = ()
    other_errors: int = 0
    notes: tuple[str, ...] = ()
    ahead: tuple[QueuedChange, ...] = ()
    opinion: Opinion | None = None
    fail_fast: bool | None = None
