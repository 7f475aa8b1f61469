"""Twelve thousand spoilt bodies: parse answers every one, and what it takes for an event can be stored."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from adapters.protocol import Parsed
from adapters.whatsapp.parse import parse_body
from engine.events import InboundEvent

NOW = datetime(2026, 12, 1, tzinfo=UTC)
OWN = "510000000000001"
BODIES = 12_000
SEEDS = [
    path.read_bytes() for path in sorted((Path(__file__).parents[1] / "payloads" / "whatsapp").glob("*.json"))
]
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


def check(parsed: Parsed, body: bytes) -> None:
    assert parsed.events or parsed.parked or parsed.statuses or parsed.templates or parsed.consents
    keys = [event.external_id for event in parsed.events] + [one.external_id for one in parsed.parked]
    assert len(keys) == len(set(keys))
    for event in parsed.events:
        stored = msgspec.json.encode(event)
        assert b"\\u0000" not in stored
        assert msgspec.json.decode(stored, type=InboundEvent) == event
        assert event.occurred_at <= NOW
        assert event.external_id and event.conversation_key and event.sender.external_id
    for status in parsed.statuses:
        assert b"\\u0000" not in msgspec.json.encode(status)
        assert status.message
    for parked in parsed.parked:
        assert parked.reason.isprintable()
        assert 0 < len(parked.reason) <= 400
        (parked.reason + parked.external_id).encode()
        assert "\x00" not in parked.external_id


def test_spoilt_bodies_never_raise() -> None:
    draw = random.Random(20261101)
    events = parked = 0
    for number in range(BODIES):
        body = draw.choice(MUTATIONS)(SEEDS[number % len(SEEDS)], draw)
        parsed = parse_body(body, OWN, NOW)
        check(parsed, body)
        events += len(parsed.events)
        parked += len(parsed.parked)
    # Both ways out are taken often, so neither check above is idle.
    assert events > BODIES // 5
    assert parked > BODIES // 5
