"""A tox build as a list of steps, in the order of zuul-jobs' `tox` role; pure data, nothing is run here.

No ``ZUUL_*`` variable is set: Zuul itself sets none for its tox jobs since its version 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from gatelocal.executor.extra import chosen, once, placing
from gatelocal.executor.wanted import Wanted, env_names

INSIST = ("--skip-missing-interpreters=false",)
"""Whatever the project sets: an environment that tox passes over has passed nothing. The job's own words come after."""


class Stage(Enum):
    """What a step is for; how its failure is judged depends on it."""

    START = "start"
    PACKAGES = "packages"
    SETUP = "setup"
    PYTHON = "python"
    TOX = "tox"
    SUDO = "sudo"
    ENVIRONMENT = "environment"
    SIBLINGS = "siblings"
    TESTS = "tests"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Step:
    """One program on the node.

    :ivar mark: of a helper's step: what stands before the facts that it tells, known to nobody who runs later.

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
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Helpers:
    """The programs that look at the node itself, as text.

    :ivar on_node: :mod:`gatelocal.executor.on_node`. :ivar prepare: :mod:`gatelocal.executor.prepare_node`.
    :ivar mark: gives a new mark that cannot be guessed.
    """

    on_node: str
    prepare: str
    mark: Callable[[], str]


def start(build: Wanted, helpers: Helpers) -> Step:
    """The step that comes first: it tells what the node has."""
    words = ("start", "--into", build.output, "--constraints", build.constraints, *_junit(build))
    return _asked(Stage.START, build, helpers, words, "look at the node")


def preparation(build: Wanted, helpers: Helpers, *, setup: bool, install: bool) -> tuple[Step, ...]:
    """The steps before tox, of Zuul's `unittests` and `tox` jobs: what fails here says nothing about the change.

    :param setup: whether the project has an executable ``tools/test-setup.sh``.
    :param install: whether the node is a machine of its own, which may be changed for good.
    """
    may = ("--install",) if install else ()
    chain = []
    if build.bindep.wanted:
        words = ("packages", *_bindep(build), *may)
        chain.append(_prepared(Stage.PACKAGES, build, helpers, words, "look for packages that bindep.txt names"))
    if setup and install and build.setup.wanted:
        argv = ("tools/test-setup.sh", *build.setup.arguments)
        environment = dict(build.setup.environment)
        chain.append(Step(Stage.SETUP, argv, build.directory, f"run {argv[0]}", " ".join(argv), environment))
    if build.python:
        words = ("python", f"--version={build.python}", *may)
        chain.append(_prepared(Stage.PYTHON, build, helpers, words, f"look for Python {build.python}"))
    if build.tox_version or build.tox:
        words = ("tox", f"--version={build.tox_version}", f"--executable={build.tox}")
        chain.append(
            _prepared(Stage.TOX, build, helpers, words, f"look for tox{build.tox_version or f' ({build.tox})'}")
        )
    if install:
        chain.append(_prepared(Stage.SUDO, build, helpers, ("sudo", *may), "take the right to become root away"))
    return tuple(chain)


def steps(build: Wanted, helpers: Helpers, tox: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps that the outcome hangs on.

    :param tox: how tox is started on the node.
    """
    names = env_names(build.envs)
    run = (*tox, *(("-c", build.config) if build.config else ()), "-e", names, *INSIST)
    chain = [_tox(Stage.ENVIRONMENT, build, (*run, "--notest", *build.extra), f"make the environment {names}")]
    if build.siblings:
        trees = tuple(word for tree in build.siblings for word in ("--tree", tree))
        words = ("siblings", "--constraints", build.constraints, *questions(build, tox), *trees)
        own = (f"--package={build.package}",) if build.package else ()
        purpose = "install required projects from source"
        chain.append(_asked(Stage.SIBLINGS, build, helpers, (*words, *own), purpose))
    chain.append(_tox(Stage.TESTS, build, (*run, *once(build.extra)), f"run {names}"))
    return tuple(chain)


def index(build: Wanted, helpers: Helpers, tox: tuple[str, ...]) -> Step:
    """A look whether the package index answers, after pip has said that it has nothing."""
    step = _asked(
        Stage.COLLECT, build, helpers, ("index", *questions(build, tox)), "ask the package index for anything"
    )
    return replace(step, environment=dict(build.environment))


def collect(build: Wanted, helpers: Helpers, tox: tuple[str, ...]) -> Step:
    """The step that comes last, however the others ended."""
    words = ("collect", "--into", build.output, *questions(build, tox), *_junit(build))
    return _asked(Stage.COLLECT, build, helpers, words, "gather results and logs")


def _junit(build: Wanted) -> tuple[str, ...]:
    return tuple(f"--junit={pattern}" for pattern in build.junit)


def _bindep(build: Wanted) -> tuple[str, ...]:
    bindep = build.bindep
    return (
        *(f"--profile={name}" for name in bindep.profile),
        *(f"--file={name}" for name in bindep.files),
        f"--fallback={bindep.fallback}",
        f"--bindep={bindep.command}",
    )


def questions(build: Wanted, tox: tuple[str, ...]) -> tuple[str, ...]:
    """The words by which a program on the node finds the build's environments."""
    # --tox=WORD: a word of the command line may itself begin with a dash.
    names = dict.fromkeys((*build.envs, *chosen(build.extra)))
    words = tuple(f"--env={env}" for env in names) + tuple(f"--tox={word}" for word in tox)
    words += tuple(f"--where={word}" for word in placing(build.extra))
    return (*words, f"--config={build.config}") if build.config else words


def afterwards(build: Wanted) -> dict[str, str]:
    """The job's variables, once the environments are made: see :func:`gatelocal.executor.extra.once`."""
    return {name: value for name, value in build.environment if name != "TOX_RECREATE"}


def for_tox(build: Wanted) -> dict[str, str]:
    """What the job's variables say to tox alone, which counts whenever tox is asked."""
    return {name: value for name, value in build.environment if name.startswith("TOX")}


def _tox(stage: Stage, build: Wanted, argv: tuple[str, ...], purpose: str) -> Step:
    environment = dict(build.environment) if stage is Stage.ENVIRONMENT else afterwards(build)
    return Step(stage, argv, build.directory, purpose, " ".join(argv), environment)


def _asked(stage: Stage, build: Wanted, helpers: Helpers, words: tuple[str, ...], purpose: str) -> Step:
    step = _helped(stage, helpers.on_node, helpers.mark(), (*words, "--work", build.directory), purpose)
    return replace(step, environment=for_tox(build))


def _prepared(stage: Stage, build: Wanted, helpers: Helpers, words: tuple[str, ...], purpose: str) -> Step:
    return _helped(stage, helpers.prepare, helpers.mark(), (*words, "--work", build.directory), purpose)


def _helped(stage: Stage, helper: str, mark: str, words: tuple[str, ...], purpose: str) -> Step:
    return Step(stage, ("python3", "-c", helper, *words, "--mark", mark), None, purpose, purpose, mark=mark)
