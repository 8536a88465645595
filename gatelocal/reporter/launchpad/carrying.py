"""What happened to a change is carried to Launchpad, each thing once; what that is, the rules say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import quote

from gatelocal.errors import InfrastructureError
from gatelocal.model.tracked import ABANDONED, Told, Tracked
from gatelocal.ports import Say
from gatelocal.reporter.launchpad import references
from gatelocal.reporter.launchpad.door import Door, Identities, NotLetIn, Outdated, Refused, is_missing
from gatelocal.reporter.launchpad.references import Reference
from gatelocal.reporter.launchpad.rules import Comment, SetStatus, Step, Tag, Task, steps, whiteboard

SETTLE = 3.0
"""Seconds that Launchpad has for an order whose answer was lost, before it counts as not carried out."""
_LOOKED_AT = 300  # of the newest comments on a bug
_TRIES = 4  # when others write at the same time
_IDENTITIES = "https://login.launchpad.net/+id/", "https://login.ubuntu.com/+id/"


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries. :ivar trunk: the branches that count as the main one."""

    door: Door
    projects: Callable[[str], Tracked]
    trunk: Sequence[str]
    identities: Identities
    say: Say
    settle: float = SETTLE

    def carry(self, told: Told, *, repeated: bool) -> None:
        """Do all of it that is not done yet.

        :param repeated: some of it may be under way, from a former time.
        :raises InfrastructureError: Launchpad gives no answer: it is to be tried again.
        """
        tracked = self.projects(told.project)
        if not tracked.names:
            return
        found = references.bugs(told.message) if tracked.bugs else ()
        for one in found:
            self._trying(f"bug {one.number}", partial(self._bug, told, tracked, one, repeated))
        named = references.blueprints(told.message, told.topic)
        if tracked.blueprints and told.kind != ABANDONED:
            for project, name in product(tracked.names, named):
                self._trying(f"blueprint {project} {name}", partial(self._blueprint, told, project, name))

    def _trying(self, what: str, do: Callable[[], None]) -> None:
        """As often as somebody else comes between; what Launchpad refuses is told, and all else goes on."""
        for _ in range(_TRIES):
            try:
                return do()
            except Outdated:
                continue
            except Refused as error:
                return self.say(f"{what} is left as it is: {error}")
        raise InfrastructureError(f"Launchpad: {what} is changed by others all the time")

    # ---- bugs

    def _bug(self, told: Told, tracked: Tracked, reference: Reference, repeated: bool) -> None:
        with self.door.asking() as root:
            bug = _found(root, f"bugs/{reference.number}")
            tasks = [] if bug is None else list(bug.bug_tasks)
            shown = [Task(one.bug_target_name, one.status) for one in tasks]
        later: NotLetIn | None = None
        for step in steps(told, reference, tracked, self.trunk, shown):
            try:
                self._step(told, bug, tasks, step, repeated)
            except Refused as error:
                self.say(f"bug {reference.number}: {_WORDS[type(step)]} is left as it is: {error}")
            except NotLetIn as error:  # perhaps only that, as the status where others alone may set it
                later = error
        if later is not None:
            raise later

    def _step(self, told: Told, bug: Any, tasks: Sequence[Any], step: Step, repeated: bool) -> None:
        match step:
            case SetStatus(task=at, status=status, assign=assign):
                person = self._person(told) if assign else None
                with self.door.asking():
                    given = person is not None and tasks[at].assignee_link != person.self_link
                    _save(tasks[at], {"status": status, **({"assignee": person} if given else {})})
            case Tag(name=name):
                with self.door.asking():
                    _save(bug, {"tags": bug.tags if name in bug.tags else [*bug.tags, name]})
            case Comment():
                if not self._is_there(bug, step, repeated):
                    with self.door.asking():
                        bug.newMessage(subject=step.subject, content=step.text)

    def _is_there(self, bug: Any, wanted: Comment, repeated: bool) -> bool:
        """Whether it is said already, or comes to be while one waits."""
        for wait in (0.0, self.settle) if repeated else (0.0,):
            time.sleep(wait)
            with self.door.asking():
                said = bug.messages
                count = len(said)
                for one in said[max(count - _LOOKED_AT, 0) : count]:
                    if _same(one.subject, wanted.subject) and _same(one.content, wanted.text):
                        return True
        return False

    def _person(self, told: Told) -> Any:
        """Who uploaded it, as Launchpad knows people; None when it does not."""
        for find in self._ways(told):
            try:
                with self.door.asking() as root:
                    if (person := find(root.people)) is not None:
                        return person
            except Refused:
                continue
        return None

    def _ways(self, told: Told) -> Iterator[Callable[[Any], Any]]:
        """By an identity that both know, else by the address of mail."""
        for one in self.identities(told.account) if told.account is not None else ():
            if one.startswith(_IDENTITIES):
                yield partial(_asked, "getByOpenIDIdentifier", "identifier", one)
        if told.email:
            yield partial(_asked, "getByEmail", "email", told.email)

    # ---- blueprints

    def _blueprint(self, told: Told, project: str, name: str) -> None:
        with self.door.asking() as root:
            target = _found(root, quote(project))
            if target is None:
                return
            if "getSpecification" in target.lp_operations:
                found = target.getSpecification(name=name)
            else:
                found = _found(root, f"{quote(project)}/+spec/{name}")
            if found is not None and "whiteboard" in found.lp_attributes:
                _save(found, {"whiteboard": whiteboard(found.whiteboard or "", told)})


def _found(root: Any, path: str) -> Any:
    """None: there is no such thing, or it is not shown to us."""
    try:
        return root.load(path)
    except Exception as error:
        if is_missing(error):
            return None
        raise


def _save(entry: Any, wanted: Mapping[str, Any]) -> None:
    """Set what is not so yet; only what was read last is overwritten."""
    for name, value in wanted.items():
        if name == "assignee" or getattr(entry, name) != value:
            setattr(entry, name, value)
    if entry._dirty_attributes:
        entry.lp_save()


def _asked(operation: str, name: str, value: str, people: Any) -> Any:
    return getattr(people, operation)(**{name: value}) if operation in people.lp_operations else None


def _same(said: object, wanted: str) -> bool:
    return isinstance(said, str) and said.split() == wanted.split()


_WORDS = {SetStatus: "its status", Tag: "its tag", Comment: "what is said on it"}
