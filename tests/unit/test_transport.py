"""What a broken connection means for a delivery, in words that hold neither URL nor token nor address."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from yarl import URL

from adapters.errors import Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.transport import BROKEN, asked_again, transport_failure

SERVER = "the Graph API"
TOKEN = "EAAGsecret-part-of-the-token"


def connection_key() -> Any:
    return aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ClientConnectorError(connection_key(), ConnectionRefusedError(111, "Connection refused")), TryLater),
        (aiohttp.ClientConnectorDNSError(connection_key(), OSError(-2, "Name not known")), TryLater),
        (aiohttp.ConnectionTimeoutError(f"Connection timeout to host /{TOKEN}/"), TryLater),
        (aiohttp.ClientConnectionResetError("Cannot write to closing transport"), TryLater),
        (aiohttp.ClientConnectionResetError("Connection lost"), Uncertain),
        (aiohttp.ServerDisconnectedError(), Uncertain),
        (aiohttp.SocketTimeoutError("Timeout on reading data"), Uncertain),
        (aiohttp.ClientPayloadError("Response payload is not completed"), Uncertain),
        (aiohttp.ClientOSError(104, f"Can not write request body for /{TOKEN}/"), Uncertain),
        (ConnectionResetError(104, "Connection reset by peer"), Uncertain),
        (TimeoutError(), Uncertain),
        (aiohttp.InvalidURL(URL(f"http:///{TOKEN}/x")), Misconfigured),
    ],
)  # fmt: skip
def test_broken_connections(error: Exception, kind: type[SendFailed]) -> None:
    assert isinstance(error, BROKEN)
    failure = transport_failure(error, SERVER)
    assert type(failure) is kind
    assert SERVER in failure.reason
    assert TOKEN not in repr(failure) + failure.reason + failure.code


def test_a_write_that_never_began_is_safe_to_repeat() -> None:
    error = aiohttp.ClientOSError(None, f"Can not write request body for /{TOKEN}/")
    error.__cause__ = aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    assert type(transport_failure(error, SERVER)) is TryLater


def test_the_systems_words_are_told_without_the_address() -> None:
    cause = ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 443)")
    failure = transport_failure(aiohttp.ClientConnectorError(connection_key(), cause), SERVER)
    assert failure.reason == "no connection to the Graph API (Connection refused)"


def test_a_question_without_an_answer_is_asked_again_and_a_refusal_stays_one() -> None:
    again = asked_again(Uncertain("silence", code="timeout"))
    assert (type(again), again.reason, again.code) == (TryLater, "silence", "timeout")
    refused = Refused("no")
    assert asked_again(refused) is refused
