"""From GATEWAY_MEDIA_URL to the store that it names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.media.local import LocalStore
from gateway.media.s3 import S3Store
from gateway.media.s3_address import FORM, parse_s3
from gateway.media.store import MediaStore

FOLDER: Final = "media"
"""Under the data directory, when nothing else is said."""


def check_media_url(url: str) -> str:
    """`url`, if a store can be made of it. Raises `ValueError`, which shows no secret."""
    if url.startswith("s3://"):
        parse_s3(url)
        return url
    parts = urlsplit(url)
    if (
        parts.scheme != "file"
        or parts.netloc not in ("", "localhost")
        or not Path(unquote(parts.path)).is_absolute()
    ):
        raise ValueError(
            f"names neither a folder nor a bucket; write file:///var/lib/gateway/media or {FORM}"
        )
    return url


def open_store(url: str | None, data_dir: Path, clock: Callable[[], datetime]) -> MediaStore:
    """The store of a deployment; `url` is checked."""
    if url is None:
        return LocalStore(data_dir / FOLDER)
    if url.startswith("s3://"):
        return S3Store(parse_s3(url), clock)
    return LocalStore(Path(unquote(urlsplit(url).path)))
