"""Whether a job of a plan can be run here, and as what; if not, exactly what is missing. No repository is read.

A job is run as it is written (family ``ansible``) when all that it is made of lies in repositories of which the run has
trees, or in such as were read for the plan. What is the site's own (playbooks of config-projects that the base job, or
what that stands on, brings; also where nobody has it) is left out, and told as a deviation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gatelocal.jobs import families
from gatelocal.jobs.zuul.draft import ATTEMPTS
from gatelocal.jobs.zuul.layout import Layout
from gatelocal.model.deviation import Deviation
from gatelocal.model.job import NODE
from gatelocal.model.plan import FrozenJob, Nodeset, Playbook, Role
from gatelocal.model.playbooks import Playbooks
from gatelocal.model.stanza import Tagged
from gatelocal.model.text import visible

ANSIBLE = "ansible"
_BUILT_IN = "steps of our own stand in for the playbooks of the shared tox jobs"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")


def family_of(found: Layout, job: FrozenJob, project: str, *, as_written: bool = True) -> tuple[str, str]:
    """Who runs the job, or empty and why nobody does.

    :param found: the layout that the job comes from. :param project: the change's.
    :param as_written: whether a job that is built in is run by its own playbooks where these are at hand.
    """
    family = families.family_of(job)
    if family == families.NOOP or (family and not as_written):
        many = 1 if family == families.STEPS else max(len(one.nodes) for one in job.nodesets)
        what = "its tox only one" if family == families.TOX else "without its own playbooks it can have but one"
        return ("", f"it needs {many} nodes, and {what}") if many > 1 else (family, "")
    lacks = next((why for why in _lacks(found, job, project) if why), "")
    if lacks and family:
        return family_of(found, job, project, as_written=False)
    return ("", lacks) if lacks else (ANSIBLE, "")


def deviations(found: Layout, job: FrozenJob, family: str, project: str) -> tuple[Deviation, ...]:
    """What will differ from the gate's own run of the job, as far as that is known before."""
    if family == ANSIBLE:
        return tuple(_of_playbooks(found, job))
    known = found.project(project)
    own = (project, known.canonical if known is not None else project)
    books = [book for book in (*job.pre_run, *job.post_run, *job.cleanup_run) if book.project in own]
    built_in = [Deviation("tox-steps", _BUILT_IN)] if family == families.TOX else []
    return (
        *built_in,
        *(Deviation("tox-pdf", text) for text in families.deviations(job)),
        *(_not_run(family, book) for book in books),
        *(Deviation("secret", f"the secret {name} is not there") for name in job.secrets),
    )


def _not_run(family: str, book: Playbook) -> Deviation:
    text = f"the playbook {book.path} is not run"
    if family in (families.DEVSTACK, families.TEMPEST):
        return Deviation("devstack-playbook", text)
    return Deviation("tox-playbook", text)


def playbooks_of(found: Layout, job: FrozenJob) -> Playbooks:
    """All of it that Ansible is to know. Only for jobs of that family."""
    scalars = job.scalars
    post, attempts = scalars.get("post-timeout"), scalars.get("attempts")
    return Playbooks(
        pre=_kept(found, job, job.pre_run),
        run=_kept(found, job, job.run),
        post=_kept(found, job, job.post_run),
        cleanup=_kept(found, job, job.cleanup_run),
        roles=_roles(found, job),
        extra_variables=job.extra_variables,
        host_variables=job.host_variables,
        group_variables=job.group_variables,
        post_timeout=post if isinstance(post, int) and post > 0 else None,
        attempts=attempts if isinstance(attempts, int) else ATTEMPTS,
        split_streams=scalars.get("ansible-split-streams") is True,
        checkout=str(scalars.get("override-checkout") or ""),
    )


def _lacks(found: Layout, job: FrozenJob, project: str) -> Iterator[str]:
    """What is missing, the most telling first; empty texts mean nothing."""
    if not job.run:
        yield "it runs nothing"
    yield _ancestors(found, job)
    yield from (_repository(found, job, book, project) for book in job.run)
    yield from (
        f"its playbook {book.path} is the site's own (config-project {book.project})"
        for book in job.run
        if _is_sites(found, job, book)
    )
    books = _kept(found, job, (*job.pre_run, *job.run, *job.post_run, *job.cleanup_run))
    yield from (_repository(found, job, book, project) for book in books)
    yield from (f"it needs the secret {name}" for book in books for name in book.secrets)
    for role in job.roles:
        if role.explicit and not _is_trusted(found, role.project) and not _is_here(found, job, role.project, project):
            yield f"its roles lie in {role.project}, which is not here"
    yield from (_strange(nodeset) for nodeset in job.nodesets if len(nodeset.nodes) > 1)
    if any(nodeset.known and not nodeset.nodes for nodeset in job.nodesets):
        yield "it has no node: all of it would run on this machine"
    if job.lists.get("include-vars"):
        yield "it takes variables from files (include-vars)"
    variables = (job.variables, job.extra_variables, job.host_variables, job.group_variables)
    if any(_is_encrypted(value) for value in variables):
        yield "one of its variables is encrypted"


def _ancestors(found: Layout, job: FrozenJob) -> str:
    """An ancestor that brings what is not here; the site's base job may be missing."""
    for name in job.parents:
        if name not in found.jobs and name != found.tenant.default_parent:
            return f"its parent {name} is defined elsewhere"
    shared = families.BUILT_IN
    if found.project(shared.name) is shared:
        built_in = next((one for one in job.parents if families.built_in(one) is not None), "")
        if built_in and any(place.project == shared.name for place in job.chain):
            own = ", ".join(book.path for book in job.run)
            return f"it runs {own} on top of {built_in}, whose playbooks lie in {shared.name}, which is not here"
    return ""


def _repository(found: Layout, job: FrozenJob, book: Playbook, project: str) -> str:
    if _is_here(found, job, book.project, project):
        return ""
    return f"its playbook {book.path} lies in {book.project}, which is not here"


def _is_here(found: Layout, job: FrozenJob, repository: str, project: str) -> bool:
    """Whether the run has, or can have, a tree of the repository."""
    known = found.project(project)
    own = (project, known.canonical if known is not None else project)
    if repository in own or any(one.name == repository for one in job.required_projects):
        return True
    read = found.tenant.known_only and repository in found.projects
    return read and repository not in found.missing


def _is_trusted(found: Layout, repository: str) -> bool:
    project = found.projects.get(repository)
    return project is not None and project.trusted


def _is_sites(found: Layout, job: FrozenJob, book: Playbook) -> bool:
    """Whether a playbook is what the site does around all of its jobs."""
    base, names = found.tenant.default_parent, (job.name, *job.parents)
    below = len(names) - names.index(base) if base in names else 1
    return _is_trusted(found, book.project) and book.level <= below


def _kept(found: Layout, job: FrozenJob, books: Sequence[Playbook]) -> tuple[Playbook, ...]:
    kept = (book for book in books if not _is_sites(found, job, book))
    return tuple(replace(book, trusted=_is_trusted(found, book.project)) for book in kept)


def _roles(found: Layout, job: FrozenJob) -> tuple[Role, ...]:
    """The repositories of roles; of config-projects those that have playbooks of the job."""
    own = {book.project for book in _kept(found, job, (*job.pre_run, *job.run, *job.post_run, *job.cleanup_run))}
    kept = (role for role in job.roles if not _is_trusted(found, role.project) or role.project in own)
    return tuple(replace(role, trusted=_is_trusted(found, role.project)) for role in kept)


def _strange(nodeset: Nodeset) -> str:
    """The first node, if any, that the others could not call by its name."""
    strange = (name for node in nodeset.nodes for name in node.names if not _NAME.fullmatch(name))
    return next((f"the name of its node {visible(name)!r} is none for a network" for name in strange), "")


def _of_playbooks(found: Layout, job: FrozenJob) -> Iterator[Deviation]:
    base = found.tenant.default_parent
    if base in job.parents and base not in found.jobs:
        text = f"the site's job {base} is not here: what it does before and after is not done"
        yield Deviation("base-job", text)
    left_out = [book for book in (*job.pre_run, *job.post_run, *job.cleanup_run) if _is_sites(found, job, book)]
    for project in dict.fromkeys(book.project for book in left_out):
        names = ", ".join(dict.fromkeys(book.path for book in left_out if book.project == project))
        yield Deviation("site-playbook", f"what the site does around its jobs is not done ({project}: {names})")
    if not all(nodeset.known for nodeset in job.nodesets):
        yield Deviation("node-name", f"its nodeset is defined elsewhere: the node goes by the name {NODE}")
    if job.scalars.get("ansible-split-streams") is True:
        yield Deviation("split-streams", "it wants standard error apart, which is part of the output here")
    if version := job.scalars.get("ansible-version"):
        yield Deviation("ansible-version", f"it asks for Ansible {version}; the gate here has one version")


def _is_encrypted(value: object) -> bool:
    if isinstance(value, Tagged):
        return value.tag.startswith("!encrypted") or _is_encrypted(value.value)
    if isinstance(value, Mapping):
        return any(_is_encrypted(inner) for inner in value.values())
    return isinstance(value, (list, tuple)) and any(_is_encrypted(inner) for inner in value)
