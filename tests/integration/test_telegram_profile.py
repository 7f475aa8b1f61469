"""A bot's face at Telegram: set as the deployment asks, compared with it, and nothing set twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.errors import Misconfigured, Refused
from adapters.protocol import ChannelAccess
from adapters.telegram import manage, profile
from tests.integration.test_telegram_client import access_to
from tests.platforms.telegram import Fault, MockTelegram

DEPLOYMENT: dict[str, Any] = {
    "bot_configuration": {
        "bot_username": "velo_workshop_bot",
        "bot_name": "Velo Workshop",
        "description": "Repairs while you wait",
        "about": "Bikes and more",
    },
    "webhook_setup": {"allowed_updates": ["message", "callback_query", "inline_query"]},
    "bot_features": {
        "inline_mode": True,
        "group_mode": True,
        "privacy_mode": False,
        "commands": [
            {"command": "/Start", "description": "Begin"},
            {"command": "help", "description": "Get help"},
        ],
        "menu_button": {"text": "Shop", "url": "https://velo.example/app"},
    },
}
WANTED = profile.BotProfile(
    name="Velo Workshop",
    description="Repairs while you wait",
    about="Bikes and more",
    commands=(("start", "Begin"), ("help", "Get help")),
    menu=("Shop", "https://velo.example/app"),
    joins_groups=True,
    reads_groups=True,
    inline=True,
)


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        yield server


def deployed(mock: MockTelegram, settings: dict[str, Any]) -> ChannelAccess:
    access = access_to(mock.url)
    return ChannelAccess(
        channel_id=access.channel_id, secrets=access.secrets, settings={**access.settings, **settings}
    )


async def test_a_profile_is_set_once_and_read_back(mock: MockTelegram) -> None:
    access = deployed(mock, DEPLOYMENT)
    assert await profile.set_profile(access) == ("name", "description", "about", "commands", "menu button")
    mock.bot.rights = {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": True,
    }
    assert await profile.get_profile(access) == WANTED == profile.wanted_profile(access)
    mock.faults.add(Fault(kind="error", method="setMyName"), Fault(kind="error", method="setMyCommands"))
    assert await profile.set_profile(access) == ()


async def test_a_deployment_that_says_nothing_changes_nothing(mock: MockTelegram) -> None:
    mock.bot.description = "set by hand"
    access = access_to(mock.url)
    assert await profile.set_profile(access) == ()
    assert mock.bot.description == "set by hand"
    found = await profile.get_profile(access)
    assert profile.shortcomings(access, found, await manage.get_webhook_info(access)) == ()


async def test_what_is_missing_is_told_with_its_mend(mock: MockTelegram) -> None:
    access = deployed(mock, DEPLOYMENT)
    mock.bot.rights["can_join_groups"] = False
    await manage.set_webhook(
        access, url="http://127.0.0.1:9/hook", secret="s", allowed_updates=["message", "callback_query"]
    )
    told = profile.shortcomings(
        access, await profile.get_profile(access), await manage.get_webhook_info(access)
    )
    assert [line.partition(":")[0] for line in told] == [
        "the name is not the configuration's",
        "the description is not the configuration's",
        "the about text is not the configuration's",
        "the menu of commands is not the configuration's",
        "the menu button is not the configuration's",
        "Telegram does not tell of inline_query, my_chat_member",
        "the bot can't be added to groups",
        "privacy mode is on, so that groups are hardly heard",
        "inline mode is off",
    ]
    assert all(": " in line for line in told)
    await profile.set_profile(access)
    await manage.set_webhook(access, url="http://127.0.0.1:9/hook", secret="s")
    mock.bot.rights = dict.fromkeys(mock.bot.rights, True)
    assert (
        profile.shortcomings(access, await profile.get_profile(access), await manage.get_webhook_info(access))
        == ()
    )


async def test_a_webhook_asks_for_what_the_settings_name_and_what_is_needed(mock: MockTelegram) -> None:
    await manage.set_webhook(deployed(mock, DEPLOYMENT), url="http://127.0.0.1:9/hook", secret="s")
    assert mock.bot.allowed == frozenset({"message", "callback_query", "inline_query", "my_chat_member"})


async def test_the_menu_button_goes_back_to_the_commands(mock: MockTelegram) -> None:
    access = access_to(mock.url)
    await profile.set_menu_button(access, "Shop", "https://velo.example/app")
    assert mock.bot.menu_button["type"] == "web_app"
    await profile.set_menu_button(access, "", "")
    assert mock.bot.menu_button == {"type": "commands"}


async def test_what_telegram_refuses_of_a_profile_is_told(mock: MockTelegram) -> None:
    wrong = {"bot_features": {"commands": [{"command": "no spaces", "description": "x"}]}}
    with pytest.raises(Refused, match="BOT_COMMAND_INVALID"):
        await profile.set_profile(deployed(mock, wrong))
    with pytest.raises(Misconfigured):
        await profile.get_profile(access_to(mock.url, "4242424242:wrong-one"))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bot_features": {"commands": "start", "menu_button": "Shop"}, "bot_configuration": []},
        {"bot_features": {"commands": [7], "menu_button": {"text": "Shop"}}},
    ],
)
def test_a_configuration_of_another_shape_asks_for_nothing(settings: dict[str, Any]) -> None:
    access = ChannelAccess(channel_id=access_to("").channel_id, secrets={}, settings=settings)
    wanted = profile.wanted_profile(access)
    assert (wanted.commands, all(wanted.menu), wanted.name) == ((), False, "")
