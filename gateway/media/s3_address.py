"""Where a bucket is, from GATEWAY_MEDIA_URL. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from gateway.media.sigv4 import Credentials

FORM: Final = "s3://KEY:SECRET@host/bucket?region=eu-central-1"
DEFAULT_REGION: Final = "us-east-1"
OPTIONS: Final = frozenset({"region", "style", "tls"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]{0,99}/){0,8}\Z")


class S3Address(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket of an S3-compatible service. The repr shows no secret."""

    scheme: Literal["https", "http"]
    host: str
    """With its port, when that is not the scheme's own."""
    bucket: str
    prefix: str
    """What keys begin with: empty, or ending in a slash."""
    credentials: Credentials
    virtual_host: bool
    """Whether the bucket is a part of the host name (`bucket.host`) or of the path (`host/bucket`)."""

    def __repr__(self) -> str:
        return f"S3Address({self.scheme}://{self.host}/{self.bucket}/{self.prefix})"

    @property
    def request_host(self) -> str:
        """The host that requests go to."""
        return f"{self.bucket}.{self.host}" if self.virtual_host else self.host

    def path_of(self, key: str) -> str:
        """The path of an object, not encoded yet."""
        name = f"{self.prefix}{key}"
        return f"/{name}" if self.virtual_host else f"/{self.bucket}/{name}"


def parse_s3(url: str) -> S3Address:
    """From `s3://KEY:SECRET@host[:port]/bucket[/prefix]?region=…&style=path|virtual&tls=on|off`.

    Key and secret are percent-encoded where they hold `/`, `+` or `@`. Raises `ValueError`, which shows neither.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise ValueError(f"is no URL; write {FORM}") from None
    if not parts.hostname or not parts.username or not parts.password:
        raise ValueError(f"names no host, key or secret; write {FORM}")
    bucket, _, rest = parts.path.lstrip("/").partition("/")
    prefix = f"{rest.strip('/')}/" if rest.strip("/") else ""
    if not _BUCKET.match(bucket) or not _PREFIX.match(prefix):
        raise ValueError(
            f"names no bucket, or a prefix with other characters than letters, digits and . _ -; write {FORM}"
        )
    if unknown := options.keys() - OPTIONS:
        raise ValueError(f"has the option {min(unknown)}, there are region, style and tls; write {FORM}")
    if options.get("style", "path") not in ("path", "virtual") or options.get("tls", "on") not in (
        "on",
        "off",
    ):
        raise ValueError(
            "has a style other than path and virtual, or a tls other than on and off; write …?style=path&tls=on"
        )
    plain = options.get("tls") == "off"
    own = 80 if plain else 443
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return S3Address(
        scheme="http" if plain else "https",
        host=host if port in (None, own) else f"{host}:{port}",
        bucket=bucket,
        prefix=prefix,
        credentials=Credentials(
            key_id=unquote(parts.username),
            secret=unquote(parts.password),
            region=options.get("region", DEFAULT_REGION),
        ),
        virtual_host=options.get("style") == "virtual",
    )
