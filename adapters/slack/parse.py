"""A body from Slack as neutral events. Tolerant: whatever is no readable event is parked with its reason.

Three kinds of body come: JSON (Events API), `payload=…` (interactivity), and a form (slash commands). What Socket Mode
carries is turned into one of them first, see `adapters.slack.envelopes`; interactions then come as their bare JSON.

https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from adapters.protocol import ChannelAccess, Parked, Parsed
from adapters.reading import Object, Unhandled, decode, needed_object, string
from adapters.slack.happenings import read_membership, read_opened, read_reaction
from adapters.slack.interactions import read_command, read_interaction
from adapters.slack.messages import MAX_NAME, Ours, read_message, read_written
from adapters.slack.origin import Origin, origin_of
from adapters.slack.richtext import escape
from adapters.slack.switches import check_switches
from adapters.text import clean
from engine.events import InboundEvent

Handler: TypeAlias = Callable[[str, Object, Origin, datetime], InboundEvent]

MAX_FIELDS: Final = 100
"""Fields of a form."""
MAX_EVENT_ID: Final = 100
MAX_ACKNOWLEDGEMENT: Final = 2_000
NO_OPTIONS: Final = b'{"options":[]}'


def parse_body(body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
    """One body, split whole; never raises.

    The dedupe key is `event_id`, or channel and `ts` for what a person wrote, or the hash of the signed body.
    """
    try:
        given = _read(body)
    except Exception as error:  # the decoders' own errors, and RecursionError on hostile nesting
        return _parked(_key_of({}, body), f"neither JSON nor a form ({type(error).__name__})", body)
    key = _key_of(given, body)
    try:
        return _parse(key, given, access, now)
    except Ours:
        return Parsed()
    except Unhandled as reason:
        return _parked(key, str(reason), body)
    except Exception as error:  # a shape that nobody thought of must not turn into a 5xx
        return _parked(key, f"unexpected shape ({type(error).__name__})", body)


def _read(body: bytes) -> Object:
    """The object in a body: JSON, the JSON in a form's `payload`, or the form itself. Raises ValueError and others."""
    if body[:1] == b"{":
        value = decode(body)
    elif body.startswith(b"payload=") and b"&" not in body:  # several times as fast as reading a form
        value = decode(unquote_to_bytes(body[8:].replace(b"+", b" ")))
    else:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        payload = form.get("payload")
        value = (
            decode(payload.encode()) if payload else {clean(key): clean(text) for key, text in form.items()}
        )
    if type(value) is not dict or not value:
        raise ValueError("no object")
    return value


def _parse(key: str, given: Object, access: ChannelAccess, now: datetime) -> Parsed:
    match string(given, "type"):
        case "event_callback":
            return Parsed(events=(_event(key, given, access, now),))
        case "url_verification":
            return Parsed(answer=msgspec.json.encode({"challenge": string(given, "challenge")}))
        case "block_suggestion":  # a menu of another making asks for its options; we offer none
            return Parsed(answer=NO_OPTIONS)
        case "" if "command" in given:
            events = read_command(key, given, origin_of(given, access), now)
            return Parsed(events=tuple(events), answer=_acknowledgement(given, access))
        case "" | "app_rate_limited" as kind:
            raise Unhandled(_NAMED.get(kind) or "neither an event nor an interaction nor a command")
    return Parsed(events=tuple(read_interaction(key, given, origin_of(given, access), now)))


def _event(key: str, given: Object, access: ChannelAccess, now: datetime) -> InboundEvent:
    event = needed_object(given, "event", "event_callback")
    kind = string(event, "type")
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise Unhandled(_NAMED.get(kind) or f"event not handled: {kind[:MAX_NAME] or 'none'}")
    read = handler(key, event, origin_of(given, access), now)
    check_switches(read, access)
    return read


def _key_of(given: Object, body: bytes) -> str:
    event_id = string(given, "event_id")
    if event_id:
        return f"event:{event_id[:MAX_EVENT_ID]}"
    return "body:" + hashlib.sha256(body).hexdigest()[:40]


def _acknowledgement(form: Object, access: ChannelAccess) -> bytes | None:
    """What the one who typed a command in a channel reads there, when the channel's settings say something.

    `settings.features.command_acknowledgement`, such as "I have answered you in private."
    """
    features = access.settings.get("features")
    said = string(features, "command_acknowledgement") if type(features) is dict else ""
    if not said or string(form, "channel_name") == "directmessage":
        return None
    text = escape(said[:MAX_ACKNOWLEDGEMENT])
    return msgspec.json.encode({"response_type": "ephemeral", "text": text})


def _parked(key: str, reason: str, body: bytes) -> Parsed:
    return Parsed(parked=(Parked(external_id=key, reason=reason, raw=body),))


def _mention(key: str, event: Object, origin: Origin, now: datetime) -> InboundEvent:
    return read_written(key, event, origin, now, mentioned=True)


_HANDLERS: Final[Mapping[str, Handler]] = {
    "message": read_message,
    "app_mention": _mention,
    "reaction_added": read_reaction,
    "reaction_removed": read_reaction,
    "member_joined_channel": read_membership,
    "member_left_channel": read_membership,
    "app_home_opened": read_opened,
}

EVENTS: Final = (
    "app_home_opened", "app_mention", "app_uninstalled", "member_joined_channel", "member_left_channel",
    "message.channels", "message.groups", "message.im", "message.mpim", "reaction_added", "reaction_removed",
    "tokens_revoked",
)  # fmt: skip
"""What the app's manifest subscribes to."""

_NAMED: Final[Mapping[str, str]] = {
    "app_rate_limited": "Slack held events back: more than 30,000 in an hour",
    "app_uninstalled": "the app was uninstalled from the workspace: connect it again",
    "tokens_revoked": "tokens of the app were revoked: connect it again",
}
