"""A plan for programs, as one JSON object, and for people, as a table; it decides nothing and prints nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from gatelocal.jobs.cost import Cost, proposed
from gatelocal.model.pattern import Pattern
from gatelocal.model.plan import (
    FrozenJob,
    Missing,
    Nodeset,
    Opinion,
    Place,
    Plan,
    PlannedJob,
    Playbook,
    Problem,
    Usual,
)
from gatelocal.model.stanza import Tagged
from gatelocal.model.text import visible

SHOWN = 20
"""How many missing repositories a person is told of; the JSON object has all."""

WIDE = 160
"""Characters of a value that a Zuul sees otherwise; the JSON object has all."""

HEADINGS = ("STEP", "JOB", "TIME", "DISK", "NODE", "")

NOTHING_KNOWN: Mapping[str, Usual] = MappingProxyType({})


def as_json(plan: Plan, history: Mapping[str, Usual] = NOTHING_KNOWN) -> dict[str, object]:
    """The plan as plain values for ``json.dumps``: the contract of ``gatelocal plan --json``, version 1.

    :param history: what jobs usually take here.
    """
    steps = {one.name: cost for one, cost in proposed(plan.jobs, history)}
    return {
        "project": plan.project,
        "branch": plan.branch,
        "pipeline": plan.pipeline,
        "queue": plan.queue,
        "jobs": [_planned(job, steps.get(job.name)) for job in plan.jobs],
        "proposed_order": list(steps),
        "errors": [_problem(problem) for problem in plan.errors],
        "missing": [
            {
                "repository": one.repository or None,
                "needed_for": list(one.needed_for),
                "required_by": list(one.required_by),
                "why": one.why,
            }
            for one in plan.missing
        ],
        "other_errors": plan.other_errors,
        "notes": list(plan.notes),
        "ahead": [
            {"change": one.name, "project": one.project, "url": one.url, "taken": one.taken} for one in plan.ahead
        ],
        **({} if plan.opinion is None else {"second_opinion": _opinion(plan.opinion)}),
    }


def _opinion(opinion: Opinion) -> dict[str, object]:
    return {
        "url": opinion.url,
        "agreed": opinion.agreed,
        "differences": [
            {
                "job": one.job,
                "attribute": one.attribute or None,
                "here": _written(one.here),
                "zuul": _written(one.zuul),
            }
            for one in opinion.differences
        ],
    }


def table(plan: Plan, history: Mapping[str, Usual] = NOTHING_KNOWN) -> list[str]:
    """The plan for a person: what runs, with what it is likely to take, in the order in which it answers soonest."""
    queue = f", queue {plan.queue}" if plan.queue else ""
    lines = [visible(f"{plan.project} {plan.branch}, pipeline {plan.pipeline}{queue}"), ""]
    running = proposed(plan.jobs, history)
    lines += _rows([HEADINGS, *(_row(planned, cost) for planned, cost in running)]) if running else []
    if running:
        hours, disk = sum(cost.vm_hours for _, cost in running), sum(cost.gigabytes for _, cost in running)
        lines += ["", f"{len(running)} of {len(plan.jobs)} jobs run: ~{hours:.1f} VM-hours and ~{disk:.0f} GB"]
        learned = sum(1 for _, cost in running if cost.builds)
        if learned:
            rest = ", the others (~) a guess by their kind" if learned < len(running) else ""
            lines.append(f"minutes of {learned} of them are what they took here{rest}")
        else:
            lines.append("~: a guess by the kind of job, for a gate's node with eight cores")
    else:
        lines.append(f"none of {len(plan.jobs)} jobs runs")
    lines += _not_here(plan)
    others = [job for job in plan.jobs if not job.run]
    if others:
        lines += ["", "not run:", *_rows([(f"  {job.name}", job.rule, job.reason) for job in others])]
    lines += [*_ahead(plan), *_shortfalls(plan), *_told_otherwise(plan)]
    return [*lines, *(visible(f"note: {note}") for note in plan.notes)]


def _not_here(plan: Plan) -> list[str]:
    """The jobs that the gate runs and `gatelocal run` could not."""
    lacking = [(f"  {job.name}", job.lacks) for job in plan.jobs if job.run and job.lacks]
    return ["", f"{len(lacking)} of these cannot be run here:", *_rows(lacking)] if lacking else []


def _ahead(plan: Plan) -> list[str]:
    if not plan.ahead:
        return []
    told = [
        visible(f"  {one.name} {one.project} {one.url}".rstrip() + ("" if one.taken else "  (not merged here)"))
        for one in plan.ahead
    ]
    return ["", "queued ahead:", *told]


def _told_otherwise(plan: Plan) -> list[str]:
    opinion = plan.opinion
    if opinion is None:
        return []
    if not opinion.differences:
        return ["", visible(f"{opinion.url} agrees on all {opinion.agreed} jobs")]
    names = dict.fromkeys(one.job for one in opinion.differences)
    lines = ["", visible(f"{opinion.url} agrees on {opinion.agreed} jobs, and differs on {len(names)}:")]
    for one in opinion.differences:
        what = f"{one.job}: {one.attribute}" if one.attribute else one.job
        lines.append(visible(f"  {what}: here {_short(one.here)}, there {_short(one.zuul)}"))
    return lines


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= WIDE else f"{text[:WIDE]}..."


def _shortfalls(plan: Plan) -> list[str]:
    read = [(one, [job for job in one.needed_for if job not in one.required_by]) for one in plan.missing]
    sources = [(one, one.required_by) for one, jobs in read if not jobs]
    lines = _lacking(
        "repositories that could not be read: what they may define for these jobs is not in the plan:", read
    )
    lines += _lacking(
        "required projects that were not read: the plan does without, a run fetches their source trees:", sources
    )
    for problem in plan.errors:
        lines += ["", *_told(problem)]
    if plan.other_errors:
        lines += ["", f"{plan.other_errors} errors elsewhere in the tenant do not touch this project"]
    return lines


def _lacking(heading: str, found: Iterable[tuple[Missing, Sequence[str]]]) -> list[str]:
    told = [(one, jobs) for one, jobs in found if jobs]
    lines = ["", heading] if told else []
    for one, jobs in told[:SHOWN]:
        some = ", ".join(jobs[:4]) + (", ..." if len(jobs) > 4 else "")
        why = f" ({' '.join(one.why.split())})" if one.repository and one.why else ""
        lines.append(visible(f"  {one.repository or one.why}: needed for {some}{why}"))
    return [*lines, f"  and {len(told) - SHOWN} more"] if len(told) > SHOWN else lines


def _told(problem: Problem) -> list[str]:
    place = problem.place
    where = " ".join(part for part in (place.project, place.branch, place.where) if part)
    lines = [visible(f"error: {where}: {problem.message}")]
    return [*lines, visible(f"  hint: {problem.hint}")] if problem.hint else lines


def _row(planned: PlannedJob, cost: Cost) -> Sequence[str]:
    job = planned.job
    nodes = [label for node in job.nodeset.nodes if (label := node.label)] if job is not None else []
    where = "+".join(dict.fromkeys(nodes)) or (job.nodeset.name if job is not None else "") or "-"
    many = f" x{len(nodes)}" if len(nodes) > 1 else ""
    why = "" if planned.rule == "matches" else f"({planned.rule})"
    voting = "" if job is None or job.voting else "(non-voting)"
    return (
        cost.step,
        planned.name,
        _guess(cost.minutes, "min", cost.builds > 0),
        _guess(cost.gigabytes, "GB", False),
        f"{where}{many}",
        f"{why} {voting}".strip(),
    )


def _guess(number: float, unit: str, known: bool) -> str:
    text = f"{number:.0f}" if known else f"~{number:.0f}"
    return f"{text:>4} {unit}"


def _rows(rows: Iterable[Sequence[str]]) -> list[str]:
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))] if shown else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def _planned(planned: PlannedJob, cost: Cost | None) -> dict[str, object]:
    head: dict[str, object] = {
        "name": planned.name,
        "run": planned.run,
        "rule": planned.rule,
        "reason": planned.reason,
    }
    if planned.job is None or cost is None:
        return head
    predicted = {
        "step": cost.step,
        "minutes": cost.minutes,
        "vm_hours": cost.vm_hours,
        "gigabytes": cost.gigabytes,
        "from_builds": cost.builds,
    }
    here = {"runnable": planned.run and not planned.lacks, "lacks": planned.lacks}
    return {**head, **here, **_frozen(planned.job), "predicted": predicted}


def _frozen(job: FrozenJob) -> dict[str, object]:
    scalars = job.scalars
    return {
        "voting": job.voting,
        "parents": list(job.parents),
        "abstract": job.abstract,
        "timeout": job.timeout,
        "post_timeout": scalars.get("post-timeout"),
        "attempts": scalars.get("attempts"),
        "override_checkout": scalars.get("override-checkout"),
        "nodeset": _nodeset(job.nodeset),
        "nodeset_alternatives": [_nodeset(one) for one in job.nodesets] if len(job.nodesets) > 1 else [],
        "required_projects": [{"name": one.name, "override_checkout": one.checkout} for one in job.required_projects],
        "dependencies": [{"name": one.name, "soft": one.soft} for one in job.dependencies],
        "semaphores": list(job.semaphores),
        "pre_run": _playbooks(job.pre_run),
        "run_playbooks": _playbooks(job.run),
        "post_run": _playbooks(job.post_run),
        "cleanup_run": _playbooks(job.cleanup_run),
        "roles": list(dict.fromkeys(role.short for role in job.roles if role.explicit)),
        "secrets": list(job.secrets),
        "vars": _written(job.variables),
        "host_vars": _written(job.host_variables),
        "group_vars": _written(job.group_variables),
        "extra_vars": _written(job.extra_variables),
        "files": _patterns(job.files),
        "irrelevant_files": _patterns(job.irrelevant_files),
        "tags": list(job.lists.get("tags", ())),
        "provides": list(job.lists.get("provides", ())),
        "requires": list(job.lists.get("requires", ())),
        "defined_in": [_place(place) for place in job.defined_in],
    }


def _nodeset(nodeset: Nodeset) -> dict[str, object]:
    return {
        "name": nodeset.name or None,
        "nodes": [
            {"name": node.names[0] if len(node.names) == 1 else list(node.names), "label": node.label}
            for node in nodeset.nodes
        ],
        "groups": [{"name": group.name, "nodes": list(group.nodes)} for group in nodeset.groups],
    }


def _playbooks(books: Iterable[Playbook]) -> list[dict[str, object]]:
    return [{"project": book.project, "path": book.path} for book in books]


def _patterns(patterns: Sequence[Pattern] | None) -> list[object]:
    return [{"regex": one.regex, "negate": True} if one.negate else one.regex for one in patterns or ()]


def _place(place: Place) -> dict[str, object]:
    return {"project": place.project, "branch": place.branch, "path": place.path, "line": place.line}


def _problem(problem: Problem) -> dict[str, object]:
    return {**_place(problem.place), "message": problem.message, "hint": problem.hint}


def _written(value: object) -> object:
    """A variable as it stands in its file, without Zuul's tags; JSON has no word for some numbers, which stay texts."""
    if isinstance(value, Tagged):
        return None if value.tag.startswith("!encrypted") else _written(value.value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _written(inner) for key, inner in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return [_written(item) for item in value] if isinstance(value, list) else value
