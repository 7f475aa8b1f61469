"""AWS Signature Version 4 for S3, in the Authorization header. Pure.

Source: "Authenticating Requests: Using the Authorization Header" in the Amazon S3 API reference. S3 differs from
other services in two things: the path is encoded once, and the payload's hash is a header of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "s3"
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
_UNRESERVED: Final = "-._~"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs. The repr shows nothing."""

    key_id: str
    secret: str
    region: str

    def __repr__(self) -> str:
        return "Credentials(…)"


def encoded_path(path: str) -> str:
    """A path with every byte encoded that is not unreserved (RFC 3986), its slashes left."""
    return quote(path, safe=f"/{_UNRESERVED}")


def encoded_query(query: Mapping[str, str]) -> str:
    """A query in the canonical form: encoded, then sorted, each name with a `=`."""
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    method: str,
    *,
    host: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    payload_sha256: str,
    credentials: Credentials,
    now: datetime,
) -> dict[str, str]:
    """`headers` and those that a signed request needs besides. `path` and `query` as they are, not encoded yet;
    `host` as the Host header will say it; the names of `headers` in lower case. All of them are signed.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "host": host, "x-amz-content-sha256": payload_sha256, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            method,
            encoded_path(path),
            encoded_query(query),
            *(f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)),
            "",
            names,
            payload_sha256,
        )
    )
    scope = f"{stamp[:8]}/{credentials.region}/{SERVICE}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = _signing_key(credentials, stamp[:8])
    signature = _mac(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    return {
        **signed,
        "authorization": f"{ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}",
    }


def _signing_key(credentials: Credentials, day: str) -> bytes:
    key = _mac(f"AWS4{credentials.secret}".encode(), day)
    for part in (credentials.region, SERVICE, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
