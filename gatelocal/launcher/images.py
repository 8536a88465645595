"""Images: a Debian tree built once from the archive, kept by what it is made of, and found again.

An image appears under its name only when it is whole; nothing that is secret goes into it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError
from gatelocal.launcher import host, recipe, seed, steps
from gatelocal.ports import Say

_PRIVATE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--")
_AS_ROOT = ("unshare", "--map-root-user", "--map-auto", "--")


@dataclass(frozen=True, slots=True)
class Image:
    """A label's image on this machine, whether it is built or not.

    :ivar folder: holds ``rootfs`` (a folder; a tar archive when built without being root) and ``machine`` (what a
        virtual machine boots).
    """

    label: str
    folder: Path
    recipe: recipe.Recipe
    settings: host.HostSettings

    @property
    def rootfs(self) -> Path:
        """The tree."""
        return self.folder / ("rootfs" if is_root() else "rootfs.tar")


def is_root() -> bool:
    """Whether this process may do all that root may."""
    return os.geteuid() == 0


def below(cache: Path) -> Path:
    """The folder of a user's cache that holds images."""
    return cache.absolute() / "images"


def find(cache: Path, label: str | None, environment: Mapping[str, str]) -> Image:
    """The image of a label (None: the default), as this machine's settings make it.

    :param cache: see :func:`below`. :param environment: this process's variables.
    :raises ConfigurationError: no recipe is known for it.
    """
    label = label or recipe.DEFAULT_LABEL
    if label not in recipe.RECIPES:
        raise ConfigurationError(
            f"no image is known for the label {label}", hint=f"known are: {', '.join(sorted(recipe.RECIPES))}"
        )
    made_of = recipe.RECIPES[label]
    settings = host.read(environment, made_of.suite)
    sources = b"".join(file.content for file in settings.sources)
    return Image(label, cache / f"{label}-{recipe.key(made_of, sources)}", made_of, settings)


def ensure_rootfs(wanted: Image, say: Say) -> Path:
    """The tree of the image, built when it is not there. :raises InfrastructureError: it cannot be built here."""
    if not wanted.rootfs.exists():
        with building(wanted, wanted.rootfs.name) as folder:
            if folder is not None:
                with steps.step(say, f"building the image {wanted.label}", "mmdebstrap"):
                    _bootstrap(wanted, folder, say)
    return wanted.rootfs


def delete(cache: Path, label: str | None) -> list[str]:
    """Remove all images of a label (None: of every label); gives the names of what was removed."""
    removed = []
    for folder in sorted(cache.glob(f"{label or ''}*-*/lock")):
        name, _, _ = folder.parent.name.rpartition("-")
        if label in (None, name):
            remove_tree(folder.parent)
            removed.append(folder.parent.name)
    return removed


def built(cache: Path) -> list[tuple[str, tuple[str, ...]]]:
    """The images that are there: their folders' names, and which of their parts are built."""
    parts = ("rootfs", "rootfs.tar", "kernel", "disk")
    folders = sorted(lock.parent for lock in cache.glob("*/lock"))
    return [(folder.name, tuple(part for part in parts if (folder / part).exists())) for folder in folders]


@contextmanager
def building(wanted: Image, part: str) -> Iterator[Path | None]:
    """A temporary folder in which to make a part of the image; it is moved into place at the good end of the block.

    Gives None when somebody else made the part in the meantime. One builder at a time; what a killed one left goes.
    """
    wanted.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(wanted.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in wanted.folder.glob(".building-*"):
            remove_tree(stale)
        if (wanted.folder / part).exists():
            yield None
            return
        folder = wanted.folder / f".building-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o755)
        try:
            yield folder
            (folder / part).rename(wanted.folder / part)
        finally:
            remove_tree(folder)
    finally:
        os.close(lock)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all below it, also what belongs to the other users of a tree built without being root."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and not is_root():
        with contextlib.suppress(process.ProgramMissing):
            process.run([*_AS_ROOT, "rm", "-rf", str(folder)], check=False)


def as_root() -> tuple[str, ...]:
    """What to put before a program that must see itself as root over files: nothing for root itself."""
    return () if is_root() else _AS_ROOT


def bootstrap_argv(wanted: Image, folder: Path, *options: str) -> list[str]:
    """The command line of mmdebstrap up to its target; the package sources lie in `folder`."""
    apt = [f"--aptopt={option}" for option in recipe.APT_OPTIONS]
    dpkg = [f"--dpkgopt={option}" for option in recipe.DPKG_OPTIONS]
    mode = "root" if is_root() else "unshare"
    prefix = _PRIVATE if is_root() else ()
    return [*prefix, process.find("mmdebstrap"), f"--mode={mode}", *apt, *dpkg, *options, wanted.recipe.suite]


def write_sources(wanted: Image, folder: Path) -> list[str]:
    """Write the package sources for mmdebstrap and give their paths."""
    written = []
    for file in wanted.settings.sources:
        path = folder / file.path.rpartition("/")[2]
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        written.append(str(path))
    return written


def carry_in(wanted: Image, folder: Path) -> str:
    """Pack this machine's settings and give the hook that puts them into a tree before its first package."""
    files = [each for each in wanted.settings.files if each not in wanted.settings.sources]
    seed.write_tar(folder / "carried.tar", files)
    return f"--setup-hook=tar-in {shlex.quote(str(folder / 'carried.tar'))} /"


_CARRY_OUT = """
cd "$1"
rm -f etc/pip.conf etc/environment etc/apt/apt.conf.d/90host etc/apt/auth.conf.d/90host.conf
"""
_WITHOUT_SOURCES = "rm -f etc/apt/sources.list etc/apt/sources.list.d/*\n"
"""A node gets this machine's sources anew at its start; only where there are none do those of the build stay."""


def _bootstrap(wanted: Image, folder: Path, say: Say) -> None:
    sources = write_sources(wanted, folder)
    hooks = (
        carry_in(wanted, folder),
        f"--customize-hook={recipe.finish_script(wanted.recipe)}{_CARRY_OUT}",
    )
    options = ("--variant=apt", f"--include={','.join(wanted.recipe.packages)}", *hooks)
    argv = [*bootstrap_argv(wanted, folder, *options), str(folder / wanted.rootfs.name), *sources]
    what = f"building the image {wanted.label}"

    def progress(line: str) -> None:
        if line.startswith("I: ") and line.endswith("..."):
            say(f"{what}: {line[3:]}")

    steps.watched(argv, folder.parent / "build.log", what, on_line=progress)
