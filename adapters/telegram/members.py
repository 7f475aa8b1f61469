"""Who joins and leaves: groups' service messages, changes of a member, and the bot's own membership.

A group's join can be told twice: by a service message, and by `chat_member` where the bot is an administrator.
Both get the same dedupe key, so that it counts once.

https://core.telegram.org/bots/api#chatmemberupdated
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from adapters.protocol import ChannelAccess
from adapters.reading import Object, Unhandled, identifier, integer, moment, needed_object
from adapters.telegram.context import context_of_chat
from adapters.telegram.people import chat_of, name_of, user_sender
from engine.events import ContactabilityChanged, InboundEvent, MembersChanged

Change: TypeAlias = Literal["joined", "left"]

MAX_MEMBERS: Final = 200
"""People of one service message that are named; Telegram adds no more at once."""


def joined_members(content: Any, message: Object) -> MembersChanged:
    """`new_chat_members` of a service message. Bots are not people; of this one `my_chat_member` tells."""
    users = [user for user in content if type(user) is dict] if type(content) is list else []
    people = [user for user in users[:MAX_MEMBERS] if user.get("is_bot") is not True]
    if not people:
        raise Unhandled("nobody but bots joined")
    return MembersChanged(joined=tuple(name_of(user) for user in people))


def left_member(content: Any, message: Object) -> MembersChanged:
    """`left_chat_member` of a service message."""
    if type(content) is not dict or content.get("is_bot") is True:
        raise Unhandled("nobody but a bot left")
    return MembersChanged(left=(name_of(content),))


def service_key(external_id: str, message: Object, body: MembersChanged) -> str:
    """The dedupe key of a service message: shared with `chat_member` where it tells of one person."""
    member = message.get("left_chat_member")
    if body.joined:
        people = [user for user in message["new_chat_members"] if user.get("is_bot") is not True]
        member = people[0] if len(people) == 1 else None
    return _shared_key(external_id, message, member, "joined" if body.joined else "left")


def _shared_key(external_id: str, where: Object, member: Any, change: Change) -> str:
    chat, date = where["chat"], integer(where.get("date"))
    if type(member) is not dict or date is None:
        return external_id
    number = identifier(member, "id", "member")
    return f"member:{identifier(chat, 'id', 'chat')}:{number}:{change}:{date}"


def read_chat_member(external_id: str, change: Object, now: datetime, access: ChannelAccess) -> InboundEvent:
    """Somebody else's membership: told of chats where the bot is an administrator."""
    chat = chat_of(change, "chat_member", access)
    new = needed_object(change, "new_chat_member", "chat_member")
    user = needed_object(new, "user", "chat_member")
    what = _change(change)
    if what is None:
        raise Unhandled("a member's rights changed, not whether they are a member")
    if user.get("is_bot") is True:
        raise Unhandled("a bot joined or left")
    names = (name_of(user),)
    return InboundEvent(
        external_id=_shared_key(external_id, change, user, what),
        conversation_key=identifier(chat, "id", "chat"),
        sender=user_sender(user),
        body=MembersChanged(joined=names) if what == "joined" else MembersChanged(left=names),
        occurred_at=moment(change.get("date"), now),
        context=context_of_chat(chat),
    )


def read_my_chat_member(
    external_id: str, change: Object, now: datetime, access: ChannelAccess
) -> InboundEvent:
    """The bot's own: in a private chat the customer blocked it ("kicked") or let it write again ("member")."""
    chat = chat_of(change, "my_chat_member", access)
    new = needed_object(change, "new_chat_member", "my_chat_member")
    body: ContactabilityChanged | MembersChanged
    if chat.get("type") == "private":
        status = new.get("status")
        if status not in ("kicked", "member"):
            raise Unhandled("the bot's membership changed, but not whether it can write")
        body = ContactabilityChanged(reachable=status == "member")
    else:
        body = _own_change(change, new)
    return InboundEvent(
        external_id=external_id,
        conversation_key=identifier(chat, "id", "chat"),
        sender=user_sender(needed_object(change, "from", "my_chat_member")),
        body=body,
        occurred_at=moment(change.get("date"), now),
        context=context_of_chat(chat),
    )


def _own_change(change: Object, new: Object) -> MembersChanged:
    what = _change(change)
    if what is None:
        raise Unhandled("the bot's rights in a group or channel changed")
    names = (name_of(needed_object(new, "user", "my_chat_member")),)
    return (
        MembersChanged(joined=names, bot=True) if what == "joined" else MembersChanged(left=names, bot=True)
    )


def _change(change: Object) -> Change | None:
    """Whether somebody came in or went out; None when they are as much a member as before."""
    before = _is_member(needed_object(change, "old_chat_member", "member change"))
    after = _is_member(needed_object(change, "new_chat_member", "member change"))
    if before == after:
        return None
    return "joined" if after else "left"


def _is_member(member: Object) -> bool:
    status = member.get("status")
    return status in ("creator", "administrator", "member") or (
        status == "restricted" and member.get("is_member") is True
    )
