"""A job's commands as its frozen variable has them, checked; pure, nothing is run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatelocal.errors import ConfigurationError
from gatelocal.jobs.families import STEPS_VARIABLE
from gatelocal.model.job import Job
from gatelocal.model.steps import SUITES, Command, Steps

_KEYS = frozenset("command name suite results directory timeout environment node".split())


def wanted(job: Job) -> Steps:
    """What the job is to do; the job's environment is in each command's own.

    :raises ConfigurationError: it is no list of commands: the job was not made by ``gatelocal.yaml``.
    """
    told = job.variables.get(STEPS_VARIABLE)
    if not isinstance(told, Mapping) or not isinstance(told.get("steps"), Sequence):
        raise ConfigurationError(f"job {job.name} has no steps", hint="write it in gatelocal.yaml")
    common = _environment(job, told.get("environment"))
    setup = [_command(job, one, at, common, setup=True) for at, one in enumerate(_items(job, told.get("setup")), 1)]
    steps = [_command(job, one, at, common) for at, one in enumerate(_items(job, told["steps"]), 1)]
    if not steps:
        raise ConfigurationError(f"job {job.name} has no steps", hint="write it in gatelocal.yaml")
    return Steps((*setup, *steps), _texts(job, told.get("artifacts")))


def _command(job: Job, one: object, number: int, common: Mapping[str, str], *, setup: bool = False) -> Command:
    if not isinstance(one, Mapping) or not isinstance(one.get("command"), str) or set(one) - _KEYS:
        raise _wrong(job, f"step {number} is no command")
    suite, timeout, directory = one.get("suite", ""), one.get("timeout"), one.get("directory", "")
    if suite and suite not in SUITES:
        raise _wrong(job, f"step {number} names a suite that nobody knows")
    if timeout is not None and (not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 1):
        raise _wrong(job, f"step {number} has a timeout that is none")
    kind = "setup step" if setup else "step"
    own, node = one.get("name"), one.get("node", "")
    if not isinstance(node, str) or (node and node not in _nodes(job)):
        raise _wrong(job, f"step {number} names a node that it does not have")
    return Command(
        name=f"{kind} {number}" + (f" ({own})" if isinstance(own, str) and own else ""),
        command=one["command"],
        suite=suite,
        results=_texts(job, one.get("results")),
        directory=directory if isinstance(directory, str) else "",
        timeout=timeout,
        environment={**common, **_environment(job, one.get("environment"))},
        setup=setup,
        node=node,
    )


def _nodes(job: Job) -> set[str]:
    return {name for nodeset in job.nodesets for node in nodeset.nodes for name in node.names}


def _items(job: Job, value: object) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(job, "its steps are no list")
    return value


def _texts(job: Job, value: object) -> tuple[str, ...]:
    found = _items(job, value)
    if not all(isinstance(one, str) for one in found):
        raise _wrong(job, "a path is no text")
    return tuple(str(one) for one in found)


def _environment(job: Job, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise _wrong(job, "its environment is no mapping of texts")
    return {str(key): str(text) for key, text in value.items()}


def _wrong(job: Job, why: str) -> ConfigurationError:
    where = f" ({job.defined_in[-1]})" if job.defined_in else ""
    return ConfigurationError(f"job {job.name}{where}: {why}", hint="write its steps in gatelocal.yaml")
