"""PostgreSQL and Valkey from PyPI, run by the gateway itself when no external server is named.

Both listen on a Unix socket only, live in a session of their own (Ctrl-C reaches the gateway, not
them), survive a killed gateway and are adopted by the next one.
"""

from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.server import EmbeddedServer
from storage.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedServer", "EmbeddedValkey"]
