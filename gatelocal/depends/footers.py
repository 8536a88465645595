"""What a commit message says it depends on: the `Depends-On` lines; it looks nothing up and follows nothing."""

from __future__ import annotations

import re

_DEPENDS_ON = re.compile(r"^Depends-On:(.*)$", re.MULTILINE | re.IGNORECASE)


def depends_on(message: str) -> tuple[str, ...]:
    """The values of the message's ``Depends-On`` lines, in their order, each once.

    The rule is Zuul's: the words stand at the beginning of any line of the message, in any letter case, and all that
    follows the colon is the value; blanks and tabs around it, or none, do not count. An empty value names nothing and
    is left out.
    """
    values = (value.strip() for value in _DEPENDS_ON.findall(message.replace("\r\n", "\n")))
    return tuple(dict.fromkeys(value for value in values if value))
