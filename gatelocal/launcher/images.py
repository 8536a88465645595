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
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError, InfrastructureError
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


def bootstrap(
    wanted: Image, folder: Path, target: str, options: Sequence[str], on_line: Say = lambda line: None
) -> None:
    """Run mmdebstrap in `folder` to make `target` there, with this machine's package sources and settings.

    :param options: what is special about this tree. :raises InfrastructureError: it failed.
    """
    _require(wanted)
    what = f"making {target.partition('.')[0]} of the image {wanted.label}"
    log = folder.parent / f"{target.partition('.')[0]}.log"
    common = [
        process.find("mmdebstrap"),
        f"--mode={'root' if is_root() else 'unshare'}",
        *(f"--aptopt={option}" for option in recipe.APT_OPTIONS),
        *(f"--dpkgopt={option}" for option in recipe.DPKG_OPTIONS),
        _carry_in(wanted, folder),
    ]
    last = [wanted.recipe.suite, str(folder / target), *_write_sources(wanted, folder)]
    with _scratch() as scratch:
        argv = [*(_PRIVATE if is_root() else ()), *common, *options, *last]
        steps.watched(argv, log, what, on_line=on_line, environment={"TMPDIR": str(scratch)})


def _require(wanted: Image) -> None:
    if not is_root():
        process.find("newuidmap")
    signed_by = host.DEFAULT_KEYRING
    if not Path(signed_by).exists() and any(signed_by.encode() in file.content for file in wanted.settings.sources):
        raise InfrastructureError(
            "the keys of the Debian archive are not on this machine",
            details=f"{signed_by} is not there",
            hint="install the package debian-archive-keyring and try again",
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for mmdebstrap's temporary files, which it cannot remove itself when it is killed."""
    with tempfile.TemporaryDirectory(prefix="gatelocal-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # without being root, it works as another user
        inner = Path(folder) / "mmdebstrap"
        inner.mkdir(mode=0o755)
        inner.chmod(0o755 if is_root() else 0o1777)
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
    options = ("--variant=apt", f"--include={','.join(wanted.recipe.packages)}", finish)

    def progress(line: str) -> None:
        if line.startswith("I: ") and line.endswith("..."):
            say(f"building the image {wanted.label}: {line[3:]}")

    bootstrap(wanted, folder, wanted.rootfs.name, options, progress)
