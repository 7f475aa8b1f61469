"""Telegram as the gateway sees it: the parts of this folder behind the one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from adapters.capabilities import Capabilities, Rate
from adapters.errors import Unverified
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Files, Parsed, Receipt
from adapters.telegram import poll
from adapters.telegram.capabilities import CAPABILITIES, CHANNEL_RATE, CHAT_RATE, GROUP_RATE
from adapters.telegram.client import TelegramClient
from adapters.telegram.files import open_file
from adapters.telegram.manner import address
from adapters.telegram.parse import parse_update
from adapters.telegram.render import render_action, render_message
from adapters.telegram.switches import capabilities_for
from adapters.telegram.verify import verify_secret
from engine.messages import OutboundMessage


class TelegramAdapter:
    """The `Adapter` for Telegram bots. One instance serves every Telegram channel; see `adapters.protocol`.

    `ChannelAccess.secrets`: `bot_token`, `secret_token` (the webhook's). `ChannelAccess.settings`: `api_base`
    (a self-hosted Bot API server's address, optional), and the deployment's own: `bot_configuration`, `bot_features`,
    `message_formatting`, `advanced_features`, `webhook_setup`. `files` is where media to upload is read from.
    """

    platform: str = "telegram"
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, client: TelegramClient | None = None, files: Files | None = None) -> None:
        self._client = client or TelegramClient(files)

    def capabilities_for(self, settings: Mapping[str, Any]) -> Capabilities:
        """The table as `message_formatting` and `advanced_features` leave it; see `adapters.telegram.switches`."""
        return capabilities_for(settings)

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Compare the secret header. Raises `Unverified`."""
        verify_secret(headers, access)

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """Always raises `Unverified`: Telegram tries no webhook out."""
        raise Unverified("Telegram does not ask a webhook anything.")

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """One update; `answer` stops a pressed button's spinner. Never raises."""
        return parse_update(body, now, access)

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """The calls that say it, in order; see `adapters.telegram.render`."""
        return render_message(recipient, message, access)

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """A sendChatAction call; bots can't mark messages as read.

        `showing` is the kind (`adapters.capabilities.Outbound`) of what comes, for "sending a photo…".
        """
        return render_action(recipient, showing) if typing else None

    def rates_for(self, recipient: str) -> tuple[Rate, ...]:
        """The rates that hold for sends to `recipient`: Telegram is slower with groups than with people."""
        chat = address(recipient)["chat_id"]
        group = type(chat) is not int or chat < 0
        return (CHANNEL_RATE, GROUP_RATE if group else CHAT_RATE)

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out one call, mended where Telegram refuses it; its key goes unused, for Telegram takes none.

        Raises `SendFailed`.
        """
        return await self._client.send(call, access)

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Nothing tells."""
        return None

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Read a file by Telegram's `file_id`; see `adapters.telegram.files`."""
        return open_file(self._client, file, access)

    async def get_updates(self, access: ChannelAccess, offset: int, timeout_seconds: int) -> list[bytes]:
        """Long polling; see `adapters.telegram.poll.get_updates`."""
        return await poll.get_updates(self._client, access, offset, timeout_seconds)

    def next_offset(self, updates: Sequence[bytes], offset: int) -> int:
        """The offset that confirms `updates`; see `adapters.telegram.poll.next_offset`."""
        return poll.next_offset(updates, offset)

    def answer_call(self, answer: bytes) -> Call:
        """`Parsed.answer` as a call of its own: an update that was polled has no webhook to answer."""
        return Call(method="answerCallbackQuery", body=answer)

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()
