"""The commits of a recipe, from wherever they can still be had: the cache, the server, a file beside the recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gatelocal.merger.cache import Repository
from gatelocal.model.recipe import Recipe, RecipeRepository
from git_review.errors import ReviewError


def obtain(repository: Repository, recipe: Recipe, one: RecipeRepository, folder: Path) -> tuple[str, ...]:
    """Bring what the recipe needs of one project into its cache, and give what cannot be had any more.

    Nothing is asked of the server when all is there already.

    :param folder: the recipe's own, which may have a bundle.
    :raises gatelocal.errors.InfrastructureError: something is missing and the server does not answer.
    """
    changes = [step.change for step in recipe.steps if step.change.project == one.project]
    wanted = {*(change.commit for change in changes), *one.state.branches.values(), *one.state.tags.values()}
    bundle = folder / one.bundle
    if one.bundle and bundle.is_file() and repository.missing(change.commit for change in changes):
        _try(partial(repository.unpack, bundle))
    if not repository.missing(wanted):
        return ()
    repository.fetch()
    for change in changes:
        if change.ref is not None and repository.missing([change.commit]):
            _try(partial(repository.fetch, [change.ref]))
    if one.bundle and bundle.is_file() and repository.missing(change.commit for change in changes):
        _try(partial(repository.unpack, bundle))
    for sha in repository.missing(wanted):
        _try(partial(repository.fetch_commit, sha))
    return tuple(repository.missing(wanted))


def _try(step: Callable[[], object]) -> None:
    """Take a step that may fail because what it asks for is gone; what is missing then is told at the end."""
    with contextlib.suppress(ReviewError):
        step()
