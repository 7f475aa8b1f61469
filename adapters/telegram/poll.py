"""Long polling: updates as raw bodies, so that they enter by the same door as a webhook's.

https://core.telegram.org/bots/api#getupdates
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adapters.errors import TryLater, Uncertain
from adapters.http import read_timeout
from adapters.protocol import Call, ChannelAccess
from adapters.telegram.client import TelegramClient
from adapters.telegram.parse import wanted_updates

MAX_UPDATES = 100
"""Updates in one answer; Telegram gives no more."""
GRACE_SECONDS = 15.0
"""How much longer than the poll itself its answer may take."""


class _Updates(msgspec.Struct):
    ok: bool
    result: list[msgspec.Raw] = []


class _Key(msgspec.Struct):
    update_id: int


_decode_updates = msgspec.json.Decoder(_Updates).decode
_decode_key = msgspec.json.Decoder(_Key).decode


async def get_updates(
    client: TelegramClient, access: ChannelAccess, offset: int, timeout_seconds: int
) -> list[bytes]:
    """The updates from `offset` on, each as the body that a webhook would have received; [] after a quiet
    `timeout_seconds`.

    Asking from `offset` confirms everything before it, so ask only once that is committed. 0 asks from the
    oldest unconfirmed on. Raises a `SendFailed`: `Misconfigured` (409) while a webhook is set or another
    poller runs, `TryLater` for everything that asking again may mend.
    """
    call = Call(
        method="getUpdates",
        body=msgspec.json.encode(
            {
                "offset": offset,
                "limit": MAX_UPDATES,
                "timeout": timeout_seconds,
                "allowed_updates": wanted_updates(access),
            }
        ),
    )
    lost: Uncertain
    try:
        status, body = await client.request(call, access, read_timeout(timeout_seconds + GRACE_SECONDS))
        if status == 200 and (updates := _read(body)) is not None:
            return updates
        raise client.failure(call, status, body, access)
    except Uncertain as uncertain:
        lost = uncertain
    # Nothing is in doubt when a question goes unanswered: what was not confirmed comes again.
    raise TryLater(lost.reason, code=lost.code)


def next_offset(updates: Sequence[bytes], offset: int) -> int:
    """The offset that confirms `updates`: one more than the highest update_id, never less than `offset`."""
    return max([offset, *(_decode_key(update).update_id + 1 for update in updates)])


def _read(body: bytes) -> list[bytes] | None:
    """The raw bytes of each update; None if the answer is no list of updates with ids."""
    try:
        answer = _decode_updates(body)
        if not answer.ok:
            return None
        updates = [bytes(raw) for raw in answer.result]
        next_offset(updates, 0)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return updates
