"""Why a verdict could not be reached, as types; the exit codes of `gatelocal` are here and nowhere else.

=====  ====================================================================================
code   meaning
=====  ====================================================================================
0      the change passes: every voting job that was asked for ran to its end and passed
1      the change fails: a voting job ran to its end and failed
2      bad input: an unknown option, change or setting
3      a mistake in this program; a log file ready to paste is written
4      the change conflicts with its target branch or with what it depends on
5      configuration: the project's own, such as a job or a tox environment that is not there or cannot be built
6      the machinery: no server, no network, no machine, no disk; says nothing about the change
7      incomplete: what ran has passed, but not every voting job could be run here, or there was none to run
130    interrupted: by Ctrl-C, SIGTERM or SIGHUP
=====  ====================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatelocal.disk import FULL_ERRORS, has_no_room, is_full, own_words, shortened
from git_review.errors import ReviewError
from git_review.gerrit.errors import AddressError

PASSED, FAILED, USAGE, BUG, CONFLICT, CONFIGURATION, MACHINERY, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130


class GateError(ReviewError):
    """Any expected failure of the gate: brief, details, hint and an exit code (see the table above)."""

    exit_code = MACHINERY


def exit_code(error: ReviewError) -> int:
    """What the command ends with: git's and Gerrit's own failures have codes of `git review`, which say else here."""
    if isinstance(error, GateError):
        return error.exit_code
    return USAGE if isinstance(error, AddressError) else MACHINERY


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


class NoJobs(ConfigurationError):
    """The project has no configuration, or that names no job for the pipelines."""


class InfrastructureError(GateError):
    """The machinery failed; the change may be good or bad."""

    exit_code = MACHINERY

    @property
    def no_space(self) -> bool:
        """Whether a full disk is why."""
        return is_full(self.details)


class NoSpace(InfrastructureError):
    """A disk of this machine is full.

    :param doing: what was being done, as the beginning of a sentence. :param folders: where it wrote.
    """

    def __init__(self, doing: str, details: str, *folders: Path) -> None:
        folder = next(filter(has_no_room, folders), folders[0] if folders else None)
        where = f" where {folder} is" if folder is not None else ""
        hint = f"make room{where}, and try again"
        super().__init__(f"{doing}: the disk is full", details=shortened(details), hint=hint)

    @property
    def no_space(self) -> bool:
        """That is why."""
        return True


def not_written(doing: str, error: OSError, folder: Path) -> InfrastructureError:
    """What the operating system refused when something was to be written in that folder."""
    if error.errno in FULL_ERRORS:
        return NoSpace(doing, str(error), folder)
    return InfrastructureError(doing, details=str(error))


class DamagedCache(InfrastructureError):
    """A repository of the cache is broken; it can be made anew. :ivar folder: where it is."""

    def __init__(self, brief: str, folder: Path, details: str) -> None:
        hint = f"remove the folder {folder}: it is made anew from the server"
        super().__init__(brief, details=details, hint=hint)
        self.folder = folder


_DAMAGE = re.compile(
    # loose objects
    r"object file \S+ is empty|loose object \S+ \(stored in|unable to unpack \S+ header|inflate: data stream error"
    r"|hash mismatch|garbage at end of loose object|corrupt loose object|object corrupt or missing|unknown object type"
    # packs and their indexes
    r"|packfile \S+ (?:does not|cannot|claims|is|signature)|SHA1 checksum mismatch|index file \S+ (?:is|overflows)"
    r"|wrong index v\d|non-monotonic index|bad offset for|unresolved deltas|multi-pack-index .*(?:corrupt|invalid)"
    r"|packed object \S+ \(stored in|bad packed object|commit-graph .*(?:corrupt|invalid)"
    # what is not there, or not what it should be
    r"|bad (?:(?:tree |commit )?object) |missing (?:object|blob|tree|commit|tag) |not a valid object|broken link"
    r"|(?i:(?:unable to|could not|failed to|cannot) (?:read|parse|find|open|get) (?:tree|commit|object|sha1 file))"
    r"|(?i:(?:unable to|could not|cannot) read [0-9a-f]{40})|cannot change to '"
    r"|did not send all necessary objects|pointing to an? invalid|unable to resolve reference"
    # refs and the repository itself
    r"|reference broken|broken ref|unexpected line in |unterminated line in |not a git repository"
    r"|bad config |bad (?:numeric|boolean) config value|unknown repository (?:version|extension)"
)


# Why git may fail to read what is sound.
_PASSING = re.compile(
    r"No space left|Disk quota|Out of diskspace|Cannot allocate memory|out of memory|Too many open files"
    r"|Permission denied|Input/output error"
)


def is_damage(words: str) -> bool:
    """Whether git says that its own repository is broken, not the server's; the words are those of git 2.39."""
    own = own_words(words)
    return bool(_DAMAGE.search(own)) and not _PASSING.search(own)


@contextmanager
def as_machinery(doing: str, cache: Path | None = None, into: Path | None = None) -> Iterator[None]:
    """Tell what git or Gerrit could not do inside the block as a failure of the machinery, not of the change.

    :param doing: what was being done, as the beginning of a sentence: ``fetching openstack/nova``.
    :param cache: the repository of the cache that git works with, if it is one.
    :param into: another folder that git writes into.
    :raises InfrastructureError: instead of any :class:`ReviewError` that is no :class:`GateError` yet;
        a :class:`DamagedCache` when that repository is broken, :class:`NoSpace` when a disk is full.
    """
    try:
        yield
    except GateError:
        raise
    except ReviewError as error:
        folders = [folder for folder in (cache, into) if folder is not None]
        if is_full(error.details, *folders):
            raise NoSpace(doing, error.details, *folders) from error
        if cache is not None and is_damage(error.details):
            raise DamagedCache(f"{doing}: the cache is damaged", cache, error.details) from error
        raise InfrastructureError(f"{doing}: {error.brief}", details=error.details, hint=error.hint) from error
