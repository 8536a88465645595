"""The tenant's configuration as the server's branches have it, read anew when one of them moves; it freezes no job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal.config import gate_file, tenant_config
from gatelocal.config.plan_file import PlanFile, Rule
from gatelocal.config.stanza_cache import StanzaCache
from gatelocal.config.tenant_config import Wanted
from gatelocal.engine.tenancy import Tenancy
from gatelocal.errors import InfrastructureError, InputError
from gatelocal.jobs.gate import layout_of
from gatelocal.jobs.zuul.layout import Layout as Everything
from gatelocal.jobs.zuul.layout import lay_out
from gatelocal.merger.merger import Merger
from gatelocal.model.layout import Layout, Pipeline, Voice
from gatelocal.model.plan import Problem
from gatelocal.model.tenant import Tenant
from gatelocal.server.site import Site


@dataclass(frozen=True, slots=True)
class Read:
    """What the branches say. :ivar everything: with jobs. :ivar layout: what the gate runs with."""

    tenancy: Tenancy
    everything: Everything
    layout: Layout
    problems: tuple[Problem, ...] = ()
    inert: tuple[Problem, ...] = ()


class Configuration:
    """The configuration of one tenant.

    :ivar tenant: what the tenant file says; it is read once.
    """

    def __init__(self, site: Site) -> None:
        """:raises gatelocal.errors.ConfigurationError: the tenant file is not what it should be; with file and line."""
        self._site = site
        self.tenant: Tenant
        self.tenant, self._connection = gate_file.tenant(site.file.tenant, None, site.host)
        self._folders: dict[str, Path] = {}

    @property
    def projects(self) -> tuple[str, ...]:
        """The tenant's projects."""
        return tuple(one.name for one in self.tenant.projects)

    def read(self, merger: Merger, only: Iterable[str] | None = None) -> Read:
        """Read all of it. :param only: the projects whose branches have moved; None: all are fetched.

        :raises InfrastructureError: the server does not answer.
        """
        moved = None if only is None else set(only)
        for project in self.projects:
            if moved is not None and project not in moved and project in self._folders:
                continue
            try:
                merger.freeze(project, {"master", "main"})
                self._folders[project] = merger.repository(project).path
            except (InputError, InfrastructureError) as error:
                if isinstance(error, InfrastructureError) and self._site.reader().has(project):
                    raise
                self._site.say(f"{project} is left out: {error.brief}")
                self._folders.pop(project, None)
        return self._laid_out()

    def _laid_out(self) -> Read:
        rules = tuple(Rule(name, str(path), None) for name, path in self._folders.items())
        file = PlanFile(self.tenant, rules, Path("/"))
        cache = StanzaCache(self._site.directories.cache / "stanzas")
        everything = lay_out(self.tenant, tenant_config.load(file, Wanted("", ""), cache, _none))
        told = layout_of(everything, self._connection)
        layout = third_party(told.layout) if self._site.file.third_party else told.layout
        return Read(Tenancy(file), everything, layout, told.problems, told.inert)


def _none(project: str, url: str) -> Path:
    raise InfrastructureError(f"{project} is not here: {url}")


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
