"""The configuration of a make-believe world: objects of a scenario → what its gate runs with, by the one reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gatelocal.jobs import gate
from gatelocal.jobs.zuul.layout import Layout as Tenancy
from gatelocal.jobs.zuul.layout import lay_out
from gatelocal.jobs.zuul.schema import sifted
from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import Graph, Layout
from gatelocal.model.plan import Problem
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import CONFIG_KINDS, ConfigFile, Fault, Repository, Tenant, TenantProject

_ALL_KINDS = CONFIG_KINDS | frozenset("image flavor label section provider".split())
_CONFIG = TenantProject("the layout", trusted=True, loads=_ALL_KINDS, reporter_jobs=True, overrules=False)


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """What a world is configured with.

    :ivar layout: what its pipelines run with. :ivar problems: what was left out, :ivar inert: what is not followed,
        each with its place.
    """

    layout: Layout
    tenancy: Tenancy
    problems: tuple[Problem, ...] = ()
    inert: tuple[Problem, ...] = ()

    def graph(self, facts: Facts, ref: Ref, pipeline: str) -> Graph:
        """The jobs that run for a change."""
        return gate.graph(self.tenancy, ref, (facts.project, facts.branch, pipeline), facts.files)


def configuration(
    stanzas: Sequence[Stanza], faults: Sequence[Fault] = (), projects: Iterable[str] = ()
) -> Configuration:
    """What the objects mean, all of them in the one config-project of a tenant.

    A job ``base`` that names no parent, which to Zuul would be its own, is short for one without a parent that runs
    something.

    :param faults: what could not be read at all. :param projects: the world's, besides those that objects name.
    """
    named = (one.name for one in stanzas if one.kind == "project" and one.name and not one.name.startswith("^"))
    names = sorted({*projects, *named} - {_CONFIG.name})
    tenant = Tenant("simulated", (_CONFIG, *(TenantProject(name) for name in names)))
    good, bad = sifted(_with_base(stanzas))
    file = ConfigFile(stanzas[0].file if stanzas else "layout", good, (*faults, *bad))
    found = lay_out(tenant, [Repository(_CONFIG, ("master",), {"master": (file,)})])
    told = gate.layout_of(found)
    return Configuration(told.layout, found, told.problems, told.inert)


def _with_base(stanzas: Sequence[Stanza]) -> Sequence[Stanza]:
    base = Tenant("", ()).default_parent
    bodies = [one.body for one in stanzas if one.kind == "job" and one.name == base]
    if any("parent" in body for body in bodies):
        return stanzas
    whole = {"parent": None, "run": "run.yaml"}
    return [
        replace(one, body={**whole, **one.body}) if one.kind == "job" and one.name == base else one for one in stanzas
    ]
