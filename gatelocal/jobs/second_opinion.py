"""Our plan beside the jobs that a running Zuul has frozen: what differs, job by job; it asks nobody.

Zuul freezes for a branch and leaves all file matchers aside, so the plan to compare is one without changed files. What
the API does not tell (attempts, file matchers, semaphores of the job) is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatelocal.model.plan import Difference, FrozenJob, Nodeset, Opinion, Plan, Playbook
from gatelocal.model.stanza import Tagged

MISSING = "(not there)"
_BOOKS = (
    ("pre_run", "pre_playbooks"),
    ("run", "playbooks"),
    ("post_run", "post_playbooks"),
    ("cleanup_run", "cleanup_playbooks"),
)
_VARIABLES = (
    ("variables", "vars"),
    ("extra_variables", "extra_vars"),
    ("host_variables", "host_vars"),
    ("group_variables", "group_vars"),
)
_SCALARS = (
    ("timeout", None),
    ("pre-timeout", None),
    ("post-timeout", None),
    ("override-branch", None),
    ("override-checkout", None),
    ("ansible-split-streams", None),
    ("workspace-scheme", "golang"),
    ("workspace-checkout", True),
)


def compare(
    plan: Plan, url: str, listed: Sequence[Mapping[str, object]], frozen: Mapping[str, Mapping[str, object]]
) -> Opinion:
    """The second opinion.

    :param plan: without changed files. :param listed: Zuul's list of jobs. :param frozen: each of them by its name.
    """
    ours = {one.name: one.job for one in plan.jobs if one.run and one.job is not None}
    theirs = {str(one["name"]): one for one in listed}
    found: list[Difference] = []
    for name in dict.fromkeys((*ours, *theirs)):
        job = ours.get(name)
        if job is None or name not in theirs:
            found.append(Difference(name, "", "runs" if job else MISSING, "runs" if name in theirs else MISSING))
        else:
            found += _of_job(job, theirs[name], frozen.get(name, {}))
    named = {one.job for one in found}
    agreed = sum(1 for name in ours if name in theirs and name not in named)
    return Opinion(url, agreed, tuple(found))


def _of_job(job: FrozenJob, listed: Mapping[str, object], answer: Mapping[str, object]) -> Iterator[Difference]:
    pairs = [
        ("dependencies", sorted((one.name, one.soft) for one in job.dependencies), _dependencies(listed)),
        *_compared(job, answer),
    ]
    for attribute, here, zuul in pairs:
        if here != zuul:
            yield from _parts(job.name, attribute, here, zuul)


def _parts(job: str, attribute: str, here: object, zuul: object) -> Iterator[Difference]:
    """Variables name by name, everything else whole."""
    if not isinstance(here, Mapping) or not isinstance(zuul, Mapping):
        yield Difference(job, attribute, here, zuul)
        return
    for key in dict.fromkeys((*here, *zuul)):
        ours, theirs = here.get(key, MISSING), zuul.get(key, MISSING)
        if ours != theirs:
            yield Difference(job, f"{attribute}.{key}", ours, theirs)


def _compared(job: FrozenJob, answer: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    about = _mapping(answer.get("zuul"))
    if "voting" in about:
        yield "voting", job.voting, about["voting"]
    if "jobtags" in about:
        yield "tags", sorted(map(str, job.lists.get("tags", ()))), sorted(map(str, _list(about["jobtags"])))
    for key, default in _SCALARS:
        name = key.replace("-", "_")
        if name in answer:
            yield name, _limited(job, key, default), answer[name]
    for ours, theirs in _BOOKS:
        if theirs in answer:
            name = "run_playbooks" if ours == "run" else ours
            yield name, _books(getattr(job, ours)), [_book(one) for one in _list(answer[theirs])]
    if any(theirs in answer for _, theirs in _BOOKS):
        yield "secrets", sorted(job.secrets), _secrets(answer)
    if "nodeset" in answer:
        yield "nodeset", _nodeset(job.nodeset), _their_nodeset(_mapping(answer["nodeset"]))
    for ours, theirs in _VARIABLES:
        if theirs in answer:
            yield theirs, _plain(getattr(job, ours)), _plain(_mapping(answer[theirs]))
    if "projects" in answer:
        yield "required_projects", _projects(job), _their_projects(answer["projects"])
    if "failure_output" in answer:
        ours_said = sorted(map(str, job.lists.get("failure-output", ())))
        yield "failure_output", ours_said, sorted(set(map(str, _list(answer["failure_output"]))))


def _limited(job: FrozenJob, key: str, default: object) -> object:
    """A scalar as Zuul freezes it: the time limit for what comes before is cut to the whole one."""
    value = job.scalars.get(key, default)
    whole = job.timeout
    return whole if key == "pre-timeout" and isinstance(value, int) and whole and value > whole else value


def _books(books: Iterable[Playbook]) -> list[str]:
    return [f"{_short(book.project)} {book.path}" for book in books]


def _book(item: object) -> str:
    body = _mapping(item)
    return f"{body.get('project')} {body.get('path')}"


def _short(canonical: str) -> str:
    """The name without its host, as Zuul names a playbook's project."""
    host, _, rest = canonical.partition("/")
    return rest if "." in host or "/" in rest else canonical


def _secrets(answer: Mapping[str, object]) -> list[str]:
    books = [_mapping(one) for _, theirs in _BOOKS for one in _list(answer.get(theirs))]
    return sorted({str(name) for book in books for name in _mapping(book.get("secrets"))})


def _nodeset(nodeset: Nodeset) -> object:
    nodes = [[list(node.names), node.label] for node in nodeset.nodes]
    groups = [[group.name, list(group.nodes)] for group in nodeset.groups]
    return {"name": nodeset.name or None, "nodes": nodes, "groups": groups}


def _their_nodeset(body: Mapping[str, object]) -> object:
    nodes = [
        [[*_list(one.get("name")), *_list(one.get("aliases"))], one.get("label")]
        for one in map(_mapping, _list(body.get("nodes")))
    ]
    groups = [[one.get("name"), _list(one.get("nodes"))] for one in map(_mapping, _list(body.get("groups")))]
    return {"name": body.get("name") or None, "nodes": nodes, "groups": groups}


def _projects(job: FrozenJob) -> object:
    return {one.name: [one.checkout, one.branch] for one in job.required_projects}


def _their_projects(value: object) -> object:
    items = [_mapping(one) for one in _list(value)]
    return {str(one.get("canonical_name")): [one.get("override_checkout"), one.get("override_branch")] for one in items}


def _dependencies(listed: Mapping[str, object]) -> object:
    items = [_mapping(one) for one in _list(listed.get("dependencies"))]
    return sorted((str(one.get("name")), one.get("soft") is True) for one in items)


def _plain(value: object) -> object:
    if isinstance(value, Tagged):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
