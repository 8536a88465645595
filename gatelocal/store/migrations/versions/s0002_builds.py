"""Builds are found by their preparation, whose folder goes, and by their end, with which they go."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both indexes."""
    op.create_index("ix_builds_preparation", "builds", ["preparation"])
    op.create_index("ix_builds_ended", "builds", ["ended"])
