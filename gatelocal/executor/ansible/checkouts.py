"""Playbooks and roles as files of this machine: where they are, and that they bring no code that would run here.

The rules are Zuul's: what a repository is as a repository of roles, and which folders an untrusted one may not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import ConfigurationError
from gatelocal.model.plan import Playbook, Role

PLUGINS = "_plugins"
"""At the end of the name of a folder whose code Ansible would run on this machine."""
COLLECTIONS = "collections"


@dataclass(frozen=True, slots=True)
class Checkouts:
    """The checkouts of a job. :ivar books: (project, branch) → folder. :ivar roles: project → folder."""

    books: Mapping[tuple[str, str], Path]
    roles: Mapping[str, Path]


def playbook(found: Checkouts, book: Playbook) -> Path:
    """Its file. :raises ConfigurationError: there is none, or it brings code for this machine."""
    root = found.books[(book.project, book.branch)]
    path = (root / book.path).resolve()
    for name in ("", ".yaml", ".yml"):  # Zuul 2's names had no ending
        file = path.with_name(path.name + name)
        if file.is_file() and file.is_relative_to(root.resolve()):
            _refuse_code(_around(file.parent), root, book.path)
            return file
    raise ConfigurationError(f"there is no playbook {book.path} in {book.project}, branch {book.branch}")


def roles(found: Checkouts, book: Playbook, wanted: Sequence[Role], into: Path) -> tuple[Path, ...]:
    """The folders that have roles for a playbook, in the order in which they are looked through.

    :param into: an empty folder: a repository that is a role itself gets its name there.
    :raises ConfigurationError: a repository that the job names has no roles, or one brings code for this machine.
    """
    paths: list[Path] = []
    for number, role in enumerate(wanted):
        root = found.books.get((role.project, book.branch)) if role.project == book.project else None
        root = root or found.roles.get(role.project)
        if root is None:
            continue
        if (root / "tasks").is_dir():
            _refuse_code([root], root, role.short)
            place = into / str(number)
            place.mkdir(parents=True)
            (place / role.name).symlink_to(root)
            paths.append(place)
        elif (root / "roles").is_dir():
            _refuse_code([root / "roles", *_folders(root / "roles")], root, role.short)
            paths.append(root / "roles")
        elif role.explicit:
            raise ConfigurationError(f"the job takes roles from {role.short}, which has none")
    return tuple(paths)


def _around(folder: Path) -> Iterator[Path]:
    """The folders in which Ansible looks for plugins because of a playbook."""
    yield folder
    yield from _folders(folder)
    yield from _folders(folder / "roles")


def _folders(folder: Path) -> list[Path]:
    return [one for one in sorted(folder.iterdir()) if one.is_dir()] if folder.is_dir() else []


def _refuse_code(folders: Iterator[Path] | Sequence[Path], root: Path, what: str) -> None:
    for folder in folders:
        for one in _folders(folder):
            if one.name.endswith(PLUGINS) or (one.name == COLLECTIONS and (one / "ansible_collections").is_dir()):
                raise ConfigurationError(
                    f"{what} brings code that would run on this machine: {one.relative_to(root)}",
                    hint="Zuul refuses it as well, outside of config-projects",
                )
