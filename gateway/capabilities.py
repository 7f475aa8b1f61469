"""The platforms' capability tables side by side, for the terminal and the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

import msgspec

from adapters.capabilities import Capabilities, Feature, Inbound, Limit, Outbound
from adapters.slack.capabilities import CAPABILITIES as SLACK
from adapters.telegram.capabilities import CAPABILITIES as TELEGRAM
from adapters.web.capabilities import CAPABILITIES as WEB
from adapters.whatsapp.capabilities import CAPABILITIES as WHATSAPP

TABLES: Final[Mapping[str, Capabilities]] = {
    table.platform: table for table in (WEB, WHATSAPP, TELEGRAM, SLACK)
}
UNITS: Final = {"bytes": "bytes", "code_points": "characters", "utf16": "UTF-16 units"}
_MEDIA: Final = ("image", "video", "audio", "voice", "document", "sticker")
_MIB: Final = 1024 * 1024


def feature_rows(tables: Sequence[Capabilities]) -> Iterator[tuple[str, ...]]:
    """A line for each kind of message, first what can be said, then what can be heard."""
    for kind in get_args(Outbound):
        yield f"out  {spoken(kind)}", *(_feature(table.sends[kind]) for table in tables)
    for heard in get_args(Inbound):
        yield f"in   {spoken(heard)}", *(_feature(table.hears[heard]) for table in tables)


def limit_rows(tables: Sequence[Capabilities]) -> Iterator[tuple[str, ...]]:
    """A line for each limit."""
    for name in ("text", "caption", "choice_title", "choice_id"):
        yield spoken(name), *(_limit(getattr(table, name)) for table in tables)
    yield "choices of a message", *(str(table.choice_count) for table in tables)
    yield "choices of a page", *(str(table.choice_page) for table in tables)
    yield "link buttons", *(str(table.link_count) for table in tables)
    yield "album", *(_album(table.album) for table in tables)
    for kind in _MEDIA:
        yield f"largest {kind}", *(_bytes(table.media_bytes.get(kind)) for table in tables)
    yield "rate", *(_rates(table) for table in tables)
    yield (
        "window",
        *(f"{table.window_hours} hours" if table.window_hours else "always open" for table in tables),
    )
    yield "a send in doubt", *(_CERTAINTY[table.certainty] for table in tables)


def to_json(tables: Sequence[Capabilities]) -> str:
    """The tables whole."""
    encoded = msgspec.json.encode({table.platform: table for table in tables})
    return msgspec.json.format(encoded, indent=2).decode()


def spoken(name: str) -> str:
    """`request_location` → `request location`."""
    return name.replace("_", " ")


_CERTAINTY: Final = {
    "none": "resend or drop",
    "status": "its status tells",
    "lookup": "looked up first",
    "idempotent": "counts once",
}


def _feature(feature: Feature) -> str:
    return f"{feature.level}: {feature.note}" if feature.note else feature.level


def _limit(limit: Limit) -> str:
    return f"{limit.size:,} {UNITS[limit.unit]}"


def _album(album: tuple[int, int]) -> str:
    return f"{album[0]} to {album[1]}" if album[1] else "none"


def _bytes(size: int | None) -> str:
    if not size:
        return "none"
    return f"{size / _MIB:g} MiB" if size >= _MIB else f"{size / 1024:g} KiB"


def _rates(table: Capabilities) -> str:
    return (
        ", ".join(
            f"{rate.per_second:.3g}/s to one {rate.scope} (burst {rate.burst})"
            if rate.scope == "recipient"
            else f"{rate.per_second:.3g}/s (burst {rate.burst})"
            for rate in table.rates
        )
        or "none"
    )
