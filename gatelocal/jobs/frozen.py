"""One job of a project's list, frozen for a branch: all definitions that apply to it, and whether it may run at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatelocal.jobs.zuul.apply import apply
from gatelocal.jobs.zuul.definitions import Definition
from gatelocal.jobs.zuul.draft import Draft, Refused
from gatelocal.jobs.zuul.layout import NOOP, Layout, too_long
from gatelocal.jobs.zuul.variables import merged
from gatelocal.jobs.zuul.variants import chain_of
from gatelocal.model.plan import Nodeset
from gatelocal.model.refs import Where
from gatelocal.model.tenant import TenantProject


def freeze(
    layout: Layout, branch: Where, name: str, holding: Sequence[Definition], variables: Mapping[str, object]
) -> tuple[Draft | None, tuple[str, ...]]:
    """The job with all that applies to it, and the ancestors that had to be assumed; no draft without a variant.

    :param holding: the entries of the project's job list for it that hold on the branch.
    :param variables: what the project and its templates say for all of its jobs.
    :raises Refused: its definitions contradict each other.
    """
    draft = Draft(name=name)
    assumed: tuple[str, ...] = ()
    if name == NOOP:
        draft = replace(draft, final="built in", scalars={"deduplicate": True})
    else:
        chain = chain_of(layout, name, branch, holding)
        if chain is None:
            return None, ()
        assumed = chain.assumed
        for definition in chain.definitions:
            draft = apply(draft, definition, layout)
    draft = replace(draft, name=name, variables=merged(variables, draft.variables))
    for entry in holding:
        draft = apply(draft, entry, layout)
        _check_reporter(draft, entry)
        _check_image(layout, draft, entry)
        if entry.origin.project.trusted and entry.origin.project.overrules:
            draft = replace(draft, any_project=True)
    elsewhere = bool(assumed) or not layout.tenant.known_only
    if elsewhere and name != NOOP and not any("nodeset" in one.body for one in draft.chain):
        draft = replace(draft, nodesets=(Nodeset(known=False),))  # an ancestor that is not here may well have one
    return draft, assumed


def _check_reporter(draft: Draft, entry: Definition) -> None:
    """A job that runs after the report is for stanzas of projects that the tenant allows it to (Zuul)."""
    project = entry.origin.project
    if draft.scalars.get("type") == "reporter" and not project.reporter_jobs:
        raise Refused(
            f"job {draft.name} is a reporter job, which {project.name} may not ask for",
            entry,
            hint="the tenant says `allow-reporter-jobs: true` for the projects that may",
        )


def _check_image(layout: Layout, draft: Draft, entry: Definition) -> None:
    """An image is built for the stanzas of the project that defines it (Zuul)."""
    name = draft.scalars.get("image-build-name")
    if not isinstance(name, str) or not name:
        return
    image = layout.images.get(name)
    if image is None:
        if layout.tenant.known_only and not layout.incomplete:
            raise Refused(f"there is no image {name}, which job {draft.name} builds", entry)
    elif image.origin.project.canonical != entry.origin.project.canonical:
        raise Refused(f"image {name} is defined in {image.origin.project.name}, whose stanzas alone build it", entry)


def check_limits(layout: Layout, holding: Sequence[Definition]) -> None:
    """Refuse entries that ask for more time than the tenant allows.

    :raises Refused: one does.
    """
    for entry in holding:
        if problem := too_long(layout.tenant, entry.body):
            raise Refused(problem, entry)


def check_runnable(
    layout: Layout, project: TenantProject, pipeline: str, draft: Draft, assumed: Sequence[str] = ()
) -> None:
    """Refuse to run a job where Zuul would: for another project than those it is for, before a review, without work.

    :raises Refused: with the reason.
    """
    name = draft.name
    if draft.abstract:
        raise Refused(f"job {name} is abstract: it is there to be inherited from, not to run", hint="name a child")
    if draft.allowed is not None and not draft.any_project and project.name not in draft.allowed:
        told = f"by {', '.join(sorted(draft.allowed))} only" if draft.allowed else "by no project at all"
        raise Refused(f"job {name} may be run {told}")
    stanza = layout.pipelines.get(pipeline)
    if draft.post_review and stanza is not None and stanza.body.get("post-review") is not True:
        raise Refused(
            f"job {name} is for reviewed changes only (post-review, or a secret), which {pipeline} is not for"
        )
    base_may_run = layout.tenant.known_only and tuple(assumed) == (layout.tenant.default_parent,)
    if draft.run or name == NOOP or base_may_run:
        return
    if assumed:
        raise Refused(
            f"there is no job {assumed[0]}, an ancestor, and job {name} has no playbook of its own",
            hint="is the repository that defines it in the tenant?",
            unknown=assumed[0],
        )
    raise Refused(f"job {name} has no playbook to run")
