"""What a sandbox's Gerrit is told before somebody uses it: access rules, labels, projects, users.

It goes through the REST client of `git_review.gerrit`, or ssh where REST has no word for it; it starts no server.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError, as_machinery
from gatelocal.sandbox.identity import Identity, keep_password, make_key, new_password
from gatelocal.sandbox.server import Server
from gatelocal.sandbox.site import INIT_PASSWORD, LOOPBACK
from git_review.gerrit import Auth, connect
from git_review.gerrit.errors import Unauthorized
from git_review.git.runner import Runner

ALL_PROJECTS = "All-Projects"
REVIEWER = "reviewer"

Json = dict[str, object]

_ADMINISTRATORS, _SERVICES = "Administrators", "Service Users"
_ANONYMOUS, _REGISTERED, _OWNERS = "global:Anonymous-Users", "global:Registered-Users", "global:Project-Owners"
_FIRST_TOKEN = "initialToken"  # noqa: S105 - a name that Gerrit's init gives, no secret
_KEEPERS = (_ADMINISTRATORS, _OWNERS)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Who may do one thing on some refs. :ivar votes: for a label's permission, the lowest and highest vote."""

    ref: str
    permission: str
    groups: tuple[str, ...]
    votes: tuple[int, int] | None = None
    force: bool = False
    exclusive: bool = False


_RULES = (
    _Rule("GLOBAL_CAPABILITIES", "streamEvents", (_SERVICES,)),
    _Rule("refs/*", "read", (_ADMINISTRATORS,)),
    _Rule("refs/meta/version", "read", (_ANONYMOUS,)),
    _Rule("refs/heads/*", "read", (_ANONYMOUS,)),
    _Rule("refs/heads/*", "forgeAuthor", (_REGISTERED,)),
    _Rule("refs/heads/*", "revert", (_REGISTERED,)),
    _Rule("refs/heads/*", "forgeCommitter", _KEEPERS),
    _Rule("refs/heads/*", "create", _KEEPERS),
    _Rule("refs/heads/*", "delete", _KEEPERS),
    _Rule("refs/heads/*", "push", _KEEPERS, force=True),
    _Rule("refs/heads/*", "editTopicName", _KEEPERS, force=True),
    _Rule("refs/heads/*", "abandon", _KEEPERS),
    _Rule("refs/heads/*", "rebase", (*_KEEPERS, _SERVICES)),
    _Rule("refs/heads/*", "submit", (_ADMINISTRATORS, _SERVICES)),
    _Rule("refs/heads/*", "label-Code-Review", (_REGISTERED,), (-1, 1)),
    _Rule("refs/heads/*", "label-Code-Review", _KEEPERS, (-2, 2)),
    _Rule("refs/heads/*", "label-Verified", (_ADMINISTRATORS, _SERVICES), (-2, 2)),
    _Rule("refs/heads/*", "label-Workflow", (_REGISTERED,), (-1, 1)),
    _Rule("refs/for/*", "addPatchSet", (_REGISTERED,)),
    _Rule("refs/for/refs/*", "push", (_REGISTERED,)),
    _Rule("refs/for/refs/*", "pushMerge", (_REGISTERED,)),
    _Rule("refs/tags/*", "create", _KEEPERS),
    _Rule("refs/tags/*", "createTag", _KEEPERS),
    _Rule("refs/tags/*", "createSignedTag", _KEEPERS),
    _Rule("refs/meta/config", "read", _KEEPERS, exclusive=True),
    _Rule("refs/meta/config", "create", _KEEPERS),
    _Rule("refs/meta/config", "push", _KEEPERS),
    _Rule("refs/meta/config", "submit", _KEEPERS),
    _Rule("refs/meta/config", "label-Code-Review", _KEEPERS, (-2, 2)),
)

_LABELS: Mapping[str, Mapping[str, object]] = {
    "Code-Review": {
        "values": {
            "-2": "Do not submit",
            "-1": "I would rather this is not submitted as it is",
            " 0": "No score",
            "+1": "Looks good to me, somebody else must approve",
            "+2": "Looks good to me, approved",
        },
        "copy_condition": "changekind:NO_CHANGE OR changekind:TRIVIAL_REBASE OR is:MIN",
    },
    "Verified": {
        "values": {
            "-2": "Fails in the gate",
            "-1": "Does not work",
            " 0": "No score",
            "+1": "Works",
            "+2": "Passed the gate",
        },
        "copy_condition": "changekind:NO_CHANGE OR changekind:NO_CODE_CHANGE",
    },
    "Workflow": {
        "values": {"-1": "Work in progress", " 0": "Ready for reviews", "+1": "Approved"},
        "copy_condition": "changekind:NO_CHANGE OR changekind:NO_CODE_CHANGE",
    },
}


def set_up(server: Server) -> None:
    """Replace the access rules and labels that this version brings with those that all our sandboxes have.

    Submitting needs Code-Review +2 and no -2; what else a gate wants is for :func:`create_project` to say.
    """
    gerrit = server.client()
    groups = {name: gerrit.groups.get(name).id for name in (_ADMINISTRATORS, _SERVICES)}
    for name, label in _LABELS.items():
        gerrit.projects.set_label(ALL_PROJECTS, name, {"function": "NoBlock", "default_value": 0, **label})
    gerrit.projects.set_submit_requirement(ALL_PROJECTS, "Code-Review", _maximum("Code-Review"))
    present = gerrit.projects.access(ALL_PROJECTS).get("local")
    refs = present if isinstance(present, Mapping) else {}
    # Not the global capabilities: whoever takes away his own may not put them back.
    unwanted: Json = {ref: {"permissions": {}} for ref in refs if ref.startswith("refs/")}
    gerrit.projects.set_access(ALL_PROJECTS, add=_sections(groups), remove=unwanted)


def forget_first_password(server: Server) -> None:
    """See to it that the well-known password of a new site lets nobody in any more.

    Since 3.13 it is a token, which stays when the administrator is given another password.
    :raises InfrastructureError: it cannot be taken away.
    """
    if not _lets_in(server, INIT_PASSWORD):
        return
    admin = server.admin.username
    remote = shlex.join(("gerrit", "set-account", "--delete-token", _FIRST_TOKEN, admin))
    process.run([*server.ssh(), "-p", str(server.ssh_port), "-l", admin, server.ssh_host, remote], timeout=60)
    if _lets_in(server, INIT_PASSWORD):
        raise InfrastructureError(f"Gerrit {server.version} keeps the well-known password of a new site")


def create_project(
    server: Server,
    name: str,
    *,
    branches: Sequence[str] = ("master",),
    submit_type: str | None = None,
    gated: bool = False,
) -> None:
    """Make a project with an empty first commit on each branch; the first is its HEAD.

    :param submit_type: such as ``MERGE_IF_NECESSARY``; Gerrit's own default when None.
    :param gated: submitting also needs Verified +2 and Workflow +1, and neither's lowest vote.
    :raises git_review.gerrit.errors.GerritError: the server refuses; Conflict: there is one of that name.
    """
    projects = server.client().projects
    projects.create(name, create_empty_commit=True, branches=branches, submit_type=submit_type)
    for label in ("Verified", "Workflow") if gated else ():
        projects.set_submit_requirement(name, label, _maximum(label))


def import_project(server: Server, name: str, folder: Path) -> str:
    """Make a project out of a repository on this machine: its HEAD is then the only branch, whose name is given back.

    :raises InfrastructureError: there is nothing to take, or the server does not take it.
    :raises git_review.gerrit.errors.GerritError: the server refuses; Conflict: there is one of that name.
    """
    with as_machinery(f"reading {folder}"):
        git = Runner(folder, environment=server.environment())
        commit = git.query("rev-parse", "--verify", "HEAD^{commit}").text
        branch = git.query("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1)).text or "master"
    server.client().projects.create(name, create_empty_commit=False, branches=(branch,))
    options = ("-c", "core.hooksPath=/dev/null", "push", "--quiet", "--no-verify")
    with as_machinery(f"pushing {folder} to {name}"):
        git.run(*options, "--", server.ssh_url(name), f"{commit}:refs/heads/{branch}")
    return branch


def second_user(server: Server) -> Identity:
    """An account that is no administrator, made when it is first asked for: somebody to review what one wrote."""
    folder = server.directory / "users" / REVIEWER
    if folder.is_dir():
        return Identity(folder, REVIEWER, REVIEWER.capitalize(), f"{REVIEWER}@example.com")
    return create_user(server, REVIEWER)


def create_user(server: Server, username: str, *, groups: Sequence[str] = ()) -> Identity:
    """Make an account with a key and a password of its own; its files go with the sandbox.

    :param groups: such as ``Service Users``, for a gate's own account.
    :raises git_review.gerrit.errors.GerritError: the server refuses; Conflict: the name is taken.
    """
    folder = server.directory / "users" / username
    who = Identity(folder, username, username.capitalize(), f"{username}@example.com")
    make_key(who)
    password = new_password()
    server.client().accounts.create(
        username, name=who.name, email=who.email, ssh_key=who.public_key, http_password=password, groups=groups
    )
    keep_password(who, password, f"{LOOPBACK}:{server.http_port}")
    return who


def _lets_in(server: Server, password: str) -> bool:
    try:
        with connect(server.url, auth=Auth(server.admin.username, password)) as gerrit:
            gerrit.accounts.get("self")
    except Unauthorized:
        return False
    return True


def _maximum(label: str) -> Json:
    """A submit requirement: somebody gave the highest vote, nobody the lowest."""
    return {
        "submittability_expression": f"label:{label}=MAX AND -label:{label}=MIN",
        "allow_override_in_child_projects": True,
    }


def _sections(groups: Mapping[str, str]) -> dict[str, Json]:
    """The rules as Gerrit's REST interface wants them: ref → permission → group's UUID → rule."""
    sections: dict[str, dict[str, dict[str, object]]] = {}
    for rule in _RULES:
        permission = sections.setdefault(rule.ref, {}).setdefault(rule.permission, {"exclusive": rule.exclusive})
        if rule.votes is not None:
            permission["label"] = rule.permission.removeprefix("label-")
        one: Json = {"action": "ALLOW", "force": rule.force}
        if rule.votes is not None:
            one |= {"min": rule.votes[0], "max": rule.votes[1]}
        rules = permission.setdefault("rules", {})
        if isinstance(rules, dict):
            rules.update({groups.get(name, name): one for name in rule.groups})
    return {ref: {"permissions": permissions} for ref, permissions in sections.items()}
