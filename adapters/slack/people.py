"""Who a person is. Slack's events name people by their id alone; the rest has to be asked for.

https://docs.slack.dev/reference/methods/users.info
"""

from __future__ import annotations

from typing import Any, Final

from adapters.errors import CustomerGone, Refused
from adapters.protocol import ChannelAccess
from adapters.reading import Object, string
from adapters.slack.address import is_user, read_address
from adapters.slack.client import SlackClient
from adapters.text import clean
from engine.events import Sender

MAX_TEXT: Final = 254
"""Characters of a name or an address; Slack's own bounds are lower."""
NOT_VISIBLE: Final = "user_not_visible"
"""Slack's word for somebody of another workspace whom the app may not look at."""


async def read_profile(client: SlackClient, access: ChannelAccess, external_id: str) -> Sender:
    """Names, language, time zone, and the e-mail where the app may see it, of `team:user`. Raises `SendFailed`."""
    at = read_address(external_id)
    if not is_user(at.channel):
        raise CustomerGone("Slack has no person of this id", code="no_person")
    try:
        answer = await client.ask("users.info", access, {"user": at.channel, "include_locale": True})
    except Refused as refused:
        if refused.code != NOT_VISIBLE:
            raise
        raise CustomerGone("Slack does not show who this person is", code=NOT_VISIBLE) from None
    return _sender(external_id, at.team, _object(answer.get("user")))


def _sender(external_id: str, team: str, known: Object) -> Sender:
    profile = _object(known.get("profile"))
    name = _text(profile, "real_name") or _text(known, "real_name")
    first, _, last = name.partition(" ")
    return Sender(
        external_id=external_id,
        first_name=_text(profile, "first_name") or first,
        last_name=_text(profile, "last_name") or last,
        username=_text(known, "name"),
        language=_text(known, "locale"),
        timezone=_text(known, "tz"),
        email=_text(profile, "email") if _vouches(team, known) else "",
    )


def _vouches(team: str, known: Object) -> bool:
    """Whether our workspace stands for the e-mail: it is a member's, and confirmed.

    In a channel that is shared with others, people are as their own workspace describes them, and whoever runs that
    one can write any address there.
    """
    if known.get("is_stranger") is True or known.get("is_email_confirmed") is False:
        return False
    workspaces = _object(known.get("enterprise_user")).get("teams")
    homes = {string(known, "team_id"), *(workspaces if type(workspaces) is list else ())}
    return team in homes


def _text(where: Object, key: str) -> str:
    return clean(string(where, key))[:MAX_TEXT]


def _object(value: Any) -> Object:
    return value if type(value) is dict else {}
