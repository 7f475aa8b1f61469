"""What people press, choose, submit and call: interactivity payloads and slash commands.

https://docs.slack.dev/reference/interaction-payloads
https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from adapters.reading import Object, Unhandled, needed_object, needed_string, string
from adapters.slack.address import private_key
from adapters.slack.blocks import LINK_ACTION
from adapters.slack.messages import MAX_NAME, conversation_key, is_private, moment_of, sender_of
from adapters.slack.origin import Origin
from adapters.slack.words import read_words
from engine.events import (
    ChoiceMade,
    CommandReceived,
    Context,
    EventBody,
    FormSubmitted,
    InboundEvent,
    Sender,
)

Handler: TypeAlias = Callable[[str, Object, Origin, datetime], list[InboundEvent]]

MAX_ACTIONS: Final = 50
MAX_VALUES: Final = 200
MAX_PICKED: Final = 100
_PICKED: Final = (
    "selected_date",
    "selected_time",
    "selected_user",
    "selected_channel",
    "selected_conversation",
    "value",
)
"""Where an element other than a button or a menu keeps its value, as text."""
_PICKED_MANY: Final = ("selected_users", "selected_channels", "selected_conversations")
_PRIVATE_NAME: Final = "directmessage"


def read_interaction(key: str, payload: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    """A payload of interactivity by its type. Raises `Unhandled`."""
    kind = string(payload, "type")
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise Unhandled(f"interaction not handled: {kind[:MAX_NAME] or 'none'}")
    return handler(key, payload, origin, now)


def read_command(key: str, form: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    """A slash command. Wherever it was typed, it belongs to the private talk with the one who typed it:

    nobody else in a channel sees that it was typed, and the app need not be a member there to answer.
    """
    user = needed_string(form, "user_id", "slash command")
    command = needed_string(form, "command", "slash command").removeprefix("/").lower()
    if not command:
        raise Unhandled("slash command without a name")
    channel = string(form, "channel_name")
    return [
        InboundEvent(
            external_id=key,
            conversation_key=private_key(origin.team, user),
            sender=sender_of(origin, user, {"name": string(form, "user_name")}),
            body=CommandReceived(command=command, argument=string(form, "text").strip()),
            occurred_at=now,
            context=Context(title="" if channel == _PRIVATE_NAME else channel),
        )
    ]


def _block_actions(key: str, payload: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    """Buttons, menus and pickers: in a message, in the App Home or in a modal that is still open."""
    user = _user(payload, origin)
    actions = payload.get("actions")
    read = [one for one in actions[:MAX_ACTIONS] if type(one) is dict] if type(actions) is list else []
    if not read:
        raise Unhandled("block_actions without a readable action")
    if string(payload, "type") == "block_actions" and _in_modal(payload):
        raise Unhandled("an element of a form that is not sent yet")
    events = []
    for number, action in enumerate(read):
        if string(action, "action_id").partition(":")[0] == LINK_ACTION:
            continue
        events.append(
            InboundEvent(
                external_id=f"{key}:{number}" if number else key,
                conversation_key=_where(payload, origin, user),
                sender=user,
                body=_choice(action),
                occurred_at=moment_of(string(action, "action_ts"), now),
                message=_carrier(payload),
                context=_place(payload),
            )
        )
    if not events:
        raise Unhandled("a button that only opens an address")
    return events


def _in_modal(payload: Object) -> bool:
    view = payload.get("view")
    return type(view) is dict and view.get("type") == "modal"


def _choice(action: Object) -> ChoiceMade:
    """What was picked. Our own choices carry their id as the value; of anything else the title says what it is."""
    identifier = string(action, "action_id")
    option = action.get("selected_option")
    if type(option) is dict:
        return ChoiceMade(choice=string(option, "value") or identifier, title=_text(option))
    if string(action, "type") == "button":
        return ChoiceMade(choice=string(action, "value") or identifier, title=_text(action))
    value = _value(action)
    shown = ", ".join(value) if type(value) is list else "" if value is None else str(value)
    if not identifier and not shown:
        raise Unhandled("an action without a readable value")
    return ChoiceMade(choice=identifier or shown, title=shown)


def _text(where: Object) -> str:
    text = where.get("text")
    return string(text, "text") if type(text) is dict else ""


def _where(payload: Object, origin: Origin, user: Sender) -> str:
    """The conversation of the message that carries the button; the private talk when none does."""
    channel, message = payload.get("channel"), payload.get("message")
    if type(channel) is not dict or not string(channel, "id"):
        return private_key(origin.team, _id_of(user, origin))
    carrier: Object = message if type(message) is dict else {}
    where = {**carrier, "channel": string(channel, "id"), "channel_type": _channel_type(channel)}
    # A message of ours that stands outside threads was sent to the channel itself.
    return conversation_key(origin, where, _id_of(user, origin), string(carrier, "thread_ts"))


def _channel_type(channel: Object) -> str:
    return "im" if string(channel, "name") == _PRIVATE_NAME else ""


def _place(payload: Object) -> Context:
    channel = payload.get("channel")
    if type(channel) is not dict or is_private(
        {"channel_type": _channel_type(channel)}, string(channel, "id")
    ):
        return Context()
    return Context(place="channel", title=string(channel, "name"), mentioned=True)


def _carrier(payload: Object) -> str:
    for name, field in (("message", "ts"), ("container", "message_ts")):
        where = payload.get(name)
        if type(where) is dict and string(where, field):
            return string(where, field)
    return ""


def _view_submission(key: str, payload: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    user = _user(payload, origin)
    view = needed_object(payload, "view", "view_submission")
    title = view.get("title")
    state = view.get("state")
    values = dict(_values(state.get("values") if type(state) is dict else None))
    body = FormSubmitted(
        form=string(view, "callback_id"),
        values=values,
        title=string(title, "text") if type(title) is dict else "",
    )
    return [_private(key, user, origin, body, now)]


def _values(blocks: Any) -> Iterator[tuple[str, Any]]:
    """A form's values by action id; one that several blocks share is told apart by its block, `block.action`."""
    seen: set[str] = set()
    for block, actions in list(blocks.items())[:MAX_VALUES] if type(blocks) is dict else ():
        for action, element in list(actions.items())[:MAX_VALUES] if type(actions) is dict else ():
            if type(element) is dict:
                name = f"{block}.{action}" if action in seen else action
                seen.add(name)
                yield name, _value(element)


def _value(element: Object) -> Any:
    """What an element holds: a text, a number of seconds, a list of texts, or None for nothing."""
    option, options = element.get("selected_option"), element.get("selected_options")
    if type(option) is dict:
        return string(option, "value")
    if type(options) is list:
        return [string(one, "value") for one in options[:MAX_PICKED] if type(one) is dict]
    for name in _PICKED_MANY:
        picked = element.get(name)
        if type(picked) is list:
            return [one for one in picked[:MAX_PICKED] if type(one) is str]
    for name in _PICKED:
        if type(element.get(name)) is str:
            return element[name]
    moment = element.get("selected_date_time")
    if type(moment) is int:
        return moment
    rich = element.get("rich_text_value")
    return read_words({"blocks": [rich]})[0] if type(rich) is dict else None


def _shortcut(key: str, payload: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    """A shortcut from the menu: a command without an argument."""
    command = needed_string(payload, "callback_id", "shortcut")
    moment = moment_of(string(payload, "action_ts"), now)
    return [_private(key, _user(payload, origin), origin, CommandReceived(command=command), moment)]


def _message_action(key: str, payload: Object, origin: Origin, now: datetime) -> list[InboundEvent]:
    """A shortcut on a message: a command with its text. As with slash commands, nobody else sees that it was called."""
    command = needed_string(payload, "callback_id", "message shortcut")
    message = needed_object(payload, "message", "message shortcut")
    text, _ = read_words(message)
    user = _user(payload, origin)
    channel = payload.get("channel")
    return [
        InboundEvent(
            external_id=key,
            conversation_key=private_key(origin.team, _id_of(user, origin)),
            sender=user,
            body=CommandReceived(command=command, argument=text),
            occurred_at=moment_of(string(payload, "action_ts"), now),
            context=Context(
                reply_to=string(payload, "message_ts") or string(message, "ts"),
                quote=text,
                title=string(channel, "name") if type(channel) is dict else "",
            ),
        )
    ]


def _private(key: str, user: Sender, origin: Origin, body: EventBody, moment: datetime) -> InboundEvent:
    return InboundEvent(
        external_id=key,
        conversation_key=private_key(origin.team, _id_of(user, origin)),
        sender=user,
        body=body,
        occurred_at=moment,
    )


def _user(payload: Object, origin: Origin) -> Sender:
    user = needed_object(payload, "user", "interaction")
    return sender_of(origin, needed_string(user, "id", "user"), user)


def _id_of(user: Sender, origin: Origin) -> str:
    return user.external_id.removeprefix(f"{origin.team}:")


_HANDLERS: Final[Mapping[str, Handler]] = {
    "block_actions": _block_actions,
    "view_submission": _view_submission,
    "shortcut": _shortcut,
    "message_action": _message_action,
}
