"""Does a change, or an event, match what the layout asks for; it knows no queue."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.facts import Facts, Ref, Vote
from gatelocal.model.layout import Approval, Pipeline, Requirement, Trigger
from gatelocal.model.pattern import any_matches, matches, occurs
from gatelocal.pipeline.events import ChangeEvent, RefUpdated


def unmet(pipeline: Pipeline, facts: Facts, ref: Ref, now: float) -> str:
    """Which requirement of the pipeline the change does not meet, in words; empty when it meets all of them.

    Zuul: the ``require`` and ``reject`` filters (gate-semantics 1.2).
    """
    for rule in (pipeline.require, pipeline.reject):
        if rule is not None and rule.unknown:
            return f"{pipeline.name} asks for what is not known here: {rule.unknown}"
    missing = _missing(pipeline.require, facts, ref, now)
    if missing:
        return f"{pipeline.name} requires {missing}"
    if pipeline.reject is not None:
        found = _rejected(pipeline.reject, facts, ref, now)
        if found:
            return f"{pipeline.name} rejects {found}"
    return ""


def _missing(rule: Requirement, facts: Facts, ref: Ref, now: float) -> str:
    if rule.open is not None and rule.open != (facts.status == "NEW"):
        return "an open change" if rule.open else "a closed change"
    if rule.current_patchset is not None and rule.current_patchset != (facts.patchset == ref.patchset):
        return "the current patchset"
    if rule.wip is not None and rule.wip != facts.wip:
        return "work in progress" if rule.wip else "a change that is not work in progress"
    if rule.status and facts.status not in rule.status:
        return f"status {' or '.join(rule.status)}"
    for approval in rule.approvals:
        if not _approved(approval, facts.votes, now):
            return _words(approval)
    return ""


def _rejected(rule: Requirement, facts: Facts, ref: Ref, now: float) -> str:
    if rule.open is not None and rule.open == (facts.status == "NEW"):
        return "an open change" if rule.open else "a closed change"
    if rule.current_patchset is not None and rule.current_patchset == (facts.patchset == ref.patchset):
        return "the current patchset" if rule.current_patchset else "an old patchset"
    if rule.wip is not None and rule.wip == facts.wip:
        return "work in progress" if rule.wip else "a change that is not work in progress"
    if facts.status in rule.status:
        return f"status {facts.status}"
    for approval in rule.approvals:
        if _approved(approval, facts.votes, now):
            return _words(approval)
    return ""


def _approved(wanted: Approval, votes: Sequence[Vote], now: float) -> bool:
    """Whether votes of the wanted people, age and values are there."""
    aged = wanted.username is not None or wanted.older_than is not None or wanted.newer_than is not None
    fit = [vote for vote in votes if _fits(wanted, vote, now)] if aged else votes
    if not wanted.labels:
        return bool(fit)
    return all(_is_among(fit, label, values) for label, values in wanted.labels)


def _is_among(votes: Sequence[Vote], label: str, values: Sequence[int]) -> bool:
    for vote in votes:  # noqa: SIM110 - for every change that comes: any() takes twice as long
        if vote.label == label and vote.value in values:
            return True
    return False


def _fits(wanted: Approval, vote: Vote, now: float) -> bool:
    if wanted.username is not None and not matches(wanted.username, vote.by):
        return False
    if wanted.older_than is not None and now - vote.at < wanted.older_than:
        return False
    return wanted.newer_than is None or now - vote.at <= wanted.newer_than


def _words(approval: Approval) -> str:
    labels = ", ".join(f"{label} {'/'.join(f'{value:+d}' for value in values)}" for label, values in approval.labels)
    return (labels or "a vote") + (f" by {approval.username.regex}" if approval.username else "")


def triggered(pipeline: Pipeline, event: ChangeEvent, now: float) -> bool:
    """Whether the event of a change puts it into the pipeline."""
    return any(_trigger(one, event, now) for one in pipeline.triggers)


def _trigger(trigger: Trigger, event: ChangeEvent, now: float) -> bool:  # noqa: PLR0911 - one for each filter
    facts = event.facts
    if event.kind not in trigger.events:
        return False
    if trigger.approvals and not all(pair in event.approvals for pair in trigger.approvals):
        return False
    if trigger.comments and not any(occurs(p.regex, event.comment) for p in trigger.comments):
        return False
    if trigger.branches and not any_matches(trigger.branches, facts.branch):
        return False
    if trigger.usernames and not any_matches(trigger.usernames, event.by):
        return False
    if trigger.refs:
        return False
    if not all(_approved(wanted, facts.votes, now) for wanted in trigger.require):
        return False
    return not any(_approved(wanted, facts.votes, now) for wanted in trigger.reject)


def ref_triggered(pipeline: Pipeline, event: RefUpdated) -> bool:
    """Whether the movement of a branch puts it into the pipeline."""
    branch = event.facts.branch
    return any(
        "ref-updated" in trigger.events
        and (not trigger.refs or any_matches(trigger.refs, f"refs/heads/{branch}"))
        and (not trigger.branches or any_matches(trigger.branches, branch))
        for trigger in pipeline.triggers
    )
