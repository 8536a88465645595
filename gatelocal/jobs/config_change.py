"""Does a change alter a job itself? Then it runs whatever its file matchers say (Zuul: match-on-config-updates)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gatelocal.jobs.zuul.draft import ATTEMPTS, Draft
from gatelocal.model.plan import FrozenJob
from gatelocal.model.tenant import TenantProject

_UNLESS_SAID: Mapping[str, object] = {
    "attempts": ATTEMPTS,
    "voting": True,
    "match-on-config-updates": True,
    "deduplicate": "auto",
    "type": "regular",
    "secret-exposure": "ignore",
    "workspace-scheme": "golang",
    "workspace-checkout": True,
}
_SCALARS = (
    *_UNLESS_SAID,
    *(
        "pre-timeout timeout post-timeout override-checkout image-build-name ansible-version ansible-split-streams"
    ).split(),
)
_LISTS = ("tags", "provides", "requires", "failure-output", "include-projects", "exclude-projects", "include-vars")


def alters_own_files(project: TenantProject, changed: Sequence[str] | None, job: FrozenJob) -> bool:
    """Whether one of its playbooks or files of variables is among the changed files of the project."""
    files = set(changed or ())
    books = (*job.pre_run, *job.run, *job.post_run, *job.cleanup_run)
    if any(book.project == project.canonical and book.path in files for book in books):
        return True
    included = job.lists.get("include-vars", ())
    return any(isinstance(one, tuple) and one[0] in ("", project.canonical) and one[1] in files for one in included)


def substance(draft: Draft) -> tuple[object, ...]:
    """What counts when a job is compared with what it was: the attributes that Zuul hashes (Job.getConfigHash).

    Not among them: file matchers, the description, how it is reported, who may run it, and where it is defined. The
    parent that a definition names counts, be it the usual one, and the branches.
    """
    scalars = {**_UNLESS_SAID, **draft.scalars}
    books = (draft.pre_run, draft.run, draft.post_run, draft.cleanup_run)
    return (
        draft.name,
        _last_said(draft, "parent"),
        _last_said(draft, "branches"),
        *(scalars.get(key) for key in _SCALARS),
        *(draft.lists.get(key, ()) for key in _LISTS),
        (bool(draft.final), draft.abstract, draft.intermediate, bool(draft.protected_by), draft.post_review),
        (draft.nodesets, dict(draft.required), set(draft.dependencies), draft.semaphores, draft.roles),
        (draft.variables, draft.extra, draft.hosts, draft.groups),
        tuple(tuple(replace(book, branch="", level=1) for book in group) for group in books),
    )


def _last_said(draft: Draft, key: str) -> object:
    return next((one.body[key] for one in reversed(draft.chain) if key in one.body), None)
