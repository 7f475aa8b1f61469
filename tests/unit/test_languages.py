"""A flow of several languages: which one a customer is spoken to in, and what is understood in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine.answers.sentences import sentence
from engine.compile import FlowInvalid, compile_flow
from engine.effects import UpdateCustomer
from engine.events import ChoiceMade, CommandReceived, MediaReceived, TextReceived
from engine.languages import MAX_TAG, Languages
from engine.nodes.base import choice_id
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node

GERMAN = Customer(id="1", language="de")
GERMAN_TEXT = "Ich hätte gern gewusst, was das alles kostet"
FRENCH_TEXT = "Je voudrais savoir combien tout cela coûte"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_at", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("PT-br", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("fr", ""),
        ("", ""),
        ("-", ""),
        ("d", ""),
        ("deu", ""),
        ("de" + "-x" * 100_000, "de"),
    ],
)
def test_a_tag_means_the_nearest_language_there_is(tag: str, language: str) -> None:
    assert Languages("en", ["de", "pt-BR", "zh-Hans", "zh-Hant"], {}).resolve(tag) == language


def test_the_default_is_supported_and_nothing_is_twice() -> None:
    languages = Languages("en", ["de", "EN", "de"], {})
    assert languages.supported == ("en", "de")
    assert languages.resolve("EN") == "en"
    assert not Languages("en", ["EN"], {}).several


def test_what_is_not_translated_yet_stays_as_it_is() -> None:
    languages = Languages("en", ["de"], {"de": {"Hi": "", "n|Hi": "", "Yo": [], "Bye": ["", "Tschüss"]}})
    assert languages.translated("Hi", "n") == {}
    assert languages.words("de", "Yo") == ()
    assert languages.words("de", "Bye") == ("Tschüss",)


def test_a_text_can_be_translated_for_one_node() -> None:
    texts = {"de": {"Book": "Buch", "reserve|Book": "Buchen", "a|b": "Strich"}}
    languages = Languages("en", ["de"], texts)
    assert languages.translated("Book") == {"de": "Buch"}
    assert languages.translated("Book", "reserve") == {"de": "Buchen"}
    assert languages.translated("Book", "shop") == {"de": "Buch"}
    assert languages.translated("a|b", "x") == {"de": "Strich"}


def detect(text: str, languages: Sequence[str]) -> tuple[str, float]:
    """Knows a language by one word of it."""
    marks = {"kostet": ("de", 0.9), "coûte": ("fr", 0.95), "vielleicht": ("de", 0.5), "costa": ("es", 0.9)}
    return next((found for mark, found in marks.items() if mark in text), ("en", 0.9))


SECTIONS: dict[str, Any] = {
    "supported_languages": ["en", "de", "fr"],
    "translations": {
        "de": {
            "Which?": "Welche?",
            "Red": "Rot",
            "Blue": "Blau",
            "ask|Hello {{user.first_name}}": "Hallo {{user.first_name}}",
            "agent": ["Mensch", "Berater"],
            "No way": "Auf keinen Fall",
            "A colour": "Eine Farbe",
        },
        "fr": {"Which?": "Lequel ?", "Red": "Rouge"},
    },
    "global_actions": {"human": {"keywords": ["agent"], "target": "desk"}},
}


def bot(**sections: Any) -> Any:
    options = [{"text": "Red", "value": "r", "description": "A colour"}, {"text": "Blue", "value": "b"}]
    nodes = [
        node("menu", "quick_reply", "ok", message="Which?", options=options, variable="v"),
        message("ok", message="{{v}}"),
        message("desk"),
    ]
    definition = {"start_node": "menu", "nodes": nodes, **SECTIONS, **sections}
    return compile_flow(definition, flow_id="test", detect=detect)


def test_the_customers_own_language_is_spoken() -> None:
    chat = Chat(bot(), customer=GERMAN)
    assert chat.say("hi") == ["Welche?"]
    assert chat.choices == ["Rot", "Blau"]
    assert chat.sends[0].message.choices[0].description == "Eine Farbe"
    assert chat.sends[0].message.language == "de"


@pytest.mark.parametrize("language", ["", "en", "xx", "es"])
def test_any_other_language_is_the_flows_default(language: str) -> None:
    chat = Chat(bot(), customer=Customer(language=language))
    assert chat.say("hi") == ["Which?"]
    assert chat.sends[0].message.language == "en"


def test_what_is_not_translated_is_said_in_the_flows_own_language() -> None:
    chat = Chat(bot(), customer=Customer(language="fr"))
    chat.say("hi")
    assert chat.choices == ["Rouge", "Blue"]


def test_a_flow_of_one_language_says_nothing_of_it() -> None:
    chat = Chat(bot_of(message("a")), customer=GERMAN)
    chat.say("hi")
    assert chat.sends[0].message.language == ""


@pytest.mark.parametrize("typed", ["Blau", "blue", "BLAU!", "b", "2"])
def test_a_choice_can_be_typed_in_any_language(typed: str) -> None:
    chat = Chat(bot(), customer=GERMAN)
    chat.say("hi")
    assert chat.say(typed) == ["b"]


@pytest.mark.parametrize("customer", [GERMAN, Customer()])
@pytest.mark.parametrize("word", ["agent", "Mensch", "Berater", "beratr"])
def test_keywords_count_in_every_language(customer: Customer, word: str) -> None:
    chat = Chat(bot(), customer=customer)
    assert chat.say("hi", word) == ["desk"]


def test_keywords_can_be_listed_by_language() -> None:
    actions = {"human": {"keywords": {"en": ["agent"], "de": ["Mensch"]}, "target": "desk"}}
    chat = Chat(bot(global_actions=actions))
    assert chat.say("hi", "mensch") == ["desk"]


def test_a_long_text_tells_the_language() -> None:
    chat = Chat(bot())
    assert chat.say(GERMAN_TEXT) == ["Welche?"]
    assert (chat.state.language, chat.traced("language")) == ("de", ["detected"])
    assert chat.say(FRENCH_TEXT) != ["Lequel ?"], "once it is known, it stays"
    assert chat.state.language == "de"


@pytest.mark.parametrize(
    "body",
    [
        TextReceived(text="kostet"),
        TextReceived(text="vielleicht ist das so gemeint, wer weiß"),
        TextReceived(text="no sé cuánto costa todo esto, dime"),
        CommandReceived(command="start", argument=GERMAN_TEXT),
        ChoiceMade(choice="unknown", title=GERMAN_TEXT),
    ],
)
def test_a_short_doubtful_or_foreign_text_and_what_nobody_wrote_do_not(body: Any) -> None:
    chat = Chat(bot())
    chat.happen(body)
    assert chat.state.language == ""


def test_a_caption_tells_the_language_too() -> None:
    chat = Chat(bot())
    chat.happen(MediaReceived(kind="image", file="x", caption=GERMAN_TEXT))
    assert chat.state.language == "de"


def test_the_title_of_a_button_says_nothing_of_the_customers_language() -> None:
    title = "I would like to see everything that you have"
    menu = node("menu", "quick_reply", "menu", message="?", options=[{"text": title}])
    definition = {"start_node": "menu", "nodes": [menu], "supported_languages": ["en", "de"]}
    chat = Chat(compile_flow(definition, flow_id="t", detect=detect), customer=GERMAN)
    chat.say("hi")
    chat.click("menu", 0)
    assert chat.state.language == ""


def test_nothing_is_detected_for_a_flow_of_one_language() -> None:
    one = compile_flow({"start_node": "a", "nodes": [message("a")]}, flow_id="t", detect=detect)
    chat = Chat(one)
    chat.say(GERMAN_TEXT)
    assert chat.state.language == ""


def input_chat(customer: Customer, **config: Any) -> Chat:
    ask = node("ask", "input", "ok", **{"message": "Which?", "variable": "v", **config})
    chat = Chat(bot_of(ask, message("ok", message="{{v}}"), message("desk"), **SECTIONS), customer=customer)
    chat.say("hi")
    return chat


@pytest.mark.parametrize(("customer", "language"), [(GERMAN, "de"), (Customer(), "en")])
def test_retry_sentences_are_in_the_customers_language(customer: Customer, language: str) -> None:
    assert input_chat(customer, type="email").say("nonsense") == [sentence("retry_email", language)]
    assert input_chat(customer, type="yes_no").choices == [
        sentence("yes", language),
        sentence("no", language),
    ]


OPTIONS = [{"text": "Red", "value": "r"}, {"text": "Blue", "value": "b"}, {"text": "Kiwi", "value": "k"}]


@pytest.mark.parametrize("customer", [GERMAN, Customer()])
@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("Rot", "r"),
        ("red", "r"),
        ("2", "b"),
        ("2.", "b"),
        ("#3", "k"),
        ("(3)", "k"),
        ("kiw", "k"),
        ("blau bitte", None),
        ("K", "k"),
        ("bla", "b"),
        ("4.", None),
    ],
)
def test_an_option_can_be_typed_in_any_language_or_by_its_number(
    customer: Customer, typed: str, value: str | None
) -> None:
    chat = input_chat(customer, type="choice", options=OPTIONS)
    chat.say(typed)
    assert chat.state.variables.get("v") == value


def test_a_text_for_one_node_is_said_there_only() -> None:
    ask = message("ask", "tell", message="Hello {{user.first_name}}")
    tell = message("tell", message="Hello {{user.first_name}}")
    chat = Chat(
        bot_of(ask, tell, message("desk"), **SECTIONS), customer=Customer(first_name="Ana", language="de-CH")
    )
    assert chat.say("hi") == ["Hallo Ana", "Hello Ana"]


def language_chat(customer: Customer | None = None, **config: Any) -> Chat:
    menu = node("menu", "quick_reply", "set", message="Which?", options=[{"text": "Red"}], variable="v")
    chat = Chat(
        bot_of(
            menu, node("set", "set_language", "again", **config), message("again", message="Which?"),
            message("desk"), **SECTIONS,
        ),
        customer=customer,
    )  # fmt: skip
    chat.say("hi")
    return chat


def test_set_language_changes_what_follows_and_is_remembered() -> None:
    chat = language_chat(language="de")
    assert chat.click("menu", 0) == ["Welche?"]
    assert chat.effects_of(UpdateCustomer) == [UpdateCustomer(language="de")]
    assert chat.customer.language == "de"
    assert chat.sends[-1].message.language == "de"
    assert chat.command("start") == ["Welche?"]


def test_set_language_for_this_conversation_only() -> None:
    chat = language_chat(language="de", remember=False)
    chat.click("menu", 0)
    assert chat.effects_of(UpdateCustomer) == []
    assert chat.state.language == "de"


def test_what_the_profile_says_already_is_not_written_again() -> None:
    chat = language_chat(GERMAN, language="de")
    chat.click("menu", 0)
    assert chat.effects_of(UpdateCustomer) == []


@pytest.mark.parametrize(
    ("expression", "language"),
    [
        ("'de-AT'", "de"),
        ("'FR'", "fr"),
        ("'xx'", ""),
        ("nothing", ""),
        ("5", ""),
        ("v + 'x'.repeat(200)", ""),
    ],
)
def test_a_language_that_the_flow_does_not_speak_changes_nothing(expression: str, language: str) -> None:
    chat = language_chat(expression=expression)
    chat.click("menu", 0)
    assert chat.state.language == language
    assert chat.entered == ["set", "again"]
    if not language:
        assert chat.traced("language") == ["not a language of the flow"]


def test_an_expression_that_fails_takes_the_way_for_errors() -> None:
    setter = node("set", "set_language", {"target": "desk", "condition": "error"}, expression="v.a.b")
    assert Chat(bot_of(setter, message("desk"), **SECTIONS)).say("hi") == ["desk"]


def test_templates_and_expressions_read_the_language() -> None:
    chat = Chat(bot_of(message("a", message="{{language}}"), message("desk"), **SECTIONS), customer=GERMAN)
    assert chat.say("hi") == ["de"]


def test_the_default_language_can_have_translations_of_its_own() -> None:
    texts = {"en": {"menu|Red": "Crimson"}, "de": {"Red": "Rot"}}
    menu = node("menu", "quick_reply", message="?", options=[{"text": "Red"}])
    chat = Chat(bot_of(menu, translations=texts, supported_languages=["de"]))
    chat.say("hi")
    assert chat.choices == ["Crimson"]
    chat.say("red")
    assert chat.traced("choice") == ["Red"]


def test_translations_are_checked() -> None:
    with pytest.raises(FlowInvalid, match='does not speak "fr"'):
        bot(supported_languages=["en", "de"])
    with pytest.raises(FlowInvalid, match="the template is wrong"):
        bot(translations={"de": {"Which?": "Welche {{"}})
    assert bot(translations={"de": {"Red": "Rot"}}).languages.several


def test_an_older_button_acts_whatever_language_it_was_in() -> None:
    chat = Chat(bot(), customer=GERMAN)
    chat.say("hi", "Mensch")
    assert chat.happen(ChoiceMade(choice=choice_id("menu", 1), title="Blau")) == ["b"]


def test_no_tag_is_too_long() -> None:
    assert Languages("en", ["de"], {}).resolve("x" * 10 * MAX_TAG) == ""
