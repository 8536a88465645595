"""Stanzas → what a repository defines: jobs with their variants, templates, nodesets, project stanzas; no inheritance.

Unknown keys are left alone, known keys of the wrong type are errors with file and line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.match import Matcher, branch_matches, matchers, matches
from gatelocal.model.stanza import Stanza, Tagged


@dataclass(frozen=True, slots=True)
class Definition:
    """One ``- job:`` stanza, or what a project's job list adds to a job.

    :ivar place: ``file:line``.
    """

    name: str
    body: Mapping[str, object]
    place: str

    def matches_branch(self, branch: str) -> bool:
        """Whether this definition holds for the branch."""
        value = self.body.get("branches")
        return value is None or branch_matches(matchers(value, self.place), branch)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All that one repository defines.

    :ivar jobs: by name, each with its definitions in the order in which Zuul reads them.
    """

    jobs: Mapping[str, tuple[Definition, ...]]
    templates: Mapping[str, tuple[Stanza, ...]]
    nodesets: Mapping[str, Stanza]
    projects: tuple[Stanza, ...]


def definitions(stanzas: Sequence[Stanza]) -> Definitions:
    """Sort stanzas by what they define."""
    jobs: dict[str, tuple[Definition, ...]] = {}
    templates: dict[str, tuple[Stanza, ...]] = {}
    nodesets: dict[str, Stanza] = {}
    projects: list[Stanza] = []
    for stanza in stanzas:
        match stanza.kind:
            case "job":
                found = Definition(stanza.name, stanza.body, stanza.place)
                jobs[stanza.name] = (*jobs.get(stanza.name, ()), found)
            case "project-template":
                templates[stanza.name] = (*templates.get(stanza.name, ()), stanza)
            case "nodeset":
                nodesets[stanza.name] = stanza
            case "project":
                projects.append(stanza)
    return Definitions(jobs, templates, nodesets, tuple(projects))


def stanzas_of_project(found: Definitions, project: str) -> tuple[Stanza, ...]:
    """The project stanzas that mean a project: without a name, by its name (with or without host), by pattern.

    Those by pattern come after the others, as in Zuul.
    """
    by_name = [s for s in found.projects if not s.name or s.name == project or s.name.endswith(f"/{project}")]
    by_pattern = [s for s in found.projects if s.name.startswith("^") and _pattern_takes(s, project)]
    return (*by_name, *by_pattern)


def _pattern_takes(stanza: Stanza, project: str) -> bool:
    return any(matches(matcher, project) for matcher in matchers(stanza.name, stanza.place))


def templates_of(stanza: Stanza) -> tuple[str, ...]:
    """The names of the templates that a project stanza uses."""
    return tuple(text(item, stanza.place, "templates") for item in listed(stanza.body.get("templates")))


def jobs_of_pipeline(stanza: Stanza, pipeline: str) -> tuple[Definition, ...] | None:
    """The entries of a stanza's job list for a pipeline, in order; None when it does not name the pipeline."""
    section = stanza.body.get(pipeline)
    if not isinstance(section, Mapping):
        return None
    return tuple(_entry(item, stanza.place) for item in listed(section.get("jobs")))


def _entry(item: object, place: str) -> Definition:
    if isinstance(item, str):
        return Definition(item, {}, place)
    if isinstance(item, Mapping) and len(item) == 1:
        name, body = next(iter(item.items()))
        if isinstance(name, str) and (body is None or isinstance(body, Mapping)):
            return Definition(name, body or {}, place)
    raise ConfigurationError(
        f"{place}: an entry of a job list is a name, or a name with its own settings", details=f"found {item!r}"[:500]
    )


def listed(value: object) -> list[object]:
    """A list for Zuul's "one or many": nothing, one value or a list; a tag such as ``!override`` is looked through."""
    if isinstance(value, Tagged):
        value = value.value
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def text(value: object, place: str, key: str) -> str:
    """The value as a string. :raises ConfigurationError: it is none."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{place}: {key}: {value!r} is not a name")
    return value


def named(value: object, place: str, key: str) -> tuple[str, ...]:
    """A list of names, each bare or as the ``name`` of a mapping (required-projects, dependencies)."""
    items = listed(value)
    return tuple(text(item.get("name") if isinstance(item, Mapping) else item, place, key) for item in items)


def patterns(value: object, place: str) -> tuple[Matcher, ...]:
    """A list of file matchers."""
    return matchers(listed(value), place)
