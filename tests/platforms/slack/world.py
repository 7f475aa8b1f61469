"""What the mock knows: one workspace with people, channels, messages and files, and the log of what was accepted."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

from tests.platforms.slack.limits import Limits

JSON: TypeAlias = dict[str, Any]
ChannelKind: TypeAlias = Literal["im", "mpim", "channel", "group"]

TEAM: Final = "T0AKTEAM01"
APP: Final = "A0AKAPP001"
BOT_USER: Final = "U0AKBOT001"
BOT_ID: Final = "B0AKBOT001"
BOT_TOKEN: Final = "xoxb-4242-mock-bot-token-for-tests-only"
APP_TOKEN: Final = "xapp-1-4242-mock-app-token-for-tests-only"
SIGNING_SECRET: Final = "5f3ecret0mock0signing0secret0only"


class Person(msgspec.Struct, kw_only=True, frozen=True):
    """A member of the workspace."""

    id: str
    name: str = "ada"
    real_name: str = "Ada Quist"
    locale: str = "en-GB"
    tz: str = "Europe/London"
    email: str = ""
    team: str = TEAM
    """Another one for somebody who comes by a channel that workspaces share."""
    disabled: bool = False

    def json(self) -> JSON:
        """A user object, as users.info gives it."""
        profile = {"real_name": self.real_name, "display_name": self.name}
        return {
            "id": self.id,
            "team_id": self.team,
            **({"is_stranger": True} if self.team != TEAM else {}),
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.disabled,
            "is_bot": False,
            "tz": self.tz,
            "locale": self.locale,
            "profile": {**profile, **({"email": self.email} if self.email else {})},
        }


class Channel:
    """A channel, a private talk (with `user`) or a group's."""

    def __init__(self, id: str, kind: ChannelKind, name: str = "", user: str = "") -> None:
        self.id = id
        self.kind = kind
        self.name = name or id.lower()
        self.user = user
        self.members: set[str] = {BOT_USER}
        self.archived = False
        self.messages: dict[str, JSON] = {}
        """By `ts`, in order."""


class Sent(msgspec.Struct, kw_only=True):
    """One accepted call that somebody would notice, in order of acceptance."""

    n: int
    method: str
    channel: str
    ts: str = ""
    thread: str = ""
    text: str = ""
    blocks: list[JSON] = []
    metadata: JSON | None = None
    files: list[str] = []
    monotonic: float
    """`time.monotonic()` at acceptance; on Linux comparable between processes of one machine."""


class StoredFile(msgspec.Struct, kw_only=True):
    """A file: announced, then filled, then shared."""

    id: str
    name: str
    length: int
    data: bytes | None = None
    title: str = ""
    alt: str = ""
    mime: str = "application/octet-stream"


class World:
    """Everything that the mock's parts share."""

    def __init__(self, *, bench: bool = False, rate_limits: bool = False) -> None:
        self.bench = bench
        """Keep no messages: log who and when only."""
        self.rate_limits = rate_limits
        self.commercial = False
        """The app is distributed outside the Marketplace: one look at a history a minute, of 15 messages."""
        self.open = bench
        """Every user and channel exists."""
        self.socket_mode = False
        """Events go over sockets, and not to an address."""
        self.sockets_allowed = True
        """Sockets can be opened at all."""
        self.scopes = "chat:write,im:history,users:read,users:read.email"
        """What the token may do; only what it may see of people is held to it."""
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, StoredFile] = {}
        self.log: list[Sent] = []
        self.limits = Limits()
        self.changed = asyncio.Event()
        self.on_event: Callable[[str, JSON], None] = lambda kind, payload: None
        self._numbers = itertools.count(1)
        self._last_ts = 0

    def person(self, id: str, **about: Any) -> Person:
        """The member of that id; made known if it was not."""
        return self.people.get(id) or self.people.setdefault(id, Person(id=id, **about))

    def private(self, user: str) -> Channel:
        """The private talk with somebody; opened if it was not."""
        id = "D" + user[1:]
        if id not in self.channels:
            self.person(user)
            self.channels[id] = Channel(id, "im", "directmessage", user)
            self.channels[id].members.add(user)
        return self.channels[id]

    def channel(self, id: str, kind: ChannelKind = "channel", name: str = "") -> Channel:
        """A channel; made if it was not there."""
        return self.channels.get(id) or self.channels.setdefault(id, Channel(id, kind, name))

    def next_ts(self) -> str:
        """The `ts` of the next message: now, and later than every one before."""
        self._last_ts = max(self._last_ts + 100, int(time.time() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"

    def next_id(self, prefix: str) -> str:
        """An id that nothing else has."""
        return f"{prefix}0AK{next(self._numbers):07}"

    def record(self, method: str, channel: str, **about: Any) -> Sent:
        """Log an accepted call with the time of its acceptance."""
        if self.bench:
            about = {key: value for key, value in about.items() if key in ("ts", "thread")}
        sent = Sent(n=len(self.log), method=method, channel=channel, monotonic=time.monotonic(), **about)
        self.log.append(sent)
        self.changed.set()
        return sent
