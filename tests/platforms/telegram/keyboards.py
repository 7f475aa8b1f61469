"""Is a reply_markup one that Telegram takes?"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from tests.platforms.telegram.errors import bad_request

MAX_BUTTONS: Final = 100
MAX_REPLY_BUTTONS: Final = 300
MAX_MARKUP_BYTES: Final = 10_000
MAX_CALLBACK_BYTES: Final = 64
_KINDS: Final = frozenset(
    {
        "callback_data",
        "callback_game",
        "copy_text",
        "login_url",
        "pay",
        "switch_inline_query",
        "switch_inline_query_chosen_chat",
        "switch_inline_query_current_chat",
        "url",
        "web_app",
    }
)


def check_markup(markup: Any, *, private: bool = True) -> dict[str, Any] | None:
    """The markup as it will be stored with the message (inline keyboards only are); None when there is none."""
    if markup is None or markup == "":
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        for row in rows:
            for button in row:
                _check_inline_button(button, private)
        if sum(map(len, rows)) > MAX_BUTTONS or len(msgspec.json.encode(markup)) > MAX_MARKUP_BYTES:
            raise bad_request("reply markup is too long")
        rows = [row for row in rows if row]
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in markup:
        rows = _rows(markup["keyboard"])
        for row in rows:
            for button in row:
                _check_reply_button(button, private)
        if sum(map(len, rows)) > MAX_REPLY_BUTTONS:
            raise bad_request("reply markup is too long")
        return None
    if markup.get("remove_keyboard") is True or markup.get("force_reply") is True or not markup:
        return None
    raise bad_request("can't parse reply keyboard markup JSON object")


def check_web_address(url: str, what: str) -> None:
    """An address as buttons and links need it: of the web, with a host that has a dot, or one of Telegram's."""
    if url.startswith(("tg://", "ton://")):
        return
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not url.startswith(("http://", "https://")) or "." not in host or " " in url:
        raise bad_request(f"{what} '{url}' is invalid: Wrong HTTP URL")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse reply keyboard markup JSON object: an Array of Array expected")
    return rows


def _check_reply_button(button: Any, private: bool) -> None:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict) or not isinstance(button.get("text"), str) or not button["text"]:
        raise bad_request("can't parse keyboard button: Can't find field \"text\"")
    if button.get("request_contact") and not private:
        raise bad_request("phone number can be requested in private chats only")
    if button.get("request_location") and not private:
        raise bad_request("location can be requested in private chats only")


def _check_inline_button(button: Any, private: bool) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"]:
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not _KINDS & button.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.get("callback_data")
    if data is not None and not (isinstance(data, str) and 0 < len(data.encode()) <= MAX_CALLBACK_BYTES):
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button:
        check_web_address(str(button["url"]), "inline keyboard button URL")
    if "web_app" in button:
        app = button["web_app"]
        url = str(app.get("url", "")) if isinstance(app, dict) else ""
        if not url.startswith("https://"):
            raise bad_request(
                f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
            )
        if not private:
            raise bad_request("BUTTON_TYPE_INVALID")
