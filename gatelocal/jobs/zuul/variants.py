"""Which definitions make up a job on a branch: its ancestors' and its own, in the order in which they apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatelocal.jobs.zuul.checks import with_names
from gatelocal.jobs.zuul.definitions import Definition, job_holds
from gatelocal.jobs.zuul.draft import Refused
from gatelocal.jobs.zuul.layout import PARENT_HINT, Layout, may_be_elsewhere
from gatelocal.model.refs import Where

MAX_DEPTH = 200
"""How many ancestors a job may have; more is refused before Python's own stack is at its end."""


@dataclass(slots=True)
class _Walk:
    """What was found so far; names are looked at once, however many definitions have them as a parent."""

    layout: Layout
    branch: Where
    seen: set[str] = field(default_factory=set)
    found: list[Definition] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chain:
    """The definitions of a job, ancestors first.

    :ivar assumed: an ancestor that nobody defines, in a layout that is partial; the job is planned without what it
        would add.
    """

    definitions: tuple[Definition, ...]
    assumed: tuple[str, ...] = ()


def chain_of(layout: Layout, name: str, branch: Where, entries: Iterable[Definition]) -> Chain | None:
    """All definitions that apply to a job of that name for a change to the branch; None when none does.

    A job that overrides the checkout of the repository that an ancestor is defined in takes the ancestor's definition
    from that branch (Zuul's rule).

    :param entries: the entries of the project's job list for it that hold on the branch.
    :raises Refused: jobs inherit from each other in a circle, or a parent is not there or holds on no such branch.
    """
    checkouts: dict[str, str] = {}
    for entry in entries:
        _overridden(layout, checkouts, entry)
    walk = _Walk(layout, branch)
    if not _collect(walk, name, (), checkouts):
        return None
    return Chain(tuple(walk.found), tuple(walk.assumed))


def _collect(walk: _Walk, name: str, stack: tuple[str, ...], checkouts: Mapping[str, str]) -> bool:
    """Whether one of the job's own definitions holds."""
    walk.seen.add(name)
    own = dict(checkouts)
    matched = False
    variants = walk.layout.jobs.get(name, ())
    branch = _branch(walk, variants[0], checkouts) if variants else walk.branch
    for variant in variants:
        if not job_holds(variant, branch):
            continue
        _overridden(walk.layout, own, variant)
        parent = variant.body.get("parent")
        if parent is None and "parent" not in variant.body and not walk.found:
            parent = walk.layout.tenant.default_parent
        if isinstance(parent, str):
            _ancestors(walk, variant, parent, (*stack, name), own)
        matched = True
        walk.found.append(variant)
    return matched


def _ancestors(
    walk: _Walk, variant: Definition, parent: str, stack: tuple[str, ...], checkouts: Mapping[str, str]
) -> None:
    if parent in stack:
        loop = " → ".join((*stack[stack.index(parent) :], parent))
        raise Refused(f"jobs inherit from each other in a circle: {loop}", variant)
    if parent in walk.seen:
        return
    if len(stack) > MAX_DEPTH:
        raise Refused(f"it has more than {MAX_DEPTH} ancestors", variant)
    if parent not in walk.layout.jobs:
        if may_be_elsewhere(walk.layout, parent):
            walk.seen.add(parent)
            walk.assumed.append(parent)
            return
        hint = "it may be in a repository that was not found" if walk.layout.missing else PARENT_HINT
        raise Refused(f"there is no job {parent}, which is its parent", variant, hint=hint, unknown=parent)
    if not _collect(walk, parent, stack, checkouts):
        raise _NoVariant(parent)


class _NoVariant(Refused):
    """An ancestor holds on no such branch: to Zuul the whole job then does not."""

    def __init__(self, parent: str) -> None:
        super().__init__(f"no definition of its parent {parent} holds on this branch")


def no_variant(error: Refused) -> bool:
    """Whether the job is not there on this branch, rather than wrong."""
    return isinstance(error, _NoVariant)


def _branch(walk: _Walk, variant: Definition, checkouts: Mapping[str, str]) -> Where:
    """The branch whose definitions of a job count: an overridden checkout's, where its repository has such a branch."""
    project = variant.origin.project.canonical
    override = checkouts.get(project, checkouts.get("", ""))
    return override if override in walk.layout.branches.get(project, ()) else walk.branch


def _overridden(layout: Layout, checkouts: dict[str, str], definition: Definition) -> None:
    whole = definition.body.get("override-checkout")
    if isinstance(whole, str) and whole:
        checkouts[""] = whole
    said = {str(item["name"]): item for item in with_names(definition.body.get("required-projects"))}
    for item in said.values():  # of a project that is named twice, the last word counts
        checkout = item.get("override-checkout")
        if isinstance(checkout, str) and checkout:
            checkouts[layout.canonical(str(item["name"]), definition.origin.project)] = checkout
