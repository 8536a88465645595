"""What a job has handed back by `zuul_return`, and what of it means something to whom; the rules are Zuul's, all pure.

What is not of the form that Zuul asks for counts for nothing, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin

from gatelocal.model.returned import Artifact, Remark, Returned

_OWN = ("zuul", "nodepool", "unsafe_vars")
"""Names that no job gives to another."""
_COMMENTS = 100  # comments on lines that a person is told at most
_LINES = 1 << 31


@dataclass(frozen=True, slots=True)
class Words:
    """All that a job's playbooks have handed back so far."""

    data: Mapping[str, object]

    @property
    def pause(self) -> bool:
        """Whether the job wants to wait, after its run, for the jobs after it."""
        return bool(self._zuul.get("pause"))

    @property
    def once(self) -> bool:
        """Whether it does not want to be tried again when its pre-run fails."""
        return self._zuul.get("retry") is False

    @property
    def returned(self) -> Returned:
        """What other jobs are to know of it."""
        named = self._zuul.get("child_jobs")
        chosen = tuple(map(str, named)) if isinstance(named, list) else (str(named),) if named else ()
        data = {key: value for key, value in self.data.items() if key not in _OWN}
        children = chosen if "child_jobs" in self._zuul else None
        return Returned(children, tuple(self._artifacts()), data, tuple(islice(self._remarks(), _COMMENTS)))

    def notes(self) -> Iterator[str]:
        """What a person is told: its warnings, and its comments on lines of the change."""
        warnings = self._zuul.get("warnings")
        if isinstance(warnings, list) and all(isinstance(one, str) for one in warnings):
            yield from (f"the job warns: {one}" for one in warnings)
        comments = [_shown(one) for one in self._remarks()]
        yield from comments[:_COMMENTS]
        if len(comments) > _COMMENTS:
            yield f"and {len(comments) - _COMMENTS} more comments on lines of the change"

    def lines(self) -> Iterator[str]:
        """What stands in the log besides."""
        if isinstance(url := self._zuul.get("log_url"), str):
            yield f"the job says where its logs are: {url}"
        for one in self.returned.artifacts:
            yield f"the job has made {one.told['name']}: {one.told['url']}"

    @property
    def _zuul(self) -> Mapping[str, object]:
        found = self.data.get("zuul")
        return found if isinstance(found, Mapping) else {}

    def _artifacts(self) -> Iterator[Artifact]:
        found, base = self._zuul.get("artifacts"), self._zuul.get("log_url", "")
        if not isinstance(found, list) or not isinstance(base, str) or not all(map(_is_artifact, found)):
            return
        for one in found:
            url = urljoin(f"{base.rstrip('/')}/", one["url"]) if base else one["url"]
            yield Artifact({**one, "url": url})

    def _remarks(self) -> Iterator[Remark]:
        found = self._zuul.get("file_comments")
        for path, comments in found.items() if isinstance(found, Mapping) else ():
            for one in comments if isinstance(comments, list) else ():
                if isinstance(one, Mapping) and isinstance(one.get("message"), str):
                    line = one.get("line")
                    known = isinstance(line, int) and not isinstance(line, bool) and 0 < line < _LINES
                    yield Remark(str(path), line if known and isinstance(line, int) else 0, str(one["message"]))


def _shown(one: Remark) -> str:
    where = f"{one.path}:{one.line}" if one.line else one.path
    return f"{where}: {' '.join(one.message.split())}"


def _is_artifact(one: object) -> bool:
    return (
        isinstance(one, Mapping)
        and set(one) <= {"name", "url", "metadata"}
        and all(isinstance(one.get(key), str) for key in ("name", "url"))
        and isinstance(one.get("metadata", {}), Mapping)
    )
