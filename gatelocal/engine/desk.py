"""A workspace for a person: changes with all they need, and further projects, as work trees side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal.config.directories import Directories
from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.engine import changes
from gatelocal.engine import place as places
from gatelocal.engine import tenancy as tenancies
from gatelocal.engine.collect import Collected, collect_item
from gatelocal.engine.place import Place
from gatelocal.engine.request import GateRequest
from gatelocal.engine.tenancy import Asked
from gatelocal.errors import InputError
from gatelocal.merger.merger import Merger
from gatelocal.model.merged import RepoState, SpeculativeState
from gatelocal.model.text import plain
from gatelocal.ports import Say
from gatelocal.workspace import folder, person
from gatelocal.workspace.destinations import Layout, Rule, destinations, rules
from gatelocal.workspace.manifest import Tree, Wanted, tree
from git_review.git.runner import without_password


@dataclass(frozen=True, slots=True)
class WorkspaceRequest:
    """One wish.

    :ivar target: the folder to be. :ivar changes: as for :class:`GateRequest`, in the order to merge them.
    :ivar projects: further projects. :ivar branch: what all of them check out; None: the last change's branch.
    :ivar project_branches: project → what it checks out, whatever the others do.
    :ivar clone_map: a file with rules; None: the layout decides alone.
    :ivar config: as for :class:`GateRequest`, and `tenant`.
    """

    target: Path
    changes: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    branch: str | None = None
    project_branches: Mapping[str, str] = field(default_factory=dict)
    clone_map: Path | None = None
    layout: Layout = Layout.PLAIN
    directory: Path = field(default_factory=Path)
    gerrit: str | None = None
    config: Path | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What was made. :ivar found: the changes in it. :ivar trees: each project's, with its path."""

    found: Collected
    trees: tuple[tuple[Tree, Path], ...]


def arrange(request: WorkspaceRequest, directories: Directories, environment: Mapping[str, str], say: Say) -> Desk:
    """Make the workspace, or bring it up to date.

    :raises InputError: nothing was asked for, an unknown change, something of the person's in the way.
    :raises gatelocal.errors.GateError: conflict, configuration or machinery, as in a run.
    """
    if not request.changes and not request.projects:
        raise InputError("a workspace needs a change or a project", hint="name a change, or projects with --project")
    folder.check(request.target)
    clone_map = _clone_map(request.clone_map)
    place = _place(request, environment)
    tenancy = tenancies.find(Asked(request.config, request.tenant, request.directory), place, directories)
    place = tenancies.located(place, tenancy)
    source = changes.Sources(place, request.directory)
    named = [source.change(name) for name in request.changes]
    landed = [one for one in named if one.landed]
    if landed:  # a commit that its branch has already asks for the branch
        projects = tuple(dict.fromkeys((*(one.project for one in landed), *request.projects)))
        request = replace(request, projects=projects, branch=request.branch or landed[-1].branch)
    found = collect_item(source, [one for one in named if not one.landed])
    for note in found.notes:
        say(note)
    for one in found.changes:
        say(f"merging: {one.name} {one.subject}")
    merger = changes.merger(place, directories, request.directory, say)
    state = merger.merge(found.changes, found.own)
    try:
        trees = _trees(request, place, merger, state, clone_map)
        stored = {one.project: merger.repository(one.project) for one in trees}
        paths = person.arrange(trees, stored, request.target, say)
    finally:
        merger.release(state)
    return Desk(found, tuple((one, paths[one.project]) for one in trees))


def _place(request: WorkspaceRequest, environment: Mapping[str, str]) -> Place:
    first = next((name for name in request.changes if not places.on_server(name, request.directory)), None)
    change = first or next(iter(request.changes), "")
    asked = GateRequest(change=change, directory=request.directory, gerrit=request.gerrit)
    return places.find(asked, environment)


def _trees(
    request: WorkspaceRequest, place: Place, merger: Merger, state: SpeculativeState, clone_map: Sequence[Rule]
) -> tuple[Tree, ...]:
    branch = request.branch or (state.steps[-1].change.branch if state.steps else "")
    states: dict[str, RepoState] = {one.project: one for one in state.repositories}
    for project in request.projects:
        if project not in states:
            states[project] = merger.freeze(project, {request.project_branches.get(project, branch)})
    strangers = [name for name in request.project_branches if name not in states]
    if strangers:
        raise InputError(f"{plain(strangers[0])} is no project of this workspace", hint="name it with --project too")
    paths = destinations(tuple(states), place.host, request.layout, clone_map)
    found = []
    for project, one in states.items():
        own = request.project_branches.get(project)
        overrides = {project: [own]} if own else {}
        if own and own not in one.branches and own not in one.tags:
            raise InputError(f"{plain(project)} has no branch or tag {plain(own)}")
        if not any(name in one.branches for name in (own, branch)) and one.default_branch is None:
            one = replace(one, default_branch=merger.repository(project).default_branch())  # noqa: PLW2901
        merged = [each for each in state.merged if each.project == project]
        made = tree(Wanted(place.host, branch, overrides), one, merged, paths[project])
        found.append(replace(made, url=without_password(place.url(project)).replace(":***@", "@")))
    return tuple(found)


def _clone_map(file: Path | None) -> tuple[Rule, ...]:
    if file is None:
        return ()
    try:
        root = root_of(file.read_text(encoding="utf-8"))
        return rules({} if root is None else value_of(root, Reading()), str(file))
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text") from None
    except NotYaml as error:
        raise InputError(f"{error.at(file)}: {error.problem}", hint=error.hint) from None
