"""Bodies that are spoilt at random: what a platform's parse must answer without raising, and store."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from adapters.protocol import Parsed
from engine.events import InboundEvent

PAYLOADS = Path(__file__).parent / "payloads"
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    1e308,
    float("inf"),
    "",
    "\x00",
    "\ud800",
    "x" * 5000,
    [],
    [[]],
    [None],
    {},
    {"id": {}},
    {"\x00": "\udfff"},
]


def flip(body: bytes, draw: random.Random) -> bytes:
    """Some bytes changed, inserted or removed."""
    spoilt = bytearray(body)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(spoilt)) if spoilt else 0
        spoilt[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
    return bytes(spoilt)


def cut(body: bytes, draw: random.Random) -> bytes:
    """Only the beginning."""
    return body[: draw.randrange(len(body))]


def swap(body: bytes, draw: random.Random) -> bytes:
    """One value somewhere replaced by one of a wrong type, or by another value of the same payload."""
    tree = json.loads(body)
    places = list(walk(tree))
    holder, key = draw.choice(places)
    other_holder, other_key = draw.choice(places)
    holder[key] = draw.choice([*ODD, other_holder[other_key]])
    try:
        return json.dumps(tree, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # the swap made it circular, or a number too long to print
        return flip(body, draw)


def drop(body: bytes, draw: random.Random) -> bytes:
    """One value somewhere removed."""
    tree = json.loads(body)
    holder, key = draw.choice(list(walk(tree)))
    del holder[key]
    return json.dumps(tree).encode()


def double(body: bytes, draw: random.Random) -> bytes:
    """One list somewhere with all of its items twice."""
    tree = json.loads(body)
    lists = [holder[key] for holder, key in walk(tree) if isinstance(holder[key], list)]
    if lists:
        found = draw.choice(lists)
        found.extend(json.loads(json.dumps(found)))
    return json.dumps(tree).encode()


def walk(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree, as holder and key."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [(node, key) for key in keys] + [place for key in keys for place in walk(node[key])]


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [flip, cut, swap, swap, drop, double]


def check_spoilt(
    platform: str, parse: Callable[[bytes], Parsed], count: int, now: datetime, *, echoes: bool = False
) -> None:
    """Spoil the platform's payloads `count` times, each in one of the ways; parse answers, and it can be stored.

    `echoes`: the platform repeats what the channel itself sent, and parse rightly says nothing to that.
    """
    draw = random.Random(20261101)
    seeds = [path.read_bytes() for path in sorted((PAYLOADS / platform).glob("*.json"))]
    events = parked = 0
    for number in range(count):
        parsed = parse(draw.choice(MUTATIONS)(seeds[number % len(seeds)], draw))
        assert echoes or parsed != Parsed()
        _check(parsed, now)
        events += len(parsed.events)
        parked += len(parsed.parked)
    # Both ways out are taken often, so neither check is idle.
    assert events > count // 5
    assert parked > count // 5


def _check(parsed: Parsed, now: datetime) -> None:
    keys = [event.external_id for event in parsed.events] + [one.external_id for one in parsed.parked]
    assert len(keys) == len(set(keys))
    for event in parsed.events:
        stored = msgspec.json.encode(event)
        assert b"\\u0000" not in stored
        assert msgspec.json.decode(stored, type=InboundEvent) == event
        assert event.occurred_at <= now
        assert event.external_id and event.conversation_key and event.sender.external_id
    for status in parsed.statuses:
        assert b"\\u0000" not in msgspec.json.encode(status)
        assert status.message
    for parked in parsed.parked:
        assert parked.reason.isprintable()
        assert 0 < len(parked.reason) <= 400
        (parked.reason + parked.external_id).encode()
        assert "\x00" not in parked.external_id
