"""Albums: gathered until no more pieces come, bounded, and read as one; what happens to them meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import structs

from engine.events import (
    AlbumReceived,
    ChoiceMade,
    Context,
    LocationReceived,
    MediaReceived,
    ReactionReceived,
    TextReceived,
)
from engine.gathering import MAX_PIECES
from engine.nodes.base import choice_id
from engine.state import ConversationState
from engine.turn import MAX_HELD
from tests.conversations.chat import Chat, bot_of, message, node

HUMAN = {"keywords": ["human"], "target": "person"}


def piece(number: int = 1, album: str = "a", caption: str = "", kind: Any = "image") -> MediaReceived:
    return MediaReceived(
        kind=kind, file=f"f{number}", album=album, caption=caption, media=f"m{number}", url=f"u{number}"
    )


def asking(settings: dict[str, Any] | None = None, **config: Any) -> Chat:
    chat = Chat(bot_of(
        node("ask", "input", "got", message="Photos?", type="file", variable="v", **config),
        message("got", message="{{v | json}}"),
        node("person", "human_handoff", message="person"),
        global_settings=settings or {}, global_actions={"human": HUMAN},
    ))  # fmt: skip
    chat.say("hello")
    return chat


def files(chat: Chat) -> list[str]:
    kept = chat.state.variables["v"]
    return [file["file"] for file in (kept if isinstance(kept, list) else [kept])]


def test_the_pieces_of_an_album_are_one_answer() -> None:
    chat = asking(multiple=True)
    for number in (1, 2, 3):
        assert chat.happen(piece(number)) == []
    chat.album_over()
    assert files(chat) == ["f1", "f2", "f3"]
    assert chat.state.variables["v"][0] == {
        "kind": "image", "file": "f1", "name": "", "mime_type": "", "size": None, "caption": "", "media": "m1",
        "url": "u1",
    }  # fmt: skip
    assert (chat.state.album, chat.state.origin) == (None, None)
    assert chat.state.history == 4


def test_without_multiple_it_is_the_first_that_will_do() -> None:
    chat = asking(accept=["video"])
    chat.happen(piece(1))
    chat.happen(piece(2, kind="video"))
    chat.album_over()
    assert files(chat) == ["f2"]
    assert isinstance(chat.state.variables["v"], dict)


def test_with_multiple_those_that_will_not_do_are_left_out() -> None:
    chat = asking(accept=["image"], multiple=True)
    chat.happen(piece(1))
    chat.happen(piece(2, kind="video"))
    chat.album_over()
    assert files(chat) == ["f1"]


def test_an_album_of_nothing_that_will_do_is_asked_for_again() -> None:
    chat = asking(accept=["audio"])
    chat.happen(piece(1))
    assert chat.album_over() == ["Please send a file, such as a photo or a document."]


def test_an_album_in_one_piece_is_read_at_once() -> None:
    chat = asking(multiple=True)
    chat.happen(AlbumReceived(items=(piece(1), piece(2)), caption="look"))
    assert files(chat) == ["f1", "f2"]


def test_one_piece_alone_is_what_it_was() -> None:
    chat = Chat(bot_of(message("m", message="{{event.type}}")))
    chat.happen(piece(1))
    assert chat.album_over() == ["media_received"]


def test_several_are_an_album_with_their_captions() -> None:
    chat = Chat(bot_of(message("m", message="{{event.type}}: {{message}} ({{event.items | length}})")))
    for number, caption in enumerate(("one", "", "two")):
        chat.happen(piece(number, caption=caption))
    assert chat.album_over() == ["album_received: one\ntwo (3)"]


def test_a_file_that_belongs_to_no_album_is_read_at_once_and_so_is_every_piece_without_a_window() -> None:
    chat = asking()
    assert chat.happen(piece(album="")) != []
    chat = asking({"album_window": 0})
    assert chat.happen(piece(1)) != []


def test_each_piece_prolongs_the_wait_ten_seconds_at_most() -> None:
    chat = asking({"album_window": 3_000})
    chat.happen(piece(1))
    assert chat.due_in == 3.0
    for number in range(2, 6):
        chat.wait(2)
        chat.happen(piece(number))
        (timer,) = [name for name in chat.timers if name.startswith("+")]
        assert timer == f"+album#{number}"
    assert chat.due_in == 2.0, "8 s have passed since the first one"


def test_a_timer_of_an_earlier_piece_reads_nothing() -> None:
    chat = asking()
    chat.happen(piece(1))
    first = chat.state.album
    chat.happen(piece(2))
    second = chat.state.album
    assert first is not None
    assert second is not None
    assert (chat.timers, first.timer) == ([f"-{first.timer}", f"+{second.timer}"], "album#1")


def test_an_album_is_bounded() -> None:
    chat = asking(multiple=True)
    for number in range(MAX_PIECES + 5):
        chat.happen(structs.replace(piece(number, caption="c" * 3_000), name="n" * 9_000))
    assert len(msgspec.json.encode(chat.state)) < 40_000
    chat.album_over()
    assert len(files(chat)) == MAX_PIECES
    assert sum(len(file["caption"]) for file in chat.state.variables["v"]) == MAX_HELD


def test_another_album_that_comes_meanwhile_belongs_to_it() -> None:
    chat = asking(multiple=True)
    for album in ("a", "b", ""):
        chat.happen(piece(album=album))
    chat.album_over()
    assert len(files(chat)) == 3


def test_what_is_written_meanwhile_is_read_with_it() -> None:
    chat = Chat(bot_of(message("m", message="{{message}}")))
    chat.happen(piece(1, caption="look"))
    assert chat.say("at these") == []
    assert chat.album_over() == ["at these\nlook"]


@pytest.mark.parametrize("burst_first", [True, False])
def test_a_burst_and_an_album_are_one(burst_first: bool) -> None:
    chat = Chat(bot_of(message("m", message="{{message}}"), global_settings={"burst_window": 1_000}))
    chat.say("look")
    chat.happen(piece(1))
    if burst_first:
        assert chat.burst_over() == []
    assert chat.album_over() == ["look"]
    assert (chat.state.burst, chat.state.held) == ("", "")


def test_a_keyword_in_the_caption_works() -> None:
    chat = asking()
    chat.happen(piece(1, caption="human"))
    assert chat.happen(piece(2)) == []
    assert chat.album_over() == ["person"]


@pytest.mark.parametrize("overtakes", [TextReceived(text="human"), ChoiceMade(choice=choice_id("menu", 0))])
def test_a_keyword_or_a_button_overtakes_it(overtakes: Any) -> None:
    chat = Chat(bot_of(
        node("menu", "quick_reply", message="?", options=[{"text": "Yes", "target": "person"}]),
        node("person", "human_handoff", message="person"), global_actions={"human": HUMAN},
    ))  # fmt: skip
    chat.say("hello")
    chat.happen(piece(1))
    assert chat.state.album is not None
    timer = chat.state.album.timer
    assert chat.happen(overtakes) == ["person"]
    assert f"-{timer}" in chat.timers
    state = chat.state
    assert state.album is None


def test_what_has_no_words_does_not_end_the_wait() -> None:
    chat = Chat(bot_of(node("ask", "input", "got", message="?", type="file", variable="v"), message("got"),
                       node("glad", "message", message="glad"),
                       global_actions={"g": {"events": ["reaction"], "target": "glad"}}))  # fmt: skip
    chat.say("hello")
    chat.happen(piece(1))
    assert chat.happen(ReactionReceived(emoji=("👍",), message="1")) == ["glad"]
    assert chat.happen(LocationReceived(latitude=1, longitude=2)) == [
        "Please send a file, such as a photo or a document."
    ]
    assert chat.album_over() == ["got"]


def test_during_a_call_only_the_words_are_kept() -> None:
    chat = Chat(
        bot_of(
            node("h", "http", "m", url="https://e.example"),
            node("m", "knowledge", "x", query="{{message}}"),
            message("x"),
        )
    )
    chat.say("hello")
    assert chat.happen(piece(1)) == []
    assert chat.traced("ignored") == ["a call is running"]
    chat.happen(piece(2, caption="look"))
    assert (chat.state.album, chat.state.held) == (None, "look")


def test_a_call_that_began_meanwhile_keeps_the_words() -> None:
    chat = Chat(bot_of(
        node("ask", "input", "h", message="?", type="location", variable="v"),
        node("h", "http", "m", url="https://e.example"), message("m", message="{{message}}"),
    ))  # fmt: skip
    chat.say("hello")
    chat.happen(piece(1, caption="look"))
    chat.happen(LocationReceived(latitude=1, longitude=2))
    assert chat.album_over() == []
    assert chat.finish(status=200) == ["look"]


def test_a_human_who_took_over_gets_what_was_gathered() -> None:
    chat = asking()
    chat.happen(piece(1))
    chat.state = structs.replace(chat.state, control="human")
    assert chat.album_over() == []
    assert (chat.state.album, chat.traced("ignored")) == (None, ["a human answers"])


def test_while_a_human_answers_nothing_is_gathered() -> None:
    chat = asking()
    chat.state = structs.replace(chat.state, control="human")
    assert chat.happen(piece(1)) == []
    assert chat.state.album is None


def test_an_opt_out_word_as_caption_opts_out() -> None:
    chat = asking({"opt_out": {}})
    chat.happen(piece(1, caption="stop"))
    assert chat.album_over() == ["You will not receive any more messages from us."]


def test_the_silence_before_it_counts_for_the_session() -> None:
    chat = asking({"timeout": 60})
    chat.wait(59)
    chat.happen(piece(1))
    chat.wait(5)
    chat.happen(piece(2))
    chat.wait(1)
    chat.album_over()
    assert chat.traced("start") == []
    chat = asking({"timeout": 60})
    chat.wait(61)
    chat.happen(piece(1))
    chat.album_over()
    assert chat.traced("start") == ["silent for more than 60 s"]


def test_the_timer_of_a_question_waits_for_the_album() -> None:
    chat = asking(timeout=30)
    waiting = chat.state.waiting
    assert waiting is not None
    chat.happen(piece(1))
    assert chat.time_out() == []
    assert chat.traced("postponed") == ["the customer is writing"]
    chat.album_over()
    assert files(chat) == ["f1"]


def test_it_is_known_which_message_it_was() -> None:
    chat = Chat(bot_of(node("r", "react", emoji="👀")))
    chat.happen(piece(1), message="17")
    chat.happen(piece(2), message="18")
    chat.album_over()
    reaction = chat.sends[0].message.reaction
    assert reaction is not None
    assert reaction.message == "18"


def test_where_it_came_from_is_bounded() -> None:
    chat = asking()
    chat.happen(piece(1), message="17", context=Context(quote="q" * 9_000, forwarded=True))
    assert chat.state.origin is not None
    assert chat.state.origin.context is not None
    assert (len(chat.state.origin.context.quote), chat.state.origin.context.forwarded) == (1_000, True)


def test_a_state_that_knew_no_albums_is_read() -> None:
    old = (
        b'{"schema":1,"flow":"f","node":"ask","waiting":{"node":"ask","timer":"ask#1"},"timers":1,"turns":3}'
    )
    state = msgspec.json.decode(old, type=ConversationState)
    assert (state.album, state.origin, state.echoed, state.turns) == (None, None, False, 3)
