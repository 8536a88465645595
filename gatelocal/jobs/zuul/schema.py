"""Is a stanza what Zuul takes? Its keys and their types, as in Zuul 14; what it refers to is looked up elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gatelocal.jobs.zuul.checks import (
    ENTRY,
    JOB,
    PIPELINE,
    PIPELINE_OF_PROJECT,
    PROJECT,
    STANZAS,
    TEMPLATE,
    Check,
    keys_wrong,
    names,
    nodeset,
    with_names,
)
from gatelocal.model.stanza import Stanza
from gatelocal.model.tenant import Fault

WRONG = ""
"""The only setting of an entry of a job list that is wrong: what is wrong with it. No real setting has this name."""

_PLAYBOOKS = ("pre-run", "run", "post-run", "cleanup-run")
_NOT_PIPELINES = frozenset("name description templates merge-mode default-branch vars queue branches".split())


def problems(stanza: Stanza) -> Iterator[str]:
    """What is wrong with a stanza, each one sentence without its place; nothing when Zuul would take it."""
    if stanza.kind == "job":
        yield from _definition(stanza.body, JOB, "")
    elif stanza.kind in ("project", "project-template"):
        yield from _project(stanza)
    elif stanza.kind == "pipeline":
        yield from _pipeline(stanza.body)
    elif stanza.kind in STANZAS:
        yield from keys_wrong(stanza.body, STANZAS[stanza.kind], "")
        if stanza.kind == "nodeset":
            inner = {key: value for key, value in stanza.body.items() if key != "name"}
            if problem := nodeset(inner):
                yield problem
        if stanza.kind == "secret" and ("data" in stanza.body) == ("oidc" in stanza.body):
            yield "it has either data or oidc, one of them"
        if stanza.kind == "queue":
            yield from _queue(stanza.body)


def _pipeline(body: Mapping[str, object]) -> Iterator[str]:
    wrong = list(keys_wrong(body, PIPELINE, ""))
    if "manager" not in body:
        wrong.append("it has no manager")
    yield from wrong
    ceiling, floor = body.get("window-ceiling"), body.get("window-floor", 3)
    if not wrong and isinstance(ceiling, int) and isinstance(floor, int) and ceiling < floor:
        yield f"window-ceiling: less than window-floor, which is {floor}"


def _queue(body: Mapping[str, object]) -> Iterator[str]:
    if "type" in body and "per-branch" in body:
        yield "type and per-branch exclude each other"
    if body.get("dependencies-by-topic") is True and body.get("allow-circular-dependencies") is not True:
        yield "dependencies-by-topic needs allow-circular-dependencies"


def sifted(stanzas: Iterable[Stanza]) -> tuple[tuple[Stanza, ...], tuple[Fault, ...]]:
    """The stanzas that can be used, and what is wrong with them and with the others.

    An entry of a job list that is wrong spoils its own job and not the whole stanza, as it does in Zuul: the entry
    stays, with :data:`WRONG` in place of its settings.
    """
    good: list[Stanza] = []
    bad: list[Fault] = []
    for stanza in stanzas:
        kept, found = _with_marks(stanza)
        bad += [_fault(stanza, problem) for problem in found]
        if beyond := [_fault(stanza, problem) for problem in problems(kept)]:
            bad += beyond
        else:
            good.append(kept)
    return tuple(good), tuple(bad)


def _fault(stanza: Stanza, problem: str) -> Fault:
    who = f"{stanza.kind} {stanza.name}" if stanza.name else stanza.kind
    return Fault(stanza.line, f"{who}: {problem}", "", stanza.kind, stanza.name)


def _with_marks(stanza: Stanza) -> tuple[Stanza, list[str]]:
    """The stanza with its wrong entries marked, and what is wrong with them."""
    told: list[str] = []
    if stanza.kind not in ("project", "project-template"):
        return stanza, told
    body = dict(stanza.body)
    for pipeline, section in stanza.body.items():
        if pipeline in _NOT_PIPELINES or not isinstance(section, Mapping) or not isinstance(section.get("jobs"), list):
            continue
        checked = [(item, list(_entry_problems(item))) for item in section["jobs"]]
        if wrong := [problem for _, found in checked for problem in found]:
            told += wrong
            body[pipeline] = {**section, "jobs": [one for item, found in checked if (one := _marked(item, found))]}
    return (replace(stanza, body=body), told) if told else (stanza, told)


def _marked(item: object, found: Sequence[str]) -> object:
    if not found:
        return item
    known = entry(item)
    return {known[0]: {WRONG: found[0]}} if known else None


def entry(item: object) -> tuple[str, Mapping[str, object]] | None:
    """The name and the settings of one entry of a job list; None when it is no entry."""
    if isinstance(item, str):
        return item, {}
    if isinstance(item, Mapping) and len(item) == 1:
        name, body = next(iter(item.items()))
        if isinstance(name, str) and (body is None or isinstance(body, Mapping)):
            return name, body or {}
    return None


def _project(stanza: Stanza) -> Iterator[str]:
    known = {key: value for key, value in stanza.body.items() if key in _NOT_PIPELINES}
    yield from keys_wrong(known, PROJECT if stanza.kind == "project" else TEMPLATE, "")
    for pipeline, section in stanza.body.items():
        if pipeline in _NOT_PIPELINES:
            continue
        if not isinstance(section, Mapping):
            yield f"{pipeline}: it is no key of a {stanza.kind}, and no pipeline with a list of jobs"
            continue
        yield from keys_wrong(section, PIPELINE_OF_PROJECT, f"{pipeline}: ")
        jobs = section.get("jobs", [])
        if not isinstance(jobs, list):
            yield f"{pipeline}: jobs: not a list"
            continue
        for item in jobs:
            yield from _entry_problems(item)


def _entry_problems(item: object) -> Iterator[str]:
    found = entry(item)
    if found is None:
        yield f"an entry of a job list is a name, or a name with its own settings, not {item!r}"[:500]
    elif WRONG not in found[1]:
        if isinstance(item, Mapping) and item[found[0]] is None:
            yield f"{found[0]}: it has no settings: leave the colon out"
        yield from _definition(found[1], ENTRY, f"{found[0]}: ")


def _definition(body: Mapping[str, object], known: Mapping[str, Check], before: str) -> Iterator[str]:
    """What is wrong with a job's definition; whether its values fit together is asked once each of them is right."""
    wrong = list(keys_wrong(body, known, before))
    yield from wrong or _contradictions(body, before)


def _contradictions(body: Mapping[str, object], before: str) -> Iterator[str]:
    if body.get("intermediate") is True and body.get("abstract") is not True:
        yield f"{before}an intermediate job must be abstract too"
    whole, part = body.get("timeout"), body.get("pre-timeout")
    if isinstance(whole, int) and isinstance(part, int) and part > whole > 0:
        yield f"{before}pre-timeout: it is part of the timeout, and cannot be longer"
    own = names(body.get("semaphores", body.get("semaphore")))
    books = (book for key in _PLAYBOOKS for book in with_names(body.get(key)))
    if both := {name for book in books for name in names(book.get("semaphores"))}.intersection(own):
        yield f"{before}semaphore {min(both)} is the job's and a playbook's too: it can be of one only"
