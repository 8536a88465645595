"""The chain that a change stands in, as its newest patchset's own commits make it; it asks, and changes nothing.

Gerrit tells as related also what is made on an older patchset. That is no part of the chain: whoever took it would get
the older patchset along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_review.commands import ask
from git_review.commands.context import Context
from git_review.gerrit.address import Remote, parse_remote
from git_review.gerrit.model import Change, RelatedChange
from git_review.messages import changes as said

_OPEN = ("NEW", "")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """Numbers of open changes, the newest first. :ivar outdated: those of which it has an older patchset."""

    numbers: tuple[int, ...]
    outdated: frozenset[int] = frozenset()

    def below(self, number: int) -> tuple[int, ...]:
        """Those that a change of it is made on, near or far."""
        return self.numbers[self.numbers.index(number) + 1 :]


def chain_of(context: Context, change: Change) -> Chain:
    """The chain of a change's newest patchset.

    :raises git_review.errors.ReviewError: the server cannot be asked, or the chain forks above the change.
    """
    url = ask.push_url(context)
    remote = parse_remote(url)
    if remote.scheme == "ssh":
        return _by_ssh(context, remote, change.number)
    with ask.server(context, url) as gerrit:
        return linked(change.number, gerrit.changes.related(change.id))


def linked(number: int, related: Sequence[RelatedChange]) -> Chain:
    """The chain out of what REST tells of one change's newest patchset."""
    by_commit = {entry.commit: entry for entry in related}
    own = next((entry for entry in related if entry.number == number), None)
    if own is None:
        return Chain((number,))
    above: list[RelatedChange] = []
    top = own
    while made := [entry for entry in related if top.commit in entry.parents and _counts(entry)]:
        if len(made) > 1:
            raise said.chain_forks(top.number, ", ".join(str(entry.number) for entry in made))
        if made[0] in (own, *above):
            break
        top = made[0]
        above.append(top)
    below: list[RelatedChange] = []
    parents = own.parents
    while (entry := by_commit.get(parents[0] if parents else "")) and entry.status in _OPEN:
        if entry in (own, *above, *below):
            break
        below.append(entry)
        parents = entry.parents
    outdated = frozenset(entry.number for entry in below if entry.patchset != entry.current_patchset)
    return Chain((*(entry.number for entry in reversed(above)), number, *(entry.number for entry in below)), outdated)


def _counts(entry: RelatedChange) -> bool:
    """Whether it is open, and it is its newest patchset that is made on the other one."""
    return entry.number > 0 and entry.status in _OPEN and entry.patchset == entry.current_patchset


def _by_ssh(context: Context, remote: Remote, number: int) -> Chain:
    """One question for each change. What an older patchset is made on in turn, ssh does not tell."""
    from git_review.gerrit import ssh

    page = ssh.Page(timeout=ask.seconds(context), tell=context.runner.tell, waiting=context.runner.waiting)

    asked: dict[int, ssh.Links] = {}

    def links(at: int) -> ssh.Links:
        if at not in asked:
            asked[at] = ssh.links(context.settings.ssh, remote, at, page)
        return asked[at]

    def is_newest(at: int, commit: str) -> bool:
        return commit in ("", links(at).commit)

    own = top = links(number)
    above: list[int] = []
    while made := [one for one, commit in top.made_on_it if one not in (number, *above) and is_newest(one, commit)]:
        if len(made) > 1:
            raise said.chain_forks(above[-1] if above else number, ", ".join(str(one) for one in made))
        above.append(made[0])
        top = links(made[0])
    below: list[int] = []
    outdated: set[int] = set()
    under = own
    while under.made_of and len(below) < _LONGEST and under.made_of[0][0] not in (*below, number):
        at, newest = under.made_of[0]
        below.append(at)
        if not newest:
            outdated.add(at)
            break
        under = links(at)
    return Chain((*reversed(above), number, *below), frozenset(outdated))
