"""A check of every landing that knows no rule of the gate: what lands was tested, and cycles land whole.

It looks at the builds of the world and at the branch as it is after the submit; of the layout it only takes which jobs
have to be green.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gatelocal.model.facts import Facts, Ref
from gatelocal.model.layout import NOOP, JobKind, JobSpec, Manager
from gatelocal.model.pattern import any_matches
from gatelocal.pipeline.actions import Action, Prepare, StartBuild, Submit
from gatelocal.pipeline.ready import queue_name
from gatelocal.pipeline.state import State
from gatelocal.sim.build import Build
from gatelocal.sim.configuration import Configuration
from gatelocal.sim.workspaces import Branch
from gatelocal.sim.world import World

_REJECTED = ("failure", "dependency", "requirement", "refused")
"""Kinds of messages of which an item that lands sends none."""

_ALARM = "what has landed is not what was tested"

_ONCE = ("start", "success", "failure", "dependency", "requirement", "refused")
"""Kinds of messages that an item sends once."""


class Audit:
    """The landings so far. :ivar earlier: configurations that were in force before the present one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.earlier: list[Configuration] = []
        self._landed: dict[tuple[int, int], list[Ref]] = {}
        self._outrun: set[Ref] = set()
        self._asked: dict[int, tuple[Ref, ...]] = {}
        self._by_change: dict[str, list[Build]] = {}
        self._seen = 0

    def mistaken(self, actions: tuple[Action, ...]) -> Iterator[str]:
        """Builds that are to run on another workspace than the one that was asked for under its id."""
        for action in actions:
            if isinstance(action, Prepare):
                self._asked[action.id] = action.changes
            elif isinstance(action, StartBuild):
                found, wanted = self._world.trees.made[action.preparation].changes, self._asked[action.preparation]
                if found != wanted:
                    told = " and not on ".join(" ".join(map(str, one)) for one in (found, wanted))
                    yield f"{action.job} of {action.change} is to run on {told}"

    def landing(self, action: Submit, state: State) -> list[str]:
        """What is wrong with a landing that has just happened."""
        landed = self._so_far(action)
        found = [f"{action.ref} landed twice"] if action.ref in landed else []
        landed.append(action.ref)
        if self._world.begun[action.item][0] != self._world.server.foreign:
            self._outrun.add(action.ref)  # by what others did before the server had done what the gate asked for
        if action.left if action.batch else len(landed) < len(action.changes):
            return found
        if not self._outrun.isdisjoint(landed):
            return found
        self._index()
        for ref in landed:
            found += self._judged(ref, action, tuple(landed), state)
        return found

    def _judged(self, ref: Ref, action: Submit, together: tuple[Ref, ...], state: State) -> list[str]:
        """What is wrong under the present configuration, unless the jobs were frozen under an earlier one."""
        keys = self._branches(state, action, _branch(self._world, ref))
        found = list(self._tested(self._world.configuration, (ref, *together), action, state, keys))
        for one in reversed(self.earlier):
            if not found or not any(self._tested(one, (ref, *together), action, state, keys)):
                return []
        return found

    def _so_far(self, action: Submit) -> list[Ref]:
        """What has landed already together with this; a batch of which the server refused a member is none any more."""
        if not action.batch:
            return self._landed.setdefault((action.item, 0), [])
        begun = (action.batch, action.left + 1)
        landed = self._landed.pop(begun, [])
        self._landed[action.batch, action.left] = landed
        return landed

    def partial(self) -> list[str]:
        """Cycles of which only a part has landed: to be asked when nothing more follows."""
        found = []
        for action in self._world.submitted:
            if action.item in self._world.outrun:
                continue  # somebody did something to one of them when others had landed
            landed = [ref for ref in action.changes if self._has_landed(ref)]
            if landed and len(landed) < len(action.changes) and action.ref == action.changes[0]:
                missing = [str(ref) for ref in action.changes if ref not in landed]
                found.append(
                    f"only a part of a cycle landed: {', '.join(map(str, landed))} without {', '.join(missing)}"
                )
        return found

    def twice(self) -> list[str]:
        """Submits, messages and builds that came a second time."""
        submits = Counter((action.item, action.ref) for action in self._world.submitted)
        reports = Counter(
            (one.item, one.ref, one.pipeline, one.kind)
            for reports in self._world.messages.values()
            for one in reports
            if one.kind in _ONCE and one.item
        )
        builds = Counter(build.start.id for build in self._world.builds)
        found = [f"{ref} was submitted {count} times" for (_, ref), count in submits.items() if count > 1]
        found += [f"build {number} was begun {count} times" for number, count in builds.items() if count > 1]
        late = self._world.late  # whose submit came too late is judged once more
        found += [f"{ref} was told {kind} {n} times" for (at, ref, _, kind), n in reports.items() if n > 1 + late[at]]
        return found

    def untrue(self) -> Iterator[str]:
        """What was told on changes although it is not so."""
        world = self._world
        answers = zip(world.submitted, world.submits, strict=True)
        landed = {(one.item, one.ref) for one, (_, answer) in answers if answer == "ok" and len(one.changes) == 1}
        for one in world.log:
            if one.kind in _REJECTED and (one.item, one.ref) in landed:
                yield f"{one.ref} has landed and was told {one.kind}"
            if not world.server.foreign and one.text.startswith(f"{one.pipeline}: {_ALARM}"):
                yield f"{one.ref} was told that it was not tested, and nobody else has moved a branch"

    def left(self, state: State) -> Iterator[str]:
        """What an idle world must not have: items, requests, nodes in use, semaphores held."""
        world = self._world
        busy = world.running or world.requests or world.events or world.waiting
        if busy or any(queue.paused for queue in state.queues.values()):
            return
        for item in state.items.values():
            yield f"item {item.id} ({', '.join(map(str, item.changes))}) is left: {item.stage.value}"
        for request in sorted(world.nodes):
            yield f"the node of request {request} was not returned"
        for name in state.semaphores:
            yield f"semaphore {name} is left held"

    def _has_landed(self, ref: Ref) -> bool:
        return self._world.server.changes[ref.change].status == "MERGED"

    def _index(self) -> None:
        for build in self._world.builds[self._seen :]:
            self._by_change.setdefault(build.start.change, []).append(build)
        self._seen = len(self._world.builds)

    def _tested(
        self, known: Configuration, refs: tuple[Ref, ...], action: Submit, state: State, keys: tuple[Branch, ...]
    ) -> Iterator[str]:
        """All voting jobs of a change have a green result on exactly the content that its branch has now.

        :param refs: the change, and then all that landed together.
        """
        ref, *together = refs
        graph = known.graph(self._world.server.facts(ref.change), ref, action.pipeline)
        if graph.problem:
            yield f"{ref} landed although its jobs cannot be told: {graph.problem}"
            return
        jobs = graph.jobs
        builds = [b for one in together for b in self._by_change.get(one.change, ()) if _of(b, action)]
        for job in jobs:
            decides = job.voting and job.name != NOOP and job.kind is not JobKind.REPORTER
            if not decides or self._not_asked_for(job, jobs, builds):
                continue
            if not self._green(state, job, builds, keys) and not self._skipped(state, job, jobs, builds, keys):
                yield f"{ref} landed on {' '.join(keys[0])} without a green {job.name} on what the branch has now"

    def _branches(self, state: State, action: Submit, own: Branch) -> tuple[Branch, ...]:
        """The branch of a change; with ``verify`` also those that were in one queue with it all the time: nobody lands
        who was tested on other tips of them, as far as the gate was told of these. Its own it is asked to look at.
        """
        moved = self._world.untold
        every = self._world.server.entries if state.policy.verify else ()
        others = [key for key in every if key != own and moved[key] <= 0]
        for layout in (state.layout, *(one.layout for one in self.earlier)):
            pipeline = layout.pipelines.get(action.pipeline)
            if pipeline is None or pipeline.manager is not Manager.DEPENDENT:
                return (own,)
            queue = queue_name(layout, pipeline, Facts("", 1, *own))
            others = [key for key in others if queue_name(layout, pipeline, Facts("", 1, *key)) == queue]
        return (own, *others)

    def _green(self, state: State, job: JobSpec, builds: list[Build], keys: tuple[Branch, ...]) -> bool:
        green = (build for build in builds if build.start.job == job.name and build.result == "SUCCESS")
        return any(all(self._same_content(state, job, build, key) for key in keys) for build in green)

    def _skipped(
        self, state: State, job: JobSpec, jobs: tuple[JobSpec, ...], builds: list[Build], keys: tuple[Branch, ...]
    ) -> bool:
        """Whether a job that does not vote, and that this one depends on, did not succeed."""
        by_name = {one.name: one for one in jobs}
        pending, seen = [job.name], {job.name}
        while pending:
            for name in (name for name, _ in by_name[pending.pop()].dependencies if name in by_name):
                if not by_name[name].voting and not self._green(state, by_name[name], builds, keys):
                    return True
                if name not in seen:
                    seen.add(name)
                    pending.append(name)
        return False

    def _not_asked_for(self, job: JobSpec, jobs: tuple[JobSpec, ...], builds: list[Build]) -> bool:
        """Whether a build that selects its children did not select this job, or one that it needs."""
        if not job.dependencies:
            return False
        by_name = {one.name: one for one in jobs}
        pending, seen = [job], {job.name}
        while pending:
            one = pending.pop()
            for name, soft in one.dependencies:
                rules = [b.rule for b in builds if b.start.job == name and b.rule is not None]
                if any(rule.children is not None and one.name not in rule.children for rule in rules):
                    return True
                if not soft and name in by_name and name not in seen:
                    seen.add(name)
                    pending.append(by_name[name])
        return False

    def _same_content(self, state: State, job: JobSpec, build: Build, key: Branch) -> bool:
        """Whether a workspace had what the branch has now, or, where the policy says so, the same inputs of the job.

        Changes that land in another order than they were merged in are the same content: neither touches the other.
        """
        world = self._world
        if world.trees.content(build.workspace, key) == world.server.digest(key):
            return True
        policy = state.policy
        if not (policy.reuse or policy.urgent or policy.overtake):
            return False
        rest = world.server.branch(*key)[build.workspace.tips.get(key, 0) :]
        items = [ref for ref in world.items(build.workspace) if _branch(world, ref) == key]
        now = [entry.name for entry in rest if self._is_input(job, entry.name)]
        then = [str(ref) for ref in items if self._is_input(job, str(ref))]
        return sorted(now) == sorted(then) if policy.overtake else now == then

    def _is_input(self, job: JobSpec, name: str) -> bool:
        change = self._world.server.changes.get(name.partition(".")[0])
        files = change.files if change is not None else self._world.pushed.get(name, ())
        return not files or any(
            (not job.files or any_matches(job.files, path)) and not any_matches(job.irrelevant, path) for path in files
        )


def _of(build: Build, action: Submit) -> bool:
    return build.start.pipeline == action.pipeline


def _branch(world: World, ref: Ref) -> Branch:
    change = world.server.changes[ref.change]
    return change.project, change.branch
