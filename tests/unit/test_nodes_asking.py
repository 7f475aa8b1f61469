"""`input`, `consent` and `feedback`: every kind of answer, what is said to a bad one, and what is kept and recorded."""

from __future__ import annotations

from typing import Any

import pytest

from engine.answers.sentences import sentence
from engine.compile import FlowInvalid
from engine.effects import Record
from engine.events import ChoiceMade, ContactReceived, EventBody, LocationReceived, MediaReceived
from engine.nodes.base import choice_id
from engine.nodes.feedback import MAX_COMMENT, read_rating
from engine.nodes.input import MAX_ANSWER
from engine.state import ConversationState, Customer, Waiting
from tests.conversations.chat import Chat, bot_of, message, node

NODES = [
    message("thanks"), message("sorry"), message("late"), message("enough"), message("agreed"), message("refused"),
]  # fmt: skip


def chat_of(
    type_: str, *ways: Any, customer: Customer | None = None, settings: dict[str, Any] | None = None,
    actions: dict[str, Any] | None = None, **config: Any,
) -> Chat:  # fmt: skip
    bot = bot_of(
        node("ask", type_, *(ways or ("thanks",)), **{"message": "Well?", **config}), *NODES,
        global_settings={"fallback_node": "sorry", **(settings or {})}, global_actions=actions or {},
    )  # fmt: skip
    chat = Chat(bot, customer=customer)
    chat.say("hi")
    return chat


def asking(**config: Any) -> Chat:
    return chat_of("input", variable="v", **config)


# input: the types

GOOD = [
    ("text", "anything at all", "anything at all"),
    ("number", "1,250.5", 1250.5),
    ("integer", "twelve", 12),
    ("integer", "-3", -3),
    ("email", "ANA@Example.com", "ANA@example.com"),
    ("phone", "+49 30 1234567", "+49301234567"),
    ("url", "example.com/a", "https://example.com/a"),
    ("date", "2026-02-28", "2026-02-28"),
    ("date", "tomorrow", "2026-01-15"),
    ("time", "3 pm", "15:00"),
    ("yes_no", "sure", True),
    ("yes_no", "1", True),
    ("yes_no", "nope", False),
    ("location", "52.5, 13.4", {"latitude": 52.5, "longitude": 13.4, "name": ""}),
    ("contact", "+49 30 1234567", {"phone": "+49301234567", "name": ""}),
]
BAD = [
    ("number", "many"),
    ("integer", "3.5"),
    ("email", "ana at example"),
    ("phone", "12"),
    ("url", "no address"),
    ("date", "2026-02-30"),
    ("time", "25:00"),
    ("yes_no", "perhaps"),
    ("location", "over there"),
    ("contact", "my friend"),
    ("file", "here is the file"),
    ("text", " \n "),
    ("text", "x" * (MAX_ANSWER + 1)),
]


@pytest.mark.parametrize(("type_", "text", "value"), GOOD)
def test_a_good_answer_is_stored(type_: str, text: str, value: Any) -> None:
    chat = asking(type=type_)
    chat.say(text)
    assert chat.state.variables == {"v": value}
    assert chat.entered == ["thanks"]


@pytest.mark.parametrize(("type_", "text"), BAD)
def test_a_bad_answer_is_told_so_in_the_types_own_sentence(type_: str, text: str) -> None:
    chat = asking(type=type_)
    assert chat.say(text) == [sentence(f"retry_{type_}", "en")]
    assert chat.state.variables == {}
    assert chat.state.waiting == Waiting(node="ask", attempts=1)


EVENTS: list[tuple[str, EventBody, Any]] = [
    (
        "location",
        LocationReceived(latitude=1.5, longitude=2.5, name="Home"),
        {"latitude": 1.5, "longitude": 2.5, "name": "Home"},
    ),
    ("contact", ContactReceived(phone="+49123", name="Ana"), {"phone": "+49123", "name": "Ana"}),
    ("phone", ContactReceived(phone="+49 30 1234567", name="Ana"), "+49301234567"),
    (
        "file",
        MediaReceived(kind="document", file="f", name="cv.pdf", mime_type="application/pdf", size=9, caption="my cv"),
        {
            "kind": "document", "file": "f", "name": "cv.pdf", "mime_type": "application/pdf", "size": 9,
            "caption": "my cv", "media": "", "url": "",
        },
    ),
    ("text", MediaReceived(kind="image", file="f", caption="a caption"), "a caption"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "body", "value"), EVENTS, ids=[row[0] for row in EVENTS])
def test_what_is_shared_is_stored(type_: str, body: EventBody, value: Any) -> None:
    chat = asking(type=type_)
    chat.happen(body)
    assert chat.state.variables == {"v": value}


@pytest.mark.parametrize("type_", ["text", "number", "email", "date", "yes_no", "file"])
@pytest.mark.parametrize(
    "body", [LocationReceived(latitude=1.0, longitude=2.0), ContactReceived(phone="+491")]
)
def test_what_was_not_asked_for_is_no_answer(type_: str, body: EventBody) -> None:
    chat = asking(type=type_)
    chat.happen(body)
    assert chat.state.variables == {}


@pytest.mark.parametrize(
    ("config", "kind", "size", "taken"),
    [
        ({}, "image", None, True),
        ({}, "sticker", None, False),
        ({"accept": ["image", "document"]}, "document", None, True),
        ({"accept": ["image", "document"]}, "video", None, False),
        ({"accept": ["sticker"]}, "sticker", None, True),
        ({"max_bytes": 100}, "image", 100, True),
        ({"max_bytes": 100}, "image", 101, False),
        ({"max_bytes": 100}, "image", None, True),
    ],
)
def test_files_are_taken_by_kind_and_size(
    config: dict[str, Any], kind: Any, size: int | None, taken: bool
) -> None:
    chat = asking(type="file", **config)
    chat.happen(MediaReceived(kind=kind, file="f", size=size))
    assert ("v" in chat.state.variables) is taken


@pytest.mark.parametrize(
    ("type_", "request_"),
    [("location", "location"), ("contact", "contact"), ("phone", "contact"), ("text", None)],
)
def test_the_message_asks_for_what_is_wanted_each_time(type_: str, request_: str | None) -> None:
    chat = asking(type=type_)
    assert chat.sends[0].message.request == request_
    chat.say("")
    assert chat.sends[0].message.request == request_


# input: choices

COLOURS = [{"text": "Red", "value": "r"}, {"text": "Deep Blue", "value": 2}, {"text": "Green"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Red", "r"), ("r", "r"), ("RED!", "r"), ("1", "r"), ("2", 2), ("deep blue", 2), ("dep blue", None),
        ("deep", 2), ("gren", "Green"), ("3)", "Green"), ("4", None), ("0", None), ("yellow", None),
    ],
)  # fmt: skip
def test_a_choice_is_named_numbered_begun_or_misspelt(text: str, value: Any) -> None:
    chat = asking(type="choice", options=COLOURS)
    assert chat.choices == ["Red", "Deep Blue", "Green"]
    chat.say(text)
    assert chat.state.variables.get("v") == value
    assert (chat.entered == ["thanks"]) is (value is not None)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_choice_can_be_clicked(index: int) -> None:
    chat = asking(type="choice", options=COLOURS)
    chat.click("ask", index)
    assert chat.state.variables == {"v": ("r", 2, "Green")[index]}


def test_choices_are_offered_again() -> None:
    chat = asking(type="choice", options=COLOURS)
    chat.say("yellow")
    assert chat.choices == ["Red", "Deep Blue", "Green"]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "Leave out"),
        ({}, "leave out"),
        ({"type": "choice", "options": COLOURS}, "Leave out"),
        ({"type": "choice", "options": COLOURS}, "4"),
        ({"type": "choice", "options": COLOURS}, "leav out"),
        ({"type": "yes_no"}, "3"),
        ({"type": "email"}, "LEAVE OUT"),
    ],
)
def test_a_question_can_be_left_out(config: dict[str, Any], text: str) -> None:
    chat = asking(skip_text="Leave out", **config)
    assert chat.choices[-1] == "Leave out"
    chat.say(text)
    assert (chat.state.variables, chat.entered) == ({"v": None}, ["thanks"])


def test_none_is_a_word_like_any_other() -> None:
    chat = asking(type="choice", options=COLOURS, skip_text="Leave out")
    chat.say("None")
    assert chat.state.variables == {}


def test_leaving_out_by_click() -> None:
    chat = asking(skip_text="Leave out")
    chat.click("ask", 0)
    assert chat.state.variables == {"v": None}


def test_yes_and_no_can_have_titles_of_their_own() -> None:
    chat = asking(type="yes_no", yes_text="Absolutely", no_text="Never")
    assert chat.choices == ["Absolutely", "Never"]
    chat.say("never")
    assert chat.state.variables == {"v": False}


def test_options_of_one_title_are_the_first_when_typed_and_their_own_when_clicked() -> None:
    options = [{"text": "Same", "value": 1}, {"text": "Same", "value": 2}]
    chat = asking(type="choice", options=options)
    chat.click("ask", 1)
    assert chat.state.variables == {"v": 2}


# input: what is said

RULES = {"min_length": 3, "max_length": 5, "pattern": "[a-z]+"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("ab", "longer"), ("abcdef", "general"), ("abc1", "letters"), (" ", "general")],
)
def test_a_reason_has_its_own_message_before_the_general_one(text: str, said: str) -> None:
    messages = {"too_short": "longer", "pattern": "letters"}
    chat = asking(validation=RULES, error_messages=messages, retry_message="general")
    assert chat.say(text) == [said]


def test_the_reason_of_a_wrong_type_is_type() -> None:
    chat = asking(type="integer", error_messages={"type": "digits!"}, validation={"minimum": 5})
    assert chat.say("many") == ["digits!"]
    assert chat.say("3") == ["The number must be at least 5."]


@pytest.mark.parametrize(
    ("type_", "rules", "text", "reason"),
    [
        ("number", {"minimum": 5}, "4", "too_small"),
        ("number", {"maximum": 5}, "6", "too_large"),
        ("text", {"enum": ["a"]}, "b", "not_allowed"),
        ("date", {"earliest": "today"}, "2026-01-13", "too_early"),
        ("date", {"latest": "today+1d"}, "2026-01-16", "too_late"),
        ("text", {"max_length": 2}, "abc", "too_long"),
    ],
)
def test_every_rule_has_its_reason(type_: str, rules: dict[str, Any], text: str, reason: str) -> None:
    chat = asking(type=type_, validation=rules, error_messages={reason: f"it is {reason}"})
    assert chat.say(text) == [f"it is {reason}"]
    assert chat.traced("input") == [f"{reason}; 1 of 2 retries"]


def test_each_attempt_has_its_message_and_the_last_serves_for_all_that_follow() -> None:
    chat = asking(type="email", retry_messages=["one", "two"], retries=3)
    assert [chat.say("x")[0] for _ in range(4)] == ["one", "two", "two", "sorry"]


def test_the_last_retry_leads_to_the_fallback_target() -> None:
    chat = asking(type="email", retries=0, fallback_target="enough")
    assert chat.say("x") == ["enough"]


def test_the_account_says_why_and_never_what() -> None:
    chat = asking(type="email")
    chat.say("my secret words")
    assert "secret" not in repr(chat.trace)


# input: timeouts


def test_no_answer_in_time_has_its_target() -> None:
    chat = asking(timeout=60, timeout_target="late", fallback_target="enough")
    assert chat.due_in == 60
    assert chat.time_out() == ["late"]


@pytest.mark.parametrize(("config", "said"), [({"fallback_target": "enough"}, "enough"), ({}, "sorry")])
def test_no_answer_in_time_is_otherwise_as_the_last_retry(config: dict[str, Any], said: str) -> None:
    assert asking(timeout=60, **config).time_out() == [said]


def test_each_retry_starts_the_timer_anew() -> None:
    chat = asking(type="email", timeout=60)
    chat.say("x")
    assert chat.timers == ["-ask#1", "+ask#2"]


ACTIONS = {
    "help": {"keywords": ["help"], "target": "enough", "conditions": ["1 > 2"], "otherwise_message": "no"}
}


def test_asking_again_after_an_action_keeps_the_timeout_and_the_attempts() -> None:
    chat = asking(type="email", timeout=60, timeout_target="late", actions=ACTIONS)
    chat.say("x")
    assert chat.say("help") == ["no", "Well?"]
    assert chat.state.waiting == Waiting(node="ask", timer="ask#3", attempts=1)
    assert chat.time_out() == ["late"]


def test_without_any_fallback_it_is_asked_for_ever_but_not_into_the_silence() -> None:
    bot = bot_of(node("ask", "input", message="Well?", variable="v", timeout=60, retries=0))
    chat = Chat(bot)
    chat.say("hi")
    assert chat.time_out() == [sentence("retry_text", "en")]
    assert chat.state.waiting == Waiting(node="ask")
    chat.say(" ")
    assert chat.state.waiting == Waiting(node="ask")


@pytest.mark.parametrize(
    "config",
    [
        {"type": "choice"},
        {"type": "text", "options": COLOURS},
        {"retry_message": "a", "retry_messages": ["b"]},
        {"error_messages": {"too_odd": "x"}},
        {"type": "choice", "options": [{"text": "a", "value": [1]}]},
        {"type": "colour"},
        {"skip_text": "{{v}}"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(FlowInvalid):
        asking(**config)


# consent


def consent(*ways: Any, **config: Any) -> Chat:
    text = {"message": "May we write, {{user.first_name}}?", "purpose": "news", "variable": "ok"}
    return chat_of("consent", *ways, customer=Customer(first_name="Ana"), **{**text, **config})


def recorded(chat: Chat) -> list[tuple[str, str, dict[str, Any]]]:
    return [(record.kind, record.name, record.properties) for record in chat.effects_of(Record)]


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        ("yes", True),
        ("Yes", True),
        ("ja", True),
        ("no", False),
        ("No thanks", False),
        ("1", True),  # where nothing can be pressed, the answers stand there with their numbers
        ("2", False),
        ("3", None),
        ("x", None),
    ],
)
def test_only_a_clear_yes_is_a_yes(answer: str, granted: bool | None) -> None:
    chat = consent(granted_target="agreed", refused_target="refused")
    assert chat.choices == [sentence("yes", "en"), sentence("no", "en")]
    chat.say(answer)
    if granted is None:
        assert recorded(chat) == []
        assert chat.state.waiting == Waiting(node="ask", attempts=1)
        return
    proof = {"granted": granted, "text": "May we write, Ana?", "language": "en"}
    assert recorded(chat) == [("consent", "news", proof)]
    assert chat.state.variables == {"ok": granted}
    assert chat.entered == ["agreed" if granted else "refused"]


@pytest.mark.parametrize(("index", "granted"), [(0, True), (1, False)])
def test_consent_by_click(index: int, granted: bool) -> None:
    chat = consent()
    chat.click("ask", index)
    assert recorded(chat)[0][2]["granted"] is granted
    assert chat.entered == ["thanks"]


def test_who_does_not_answer_clearly_has_not_agreed() -> None:
    chat = consent(retries=1, refused_target="refused")
    assert chat.say("what is that?") == ["May we write, Ana?"]
    chat.say("hm")
    assert recorded(chat)[0][2]["granted"] is False
    assert chat.entered == ["refused"]


def test_consent_can_be_given_later_by_the_older_button() -> None:
    chat = consent()
    chat.say("no")
    chat.happen(ChoiceMade(choice=choice_id("ask", 0)))
    assert recorded(chat)[0][2]["granted"] is True
    assert chat.state.variables == {"ok": True}


def test_consent_has_titles_of_its_own() -> None:
    chat = consent(yes_text="I agree", no_text="Leave me alone")
    assert chat.choices == ["I agree", "Leave me alone"]
    chat.say("i AGREE")
    assert chat.state.variables == {"ok": True}


def test_consent_is_asked_again_after_an_action() -> None:
    chat = consent(actions=ACTIONS)
    chat.say("hm")
    assert chat.say("help") == ["no", "May we write, Ana?"]
    assert chat.state.waiting == Waiting(node="ask", attempts=1)


def test_consent_without_a_variable_is_recorded_all_the_same() -> None:
    chat = consent(variable=None)
    chat.say("yes")
    assert recorded(chat)
    assert chat.state.variables == {}


# feedback


def feedback(**config: Any) -> Chat:
    return chat_of("feedback", **{"variable": "rating", "comment_variable": "comment", **config})


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("4", 4), ("4/5", 4), (" 5 ", 5), ("⭐⭐⭐", 3), ("⭐️⭐️", 2), ("three", 3), ("0", None), ("6", None),
        ("4.5", None), ("great", None), ("", None), ("⭐" * 6, None), ("10/5", None),
    ],
)  # fmt: skip
def test_a_rating_as_people_write_it(text: str, rating: int | None) -> None:
    assert read_rating(text, "en") == rating
    chat = feedback()
    chat.say(text)
    if rating is None:
        assert chat.state.waiting == Waiting(node="ask", attempts=1)
        assert recorded(chat) == []
    else:
        assert recorded(chat) == [("feedback", "ask", {"rating": rating})]
        assert chat.state.variables == {"rating": rating}
        assert chat.entered == ["thanks"]


@pytest.mark.parametrize("index", range(5))
def test_a_rating_by_click(index: int) -> None:
    chat = feedback(labels=["--", "-", "o", "+", "++"], name="support")
    assert chat.choices == ["--", "-", "o", "+", "++"]
    chat.click("ask", index)
    assert recorded(chat) == [("feedback", "support", {"rating": index + 1})]


def test_who_gives_no_rating_is_asked_again_and_then_left_alone() -> None:
    chat = feedback(retries=1)
    assert chat.say("great") == ["Well?"]
    assert chat.say("great") == ["thanks"]
    assert recorded(chat) == []


def commenting() -> Chat:
    chat = feedback(comment_message="Why?", skip_text="No comment")
    chat.click("ask", 3)
    return chat


def test_the_rating_is_on_record_before_the_comment_is_asked_for() -> None:
    chat = commenting()
    assert chat.said == ["Why?"]
    assert chat.choices == ["No comment"]
    assert recorded(chat) == [("feedback", "ask", {"rating": 4})]


def test_a_comment_is_a_record_of_its_own() -> None:
    chat = commenting()
    assert chat.say("  Fast and friendly ") == ["thanks"]
    assert recorded(chat) == [("feedback", "ask", {"rated": 4, "comment": "Fast and friendly"})]
    assert chat.state.variables == {"rating": 4, "comment": "Fast and friendly"}


@pytest.mark.parametrize("typed", [True, False])
def test_a_comment_can_be_left_out(typed: bool) -> None:
    chat = commenting()
    if typed:
        chat.say("no comment")
    else:
        chat.click("ask", 5)
    assert (chat.entered, recorded(chat)) == (["thanks"], [])
    assert chat.state.variables == {"rating": 4}


@pytest.mark.parametrize("text", ["5", "four", "⭐⭐"])
def test_a_number_is_a_comment_when_a_comment_was_asked_for(text: str) -> None:
    chat = commenting()
    chat.say(text)
    assert recorded(chat) == [("feedback", "ask", {"rated": 4, "comment": text})]


def test_an_older_rating_button_counts_while_the_comment_is_awaited() -> None:
    chat = commenting()
    assert chat.click("ask", 0) == ["Why?"]
    assert recorded(chat) == [("feedback", "ask", {"rating": 1})]
    chat.say("sorry")
    assert recorded(chat) == [("feedback", "ask", {"rated": 1, "comment": "sorry"})]


def test_the_skip_of_an_older_question_just_goes_on() -> None:
    chat = commenting()
    chat.say("fine")
    assert chat.click("ask", 5) == ["thanks"]
    assert recorded(chat) == []


def test_skipping_is_no_rating() -> None:
    chat = feedback(comment_message="Why?", skip_text="No comment")
    chat.say("No comment")
    assert chat.state.waiting == Waiting(node="ask", attempts=1)


def test_a_comment_is_bounded_and_may_be_empty() -> None:
    chat = commenting()
    chat.say("x" * 3_000)
    assert len(chat.state.variables["comment"]) == MAX_COMMENT
    chat = commenting()
    chat.happen(MediaReceived(kind="image", file="f"))
    assert (chat.entered, recorded(chat)) == (["thanks"], [])


def test_the_open_question_is_asked_again_after_an_action() -> None:
    chat = feedback(comment_message="Why?", actions=ACTIONS)
    assert chat.say("help") == ["no", "Well?"]
    chat.say("3")
    assert chat.say("help") == ["no", "Why?"]
    chat.say("because")
    assert recorded(chat) == [("feedback", "ask", {"rated": 3, "comment": "because"})]


def test_a_feedback_of_the_flows_before_keeps_its_rating_over_a_reload() -> None:
    chat = feedback(comment_message="Why?")
    waiting = Waiting(node="ask", stage="comment 2")
    chat.state = ConversationState(flow="test", node="ask", waiting=waiting)
    chat.say("because")
    assert recorded(chat)[0][2]["rated"] == 2
