"""Name resolution for calls: in threads of its own, and no address leaves it that may not be called."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.work.addresses import AddressPolicy

LOOKUPS: Final = 32
"""Look-ups at the same time. A bot whose names take for ever may hold up a part of them, and nobody else's: the
event loop's own resolver, which the platforms' clients share, has four threads in all."""
MAX_ADDRESSES: Final = 8
"""Addresses of a name that are tried."""


class PooledResolver(AbstractResolver):
    """The system's resolver."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="work-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, proto, address in found[:MAX_ADDRESSES]
        ]

    async def close(self) -> None:
        """Wait for no look-up that is still under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """Another resolver's answers, of which not one may be closed to calls.

    The connection is made to the very addresses that were checked here, so a name that answers differently the
    next time (DNS rebinding) gains nothing.
    """

    def __init__(self, inner: AbstractResolver, policy: AddressPolicy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises `Refused`, and OSError."""
        found = await self._inner.resolve(host, port, family)
        for item in found:
            self._policy.check_address(host, item["host"])
        return found

    async def close(self) -> None:
        """Close the other one."""
        await self._inner.close()


def _look_up(host: str, port: int, family: int) -> list[tuple[int, int, str]]:
    """Family, protocol and address of each."""
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(kind, proto, str(place[0])) for kind, _, proto, _, place in found]
