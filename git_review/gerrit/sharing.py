"""One ssh connection for all contacts of an upload, in place of a handshake and a login for each; asks nothing itself.

It is OpenSSH's own multiplexing, in a folder of this run's. Who has set that up themselves keeps theirs, and where ssh
is another program it is left alone.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from git_review.gerrit import ssh as door
from git_review.gerrit.address import Remote
from git_review.git.errors import GitError
from git_review.git.runner import program
from git_review.records import dataclass

_LONGEST_PLACE = 40
"""Characters of a folder in which a socket's name still fits: 104 are the least that a system has."""
_LINGERS = 20
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """How to take part. :ivar options: of ssh. :ivar command: what git is to start, as ``GIT_SSH_COMMAND``."""

    folder: Path
    options: tuple[str, ...]
    command: str

    def wait(self) -> None:
        """Until somebody has connected, so that all others share that, or it takes too long."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and not any(self.folder.iterdir()):
            time.sleep(0.005)


@contextlib.contextmanager
def shared(ssh: Sequence[str], remote: Remote, git: Mapping[str, str]) -> Iterator[Sharing | None]:
    """A connection that the contacts meanwhile share; None where it is not for us to arrange.

    :param ssh: the words that ssh is started with. :param git: git's configuration.
    """
    folder = _folder() if _is_openssh(ssh, git) and not _has_own(ssh, remote) else None
    if folder is None:
        yield None
        return
    try:
        path = folder / "%C"
        options = ("-o", "ControlMaster=auto", "-o", f"ControlPath={path}", "-o", f"ControlPersist={_LINGERS}")
        line = ssh[3] if len(ssh) > 1 else shlex.quote(ssh[0])
        yield Sharing(folder, options, f"{line} {shlex.join(options)}")
    finally:
        for socket in folder.iterdir():
            with contextlib.suppress(GitError):
                program([*ssh, "-O", "exit", "-S", str(socket), remote.host], timeout=2)
        shutil.rmtree(folder, ignore_errors=True)


def _is_openssh(ssh: Sequence[str], git: Mapping[str, str]) -> bool:
    """As far as the name tells, which is what git goes by as well."""
    variant = os.environ.get("GIT_SSH_VARIANT") or git.get("ssh.variant", "auto")
    words = shlex.split(ssh[3]) if len(ssh) > 1 else list(ssh)
    return os.name == "posix" and variant in ("auto", "ssh") and bool(words) and PurePath(words[0]).name == "ssh"


def _has_own(ssh: Sequence[str], remote: Remote) -> bool:
    """Whether the person's ssh shares connections already, or will not tell."""
    try:
        argv = door.command(ssh, remote)
        told = program([*argv[:-1], "-G", argv[-1]], timeout=5)
    except GitError:
        return True
    paths = [line for line in told.stdout.splitlines() if line.startswith("controlpath ")]
    return told.status != 0 or any(line != "controlpath none" for line in paths)


def _folder() -> Path | None:
    made = Path(tempfile.mkdtemp(prefix="git-review-"))
    if len(str(made)) <= _LONGEST_PLACE and "%" not in str(made):
        return made
    made.rmdir()
    return None
