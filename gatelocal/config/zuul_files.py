"""A repository's own configuration: which files it lies in, and its stanzas; nothing is resolved here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gatelocal.config import gatelocal_yaml
from gatelocal.config.files import Files
from gatelocal.config.zuul_yaml import parse
from gatelocal.errors import NoJobs
from gatelocal.model.stanza import Stanza

PLACES = ("zuul.yaml", "zuul.d", ".zuul.yaml", ".zuul.d")
"""Where Zuul looks, in this order; the first that is there is the whole configuration (Zuul: project config)."""

_SUFFIX = ".yaml"
_IGNORE = ".zuul.ignore"


def is_zuul_file(path: str, extra: Sequence[str] = ()) -> bool:
    """Whether a path in a repository may hold Zuul configuration.

    :param extra: further files, and folders with a slash at their end (Zuul: extra-config-paths).
    """
    folders = ("zuul.d/", ".zuul.d/", *(one for one in extra if one.endswith("/")))
    return path in PLACES or path in extra or path.startswith(folders)


def load(files: Files) -> tuple[Stanza, ...]:
    """All stanzas of a repository, in the order in which Zuul reads them; without Zuul's files those of
    ``gatelocal.yaml``.

    :raises ConfigurationError: there is no configuration, or it cannot be read; with file, line and a hint.
    """
    for place in PLACES:
        paths = _paths(files, place)
        if paths:
            return tuple(stanza for path in paths for stanza in parse(files.read(path) or "", path))
    if (text := files.read(gatelocal_yaml.NAME)) is not None:
        return gatelocal_yaml.parse(text)
    raise NoJobs(
        f"no configuration in {files.origin}",
        details="looked for " + ", ".join((*PLACES, gatelocal_yaml.NAME)),
        hint="`gatelocal init` writes a gatelocal.yaml from what is there; commit it, and run this again",
    )


def unused(files: Files, stanzas: Sequence[Stanza] = ()) -> tuple[str, ...]:
    """What is to be told where there is a ``gatelocal.yaml`` that does not count. :param stanzas: those that do."""
    ours = any(one.file == gatelocal_yaml.NAME for one in stanzas)
    if ours or files.read(gatelocal_yaml.NAME) is None:
        return ()
    return (f"{gatelocal_yaml.NAME} is not used: Zuul's configuration counts",)


def _paths(files: Files, place: str) -> Sequence[str]:
    if place.endswith(".yaml"):
        return () if files.read(place) is None else (place,)
    found = files.listing(place)
    ignored = is_ignored(found)
    return sorted(path for path in found if path.endswith(_SUFFIX) and not ignored(path))


def is_ignored(paths: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is below a folder that a file ``.zuul.ignore`` among the paths takes out."""
    ignored = tuple(path.removesuffix(_IGNORE) for path in paths if path.rpartition("/")[2] == _IGNORE)
    return lambda path: path.startswith(ignored)
