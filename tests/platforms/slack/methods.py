"""The Web API's methods, with the real server's checks and error codes. Those that a gateway does not use are unknown.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from tests.platforms.slack.blocks import check_blocks
from tests.platforms.slack.errors import ApiError, rate_limited
from tests.platforms.slack.parameters import Parameters
from tests.platforms.slack.world import APP, BOT_ID, BOT_USER, JSON, TEAM, Channel, World

Method: TypeAlias = Callable[[World, Parameters], JSON]

MAX_TEXT: Final = 40_000
MAX_METADATA: Final = 16_000
MAX_REACTIONS: Final = 23
_TS = re.compile(r"[0-9]{10}\.[0-9]{6}")
_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")
_CUSTOM: Final = ("invented", "unheard_of")
"""Names that no emoji has, in this workspace."""


def target(world: World, given: Parameters, *, people: bool = False) -> Channel:
    """The channel that `channel` names; with `people` a user's id stands for the private talk with them."""
    name = given.string("channel")
    if not name:
        raise ApiError("channel_not_found")
    if people and name[0] in "UW" and (name in world.people or world.open):
        if world.person(name).disabled:
            raise ApiError("user_disabled")
        return world.private(name)
    channel = world.channels.get(name)
    if channel is None and world.open and name[0] in "CDG":
        channel = world.channel(name)
    if channel is None:
        raise ApiError("channel_not_found")
    return channel


def _wait(world: World, method: str, channel: Channel) -> None:
    if world.rate_limits:
        wait = world.limits.wait(method, channel.id, time.monotonic(), commercial=world.commercial)
        if wait > 0:
            raise rate_limited(wait)


def _content(given: Parameters) -> tuple[str, list[JSON]]:
    text, blocks = given.string("text"), given.nested("blocks", "invalid_blocks_format")
    if len(text) > MAX_TEXT:
        raise ApiError("msg_too_long")
    if not text and not blocks:
        raise ApiError("no_text")
    return text, check_blocks(blocks) if blocks else []


def _metadata(given: Parameters) -> JSON | None:
    metadata = given.nested("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    if not isinstance(metadata.get("event_type"), str) or len(str(metadata)) > MAX_METADATA:
        raise ApiError("metadata_too_large")
    return metadata


def post_message(world: World, given: Parameters) -> JSON:
    """Post a message, into a thread if one is named."""
    channel = target(world, given, people=True)
    if channel.archived:
        raise ApiError("is_archived")
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    text, blocks = _content(given)
    metadata = _metadata(given)
    thread = given.string("thread_ts")
    if thread and _TS.fullmatch(thread) is None:
        raise ApiError("invalid_thread_ts")
    _wait(world, "chat.postMessage", channel)
    ts = world.next_ts()
    message: JSON = {
        "type": "message",
        "user": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP,
        "team": TEAM,
        "ts": ts,
        "text": text,
        **({"blocks": blocks} if blocks else {}),
        **({"thread_ts": thread, "parent_user_id": BOT_USER} if thread else {}),
    }
    if not world.bench:
        channel.messages[ts] = {**message, **({"metadata": metadata} if metadata else {})}
    world.record(
        "chat.postMessage", channel.id, ts=ts, thread=thread, text=text, blocks=blocks, metadata=metadata
    )
    world.on_event("message", {**message, "channel": channel.id, "channel_type": channel.kind})
    return {"channel": channel.id, "ts": ts, "message": message}


def _own(world: World, given: Parameters) -> tuple[Channel, JSON]:
    channel = target(world, given)
    message = channel.messages.get(given.string("ts"))
    if message is None:
        raise ApiError("message_not_found")
    if message.get("bot_id") != BOT_ID:
        raise ApiError("cant_update_message")
    return channel, message


def update(world: World, given: Parameters) -> JSON:
    """Change a message of the app's own."""
    channel, message = _own(world, given)
    text, blocks = _content(given)
    before = dict(message)
    message |= {"text": text, "blocks": blocks, "edited": {"user": BOT_USER, "ts": world.next_ts()}}
    world.record("chat.update", channel.id, ts=message["ts"], text=text, blocks=blocks)
    changed = {"subtype": "message_changed", "message": message, "previous_message": before}
    world.on_event(
        "message", {**changed, "channel": channel.id, "channel_type": channel.kind, "ts": world.next_ts()}
    )
    return {"channel": channel.id, "ts": message["ts"], "text": text}


def _reacted(world: World, given: Parameters) -> tuple[Channel, JSON, str]:
    channel = target(world, given)
    message = channel.messages.get(given.string("timestamp"))
    if message is None:
        raise ApiError("message_not_found")
    name = given.string("name").strip(":")
    if _EMOJI.fullmatch(name) is None or name in _CUSTOM:
        raise ApiError("invalid_name")
    return channel, message, name


def add_reaction(world: World, given: Parameters) -> JSON:
    """Put an emoji to a message."""
    channel, message, name = _reacted(world, given)
    reactions: list[JSON] = message.setdefault("reactions", [])
    entry = next((one for one in reactions if one["name"] == name), None)
    if entry is not None and BOT_USER in entry["users"]:
        raise ApiError("already_reacted")
    if sum(BOT_USER in one["users"] for one in reactions) >= MAX_REACTIONS:
        raise ApiError("too_many_reactions")
    if entry is None:
        reactions.append(entry := {"name": name, "users": []})
    entry["users"].append(BOT_USER)
    world.record("reactions.add", channel.id, ts=message["ts"], text=name)
    return {}


def remove_reaction(world: World, given: Parameters) -> JSON:
    """Take an emoji back."""
    channel, message, name = _reacted(world, given)
    entry = next((one for one in message.get("reactions", ()) if one["name"] == name), None)
    if entry is None or BOT_USER not in entry["users"]:
        raise ApiError("no_reaction")
    entry["users"].remove(BOT_USER)
    message["reactions"] = [one for one in message["reactions"] if one["users"]]
    world.record("reactions.remove", channel.id, ts=message["ts"], text=name)
    return {}


def get_reactions(world: World, given: Parameters) -> JSON:
    """A message with its reactions."""
    channel = target(world, given)
    message = channel.messages.get(given.string("timestamp"))
    if message is None:
        raise ApiError("message_not_found")
    return {"type": "message", "channel": channel.id, "message": message}


def open_conversation(world: World, given: Parameters) -> JSON:
    """The private talk with a user."""
    user = given.string("users")
    if user not in world.people and not world.open:
        raise ApiError("user_not_found")
    if world.person(user).disabled:
        raise ApiError("user_disabled")
    return {"channel": {"id": world.private(user).id}}


def _page(world: World, given: Parameters, messages: list[JSON]) -> JSON:
    oldest = float(given.string("oldest", "0"))
    fitting = [one for one in messages if float(one["ts"]) > oldest or one.get("thread_ts") == one["ts"]]
    most = 15 if world.commercial else 999
    limit = max(1, min(given.integer("limit", 100), most))
    cursor = given.string("cursor")
    start = int(cursor.removeprefix("page:")) if cursor else 0
    shown = fitting[start : start + limit]
    if not given.boolean("include_all_metadata"):
        shown = [{key: value for key, value in one.items() if key != "metadata"} for one in shown]
    more = len(fitting) > start + limit
    following = f"page:{start + limit}" if more else ""
    return {"messages": shown, "has_more": more, "response_metadata": {"next_cursor": following}}


def history(world: World, given: Parameters) -> JSON:
    """A channel's messages outside threads, newest first."""
    channel = target(world, given)
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    _wait(world, "conversations.history", channel)
    top = [one for one in channel.messages.values() if one.get("thread_ts", one["ts"]) == one["ts"]]
    return _page(world, given, top[::-1])


def replies(world: World, given: Parameters) -> JSON:
    """A thread's messages, oldest first."""
    channel = target(world, given)
    root = given.string("ts")
    _wait(world, "conversations.replies", channel)
    thread = [one for ts, one in channel.messages.items() if root in (ts, one.get("thread_ts"))]
    if not thread:
        raise ApiError("thread_not_found")
    return _page(world, given, thread)


def auth_test(world: World, given: Parameters) -> JSON:
    """Who the token belongs to."""
    return {
        "url": "https://moorland.slack.com/",
        "team": "Moorland",
        "user": "mock_app",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def user_info(world: World, given: Parameters) -> JSON:
    """Who somebody is; the language only when it is asked for, the e-mail only with its scope."""
    scopes = {scope.strip() for scope in world.scopes.split(",")}
    if "users:read" not in scopes:
        raise ApiError("missing_scope", needed="users:read", provided=world.scopes)
    id = given.string("user")
    person = world.person(id) if world.open else world.people.get(id)
    if person is None:
        raise ApiError("user_not_found")
    user = person.json()
    if "users:read.email" not in scopes:
        user["profile"].pop("email", None)
    if not given.boolean("include_locale"):
        del user["locale"]
    return {"user": user}


METHODS: Final[dict[str, Method]] = {
    "auth.test": auth_test,
    "chat.postMessage": post_message,
    "chat.update": update,
    "conversations.history": history,
    "conversations.open": open_conversation,
    "conversations.replies": replies,
    "reactions.add": add_reaction,
    "reactions.get": get_reactions,
    "reactions.remove": remove_reaction,
    "users.info": user_info,
}
"""Those about files are in `uploads.py`; `apps.connections.open` is the server's own."""
