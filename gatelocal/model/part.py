"""A job taken apart: several builds in the place of one, each with something of its own to do."""

from __future__ import annotations

from collections.abc import Mapping

from gatelocal.model.record import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """One of these builds.

    :ivar name: which one, for people; the build is called by the job's name with this behind it.
    :ivar variables: what its job has beside what its definition says.
    """

    name: str
    variables: Mapping[str, object] = field(default_factory=dict)

    def title(self, job: str) -> str:
        """What the build is called."""
        return f"{job} ({self.name})"


def numbered(count: int, variables: Mapping[str, object]) -> tuple[Part, ...]:
    """So many parts that do the same."""
    return tuple(Part(f"{number} of {count}", variables) for number in range(1, count + 1))
