"""The environment as the launcher sees it: the one place of this room that reads this process's variables."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """This process's variables."""
    return dict(os.environ)
