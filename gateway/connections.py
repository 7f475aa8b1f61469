"""Where the parts of a worker get a database connection for the hot road."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Connections(Protocol):
    """A pool, as its users see it."""

    def raw(self) -> AbstractAsyncContextManager[Any]:
        """An asyncpg connection, held for as long as the block lasts."""
