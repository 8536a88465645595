"""Gerrit's JSON → the values of `model.py`; lenient by design, so a missing or strange field never ends a run."""

from __future__ import annotations

from urllib.parse import unquote

from git_review.gerrit.model import (
    Account,
    Branch,
    Change,
    Group,
    Json,
    Label,
    Message,
    PatchSet,
    Project,
    RelatedChange,
    ServerInfo,
    SubmitRequirement,
    Vote,
    date,
    flag,
    integer,
    table,
    tables,
    text,
)


def account(data: Json) -> Account:
    """An AccountInfo."""
    return Account(integer(data, "_account_id"), text(data, "name"), text(data, "email"), text(data, "username"))


def group(data: Json) -> Group:
    """A GroupInfo; its ``id`` comes percent-encoded (``global%3ARegistered-Users``), access rules want it plain."""
    return Group(unquote(text(data, "id")), text(data, "name"), integer(data, "group_id"), text(data, "description"))


def change(data: Json) -> Change:
    """A ChangeInfo."""
    unresolved = integer(data, "unresolved_comment_count")
    return Change(
        project=text(data, "project"),
        number=integer(data, "_number") or 0,
        branch=text(data, "branch").removeprefix("refs/heads/"),
        change_id=text(data, "change_id"),
        subject=text(data, "subject"),
        status=text(data, "status"),
        topic=text(data, "topic"),
        hashtags=tuple(tag for tag in data.get("hashtags") or () if isinstance(tag, str)),
        owner=_maybe_account(data, "owner"),
        wip=bool(flag(data, "work_in_progress")),
        private=bool(flag(data, "is_private")),
        current_commit=text(data, "current_revision"),
        patchsets=_patchsets(table(data, "revisions")),
        labels=tuple(_label(name, table(table(data, "labels"), name)) for name in table(data, "labels")),
        requirements=tuple(_requirement(entry) for entry in tables(data, "submit_requirements")),
        messages=tuple(_message(entry) for entry in tables(data, "messages")),
        submittable=flag(data, "submittable"),
        mergeable=flag(data, "mergeable"),
        submission_id=text(data, "submission_id"),
        created=date(data, "created"),
        updated=date(data, "updated"),
        unresolved=unresolved,
        has_unresolved=None if unresolved is None else unresolved > 0,
    )


def related(data: Json) -> RelatedChange:
    """A RelatedChangeAndCommitInfo; a commit without a change has number 0."""
    commit = table(data, "commit")
    number, patchset = integer(data, "_change_number") or 0, integer(data, "_revision_number") or 0
    return RelatedChange(
        number=number,
        patchset=patchset,
        current_patchset=integer(data, "_current_revision_number") or patchset,
        commit=text(commit, "commit"),
        parents=_parents(commit),
        project=text(data, "project"),
        change_id=text(data, "change_id"),
        status=text(data, "status"),
        subject=text(commit, "subject"),
    )


def project(data: Json) -> Project:
    """A ProjectInfo."""
    return Project(text(data, "name"), text(data, "parent"), text(data, "description"), text(data, "state"))


def branch(data: Json) -> Branch:
    """A BranchInfo."""
    return Branch(text(data, "ref"), text(data, "revision"))


def server_info(data: Json) -> ServerInfo:
    """A ServerInfo."""
    return ServerInfo(
        auth_type=text(table(data, "auth"), "auth_type"),
        submit_whole_topic=bool(flag(table(data, "change"), "submit_whole_topic")),
        download_schemes=tuple(table(table(data, "download"), "schemes")),
        anonymous_coward=text(table(data, "user"), "anonymous_coward_name"),
    )


def _patchsets(revisions: Json) -> tuple[PatchSet, ...]:
    found = [_patchset(commit, table(revisions, commit)) for commit in revisions]
    return tuple(sorted((entry for entry in found if entry.number > 0), key=lambda entry: entry.number))


def _patchset(commit: str, data: Json) -> PatchSet:
    return PatchSet(
        number=integer(data, "_number") or 0,
        commit=commit,
        ref=text(data, "ref"),
        kind=text(data, "kind"),
        message=text(table(data, "commit"), "message"),
        parents=_parents(table(data, "commit")),
        uploader=_maybe_account(data, "uploader"),
        created=date(data, "created"),
        files=tuple(name for name in table(data, "files") if not name.startswith("/")),
    )


def _parents(commit: Json) -> tuple[str, ...]:
    return tuple(text(parent, "commit") for parent in tables(commit, "parents"))


def _label(name: str, data: Json) -> Label:
    votes = [Vote(account(entry), integer(entry, "value") or 0, date(entry, "date")) for entry in tables(data, "all")]
    return Label(
        name=name,
        approved="approved" in data,
        rejected="rejected" in data,
        optional=bool(flag(data, "optional")),
        votes=tuple(vote for vote in votes if vote.value),
    )


def _requirement(data: Json) -> SubmitRequirement:
    told = table(data, "submittability_expression_result")
    failing = tuple(atom for atom in told.get("failing_atoms") or () if isinstance(atom, str))
    return SubmitRequirement(
        text(data, "name"), text(data, "status"), bool(flag(data, "is_legacy")), text(told, "expression"), failing
    )


def _message(data: Json) -> Message:
    return Message(
        text=text(data, "message"),
        author=_maybe_account(data, "author"),
        tag=text(data, "tag"),
        patchset=integer(data, "_revision_number"),
        date=date(data, "date"),
        id=text(data, "id"),
    )


def _maybe_account(data: Json, key: str) -> Account | None:
    return account(table(data, key)) if table(data, key) else None
