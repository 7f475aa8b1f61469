"""A bot's face at Telegram: names, texts, menu and rights; read, set as the deployment wants it, and compared.

By aiogram's client, as `adapters.telegram.manage`. What only @BotFather can change is told, not set.

https://core.telegram.org/bots/api#setmycommands, #setchatmenubutton
"""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.protocol import ChannelAccess
from adapters.reading import string
from adapters.telegram.manage import WebhookInfo, ask, set_my_commands
from adapters.telegram.parse import wanted_updates
from adapters.telegram.people import section

MAX_COMMANDS: Final = 100


class BotProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What Telegram shows of a bot, and what @BotFather lets it do."""

    name: str = ""
    description: str = ""
    """What an empty chat shows."""
    about: str = ""
    """What the profile shows."""
    commands: tuple[tuple[str, str], ...] = ()
    """(command, description), in the menu's order."""
    menu: tuple[str, str] = ("", "")
    """(text, address) of the Mini App that the button beside the input field opens; empty for the commands."""
    joins_groups: bool = True
    reads_groups: bool = False
    """Hears everything that is said in groups: privacy mode is off."""
    inline: bool = False


async def get_profile(access: ChannelAccess) -> BotProfile:
    """Ask Telegram. Raises `SendFailed`."""
    me = await ask(access, lambda bot: bot.get_me())
    name = await ask(access, lambda bot: bot.get_my_name())
    description = await ask(access, lambda bot: bot.get_my_description())
    about = await ask(access, lambda bot: bot.get_my_short_description())
    commands = await ask(access, lambda bot: bot.get_my_commands())
    menu = await ask(access, lambda bot: bot.get_chat_menu_button())
    app = getattr(menu, "web_app", None)
    return BotProfile(
        name=name.name,
        description=description.description,
        about=about.short_description,
        commands=tuple((one.command, one.description) for one in commands),
        menu=("", "") if app is None else (getattr(menu, "text", ""), app.url),
        joins_groups=bool(me.can_join_groups),
        reads_groups=bool(me.can_read_all_group_messages),
        inline=bool(me.supports_inline_queries),
    )


def wanted_profile(access: ChannelAccess) -> BotProfile:
    """What the deployment's `bot_configuration` and `bot_features` ask for; empty where they say nothing.

    `bot_features.menu_button` (`{"text", "url"}`) opens a Mini App from the button beside the input field.
    """
    who, features = section(access, "bot_configuration"), section(access, "bot_features")
    given, button = features.get("commands"), features.get("menu_button")
    lines = [line for line in given if type(line) is dict] if isinstance(given, list | tuple) else []
    return BotProfile(
        name=string(who, "bot_name"),
        description=string(who, "description"),
        about=string(who, "about"),
        commands=tuple(
            (string(line, "command").lstrip("/").lower(), string(line, "description"))
            for line in lines[:MAX_COMMANDS]
        ),
        menu=(string(button, "text"), string(button, "url")) if type(button) is dict else ("", ""),
        joins_groups=features.get("group_mode") is True,
        reads_groups=features.get("privacy_mode") is False,
        inline=features.get("inline_mode") is True,
    )


async def set_profile(access: ChannelAccess) -> tuple[str, ...]:
    """Set what differs from what the deployment asks for; returns what was set. Raises `SendFailed`.

    Only what differs: Telegram lets a name be changed a few times a day.
    """
    wanted, present = wanted_profile(access), await get_profile(access)
    done: list[str] = []
    if wanted.name and wanted.name != present.name:
        await ask(access, lambda bot: bot.set_my_name(name=wanted.name))
        done.append("name")
    if wanted.description and wanted.description != present.description:
        await ask(access, lambda bot: bot.set_my_description(description=wanted.description))
        done.append("description")
    if wanted.about and wanted.about != present.about:
        await ask(access, lambda bot: bot.set_my_short_description(short_description=wanted.about))
        done.append("about")
    if wanted.commands and wanted.commands != present.commands:
        await set_my_commands(access, wanted.commands)
        done.append("commands")
    if all(wanted.menu) and wanted.menu != present.menu:
        await set_menu_button(access, *wanted.menu)
        done.append("menu button")
    return tuple(done)


async def set_menu_button(access: ChannelAccess, text: str, url: str) -> None:
    """Let the button beside the input field open the Mini App at `url`; the commands again if both are empty."""
    from aiogram.types import MenuButtonCommands, MenuButtonWebApp, WebAppInfo

    button: MenuButtonCommands | MenuButtonWebApp = MenuButtonCommands()
    if text and url:
        button = MenuButtonWebApp(text=text, web_app=WebAppInfo(url=url))
    await ask(access, lambda bot: bot.set_chat_menu_button(menu_button=button))


def shortcomings(access: ChannelAccess, profile: BotProfile, hook: WebhookInfo) -> tuple[str, ...]:
    """What is not as the deployment asks for, each with its mend; none when all is well.

    The webhook's address is the gateway's own affair; here it counts only which updates it asks for.
    """
    wanted = wanted_profile(access)
    found = [
        f"the {what} is not the configuration's: gateway channel connect telegram sets it"
        for what, asked, present in (
            ("name", wanted.name, profile.name),
            ("description", wanted.description, profile.description),
            ("about text", wanted.about, profile.about),
            ("menu of commands", wanted.commands, profile.commands),
            ("menu button", wanted.menu if all(wanted.menu) else (), profile.menu),
        )
        if asked and asked != present
    ]
    if (
        hook.url
        and hook.allowed_updates
        and (lost := set(wanted_updates(access)) - set(hook.allowed_updates))
    ):
        found.append(
            f"Telegram does not tell of {', '.join(sorted(lost))}: gateway channel connect telegram asks for them"
        )
    if wanted.joins_groups and not profile.joins_groups:
        found.append("the bot can't be added to groups: /setjoingroups at @BotFather")
    if wanted.reads_groups and not profile.reads_groups:
        found.append("privacy mode is on, so that groups are hardly heard: /setprivacy at @BotFather")
    if wanted.inline and not profile.inline:
        found.append("inline mode is off: /setinline at @BotFather")
    return tuple(found)
