"""Images: a Debian tree built once from the archive, kept by what it is made of, and found again.

An image appears under its name only when it is whole; nothing that is secret goes into it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.launcher import host, place, recipe, seed, steps, trials
from gatelocal.ports import Say


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
        return self.folder / ("rootfs" if trials.is_root() else "rootfs.tar")


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
                    _make_rootfs(wanted, folder, say)
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

    :raises InfrastructureError: it could not be made; every one of them has a hint.
    """
    with _way_out(wanted, part), _locked(wanted):
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


@contextmanager
def _locked(wanted: Image) -> Iterator[None]:
    wanted.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(wanted.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _way_out(wanted: Image, part: str) -> Iterator[None]:
    """Give every failure of the block a hint, and what the operating system refuses words of ours."""
    doing = f"making {part} of the image {wanted.label}"
    general = f"the logs are in {wanted.folder}; --node local goes without an image, and without isolation"
    try:
        yield
    except InfrastructureError as error:
        if error.hint:
            raise
        raise InfrastructureError(error.brief, details=error.details, hint=general) from error
    except OSError as error:
        where = f"the cache folder is {wanted.folder.parent}; GATELOCAL_CACHE names another"
        hint = f"make room and try again ({where})" if error.errno == errno.ENOSPC else where
        said = f"{error.strerror or error}: {error.filename or wanted.folder}"
        raise InfrastructureError(f"{doing} failed", details=said, hint=hint) from error


def sweep(cache: Path) -> None:
    """Remove what builders that were killed left in the images' folders and among the temporary ones."""
    for stale in cache.glob("*/.building-*"):
        with contextlib.suppress(OSError), place.locked(stale.parent / "lock"):
            remove_tree(stale)
    for folder in Path(tempfile.gettempdir()).glob(f"{place.SCRATCH}[0-9]*"):
        owner = place.made_by(folder.name, place.SCRATCH)
        with contextlib.suppress(OSError):
            if owner and not place.is_alive(owner) and folder.stat().st_uid == os.geteuid():
                with place.locked(folder):
                    remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all below it, also what belongs to the other users of a tree built without being root."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and not trials.is_root():
        with contextlib.suppress(process.ProgramMissing):
            process.run([*trials.MAPPED, "rm", "-rf", str(folder)], check=False)


def as_root() -> tuple[str, ...]:
    """What to put before a program that must see itself as root over files: nothing for root itself."""
    return () if trials.is_root() else trials.MAPPED


def bootstrap(
    wanted: Image, folder: Path, target: str, options: Sequence[str], on_line: Say = lambda line: None
) -> None:
    """Run mmdebstrap in `folder` to make `target` there, with this machine's package sources and settings.

    :param options: what is special about this tree. :raises InfrastructureError: it failed.
    """
    before = _require(wanted)
    what = f"making {target.partition('.')[0]} of the image {wanted.label}"
    log = folder.parent / f"{target.partition('.')[0]}.log"
    common = [
        process.find("mmdebstrap"),
        f"--mode={'root' if trials.is_root() else 'unshare'}",
        *(f"--aptopt={option}" for option in recipe.APT_OPTIONS),
        *(f"--dpkgopt={option}" for option in recipe.DPKG_OPTIONS),
        _carry_in(wanted, folder),
    ]
    last = [wanted.recipe.suite, str(folder / target), *_write_sources(wanted, folder)]
    with _scratch() as scratch:
        argv = [*before, *common, *options, *last]
        steps.watched(argv, log, what, on_line=on_line, environment={"TMPDIR": str(scratch)})


def why_not() -> str:
    """Why no image can be made on this machine; empty when one can. :raises ProgramMissing: a program is missing."""
    process.find("mmdebstrap")
    if not trials.is_root():
        process.find("newuidmap")
    return "" if trials.before_mmdebstrap() is not None else trials.why_no_tree()[0]


def _require(wanted: Image) -> tuple[str, ...]:
    """What has to stand before mmdebstrap here. :raises InfrastructureError: it cannot work; says what helps."""
    if not trials.is_root():
        process.find("newuidmap")
    before = trials.before_mmdebstrap()
    if before is None:
        brief, hint = trials.why_no_tree()
        raise InfrastructureError(brief, hint=hint)
    signed_by = host.DEFAULT_KEYRING
    if not Path(signed_by).exists() and any(signed_by.encode() in file.content for file in wanted.settings.sources):
        raise InfrastructureError(
            "the keys of the Debian archive are not on this machine",
            details=f"{signed_by} is not there",
            hint="install the package debian-archive-keyring and try again",
        )
    return before


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for mmdebstrap's temporary files, which it cannot remove itself when it is killed."""
    with place.scratch() as folder:
        folder.chmod(0o711)  # without being root, it works as another user
        inner = folder / "mmdebstrap"
        inner.mkdir(mode=0o755)
        inner.chmod(0o755 if trials.is_root() else 0o1777)
        try:
            yield inner
        finally:
            remove_tree(inner)


def _write_sources(wanted: Image, folder: Path) -> list[str]:
    """Write the package sources for mmdebstrap and give their paths."""
    written = []
    for file in wanted.settings.sources:
        path = folder / file.path.rpartition("/")[2]
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        written.append(str(path))
    return written


def _carry_in(wanted: Image, folder: Path) -> str:
    """Pack this machine's settings and give the hook that puts them into a tree before its first package."""
    files = [each for each in wanted.settings.files if each not in wanted.settings.sources]
    seed.write_tar(folder / "carried.tar", files)
    return f"--setup-hook=tar-in {shlex.quote(str(folder / 'carried.tar'))} /"


_CARRY_OUT = """
cd "$1"
rm -f etc/pip.conf etc/environment etc/apt/apt.conf.d/90host etc/apt/auth.conf.d/90host.conf
"""
_WITHOUT_SOURCES = "rm -f etc/apt/sources.list etc/apt/sources.list.d/*\n"
"""A node gets this machine's sources and settings, which may hold passwords, at each start; an image has none.

Only where this machine has no sources for the suite do those that mmdebstrap itself chose stay.
"""


def _make_rootfs(wanted: Image, folder: Path, say: Say) -> None:
    carry_out = _CARRY_OUT + (_WITHOUT_SOURCES if wanted.settings.sources else "")
    finish = f"--customize-hook={recipe.finish_script(wanted.recipe)}{carry_out}"
    options = ("--variant=apt", "--verbose", f"--include={','.join(wanted.recipe.packages)}", finish)
    bootstrap(wanted, folder, wanted.rootfs.name, options, steps.Bootstrap(say, f"building the image {wanted.label}"))
