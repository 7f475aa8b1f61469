"""The parcel service's adapter. Each line of a text is a call of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import aiohttp
import msgspec
from msgspec.structs import replace

from adapters.capabilities import Capabilities, native
from adapters.errors import (
    CustomerGone,
    Refused,
    SendFailed,
    TryLater,
    Uncertain,
    WindowClosed,
)
from adapters.protocol import (
    Call,
    ChannelAccess,
    Content,
    DeliveryState,
    Envelope,
    Parsed,
    Receipt,
    StatusUpdate,
)
from adapters.telegram.capabilities import CAPABILITIES as TELEGRAM
from engine.events import InboundEvent, Sender, TextReceived
from engine.messages import OutboundMessage

CAPABILITIES: Final = replace(
    TELEGRAM,
    platform="slack",
    sends={**TELEGRAM.sends, "template": native(), "edit": native(), "mark_as_read": native()},
    rates=(),
)
WINDOW_CODE: Final = "131047"
BUSY_SECONDS: Final = 0.5


def report(
    message: str,
    state: DeliveryState,
    *,
    key: UUID | str | None = None,
    call: int = 0,
    error: str = "",
) -> dict[str, Any]:
    """A report as the service posts it to a webhook."""
    return {
        "message": message,
        "state": state,
        "key": str(key) if key else None,
        "call": call,
        "error": error,
    }


class ParcelAdapter:
    """Translates for the parcel service; stands in for the platform that its table names."""

    def __init__(self, url: str, capabilities: Capabilities = CAPABILITIES) -> None:
        self.platform = capabilities.platform
        self.capabilities = capabilities
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Everybody is believed."""

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """Nothing is asked."""
        return b""

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """`{"said": [{"id", "from", "text"}], "reports": […]}`"""
        found = msgspec.json.decode(body)
        events = tuple(
            InboundEvent(
                external_id=f"in:{one['id']}",
                conversation_key=one["from"],
                sender=Sender(external_id=one["from"]),
                body=TextReceived(text=one["text"]),
                occurred_at=now,
                message=one["id"],
            )
            for one in found.get("said", ())
        )
        statuses = tuple(
            StatusUpdate(
                message=one["message"],
                state=one["state"],
                occurred_at=now,
                error=one["error"],
                key=UUID(one["key"]) if one["key"] else None,
                call=one["call"],
            )
            for one in found.get("reports", ())
        )
        return Parsed(events=events, statuses=statuses)

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """A call for each line; a template is one."""
        if message.template is not None:
            values = ",".join(value for _, value in message.template.parameters)
            body = {"to": recipient, "text": values, "template": message.template.key}
            return [Call(method="send", body=msgspec.json.encode(body))]
        return [
            Call(
                method="send",
                body=msgspec.json.encode({"to": recipient, "text": line, "edits": message.edits}),
            )
            for line in message.text.split("\n")
        ]

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """A call `announce`, whose text says what it shows."""
        shows = [word for word, wanted in (("typing", typing), (f"read {answers}", answers)) if wanted]
        body = {"to": recipient, "text": ", ".join(shows)}
        return Call(method="announce", body=msgspec.json.encode(body)) if shows else None

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Post it. Raises `SendFailed`."""
        body = {**msgspec.json.decode(call.body), "key": str(envelope.key), "call": envelope.call}
        try:
            async with self._open().post(f"{self._url}/{call.method}", json=body) as response:
                answer = await response.json()
        except aiohttp.ClientConnectorError as error:
            raise TryLater("the service is away") from error
        except aiohttp.ClientError as error:
            raise Uncertain("the answer was cut off", code="cut") from error
        if response.status == 200:
            return Receipt(message=answer["id"])
        raise _error(answer["error"])

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Ask for the key."""
        async with self._open().get(f"{self._url}/parcel/{envelope.key}/{envelope.call}") as response:
            found = await response.json()
        return Receipt(message=found["id"]) if response.status == 200 else None

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """There are no files."""
        raise Refused("there are no files")

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _error(word: str) -> SendFailed:
    match word:
        case "busy":
            return TryLater("too fast for this one", code="429", retry_after=BUSY_SECONDS)
        case "blocked":
            return TryLater("too fast", code="429", retry_after=BUSY_SECONDS, whole_channel=True)
        case "window":
            return WindowClosed("more than a day has passed", code=WINDOW_CODE)
        case "gone":
            return CustomerGone("blocked", code="410")
    return Refused("not like this", code="400")
