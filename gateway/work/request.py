"""A call's request: what goes out, which parts of it are secret, and what is left of it after a redirect. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec
from yarl import URL

from engine.effects import CallIntegration, Pieces, Secret
from gateway.work.addresses import AddressPolicy
from gateway.work.errors import Refused

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods that may be repeated without harm (RFC 9110, section 9.2.2)."""
KEY_HEADER: Final = "idempotency-key"
MAX_HEADERS: Final = 64
MAX_HEADER_BYTES: Final = 16_384
USER_AGENT: Final = "channel-gateway"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CLIMBS = re.compile(r"^[^?#]*/(?:\.|%2e){1,2}(?=[/?#]|$)", re.IGNORECASE)
"""A customer's word that becomes a part of the path must not lead to another one. No escape helps: `%2E` is a dot."""
_OURS: Final = frozenset({"content-length", "accept-encoding"})
"""Whatever a flow says of these, the client knows better."""
_FORBIDDEN: Final = frozenset(
    {
        "host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect",
        "proxy-authorization", "proxy-connection",
    }
)  # fmt: skip
_PERSONAL: Final = frozenset({"authorization", "cookie"})
_OF_THE_BODY: Final = ("content-",)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """One header; `personal` ones are for the first origin only."""

    name: str
    value: str
    personal: bool = False

    def __repr__(self) -> str:
        return f"Header({self.name})"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out. The repr shows no secret."""

    method: str
    url: URL
    headers: tuple[Header, ...]
    body: bytes = b""
    personal_body: bool = False
    """Whether the body holds a secret."""
    repeatable: bool = False
    """Whether the request may be made again though the server may have acted on it already."""

    def __repr__(self) -> str:
        return f"Request({self.method})"


def secret_names(effect: CallIntegration) -> frozenset[str]:
    """The secrets that a call needs."""
    texts = (effect.url, effect.body, *(pieces for _, pieces in effect.headers))
    return frozenset(piece.name for pieces in texts for piece in pieces if isinstance(piece, Secret))


def prepare(effect: CallIntegration, key: str, secrets: Mapping[str, str], policy: AddressPolicy) -> Request:
    """The first request of a call; `key` is its idempotency key. Raises `Refused`."""
    if effect.method.upper() not in METHODS:
        raise Refused("the method is none that can be called")
    for name in sorted(secret_names(effect)):
        if name not in secrets:
            raise Refused(f'the secret "{name}" is not set')
    headers = _headers(effect, secrets)
    own_key = any(header.name == KEY_HEADER for header in headers)
    defaults = {
        KEY_HEADER: key,
        "user-agent": USER_AGENT,
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }
    named = {header.name for header in headers}
    return Request(
        method=effect.method.upper(),
        url=policy.check_url(_url(effect.url, secrets)),
        headers=(*headers, *(Header(name=n, value=v) for n, v in defaults.items() if n not in named)),
        body=_filled(effect.body, _escaped(secrets, headers)).encode("utf-8", "replace"),
        personal_body=_holds_secret(effect.body),
        repeatable=effect.method.upper() in REPEATABLE or own_key,
    )


def redirected(request: Request, status: int, location: str, policy: AddressPolicy) -> Request:
    """The request that follows a redirect. Raises `Refused` where it must not be followed."""
    try:
        target = str(request.url.join(URL(location)))
    except ValueError:
        raise Refused("a redirect to a malformed address") from None
    url = policy.check_url(target)
    if request.url.scheme == "https" and url.scheme == "http":
        raise Refused("a redirect from https to http")
    headers, method, body = request.headers, request.method, request.body
    if url.origin() != request.url.origin():
        headers = tuple(header for header in headers if not header.personal)
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", b""
        headers = tuple(header for header in headers if not header.name.startswith(_OF_THE_BODY))
    elif body and request.personal_body and url.origin() != request.url.origin():
        raise Refused("a redirect that would take a secret to another origin")
    return msgspec.structs.replace(request, method=method, url=url, headers=headers, body=body)


def _headers(effect: CallIntegration, secrets: Mapping[str, str]) -> tuple[Header, ...]:
    headers: dict[str, Header] = {}
    for given, pieces in effect.headers:
        name, value = given.strip().lower(), _filled(pieces, secrets).strip()
        if not _TOKEN.match(name):
            raise Refused("the name of a header is malformed")
        if name in _FORBIDDEN:
            raise Refused(f'the header "{name}" may not be set')
        if _CONTROL.search(value):
            raise Refused(f'the header "{name}" holds a control character')
        if name not in _OURS:
            personal = name in _PERSONAL or _holds_secret(pieces)
            headers[name] = Header(name=name, value=value, personal=personal)
    size = sum(len(header.name) + len(header.value.encode("utf-8", "replace")) for header in headers.values())
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise Refused("the headers are too large")
    return tuple(headers.values())


def _url(pieces: Pieces, secrets: Mapping[str, str]) -> str:
    """A secret within an address is escaped; one that begins it is (the beginning of) an address itself."""
    text = ""
    for piece in pieces:
        match piece:
            case str():
                text += piece
            case Secret(name=name):
                text += quote(secrets[name], safe="") if text else secrets[name]
    if _CLIMBS.search(text):
        raise Refused("the path holds . or ..")
    return text.strip()


def _escaped(secrets: Mapping[str, str], headers: tuple[Header, ...]) -> Mapping[str, str]:
    """The secrets as they stand in a body of the request's type: within a string of JSON, in a field of a form."""
    kind = next((header.value for header in headers if header.name == "content-type"), "")
    match kind.partition(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            return {name: quote(value, safe="") for name, value in secrets.items()}
        case kind if kind == "application/json" or kind.endswith("+json"):
            return {name: msgspec.json.encode(value).decode()[1:-1] for name, value in secrets.items()}
        case _:
            return secrets


def _filled(pieces: Pieces, secrets: Mapping[str, str]) -> str:
    return "".join(piece if isinstance(piece, str) else secrets[piece.name] for piece in pieces)


def _holds_secret(pieces: Pieces) -> bool:
    return any(isinstance(piece, Secret) for piece in pieces)
