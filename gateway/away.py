"""Which errors mean that the database is away, and which that a transaction should be tried again."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
    DBAPIError,
    OSError,
    TimeoutError,
)
"""The connection is gone, or there is none to be had. (SQLAlchemy's pool wraps what connecting raises.)"""

AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
"""Another transaction was in the way; after a rollback the same work may succeed."""
