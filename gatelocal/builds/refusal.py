"""Why a build could not begin or go on, as a record and back as the error that it was; it judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatelocal import errors
from gatelocal.errors import DamagedCache, GateError, InfrastructureError
from gatelocal.model.job import Job
from gatelocal.model.result import BuildResult, Outcome

_KINDS = {
    kind.__name__: kind
    for kind in (errors.InputError, errors.ConflictError, errors.ConfigurationError, InfrastructureError)
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A :class:`gatelocal.errors.GateError`. :ivar kind: the name of its class. :ivar folder: of a damaged cache."""

    kind: str
    brief: str
    details: str = ""
    hint: str = ""
    folder: str = ""

    @property
    def error(self) -> GateError:
        """The error that it was."""
        if self.folder:
            return DamagedCache(self.brief, Path(self.folder), self.details)
        return _KINDS.get(self.kind, InfrastructureError)(self.brief, details=self.details, hint=self.hint)


def of(error: GateError) -> Refusal:
    """The record of an error."""
    kind = next((name for name, one in _KINDS.items() if isinstance(error, one)), "InfrastructureError")
    folder = str(error.folder) if isinstance(error, DamagedCache) else ""
    return Refusal(kind, error.brief, error.details, error.hint, folder)


def result_of(error: GateError, title: str, job: Job, outcome: Outcome = Outcome.ERROR) -> BuildResult:
    """The result of a job that could not begin, or could not go on. :param outcome: where it is the machinery."""
    if not isinstance(error, InfrastructureError):
        outcome = Outcome.CONFIG_ERROR
    details = next((line for line in error.details.splitlines() if line.strip()), "")
    reason = ": ".join(part for part in (error.brief, details.strip()) if part)
    return BuildResult(title, outcome, 0.0, job.voting, reason=f"{reason} ({error.hint})" if error.hint else reason)


def refused(error: OSError) -> InfrastructureError:
    """What the operating system refused, as a failure of this machine."""
    words = error.strerror or str(error)
    return InfrastructureError(f"{words}: {error.filename}" if error.filename else words)
