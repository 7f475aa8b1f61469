"""What the mock knows: bots, their chats and messages, updates that wait, and the log of what was accepted."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from tests.platforms.telegram.errors import ApiError, bad_request
from tests.platforms.telegram.limits import Limits

if TYPE_CHECKING:
    from tests.platforms.telegram.parameters import Parameters

Via: TypeAlias = Literal["call", "webhook"]
JSON: TypeAlias = dict[str, Any]
Method: TypeAlias = "Callable[[Bot, Parameters, Via], Any]"

DEFAULT_TOKEN: Final = "4242424242:mock-bot-token-for-tests-only-000000"
OPT_IN_UPDATES: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that come only when allowed_updates names them."""
MAX_UPLOAD: Final = 50 * 1024 * 1024
CALLBACK_SECONDS: Final = 150.0
"""How long a callback query can be answered."""


class Sent(msgspec.Struct, kw_only=True):
    """One accepted call that a customer would notice, in order of acceptance."""

    n: int
    bot: int
    method: str
    chat: int
    message_id: int = 0
    thread: int | None = None
    text: str = ""
    reply_markup: JSON | None = None
    monotonic: float
    """`time.monotonic()` at acceptance; on Linux comparable between processes of one machine."""
    wall: float
    via: Via = "call"
    given: JSON = {}
    """The call's parameters."""
    files: list[str] = []
    """Ids of the files that it sent; see `Bot.files`."""


class StoredFile(msgspec.Struct, kw_only=True):
    """A file that a bot sent or was sent."""

    id: str
    kind: str
    name: str
    mime_type: str
    data: bytes
    size: int
    """In bytes; larger than `data` for one that only pretends to be."""
    path: str


class Page(msgspec.Struct, kw_only=True):
    """What an address of the web gives to Telegram."""

    status: int = 200
    mime_type: str = ""
    size: int = 1024


class Person(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A customer, as `from` shows them."""

    id: int
    first_name: str = "Ada"
    last_name: str = ""
    username: str = ""
    language_code: str = "en"

    def json(self) -> JSON:
        """A User object."""
        return {"is_bot": False, "first_name": self.first_name, **msgspec.to_builtins(self)}


class Chat:
    """One chat of one bot. `message_id` counts up for both sides, as Telegram's does."""

    def __init__(self, chat_id: int, person: Person | None = None) -> None:
        self.id = chat_id
        self.person = person or Person(id=abs(chat_id))
        self.blocked = False
        self.last_message_id = 0
        self.messages: dict[int, JSON] = {}
        self.threads: set[int] = set()
        self.uneditable: set[int] = set()
        """Messages with a reply keyboard, which can't be edited."""
        self.keyboard: JSON | None = None
        """The reply keyboard that the customer has before them."""
        self.unwanted: frozenset[str] = frozenset()
        """Reactions that this group does not allow."""

    def json(self) -> JSON:
        """A Chat object: private for positive ids, a supergroup (a forum once it has topics) for negative ones."""
        if self.id > 0:
            names = {"first_name": self.person.first_name, "username": self.person.username}
            return {"id": self.id, "type": "private", **{key: name for key, name in names.items() if name}}
        forum = {"is_forum": True} if self.threads else {}
        return {"id": self.id, "type": "supergroup", "title": f"Group {-self.id}", **forum}

    def next_message_id(self) -> int:
        """The id of the chat's next message."""
        self.last_message_id += 1
        return self.last_message_id


class Update(msgspec.Struct, kw_only=True, frozen=True):
    """An update that waits: messages queue by chat, callback queries by user, the rest by themselves."""

    id: int
    kind: str
    queue: tuple[str, int]
    body: bytes
    """The JSON, update_id included."""


class Webhook(msgspec.Struct, kw_only=True):
    """What setWebhook set, and how delivery fared last."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str = ""


class Bot:
    """One bot and everything around it."""

    def __init__(self, world: World, token: str, username: str) -> None:
        self.world = world
        self.token = token
        self.id = int(token.partition(":")[0])
        self.username = username
        self.chats: dict[int, Chat] = {}
        self.webhook: Webhook | None = None
        self.allowed: frozenset[str] | None = None
        self.pending: dict[int, Update] = {}
        self.delivered: dict[int, Update] = {}
        self.arrived = asyncio.Event()
        self.polls = 0
        self.callbacks: dict[str, float] = {}
        self.inline_queries: dict[str, float] = {}
        self.files: dict[str, StoredFile] = {}
        self.business: set[str] = set()
        """Ids of the business connections."""
        self.rights: JSON = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        """What @BotFather lets it do."""
        self.name = "Mock Bot"
        self.menu_button: JSON = {"type": "default"}
        self.commands: list[JSON] = []
        self.description = ""
        self.short_description = ""
        self.limits = Limits()
        self._update_ids = itertools.count(100_000_001)
        self.on_update: Callable[[Update], None] = lambda update: None

    def json(self) -> JSON:
        """The bot as a User object."""
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}

    def chat(self, chat_id: int) -> Chat:
        """The chat; made known to the bot if it was not."""
        return self.chats.get(chat_id) or self.chats.setdefault(chat_id, Chat(chat_id))

    def known_chat(self, chat_id: int | None, given: str) -> Chat:
        """The chat that a call names. Raises as Telegram does for one that the bot never met or that blocked it."""
        if chat_id is None and not given:
            raise bad_request("chat_id is empty")
        chat = self.chats.get(chat_id) if chat_id is not None else None
        if chat is None and chat_id and self.world.open_chats:
            chat = self.chat(chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if chat.blocked:
            who = "bot was blocked by the user" if chat.id > 0 else "bot was kicked from the supergroup chat"
            raise ApiError(403, f"Forbidden: {who}")
        return chat

    def receive(self, kind: str, payload: JSON, queue: tuple[str, int] | None = None) -> int | None:
        """Let an update of `kind` happen. Returns its id, or None if allowed_updates leaves it out."""
        update_id = next(self._update_ids)
        if kind in OPT_IN_UPDATES if self.allowed is None else kind not in self.allowed:
            return None
        body = msgspec.json.encode({"update_id": update_id, kind: payload})
        return self.enqueue(Update(id=update_id, kind=kind, queue=queue or ("single", update_id), body=body))

    def enqueue(self, update: Update) -> int:
        """Put an update among those that wait, and tell whoever waits for it."""
        self.pending[update.id] = update
        self.arrived.set()
        self.on_update(update)
        return update.id

    def repeat(self, update_id: int) -> None:
        """Let a delivered update come once more, as Telegram does after an answer that got lost."""
        self.enqueue(self.delivered[update_id])

    def confirm(self, update_ids: Iterable[int]) -> None:
        """Forget delivered updates."""
        for update_id in list(update_ids):
            update = self.pending.pop(update_id, None)
            if update is not None and not self.world.bench:
                self.delivered[update_id] = update
        if not self.pending:
            self.arrived.clear()


class World:
    """Everything that the mock's parts share."""

    def __init__(self, *, bench: bool = False, open_chats: bool = False, rate_limits: bool = False) -> None:
        self.bench = bench
        """Keep no texts and no messages: log who and when only."""
        self.open_chats = open_chats
        """Every chat exists, without having written first."""
        self.rate_limits = rate_limits
        self.pages: dict[str, Page] = {}
        """The web as Telegram finds it; see `stock`."""
        self.max_upload = MAX_UPLOAD
        """The largest body of a request, in bytes."""
        self.bots: dict[str, Bot] = {}
        self.log: list[Sent] = []
        self.changed = asyncio.Event()
        self.callback_ids = itertools.count(7_000_000_000_000_001)

    def add_bot(self, token: str, username: str = "mock_bot") -> Bot:
        """A bot of that token, or the one that is there."""
        return self.bots.get(token) or self.bots.setdefault(token, Bot(self, token, username))

    def record(
        self,
        bot: Bot,
        method: str,
        chat: int,
        *,
        message_id: int = 0,
        thread: int | None = None,
        text: str = "",
        reply_markup: JSON | None = None,
        via: Via = "call",
        given: JSON | None = None,
        files: list[str] | None = None,
    ) -> None:
        """Log an accepted call with the time of its acceptance."""
        keep = not self.bench
        self.log.append(
            Sent(
                n=len(self.log),
                bot=bot.id,
                method=method,
                chat=chat,
                message_id=message_id,
                thread=thread,
                text=text if keep else "",
                reply_markup=reply_markup if keep else None,
                monotonic=time.monotonic(),
                wall=time.time(),
                via=via,
                given=dict(given) if keep and given else {},
                files=files or [],
            )
        )
        self.changed.set()
