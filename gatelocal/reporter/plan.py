"""A plan for programs, as one JSON object, and for people, as a table; it decides nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gatelocal.jobs.cost import Cost, cost_of, proposed
from gatelocal.model.plan import FilePattern, FrozenJob, Nodeset, Place, Plan, PlannedJob, Playbook, Problem
from gatelocal.model.stanza import Tagged
from gatelocal.model.text import plain

SHOWN = 20
"""How many missing repositories a person is told of; the JSON object has all."""


def as_json(plan: Plan) -> dict[str, object]:
    """The plan as plain values for ``json.dumps``: the contract of ``gatelocal plan --json``, version 1."""
    return {
        "project": plan.project,
        "branch": plan.branch,
        "pipeline": plan.pipeline,
        "queue": plan.queue,
        "jobs": [_planned(job) for job in plan.jobs],
        "errors": [_problem(problem) for problem in plan.errors],
        "missing": [
            {"repository": one.repository or None, "needed_for": list(one.needed_for), "why": one.why}
            for one in plan.missing
        ],
        "other_errors": plan.other_errors,
        "notes": list(plan.notes),
    }


def table(plan: Plan) -> list[str]:
    """The plan for a person: what runs, with what it is likely to take, in the order in which it answers soonest."""
    queue = f", queue {plan.queue}" if plan.queue else ""
    lines = [plain(f"{plan.project} {plan.branch}, pipeline {plan.pipeline}{queue}"), ""]
    running = proposed(plan.jobs)
    lines += _rows([_row(planned, cost) for planned, cost in running])
    if running:
        hours, disk = sum(cost.vm_hours for _, cost in running), sum(cost.gigabytes for _, cost in running)
        lines += ["", f"{len(running)} of {len(plan.jobs)} jobs run: about {hours:.1f} VM-hours and {disk:.0f} GB"]
    else:
        lines.append(f"none of {len(plan.jobs)} jobs runs")
    others = [job for job in plan.jobs if not job.run]
    if others:
        lines += ["", "not run:", *_rows([(f"  {job.name}", job.rule, job.reason) for job in others])]
    lines += _shortfalls(plan)
    return [*lines, *(plain(f"note: {note}") for note in plan.notes)]


def _shortfalls(plan: Plan) -> list[str]:
    lines: list[str] = []
    if plan.missing:
        lines += ["", "repositories that were not found:"]
        for one in plan.missing[:SHOWN]:
            needed = ", ".join(one.needed_for[:4]) + (", ..." if len(one.needed_for) > 4 else "")
            lines.append(plain(f"  {one.repository or one.why}: needed for {needed}"))
        if len(plan.missing) > SHOWN:
            lines.append(f"  and {len(plan.missing) - SHOWN} more")
    for problem in plan.errors:
        lines += ["", *_told(problem)]
    if plan.other_errors:
        lines += ["", f"{plan.other_errors} errors elsewhere in the tenant do not touch this project"]
    return lines


def _told(problem: Problem) -> list[str]:
    place = problem.place
    lines = [plain(f"error: {place.project} {place.branch} {place.path}:{place.line}: {problem.message}")]
    return [*lines, plain(f"  hint: {problem.hint}")] if problem.hint else lines


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
        f"{cost.minutes:>4} min",
        f"{cost.gigabytes:>3.0f} GB",
        f"{where}{many}",
        f"{why} {voting}".strip(),
    )


def _rows(rows: Iterable[Sequence[str]]) -> list[str]:
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(shown[0]))] if shown else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def _planned(planned: PlannedJob) -> dict[str, object]:
    head: dict[str, object] = {
        "name": planned.name,
        "run": planned.run,
        "rule": planned.rule,
        "reason": planned.reason,
    }
    if planned.job is None or not planned.run:
        return head
    cost = cost_of(planned.job)
    predicted = {
        "step": cost.step,
        "minutes": cost.minutes,
        "vm_hours": cost.vm_hours,
        "gigabytes": cost.gigabytes,
    }
    return {**head, **_frozen(planned.job), "predicted": predicted}


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


def _patterns(patterns: Sequence[FilePattern] | None) -> list[object]:
    return [{"regex": one.regex, "negate": True} if one.negate else one.regex for one in patterns or ()]


def _place(place: Place) -> dict[str, object]:
    return {"project": place.project, "branch": place.branch, "path": place.path, "line": place.line}


def _problem(problem: Problem) -> dict[str, object]:
    return {**_place(problem.place), "message": problem.message, "hint": problem.hint}


def _written(value: object) -> object:
    """A variable as it stands in its file, without Zuul's tags."""
    if isinstance(value, Tagged):
        return _written(value.value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _written(inner) for key, inner in value.items()}
    return [_written(item) for item in value] if isinstance(value, list) else value
