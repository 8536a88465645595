"""Images: which layers an image has, made when they are wanted and found again; see `layers` for where they are."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatelocal.errors import ConfigurationError, InfrastructureError
from gatelocal.launcher import bootstrap, host, layers, place, recipe, steps, trials
from gatelocal.launcher.layers import ARCHIVE, DELTA, WHOLE, Layer
from gatelocal.model.label import Origin
from gatelocal.ports import Say


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this machine, whether it is built or not.

    :ivar system: the layer of the operating system, shared by families of jobs.
    :ivar packages: what a family of jobs wants on it; the disk of a virtual machine lies there, too.
    :ivar suite: the Debian release of the kernel. :ivar kernel: what a virtual machine boots.
    :ivar settings: what its nodes get of this machine. :ivar kernel_settings: the like, where the kernel comes from.
    """

    origin: Origin
    family: str
    system: Layer
    packages: Layer
    suite: str
    kernel: Layer
    settings: host.HostSettings
    kernel_settings: host.HostSettings

    @property
    def label(self) -> str:
        """Its name."""
        return self.origin.name

    @property
    def trees(self) -> tuple[Path, ...]:
        """The trees that lie on one another to be this image's, the uppermost first."""
        top = self.packages.tree
        return (top, self.system.tree) if top.name == DELTA else (top,)

    @property
    def built(self) -> bool:
        """Whether the tree is there."""
        return all(tree.exists() for tree in self.trees)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Those that the tree is made of, as it is built."""
        return (self.packages, self.system) if len(self.trees) == 2 else (self.packages,)


def below(cache: Path) -> Path:
    """The folder of a user's cache that holds images."""
    return cache.absolute() / "images"


def find(cache: Path, origin: Origin | None, environment: Mapping[str, str], family: str = "tox") -> Image:
    """The image of that origin (None: the usual one), as this machine's settings make it.

    :param cache: see :func:`below`. :param environment: this process's variables.
    :param family: the family of jobs, one of :data:`recipe.FAMILIES`.
    :raises ConfigurationError: what it is to be made from is not there.
    """
    origin = origin or recipe.BUILT_IN.origins[recipe.DEFAULT]
    suite = origin.suite or recipe.BUILT_IN.origins[recipe.DEFAULT].suite
    settings = host.read(environment, suite)
    kernel_settings = settings
    if origin.path and not origin.suite:
        settings = host.HostSettings(host.without_sources(settings), ())
    sources = tuple(file.content for file in settings.sources)
    archive = (recipe.DPKG_OPTIONS, recipe.APT_OPTIONS, sources, bootstrap.carry_out(settings))
    made_of = fingerprint(origin) if origin.path else (origin.suite, bootstrap.SYSTEM_OPTIONS)
    system = recipe.key(made_of, recipe.SYSTEM, recipe.FINISH, recipe.CLEAN, archive)
    packages = recipe.key(system, recipe.FAMILIES[family], recipe.TOX, recipe.CLEAN, bootstrap.PACKAGES)
    kernel = recipe.key(suite, recipe.KERNEL_PACKAGES, tuple(file.content for file in kernel_settings.sources))
    name = origin.name if origin.path else origin.suite
    return Image(
        origin,
        family,
        Layer(cache, f"os-{name}", system),
        Layer(cache, f"{family}-{name}", packages),
        suite,
        Layer(cache, f"kernel-{suite}", kernel),
        settings,
        kernel_settings,
    )


def fingerprint(origin: Origin) -> tuple[object, ...]:
    """What tells this content of an origin's file or folder from another one, without reading all of it.

    :raises ConfigurationError: it is not there.
    """
    path = Path(origin.path)
    try:
        if not path.is_dir():
            found = path.stat()
            return (str(path), found.st_size, found.st_mtime_ns)
        places = sorted(path.rglob("*"))
        return (str(path), *((str(one), one.lstat().st_size, one.lstat().st_mtime_ns) for one in places))
    except OSError as error:
        raise ConfigurationError(
            f"the image {origin.name} cannot be made: {path} cannot be read",
            details=error.strerror or str(error),
            hint="the table of labels names it (labels.yaml in the configuration's folder)",
        ) from error


def ensure_rootfs(wanted: Image, say: Say) -> tuple[Path, ...]:
    """The trees of the image, see :attr:`Image.trees`, built when they are not there.

    :raises InfrastructureError: they cannot be built here.
    """
    if not wanted.built:
        _ensure_system(wanted, say)
        with layers.building(wanted.packages, f"{DELTA} {WHOLE} {ARCHIVE}") as folder:
            if folder is not None:
                what = (recipe.FAMILIES[wanted.family], (recipe.TOX, recipe.CLEAN))
                with steps.step(say, f"building the image {wanted.label} for {wanted.family}", "its packages"):
                    tree, link = wanted.system.tree, wanted.packages.folder / layers.BELOW
                    link.unlink(missing_ok=True)
                    link.symlink_to(tree)
                    bootstrap.packages_on(wanted.packages, tree, wanted.settings, folder, what, say)
                    if not (folder / DELTA).exists():
                        link.unlink()
    return wanted.trees


def _ensure_system(wanted: Image, say: Say) -> None:
    layer = wanted.system
    if layer.tree.exists():
        return
    part = WHOLE if trials.is_root() else ARCHIVE
    with layers.building(layer, part) as folder:
        if folder is None:
            return
        if wanted.origin.path:
            with steps.step(say, f"building the image {wanted.label}", wanted.origin.path):
                bootstrap.given(layer, Path(wanted.origin.path), wanted.settings, folder, say)
        else:
            with steps.step(say, f"building the image {wanted.label}", "mmdebstrap"):
                bootstrap.system(layer, wanted.origin.suite, wanted.settings, folder / part, say)


def use(wanted: Image, parts: tuple[Layer, ...], node: Path) -> None:
    """Note that a node starts from these layers. :raises InfrastructureError: one was removed a moment ago."""
    if not layers.use(parts, node):
        raise InfrastructureError(f"the image {wanted.label} was removed a moment ago", hint="try again")


def sweep(cache: Path) -> None:
    """Remove what builders that were killed left in the images' folders and among the temporary ones."""
    layers.sweep(cache)
    for folder in Path(tempfile.gettempdir()).glob(f"{place.SCRATCH}[0-9]*"):
        owner = place.made_by(folder.name, place.SCRATCH)
        with contextlib.suppress(OSError):
            if owner and not place.is_alive(owner) and folder.stat().st_uid == os.geteuid():
                with place.locked(folder):
                    layers.remove_tree(folder)
