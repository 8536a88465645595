"""Read by Alembic: the steps are taken on the connection, and in the transaction, of whoever asks for them."""

from __future__ import annotations

from alembic import context

from gatelocal.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata(),
    version_table=schema.VERSIONS,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
