"""The environment as the launcher sees it: the one place of this room that reads this process's variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gatelocal.model.terms import Terms, of


def environment() -> Mapping[str, str]:
    """This process's variables."""
    return dict(os.environ)


def terms() -> Terms:
    """Those of held nodes. :raises InputError: what the user says of them cannot be understood."""
    return of(os.environ)
