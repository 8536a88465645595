"""Gerrit's own files on this machine: looked up, fetched from Maven Central through jgo, checked before use.

It starts nothing, and it never writes into the user's own Maven repository.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from gatelocal.errors import InfrastructureError, InputError
from gatelocal.ports import Say
from gatelocal.sandbox.locks import turn
from gatelocal.sandbox.versions import RELEASES, Part, Release

_SCRATCH = ".fetch-"
_PLUGINS = ("download-commands",)
_VERSION = "com/google/gerrit/common/Version"
_LAUNCHER = "com.google.gerrit.launcher.GerritLauncher"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A Gerrit that can be started.

    :ivar name: what a cache may call it: its version, or a WAR's version and the beginning of its checksum.
    :ivar java: the oldest Java that runs it, as (major, minor, patch).
    :ivar files: the WAR alone, or the jars of one class path.
    :ivar plugins: bundled plugins to install at init.
    """

    name: str
    java: tuple[int, int, int]
    files: tuple[Path, ...]
    plugins: tuple[str, ...] = ()

    @property
    def war(self) -> Path | None:
        """The WAR, when it comes as one."""
        return self.files[0] if self.files[0].suffix == ".war" else None

    @property
    def launch(self) -> tuple[str, ...]:
        """What comes after java and its options: ``-jar WAR``, or a class path and the launcher's class."""
        if self.war is not None:
            return ("-jar", str(self.war))
        return ("-cp", ":".join(str(path) for path in self.files), _LAUNCHER)


def release(version: str) -> Release:
    """The release of that version. :raises InputError: the sandbox does not know it; the hint lists those it does."""
    for known in RELEASES:
        if known.version == version:
            return known
    raise InputError(
        f"the sandbox does not know Gerrit {version}",
        hint=f"known versions: {', '.join(r.version for r in RELEASES)}; for any other, set GERRIT_WAR to its WAR",
    )


def obtain(known: Release, folder: Path, repositories: Sequence[Path], say: Say) -> Distribution:
    """The release with all of its files on this machine, each with the right checksum.

    :param folder: where what is fetched is kept.
    :param repositories: local Maven repositories to look into first; only read.
    :raises InfrastructureError: a file cannot be had, or is not the one that its checksum names.
    """
    found = {part: _present(part, folder, repositories) for part in known.parts}
    if not all(found.values()):
        with turn(folder / "lock", say, "waiting for another process that fetches Gerrit"):
            for left in folder.glob(f"{_SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
            found = {part: path or _present(part, folder) or _fetch(part, folder, say) for part, path in found.items()}
    files = tuple(path for path in found.values() if path is not None)
    return Distribution(known.version, known.java, files, known.plugins)


def own_war(war: Path) -> Distribution:
    """A WAR that somebody brings along (GERRIT_WAR). :raises InputError: it is not there, or not a Gerrit's."""
    try:
        with zipfile.ZipFile(war) as archive:
            names = archive.namelist()
            version, java = _inside(archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"GERRIT_WAR names {war}, which cannot be read", details=str(error)) from error
    plugins = tuple(name for name in _PLUGINS if f"WEB-INF/plugins/{name}.jar" in names)
    return Distribution(f"{version}-{_checksum(war)[:12]}", (java, 0, 0), (war.resolve(),), plugins)


def _inside(archive: zipfile.ZipFile) -> tuple[str, int]:
    """The version in a WAR, and the Java major that its classes are compiled for (class file version 61 is Java 17)."""
    version, java = "", 0
    for name in archive.namelist():
        if not fnmatch(name, "WEB-INF/lib/*gerrit*common*.jar"):
            continue
        with zipfile.ZipFile(io.BytesIO(archive.read(name))) as jar:
            inner = jar.namelist()
            if _VERSION in inner:
                version = jar.read(_VERSION).decode("ascii", "replace").strip().removeprefix("v")
            if f"{_VERSION}.class" in inner:
                java = int.from_bytes(jar.read(f"{_VERSION}.class")[6:8], "big") - 44
    if not re.fullmatch(r"[\w.()-]{1,60}", version) or java <= 0:
        raise InputError(
            f"GERRIT_WAR names {archive.filename}, which is no WAR of Gerrit", hint="name the WAR of a Gerrit release"
        )
    return version, java


def _present(part: Part, folder: Path, repositories: Sequence[Path] = ()) -> Path | None:
    inside = Path(*part.group.split("."), part.artifact, part.version, part.filename)
    for path in (folder / part.filename, *(repository / inside for repository in repositories)):
        if path.is_file() and path.stat().st_size == part.size and _checksum(path) == part.sha256:
            return path
    return None


def _fetch(part: Part, folder: Path, say: Say) -> Path:
    """Fetch into a folder of its own and move only what is whole and right to where it is used."""
    say(f"fetching {part.filename} ({part.size / 1e6:.0f} MB) from Maven Central")
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
        got = _resolve(part, Path(scratch))
        found = _checksum(got)
        if found != part.sha256:
            raise InfrastructureError(
                f"{part.filename} is not the file that the sandbox knows",
                details=f"SHA-256 {found}\nexpected {part.sha256}",
                hint="the network gave something else than Maven Central has; try again, or set GERRIT_WAR",
            )
        return got.replace(folder / part.filename)


def _resolve(part: Part, scratch: Path) -> Path:
    try:
        import requests
        from jgo.maven import MavenContext
    except ImportError as error:
        raise InfrastructureError(
            "the sandbox needs jgo to fetch Gerrit", hint="pip install 'gatelocal[sandbox]', or set GERRIT_WAR"
        ) from error
    context = MavenContext(repo_cache=scratch, local_repos=[], timeout=30)
    try:
        component = context.project(part.group, part.artifact).at_version(part.version)
        return Path(component.artifact(packaging=part.packaging).resolve())
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise InfrastructureError(
            f"{part.filename} cannot be fetched from Maven Central",
            details=str(error).partition("\n")[0],
            hint=f"is there a network, and room in {scratch.parent}? GERRIT_WAR=/path/to/gerrit.war needs neither",
        ) from error


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
