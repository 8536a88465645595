"""The tables of the time before there were steps: whoever has them is at this one."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: see :mod:`gatelocal.store.migrate`, which makes a new database as it is to be at last."""
