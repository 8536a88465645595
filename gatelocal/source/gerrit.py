"""Changes that a Gerrit keeps, their chain and their `Depends-On` targets; reads only, and knows nothing of git.

What was read once is kept as it was for as long as the source lives, so that one run sees one state of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from gatelocal.depends import footers
from gatelocal.depends.footers import Reference
from gatelocal.errors import GateError, InfrastructureError, InputError, NotOfThisGate
from gatelocal.model.change import Change, ChangeStatus
from git_review.gerrit import Gerrit, model
from git_review.gerrit.address import ChangeName, change_ref, parse_change, same_server
from git_review.gerrit.errors import AddressError, BadRequest, GerritError, NotFound, one_line

_CURRENT = ("CURRENT_REVISION", "CURRENT_COMMIT")
_ALL = ("ALL_REVISIONS", "ALL_COMMITS")


class GerritSource:
    """The changes of one Gerrit, as a :class:`gatelocal.ports.Source`.

    :param gerrit: a client; nothing is asked before the first call.
    :param aliases: further base URLs that the same server is known by in people's footers.
    """

    def __init__(self, gerrit: Gerrit, aliases: Collection[str] = ()) -> None:
        self._gerrit = gerrit
        self._bases = (gerrit.url, *aliases)
        self._known: dict[tuple[str, int | None], Change] = {}

    def change(self, name: str) -> Change:
        """The change of that name; its current patchset unless the name says which.

        :param name: what :func:`git_review.gerrit.address.parse_change` takes: ``1234``, ``1234,2``, a URL of this
            server, or a Change-Id that only one change has.
        :raises InputError: it is no name, names nothing, several changes or another server, or has no such patchset.
        :raises InfrastructureError: the server does not answer, or does not let us in.
        """
        wanted = _parse(name)
        self._own(wanted, name)
        if wanted.change_id is not None and wanted.branch is None:
            return self._unique(wanted.change_id, wanted.patchset, name)
        return self._read(wanted.id, wanted.patchset, name)

    def parents(self, change: Change) -> tuple[Change, ...]:
        """The unmerged changes that the patchset's commit stands on, oldest first.

        :raises InputError: one of them is abandoned, or is used in a patchset that is not its current one: such a
            chain cannot land as it stands (Zuul's rule as well).
        """
        if change.number is None or change.patchset is None:
            raise InputError(f"{change.name} is not on {self._gerrit.url}")
        with self._asking(change.name):
            links = self._gerrit.changes.related(_id(change), change.patchset)
        below = [link for link in _ancestors(links, change.commit) if link.status != "MERGED"]
        for link in below:
            _refuse_dead_end(change, link)
        project = change.project
        return tuple(self._read(f"{link.project or project}~{link.number}", link.patchset, "") for link in below)

    def dependencies(self, reference: str) -> tuple[Change, ...]:
        """What the value of a ``Depends-On`` footer means.

        A URL means the current patchset of its change, merged or not. A Change-Id means every open change that has
        it, on whatever branch.

        :raises NotOfThisGate: it leads to no change of this server, or to none that this account may see.
        :raises InputError: the change is abandoned.
        """
        wanted, number = refuse_elsewhere(reference, self._bases)
        if wanted.change_id:
            return self._open(wanted.change_id)
        try:
            change = self._read(str(number), None, f"Depends-On: {reference}")
        except InputError:
            raise NotOfThisGate(f"{self._gerrit.url} shows this account no change {number}") from None
        if change.status is ChangeStatus.ABANDONED:
            raise InputError(
                f"Depends-On: {one_line(reference, 200)} names {change.name}, which is abandoned",
                hint="restore that change, or take the Depends-On footer out",
            )
        return (change,)

    def _own(self, wanted: ChangeName, told: str) -> None:
        if wanted.server is None or any(same_server(wanted.server, base) for base in self._bases):
            return
        raise InputError(
            f"{one_line(told, 300)} is on another server: {wanted.server}, while this run uses {self._gerrit.url}",
            hint="changes of several servers cannot be tested together yet",
        )

    def _unique(self, change_id: str, patchset: int | None, told: str) -> Change:
        found = self._search(change_id, told)
        if not found:
            raise _unknown(told, self._gerrit.url)
        if len(found) > 1:
            raise InputError(
                f"{one_line(told, 200)} names {len(found)} changes on {self._gerrit.url}",
                details="\n".join(f"{entry.number}: {entry.project}, branch {entry.branch}" for entry in found),
                hint="give the number of the one you mean",
            )
        return self._read(found[0].id, patchset, told)

    def _open(self, change_id: str) -> tuple[Change, ...]:
        found = self._search(change_id, f"Depends-On: {change_id}")
        if not found:
            raise NotOfThisGate(f"{self._gerrit.url} shows this account no change with that Change-Id")
        return tuple(self._read(entry.id, None, change_id) for entry in reversed(found) if entry.status == "NEW")

    def _search(self, change_id: str, told: str) -> list[model.Change]:
        with self._asking(told):
            return sorted(self._gerrit.changes.query(f"change:{change_id}", limit=50), key=lambda entry: -entry.number)

    def _read(self, id: str, patchset: int | None, told: str) -> Change:
        """One change in one patchset (None: the current one), from the server the first time."""
        if (id, patchset) not in self._known:
            with self._asking(told or id):
                found = self._gerrit.changes.get(id, _CURRENT if patchset is None else _ALL)
            change = _value(found, patchset, self._gerrit.changes.url)
            for key in ((id, patchset), (found.id, patchset), (found.id, change.patchset)):
                self._known[key] = change
        return self._known[(id, patchset)]

    @contextmanager
    def _asking(self, told: str) -> Iterator[None]:
        """Turns what the client raises into the gate's words."""
        try:
            yield
        except NotFound as error:
            raise _unknown(told, self._gerrit.url) from error
        except BadRequest as error:
            raise InputError(error.brief, details=error.details, hint=error.hint) from error
        except GerritError as error:
            elsewhere = "is this its web interface? --gerrit and GATELOCAL_GERRIT name another"
            hint = f"{error.hint}; {elsewhere}" if error.hint else elsewhere
            raise InfrastructureError(error.brief, details=error.details, hint=hint) from error


def _parse(name: str) -> ChangeName:
    try:
        return parse_change(name)
    except AddressError as error:
        raise InputError(error.brief, details=error.details, hint=error.hint) from error


def refuse_elsewhere(reference: str, bases: Sequence[str]) -> tuple[Reference, int]:
    """What a ``Depends-On`` value means on a server with these base URLs, as far as its text tells: a Change-Id or a
    number.

    :raises NotOfThisGate: it leads elsewhere, or nowhere.
    """
    wanted = footers.reference(reference)
    if wanted is None:
        raise NotOfThisGate("it leads nowhere")
    if wanted.change_id:
        return wanted, 0
    base = next((base for base in bases if _leads_to(wanted, base)), None)
    if base is None:
        raise NotOfThisGate(f"{one_line(wanted.host, 200)} is no server of this gate")
    number = wanted.number(urlsplit(base).path)
    if number is None:
        raise NotOfThisGate(f"it names no change of {one_line(base, 200)}")
    return wanted, number


def _leads_to(wanted: Reference, base: str) -> bool:
    """Whether a URL leads to that server: the host counts, and the port where both have an unusual one."""
    parts = urlsplit(base)
    ports = {port for port in (wanted.port, parts.port) if port not in (None, 80, 443)}
    return parts.hostname == wanted.host and len(ports) < 2


def _id(change: Change) -> str:
    return f"{change.project}~{change.number}"


def _value(found: model.Change, patchset: int | None, url: Callable[[model.Change], str]) -> Change:
    used = found.current if patchset is None else found.patchset(patchset)
    if used is None:
        raise InputError(
            f"change {found.number} of {found.project} has no patchset {patchset}",
            details="it has " + ", ".join(str(entry.number) for entry in found.patchsets),
        )
    try:
        status = ChangeStatus(found.status)
    except ValueError as error:
        raise InfrastructureError(f"change {found.number} is in a state that is not known: {found.status}") from error
    return Change(
        project=found.project,
        branch=found.branch,
        commit=used.commit,
        message=used.message,
        status=status,
        change_id=found.change_id or None,
        number=found.number,
        patchset=used.number,
        ref=used.ref or change_ref(found.number, used.number),
        url=url(found),
    )


def _ancestors(links: Sequence[model.RelatedChange], commit: str) -> list[model.RelatedChange]:
    """Those that the commit stands on, each after what it stands on itself."""
    known = {link.commit: link for link in links if link.number}
    order: list[model.RelatedChange] = []
    done: set[str] = {commit}
    start = known.get(commit)
    waiting = [(parent, False) for parent in reversed(start.parents if start else ())]
    while waiting:
        current, ready = waiting.pop()
        if ready:
            order.append(known[current])
        elif current in known and current not in done:
            done.add(current)
            waiting.append((current, True))
            waiting.extend((parent, False) for parent in reversed(known[current].parents))
    return order


def _refuse_dead_end(change: Change, link: model.RelatedChange) -> None:
    told = f"{change.name} stands on change {link.number},{link.patchset} ({one_line(link.subject, 80)})"
    if link.status == "ABANDONED":
        raise InputError(f"{told}, which is abandoned", hint="restore that change, or rebase without it")
    if link.patchset != link.current_patchset:
        raise InputError(
            f"{told}, whose current patchset is {link.current_patchset}",
            hint=f"rebase onto {link.number},{link.current_patchset} and upload again",
        )


def _unknown(told: str, server: str) -> GateError:
    return NotOfThisGate(
        f"{one_line(told, 300)}: there is no such change on {server}, or this account may not see it",
        hint="check number and server (--gerrit and GATELOCAL_GERRIT name another); with a private project, the login",
    )
