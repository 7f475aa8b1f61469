"""What the mock knows: numbers, their customers, templates, media, tokens, and the log of what was accepted."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

from tests.platforms.whatsapp.errors import GraphError, bad_token
from tests.platforms.whatsapp.limits import Limits

JSON: TypeAlias = dict[str, Any]
StatusMode: TypeAlias = Literal["none", "ordered", "shuffled"]

TOKEN: Final = "EAAGmockTokenForTestsOnly0000000000000000"
APP_SECRET: Final = "mock-app-secret-for-tests-only"
APP: Final = "700000000000001"
ACCOUNT: Final = "410000000000001"
NUMBER: Final = "510000000000001"
DISPLAY: Final = "15550100200"
WINDOW_SECONDS: Final = 24 * 3600.0
URL_SECONDS: Final = 300.0
"""How long a media URL works."""


class Sent(msgspec.Struct, kw_only=True):
    """One accepted call that a customer would notice, in order of acceptance."""

    n: int
    number: str
    to: str
    kind: str
    """The type of message, `read` or `typing`."""
    content: Any = None
    message: str = ""
    """The id that it was given."""
    reply_to: str = ""
    key: str = ""
    """Its biz_opaque_callback_data."""
    monotonic: float
    """`time.monotonic()` at acceptance; on Linux comparable between processes of one machine."""
    wall: float


class Customer(msgspec.Struct, kw_only=True):
    """Somebody with WhatsApp. `user_id` is business-scoped; one who hides the number has no `wa_id`."""

    wa_id: str = ""
    user_id: str = ""
    parent_user_id: str = ""
    name: str = "Ada"
    username: str = ""
    heard_at: float | None = None
    """When they last wrote, by the world's clock."""
    reachable: bool = True

    def contact(self) -> JSON:
        """As `contacts` of a webhook show them."""
        profile = {"name": self.name, **({"username": self.username} if self.username else {})}
        ids = {key: getattr(self, key) for key in ("wa_id", "user_id", "parent_user_id")}
        return {"profile": profile, **{key: id for key, id in ids.items() if id}}

    def origin(self) -> JSON:
        """As a message names its author."""
        ids = {
            "from": self.wa_id,
            "from_user_id": self.user_id,
            "from_parent_user_id": self.parent_user_id,
        }
        return {key: id for key, id in ids.items() if id}


class Template(msgspec.Struct, kw_only=True):
    """A message template of the account, its components as Meta lists them."""

    name: str
    language: str = "en_US"
    category: str = "UTILITY"
    status: str = "APPROVED"
    components: list[JSON] = []
    id: str = ""


class Media(msgspec.Struct, kw_only=True):
    """A file at Meta's."""

    id: str
    content: bytes
    mime_type: str
    name: str = ""
    url_expires: float = 0.0


class Number:
    """One business phone number and everything around it."""

    def __init__(self, world: World, id: str, display: str) -> None:
        self.world = world
        self.id = id
        self.display = display
        self.webhook_url = ""
        self.verify_token = ""
        self.customers: dict[str, Customer] = {}
        self.messages: dict[str, JSON] = {}
        """By id: what both sides said."""
        self.limits = Limits()
        self.allowed: set[str] | None = None
        """The recipients of a test number; None for a real one."""

    def metadata(self) -> JSON:
        """As webhooks name it."""
        return {"display_phone_number": self.display, "phone_number_id": self.id}

    def customer(self, id: str) -> Customer:
        """The customer of a phone number or a business-scoped id; made known if it was not."""
        found = self.find(id)
        if found is None:
            found = Customer(wa_id=id) if id.isdigit() else Customer(user_id=id)
            self.customers[id] = found
        return found

    def find(self, id: str) -> Customer | None:
        """The customer under any of their ids."""
        known = self.customers.get(id)
        if known is not None:
            return known
        return next(
            (
                one
                for one in self.customers.values()
                if id and id in (one.wa_id, one.user_id, one.parent_user_id)
            ),
            None,
        )

    def webhook(self, field: str, value: JSON) -> JSON:
        """A webhook's body around a change."""
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": self.world.account, "changes": [{"field": field, "value": value}]}],
        }


class World:
    """Everything that the mock's parts share."""

    def __init__(
        self, *, bench: bool = False, open_chats: bool = False, rate_limits: bool = False, seed: int = 0
    ) -> None:
        self.bench = bench
        """Keep no contents: log who and when only."""
        self.open_chats = open_chats
        """Everybody has WhatsApp and wrote just now."""
        self.rate_limits = rate_limits
        self.refuse_late = False
        """Refuse undeliverable messages by a status report, as the real API mostly does, not in the answer."""
        self.statuses: StatusMode = "none"
        self.repeats = 1
        """How often each status report comes."""
        self.account = ACCOUNT
        self.numbers: dict[str, Number] = {}
        self.tokens: dict[str, Literal["valid", "expired"]] = {TOKEN: "valid"}
        self.app_secret = APP_SECRET
        self.subscribed = False
        self.account_webhook = ""
        self.templates: dict[tuple[str, str], Template] = {}
        self.media: dict[str, Media] = {}
        self.log: list[Sent] = []
        self.changed = asyncio.Event()
        self.shift = 0.0
        """Seconds by which the world's clock is ahead."""
        self.on_webhook: Callable[[Number, str, JSON], None] = lambda number, queue, body: None
        self.random = random.Random(seed)
        self._ids = itertools.count(1)

    def now(self) -> float:
        """The world's clock, in Unix seconds."""
        return time.time() + self.shift

    def add_number(self, id: str, display: str = DISPLAY) -> Number:
        """A number of that id, or the one that is there."""
        return self.numbers.get(id) or self.numbers.setdefault(id, Number(self, id, display))

    def add_template(self, template: Template) -> Template:
        """A template that Meta knows."""
        template.id = template.id or str(800_000_000 + len(self.templates))
        self.templates[(template.name, template.language)] = template
        return template

    def add_media(self, content: bytes, mime_type: str, name: str = "") -> Media:
        """A file that was uploaded, by whomever."""
        media = Media(id=str(900_000_000 + next(self._ids)), content=content, mime_type=mime_type, name=name)
        self.media[media.id] = media
        return media

    def message_id(self) -> str:
        """The next message's id."""
        return f"wamid.MOCK{next(self._ids):012d}"

    def check_token(self, header: str) -> str:
        """The token of an Authorization header. Raises as Meta does."""
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token:
            raise GraphError(104, status=401, message="An access token is required to request this resource.")
        state = self.tokens.get(token)
        if state != "valid":
            raise bad_token(expired=state == "expired")
        return token

    def record(self, number: Number, to: str, kind: str, **more: Any) -> Sent:
        """Log an accepted call with the time of its acceptance."""
        if self.bench:
            more.pop("content", None)
        sent = Sent(
            n=len(self.log),
            number=number.id,
            to=to,
            kind=kind,
            monotonic=time.monotonic(),
            wall=time.time(),
            **more,
        )
        self.log.append(sent)
        self.changed.set()
        return sent
