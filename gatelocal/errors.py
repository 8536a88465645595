"""Why a verdict could not be reached, as types; the exit codes of `gatelocal` are here and nowhere else.

=====  ====================================================================================
code   meaning
=====  ====================================================================================
0      the change passes: every voting job that was asked for ran to its end and passed
1      the change fails: a voting job ran to its end and failed
2      bad input: an unknown option, change or setting
3      a mistake in this program; a log file ready to paste is written
4      the change conflicts with its target branch or with what it depends on
5      configuration: the project's own, such as a job or a tox environment that is not there
6      the machinery: no server, no network, no machine, no disk; says nothing about the change
7      incomplete: what ran has passed, but not every voting job could be run here, or there was none to run
130    interrupted: by Ctrl-C, SIGTERM or SIGHUP
=====  ====================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from git_review.errors import ReviewError

PASSED, FAILED, USAGE, BUG, CONFLICT, CONFIGURATION, MACHINERY, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130

_NO_SPACE = ("No space left on device", "Disk quota exceeded")


class GateError(ReviewError):
    """Any expected failure of the gate: brief, details, hint and an exit code (see the table above)."""

    exit_code = MACHINERY


class InputError(GateError):
    """What the person asked for cannot be: an unknown change, a place that is no repository, a bad option."""

    exit_code = USAGE


class NotOfThisGate(InputError):
    """What a footer names leads to no server or change of this gate; whoever follows footers passes it over."""


class ConflictError(GateError):
    """The change cannot be merged with what comes before it."""

    exit_code = CONFLICT


class ConfigurationError(GateError):
    """The project's own configuration is wrong, incomplete, or asks for what is not built yet."""

    exit_code = CONFIGURATION


class InfrastructureError(GateError):
    """The machinery failed; the change may be good or bad."""

    exit_code = MACHINERY

    @property
    def no_space(self) -> bool:
        """Whether a full disk is why."""
        return any(words in self.details for words in _NO_SPACE)


@contextmanager
def as_machinery(doing: str) -> Iterator[None]:
    """Tell what git or Gerrit could not do inside the block as a failure of the machinery, not of the change.

    :param doing: what was being done, as the beginning of a sentence: ``fetching openstack/nova``.
    :raises InfrastructureError: instead of any :class:`ReviewError` that is no :class:`GateError` yet.
    """
    try:
        yield
    except GateError:
        raise
    except ReviewError as error:
        failure = InfrastructureError(f"{doing}: {error.brief}", details=error.details, hint=error.hint)
        if failure.no_space:
            failure.hint = "free some disk space and try again"
        raise failure from error
