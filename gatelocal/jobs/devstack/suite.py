"""Which tests of tempest a job runs, and how: the command line of its role `run-tempest`; nothing is run here."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gatelocal.errors import ConfigurationError

_USUAL = "smoke"
_FEW = 3
"""Up to so many processors each has a worker; of more, two are left to the services."""
_OLD = frozenset(("stable/train", "stable/ussuri", "unmaintained/victoria"))


@dataclass(frozen=True, slots=True)
class Suite:
    """A run of tempest.

    :ivar env: the tox environment. :ivar extra: words for tox itself. :ivar regex: of the tests; empty for all.
    :ivar lists: option and file: lists of tests that are left out, which count only where the file is on the node.
    :ivar excluded: the option that leaves tests out by a regular expression; none without one.
    :ivar environment: variables of the run.
    """

    env: str
    extra: tuple[str, ...]
    regex: str
    lists: tuple[tuple[str, str], ...]
    concurrency: int
    excluded: tuple[str, ...]
    environment: Mapping[str, str]

    def words(self, there: Collection[str]) -> tuple[str, ...]:
        """What follows ``--`` on tox's command line. :param there: which of the files in `lists` are on the node."""
        first = (self.regex,) if self.regex else ()
        options = (f"{option}={path}" for option, path in self.lists if path in there)
        return (*first, *options, f"--concurrency={self.concurrency}", *self.excluded)


def suite(values: Mapping[str, object], localrc: Mapping[str, object], branch: str, cores: int) -> Suite:
    """The run. :param values: the job's variables, resolved. :raises ConfigurationError: one has a wrong type."""
    concurrency = _text(values, "tempest_concurrency") or str(cores if cores <= _FEW else cores - 2)
    if not concurrency.isdigit() or int(concurrency) < 1:
        raise ConfigurationError(f"tempest_concurrency is no number: {concurrency}"[:200])
    named = (
        ("--blacklist-file", _text(values, "tempest_test_blacklist")),
        ("--blacklist-file" if branch in _OLD else "--exclude-list", _text(values, "tempest_test_exclude_list")),
    )
    told = values.get("tempest_tox_environment", {})
    if not isinstance(told, Mapping):
        raise ConfigurationError("tempest_tox_environment is no mapping")
    environment = {str(name): str(value) for name, value in told.items()}
    constraints = str(localrc.get("TEMPEST_VENV_UPPER_CONSTRAINTS", ""))
    if constraints and constraints != "master":
        environment |= {"UPPER_CONSTRAINTS_FILE": constraints, "TOX_CONSTRAINTS_FILE": constraints}
    if limit := _text(values, "tempest_test_timeout"):
        environment["OS_TEST_TIMEOUT"] = limit
    return Suite(
        env=_text(values, "tox_envlist") or _USUAL,
        extra=_words(_text(values, "tox_extra_args")),
        regex=_text(values, "tempest_test_regex"),
        lists=tuple((option, path) for option, path in named if path),
        concurrency=int(concurrency),
        excluded=_excluded(values, branch),
        environment=environment,
    )


def _excluded(values: Mapping[str, object], branch: str) -> tuple[str, ...]:
    """The role takes neither where both the old and the new name are there."""
    old, new = _text(values, "tempest_black_regex"), _text(values, "tempest_exclude_regex")
    if bool(old) == bool(new):
        return ()
    return (f"--black-regex={old or new}" if old or branch in _OLD else f"--exclude-regex={new}",)


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, (Mapping, list, tuple)):
        raise ConfigurationError(f"{name} is no text")
    return str(value)


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigurationError(f"tox_extra_args: {error}") from None
