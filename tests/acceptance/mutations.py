"""Bodies that are nearly Telegram updates: our payloads with their structure or their bytes changed, by a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PAYLOADS: Final = Path(__file__).parents[1] / "payloads" / "telegram"
CHATS: Final = 200
FIRST_ID: Final = 700_000_000

ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**40, 0.5, -0.0, 1e308,
    "", " ", "\0", "a\0b", "\ud83d", "\udc00x", "x" * 5_000, "\u202e\u200b", "/start", "/", "NaN", "0", "üñí 👩‍👩‍👧",
    [], {}, [[]], [{}], {"": {}}, {"id": "x"}, [1, "a", None], {"type": "private"}, {"id": 1, "is_bot": True},
)  # fmt: skip


def bodies(count: int, seed: int) -> Iterator[bytes]:
    """`count` bodies, the same ones for the same seed. Nine of ten carry an update_id of their own."""
    dice = random.Random(seed)
    updates = [_read(path) for path in sorted(PAYLOADS.glob("*.json"))]
    for ordinal in range(count):
        update = copy.deepcopy(dice.choice(updates))
        if isinstance(update, dict) and dice.random() < 0.9:
            update["update_id"] = FIRST_ID + ordinal
        _move(update, dice)
        for _ in range(dice.choice((0, 1, 1, 2, 3, 8))):
            _change(update, updates, dice)
        body = json.dumps(update, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
        yield _flip(body, dice) if dice.random() < 0.4 else body


def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _move(update: Any, dice: random.Random) -> None:
    """Into one of many chats, so that conversations are many."""
    pieces = list(update.values()) if isinstance(update, dict) else []
    for piece in pieces:
        if isinstance(piece, dict) and isinstance(piece.get("chat"), dict) and dice.random() < 0.8:
            piece["chat"]["id"] = 1_000 + dice.randrange(CHATS)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key of it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _change(update: Any, updates: list[Any], dice: random.Random) -> None:
    """One change of the structure."""
    places = list(_places(update))
    if not places:
        return
    container, key = dice.choice(places)
    match dice.randrange(6):
        case 0 | 1:
            container[key] = copy.deepcopy(dice.choice(ODD))
        case 2:
            del container[key]
        case 3:
            donors = list(_places(dice.choice(updates)))
            other, name = dice.choice(donors)
            container[key] = copy.deepcopy(other[name])
        case 4 if isinstance(container, dict):
            container[
                dice.choice(("message", "edited_message", "callback_query", "text", "chat", "", "\0"))
            ] = container.pop(key)
        case _:
            container[key] = [container[key]] * dice.choice((1, 2, 50))


def _flip(body: bytes, dice: random.Random) -> bytes:
    """Change bytes: flip, drop, repeat, insert, cut."""
    data = bytearray(body)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        if not data:
            break
        at = dice.randrange(len(data))
        match dice.randrange(5):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                del data[at : at + dice.randrange(1, 20)]
            case 2:
                data[at:at] = data[at : at + dice.randrange(1, 200)]
            case 3:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 6)))
            case _:
                if dice.random() < 0.2:
                    del data[at:]
    return bytes(data)
