"""What a job has handed back by `zuul_return`, and which of its effects it does not have here; it runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatelocal.model.deviation import Deviation
from gatelocal.ports import Say

_WITHOUT_EFFECT = {
    "child_jobs": "which jobs it wants to run after it",
    "pause": "that it wants to pause",
    "retry": "that it wants to be tried again",
    "skip_children": "that no job is to run after it",
}


def deviations_of(returned: Mapping[str, object], note: Say) -> Iterator[Deviation]:
    """What has no effect here. :param note: is told what has."""
    zuul = returned.get("zuul")
    told: Mapping[str, object] = zuul if isinstance(zuul, Mapping) else {}
    if isinstance(url := told.get("log_url"), str):
        note(f"the job says where its logs are: {url}")
    for kind in ("warnings", "artifacts"):
        found = told.get(kind)
        for one in found if isinstance(found, list) else ():
            words = f"{one.get('name')}: {one.get('url')}" if isinstance(one, Mapping) else one
            note(f"the job says ({kind}): {words}")
    for key, what in _WITHOUT_EFFECT.items():
        if key in told:
            yield Deviation("zuul-return", f"the job says {what}, which has no effect here")
    if told.get("file_comments"):
        yield Deviation("zuul-return", "the job comments on lines of the change, which nobody is shown here")
    if any(key != "zuul" for key in returned):
        yield Deviation("zuul-return", "the job hands variables to the jobs after it, which do not get them here")
