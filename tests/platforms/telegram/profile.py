"""The methods that set a bot up: its name, descriptions, menu, and what it may hear."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.platforms.telegram.errors import bad_request
from tests.platforms.telegram.parameters import Parameters
from tests.platforms.telegram.world import JSON, Bot, Method, Via

MAX_COMMANDS: Final = 100
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def get_me(bot: Bot, given: Parameters, via: Via) -> JSON:
    """Who the bot is, and what @BotFather lets it do."""
    return {**bot.json(), **bot.rights}


def set_my_commands(bot: Bot, given: Parameters, via: Via) -> bool:
    """Set the bot's menu."""
    commands = given.nested("commands")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not isinstance(command, dict) or not _COMMAND.fullmatch(
            str(command.get("command", "")).lstrip("/")
        ):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    bot.commands = commands
    return True


def delete_my_commands(bot: Bot, given: Parameters, via: Via) -> bool:
    """Remove the menu."""
    bot.commands = []
    return True


def set_chat_menu_button(bot: Bot, given: Parameters, via: Via) -> bool:
    """What the button beside the input field opens: the commands, or a Mini App."""
    button: Any = given.nested("menu_button") or {"type": "default"}
    kind = button.get("type") if isinstance(button, dict) else None
    if kind not in ("default", "commands", "web_app"):
        raise bad_request("can't parse MenuButton: Unsupported type specified")
    if kind == "web_app":
        app = button.get("web_app")
        url = str(app.get("url", "")) if isinstance(app, dict) else ""
        if not button.get("text") or not url.startswith("https://"):
            raise bad_request("can't parse MenuButton: menu button Web App URL is invalid")
    bot.menu_button = button
    return True


def _set_text(field: str, parameter: str, limit: int) -> Method:
    def method(bot: Bot, given: Parameters, via: Via) -> bool:
        text = given.string(parameter)
        if len(text) > limit:
            raise bad_request(f"{parameter.replace('_', ' ')} is too long")
        setattr(bot, field, text)
        return True

    return method


def _set_name(bot: Bot, given: Parameters, via: Via) -> bool:
    name = given.string("name")
    if len(name) > 64:
        raise bad_request("BOT_TITLE_INVALID")
    bot.name = name or "Mock Bot"
    return True


PROFILE: Final[dict[str, Method]] = {
    "getme": get_me,
    "setmycommands": set_my_commands,
    "getmycommands": lambda bot, given, via: bot.commands,
    "deletemycommands": delete_my_commands,
    "setmyname": _set_name,
    "getmyname": lambda bot, given, via: {"name": bot.name},
    "setmydescription": _set_text("description", "description", 512),
    "getmydescription": lambda bot, given, via: {"description": bot.description},
    "setmyshortdescription": _set_text("short_description", "short_description", 120),
    "getmyshortdescription": lambda bot, given, via: {"short_description": bot.short_description},
    "setchatmenubutton": set_chat_menu_button,
    "getchatmenubutton": lambda bot, given, via: bot.menu_button,
}
