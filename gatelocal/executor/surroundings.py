"""What a line says of a build's surroundings: downloads, disk, memory, the node; it judges no build.

Lines about the node's own services and lines of assertions do not count: those a change may have made fail. Nor does
what is usual while one waits, such as a guest that does not let ssh in yet.
"""

from __future__ import annotations

import re
from enum import Enum

from gatelocal.executor.signs import Sign, signs


class Around(Enum):
    """What is wrong around a build."""

    DOWNLOAD = "something could not be downloaded"
    DISK = "a disk is full or broken"
    MEMORY = "the memory did not suffice"
    NODE = "the node was lost"

    @property
    def whole(self) -> bool:
        """Whether it spoils all that runs on the node."""
        return self is not Around.DOWNLOAD


_OF_SIGNS = {
    Sign.NO_SPACE: Around.DISK,
    Sign.NO_HOST: Around.DOWNLOAD,
    Sign.NO_NETWORK: Around.DOWNLOAD,
    Sign.NO_MEMORY: Around.MEMORY,
}
_TABLE = tuple(
    (around, re.compile(pattern))
    for around, pattern in (
        # the kernel, the C library, systemd, Java, Go
        (Around.DISK, r"Read-only file system|Structure needs cleaning|Buffer I/O error|blk_update_request: I/O error"),
        (Around.DISK, r"Input/output error|\becho: (?:I/O|write) error"),
        (Around.MEMORY, r"Out of memory: Kill|invoked oom-killer|oom-kill:|oom_reaper: reaped|result 'oom-kill'"),
        (Around.MEMORY, r"Cannot allocate memory|std::bad_alloc|fatal error: runtime: out of memory"),
        (Around.MEMORY, r"There is insufficient memory for the Java Runtime Environment"),
        # apt, dnf, git, pip, npm, curl, wget
        (Around.DOWNLOAD, r"Hash Sum mismatch|Unable to fetch some archives|Mirror sync in progress"),
        (Around.DOWNLOAD, r"^(?:Err|W): ?\S* ?Failed to fetch|No more mirrors to try|Cannot download repomd\.xml"),
        (Around.DOWNLOAD, r"Failed to download metadata for repo|fatal: unable to access '|error: RPC failed; "),
        (Around.DOWNLOAD, r"fetch-pack: unexpected disconnect|fatal: early EOF|gnutls_handshake\(\) failed"),
        (Around.DOWNLOAD, r"fatal: the remote end hung up unexpectedly|THESE PACKAGES DO NOT MATCH THE HASHES"),
        (Around.DOWNLOAD, r"IncompleteRead\(|npm ERR! (?:network|code E(?:TIMEDOUT|CONNRESET))|502 Bad Gateway"),
        (Around.DOWNLOAD, r"curl: \((?:5|6|7|18|28|35|52|55|56)\) |wget: unable to resolve|ERROR 50\d: "),
        # Ansible, ssh, the kernel, the services that run jobs
        (Around.NODE, r"UNREACHABLE!|Data could not be sent to remote host|Failed to connect to the host via ssh"),
        (Around.NODE, r"client_loop: send disconnect|rsync error: unexplained error"),
        (Around.NODE, r"[Nn]ode went offline during the build|Slave went offline|lost contact with the node"),
        (Around.NODE, r"Kernel panic|watchdog: BUG: soft lockup|rcu_sched self-detected stall"),
    )
)
_OWN = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[?::1\]?[:/]|'host': '0\.0\.0\.0'|unix:/")
_ASSERTED = re.compile(r"Assertion|Mismatch|assert |!=|\bMock\b|\bmock\b|side_effect|expected|Expected")


def around(line: str) -> Around | None:
    """What the line says, if anything."""
    words = line[:2000].strip()
    if _ASSERTED.search(words):
        return None
    found = next((_OF_SIGNS[sign] for sign in signs(words) if sign in _OF_SIGNS), None)
    found = found or next((kind for kind, pattern in _TABLE if pattern.search(words)), None)
    return None if found is Around.DOWNLOAD and _OWN.search(words) else found
