"""From an address to a database that can be asked: SQLite or PostgreSQL, and how safely each keeps what it is told.

A password in the address, or in libpq's own file, is shown to nobody.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy import event as hooks
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from gatelocal.errors import InputError

_USUAL = {
    "connect_timeout": "10",
    "application_name": "gatelocal",
    "keepalives_idle": "30",
    "tcp_user_timeout": "60000",
}
_DRIVERS = ("postgresql", "postgresql+psycopg")


def address_of(url: str) -> URL:
    """The parts of an address. :raises InputError: a gate cannot be kept there."""
    try:
        found = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise InputError("the database's address is no URL", hint=_HINT) from None
    if found.drivername in _DRIVERS:
        usual = {name: value for name, value in _USUAL.items() if name not in found.query}
        return found.set(drivername="postgresql+psycopg").update_query_dict(usual)
    if found.get_backend_name() != "sqlite":
        raise InputError(f"a gate cannot be kept in {found.get_backend_name()}", hint=_HINT)
    return found


_HINT = "sqlite, or a URL that begins with sqlite:/// or postgresql://"


def shown(address: URL) -> str:
    """Where that is, without a password."""
    return (
        address.database or "" if address.get_backend_name() == "sqlite" else address.set(query={}).render_as_string()
    )


def connected(url: str | URL, *, durable: bool) -> Engine:
    """What makes connections. :param durable: what is committed survives the loss of power.

    :raises InputError: a gate cannot be kept there, or what speaks to such a database is not installed.
    """
    address = url if isinstance(url, URL) else address_of(url)
    try:
        engine = create_engine(address)
    except ImportError as error:
        raise InputError(f"{error.name} is not installed", hint="pip install 'gatelocal[postgresql]'") from None
    if engine.dialect.name == "sqlite":
        orders = ("journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}", "busy_timeout=5000")
        statements = [f"PRAGMA {order}" for order in orders]
    else:
        statements = [] if durable else ["SET synchronous_commit TO off"]

    def begun(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    hooks.listen(engine, "connect", begun)
    return engine
