"""The history of builds that a running Zuul has, remembered like our own; their logs are not asked for.

Source: the shape of Zuul 14's ``/api/tenant/TENANT/builds``, and that of older ones, which have what is in its ``ref``
in the build itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gatelocal.engine.imports import Imported
from gatelocal.errors import InfrastructureError
from gatelocal.model.seen import Seen
from gatelocal.model.text import plain
from gatelocal.source.zuul_api import ZuulApi
from gatelocal.store.known import Known
from git_review.git.runner import without_password

PAGE, MOST = 200, 20_000
"""Builds of one answer, and of one import."""
_LONG = 6 * 3600.0
"""Seconds that a build may take: of those that began so long before, none has ended since."""
_SAYS_NOTHING = frozenset(("SKIPPED", "ABORTED", "CANCELED", "DEQUEUED", "NO_JOBS"))
_WORD = re.compile(r"[A-Z][A-Z_]{0,39}", re.ASCII)
_NAME, _LONGEST = 500, 1e7  # characters; seconds

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted. :ivar project: and `job`: of these alone; empty: of all. :ivar since: what ended from then on."""

    project: str
    job: str
    since: float


def take(url: str, asked: Asked, known: Known) -> Imported:
    """Remember what a Zuul has built; what is there already is not counted twice.

    :param url: see :class:`gatelocal.source.zuul_api.ZuulApi`.
    :raises gatelocal.errors.InputError: the URL is none, or names no tenant that it knows.
    :raises InfrastructureError: it gives no answer, or none that can be used; what came before is remembered.
    """
    api = ZuulApi(url)
    parts, shown = urlsplit(api.url), without_password(url)
    prefix = f"zuul/{parts.hostname}{f':{parts.port}' if parts.port else ''}/{parts.path.rpartition('/')[2]}"
    count = strange = 0
    notes = []
    try:
        for read, row in enumerate(_rows(api, asked)):
            if read == MOST:
                notes.append(
                    f"only the newest {MOST} builds of {shown} are read: name a project or a job for older ones"
                )
                break
            seen = _seen(row, prefix)
            if seen is None:
                strange += not _says_nothing(row)
            elif seen.at >= asked.since:
                known.add(seen)
                count += 1
    except InfrastructureError as error:
        told = f"{count} builds were read before that" if count else ""
        raise InfrastructureError(
            error.brief, details="\n".join(filter(None, (error.details, told))), hint=error.hint
        ) from error
    if strange:
        notes.append(f"{strange} of the builds of {shown} are told in a way that is not known, and left out")
    return Imported(count, tuple(notes))


def _rows(api: ZuulApi, asked: Asked) -> Iterator[Row]:
    """All that there are, the newest first, each once, as far back as is wanted.

    New ones that come meanwhile move no page where Zuul numbers its builds.
    """
    wanted = {"project": asked.project, "job_name": asked.job}
    met: set[object] = set()
    rows: Sequence[Row] = ()
    skipped = 0
    while True:
        last = rows[-1].get("_id") if rows else None
        place = {"idx_max": str(last - 1)} if isinstance(last, int) else {"skip": str(skipped) if skipped else ""}
        rows = api.builds(PAGE, **wanted, **place)
        skipped += len(rows)
        fresh = [one for one in rows if isinstance(one.get("uuid"), str) and one["uuid"] not in met]
        met.update(one["uuid"] for one in fresh)
        yield from fresh
        if not fresh or all(_began(one) < asked.since - _LONG for one in rows):
            return


def _began(row: Row) -> float:
    found = _time(row.get("start_time")) or _time(row.get("end_time"))
    return found if found is not None else float("inf")


def _says_nothing(row: Row) -> bool:
    """Whether it runs still, was stopped, or was done once more."""
    return row.get("result") in (None, *_SAYS_NOTHING) or row.get("final") is False


def _seen(row: Row, prefix: str) -> Seen | None:
    """One of them, as ours are remembered; None for what says nothing, and for what is none."""
    of = row.get("ref")
    ref = of if isinstance(of, Mapping) else row
    ended, result = _time(row.get("end_time")), row.get("result")
    project, branch, job, uuid = _text(ref, "project"), _text(ref, "branch"), _text(row, "job_name"), _text(row, "uuid")
    if _says_nothing(row) or ended is None or not isinstance(result, str) or not _WORD.fullmatch(result):
        return None
    if not (project and job and uuid):
        return None
    change = ref.get("change")
    number = change if isinstance(change, int | str) and not isinstance(change, bool) and change else ""
    took = row.get("duration")
    return Seen(
        id=f"{prefix}/{uuid}",
        at=ended,
        project=project,
        branch=branch,
        job=job,
        outcome=result,
        change=f"{project} {number}"[:_NAME] if number else "",
        seconds=float(took) if isinstance(took, int | float) and 0 <= took < _LONGEST else 0.0,
        voting=row.get("voting") is not False,
        alone=not number,
        node=_text(row, "nodeset"),
    )


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return plain(value).strip() if isinstance(value, str) and len(value) <= _NAME else ""


def _time(value: object) -> float | None:
    """Seconds since the epoch, of a time as Zuul writes it: in UTC, without saying so."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
