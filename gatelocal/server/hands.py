"""The hands of a gate for a Gerrit: an action → what is done about it; whatever takes time answers by an event.

Nothing here decides. What is to be done once is looked for before it is done again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from gatelocal.engine.loop import Call, Inbox
from gatelocal.engine.seats import Seats
from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.pipeline.actions import (
    Action,
    CancelBuild,
    DropRequest,
    KeepNode,
    Look,
    NoteReuse,
    Prepare,
    ReadServer,
    Report,
    RequestNode,
    ResumeBuild,
    StartBuild,
    Submit,
    WakeAt,
)
from gatelocal.pipeline.events import Event, Looked
from gatelocal.pipeline.state import State
from gatelocal.ports import Later
from gatelocal.server.errands import Errands
from gatelocal.server.held import wanted
from gatelocal.server.keepers import Keepers
from gatelocal.server.landing import Landing, Order
from gatelocal.server.ledger import Ledger
from gatelocal.server.preparing import Preparer
from gatelocal.server.site import Site
from gatelocal.server.telling import Teller
from gatelocal.server.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does what. :ivar finished: the loop is told that an action without an answer is done."""

    site: Site
    inbox: Inbox
    watcher: Watcher
    errands: Errands
    merges: Errands
    keepers: Keepers
    ledger: Ledger
    preparer: Preparer
    landing: Landing
    teller: Teller
    state: Callable[[], State]
    finished: Callable[[int], None]


class GateHands:
    """See :class:`gatelocal.ports.Hands`.

    :param first: the last action that a former process may have carried out.
    """

    def __init__(self, crew: Crew, first: int) -> None:
        self._crew = crew
        self._first = first
        self.seats = Seats(crew.site.file.builds, crew.keepers, self._post, crew.inbox.interrupt)

    def _post(self, event: Event) -> None:
        self._crew.ledger.told(event)
        self._crew.inbox.put(event)

    def carry_out(self, action: Action) -> Event | Later | None:  # noqa: PLR0912 - one arm for each kind of action
        """Begin it. :raises InfrastructureError: it could not be begun, and is asked for once more."""
        crew = self._crew
        match action:
            case Prepare():
                asked = crew.preparer.expect(action)
                crew.merges.add(f"preparing {action.id}", lambda: crew.inbox.put(crew.preparer.answer(action, asked)))
            case RequestNode():
                item = crew.state().items.get(action.item)
                run = item.runs[action.run] if item is not None and action.run < len(item.runs) else None
                crew.ledger.asked(action, self._facts(action.change), run)
                self.seats.request(action)
            case DropRequest():
                self.seats.drop(action.request)
                crew.ledger.dropped(action.request)
            case StartBuild():
                crew.ledger.begun(action.request, action.id)
                if any(wanted(one, action.project, action.job, action.change) for one in crew.state().holds):
                    crew.keepers.wish(action.request)
                self.seats.start(action)
            case CancelBuild():
                self.seats.cancel(action.build)
                crew.ledger.cancelled(action.build)
            case WakeAt():
                crew.inbox.wake_at(action.at)
            case Report():
                self._report(action)
                return Later.LATER
            case Submit():
                self._submit(action)
            case Look():
                crew.errands.add(f"looking {action.id}", lambda: crew.inbox.put(self._looked(action)))
            case ReadServer():
                crew.watcher.wishes.answer(action.id, action.changes)
            case ResumeBuild():
                self.seats.resume(action.build)
            case KeepNode() | NoteReuse():
                pass  # the build has kept its node itself (see server/held.py), and reuse stands in the item
            case _:
                assert_never(action)
        return None

    def _facts(self, change: str) -> Facts | None:
        return self._crew.state().changes.get(change)

    def _report(self, action: Report) -> None:
        crew = self._crew
        pipeline = crew.state().layout.pipelines.get(action.pipeline)
        voice = pipeline.voices.get(action.kind) if pipeline is not None else None
        speaks = voice is None or voice.comment or not action.votes
        tries = [action.id <= self._first]

        def tell() -> None:
            repeated, tries[0] = tries[0], True
            crew.teller.tell(action, speaks=speaks, repeated=repeated)
            crew.inbox.put(Call(lambda: crew.finished(action.id)))

        crew.errands.add(f"change {action.ref.change}", tell)

    def _submit(self, action: Submit) -> None:
        crew, state = self._crew, self._crew.state()
        facts = state.changes.get(action.ref.change)
        branch = (facts.project, facts.branch) if facts is not None else ("", "")
        known = {branch: tip} if state.policy.verify and (tip := state.tips.get(branch)) else {}
        item = state.items.get(action.item)
        number = action.batch or (item.preparation if item is not None else 0)
        tries = [action.late]
        crew.watcher.wishes.submitting(branch)

        def land() -> None:
            late, tries[0] = tries[0], True
            tested = crew.keepers.found(number) if number else None
            answer = crew.landing.answer(Order(action, known, tested, late))
            crew.inbox.put(answer)
            crew.watcher.wishes.submitted(branch, answer.tip if answer.answer == "ok" else "")

        crew.errands.add(f"change {action.ref.change}", land)

    def _looked(self, action: Look) -> Looked:
        """The changes as they are at this moment, and where their branches are; nothing when nobody waits any more."""
        item = self._crew.state().items.get(action.item)
        if item is None or item.asked != action.id:
            return Looked(0.0, action.id, action.item, action.generation, ())
        reader, mirror = self._crew.site.reader(), self._crew.watcher.mirror
        facts: list[Facts] = []
        for name in action.changes:
            # With its project it is found at once; by its number alone, only where the server's index has it.
            gate = self._facts(name)
            change = reader.change(int(name), gate.project if gate is not None else "")
            if change is not None:
                mirror.take(change)
            elif mirror.known(int(name)) is not None:
                mirror.lose(int(name))
            else:
                raise InfrastructureError(f"change {name} cannot be read")  # neither now nor since this process began
            if (found := mirror.facts(int(name))) is not None:
                facts.append(found)
        branches = dict.fromkeys((one.project, one.branch) for one in facts)
        tips = []
        for project in dict.fromkeys(project for project, _ in branches):
            there = reader.tips(project)
            tips += [(*one, there[one[1]]) for one in branches if one[0] == project and one[1] in there]
        if not facts:
            raise InfrastructureError(f"none of {', '.join(action.changes)} can be read")
        return Looked(0.0, action.id, action.item, action.generation, tuple(facts), tuple(tips))
