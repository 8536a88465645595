"""What a job reads, as far as its definition says: paths only; nothing is compared or decided here.

The inputs of a job are the paths in its ``files`` (without ``files`` all), those in ``irrelevant-files`` never.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatelocal.model.layout import NOOP, JobSpec
from gatelocal.model.pattern import any_matches


def touches(job: JobSpec, files: Iterable[str]) -> bool:
    """Whether one of the paths is an input of the job; what is not known is, and nothing is one of ``noop``."""
    if job.name == NOOP:
        return False
    paths = tuple(files)
    if not paths:
        return True
    return any((not job.files or any_matches(job.files, p)) and not any_matches(job.irrelevant, p) for p in paths)
