"""Media, albums, cards, places and contacts as Telegram calls.

Media goes by its address where it has one, and Telegram fetches it; what the gateway keeps itself is uploaded.

https://core.telegram.org/bots/api#sendmediagroup, #inputfile
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from adapters.protocol import Upload
from adapters.telegram.capabilities import ALBUM, CAPTION
from adapters.telegram.entities import write_entities
from adapters.telegram.keyboards import card_rows
from adapters.telegram.manner import Manner
from adapters.telegram.wire import BLANK, Draft
from adapters.text import clean, is_blank, shorten, split_rich
from engine.messages import Card, ContactCard, Media, Place, Span

Sending: TypeAlias = Literal[
    "photo", "video", "animation", "audio", "voice", "document", "sticker"
]  # fmt: skip
METHODS: Final[Mapping[str, str]] = {
    "photo": "sendPhoto",
    "video": "sendVideo",
    "animation": "sendAnimation",
    "audio": "sendAudio",
    "voice": "sendVoice",
    "document": "sendDocument",
    "sticker": "sendSticker",
}
"""The method for each of Telegram's kinds of media; the kind is its parameter's name too."""
_FAMILIES: Final[Mapping[str, str]] = {
    "photo": "seen",
    "video": "seen",
    "audio": "audio",
    "document": "document",
}
"""Which kinds an album may hold, and with which others."""
VENUE: Final = 128
"""Characters of a venue's title or address that are sent; clients show no more."""
PHONE: Final = 64
VCARD_BYTES: Final = 2048
CARD_TITLE: Final = 256


def media_drafts(media: Sequence[Media], text: str, spans: Sequence[Span], album: bool) -> list[Draft]:
    """`media` in order, neighbours that may mix as albums; `text` is the first one's caption (it has to fit)."""
    drafts: list[Draft] = []
    for group in _groups(media) if album else ([one] for one in media):
        drafts.append(_single(group[0]) if len(group) == 1 else _album(group))
    if text:
        _add_caption(drafts[0], text, spans)
    return drafts


def takes_caption(media: Sequence[Media]) -> bool:
    """Whether one call carries all of `media`, and a caption with it."""
    groups = list(_groups(media))
    return len(groups) == 1 and kind_of(media[0]) != "sticker"


def kind_of(media: Media) -> Sending:
    """Telegram's kind. A GIF is an animation: as a photo it would stand still."""
    if media.kind == "image":
        name = (media.name or media.url).partition("?")[0].lower()
        return "animation" if name.endswith(".gif") else "photo"
    return media.kind


def _groups(media: Sequence[Media]) -> Iterator[list[Media]]:
    """Neighbours that one album may hold, at most ten of them."""
    group: list[Media] = []
    family = ""
    for one in media:
        belongs = _FAMILIES.get(kind_of(one), "")
        if group and (not belongs or belongs != family or len(group) == ALBUM[1]):
            yield group
            group = []
        family = belongs
        group.append(one)
    if group:
        yield group


def _single(media: Media) -> Draft:
    kind = kind_of(media)
    reference, uploads = _reference(media, kind, 0)
    body: dict[str, Any] = {kind: reference}
    if kind == "video":
        body["supports_streaming"] = True
    return Draft(METHODS[kind], body, uploads)


def _album(group: Sequence[Media]) -> Draft:
    items: list[dict[str, Any]] = []
    uploads: tuple[Upload, ...] = ()
    for index, media in enumerate(group):
        kind = kind_of(media)
        reference, more = _reference(media, kind, index)
        items.append({"type": kind, "media": reference})
        uploads += more
    return Draft("sendMediaGroup", {"media": items}, uploads)


def _reference(media: Media, kind: Sending, index: int) -> tuple[str, tuple[Upload, ...]]:
    """What stands for the file in the call, and the upload that goes with it when Telegram can't fetch it."""
    if media.url.startswith(("https://", "http://")):
        return media.url, ()
    field = f"file{index}"
    return f"attach://{field}", (Upload(field=field, source=media.url, kind=kind, name=media.name),)


def _add_caption(draft: Draft, text: str, spans: Sequence[Span]) -> None:
    where = draft.body["media"][0] if draft.method == "sendMediaGroup" else draft.body
    where["caption"] = text
    if entities := write_entities(text, spans):
        where["caption_entities"] = entities


def card_drafts(card: Card, manner: Manner) -> list[Draft]:
    """A card: its picture with title and text as the caption, its buttons below. The title leads where it leads."""
    title = shorten(clean(card.title), CARD_TITLE)
    rows, lines = card_rows(card.buttons, manner)
    text = "\n".join(filter(None, (title, clean(card.subtitle), *map(clean, lines))))
    spans = [Span(kind="bold", start=0, end=len(title))]
    if card.url:
        spans.append(Span(kind="link", start=0, end=len(title), value=card.url))
    limit = CAPTION if card.image else manner.limit
    parts = split_rich(text, spans, limit) or [(BLANK, ())]
    drafts: list[Draft] = []
    if card.image and len(parts) > 1:
        drafts.append(_single(Media(kind="image", url=card.image)))
        parts = split_rich(text, spans, manner.limit)
    elif card.image:
        drafts = [_single(Media(kind="image", url=card.image))]
        if not is_blank(text):
            _add_caption(drafts[0], *parts[0])
        parts = []
    drafts += [text_draft(part, within, manner) for part, within in parts]
    if rows:
        drafts[-1].body["reply_markup"] = {"inline_keyboard": rows}
    return drafts


def text_draft(text: str, spans: Sequence[Span], manner: Manner) -> Draft:
    """A text that fits into one message."""
    body: dict[str, Any] = {"text": text}
    if spans and (entities := write_entities(text, spans)):
        body["entities"] = entities
    if not manner.previews:
        body["link_preview_options"] = {"is_disabled": True}
    return Draft("sendMessage", body)


def place_draft(place: Place) -> Draft:
    """A venue when it has a name or an address, else a bare point on the map."""
    body: dict[str, Any] = {"latitude": place.latitude, "longitude": place.longitude}
    title = shorten(clean(place.name or place.address), VENUE)
    if is_blank(title):
        return Draft("sendLocation", body)
    street = shorten(clean(place.address), VENUE)
    return Draft("sendVenue", body | {"title": title, "address": title if is_blank(street) else street})


def contact_draft(contact: ContactCard) -> Draft:
    """A contact to save; e-mail and organization go along as a vCard."""
    name = shorten(clean(contact.name or contact.organization or contact.phone), VENUE)
    body: dict[str, Any] = {"phone_number": contact.phone[:PHONE], "first_name": name}
    if (contact.email or contact.organization) and len(card := _vcard(contact, name).encode()) <= VCARD_BYTES:
        body["vcard"] = card.decode()
    return Draft("sendContact", body)


def _vcard(contact: ContactCard, name: str) -> str:
    """vCard 3.0 (RFC 2426), its special characters escaped."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_escaped(name)}", f"TEL;TYPE=CELL:{_escaped(contact.phone)}"]
    if contact.email:
        lines.append(f"EMAIL:{_escaped(contact.email)}")
    if contact.organization:
        lines.append(f"ORG:{_escaped(contact.organization)}")
    return "\r\n".join([*lines, "END:VCARD"])


def _escaped(text: str) -> str:
    text = clean(text).replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return " ".join(text.splitlines())
