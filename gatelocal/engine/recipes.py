"""Recipes on disk: one is made from a run, written beside its logs, and read again; it rebuilds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.engine.place import Place, without_userinfo
from gatelocal.errors import InputError
from gatelocal.merger import recipe as form
from gatelocal.merger.merger import Merger
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.merged import RepoState, SpeculativeState
from gatelocal.model.plan import Plan
from gatelocal.model.recipe import Recipe, RecipeJob, RecipeRepository
from gatelocal.model.refs import short
from gatelocal.model.result import BuildResult
from gatelocal.reporter.plan import as_json
from gatelocal.workspace.manifest import Tree

NAME = "recipe.yaml"
BUNDLE = "local-commits.bundle"
"""Beside it: the local commits that were merged; only the work tree's own project has any."""
REFS_KEPT = 5000
"""A repository with more refs than this keeps those only that something was merged into or that a job checks out."""
REFS_IN_ALL = 200_000
"""All repositories together keep no more than this; those that come last are then as if they had too many."""
MAX_CHARACTERS = 32 * 2**20
"""Of one file that is read: far more than the refs that are kept, with all that stands beside them."""
MAX_VALUES = 2_000_000


@dataclass(frozen=True, slots=True)
class Sources:
    """What the builds of a run get to see.

    :ivar states: every project at the state that all builds use. :ivar trees: of each job.
    """

    place: Place
    state: SpeculativeState
    states: Mapping[str, RepoState]
    trees: Mapping[str, Sequence[Tree]]


def make(change: Change, plan: Plan, sources: Sources, bundles: Mapping[str, str]) -> Recipe:
    """The recipe of a run before its first build.

    :param plan: has the definition of each job. :param bundles: project → the name of a file with its local commits.
    """
    written = as_json(plan)["jobs"]
    definitions = {one["name"]: one for one in written} if isinstance(written, list) else {}
    whole = _whole(sources.states)
    return Recipe(
        host=sources.place.host,
        pipeline=plan.pipeline,
        change=change,
        steps=sources.state.steps,
        repositories=tuple(
            _repository(sources, project, project in whole, bundles.get(project, "")) for project in sources.states
        ),
        jobs=tuple(
            RecipeJob(name, {tree.project: tree.branch for tree in trees}, definitions.get(name, {}))
            for name, trees in sources.trees.items()
        ),
    )


def with_facts(recipe: Recipe, results: Iterable[BuildResult], nodes: Mapping[str, str]) -> Recipe:
    """The recipe with what is known after the builds. :param nodes: job → the node's description."""
    outcomes = {one.job: one.outcome.value for one in results}
    jobs = (replace(job, facts={"outcome": outcomes.get(job.name), "node": nodes.get(job.name)}) for job in recipe.jobs)
    return replace(recipe, jobs=tuple(jobs))


def pack(merger: Merger, state: SpeculativeState, folder: Path) -> Mapping[str, str]:
    """Write commits that no server has into a file beside the recipe; project → the file's name."""
    found: dict[str, str] = {}
    local = [step.change for step in state.steps if step.change.status is ChangeStatus.LOCAL]
    for project in dict.fromkeys(change.project for change in local):
        commits = [change.commit for change in local if change.project == project]
        bases = [one.base for one in state.merged if one.project == project]
        merger.repository(project).pack(commits, bases, folder / BUNDLE)
        found[project] = BUNDLE
    return found


def _whole(states: Mapping[str, RepoState]) -> frozenset[str]:
    """The projects whose refs are all kept."""
    found, left = set(), REFS_IN_ALL
    for project, state in states.items():
        count = len(state.branches) + len(state.tags)
        if count <= min(REFS_KEPT, left):
            found.add(project)
            left -= count
    return frozenset(found)


def _repository(sources: Sources, project: str, whole: bool, bundle: str) -> RecipeRepository:
    full = sources.states[project]
    merged = tuple(one for one in sources.state.merged if one.project == project)
    checked_out = {tree.branch for trees in sources.trees.values() for tree in trees if tree.project == project}
    shown = full if whole else _only(full, checked_out | {short(one.branch) for one in merged})
    return RecipeRepository(project, without_userinfo(sources.place.url(project)), shown, whole, merged, bundle)


def _only(state: RepoState, names: set[str]) -> RepoState:
    branches = {name: sha for name, sha in state.branches.items() if name in names}
    tags = {name: sha for name, sha in state.tags.items() if name in names}
    return RepoState(state.project, branches, state.default_branch, tags)


def write(recipe: Recipe, folder: Path) -> Path:
    """Write the recipe into a folder, readable by its owner, and give its path."""
    path, fresh = folder / NAME, folder / f".{NAME}.new"
    text = yaml.dump(form.to_data(recipe), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    try:
        fresh.touch(mode=0o600)
        fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return path


def read(path: Path) -> Recipe:
    """The recipe in a file, or in a run's folder. :raises InputError: there is none, or it cannot be read."""
    file = path / NAME if path.is_dir() else path
    try:
        with file.open(encoding="utf-8") as opened:
            root = root_of(opened.read(MAX_CHARACTERS + 1), MAX_CHARACTERS, MAX_VALUES)
        return form.from_data({} if root is None else value_of(root, Reading()), str(file))
    except OSError as error:
        raise InputError(
            f"cannot read {file}: {error.strerror}",
            hint="a run that ended before its changes were merged has none; `gatelocal run` makes one",
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text") from None
    except NotYaml as error:
        raise InputError(f"{error.at(file)}: {error.problem}", hint=error.hint) from None


class _Plain(yaml.SafeDumper):
    """YAML without anchors: the same text twice is easier to compare than a reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True
