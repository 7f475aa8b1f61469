"""Recorded Slack payloads as the bodies that a webhook receives: JSON, `payload=…`, or a form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

FOLDER: Final = Path(__file__).parents[1] / "payloads" / "slack"
NAMES: Final = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))
_EVENTS: Final = frozenset({"event_callback", "url_verification", "app_rate_limited"})


def payload(name: str) -> dict[str, Any]:
    """What is in a file."""
    value: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return value


def body_of(value: dict[str, Any]) -> bytes:
    """As Slack posts it, without white space."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if value.get("type") in _EVENTS:
        return text.encode()
    return urlencode({"payload": text} if "type" in value else value).encode()


def body(name: str) -> bytes:
    """The body of a file."""
    return body_of(payload(name))
