"""Waits until an ssh server answers and hands the connection to ssh, which has started this beforehand as its proxy.

Run by ssh with ``ProxyUseFdpass``: ``HOST PORT SECONDS``. So nothing is left to be started when a node comes up, and
small packets are sent at once: ssh itself would let the second one wait for the first one's receipt, some 40 ms.
"""

from __future__ import annotations

import _socket
import sys
import time

_LOOK = 0.005
NOBODY = "no ssh server answered"


def knock(host: str, port: int, seconds: float) -> _socket.socket | None:
    """A connection on which a server has said that it speaks ssh, with that still to be read; None: there was none."""
    deadline = time.monotonic() + seconds
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    while time.monotonic() < deadline:
        link = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            link.settimeout(5)
            link.connect((host, port))
            if link.recv(4, _socket.MSG_PEEK | _socket.MSG_WAITALL) == b"SSH-":
                link.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
                link.settimeout(None)
                return link
        except OSError:
            pass
        link.close()
        time.sleep(_LOOK)
    return None


def main(host: str, port: str, seconds: str) -> None:
    """See the module."""
    link = knock(host, int(port), float(seconds))
    if link is None:
        sys.exit(NOBODY)
    out = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, 1)
    handle = link.fileno().to_bytes(4, sys.byteorder)
    out.sendmsg([b"\0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handle)])


if __name__ == "__main__":
    main(*sys.argv[1:])
