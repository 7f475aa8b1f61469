"""Long menus: when they are paged, leafing, and what it leaves as it was."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from engine.answers.sentences import sentence
from engine.answers.translations import TRANSLATIONS
from engine.effects import CancelTimer, Send, StartTimer
from engine.events import ChoiceMade
from engine.messages import Paging
from engine.nodes.base import page_key
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node


def menu(count: int, **config: Any) -> dict[str, Any]:
    options = [{"text": f"Option {number}", "value": f"v{number}"} for number in range(1, count + 1)]
    return node("menu", "quick_reply", "picked", message="Which?", options=options, variable="v", **config)


def chat_with(count: int, *, customer: Customer | None = None, **config: Any) -> Chat:
    settings = config.pop("settings", {})
    picked = message("picked", message="{{v}}")
    chat = Chat(bot_of(menu(count, **config), picked, global_settings=settings), customer=customer)
    chat.say("hello")
    return chat


def leaf(chat: Chat, page: int, carried_by: str = "") -> list[str]:
    return chat.happen(
        ChoiceMade(choice=f"{page_key('menu')}{page}", title="More options"), message=carried_by
    )


@pytest.mark.parametrize(("count", "paged"), [(3, False), (4, True)])
def test_a_menu_of_more_than_three_is_paged(count: int, paged: bool) -> None:
    assert (chat_with(count).sends[-1].message.paging is not None) is paged


def test_an_input_with_many_options_is_paged_and_asks_again_paged() -> None:
    options = [{"text": str(number)} for number in range(5)]
    chat = Chat(bot_of(node("menu", "input", message="?", type="choice", variable="v", options=options)))
    chat.say("hello")
    assert chat.sends[-1].message.paging == Paging(key=page_key("menu"), more="More options", back="Back")
    chat.say("nonsense")
    assert chat.sends[-1].message.paging is not None
    assert leaf(chat, 1) == ["?"]


def test_leafing_says_the_question_again_in_place_at_the_page() -> None:
    chat = chat_with(30)
    assert leaf(chat, 2, carried_by="17") == ["Which?"]
    (send,) = chat.sends
    assert (send.message.edits, send.delay_ms) == ("17", 0)
    assert send.message.paging == Paging(key=page_key("menu"), more="More options", back="Back", page=2)
    assert len(send.message.choices) == 30
    assert chat.traced("page") == [""]


def test_leafing_changes_nothing_else() -> None:
    chat = chat_with(5, timeout=60, settings={"max_turns": 2})
    before = chat.state
    for _ in range(5):
        leaf(chat, 1)
        assert not [effect for effect in chat.effects if isinstance(effect, StartTimer | CancelTimer)]
    assert structs.replace(chat.state, last_event_at=None) == structs.replace(before, last_event_at=None)
    assert chat.say("v4") == ["v4"]


@pytest.mark.parametrize("answer", ["27", "Option 27", "v27", "option 27!"])
def test_an_option_of_any_page_can_be_written(answer: str) -> None:
    chat = chat_with(30)
    assert chat.say(answer) == ["v27"]


def test_an_older_menu_can_be_leafed_through_and_picked_from() -> None:
    chat = chat_with(5)
    assert chat.click("menu", 0) == ["v1"]
    assert leaf(chat, 1) == ["Which?"]
    assert chat.state.node == "picked"
    assert chat.click("menu", 4) == ["v5"]


def test_leafing_ends_no_session_that_is_over() -> None:
    chat = chat_with(5, settings={"timeout": 60})
    chat.wait(3_600)
    assert leaf(chat, 1) == ["Which?"]
    chat.say("hello")
    assert chat.traced("start") == ["silent for more than 60 s"]


def test_leafing_keeps_a_session_alive() -> None:
    chat = chat_with(5, settings={"timeout": 60})
    for _ in range(3):
        chat.wait(50)
        leaf(chat, 1)
    chat.say("v1")
    assert chat.traced("start") == []


def test_while_a_human_answers_nothing_is_leafed() -> None:
    chat = chat_with(5)
    chat.state = structs.replace(chat.state, control="human")
    assert leaf(chat, 1) == []


@pytest.mark.parametrize(
    "choice", ["p1", "nope:p1", f"{page_key('menu')}x", f"{page_key('menu')}", f"{page_key('menu')}9999"]
)
def test_what_leads_to_no_page_is_what_stands_on_the_button(choice: str) -> None:
    chat = chat_with(5)
    assert chat.happen(ChoiceMade(choice=choice, title="Option 2")) == ["v2"]


def test_a_menu_too_short_to_be_paged_has_no_pages() -> None:
    chat = chat_with(3)
    assert page_key("menu") not in chat.bot.pages


def test_a_question_that_can_not_be_filled_in_any_more_stays_as_it_is() -> None:
    long = "{{v}}" * 2
    chat = Chat(
        bot_of(node("menu", "quick_reply", message=long, options=[{"text": str(n)} for n in range(4)]))
    )
    chat.state = structs.replace(chat.state, variables={"v": "x" * 15_000})
    assert leaf(chat, 1) == []
    assert chat.traced("error")[0].startswith("TemplateError")


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_leafing_is_in_the_customers_language(language: str) -> None:
    bot = bot_of(menu(5), message("picked"), supported_languages=["en", language])
    chat = Chat(bot, customer=Customer(id="1", language=language))
    chat.say("x")
    (send,) = (effect for effect in chat.effects if isinstance(effect, Send))
    paging = send.message.paging
    assert paging is not None
    assert (paging.more, paging.back) == (sentence("more_options", language), sentence("back", language))
