"""Socket Mode's envelopes: what comes over the socket, as the bodies that a webhook would have received.

An event's payload is the body of the Events API as it is. An interaction's or a command's is an object, where the
webhook has a form: its canonical body is the object as JSON with sorted keys, so that Slack's repeats of it have the
same bytes and with them the same dedupe key.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["hello", "disconnect", "envelope", "unknown"]
_CARRIERS: Final = frozenset({"events_api", "interactive", "slash_commands"})


class SocketFrame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame. `body` is what `parse` takes; `reason` says why Slack is about to disconnect."""

    kind: Kind
    id: str = ""
    body: bytes = b""
    reason: str = ""
    takes_answer: bool = False


class _Read(msgspec.Struct):
    type: str = ""
    envelope_id: str = ""
    payload: Any = None
    reason: str = ""
    accepts_response_payload: bool = False


_decode = msgspec.json.Decoder(_Read).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def read_envelope(frame: str | bytes) -> SocketFrame:
    """A frame as it came. What can't be read is `unknown`, and is not acknowledged."""
    try:
        read = _decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return SocketFrame(kind="unknown")
    if read.type in ("hello", "disconnect"):
        return SocketFrame(kind="hello" if read.type == "hello" else "disconnect", reason=read.reason)
    if read.type not in _CARRIERS or not read.envelope_id:
        return SocketFrame(kind="unknown", id=read.envelope_id)
    return SocketFrame(
        kind="envelope",
        id=read.envelope_id,
        body=_encode(read.payload),
        takes_answer=read.accepts_response_payload,
    )


def acknowledgement(envelope: SocketFrame, answer: bytes | None) -> str:
    """The frame that says that an envelope's body is stored, with what the webhook would have answered."""
    frame: dict[str, Any] = {"envelope_id": envelope.id}
    if answer is not None and envelope.takes_answer:
        frame["payload"] = msgspec.Raw(answer)
    return msgspec.json.encode(frame).decode()
