"""What WhatsApp checks of each type of message, in its own words where they are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from tests.platforms.whatsapp.errors import GraphError, parameter, value
from tests.platforms.whatsapp.world import JSON, World

MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
MAX_BODY: Final = 1024
MAX_LIST_BODY: Final = 4096
MAX_HEADER: Final = 60
CAPTIONED: Final = frozenset({"image", "video", "document"})
MEDIA: Final = frozenset({"image", "video", "audio", "document", "sticker"})


def object_of(where: JSON, key: str, name: str = "") -> JSON:
    """A JSON object that has to be there."""
    found = where.get(key)
    if not isinstance(found, dict):
        raise GraphError(131008, f"Parameter {name or key} is required and must be an object")
    return found


def text_of(where: JSON, key: str, name: str, most: int, least: int = 1) -> str:
    """A string within its length."""
    found = where.get(key)
    if not isinstance(found, str):
        raise GraphError(131008, f"Required parameter {name} is missing")
    if not least <= len(found) <= most or (least and not found.strip()):
        raise value(f"{name} length invalid. Min length: {least}, Max length: {most}")
    return found


def check_text(world: World, content: JSON) -> None:
    body = content.get("body")
    if not isinstance(body, str) or not body.strip():
        raise parameter("The parameter text['body'] is required.")
    if len(body) > MAX_TEXT:
        raise parameter(f"Param text['body'] must be at most {MAX_TEXT} characters long.")


def check_media(world: World, kind: str, content: JSON, *, captions: bool = True) -> None:
    """A media object: by id or by link, of the right type."""
    id, link = content.get("id"), content.get("link")
    if (id is None) == (link is None):
        raise parameter(f"Exactly one of {kind}['id'] and {kind}['link'] is required.")
    allowed = {"id", "link"}
    if captions and kind in CAPTIONED:
        allowed.add("caption")
    if kind == "document":
        allowed.add("filename")
    if kind == "audio":
        allowed.add("voice")
    if unexpected := content.keys() - allowed:
        raise parameter(f'Unexpected key "{min(unexpected)}" on param "{kind}".')
    if "caption" in content and len(content["caption"]) > MAX_CAPTION:
        raise parameter(f"Param {kind}['caption'] must be at most {MAX_CAPTION} characters long.")
    if link is not None:
        check_link(link, f"{kind}['link']")
        return
    media = world.media.get(str(id))
    if media is None:
        raise GraphError(131053, f"Media upload error: media id {id} not found")
    family = media.mime_type.partition("/")[0]
    expected = {"sticker": "image"}.get(kind, kind)
    if kind != "document" and family != expected:
        raise GraphError(131053, f"Unsupported {kind} mime type {media.mime_type}")


def check_link(link: Any, name: str) -> None:
    """An address that Meta's servers could fetch."""
    parts = urlsplit(link) if isinstance(link, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise parameter(f"Param {name} must be a valid URL.")


def check_location(world: World, content: JSON) -> None:
    for key, limit in (("latitude", 90), ("longitude", 180)):
        number = content.get(key)
        if isinstance(number, bool) or not isinstance(number, int | float) or abs(number) > limit:
            raise parameter(f"Param location['{key}'] must be a number between -{limit} and {limit}.")


def check_contacts(world: World, contacts: Any) -> None:
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= 257:
        raise parameter("Param contacts must be an array of 1 to 257 contacts.")
    for contact in contacts:
        name = object_of(contact, "name", "contacts.name")
        text_of(name, "formatted_name", "contacts.name.formatted_name", 1024)
        if not any(name.get(key) for key in ("first_name", "last_name", "middle_name", "suffix", "prefix")):
            raise value("At least one of the optional name parameters needs to be included")
        for phone in contact.get("phones", []):
            if not str(phone.get("phone", "")).strip():
                raise value("contacts.phones.phone is empty")


def check_reaction(world: World, content: JSON) -> None:
    text_of(content, "message_id", "reaction.message_id", 1024)
    emoji = content.get("emoji")
    if not isinstance(emoji, str) or len(emoji) > 16 or (emoji.isascii() and emoji):
        raise value("Reaction emoji is not valid")


def check_interactive(world: World, content: JSON) -> None:
    kind = content.get("type")
    check = _INTERACTIVE.get(str(kind))
    if check is None:
        raise value(f"Invalid interactive type: {kind}")
    body = object_of(content, "body", "interactive.body")
    most = MAX_LIST_BODY if kind == "list" else MAX_BODY
    text_of(body, "text", "Interactive body text", most)
    if "header" in content:
        _header(world, content["header"], str(kind))
    if "footer" in content:
        text_of(content["footer"], "text", "Interactive footer text", MAX_HEADER)
    check(object_of(content, "action", "interactive.action"))


def _header(world: World, header: JSON, kind: str) -> None:
    form = header.get("type")
    if form == "text":
        text_of(header, "text", "Interactive header text", MAX_HEADER)
    elif kind in ("button", "cta_url", "flow") and form in CAPTIONED:
        check_media(world, form, object_of(header, form, "interactive.header"), captions=False)
    else:
        raise value(f"Header type {form} is not supported for interactive type {kind}")


def _buttons(action: JSON) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise value("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    replies = [
        object_of(button, "reply", "button.reply") for button in buttons if button.get("type") == "reply"
    ]
    if len(replies) != len(buttons):
        raise value("Invalid button type")
    _distinct(replies, 256, "Button")
    titles = [text_of(reply, "title", "Button title", 20) for reply in replies]
    if len(set(titles)) != len(titles):
        raise value("Duplicated title for buttons")


def _distinct(replies: list[JSON], most: int, name: str) -> None:
    ids = [text_of(reply, "id", f"{name} id", most) for reply in replies]
    if len(set(ids)) != len(ids):
        raise value(f"{name} ids have to be unique")


def _list(action: JSON) -> None:
    text_of(action, "button", "List button text", 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise value("Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    rows: list[JSON] = []
    for section in sections:
        if len(sections) > 1 or "title" in section:
            text_of(section, "title", "Section title", 24)
        if not section.get("rows"):
            raise value("A section needs at least one row")
        rows += section["rows"]
    if len(rows) > 10:
        raise value("Total row count exceed max allowed count: 10")
    _distinct(rows, 200, "Row")
    for row in rows:
        text_of(row, "title", "Row title", 24)
        if "description" in row:
            text_of(row, "description", "Row description", 72)


def _named(action: JSON, name: str) -> JSON:
    if action.get("name") != name:
        raise value(f"Invalid action name, expected {name}")
    return object_of(action, "parameters", "interactive.action.parameters")


def _link(action: JSON) -> None:
    parameters = _named(action, "cta_url")
    text_of(parameters, "display_text", "CTA display text", 20)
    check_link(parameters.get("url"), "action['parameters']['url']")


def _flow(action: JSON) -> None:
    parameters = _named(action, "flow")
    if parameters.get("flow_message_version") != "3":
        raise value("Invalid flow_message_version")
    text_of(parameters, "flow_cta", "Flow CTA", 20)
    text_of(parameters, "flow_id", "Flow id", 64)


def _request(name: str) -> Callable[[JSON], None]:
    def check(action: JSON) -> None:
        if action != {"name": name}:
            raise value(f"Invalid action, expected {name}")

    return check


def _carousel(action: JSON) -> None:
    cards = action.get("cards")
    if not isinstance(cards, list) or not 2 <= len(cards) <= 10:
        raise value("Invalid cards count. Min allowed cards: 2, Max allowed cards: 10")
    shapes = set()
    for index, card in enumerate(cards):
        if card.get("card_index") != index:
            raise value("card_index must count from 0")
        header = object_of(card, "header", "card.header")
        form = header.get("type")
        if form not in ("image", "video"):
            raise value("A card needs an image or a video header")
        check_link(object_of(header, form, "card.header").get("link"), "card.header link")
        if "body" in card:
            text = text_of(card["body"], "text", "Card body text", 160)
            if text.count("\n") > 2:
                raise value("Card body text has too many line breaks")
        own = object_of(card, "action", "card.action")
        replies = own.get("buttons")
        if replies is None:
            _link(own)
            shapes.add("link")
            continue
        quick = [object_of(reply, "quick_reply", "quick_reply") for reply in replies]
        _distinct(quick, 256, "Button")
        for reply in quick:
            text_of(reply, "title", "Button title", 20)
        shapes.add(f"replies {len(quick)}")
    if len(shapes) != 1:
        raise value("All cards must have the same buttons")


_INTERACTIVE: Final[dict[str, Callable[[JSON], None]]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
    "flow": _flow,
    "carousel": _carousel,
    "location_request_message": _request("send_location"),
    "request_contact_info": _request("request_contact_info"),
}
