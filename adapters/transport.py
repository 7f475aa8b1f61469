"""What a connection's failure means for a delivery, for adapters that call an API over HTTP.

| what happened                                      | error     |
|----------------------------------------------------|-----------|
| no connection: refused, DNS, TLS, connect timeout  | TryLater  |
| connection lost, silent or cut after the request   | Uncertain |
"""

from __future__ import annotations

import os
from typing import Any, Final

import aiohttp

from adapters.errors import Misconfigured, SendFailed, TryLater, Uncertain

BROKEN: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What aiohttp raises when a request gets no answer, or an address is none. Raise the failure after the `except`
has ended: these errors name the URL, and must not be even its context."""


def transport_failure(error: Exception, server: str) -> SendFailed:
    """The error for a connection that failed, in words that name `server` and no URL."""
    match error:
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
            return Misconfigured(f"the address of {server} can't be used", code="address")
        case aiohttp.ClientConnectorDNSError():
            return TryLater(f"the name of {server} was not found (DNS)", code="dns")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return TryLater(f"no trusted TLS connection to {server}", code="tls")
        case aiohttp.ClientConnectorError():
            return TryLater(f"no connection to {server} ({_cause(error)})", code="connect")
        case aiohttp.ConnectionTimeoutError():
            return TryLater(f"connecting to {server} took too long", code="connect_timeout")
        case _ if _never_written(error):
            return TryLater(f"the connection to {server} closed before the call", code="closed")
        case TimeoutError():
            return Uncertain(f"{server} took the call and did not answer in time", code="timeout")
        case aiohttp.ClientPayloadError():
            return Uncertain(f"the answer of {server} was cut off", code="cut")
    return Uncertain(f"the connection to {server} broke before the answer ({_cause(error)})", code="broken")


def asked_again(failure: SendFailed) -> SendFailed:
    """As `failure`, for a call that changes nothing: what is uncertain of a send can simply be asked again."""
    return TryLater(failure.reason, code=failure.code) if isinstance(failure, Uncertain) else failure


def _never_written(error: Exception) -> bool:
    """Whether aiohttp found a pooled connection closing before it wrote anything.

    It writes headers and body at once, and its writer raises this error instead of writing; the error comes
    as it is, or as the cause of "can not write request body".
    """
    return any(
        isinstance(link, aiohttp.ClientConnectionResetError) and str(link).startswith("Cannot write")
        for link in (error, error.__cause__)
    )


def _cause(error: Exception) -> str:
    """A short, safe name: the operating system's, or the exception's class. asyncio puts addresses into its own."""
    inner: Any = getattr(error, "os_error", error)
    if isinstance(inner, OSError) and inner.errno is not None and inner.errno > 0:
        return os.strerror(inner.errno)
    return type(error).__name__
