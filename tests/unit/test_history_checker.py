"""The checker of the chaos runs: a correct history passes, and each guarantee broken on purpose is named."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from tests.chaos.check_calls import RESULT
from tests.chaos.checker import Fault, check
from tests.chaos.flow import Kind, later_replies, name, replies
from tests.chaos.history import (
    Arrival,
    Conversation,
    Disturbance,
    Effect,
    Event,
    Frame,
    History,
    Inbox,
    Message,
    Request,
    StatusChange,
)

KINDS: tuple[Kind, ...] = ("echo", "echo", "timer", "doubtful", "echo", "call", "aside")
CHATS = ("t1", "t2", "w1")
KILL_AT = 101.05
"""Between the first chat's first reply, which arrives at 101.0, and its second."""
CALLED_AT = 151.2
"""When the integration hears of each chat's call."""


class _Run:
    """A correct run, second by second: each chat's event is offered, accepted, turned and answered."""

    def __init__(self) -> None:
        self.history = History(
            disturbances=[Disturbance(trouble="kill", what="worker", start=KILL_AT, end=KILL_AT)]
        )
        self.seq = 0
        self.turns = 0

    def chat(self, chat: str) -> None:
        self.seq = self.turns = 0
        now = 100.0
        for ordinal, kind in enumerate(KINDS, 1):
            event = name(chat, ordinal, kind)
            self._accept(chat, event, ordinal, kind, now)
            if kind == "aside":
                self._result(chat, name(chat, ordinal - 1, "call"), now + 1.5)
            self._answer(chat, replies(event, kind), now + (2 if kind == "aside" else 1))
            if kind == "timer":
                self._turn(chat, f"timer:{event}")
                self._answer(chat, later_replies(event, kind), now + 2)
            now += 0.5 if kind == "call" else 10
        self.history.conversations.append(
            Conversation(id=f"of-{chat}", chat=chat, state_version=self.turns, message_count=self.seq)
        )

    def _result(self, chat: str, event: str, now: float) -> None:
        """The call of an event is made and answered, and its result is taken."""
        self.history.requests.append(Request(key=event, event=event, at=CALLED_AT, seconds=0.5))
        self._turn(chat, f"{RESULT}{event}")
        self._answer(chat, later_replies(event, "call"), now)

    def _turn(self, chat: str, external_id: str) -> None:
        self.turns += 1
        self.history.inbox.append(
            Inbox(id=f"i-{external_id}", external_id=external_id, conversation=f"of-{chat}", status="done")
        )

    def _accept(self, chat: str, event: str, ordinal: int, kind: Kind, now: float) -> None:
        self.history.events.append(
            Event(
                name=event, chat=chat, ordinal=ordinal, kind=kind, external_id=f"x-{event}",
                offered_at=now, acknowledged_at=now + 0.1,
            )
        )  # fmt: skip
        self._turn(chat, f"x-{event}")
        self._message(chat, "customer", event, "received")
        if chat.startswith("w"):
            self._frame(chat, "ack", event, now)

    def _answer(self, chat: str, texts: tuple[str, ...], now: float) -> None:
        for place, text in enumerate(texts):
            at = now + place / 10
            self._message(chat, "bot", text, "sent")
            self.history.statuses.append(
                StatusChange(message=f"{chat}-{self.seq}", before="queued", after="sent")
            )
            if chat.startswith("w"):
                self._frame(chat, "message", text, at)
            else:
                self.history.arrivals.append(Arrival(chat=chat, text=text, at=at))

    def _message(self, chat: str, sender: str, text: str, status: str) -> None:
        self.seq += 1
        self.history.messages.append(
            Message(
                id=f"{chat}-{self.seq}", conversation=f"of-{chat}", seq=self.seq, sender=sender, text=text,
                status=status,
            )
        )  # fmt: skip

    def _frame(self, chat: str, what: str, text: str, at: float) -> None:
        frame = {
            "chat": chat,
            "connection": 1,
            "since": 0,
            "what": what,
            "seq": self.seq,
            "text": text,
            "at": at,
        }
        self.history.frames.append(msgspec.convert(frame, Frame))


@pytest.fixture
def history() -> History:
    """A correct history of two Telegram chats and a widget, with a kill in it."""
    run = _Run()
    for chat in CHATS:
        run.chat(chat)
    return run.history


def _faults(history: History) -> set[Fault]:
    return {violation.fault for violation in check(history).violations}


def _arrival(history: History, text: str) -> int:
    return next(index for index, arrival in enumerate(history.arrivals) if arrival.text == text)


def _message(history: History, text: str) -> int:
    return next(index for index, message in enumerate(history.messages) if message.text == text)


def test_a_correct_history_breaks_nothing(history: History) -> None:
    report = check(history)

    assert report.violations == []
    assert (report.events, report.accepted, report.kills) == (len(KINDS) * len(CHATS), 21, 1)
    assert (report.calls, report.repeated_calls, report.held) == (3, 0, 3)


def test_a_history_survives_being_stored(history: History) -> None:
    stored = msgspec.json.encode(history)

    assert msgspec.json.decode(stored, type=History) == history


def _lose_from_the_inbox(history: History) -> None:
    history.inbox = [row for row in history.inbox if row.external_id != "x-t1e2"]


def _never_accept(history: History) -> None:
    history.events[1].acknowledged_at = None


def _park(history: History) -> None:
    history.inbox[1] = msgspec.structs.replace(history.inbox[1], status="parked")


def _lose_the_turn(history: History) -> None:
    _forget(history, ("t1e2", "echo t1e2", "after t1e2"))


def _turn_twice(history: History) -> None:
    """The same event twice in the transcript, with other keys: what dedupe is there to prevent."""
    again = [
        msgspec.structs.replace(message, seq=message.seq + 100)
        for message in history.messages
        if message.text.endswith("t1e2")
    ]
    history.messages += again


def _advance_the_version(history: History) -> None:
    conversation = history.conversations[0]
    history.conversations[0] = msgspec.structs.replace(
        conversation, state_version=conversation.state_version + 1
    )


def _decide_a_reply_twice(history: History) -> None:
    message = history.messages[_message(history, "after t2e1")]
    history.messages.append(msgspec.structs.replace(message, id="again", seq=99))


def _lose_a_reply(history: History) -> None:
    del history.messages[_message(history, "after t1e2")]


def _lose_a_send(history: History) -> None:
    del history.arrivals[_arrival(history, "after t1e2")]


def _swap_sends(history: History) -> None:
    one, other = _arrival(history, "echo t1e2"), _arrival(history, "after t1e2")
    arrivals = history.arrivals
    arrivals[one], arrivals[other] = arrivals[other], arrivals[one]


def _swap_turns(history: History) -> None:
    """Accepted in another order than offered, although each was acknowledged before the next was offered."""
    history.events[0].offered_at += 15
    history.events[0].acknowledged_at = 115.1


def _swap_messages(history: History) -> None:
    _swap(history, "echo t2e2", "after t2e2")


def _swap(history: History, text: str, other_text: str) -> None:
    one, other = _message(history, text), _message(history, other_text)
    first, second = history.messages[one], history.messages[other]
    history.messages[one] = msgspec.structs.replace(first, text=second.text)
    history.messages[other] = msgspec.structs.replace(second, text=first.text)


def _repeat_a_send_without_reason(history: History) -> None:
    index = _arrival(history, "echo t2e2")
    arrival = history.arrivals[index]
    history.arrivals.insert(index + 1, msgspec.structs.replace(arrival, at=arrival.at + 0.05))


def _repeat_a_send_before_the_kill(history: History) -> None:
    """Both arrivals lie before it, so the kill is no excuse."""
    arrival = history.arrivals[0]
    history.disturbances[0] = Disturbance(trouble="kill", what="worker", start=102.0, end=102.0)
    history.arrivals.insert(1, msgspec.structs.replace(arrival, at=arrival.at + 0.05))


def _repeat_a_send_twice_for_one_kill(history: History) -> None:
    arrival = history.arrivals[0]
    for place in (1, 2):
        at = KILL_AT + place / 100
        history.arrivals.insert(place, msgspec.structs.replace(arrival, at=at))


def _repeat_a_send_after_the_next(history: History) -> None:
    """Killed in flight, repeated, but only after the conversation's next message: out of order."""
    arrival = history.arrivals[0]
    history.arrivals.insert(2, msgspec.structs.replace(arrival, at=101.2))


def _invent_a_send(history: History) -> None:
    history.arrivals.append(Arrival(chat="t1", text="echo t1e99", at=150.0))


def _skip_a_number(history: History) -> None:
    index = _message(history, "after t1e5")
    history.messages[index] = msgspec.structs.replace(history.messages[index], seq=99)


def _miscount(history: History) -> None:
    conversation = history.conversations[1]
    history.conversations[1] = msgspec.structs.replace(conversation, message_count=99)


def _hide_from_the_widget(history: History) -> None:
    history.frames = [frame for frame in history.frames if frame.text != "after w1e5"]


def _skip_on_the_wire(history: History) -> None:
    """The widget gets a message late, on its next connection, after the one that follows."""
    index = next(index for index, frame in enumerate(history.frames) if frame.text == "echo w1e2")
    frame = history.frames.pop(index)
    history.frames.append(msgspec.structs.replace(frame, connection=2, since=4))


def _push_out_of_order(history: History) -> None:
    index = next(index for index, frame in enumerate(history.frames) if frame.text == "echo w1e2")
    history.frames[index], history.frames[index + 1] = history.frames[index + 1], history.frames[index]


def _push_again_unasked(history: History) -> None:
    history.frames += [frame for frame in history.frames if frame.what == "message"]


def _tell_the_widget_something_else(history: History) -> None:
    history.frames[-1] = msgspec.structs.replace(history.frames[-1], text="echo w1e99")


def _let_a_status_fall(history: History) -> None:
    history.statuses.append(StatusChange(message="w1-2", before="read", after="delivered"))


def _clear_a_failure(history: History) -> None:
    history.statuses.append(StatusChange(message="t1-2", before="failed", after="sent"))


def _leave_an_effect(history: History) -> None:
    history.effects.append(Effect(id="e", conversation="of-t1", lane="delivery", status="pending"))


def _leave_a_message_queued(history: History) -> None:
    index = _message(history, "after t1e5")
    history.messages[index] = msgspec.structs.replace(history.messages[index], status="queued")


def _fire_twice(history: History) -> None:
    message = history.messages[_message(history, "late t1e3t")]
    history.messages.append(msgspec.structs.replace(message, id="again", seq=99))


def _never_fire(history: History) -> None:
    gone = set(later_replies("t1e3t", "timer"))
    history.messages = [message for message in history.messages if message.text not in gone]


def _split(history: History) -> None:
    history.conversations.append(Conversation(id="other", chat="t1", state_version=0, message_count=0))


def _answer_wrongly(history: History) -> None:
    history.answers[500] = 1


def _lose_a_call(history: History) -> None:
    del history.requests[0]


def _call_before_the_turn(history: History) -> None:
    """The call left, and what decided it was rolled back."""
    history.requests.append(Request(key="k", event="t1e99c", at=CALLED_AT, seconds=0.5))


def _call_for_an_echo(history: History) -> None:
    history.requests.append(Request(key="k", event="t1e1", at=CALLED_AT, seconds=0.5))


def _call_under_another_key(history: History) -> None:
    _kill_during_the_call(history)
    _call_again(history, after=0.2, key="another")


def _call_under_no_key(history: History) -> None:
    history.requests[0] = msgspec.structs.replace(history.requests[0], key="")


def _call_again_without_reason(history: History) -> None:
    _call_again(history, after=0.2)


def _call_again_before_the_kill(history: History) -> None:
    """Both requests lie before it, so the kill is no excuse."""
    _call_again(history, after=0.2)
    _kill_during_the_call(history, after=0.3)


def _call_again_long_after_the_result(history: History) -> None:
    """The kill came when the result had long had its turn."""
    _kill_during_the_call(history, after=5.0)
    _call_again(history, after=6.0)


def _call_again_twice_for_one_kill(history: History) -> None:
    _kill_during_the_call(history)
    _call_again(history, after=0.2)
    _call_again(history, after=0.3)


def _lose_a_result(history: History) -> None:
    """The integration has answered, and no turn heard of it."""
    history.inbox = [row for row in history.inbox if row.external_id != f"{RESULT}t1e6c"]
    _forget(history, later_replies("t1e6c", "call"))


def _fail_a_call_that_was_answered(history: History) -> None:
    index = _message(history, "got t1e6c")
    history.messages[index] = msgspec.structs.replace(history.messages[index], text="failed t1e6c")


def _take_a_result_twice(history: History) -> None:
    message = history.messages[_message(history, "got t1e6c")]
    history.messages.append(msgspec.structs.replace(message, id="again", seq=99))


def _take_anothers_result(history: History) -> None:
    """Two calls under way at the same time, and each conversation hears the other's result."""
    _swap(history, "got t1e6c", "got t2e6c")


def _answer_an_aside_before_the_result(history: History) -> None:
    _swap(history, "got t2e6c", "echo t2e7a")
    _swap(history, "after t2e6c", "after t2e7a")


def _never_answer_an_aside(history: History) -> None:
    """What was said during the call was held, and never heard."""
    _forget(history, replies("t1e7a", "aside"))


def _kill_during_the_call(history: History, after: float = 0.1) -> None:
    at = CALLED_AT + after
    history.disturbances.append(Disturbance(trouble="kill", what="worker", start=at, end=at))


def _call_again(history: History, *, after: float, key: str | None = None) -> None:
    request = history.requests[0]
    again = msgspec.structs.replace(request, at=request.at + after, key=request.key if key is None else key)
    history.requests.append(again)


def _forget(history: History, texts: tuple[str, ...]) -> None:
    history.messages = [message for message in history.messages if message.text not in texts]
    history.arrivals = [arrival for arrival in history.arrivals if arrival.text not in texts]


BREACHES: list[tuple[Callable[[History], None], Fault]] = [
    (_lose_from_the_inbox, Fault.EVENT_LOST),
    (_lose_the_turn, Fault.EVENT_LOST),
    (_never_accept, Fault.NOT_ACCEPTED),
    (_park, Fault.EVENT_PARKED),
    (_turn_twice, Fault.DOUBLE_TURN),
    (_advance_the_version, Fault.DOUBLE_TURN),
    (_decide_a_reply_twice, Fault.DOUBLE_TURN),
    (_lose_a_reply, Fault.REPLY_LOST),
    (_lose_a_send, Fault.REPLY_LOST),
    (_swap_sends, Fault.ORDER_BREAK),
    (_swap_turns, Fault.ORDER_BREAK),
    (_swap_messages, Fault.ORDER_BREAK),
    (_repeat_a_send_without_reason, Fault.DUPLICATE_SEND),
    (_repeat_a_send_before_the_kill, Fault.DUPLICATE_SEND),
    (_repeat_a_send_twice_for_one_kill, Fault.DUPLICATE_SEND),
    (_repeat_a_send_after_the_next, Fault.DUPLICATE_SEND),
    (_invent_a_send, Fault.SEND_WITHOUT_TURN),
    (_skip_a_number, Fault.SEQUENCE_GAP),
    (_miscount, Fault.SEQUENCE_GAP),
    (_hide_from_the_widget, Fault.SEQUENCE_GAP),
    (_skip_on_the_wire, Fault.SEQUENCE_GAP),
    (_push_out_of_order, Fault.ORDER_BREAK),
    (_push_again_unasked, Fault.ORDER_BREAK),
    (_tell_the_widget_something_else, Fault.SEND_WITHOUT_TURN),
    (_let_a_status_fall, Fault.STATUS_FELL),
    (_clear_a_failure, Fault.STATUS_FELL),
    (_leave_an_effect, Fault.EFFECT_LEFT),
    (_leave_a_message_queued, Fault.EFFECT_LEFT),
    (_fire_twice, Fault.TIMER_TWICE),
    (_never_fire, Fault.TIMER_NEVER),
    (_lose_a_call, Fault.CALL_LOST),
    (_call_before_the_turn, Fault.CALL_WITHOUT_TURN),
    (_call_for_an_echo, Fault.CALL_WITHOUT_TURN),
    (_call_under_another_key, Fault.CALL_REKEYED),
    (_call_under_no_key, Fault.CALL_REKEYED),
    (_call_again_without_reason, Fault.DUPLICATE_CALL),
    (_call_again_before_the_kill, Fault.DUPLICATE_CALL),
    (_call_again_long_after_the_result, Fault.DUPLICATE_CALL),
    (_call_again_twice_for_one_kill, Fault.DUPLICATE_CALL),
    (_lose_a_result, Fault.RESULT_LOST),
    (_fail_a_call_that_was_answered, Fault.RESULT_LOST),
    (_take_a_result_twice, Fault.RESULT_TWICE),
    (_take_anothers_result, Fault.ORDER_BREAK),
    (_answer_an_aside_before_the_result, Fault.ORDER_BREAK),
    (_never_answer_an_aside, Fault.REPLY_LOST),
    (_split, Fault.CONVERSATION_SPLIT),
    (_answer_wrongly, Fault.WRONG_ANSWER),
]


@pytest.mark.parametrize(("breach", "fault"), BREACHES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_breach_is_named(history: History, breach: Callable[[History], None], fault: Fault) -> None:
    breach(history)

    assert fault in _faults(history)


def test_every_fault_is_provoked_by_some_breach() -> None:
    assert {fault for _, fault in BREACHES} == set(Fault)


def test_a_send_in_flight_at_a_kill_may_arrive_twice(history: History) -> None:
    arrival = history.arrivals[0]
    history.arrivals.insert(1, msgspec.structs.replace(arrival, at=KILL_AT + 0.01))

    report = check(history)

    assert (report.violations, report.duplicates) == ([], 1)


def test_a_call_in_flight_at_a_kill_may_be_made_twice(history: History) -> None:
    _kill_during_the_call(history)
    _call_again(history, after=5.0)

    report = check(history)

    assert (report.violations, report.calls, report.repeated_calls) == ([], 4, 1)


def test_each_kill_in_flight_excuses_one_more_request(history: History) -> None:
    for after in (0.1, 5.1):
        _kill_during_the_call(history, after)
    _call_again(history, after=5.0)
    _call_again(history, after=10.0)

    report = check(history)

    assert (report.violations, report.repeated_calls) == ([], 2)


def test_a_widget_that_asks_again_may_be_told_twice(history: History) -> None:
    """Even if it has not come any further since it connected."""
    again = [msgspec.structs.replace(frame, resumes=1) for frame in history.frames if frame.what == "message"]
    history.frames += again

    assert check(history).violations == []


def test_a_paused_worker_may_repeat_a_send_late(history: History) -> None:
    history.disturbances = [Disturbance(trouble="pause", what="worker", start=101.0, end=109.0)]
    history.arrivals.insert(2, msgspec.structs.replace(history.arrivals[0], at=109.0))

    report = check(history)

    assert (report.violations, report.duplicates) == ([], 1)


def test_an_outage_excuses_one_repeat_of_each_conversation(history: History) -> None:
    history.disturbances = [Disturbance(trouble="outage", what="PostgreSQL", start=100.9, end=103.0)]
    again = [
        msgspec.structs.replace(arrival, at=arrival.at + 0.04)
        for arrival in history.arrivals
        if arrival.text in ("echo t1e1", "echo t2e1")
    ]
    history.arrivals = sorted((*history.arrivals, *again), key=lambda arrival: arrival.at)

    report = check(history)

    assert (report.violations, report.duplicates) == ([], 2)


def test_a_doubtful_timer_may_fire(history: History) -> None:
    """The customer wrote again too late to stop it: both ways are right."""
    texts = later_replies("t1e4x", "doubtful")
    behind = _message(history, "ask t1e4x")
    last = next(message for message in reversed(history.messages) if message.conversation == "of-t1")
    fired = [
        Message(id=text, conversation="of-t1", seq=history.messages[behind].seq + place, sender="bot",
                text=text, status="sent")
        for place, text in enumerate(texts, 1)
    ]  # fmt: skip
    history.messages = [
        msgspec.structs.replace(message, seq=message.seq + 2)
        if message.conversation == "of-t1" and message.seq > history.messages[behind].seq
        else message
        for message in history.messages
    ]
    history.messages += fired
    history.arrivals += [Arrival(chat="t1", text=text, at=132.0 + place) for place, text in enumerate(texts)]
    history.arrivals.sort(key=lambda arrival: arrival.at)
    history.inbox.append(Inbox(id="i", external_id="timer:x", conversation="of-t1", status="done"))
    first = history.conversations[0]
    history.conversations[0] = msgspec.structs.replace(
        first, state_version=first.state_version + 1, message_count=last.seq + 2
    )

    assert check(history).violations == []
