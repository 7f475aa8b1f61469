"""What people do, and what the app is told of it."""

from __future__ import annotations

import time
from typing import Any, Final

from tests.platforms.slack.delivery import Attempt
from tests.platforms.slack.server import MockSlack
from tests.platforms.slack.uploads import file_json
from tests.platforms.slack.world import APP, BOT_USER, JSON, TEAM, Channel, StoredFile

TRIGGER: Final = "4242.4242.trigger"


def say(
    mock: MockSlack,
    user: str,
    text: str,
    *,
    channel: str = "",
    thread: str = "",
    files: tuple[str, ...] = (),
    **more: Any,
) -> str:
    """Somebody writes: in private unless a channel is named. A mention of the app in a channel is told twice.

    Returns the message's `ts`.
    """
    where = mock.world.channel(channel) if channel else mock.world.private(user)
    mock.world.person(user)
    message: JSON = {
        "type": "message",
        "user": user,
        "ts": mock.world.next_ts(),
        "client_msg_id": mock.world.next_id("c"),
        "text": text,
        "team": TEAM,
        "channel": where.id,
        **_in_thread(where, thread),
        **more,
    }
    if files:
        shared = [file_json(mock.world.files[id], mock.url) for id in files]
        message |= {"subtype": "file_share", "files": shared}
    if not mock.world.bench:
        where.messages[message["ts"]] = message
    event = {**message, "event_ts": message["ts"]}
    if where.kind in ("channel", "group") and f"<@{BOT_USER}>" in text:
        mock.tell({**event, "type": "app_mention"})
    mock.tell({**event, "channel_type": where.kind})
    return str(message["ts"])


def _in_thread(channel: Channel, thread: str) -> JSON:
    if not thread:
        return {}
    root = channel.messages.get(thread, {})
    return {"thread_ts": thread, "parent_user_id": root.get("user", "")}


def attach(mock: MockSlack, name: str, data: bytes, mime: str) -> str:
    """A file of somebody's, ready to be sent with `say`. Returns its id."""
    file = StoredFile(id=mock.world.next_id("F"), name=name, length=len(data), data=data, mime=mime)
    mock.world.files[file.id] = file
    return file.id


def edit(mock: MockSlack, channel: str, ts: str, text: str) -> None:
    """Somebody changes a message."""
    where = mock.world.channels[channel]
    before = where.messages[ts]
    changed = {**before, "text": text, "edited": {"user": before["user"], "ts": mock.world.next_ts()}}
    where.messages[ts] = changed
    _about(mock, where, {"subtype": "message_changed", "message": changed, "previous_message": before})


def delete(mock: MockSlack, channel: str, ts: str) -> None:
    """Somebody deletes a message."""
    where = mock.world.channels[channel]
    before = where.messages.pop(ts)
    _about(mock, where, {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": before})


def _about(mock: MockSlack, channel: Channel, what: JSON) -> None:
    ts = mock.world.next_ts()
    mock.tell(
        {
            "type": "message",
            "channel": channel.id,
            "channel_type": channel.kind,
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
            **what,
        }
    )


def react(mock: MockSlack, user: str, channel: str, ts: str, name: str, *, added: bool = True) -> None:
    """Somebody puts an emoji to a message, or takes it back."""
    mock.tell(
        {
            "type": "reaction_added" if added else "reaction_removed",
            "user": user,
            "reaction": name,
            "item_user": BOT_USER,
            "item": {"type": "message", "channel": channel, "ts": ts},
            "event_ts": mock.world.next_ts(),
        }
    )


def join(mock: MockSlack, user: str, channel: str, *, joined: bool = True) -> None:
    """Somebody joins a channel or leaves it."""
    where = mock.world.channel(channel)
    (where.members.add if joined else where.members.discard)(user)
    kind = "member_joined_channel" if joined else "member_left_channel"
    mock.tell(
        {
            "type": kind,
            "user": user,
            "channel": channel,
            "channel_type": "C",
            "team": TEAM,
            "event_ts": mock.world.next_ts(),
        }
    )


def _base(user: str, kind: str) -> JSON:
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": "moorland"},
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM},
        "api_app_id": APP,
        "token": "legacy",
        "trigger_id": TRIGGER,
    }


async def press(
    mock: MockSlack, user: str, channel: str, ts: str, action_id: str, option: str = ""
) -> Attempt:
    """Somebody presses a button of a message, or picks an option of its menu. KeyError if there is none."""
    where = mock.world.channels[channel]
    message = where.messages[ts]
    for block in message.get("blocks", ()):
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            if element["action_id"] == action_id:
                action = {
                    **element,
                    "block_id": block.get("block_id", "b1"),
                    "action_ts": mock.world.next_ts(),
                }
                if option:
                    chosen = next(one for one in element["options"] if one["value"] == option)
                    action = {key: value for key, value in action.items() if key != "options"}
                    action["selected_option"] = chosen
                return await mock.interact(
                    {
                        **_base(user, "block_actions"),
                        "channel": {"id": channel, "name": where.name},
                        "message": message,
                        "container": {"type": "message", "message_ts": ts, "channel_id": channel},
                        "actions": [action],
                    }
                )
    raise KeyError(action_id)


async def command(mock: MockSlack, user: str, name: str, text: str = "", channel: str = "") -> Attempt:
    """Somebody types a slash command."""
    where = mock.world.channel(channel) if channel else mock.world.private(user)
    return await mock.command(
        {
            "token": "legacy",
            "team_id": TEAM,
            "team_domain": "moorland",
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": user,
            "user_name": user.lower(),
            "command": name,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": f"{mock.url}/_response/1",
            "trigger_id": f"{time.time():.6f}",
        }
    )


async def shortcut(
    mock: MockSlack, user: str, callback_id: str, *, channel: str = "", ts: str = ""
) -> Attempt:
    """Somebody calls a shortcut: from the menu, or on a message."""
    base = {
        **_base(user, "message_action" if ts else "shortcut"),
        "callback_id": callback_id,
        "action_ts": mock.world.next_ts(),
    }
    if ts:
        where = mock.world.channels[channel]
        base |= {
            "channel": {"id": channel, "name": where.name},
            "message_ts": ts,
            "message": where.messages[ts],
            "response_url": f"{mock.url}/_response/1",
        }
    return await mock.interact(base)


async def submit(mock: MockSlack, user: str, callback_id: str, values: JSON, title: str = "") -> Attempt:
    """Somebody sends a form; `values` are {block: {action: element's state}}."""
    view = {
        "id": mock.world.next_id("V"),
        "team_id": TEAM,
        "type": "modal",
        "callback_id": callback_id,
        "title": {"type": "plain_text", "text": title},
        "state": {"values": values},
        "app_id": APP,
    }
    return await mock.interact({**_base(user, "view_submission"), "view": view, "response_urls": []})
