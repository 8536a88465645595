"""Branches on a second git remote: each is pushed there after it has moved; nothing that is there is overwritten.

The gate waits for none of that: threads of its own do it, again until it is done. What is there already is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gatelocal.config.mirror import PROJECT, Copy
from gatelocal.errors import InfrastructureError, InputError, as_machinery
from gatelocal.merger.merger import Merger
from gatelocal.model.facts import Facts
from gatelocal.model.refs import is_tag
from gatelocal.model.text import plain
from gatelocal.pipeline.events import Event, RefUpdated, ServerRead
from gatelocal.pipeline.state import State
from gatelocal.ports import Say
from gatelocal.server.errands import Errands
from gatelocal.server.notes import Known, Notes
from git_review.git.errors import GitError
from git_review.git.runner import Runner

_PATIENCE = 600.0  # seconds for one push
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "push", "--porcelain", "--no-verify", "--no-signed")


@dataclass(slots=True)
class Copies:
    """See the module.

    :ivar to: where they go. :ivar login: variables that let git in there. :ivar errands: threads for this alone.
    :ivar refused: (project, branch) → the commit that would have overwritten something.
    """

    to: Copy
    login: Mapping[str, str]
    merger: Callable[[], Merger]
    state: Callable[[], State]
    notes: Notes
    errands: Errands
    say: Say
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Push what has moved and was not pushed when the last daemon ended."""
        tips: dict[str, dict[str, str]] = {}
        for one in filter(_has_place, self.state().changes.values()):
            tips.setdefault(one.project, {})[one.branch] = one.tip
        for project, wanted in tips.items():
            known = self.notes.read(project) or {}
            if any(known.get(name) != tip for name, tip in wanted.items()):
                self.moved(project)

    def told(self, event: Event) -> None:
        """Something has happened: does a branch move, or is one seen for the first time?"""
        match event:
            case RefUpdated(facts=facts):
                self.moved(facts.project)
            case ServerRead(facts=several):
                for project in dict.fromkeys(one.project for one in several if one.is_branch):
                    self.moved(project)
            case _:
                pass

    def moved(self, project: str) -> None:
        """Branches of the project may have moved."""
        if project not in self._waiting:
            self._waiting.add(project)
            self.errands.add(f"copying {project}", lambda: self._copy(project))

    def _copy(self, project: str) -> None:
        self._waiting.discard(project)
        known = self.notes.read(project) or {}
        tips = self._tips(project)
        behind = {name: tip for name, tip in tips.items() if tip not in (known.get(name), self._refusal(project, name))}
        if not behind:
            return
        try:
            with as_machinery(f"copying {project}"):
                self._have(project, behind)
                done, failed = self._push(project, behind)
        except InputError as error:
            self.say(f"{project} is not copied: {error.brief}")
            return
        if done:
            self.notes.write(project, {**{name: to for name, to in known.items() if name in tips}, **done})
        if failed:
            raise InfrastructureError(f"{project} is not copied: {failed}")

    def _tips(self, project: str) -> Known:
        every = self.state().changes.values()
        return {one.branch: one.tip for one in every if one.project == project and _has_place(one)}

    def _refusal(self, project: str, branch: str) -> str | None:
        return self.refused.get((project, branch))

    def _have(self, project: str, tips: Known) -> None:
        """Fetch what is not in the cache yet; what even the server has no more is told of by its next movement."""
        if self.merger().repository(project).missing(tips.values()):
            self.merger().freeze(project, tips)

    def _push(self, project: str, behind: Known) -> tuple[Known, str]:
        """What is there then, and why something else is not."""
        repository = self.merger().repository(project)
        gone = {*repository.missing(behind.values())}
        refs = {f"refs/heads/{name}": (name, tip) for name, tip in behind.items() if tip not in gone}
        if not refs:
            return {}, ""
        url = self.to.url.replace(PROJECT, quote(project))
        git = Runner(repository.path, environment={**self.login, "GIT_DIR": str(repository.path)}, alone=True)
        specs = [f"{tip}:{ref}" for ref, (_, tip) in refs.items()]
        try:
            told = git.run(*_OPTIONS, "--", url, *specs, ok=(0, 1), timeout=_PATIENCE)
        except GitError as error:
            last = [line for line in (error.details or error.brief).splitlines() if line.strip()][-1:]
            raise InfrastructureError(f"{project} is not copied: {plain(''.join(last))[:200]}") from error
        done: dict[str, str] = {}
        failed = ""
        for line in told.lines:
            mark, _, rest = line.partition("\t")
            pair, _, words = rest.partition("\t")
            name, tip = refs.get(pair.partition(":")[2], ("", ""))
            if name and mark in (" ", "*", "="):
                done[name] = tip
            elif name and words.startswith("[rejected]"):
                self.refused[(project, name)] = tip
                self.say(f"the mirror has another {name} of {project}, which is not overwritten: {plain(words)[:200]}")
            elif name:
                failed = plain(f"{name}: {words}")[:200]
        return done, failed


def _has_place(facts: Facts) -> bool:
    """Whether it is a branch whose place is known."""
    return facts.is_branch and bool(facts.tip) and not is_tag(facts.branch)
