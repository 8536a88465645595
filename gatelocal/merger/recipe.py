"""A recipe to and from the plain values that its file holds; what is no recipe is refused with the place of the fault.

The form is version 1; ``doc/source/workspace.rst`` describes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gatelocal.errors import InputError
from gatelocal.merger import repostate
from gatelocal.model.change import Change, ChangeStatus
from gatelocal.model.merged import MergedChange, MergedProject, MergeMode
from gatelocal.model.recipe import Recipe, RecipeJob, RecipeRepository

VERSION = 1
KEY = "gatelocal-recipe"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BUNDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REF = re.compile(r"refs/[!-)+-.0-9;-Z_a-}][!-)+-9;-Z_a-}]*")


def to_data(recipe: Recipe) -> dict[str, object]:
    """The recipe as YAML can hold it."""
    return {
        KEY: VERSION,
        "host": recipe.host,
        "pipeline": recipe.pipeline,
        "change": _change(recipe.change),
        "merges": [
            {
                **_change(step.change),
                "mode": step.mode.value,
                "own": step.own,
                "message": step.message,
                "base": step.base,
                "result": step.commit,
            }
            for step in recipe.steps
        ],
        "repositories": [_repository(one) for one in recipe.repositories],
        "jobs": [
            {"name": job.name, "checkouts": dict(job.checkouts), **job.facts, "definition": dict(job.definition)}
            for job in recipe.jobs
        ],
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "project": change.project,
        "branch": change.branch,
        "change": change.number,
        "patchset": change.patchset,
        "commit": change.commit,
        "ref": change.ref,
        "change_id": change.change_id,
        "url": change.url,
        "subject": change.subject,
    }


def _repository(one: RecipeRepository) -> dict[str, object]:
    merged = [
        {
            "branch": each.branch,
            "base": each.base,
            "before_last": each.before_last,
            "commit": each.commit,
            "tree": each.tree,
        }
        for each in one.merged
    ]
    return {
        "project": one.project,
        "url": one.url,
        "merged": merged,
        "bundle": one.bundle or None,
        "all_refs": one.whole,
        **repostate.to_data(one.state),
    }


def from_data(data: object, origin: str) -> Recipe:
    """The recipe out of :func:`to_data`'s values.

    :param origin: the file's name, for errors. :raises InputError: it is none, or one of another version.
    """
    root = _Reader(data, origin)
    version = root.data.get(KEY)
    if version != VERSION:
        told = "it is no recipe" if version is None else f"a recipe of version {version!r}"[:100]
        raise InputError(f"{origin}: {told}; version {VERSION} can be read")
    steps = tuple(_step_of(one) for one in root.items("merges"))
    return Recipe(
        host=root.text("host"),
        pipeline=root.text("pipeline"),
        change=_change_of(root.inner("change")),
        steps=steps,
        repositories=tuple(_repository_of(one, steps) for one in root.items("repositories")),
        jobs=tuple(_job_of(one) for one in root.items("jobs")),
    )


class _Reader:
    """One mapping of a file. :ivar where: for errors, where in the file it stands."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise InputError(f"{where}: not a mapping of names to values")
        self.data: Mapping[str, object] = data
        self.where = where

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "no text")
        return value

    def maybe(self, key: str) -> str | None:
        return None if self.data.get(key) is None else self.text(key)

    def sha(self, key: str) -> str:
        value = self.text(key)
        if not _SHA.fullmatch(value):
            raise self.wrong(key, "no full commit id")
        return value

    def number(self, key: str) -> int | None:
        value = self.data.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(key, "no number")
        return value

    def inner(self, key: str) -> _Reader:
        return _Reader(self.data.get(key), f"{self.where}: {key}")

    def items(self, key: str) -> list[_Reader]:
        value = self.data.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "no list")
        return [_Reader(one, f"{self.where}: {key} {number}") for number, one in enumerate(value, 1)]

    def texts(self, key: str) -> Mapping[str, str]:
        inner = self.inner(key)
        return MappingProxyType({str(name): inner.text(name) for name in inner.data})

    def wrong(self, key: str, what: str) -> InputError:
        return InputError(f"{self.where}: {key}: {what}")


def _change_of(one: _Reader) -> Change:
    number, ref = one.number("change"), one.maybe("ref")
    if ref is not None and not _REF.fullmatch(ref):
        raise one.wrong("ref", "no name of a ref")
    return Change(
        project=one.text("project"),
        branch=one.text("branch"),
        commit=one.sha("commit"),
        message=one.text("subject"),
        status=ChangeStatus.LOCAL if number is None else ChangeStatus.NEW,
        change_id=one.maybe("change_id"),
        number=number,
        patchset=one.number("patchset"),
        ref=ref,
        url=one.maybe("url"),
    )


def _step_of(one: _Reader) -> MergedChange:
    try:
        mode = MergeMode(one.text("mode"))
    except ValueError:
        raise one.wrong("mode", "no merge mode that is known") from None
    own = one.data.get("own") is True
    return MergedChange(_change_of(one), mode, own, one.text("message"), one.sha("base"), one.sha("result"))


def _repository_of(one: _Reader, steps: tuple[MergedChange, ...]) -> RecipeRepository:
    project, bundle = one.text("project"), one.maybe("bundle") or ""
    if bundle and not _BUNDLE.fullmatch(bundle):
        raise one.wrong("bundle", "no plain name of a file beside the recipe")
    try:
        state = repostate.from_data(one.data)
    except ValueError as error:
        raise InputError(f"{one.where}: {error}") from None
    merged = []
    for each in one.items("merged"):
        branch = each.text("branch")
        changes = tuple(s.change for s in steps if (s.change.project, s.change.branch) == (project, branch))
        ids = {key: each.sha(key) for key in ("base", "commit", "tree", "before_last")}
        merged.append(MergedProject(project=project, branch=branch, changes=changes, **ids))
    whole = one.data.get("all_refs") is not False
    return RecipeRepository(project, one.text("url"), state, whole, tuple(merged), bundle)


def _job_of(one: _Reader) -> RecipeJob:
    facts = {key: value for key, value in one.data.items() if key not in ("name", "checkouts", "definition")}
    definition = one.inner("definition").data
    return RecipeJob(one.text("name"), one.texts("checkouts"), definition, MappingProxyType(facts))
