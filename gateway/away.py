"""Which errors mean that the database is away, and which that a transaction should be tried again."""

from __future__ import annotations

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections: no body's fault
    asyncpg.InternalClientError,
    DBAPIError,
    AsyncAdapt_asyncpg_dbapi.Error,
    PoolTimeoutError,
    OSError,
    TimeoutError,
)
"""The connection is gone, or there is none to be had. SQLAlchemy's pool wraps what connecting raises, in its
dialect's own error when the server answers that it is starting or stopping; neither is a `DBAPIError`."""

AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
"""Another transaction was in the way; after a rollback the same work may succeed."""
