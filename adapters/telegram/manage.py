"""Setting a bot up, by aiogram's client: get acquainted, set or remove the webhook, commands, descriptions.

The cold road: an operator waits for it, a customer never does. aiogram takes seconds to import, so it is
imported at the first call. Errors are those of `adapters.errors`; none holds a token or a URL.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from adapters.errors import Misconfigured, Refused, SendFailed, TryLater
from adapters.protocol import ChannelAccess
from adapters.telegram.client import API_BASE, api_base, bot_token
from adapters.telegram.parse import wanted_updates
from adapters.text import clean

if TYPE_CHECKING:
    from aiogram import Bot

T = TypeVar("T")

TIMEOUT_SECONDS: Final = 20.0
PORTS: Final = frozenset({443, 80, 88, 8443})
"""Where Telegram is willing to call a webhook."""
MAX_CONNECTIONS: Final = 40
"""Requests that Telegram keeps open to a webhook at once (1 to 100; its own default is 40)."""


class BotIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a token belongs to."""

    id: int
    username: str
    name: str


class WebhookInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What Telegram knows of a webhook; `url` is empty when none is set."""

    url: str
    pending: int
    last_error: str = ""
    last_error_at: datetime | None = None
    allowed_updates: tuple[str, ...] = ()
    """The kinds of update that it asks for; none named means Telegram's default."""


def make_secret(token_urlsafe: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """A webhook secret: 256 random bits in the characters that Telegram allows (A-Z, a-z, 0-9, _ and -)."""
    return token_urlsafe(32)


def check_webhook_url(url: str, access: ChannelAccess) -> None:
    """Refuse what Telegram would refuse, and say what to do. A self-hosted server may call anything."""
    if api_base(access) != API_BASE:
        return
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise Refused("the webhook's address is not a valid URL") from None
    if parts.scheme != "https" or not parts.hostname or port not in PORTS:
        raise Refused(
            "Telegram calls only https addresses, on port 443, 80, 88 or 8443; give the server such a public"
            " address, or let the channel poll"
        )


async def get_me(access: ChannelAccess) -> BotIdentity:
    """Ask who the token belongs to. Raises `Misconfigured` for a token that Telegram does not accept."""
    user = await ask(access, lambda bot: bot.get_me())
    return BotIdentity(id=user.id, username=user.username or "", name=user.full_name)


async def set_webhook(
    access: ChannelAccess,
    *,
    url: str,
    secret: str,
    allowed_updates: Sequence[str] | None = None,
    drop_pending_updates: bool = False,
    max_connections: int = MAX_CONNECTIONS,
) -> None:
    """Have updates posted to `url` with `secret` in their header. Ends long polling for this bot.

    Asks for the `allowed_updates` that the channel's settings want, unless told which.
    """
    check_webhook_url(url, access)
    kinds = wanted_updates(access) if allowed_updates is None else allowed_updates
    await ask(
        access,
        lambda bot: bot.set_webhook(
            url=url,
            secret_token=secret,
            allowed_updates=list(kinds),
            drop_pending_updates=drop_pending_updates,
            max_connections=max_connections,
        ),
    )


async def delete_webhook(access: ChannelAccess, *, drop_pending_updates: bool = False) -> None:
    """Stop the webhook; long polling can begin."""
    await ask(access, lambda bot: bot.delete_webhook(drop_pending_updates=drop_pending_updates))


async def get_webhook_info(access: ChannelAccess) -> WebhookInfo:
    """How the webhook fares: what waits, and Telegram's last trouble with it."""
    info = await ask(access, lambda bot: bot.get_webhook_info())
    return WebhookInfo(
        url=info.url,
        pending=info.pending_update_count,
        last_error=info.last_error_message or "",
        last_error_at=info.last_error_date,
        allowed_updates=tuple(info.allowed_updates or ()),
    )


async def set_my_commands(access: ChannelAccess, commands: Sequence[tuple[str, str]]) -> None:
    """Set the bot's menu: (command, description) in order. An empty list removes it."""
    from aiogram.types import BotCommand

    menu = [BotCommand(command=command, description=description) for command, description in commands]
    await ask(access, lambda bot: bot.set_my_commands(menu))


async def set_my_description(access: ChannelAccess, *, description: str, about: str) -> None:
    """Set what an empty chat shows (`description`) and what the profile shows (`about`)."""
    await ask(access, lambda bot: bot.set_my_description(description=description))
    await ask(access, lambda bot: bot.set_my_short_description(short_description=about))


async def ask(access: ChannelAccess, call: Callable[[Bot], Awaitable[T]]) -> T:
    """One call with a client of its own, its errors translated."""
    token, base = bot_token(access), api_base(access)
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.exceptions import AiogramError

    session = AiohttpSession(api=TelegramAPIServer.from_base(base), timeout=TIMEOUT_SECONDS)
    try:
        return await call(Bot(token, session=session))
    except AiogramError as error:
        failure = _translated(error, token)
    finally:
        await session.close()
    # Raised out here, so that the error above, which may name the URL, is not even its context.
    raise failure


def _translated(error: Exception, token: str) -> SendFailed:
    """aiogram's error as ours, in words for an operator."""
    from aiogram import exceptions as aiogram

    said = clean(str(getattr(error, "message", ""))).replace(token, "[token]")[:300]
    match error:
        case aiogram.TelegramRetryAfter():
            wait = float(error.retry_after)
            return TryLater(
                f"Telegram asks to wait {wait:g} s", code="429", retry_after=wait, whole_channel=True
            )
        case aiogram.TelegramUnauthorizedError() | aiogram.TelegramNotFound():
            return Misconfigured(
                "Telegram does not know this bot token; copy it anew from @BotFather", code="401"
            )
        case aiogram.TelegramConflictError():
            return Misconfigured(f"Telegram: {said}", code="409")
        case aiogram.TelegramEntityTooLarge():
            return Refused("Telegram: the request is too large", code="413")
        case aiogram.TelegramNetworkError():
            return TryLater("the Bot API server can't be reached, or did not answer in time", code="network")
        case aiogram.TelegramServerError():
            return TryLater(f"Telegram is out of order: {said}", code="5xx")
        case aiogram.ClientDecodeError():
            return Misconfigured("what answers at the Bot API server's address is no Bot API", code="decode")
    return Refused(f"Telegram: {said or 'the call was refused'}", code="400")
