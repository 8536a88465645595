"""Which tenant a project belongs to: as a file says, or the one that comes with the product; its layout as it stands.

A file is the one that was named, else the project's own (``.gatelocal/``), else the user's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config import plan_file, reach, repositories, tenant_config
from gatelocal.config.clones import Clones
from gatelocal.config.directories import Directories
from gatelocal.config.plan_file import PlanFile, Rule
from gatelocal.config.shipped import Shipped, shipped
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Commit, Wanted
from gatelocal.engine.place import Place
from gatelocal.errors import InputError
from gatelocal.jobs.zuul.layout import Layout, lay_out
from gatelocal.model.tenant import TenantProject
from gatelocal.ports import Say
from git_review.gerrit.address import parse_remote
from git_review.git.runner import Runner

FOLDER = ".gatelocal"
NAMES = ("config.yaml", "plan.yaml")
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A tenant and where its repositories lie.

    :ivar known: set where nobody has written a file and the tenant is the one that comes with the product.
    :ivar top: the person's own clone of the project; None when there is none.
    """

    file: PlanFile
    known: Shipped | None = None
    top: Path | None = None

    def lists(self, project: str) -> bool:
        """Whether the tenant has that project."""
        return any(project in (one.name, one.canonical) for one in self.file.tenant.projects)

    def host(self, project: str) -> str | None:
        """The canonical name of the server that the project is on; None when the tenant does not list it."""
        found = next((one for one in self.file.tenant.projects if project in (one.name, one.canonical)), None)
        return found.host if found is not None and found.host else None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a tenancy.

    :ivar config: the file that was named. :ivar tenant: which tenant of it is meant.
    :ivar project: the project that is asked about, if it is known by name alone.
    """

    config: Path | None
    tenant: str | None
    directory: Path
    project: str = ""


def find(asked: Asked, place: Place | None, directories: Directories) -> Tenancy | None:
    """The tenancy; None where nothing is known but the project's own repository.

    :raises gatelocal.errors.InputError: a file is not what it should be, or nobody knows the tenant that is asked for.
    """
    project = asked.project or (place.project if place is not None else "")
    top = _top(asked.directory) if place is not None and place.project else None
    if asked.config is not None:
        return Tenancy(plan_file.load(asked.config, asked.tenant), top=top)
    if (own := _in(None if top is None else top / FOLDER)) is not None:
        return Tenancy(plan_file.load(own, asked.tenant), top=top)
    if (users := _in(directories.configuration)) is not None:
        found = Tenancy(plan_file.load(users, asked.tenant), top=top)
        if (
            not project
            or found.host(project) is not None
            or any(project == one.name for one in found.file.tenant.projects)
        ):
            return found
    ours = _shipped(project, place, top)
    if asked.tenant is not None and (ours is None or ours.file.tenant.name != asked.tenant):
        raise InputError(
            f"there is no tenant {asked.tenant} here: no configuration file was found",
            hint="name the file that has the tenant with --config FILE",
        )
    return ours


def _in(folder: Path | None) -> Path | None:
    return None if folder is None else next((folder / name for name in NAMES if (folder / name).is_file()), None)


def _top(directory: Path) -> Path | None:
    told = Runner(directory).query("rev-parse", "--show-toplevel", ok=(0, 128)).text
    return Path(told) if told else None


def _shipped(project: str, place: Place | None, top: Path | None) -> Tenancy | None:
    """The tenant that comes with the product, where the project is on its server."""
    known = shipped()
    if known.project(project) is None and project:
        return None
    if place is not None and not known.servers & {place.host, parse_remote(place.gerrit).host if place.gerrit else ""}:
        return None
    rules = [Rule(None, None, known.address)]
    if place is not None and place.before.startswith("/"):
        rules.insert(0, Rule(None, _pattern(place), None))
    if top is not None and place is not None and place.project:
        rules.insert(0, Rule(place.project, str(top), None, remote=place.remote))
    return Tenancy(PlanFile(known.tenant, tuple(rules), Path("/")), known, top)


def _pattern(place: Place) -> str:
    return f"{place.before}{'' if '{name}' in place.before else '{project}'}{place.after}"


def located(place: Place, tenancy: Tenancy | None) -> Place:
    """The place as the tenancy knows it: under the server's canonical name, which the trees on a node go by, and with
    the addresses of other projects that a file names.
    """
    if tenancy is None:
        return place
    host = tenancy.host(place.project) or place.host
    aliases = (*place.aliases, f"https://{host}") if host != place.host else place.aliases
    return replace(place, host=host, aliases=aliases, named=_named(tenancy))


def _named(tenancy: Tenancy) -> Callable[[str], str | None] | None:
    """Where a file says that a project lies; None where nobody wrote one."""
    if tenancy.known is not None:
        return None
    projects = {one.name: one for one in tenancy.file.tenant.projects}

    def address(name: str) -> str | None:
        project = projects.get(name)
        rule = None if project is None else tenant_config.rule_of(tenancy.file, project)
        if project is None or rule is None:
            return None
        return (
            tenant_config.filled(rule.url, project)
            if rule.url
            else str(tenant_config.path_of(tenancy.file, rule, project))
        )

    return address


def layout(
    tenancy: Tenancy,
    wanted: tuple[str, str],
    instead: Mapping[tuple[str, str], Commit],
    pipelines: Sequence[str],
    hands: tuple[Directories, Say],
) -> Layout:
    """The tenant's configuration, as far as it can be had.

    :param wanted: project and branch that are planned. :param instead: commits that count in place of the branches'.
    :param pipelines: whose jobs are of interest.
    """
    directories, say = hands
    cache = StanzaCache(directories.cache / "stanzas")
    copy = Clones(directories.cache / "configuration", say).get
    asked = Wanted(*wanted, instead)
    if tenancy.known is None:
        return lay_out(tenancy.file.tenant, tenant_config.load(tenancy.file, asked, cache, copy))
    beside = [lambda project, age=age: _beside(tenancy.top, project, age, say) for age in (_DAY, float("inf"))]
    found = reach.load(tenancy.file, tenancy.known, asked, reach.Hands(cache, copy, *beside), pipelines)
    return lay_out(tenancy.file.tenant, found)


def _beside(top: Path | None, project: TenantProject, age: float, say: Say) -> Path | None:
    """A clone of the project beside the person's own, when the server was asked for it no longer ago than `age`."""
    if top is None:
        return None
    name = project.name.rpartition("/")[2]
    for path in (top.parent / name, top.parent.parent / project.name):
        if path != top and repositories.is_repository(path) and _is_of(path, project) and _age(path) < age:
            say(f"reading {project.name} in {path}")
            return path
    return None


def _is_of(path: Path, project: TenantProject) -> bool:
    url = Runner(path, alone=True).query("config", "remote.origin.url", ok=(0, 1, 128)).text
    return f"/{parse_remote(url).project}".endswith(f"/{project.name}") if url else False


def _age(path: Path) -> float:
    folder = path / ".git" if (path / ".git").is_dir() else path
    times = [file.stat().st_mtime for name in ("FETCH_HEAD", "packed-refs") if (file := folder / name).exists()]
    return time.time() - max(times) if times else float("inf")
