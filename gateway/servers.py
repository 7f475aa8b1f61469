"""Where PostgreSQL and Valkey are: the ones that the settings name, or embedded ones under the data directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from gateway.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Resolved addresses; they may hold passwords, so the repr leaves them out."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@contextmanager
def open_servers(settings: Settings) -> Iterator[Servers]:
    """Start or adopt the embedded servers that are needed; stop those that nobody else uses at the end."""
    with ExitStack() as stack:
        if settings.database_url is not None:
            database_url = settings.database_url.get_secret_value()
        else:
            from storage.embedded import EmbeddedPostgres

            database_url = stack.enter_context(EmbeddedPostgres(settings.data_dir)).url
        if settings.redis_url is not None:
            redis_url = settings.redis_url.get_secret_value()
        else:
            from storage.embedded import EmbeddedValkey

            redis_url = stack.enter_context(EmbeddedValkey(settings.data_dir)).url
        yield Servers(database_url=database_url, redis_url=redis_url)
