"""Connections to PostgreSQL, each under the role that its work needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.util import greenlet_spawn

from storage.urls import normalise, place

SET_TENANTS = "SELECT set_config('app.organization_ids', $1, true)"
"""Names the tenants of a transaction; `$1` as `tenant_setting` writes it. Forgotten at its end."""

SERVER_SETTINGS: Mapping[str, str] = {
    "role": "gateway_app",
    "timezone": "UTC",
    # Short statements: compiling them costs more than running them.
    "jit": "off",
    # A worker that was stopped in mid-transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "60000",
}


class Database:
    """A pool of connections that act as `gateway_app`, and the few that act as somebody else.

    `pool_size` is the most connections that this process holds; who asks for one more waits, and gets
    `sqlalchemy.exc.TimeoutError` after `wait_s` seconds. Works under asyncio and uvloop. The repr names
    host and database, never the password.
    """

    def __init__(
        self, url: str, *, pool_size: int = 10, application_name: str = "gateway", wait_s: float = 30.0
    ) -> None:
        self._url = normalise(url)
        self._application_name = application_name
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=wait_s,
            # What customers wrote stays out of error messages.
            hide_parameters=True,
            json_serializer=_to_json,
            # jsonb stays text at this level: the turn decodes it with msgspec into the type that it wants,
            # and `storage.tables.Json` does so for the admin queries.
            json_deserializer=_as_it_is,
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_dead)

    def __repr__(self) -> str:
        return f"Database({place(self._url)})"

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[asyncpg.Connection]:
        """An asyncpg connection from the pool, acting as `gateway_app`, outside a transaction; jsonb is `str`.

        The caller begins, names the tenants (`SET_TENANTS`) and commits. A connection that comes back within
        a transaction is thrown away, so that nothing of it reaches the next one.
        """
        proxied = await self._engine.raw_connection()
        connection: asyncpg.Connection = proxied.driver_connection
        try:
            yield connection
        finally:
            if connection.is_closed() or connection.is_in_transaction():
                connection.terminate()
                proxied.invalidate()
            await greenlet_spawn(proxied.close)

    @asynccontextmanager
    async def transaction(self, organization_ids: Collection[UUID]) -> AsyncIterator[AsyncConnection]:
        """A transaction for SQLAlchemy statements that sees these organizations' rows and no others."""
        tenants = tenant_setting(organization_ids)
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(SET_TENANTS, (tenants,))
            yield connection

    @asynccontextmanager
    async def dispatcher(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction as `gateway_dispatcher`: sees of all tenants which work is whose, and no content."""
        async with self.raw() as connection, connection.transaction():
            await connection.execute("SET LOCAL ROLE gateway_dispatcher")
            yield connection

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of its own as the owner of the tables, for migrations and partitions."""
        connection = await asyncpg.connect(
            self._url,
            server_settings={"application_name": f"{self._application_name}-owner", "timezone": "UTC"},
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def _connect(self) -> asyncpg.Connection:
        settings = {**SERVER_SETTINGS, "application_name": self._application_name}
        return await asyncpg.connect(self._url, server_settings=settings)


def tenant_setting(organization_ids: Collection[UUID]) -> str:
    """The value of `app.organization_ids`: a PostgreSQL array of uuid. Raises `ValueError` when it is empty."""
    if not organization_ids:
        raise ValueError("a transaction needs at least one organization")
    return f"{{{','.join(map(str, organization_ids))}}}"


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _as_it_is(text: str) -> str:
    return text


def _refuse_dead(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """A restarted server closes its connections while they rest in the pool: make the pool replace them all."""
    if dbapi_connection.driver_connection.is_closed():
        raise InvalidatePoolError("the server has closed the connection")
