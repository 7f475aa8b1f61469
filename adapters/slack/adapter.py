"""Slack as the gateway sees it: the parts of this folder behind the one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from adapters.capabilities import Capabilities
from adapters.errors import Unverified
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Files, Parsed, Receipt
from adapters.slack import history, reactions, transfer
from adapters.slack.address import read_address
from adapters.slack.capabilities import CAPABILITIES
from adapters.slack.client import APP_TOKEN, SlackClient
from adapters.slack.parse import parse_body
from adapters.slack.people import read_profile
from adapters.slack.render import CLEAR, POST, UPLOAD, render_message
from adapters.slack.verify import verify_signature
from engine.events import Sender
from engine.messages import OutboundMessage


class SlackAdapter:
    """The `Adapter` for Slack apps, and a `ProfileSource`. One instance serves every Slack channel; see
    `adapters.protocol`.

    `ChannelAccess.secrets`: `bot_token`, `signing_secret`, with Socket Mode `app_token`. `ChannelAccess.settings`:
    `workspace` (`team_id`, `bot_user_id`, `app_id`), `event_delivery`, `features`, `api_base` (optional).
    """

    platform: str = "slack"
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, client: SlackClient | None = None, files: Files | None = None) -> None:
        self._client = client or SlackClient()
        self._files = files

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Check the signature and its time. Raises `Unverified`."""
        verify_signature(body, headers, access, now)

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """Always raises `Unverified`: Slack tries an address out with a signed POST, see `url_verification`."""
        raise Unverified("Slack asks a webhook nothing by GET.")

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """One body; `answer` is what Slack waits for: a challenge, a menu's options, a word on a command."""
        return parse_body(body, access, now)

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """The calls, in order; never empty."""
        return render_message(recipient, message)

    def rate_key(self, recipient: str) -> str:
        """The threads of a channel share what Slack counts."""
        at = read_address(recipient)
        return f"{at.team}:{at.channel}"

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """Nothing: apps can neither show that they type nor mark messages as read."""
        return None

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out one call; what it posts carries the key. Raises `SendFailed`."""
        match call.method:
            case method if method == POST:
                return await self._client.post(call, access, envelope)
            case method if method == UPLOAD:
                return await transfer.upload(self._client, self._files, call, access, envelope)
            case method if method == CLEAR:
                return await reactions.clear(self._client, call, access)
        return await self._client.send(call, access)

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Look for the key in the channel's history. Raises `SendFailed`."""
        return await history.find(self._client, call, access, envelope)

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Read a file by its private address or id. Raises `SendFailed`."""
        return transfer.fetch(self._client, file, access)

    async def profile(self, access: ChannelAccess, external_id: str) -> Sender:
        """Who a person of the workspace is (`team:user`). Raises `SendFailed`."""
        return await read_profile(self._client, access, external_id)

    async def open_socket(self, access: ChannelAccess) -> str:
        """The address of a new Socket Mode connection (wss), good for one use. Raises `SendFailed`."""
        answer = await self._client.ask("apps.connections.open", access, {}, token_name=APP_TOKEN)
        return str(answer.get("url", ""))

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()
