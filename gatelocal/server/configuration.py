"""The tenant's configuration as the server's branches have it, read anew when one of them moves; it freezes no job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config import tenant_config
from gatelocal.config.plan_file import PlanFile, Rule
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Wanted
from gatelocal.engine.tenancy import Tenancy
from gatelocal.errors import InfrastructureError, InputError, as_machinery
from gatelocal.jobs.gate import layout_of
from gatelocal.jobs.zuul.layout import Layout as Everything
from gatelocal.jobs.zuul.layout import complaint, lay_out
from gatelocal.jobs.zuul.timers import Timer, timers_of
from gatelocal.merger.merger import Merger
from gatelocal.model.facts import Facts
from gatelocal.model.layout import Layout, Manager, Pipeline, Project, Voice
from gatelocal.model.plan import Problem
from gatelocal.model.tenant import Repository, Tenant, TenantProject
from gatelocal.pipeline.events import RefUpdated
from gatelocal.pipeline.match import ref_triggered
from gatelocal.server.site import Site
from git_review.git.objects import references


@dataclass(frozen=True, slots=True)
class Read:
    """What the branches say.

    :ivar everything: with jobs. :ivar layout: what the gate runs with.
    :ivar timers: pipeline → when it is fed by itself.
    """

    tenancy: Tenancy
    everything: Everything
    layout: Layout
    problems: tuple[Problem, ...] = ()
    inert: tuple[Problem, ...] = ()
    timers: Mapping[str, tuple[Timer, ...]] = field(default_factory=dict)


class Configuration:
    """The configuration of one tenant.

    :ivar tenant: what the tenant file says; it is read once.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.tenant: Tenant
        self.tenant, self._connection = site.tenant
        self._folders: dict[str, Path] = {}
        self._found: dict[str, Repository] = {}
        self._read: Read | None = None

    @property
    def projects(self) -> tuple[str, ...]:
        """The tenant's projects."""
        return tuple(one.name for one in self.tenant.projects)

    def read(self, merger: Merger, moved: Iterable[Facts] | None = None) -> Read:
        """Read it. :param moved: the branches that have moved since the last time; None: all is fetched.

        :returns: the very same as the last time, where these say what they said then.
        :raises InfrastructureError: the server does not answer.
        """
        known = {one.name: one for one in self.tenant.projects}
        branches = None if moved is None else tuple(one for one in moved if one.project in known)
        projects = known if branches is None else dict.fromkeys(one.project for one in branches)
        for project in projects:
            ours = () if branches is None else [one for one in branches if one.project == project]
            if not ours or not all(self._is_here(merger, one) for one in ours):
                self._fetch(merger, project)
        repositories = self._load([known[project] for project in projects])
        same = all(self._found.get(project) == one for project, one in repositories.items())
        if self._read is None or not same:
            self._found |= repositories
            self._read = self._laid_out()
        return self._read

    def _is_here(self, merger: Merger, moved: Facts) -> bool:
        """Whether the branch was fetched already, by whoever has looked at what landed there."""
        if not moved.tip or moved.project not in self._folders:
            return False
        repository = merger.repository(moved.project)
        with as_machinery(f"reading {moved.project}", repository.path):
            name = f"refs/heads/{moved.branch}"
            return references(repository.git, name).get(name) == moved.tip

    def _fetch(self, merger: Merger, project: str) -> None:
        try:
            merger.freeze(project, {"master", "main"})
            self._folders[project] = merger.repository(project).path
        except (InputError, InfrastructureError) as error:
            if isinstance(error, InfrastructureError) and self._site.reader().has(project):
                raise
            self._site.say(f"{project} is left out: {error.brief}")
            self._folders.pop(project, None)

    def _load(self, projects: Sequence[TenantProject]) -> dict[str, Repository]:
        cache = StanzaCache(self._site.directories.cache / "stanzas")
        found = tenant_config.load(self._file(projects), Wanted("", ""), cache, _none)
        return {one.project.name: one for one in found}

    def _file(self, projects: Sequence[TenantProject]) -> PlanFile:
        rules = tuple(Rule(name, str(path), None) for name, path in self._folders.items())
        return PlanFile(replace(self.tenant, projects=tuple(projects)), rules, Path("/"))

    def _laid_out(self) -> Read:
        everything = lay_out(self.tenant, tuple(self._found[one.name] for one in self.tenant.projects))
        told = layout_of(everything, self._connection, clock=True)
        layout = third_party(told.layout) if self._site.file.third_party else told.layout
        tenancy = Tenancy(self._file(self.tenant.projects))
        times, wrong = _timers(everything, layout)
        return Read(tenancy, everything, layout, told.problems, (*told.inert, *wrong), times)


def _timers(everything: Everything, layout: Layout) -> tuple[dict[str, tuple[Timer, ...]], list[Problem]]:
    """Those of each pipeline, and what is wrong with others."""
    found: dict[str, tuple[Timer, ...]] = {}
    wrong: list[Problem] = []
    for name in layout.pipelines:
        definition = everything.pipelines[name]
        told = list(timers_of(definition.body))
        found[name] = tuple(one for one in told if isinstance(one, Timer))
        words = (f"pipeline {name}: trigger: {one}" for one in told if isinstance(one, str))
        wrong += [complaint(definition, "pipeline", one).problem for one in words]
    return {name: timers for name, timers in found.items() if timers}, wrong


def _none(project: str, url: str) -> Path:
    raise InfrastructureError(f"{project} is not here: {url}")


def joined(before: Layout, now: Layout, moved: Facts) -> tuple[str, ...]:
    """The pipelines that start by this movement of a branch and that its project has come into by the same movement.

    They were not asked when the branch moved: Zuul reads the configuration before it asks.
    """
    old, new = (one.projects.get(moved.project, Project(moved.project)).pipelines for one in (before, now))
    event = RefUpdated(0.0, moved, moved.tip)
    pipelines = (now.pipelines[name] for name in sorted(new - old))
    return tuple(one.name for one in pipelines if one.manager is not Manager.DEPENDENT and ref_triggered(one, event))


def third_party(layout: Layout) -> Layout:
    """The same for a guest: it votes 1 at most and submits nothing."""
    return replace(layout, pipelines={name: _modest(one) for name, one in layout.pipelines.items()})


def _modest(pipeline: Pipeline) -> Pipeline:
    voices: Mapping[str, Voice] = {
        kind: replace(voice, votes=_clipped(voice.votes), submit=False) for kind, voice in pipeline.voices.items()
    }
    return replace(pipeline, voices=voices)


def _clipped(votes: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((label, max(-1, min(1, value))) for label, value in votes)
