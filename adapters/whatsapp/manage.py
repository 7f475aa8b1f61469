"""Setting a number up: get acquainted, set or remove its webhook, list its templates, look at the token.

The cold road: an operator waits for it, a customer never does. Errors are those of `adapters.errors`; none holds a
token or a URL.

https://developers.facebook.com/docs/whatsapp/embedded-signup/webhooks/override
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from adapters.errors import Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.protocol import ChannelAccess
from adapters.whatsapp.access import API_BASE, access_token, account_id, api_base, api_url, phone_number_id
from adapters.whatsapp.client import WhatsAppClient, failure_of
from adapters.whatsapp.verify import APP_SECRET, VERIFY_TOKEN

MAX_PAGES: Final = 50
PAGE: Final = 100
"""Templates of one page; an account may have 6,000, most have a few dozen."""
_PHONE_TEXTS: Final = (
    "display_phone_number",
    "verified_name",
    "quality_rating",
    "code_verification_status",
    "name_status",
    "status",
)
_PHONE_FIELDS: Final = ",".join(("id", "throughput", *_PHONE_TEXTS))
_TEMPLATE_FIELDS: Final = "id,name,language,category,status,rejected_reason,components"


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """The number that a channel speaks with, as Meta describes it."""

    id: str
    display_phone_number: str = ""
    verified_name: str = ""
    quality_rating: str = ""
    """`GREEN`, `YELLOW`, `RED` or `UNKNOWN`."""
    throughput: str = ""
    """`STANDARD` (80 messages a second) or `HIGH` (1,000)."""
    code_verification_status: str = ""
    """`VERIFIED`, `NOT_VERIFIED` or `EXPIRED`."""
    name_status: str = ""
    """Whether the display name is approved."""
    status: str = ""
    """`CONNECTED`, or why it can't send."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A message template of the account, its components as Meta lists them."""

    id: str
    name: str
    language: str
    category: str = ""
    status: str = ""
    reason: str = ""
    components: list[dict[str, Any]] = []


def check_access(access: ChannelAccess) -> None:
    """Check what the channel needs for its form, without calling anybody. Raises `Misconfigured`."""
    access_token(access)
    phone_number_id(access)
    account_id(access)
    for name in (APP_SECRET, VERIFY_TOKEN):
        if not access.secrets.get(name):
            raise Misconfigured(
                f"this channel has no {name}; see docs/channels/whatsapp.md for where to find it"
            )


def check_webhook_url(url: str, access: ChannelAccess) -> None:
    """Refuse what Meta would refuse, and say what to do. Another API server may call anything."""
    if api_base(access) != API_BASE:
        return
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        secure = False
    if not secure:
        raise Refused(
            "Meta calls only https addresses with a trusted certificate; set such a GATEWAY_PUBLIC_URL"
        )


async def identify(access: ChannelAccess) -> PhoneNumber:
    """Ask about the number. Raises `Misconfigured` for a token or an id that Meta does not accept."""
    answer = await _get(access, phone_number_id(access), {"fields": _PHONE_FIELDS})
    throughput = answer.get("throughput")
    return PhoneNumber(
        throughput=_text(throughput, "level") if isinstance(throughput, dict) else "",
        id=_text(answer, "id"),
        **{name: _text(answer, name) for name in _PHONE_TEXTS},
    )


async def subscribe(access: ChannelAccess) -> None:
    """Have the token's app hear of the account's events; without it no webhook is called."""
    await _post(access, f"{account_id(access)}/subscribed_apps", {})


async def subscribed_apps(access: ChannelAccess) -> list[str]:
    """The names of the apps that hear of the account's events."""
    answer = await _get(access, f"{account_id(access)}/subscribed_apps", {})
    apps = (one.get("whatsapp_business_api_data") for one in _list(answer, "data"))
    return [_text(app, "name") or _text(app, "id") for app in apps if isinstance(app, dict)]


async def set_webhook(access: ChannelAccess, url: str) -> None:
    """Have this number's events posted to `url`, whatever the app and the account say.

    Meta tries the address out at once, with the verify token, so the server has to answer already.
    """
    check_access(access)
    check_webhook_url(url, access)
    await subscribe(access)
    await _configure(access, {"override_callback_uri": url, "verify_token": access.secrets[VERIFY_TOKEN]})


async def remove_webhook(access: ChannelAccess) -> None:
    """Take this number's own address away; the account's or the app's holds again, if there is one."""
    await _configure(access, {"override_callback_uri": ""})


async def webhook_of(access: ChannelAccess) -> str:
    """The address that this number's events go to: its own, else the account's, else the app's; empty for none."""
    answer = await _get(access, phone_number_id(access), {"fields": "webhook_configuration"})
    found = answer.get("webhook_configuration")
    if not isinstance(found, dict):
        return ""
    names = ("phone_number", "whatsapp_business_account", "application")
    return next((url for name in names if (url := _text(found, name))), "")


async def list_templates(access: ChannelAccess) -> list[Template]:
    """All message templates of the account, page by page."""
    found: list[Template] = []
    query = {"fields": _TEMPLATE_FIELDS, "limit": str(PAGE)}
    for _ in range(MAX_PAGES):
        answer = await _get(access, f"{account_id(access)}/message_templates", query)
        found += [_template(one) for one in _list(answer, "data")]
        paging = answer.get("paging")
        cursors = paging.get("cursors") if isinstance(paging, dict) else None
        after = _text(cursors, "after") if isinstance(cursors, dict) else ""
        if not after or not _text(paging, "next"):  # its address is not followed: it comes from outside
            return found
        query["after"] = after
    return found


def _template(one: Mapping[str, Any]) -> Template:
    components = one.get("components")
    reason = _text(one, "rejected_reason")
    return Template(
        id=_text(one, "id"),
        name=_text(one, "name"),
        language=_text(one, "language"),
        category=_text(one, "category"),
        status=_text(one, "status"),
        reason="" if reason == "NONE" else reason,
        components=[part for part in components if isinstance(part, dict)]
        if isinstance(components, list)
        else [],
    )


async def _configure(access: ChannelAccess, configuration: dict[str, str]) -> None:
    await _post(access, phone_number_id(access), {"webhook_configuration": configuration})


async def _get(access: ChannelAccess, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    return await _call(access, "GET", path, query=query)


async def _post(access: ChannelAccess, path: str, body: Mapping[str, Any]) -> None:
    await _call(access, "POST", path, data=msgspec.json.encode(body))


async def _call(
    access: ChannelAccess, method: str, path: str, *, query: Mapping[str, str] | None = None, data: Any = None
) -> dict[str, Any]:
    """One call with a client of its own; the answer is an object. Raises `SendFailed`."""
    url = api_url(access, path)
    client = WhatsAppClient()
    lost: SendFailed
    try:
        status, body = await client.request(
            method, url.with_query(query) if query else url, access, data=data
        )
        answer = _object(body) if status == 200 else None
        if answer is None:
            raise failure_of(status, body, access)
        return answer
    except Uncertain as uncertain:
        lost = TryLater(uncertain.reason, code=uncertain.code)  # setting up can be done again
    finally:
        await client.close()
    raise lost


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _list(where: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = where.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(where: Any, key: str) -> str:
    value = where.get(key) if isinstance(where, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
