"""WhatsApp as the gateway sees it: the parts of this folder behind the one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from adapters.capabilities import Capabilities
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Files, Parsed, Receipt
from adapters.whatsapp.access import own_number
from adapters.whatsapp.capabilities import CAPABILITIES
from adapters.whatsapp.client import WhatsAppClient
from adapters.whatsapp.fetch import fetch_media
from adapters.whatsapp.parse import parse_body
from adapters.whatsapp.render import render_message, render_read
from adapters.whatsapp.switches import capabilities_for
from adapters.whatsapp.verify import answer_challenge, verify_signature
from engine.messages import OutboundMessage


class WhatsAppAdapter:
    """The `Adapter` for numbers of the WhatsApp Cloud API. One instance serves every channel; see `adapters.protocol`.

    `ChannelAccess.secrets`: `access_token`, `app_secret`, `verify_token`. `ChannelAccess.settings`: the deployment
    document's sections (`authentication.business_phone_number_id`, `business_account.business_account_id`,
    `message_templates`, `media_settings.max_file_size`, `business_features`), `api_base` and `api_version` (optional).
    """

    platform: str = "whatsapp"
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, files: Files | None = None, client: WhatsAppClient | None = None) -> None:
        self._client = client or WhatsAppClient(files)

    def capabilities_for(self, settings: Mapping[str, Any]) -> Capabilities:
        """The table as `business_features` leave it; see `adapters.whatsapp.switches`."""
        return capabilities_for(settings)

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Compare the signature of the raw bytes; it holds no time, so nothing is stale. Raises `Unverified`."""
        verify_signature(body, headers, access)

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """`hub.challenge`, for who knows the verify token. Raises `Unverified`."""
        return answer_challenge(query, access)

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """Every message, status and template report of a body. Never raises."""
        return parse_body(body, own_number(access), now)

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """The calls that say `message`, in order; never empty. A template that can't be sent becomes a call that
        `send` refuses with the reason."""
        return render_message(recipient, message, access)

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """Mark the customer's message as read, with the typing indicator when wanted; both need that message's id."""
        return render_read(answers, typing=typing) if answers else None

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out one call; its key comes back with the status reports. Raises `SendFailed`."""
        return await self._client.send(call, access, envelope)

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Nothing can be asked: the status report tells (`StatusUpdate.key`)."""
        return None

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Read a file by its media id. Raises `SendFailed`."""
        return fetch_media(self._client, file, access)

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()
