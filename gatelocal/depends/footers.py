"""What a commit message says it depends on: the `Depends-On` lines; it looks nothing up and follows nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_DEPENDS_ON = re.compile(r"^Depends-On:(.*)$", re.MULTILINE | re.IGNORECASE)


def depends_on(message: str) -> tuple[str, ...]:
    """The values of the message's ``Depends-On`` lines, in their order, each once.

    The rule is Zuul's: the words stand at the beginning of any line of the message, in any letter case, and all that
    follows the colon is the value; blanks and tabs around it, or none, do not count. An empty value names nothing and
    is left out.
    """
    values = (value.strip() for value in _DEPENDS_ON.findall(message.replace("\r\n", "\n")))
    return tuple(dict.fromkeys(value for value in values if value))


@dataclass(frozen=True, slots=True)
class Reference:
    """What a ``Depends-On`` value leads to, as far as its text tells.

    :ivar change_id: a whole Change-Id; else `host`, `port` and `path` are those of a URL.
    :ivar port: -1 for what is no port number. :ivar path: with the fragment, from the first slash on.
    """

    change_id: str = ""
    host: str = ""
    port: int | None = None
    path: str = ""

    def number(self, prefix: str) -> int | None:
        """The change that the URL means on a Gerrit below that path; None when it means none.

        The rule is Zuul's: what follows the number does not count, neither a patchset nor a remark.
        """
        top = f"/{prefix.strip('/')}/" if prefix.strip("/") else "/"
        found = re.match(rf"{re.escape(top)}(?:#/c/|c/.*/\+/)?([0-9]+)", self.path)
        return int(found[1]) if found else None


_CHANGE_ID = re.compile(r"I[0-9a-f]{40}", re.IGNORECASE)


def reference(value: str) -> Reference | None:
    """What the value of a ``Depends-On`` line leads to; None: nowhere (``N/A``, ``#12``, ``<URL>``, a bare number).

    Zuul's rule: a Change-Id with nothing behind it, or what has a host name when it is taken for a URL.
    """
    if _CHANGE_ID.fullmatch(value):
        return Reference(change_id="I" + value[1:].lower())
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return None
    if not host:
        return None
    try:
        port = parts.port
    except ValueError:
        port = -1
    return Reference("", host, port, f"{parts.path}#{parts.fragment}" if parts.fragment else parts.path)
