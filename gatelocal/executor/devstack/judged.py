"""What the end of ``stack.sh`` means: the change's fault, the configuration's, or the machinery's; nothing is run here.

Until devstack comes to the trees nothing of a project has been touched: what fails there is the place's, unless the
change is to devstack itself. After that a failed download, a full disk and what the node lacks are the machinery's;
what devstack would have to clone, and requirements that nothing satisfies, are the configuration's; the rest is what
the gate itself calls a failure: the trees, put together, do not come up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gatelocal.executor.devstack.heard import Listener
from gatelocal.executor.outcome import ENOUGH
from gatelocal.executor.signs import LACKS, Sign
from gatelocal.model.result import BuildResult, Outcome

Verdict = tuple[Outcome, str]

_KILLED = (-9, 137)
_NO_MATCH = "matches no test"
OF_INDEX = (Sign.UNSATISFIABLE, Sign.NOTHING_OFFERED)
"""What pip says both of an index that has nothing and of one that it cannot reach."""


@dataclass(frozen=True, slots=True)
class Ended:
    """``stack.sh`` that ended with another status than 0.

    :ivar own: the change is to devstack itself. :ivar free: bytes free on the node; None when that is not known.
    :ivar index: whether the package index still answers.
    """

    status: int
    heard: Listener
    own: bool = False
    free: int | None = None
    node: str = ""
    index: bool = True


def judged(ended: Ended) -> Verdict:
    """The outcome of the build, and one sentence about it."""
    return next(_verdicts(ended))


def _verdicts(ended: Ended) -> Iterator[Verdict]:
    """What the output says, the most telling first."""
    heard, seen, step = ended.heard, ended.heard.seen, _step(ended)
    if Sign.NO_SPACE in seen and (ended.free is None or ended.free < ENOUGH):
        yield Outcome.DISK_FULL, f"the node's disk is full: {seen[Sign.NO_SPACE]}"
    if ended.status in _KILLED:
        yield Outcome.NODE_FAILURE, f"stack.sh was killed at {step}: the node's memory may be too small"
    if heard.missing:
        name = heard.missing.rpartition("/")[2]
        words = f"devstack needs the repository {name}, which is none of the job's ({step})"
        yield Outcome.CONFIG_ERROR, f"{words}: add it to required-projects"
    if heard.strange:
        yield Outcome.CONFIG_ERROR, f"devstack does not know the node's system ({heard.strange}): name another label"
    if not ended.index and any(sign in seen for sign in OF_INDEX):
        yield Outcome.NODE_FAILURE, f"{LACKS[Sign.NO_NETWORK]}: the package index does not answer ({step})"
    for sign in (one for one in LACKS if one in seen):
        yield Outcome.NODE_FAILURE, f"{LACKS[sign]}: {seen[sign]} ({step})"
    if Sign.UNSATISFIABLE in seen:
        yield Outcome.CONFIG_ERROR, f"a tree could not be installed at {step}: {seen[Sign.UNSATISFIABLE]}"
    if not heard.of_trees and not ended.own:
        yield Outcome.NODE_FAILURE, f"the node could not be made ready for devstack: {_end(ended)}"
    yield Outcome.FAILURE, _end(ended)


def out_of_time(heard: Listener, limit: float) -> Verdict:
    """A job whose time was over while it stacked."""
    reason = f"the job took longer than its {limit:.0f} s; stack.sh was at {heard.phase}"
    return (Outcome.TIMED_OUT if heard.of_trees else Outcome.NODE_FAILURE), reason


def other_commits(before: Mapping[str, str], after: Mapping[str, object]) -> Verdict | None:
    """Whether what stands is not what was delivered."""
    moved = sorted(name for name, commit in before.items() if after.get(name) != commit)
    if not moved:
        return None
    return Outcome.CONFIG_ERROR, (
        f"the job's settings had devstack take another commit of {', '.join(moved)} than the one that is tested"
    )


def without_tests(result: BuildResult, regex: str) -> Verdict | None:
    """A run of tempest that has nothing to run, whatever its status; one that could not even be begun is none."""
    if result.count or result.never_ran:
        return None
    if result.outcome is Outcome.SUCCESS or _NO_MATCH in result.reason:
        return (
            Outcome.CONFIG_ERROR,
            f"tempest found no test{f' that {regex} names' if regex else ''}: nothing was tested",
        )
    return None


def _step(ended: Ended) -> str:
    heard = ended.heard
    at = heard.died.place if heard.died is not None else heard.place
    return f"{heard.phase}{f', {at}' if at else ''}"


def _end(ended: Ended) -> str:
    words = ended.heard.words
    return f"stack.sh ended with status {ended.status} at {_step(ended)}{f': {words}' if words else ''}"
