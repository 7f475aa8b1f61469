"""The methods by which a bot gets its updates: getUpdates, or a webhook."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlsplit

from tests.platforms.telegram.errors import ApiError, bad_request
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.world import JSON, Bot, Update, Webhook

MAX_LIMIT: Final = 100
MAX_TIMEOUT: Final = 50
PORTS: Final = frozenset({443, 80, 88, 8443})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRET = re.compile(r"[A-Za-z0-9_-]*")


async def get_updates(bot: Bot, given: Parameters) -> list[bytes]:
    """Confirm everything below `offset`, then answer what waits, or wait for it up to `timeout` seconds."""
    if bot.webhook is not None:
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the"
            " webhook first",
        )
    _allow(bot, given)
    offset = given.integer("offset", 0) or 0
    limit = min(max(given.integer("limit", MAX_LIMIT) or MAX_LIMIT, 1), MAX_LIMIT)
    timeout = min(max(given.integer("timeout", 0) or 0, 0), MAX_TIMEOUT)
    bot.polls += 1
    mine = bot.polls
    bot.arrived.set()  # wakes an older poll, which then sees that it was superseded
    if offset < 0:
        offset = max([0, *list(bot.pending)[offset:][:1]])
    bot.confirm(update_id for update_id in bot.pending if update_id < offset)
    try:
        async with asyncio.timeout(timeout):
            while not bot.pending:
                bot.arrived.clear()
                await bot.arrived.wait()
                if bot.polls != mine:
                    raise ApiError(
                        409,
                        "Conflict: terminated by other getUpdates request; make sure that only one bot instance"
                        " is running",
                    )
    except TimeoutError:
        return []
    waiting: list[Update] = [bot.pending[update_id] for update_id in sorted(bot.pending)]
    return [update.body for update in waiting[:limit]]


def set_webhook(bot: Bot, given: Parameters) -> Webhook | None:
    """Check and set; an empty url removes it. Returns what is now set."""
    url = given.string("url").strip()
    secret = given.string("secret_token")
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if url:
        _check_url(url)
    _allow(bot, given)
    if given.boolean("drop_pending_updates"):
        bot.confirm(list(bot.pending))
    connections = min(max(given.integer("max_connections", 40) or 40, 1), 100)
    bot.webhook = Webhook(url=url, secret=secret, max_connections=connections) if url else None
    return bot.webhook


def webhook_info(bot: Bot) -> JSON:
    """A WebhookInfo object."""
    hook = bot.webhook
    info: JSON = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(bot.pending),
    }
    if hook is not None:
        info["max_connections"] = hook.max_connections
        info["ip_address"] = "127.0.0.1"
        if hook.last_error_date is not None:
            info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    if bot.allowed is not None:
        info["allowed_updates"] = sorted(bot.allowed)
    return info


def _allow(bot: Bot, given: Parameters) -> None:
    """allowed_updates: missing keeps what was set, an empty list is the default again."""
    allowed: Any = given.nested("allowed_updates")
    if allowed is None:
        return
    if not isinstance(allowed, list) or not all(isinstance(kind, str) for kind in allowed):
        raise bad_request("can't parse allowed updates JSON object")
    bot.allowed = frozenset(allowed) or None


def _check_url(url: str) -> None:
    """https on Telegram's ports; plain http and any port for this machine only, which is where tests run."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise bad_request("bad webhook: invalid webhook URL specified") from None
    if not parts.hostname:
        raise bad_request("bad webhook: invalid webhook URL specified")
    if parts.hostname in _LOOPBACK:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
