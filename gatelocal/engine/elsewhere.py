"""What a running Zuul says of the planned change: a second opinion on its jobs, and what is queued before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gatelocal.errors import InputError
from gatelocal.jobs.second_opinion import compare
from gatelocal.model.plan import Opinion, Plan, QueuedChange
from gatelocal.ports import Say
from gatelocal.source import zuul_queue
from gatelocal.source.zuul_api import LARGEST, Where, ZuulApi
from gatelocal.source.zuul_queue import Line


def second_opinion(url: str, tenant: str, plan: Plan, say: Say) -> Opinion:
    """Ask a Zuul for the same jobs, one by one.

    :param plan: without changed files and without the change, as Zuul's API freezes.
    :raises InputError: it knows no such tenant, pipeline, project or branch.
    :raises gatelocal.errors.InfrastructureError: it does not answer, or not like a Zuul.
    """
    api = ZuulApi(url, tenant)
    where = Where(plan.pipeline, plan.project, plan.branch)
    say(f"asking {api.url} for the jobs of {plan.project} in {plan.pipeline}")
    listed = api.jobs(where)
    ours = {one.name for one in plan.jobs if one.run}
    names = [name for one in listed if (name := str(one["name"])) in ours]
    frozen = {}
    for count, name in enumerate(names, 1):
        say(f"asking for job {name} ({count} of {len(names)})")
        frozen[name] = api.job(where, name)
    return compare(plan, api.url, listed, frozen)


def ahead(place: str, tenant: str | None, plan: Plan, own: str) -> tuple[QueuedChange, ...]:
    """The changes that are queued before the planned one.

    :param place: the URL of a Zuul, or a file with its status. :param own: the change's name or number; may be empty.
    :raises InputError: neither of them, or not the status of a Zuul that has the pipeline.
    :raises gatelocal.errors.InfrastructureError: the Zuul does not answer, or not like a Zuul.
    """
    line = Line(plan.pipeline, plan.queue, plan.project, plan.branch)
    return zuul_queue.ahead(_status(place, tenant), line, own)


def _status(place: str, tenant: str | None) -> Mapping[str, object]:
    if place.startswith(("http://", "https://")):
        return ZuulApi(place, tenant).status()
    file = Path(place).expanduser()
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise InputError(f"{file}: more than {LARGEST // 2**20} MiB")
        found = json.loads(data)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}", hint="--queue takes a URL or a file") from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{file}: not JSON", hint="the status of a Zuul, as its /api/tenant/TENANT/status gives it"
        ) from None
    if not isinstance(found, dict):
        raise InputError(f"{file}: no status of a Zuul")
    return found
