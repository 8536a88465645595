"""A tox build as a list of steps, in the order of zuul-jobs' `tox` role; pure data, nothing is run here.

No ``ZUUL_*`` variable is set: Zuul itself sets none for its tox jobs since its version 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gatelocal.executor.wanted import Wanted, env_names

INSIST = ("--skip-missing-interpreters=false",)
"""Whatever the project sets: an environment that tox passes over has passed nothing. The job's own words come after."""


class Stage(Enum):
    """What a step is for; how its failure is judged depends on it."""

    START = "start"
    PACKAGES = "packages"
    ENVIRONMENT = "environment"
    SIBLINGS = "siblings"
    TESTS = "tests"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Step:
    """One program on the node.

    :ivar directory: absolute path on the node; None for its home.
    :ivar purpose: for people, as in "make the environment py3".
    :ivar command: the command line as a person would type it.
    """

    stage: Stage
    argv: tuple[str, ...]
    directory: str | None
    purpose: str
    command: str
    environment: dict[str, str] = field(default_factory=dict)


def start(build: Wanted, helper: str) -> Step:
    """The step that comes first: it tells what the node has.

    :param helper: the text of :mod:`gatelocal.executor.on_node`.
    """
    words = ("start", "--into", build.output, "--constraints", build.constraints)
    return _asked(Stage.START, build, helper, words, "look at the node")


def steps(build: Wanted, helper: str, tox: tuple[str, ...], *, install: bool) -> tuple[Step, ...]:
    """The steps that the outcome hangs on.

    :param tox: how tox is started on the node. :param install: whether distribution packages may be installed there.
    """
    names = env_names(build.envs)
    run = (*tox, "-e", names, *INSIST)
    profile = tuple(word for name in build.profile for word in ("--profile", name))
    chain = [
        _asked(
            Stage.PACKAGES,
            build,
            helper,
            ("packages", *profile, *(("--install",) if install else ())),
            "look for packages that bindep.txt names",
        ),
        _tox(Stage.ENVIRONMENT, build, (*run, "--notest", *build.extra), f"make the environment {names}"),
    ]
    if build.siblings:
        trees = tuple(word for tree in build.siblings for word in ("--tree", tree))
        words = ("siblings", "--constraints", build.constraints, *_envs(build, tox), *trees)
        chain.append(_asked(Stage.SIBLINGS, build, helper, words, "install required projects from source"))
    chain.append(_tox(Stage.TESTS, build, (*run, *build.extra), f"run {names}"))
    return tuple(chain)


def collect(build: Wanted, helper: str, tox: tuple[str, ...]) -> Step:
    """The step that comes last, however the others ended."""
    words = ("collect", "--into", build.output, *_envs(build, tox))
    return _asked(Stage.COLLECT, build, helper, words, "gather logs")


def _envs(build: Wanted, tox: tuple[str, ...]) -> tuple[str, ...]:
    # --tox=WORD: a word of the command line may itself begin with a dash.
    return tuple(f"--env={env}" for env in build.envs) + tuple(f"--tox={word}" for word in tox)


def _tox(stage: Stage, build: Wanted, argv: tuple[str, ...], purpose: str) -> Step:
    return Step(stage, argv, build.directory, purpose, " ".join(argv), dict(build.environment))


def _asked(stage: Stage, build: Wanted, helper: str, words: tuple[str, ...], purpose: str) -> Step:
    argv = ("python3", "-c", helper, *words, "--work", build.directory)
    return Step(stage, argv, None, purpose, purpose)
