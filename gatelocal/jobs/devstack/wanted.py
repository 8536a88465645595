"""What a job of the devstack family wants on its node: sources, ``local.conf``, services and suite; it asks no node.

The values are those of the job's own variables, by the rules of devstack's and tempest's roles. What is set here beside
them, because a node here is not the gate's, is told as a deviation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gatelocal.errors import ConfigurationError
from gatelocal.jobs import families
from gatelocal.jobs.devstack import local_conf, needs
from gatelocal.jobs.devstack.expressions import Facts, Templates
from gatelocal.jobs.devstack.suite import Suite, suite
from gatelocal.model.deviation import Deviation
from gatelocal.model.job import Job
from gatelocal.model.label import Labels
from gatelocal.model.plan import FrozenJob

BASE = "/opt/stack"
"""Where devstack has all of its trees on a node."""
NATIVE = Deviation("devstack-native", "devstack's own roles are not here: the job was prepared from its variables")
"""A job of this family that is run without the playbooks that it is written in."""
_PASSWORDS = ("DATABASE_PASSWORD", "RABBIT_PASSWORD", "ADMIN_PASSWORD", "SERVICE_PASSWORD")
_CONSTRAINTS = "TEMPEST_VENV_UPPER_CONSTRAINTS"
_IMAGES = "DOWNLOAD_DEFAULT_IMAGES"


@dataclass(frozen=True, slots=True)
class Stack:
    """One devstack with what is run on it.

    :ivar base: the folder on the node below which all trees lie. :ivar trees: project → the name of its folder there.
    :ivar services: those that are enabled. :ivar memory: mebibytes that a node for them should have.
    :ivar kernel: the services that no container can run.
    :ivar suite: the tests; None where the job ends when everything stands.
    :ivar deviations: what differs from the gate's own preparation.
    """

    base: str
    trees: Mapping[str, str]
    local_conf: str
    services: frozenset[str]
    memory: int
    kernel: tuple[str, ...]
    suite: Suite | None
    deviations: tuple[Deviation, ...]


def wanted(job: Job, project: str, branch: str, facts: Facts, settings: Iterable[str] = ()) -> Stack:
    """Read the job. Projects are named as trees on a node are: without a host.

    :param project: the change's. :param branch: its target. :param facts: of the node.
    :param settings: the texts of the ``devstack/settings`` of all trees that have one.
    :raises ConfigurationError: a variable is wrong, or the job lacks a repository that its services or plugins need.
    """
    where = f"job {job.name} ({job.defined_in[-1] if job.defined_in else 'a shared job'})"
    base = _base(where, job)
    templates = Templates(where, job.variables, {"devstack_base_dir": base, "stage_dir": f"{base}/stage"}, facts)
    values = {name: templates.resolved(name, value) for name, value in job.variables.items() if _is_ours(name)}
    trees = _trees(where, (project, *job.required_projects))
    found = _asked(where, values, trees, base, settings)
    services = local_conf.enabled(found)
    _have(where, services, found, trees)
    localrc, deviations = _completed(found, base, facts, services)
    found = replace(found, localrc=localrc)
    fake = localrc.get("VIRT_DRIVER") == "fake"
    return Stack(
        base=base,
        trees=trees,
        local_conf=local_conf.text(found),
        services=services,
        memory=needs.memory(services, fake_guests=fake),
        kernel=needs.kernel(services, fake_guests=fake),
        suite=suite(values, localrc, branch, facts.cores) if job.family == families.TEMPEST else None,
        deviations=deviations,
    )


def stood(job: Job, project: str) -> dict[str, str]:
    """Where a node on which the job's stack stands has its trees, by their projects. Errors as for :func:`wanted`."""
    where = f"job {job.name}"
    base = _base(where, job)
    return {one: f"{base}/{name}" for one, name in _trees(where, (project, *job.required_projects)).items()}


def sized(labels: Labels, job: Job | FrozenJob) -> Labels:
    """The table of labels with nodes that are large enough for the services of the job, where it is of this family."""
    if not families.wants_devstack(job):
        return labels
    services, localrc = job.variables.get("devstack_services"), job.variables.get("devstack_localrc")
    named = {str(name) for name, value in services.items() if value is True} if isinstance(services, Mapping) else ()
    fake = isinstance(localrc, Mapping) and localrc.get("VIRT_DRIVER") == "fake"
    return labels.at_least(needs.memory(named, fake_guests=fake))


def _is_ours(name: str) -> bool:
    return name.startswith(("devstack_", "tempest_", "tox_")) or name == "base_services"


def _base(where: str, job: Job) -> str:
    base = job.variables.get("devstack_base_dir", BASE)
    if not isinstance(base, str) or not base.startswith("/") or ".." in base.split("/") or base.strip("/") == "":
        raise ConfigurationError(f"{where}: devstack_base_dir is no absolute path below the root: {base}"[:300])
    return base.rstrip("/")


def _trees(where: str, projects: Iterable[str]) -> dict[str, str]:
    """Devstack knows a repository by the last part of its name alone."""
    trees: dict[str, str] = {}
    for project in projects:
        short = project.rstrip("/").rpartition("/")[2]
        other = next((one for one, name in trees.items() if name == short and one != project), None)
        if other is not None:
            raise ConfigurationError(f"{where}: {other} and {project} would both be {short} to devstack")
        trees[project] = short
    return trees


def _asked(
    where: str, values: Mapping[str, object], trees: Mapping[str, str], base: str, settings: Iterable[str]
) -> local_conf.Asked:
    services, localrc, conf, plugins = (
        _mapping(where, values, f"devstack_{name}") for name in ("services", "localrc", "local_conf", "plugins")
    )
    tempest = _list(where, values, "tempest_plugins")
    return local_conf.Asked(
        services=services,
        base_services=_list(where, values, "devstack_base_services") or _list(where, values, "base_services"),
        localrc=localrc,
        local_conf=conf,
        plugins=plugins,
        requires=local_conf.requirements(settings),
        # Zuul tells of the required projects first; the change's own comes last unless it is one of them.
        libraries=_libraries(trees),
        tempest_plugins=[f"{base}/{name}" for name in tempest],
    )


def _libraries(trees: Mapping[str, str]) -> list[str]:
    own, *others = trees.values()
    return [*others, own]


def _have(where: str, services: frozenset[str], found: local_conf.Asked, trees: Mapping[str, str]) -> None:
    """:raises ConfigurationError: a repository that devstack would have to clone."""
    there = set(trees.values())
    lacking = {name: service for name, service in needs.repositories(services).items() if name not in there}
    for name, service in lacking.items():
        what = f"the service {service} comes" if service else "devstack comes"
        raise ConfigurationError(
            f"{where}: {what} from the repository {name}, which the job does not require",
            hint=f"add it to required-projects; lacking in all: {', '.join(lacking)}",
        )
    for plugin, address in found.plugins.items():
        words = str(address).split() if address else []
        short = words[0].rstrip("/").rpartition("/")[2].removesuffix(".git") if words else plugin
        if words and plugin not in there and short not in there:
            raise ConfigurationError(
                f"{where}: no repository of the job has the plugin {plugin} ({address})"[:400],
                hint=f"add the repository {short} to required-projects",
            )


def _completed(
    found: local_conf.Asked, base: str, facts: Facts, services: frozenset[str]
) -> tuple[dict[str, object], tuple[Deviation, ...]]:
    """The variables with those that are always set here, and what of that differs from the gate's own run."""
    localrc: dict[str, object] = {"HOST_IP": facts.address, "SERVICE_HOST": facts.address}
    localrc |= dict.fromkeys(_PASSWORDS, "secretstack")
    localrc |= {"LOGFILE": f"{base}/logs/devstacklog.txt", "LOG_COLOR": False, "VERBOSE": True}
    localrc |= dict(found.localrc)
    deviations = [NATIVE]
    if str(localrc.get("ERROR_ON_CLONE", True)).lower() not in ("true", "1"):
        text = "the job lets devstack clone what it lacks; here nothing but the trees of the recipe is tested"
        deviations.append(Deviation("devstack-no-clone", text))
    localrc["ERROR_ON_CLONE"] = True
    if "tempest" in services and str(localrc.get(_CONSTRAINTS, "master")) == "master":
        localrc[_CONSTRAINTS] = f"{base}/requirements/upper-constraints.txt"
        text = "tempest is installed by the constraints of the tree that is tested, not by those of a web server"
        deviations.append(Deviation("devstack-tempest-constraints", text))
    if "tempest" in services:
        text = "tempest runs as the user that jobs have on the node, not as a user of its own"
        deviations.append(Deviation("devstack-tempest-user", text))
    if not any(needs.repository(one) == "glance" for one in services):
        localrc.setdefault(_IMAGES, False)
    return localrc, tuple(deviations)


def _mapping(where: str, values: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = values.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: {name} is no mapping")
    return {str(key): each for key, each in value.items()}


def _list(where: str, values: Mapping[str, object], name: str) -> list[str]:
    value = values.get(name)
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise ConfigurationError(f"{where}: {name} is no list")
    return [str(each) for each in value]
