"""Is a reply_markup one that Telegram takes?"""

from __future__ import annotations

from typing import Any, Final

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


def check_markup(markup: Any) -> dict[str, Any] | None:
    """The markup as it will be stored with the message (inline keyboards only are); None when there is none."""
    if markup is None or markup == "":
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        for row in rows:
            for button in row:
                _check_inline_button(button)
        if sum(map(len, rows)) > MAX_BUTTONS or len(msgspec.json.encode(markup)) > MAX_MARKUP_BYTES:
            raise bad_request("reply markup is too long")
        return {"inline_keyboard": [row for row in rows if row]}
    if "keyboard" in markup:
        if sum(map(len, _rows(markup["keyboard"]))) > MAX_REPLY_BUTTONS:
            raise bad_request("reply markup is too long")
        return None
    if markup.get("remove_keyboard") is True or markup.get("force_reply") is True or not markup:
        return None
    raise bad_request("can't parse reply keyboard markup JSON object")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse reply keyboard markup JSON object: an Array of Array expected")
    return rows


def _check_inline_button(button: Any) -> None:
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
