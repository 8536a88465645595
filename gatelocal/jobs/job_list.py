"""What a project's stanzas and templates say for a pipeline on a branch, in Zuul's order; nothing is frozen here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gatelocal.jobs.zuul.checks import listed
from gatelocal.jobs.zuul.definitions import Definition, entries, stanza_holds, template_holds
from gatelocal.jobs.zuul.layout import Layout, stanzas_of
from gatelocal.jobs.zuul.variables import merged
from gatelocal.model.plan import Place
from gatelocal.model.refs import Where
from gatelocal.model.tenant import TenantProject


@dataclass(slots=True)
class JobList:
    """The jobs that are named.

    :ivar entries: name → what the stanzas say of the job, in order. :ivar variables: the project's own.
    :ivar stanzas: those that hold on the branch. :ivar templates: the names of those that they use.
    :ivar fail_fast: the first word on it; None: there is none.
    """

    entries: dict[str, list[Definition]] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    stanzas: list[Definition] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    fail_fast: bool | None = None
    seen: set[tuple[str, Place, str]] = field(default_factory=set)


def job_list(layout: Layout, project: TenantProject, branch: Where, pipeline: str) -> JobList:
    """The project's stanzas that hold on the branch, and the templates that they name, in Zuul's order."""
    found = JobList()
    for stanza in stanzas_of(layout, project):
        if not stanza_holds(stanza, branch, project):
            continue
        found.stanzas.append(stanza)
        for name in dict.fromkeys(listed(stanza.body.get("templates"))):
            found.templates.append(str(name))
            for template in layout.templates.get(str(name), ()):
                if pipeline in template.body and template_holds(template, branch):
                    _extend(found, template, pipeline)
                    found.variables = merged(found.variables, _variables(template))
        found.variables = merged(found.variables, _variables(stanza))
        _extend(found, stanza, pipeline)
    return found


def _extend(found: JobList, stanza: Definition, pipeline: str) -> None:
    section = stanza.body.get(pipeline)
    word = section.get("fail-fast") if isinstance(section, Mapping) else None
    if found.fail_fast is None and isinstance(word, bool):
        found.fail_fast = word
    for entry in entries(stanza, pipeline) or ():
        key = (entry.name, entry.place, repr(entry.body))
        if key not in found.seen:  # a template that two stanzas name counts once
            found.seen.add(key)
            found.entries.setdefault(entry.name, []).append(entry)


def _variables(stanza: Definition) -> Mapping[str, object]:
    value = stanza.body.get("vars")
    return value if isinstance(value, Mapping) else {}


def queue_of(layout: Layout, project: TenantProject, branch: Where) -> str | None:
    """The branch's own queue, if one is assigned to it; else the first one that is named and is not for branches.

    Zuul: SharedQueuePipelineManager.buildChangeQueues. None when the project has a queue of its own.
    """
    named = [pair for stanza in stanzas_of(layout, project) for pair in _queues_named(layout, stanza, project, branch)]
    own = [name for name, holds in named if holds and _by_branch(layout, name)]
    shared = [name for name, _ in named if not _by_branch(layout, name)]
    return next(iter((*own, *shared)), None)


def _by_branch(layout: Layout, queue: str) -> bool:
    definition = layout.queues.get(queue)
    return definition is not None and definition.body.get("type") == "branch-assigned"


def _queues_named(
    layout: Layout, stanza: Definition, project: TenantProject, branch: Where
) -> Iterator[tuple[str, bool]]:
    if isinstance(name := stanza.body.get("queue"), str):
        yield name, stanza_holds(stanza, branch, project)
    for template_name in listed(stanza.body.get("templates")):
        for template in layout.templates.get(str(template_name), ()):
            if isinstance(name := template.body.get("queue"), str):
                yield name, template_holds(template, branch)
