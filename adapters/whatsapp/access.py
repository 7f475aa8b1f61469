"""What the adapter reads out of a channel's secrets and settings, which keep the deployment document's shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from yarl import URL

from adapters import http
from adapters.errors import Misconfigured
from adapters.protocol import ChannelAccess
from adapters.whatsapp.capabilities import MEGABYTE

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - a secret's name
API_BASE: Final = "https://graph.facebook.com"
API_VERSION: Final = "v26.0"
"""Of the Graph API; each lives for two years. `settings.api_version` says otherwise."""
MAX_URLS: Final = 8192
"""Prebuilt URLs kept."""
MAX_FILE: Final = 100 * MEGABYTE
"""The largest file that WhatsApp carries, in bytes."""

_TOKEN = re.compile(r"[!-~]{8,2048}")
_DIGITS = re.compile(r"[0-9]{1,32}")
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_SIZE = re.compile(r"(\d{1,12})\s*([KMG]?)B?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 1024, "M": MEGABYTE, "G": 1024 * MEGABYTE}


def access_token(access: ChannelAccess) -> str:
    """The access token, checked for its form. Raises `Misconfigured`."""
    token = access.secrets.get(ACCESS_TOKEN, "")
    if not token:
        raise Misconfigured("this channel has no access token")
    if _TOKEN.fullmatch(token) is None:
        raise Misconfigured("the access token does not look like one (letters, digits and signs, no space)")
    return token


def own_number(access: ChannelAccess) -> str:
    """The id of the channel's phone number (not the number itself); empty when it is not configured."""
    return _named(access, "authentication", "business_phone_number_id")


def phone_number_id(access: ChannelAccess) -> str:
    """As `own_number`, but it has to be there. Raises `Misconfigured`."""
    return _digits(own_number(access), "authentication.business_phone_number_id")


def account_id(access: ChannelAccess) -> str:
    """The id of the WhatsApp Business Account. Raises `Misconfigured`."""
    return _digits(
        _named(access, "business_account", "business_account_id"), "business_account.business_account_id"
    )


def largest_file(access: ChannelAccess) -> int:
    """How many bytes of a customer's file are read at most: `media_settings.max_file_size`, such as `16MB`."""
    match = _SIZE.fullmatch(_named(access, "media_settings", "max_file_size").strip())
    if match is None:
        return MAX_FILE
    return min(MAX_FILE, int(match[1]) * _UNITS[match[2].upper()])


def api_base(access: ChannelAccess) -> str:
    """The Graph API's address without a trailing slash: `settings.api_base`, or Meta's own."""
    return http.api_base(access.settings, API_BASE)


def api_url(access: ChannelAccess, path: str) -> URL:
    """The URL of a path in the API's version, without a token in it. Raises `Misconfigured`."""
    version = access.settings.get("api_version") or API_VERSION
    if not isinstance(version, str) or _VERSION.fullmatch(version) is None:
        raise Misconfigured("the setting api_version is not a version of the Graph API, such as v26.0")
    return _url(api_base(access), version, path)


@lru_cache(maxsize=MAX_URLS)
def _url(base: str, version: str, path: str) -> URL:
    """A URL costs more to check, build and parse than a body to encode, and the same few are used again."""
    try:
        return URL(f"{base}/{version}/{path}", encoded=True)
    except ValueError:
        pass
    raise Misconfigured("the setting api_base is not an http(s) address")


def _named(access: ChannelAccess, section: str, key: str) -> str:
    inner: Any = access.settings.get(section)
    value = inner.get(key) if isinstance(inner, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _digits(value: str, name: str) -> str:
    if _DIGITS.fullmatch(value) is None:
        raise Misconfigured(f"the setting {name} is not an id of Meta's (digits only)")
    return value
