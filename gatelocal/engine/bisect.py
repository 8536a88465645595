"""Which one of a row makes a job or a test fail: probes by halves, each a run; how rows are made is not its business.

The first bad one is named only where the end that is to be good is seen to be good, and the other one to be bad. A
probe that says nothing (the machinery, a conflict, a job or a test that is not there) is passed over and told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gatelocal.engine.parted import refuse_none
from gatelocal.engine.recorded import Meant
from gatelocal.engine.request import GateRequest
from gatelocal.engine.row import Row, Standing
from gatelocal.errors import ConfigurationError, ConflictError, GateError, InfrastructureError, InputError
from gatelocal.jobs.families import CLONE_VARIABLE, TIMES_VARIABLE
from gatelocal.model.deviation import WARM
from gatelocal.model.part import Part
from gatelocal.model.run import RunResult
from gatelocal.ports import Say
from gatelocal.results.search import Search
from gatelocal.results.tries import Verdict, flake

IN_VAIN = 3
"""After so many probes in a row in which the machinery failed, there are no more."""

Run = Callable[[GateRequest], RunResult]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one place.

    :ivar good: None: it says nothing, and `why` says why. :ivar why: of a bad one, what failed.
    :ivar cloned: whether it began with a clone. :ivar machinery: whether that is why it says nothing.
    :ivar recorded: the name of the run that has said so; empty: a probe has.
    :ivar bases: the commits that it was merged onto.
    """

    place: int
    good: bool | None
    why: str = ""
    seconds: float = 0.0
    logs: str = ""
    cloned: bool = False
    machinery: bool = False
    recorded: str = ""
    bases: frozenset[str] = frozenset()

    @property
    def word(self) -> str:
        """For people."""
        return "says nothing" if self.good is None else "good" if self.good else "bad"


@dataclass(frozen=True, slots=True)
class Bisected:
    """What came out. :ivar answers: in the order in which they came."""

    row: Row
    search: Search
    answers: tuple[Answer, ...]

    @property
    def culprits(self) -> tuple[Standing, ...]:
        """The places one of which is the first bad one."""
        return tuple(self.row.places[place] for place in self.search.culprits)

    @property
    def probes(self) -> tuple[Answer, ...]:
        """Those answers that a run was made for."""
        return tuple(one for one in self.answers if not one.recorded)

    @property
    def first_bad(self) -> Answer:
        """What is known of the first place that is known to be bad."""
        return next(one for one in reversed(self.answers) if one.place == self.search.bad and one.good is False)


@dataclass(frozen=True, slots=True)
class Prober:
    """What probes are made with.

    :ivar times: how often each runs the tests, where one failure counts. :ivar recorded: what runs of before have said
        of the last place, on those bases; None: nothing.
    """

    run: Run
    meant: Meant
    say: Say
    times: int = 1
    recorded: Callable[[Standing, frozenset[str]], Answer | None] = lambda standing, bases: None


def bisect(row: Row, prober: Prober) -> Bisected:
    """Look for the first bad place.

    :raises InputError: the first place is not good, the last one not bad, or the tests are not there.
    :raises GateError: one of these cannot be run, or the machinery goes on failing.
    """
    last = len(row.places) - 1
    if last < 1:
        raise InputError("there is nothing between the two ends", hint=row.hint)
    answers: list[Answer] = []
    if not prober.meant.run:  # that there is such a test is seen where it fails
        answers.append(_bad_end(row, prober))
        prober = replace(prober, meant=replace(prober.meant, run=row.places[last].name))
    answers.append(_end(row, prober, 0))
    if not answers[-1].good:
        what = f"it fails with {row.places[0].name}: {answers[-1].why}"
        raise InputError(what, hint=row.hint, details=answers[-1].logs)
    if len(answers) == 1:
        known = prober.recorded(row.places[last], answers[0].bases)
        if known is not None:
            prober.say(f"{row.places[last].name}: bad, as the run {known.recorded} has seen")
        answers.append(replace(known, place=last) if known is not None else _bad_end(row, prober))
    search, in_vain = Search(0, last), 0
    while (place := search.next) is not None:
        answers.append(_probe(row, prober, place)[0])
        search = search.told(place, answers[-1].good)
        in_vain = in_vain + 1 if answers[-1].machinery else 0
        if in_vain >= IN_VAIN:
            raise InfrastructureError("the machinery fails in each probe", details=answers[-1].why)
    if search.bad == last and answers[1].recorded and len(search.culprits) == 1:
        prober.say("what the run has recorded is looked at once more: all else depends on it")
        answers.append(_bad_end(row, prober))
    return Bisected(row, search, tuple(answers))


def _bad_end(row: Row, prober: Prober) -> Answer:
    answer = _end(row, prober, len(row.places) - 1)
    if answer.good:
        raise InputError(
            f"it passes with {row.places[-1].name} too: there is nothing to find",
            hint="if it fails now and then, `gatelocal flake` says how often, and -n makes each probe try so often",
            details=answer.logs,
        )
    return answer


def _end(row: Row, prober: Prober, place: int) -> Answer:
    """What an end says, which has to say something. :raises GateError: it does not."""
    answer, error = _probe(row, prober, place)
    if answer.good is None:
        what = f"{row.places[place].name} has to be tested, and says nothing: {answer.why}"
        hint = "--good names another commit to begin with" if not place else ""
        raise error if error is not None else InputError(what, details=answer.logs, hint=hint)
    return answer


def _probe(row: Row, prober: Prober, place: int) -> tuple[Answer, GateError | None]:
    """One probe; one that began with a clone and says nothing is made again on a fresh node."""
    standing = row.places[place]
    answer, error = _run(standing, prober, place, cold=standing.request.cold)
    if answer.good is None and answer.cloned:
        prober.say(f"{standing.name}: on a clone it says nothing ({answer.why}); once more on a fresh node")
        answer, error = _run(standing, prober, place, cold=True)
    how = ", ".join((f"{answer.seconds:.0f} s", *(["a clone"] if answer.cloned else [])))
    why = f": {answer.why}" if answer.why else ""
    prober.say(f"{standing.name} {standing.subject}".rstrip() + f": {answer.word} ({how}){why}")
    return answer, error


def _run(standing: Standing, prober: Prober, place: int, *, cold: bool) -> tuple[Answer, GateError | None]:
    meant = prober.meant
    part = Part("probe", {TIMES_VARIABLE: prober.times, CLONE_VARIABLE: True})
    only = {meant.job: meant.tests} if meant.tests else {}
    request = replace(standing.request, jobs=(meant.job,), only=only, part=True, parts={meant.job: (part,)}, cold=cold)
    try:
        result = prober.run(request)
        refuse_none(result, meant.job)
    except InfrastructureError as error:
        return Answer(place, None, error.brief, machinery=True), error
    except (ConflictError, ConfigurationError) as error:
        return Answer(place, None, error.brief), error
    found = flake(result.builds, meant.job, meant.tests, prober.times, known=bool(meant.run))
    good = {Verdict.STEADY: True, Verdict.FLAKY: False, Verdict.FAILS: False}.get(found.verdict)
    why = next(iter(found.failures), "")
    if good is None or (good and found.lost):
        good, why = None, next(iter(found.reasons), found.verdict.value)
    cloned = any(one.id == WARM for build in result.builds for one in build.deviations)
    machinery = good is None and any(one.outcome.machinery for one in result.builds)
    bases = frozenset(one.commit for one in result.bases)
    return Answer(place, good, why, result.seconds, result.logs, cloned, machinery, bases=bases), None
